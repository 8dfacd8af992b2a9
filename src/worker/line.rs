//! The line of publishes that wait for an answer: a window, stopped at the first failure. Pure.
//!
//! Order survives a failure only if nothing is sent behind it: the line stops, waits until what is under way has been
//! answered, and sends again from the first message that is not stored, in order. Every such restart is a new
//! *generation*, named in the reply subjects, so that a late answer is never booked to the wrong message.

use std::collections::VecDeque;

/// Names one publish under way: its place in the window and the generation that it was sent in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket {
    /// Counts the restarts of the line.
    pub generation: u32,
    /// Place in the window, 0 … window − 1. Used again only after its own answer.
    pub slot: u32,
}

/// The messages under way, from the first that is not stored on.
#[derive(Debug)]
pub struct Line<M> {
    window: usize,
    generation: u32,
    /// Number of the first entry, counted over all messages ever sent.
    first: u64,
    entries: VecDeque<Entry<M>>,
    stopped: bool,
}

#[derive(Debug)]
enum Entry<M> {
    /// Sent in this generation, no answer yet.
    Waiting(M),
    /// Answered in this generation with a refusal.
    Refused(M),
    /// Stored; it holds its place until those before it are stored, too.
    Stored,
}

impl<M> Entry<M> {
    fn is_stored(&self) -> bool {
        matches!(self, Self::Stored)
    }
}

impl<M> Line<M> {
    /// An empty line of at most `window` messages.
    #[must_use]
    pub fn new(window: u16) -> Self {
        let window = usize::from(window.max(1));
        Self { window, generation: 0, first: 0, entries: VecDeque::with_capacity(window), stopped: false }
    }

    /// Whether another message may be sent.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.stopped && self.entries.len() < self.window
    }

    /// Whether nothing is under way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Messages that are not known to be stored.
    #[must_use]
    pub fn unsettled(&self) -> usize {
        self.entries.iter().filter(|entry| !entry.is_stored()).count()
    }

    /// The generation that is sent in now.
    #[must_use]
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Whether the line has stopped after a failure.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether every message sent in this generation has been answered.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        !self.entries.iter().any(|entry| matches!(entry, Entry::Waiting(_)))
    }

    /// The first message that waits for an answer.
    #[must_use]
    pub fn first_waiting(&self) -> Option<&M> {
        self.entries.iter().find_map(|entry| match entry {
            Entry::Waiting(message) => Some(message),
            _ => None,
        })
    }

    /// Puts `message` at the end. Call only when there is room.
    pub fn send(&mut self, message: M) -> Ticket {
        debug_assert!(self.has_room(), "a message was sent on a full or stopped line");
        let number = self.first + self.entries.len() as u64;
        self.entries.push_back(Entry::Waiting(message));
        self.ticket(number)
    }

    /// Books the answer "stored" and gives the message back; `None` for an answer of an older generation.
    pub fn stored(&mut self, ticket: Ticket) -> Option<M> {
        let message = match std::mem::replace(self.entry(ticket)?, Entry::Stored) {
            Entry::Waiting(message) | Entry::Refused(message) => Some(message),
            Entry::Stored => None,
        };
        while self.entries.front().is_some_and(Entry::is_stored) {
            self.entries.pop_front();
            self.first += 1;
        }
        message
    }

    /// Books a refusal: the line stops.
    pub fn refused(&mut self, ticket: Ticket) {
        let Some(entry) = self.entry(ticket) else { return };
        if let Entry::Waiting(message) | Entry::Refused(message) = std::mem::replace(entry, Entry::Stored) {
            *entry = Entry::Refused(message);
            self.stopped = true;
        }
    }

    /// Stops the line: an answer is overdue or the connection broke.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Starts again: a new generation, in which all that is not stored must be sent again, in this order.
    pub fn restart(&mut self) -> Vec<Ticket> {
        self.stopped = false;
        self.generation = self.generation.wrapping_add(1);
        let mut again = Vec::new();
        for index in 0..self.entries.len() {
            let ticket = self.ticket(self.first + index as u64);
            let entry = &mut self.entries[index];
            if let Entry::Waiting(message) | Entry::Refused(message) = std::mem::replace(entry, Entry::Stored) {
                *entry = Entry::Waiting(message);
                again.push(ticket);
            }
        }
        again
    }

    /// The message that waits under `ticket`.
    pub fn get_mut(&mut self, ticket: Ticket) -> Option<&mut M> {
        match self.entry(ticket)? {
            Entry::Waiting(message) | Entry::Refused(message) => Some(message),
            Entry::Stored => None,
        }
    }

    /// What is left, in order, with `true` for what was refused in so many words.
    pub fn into_unsettled(self) -> impl Iterator<Item = (M, bool)> {
        self.entries.into_iter().filter_map(|entry| match entry {
            Entry::Waiting(message) => Some((message, false)),
            Entry::Refused(message) => Some((message, true)),
            Entry::Stored => None,
        })
    }

    fn ticket(&self, number: u64) -> Ticket {
        Ticket { generation: self.generation, slot: (number % self.window as u64) as u32 }
    }

    fn entry(&mut self, ticket: Ticket) -> Option<&mut Entry<M>> {
        if ticket.generation != self.generation || u64::from(ticket.slot) >= self.window as u64 {
            return None;
        }
        let window = self.window as u64;
        let index = (u64::from(ticket.slot) + window - self.first % window) % window;
        self.entries.get_mut(index as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A server that stores what reaches it, drops or refuses what the script says, and answers late or never.
    #[derive(Clone, Copy, Debug)]
    enum Step {
        Send,
        /// The oldest message under way arrives and is stored; the answer is kept for later.
        Arrive,
        /// The oldest message under way arrives and is refused.
        Refuse,
        /// The newest `n` kept answers are given, newest first.
        Answer,
        /// The connection breaks: everything under way is gone, answers too.
        Break,
        Restart,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Send),
            4 => Just(Step::Arrive),
            1 => Just(Step::Refuse),
            4 => Just(Step::Answer),
            1 => Just(Step::Break),
            2 => Just(Step::Restart),
        ]
    }

    proptest! {
        /// With de-duplication at the server, what is stored is in order and without holes, whatever fails,
        /// provided that failures are a suffix of what is under way (a broken connection, a full stream).
        #[test]
        fn order_survives_failures(steps in proptest::collection::vec(step(), 1..300), window in 1_u16..8) {
            let mut line = Line::new(window);
            let mut next = 0_u32;
            let mut wire: VecDeque<(Ticket, u32)> = VecDeque::new();
            let mut answers: Vec<(Ticket, bool)> = Vec::new();
            let mut stored: Vec<u32> = Vec::new();
            // A full stream refuses everything until the line has stopped and all under way was answered.
            let mut full = false;
            for step in steps {
                match step {
                    Step::Send if line.has_room() => {
                        wire.push_back((line.send(next), next));
                        next += 1;
                    }
                    Step::Arrive | Step::Refuse => {
                        if let Some((ticket, message)) = wire.pop_front() {
                            full |= matches!(step, Step::Refuse);
                            if !full && !stored.contains(&message) {
                                stored.push(message);
                            }
                            answers.push((ticket, !full));
                        }
                    }
                    Step::Answer => {
                        if let Some((ticket, ok)) = answers.pop() {
                            if ok { line.stored(ticket); } else { line.refused(ticket); }
                        }
                    }
                    Step::Break => {
                        wire.clear();
                        answers.clear();
                        line.stop();
                    }
                    Step::Restart if line.is_stopped() && wire.is_empty() && (line.is_quiet() || answers.is_empty()) => {
                        full = false;
                        for ticket in line.restart() {
                            wire.push_back((ticket, *line.get_mut(ticket).expect("it waits")));
                        }
                    }
                    Step::Send | Step::Restart => {}
                }
                prop_assert!(line.unsettled() <= usize::from(window));
            }
            prop_assert!(stored.iter().copied().eq(0..stored.len() as u32), "stored out of order: {:?}", stored);
        }
    }

    #[test]
    fn a_late_answer_of_an_older_generation_is_not_booked() {
        let mut line = Line::new(4);
        let old = line.send("a");
        line.stop();
        let again = line.restart();
        assert_eq!(line.stored(old), None);
        assert_eq!(line.stored(again[0]), Some("a"));
        assert!(line.is_empty());
    }

    #[test]
    fn a_slot_is_free_only_when_the_messages_before_it_are_stored() {
        let mut line = Line::new(2);
        let (first, second) = (line.send(1), line.send(2));
        assert!(!line.has_room());
        line.stored(second);
        assert!(!line.has_room(), "the first message still holds its slot");
        line.stored(first);
        assert!(line.has_room() && line.is_empty());
    }
}
