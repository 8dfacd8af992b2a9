//! The line of publishes that wait for an answer: a window, stopped at the first failure. Pure.
//!
//! Order survives a failure only if nothing is sent behind it: the line stops, waits until what is under way has been
//! answered, and sends again from the first message that is not stored, in order. Every such restart is a new
//! *generation*, named in the reply subjects, so that a late answer is never booked to the wrong message.
//!
//! A line that does not stop ([`Line::unstopped`]) sends each message again by itself, behind whatever was sent
//! meanwhile: that reorders, and is there to be measured.

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
    stops: bool,
    stopped: bool,
    /// Entries that are to be sent again, and the number below which there is none.
    again: usize,
    again_from: u64,
}

#[derive(Debug)]
struct Entry<M> {
    generation: u32,
    /// An earlier sending was never answered: it may be stored, whatever became of this one.
    doubtful: bool,
    state: State<M>,
}

#[derive(Debug)]
enum State<M> {
    /// To be sent again, as soon as there is room.
    Again(M),
    /// Sent in its generation, no answer yet.
    Waiting(M),
    /// Answered in its generation with a refusal.
    Refused(M),
    /// Stored; it holds its place until those before it are stored, too.
    Stored,
}

impl<M> State<M> {
    fn message(self) -> Option<M> {
        match self {
            Self::Again(message) | Self::Waiting(message) | Self::Refused(message) => Some(message),
            Self::Stored => None,
        }
    }
}

impl<M> Entry<M> {
    fn is_stored(&self) -> bool {
        matches!(self.state, State::Stored)
    }

    fn is_again(&self) -> bool {
        matches!(self.state, State::Again(_))
    }

    fn take(&mut self) -> Option<M> {
        std::mem::replace(&mut self.state, State::Stored).message()
    }
}

impl<M> Line<M> {
    /// An empty line of at most `window` messages.
    #[must_use]
    pub fn new(window: u16) -> Self {
        let window = usize::from(window.max(1));
        Self {
            window,
            generation: 0,
            first: 0,
            entries: VecDeque::with_capacity(window),
            stops: true,
            stopped: false,
            again: 0,
            again_from: 0,
        }
    }

    /// The same line, which goes on when a message is refused.
    #[must_use]
    pub fn unstopped(self) -> Self {
        Self { stops: false, ..self }
    }

    /// Whether another message may be sent: those that are to be sent again come first.
    #[must_use]
    pub fn has_room(&self) -> bool {
        !self.stopped && self.again == 0 && self.entries.len() < self.window
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

    /// Number of the first message that is not known to be stored; that of the next one when there is none.
    #[must_use]
    pub fn first_number(&self) -> u64 {
        self.first
    }

    /// Number of the next new message, counted over all ever sent.
    #[must_use]
    pub fn next_number(&self) -> u64 {
        self.first + self.entries.len() as u64
    }

    /// Whether the line has stopped after a failure.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// Whether every message that was sent has been answered.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.first_waiting().is_none()
    }

    /// The first message that waits for an answer.
    #[must_use]
    pub fn first_waiting(&self) -> Option<&M> {
        self.entries.iter().find_map(|entry| match &entry.state {
            State::Waiting(message) => Some(message),
            _ => None,
        })
    }

    /// Puts `message` at the end. Call only when there is room.
    pub fn send(&mut self, message: M) -> Ticket {
        debug_assert!(self.has_room(), "a message was sent on a full or stopped line");
        self.entries.push_back(Entry { generation: self.generation, doubtful: false, state: State::Waiting(message) });
        self.ticket(self.next_number() - 1)
    }

    /// Books the answer "stored" and gives the message back; `None` for an answer of an older generation.
    pub fn stored(&mut self, ticket: Ticket) -> Option<M> {
        let entry = self.entry(ticket)?;
        let was_again = entry.is_again();
        let message = entry.take();
        self.again -= usize::from(was_again);
        self.drop_stored();
        message
    }

    /// Books "stored" for the first message of the line, if its number is below `number`, and gives it back.
    pub fn first_stored_below(&mut self, number: u64) -> Option<M> {
        let waits = |entry: &Entry<M>| matches!(entry.state, State::Waiting(_) | State::Refused(_));
        if self.first >= number || !self.entries.front().is_some_and(waits) {
            return None;
        }
        let message = self.entries.pop_front()?.state.message();
        self.first += 1;
        self.drop_stored();
        message
    }

    /// Books a refusal: the line stops, unless it never does.
    pub fn refused(&mut self, ticket: Ticket) {
        let stops = self.stops;
        let Some(entry) = self.entry(ticket) else { return };
        if let State::Waiting(_) = entry.state
            && let Some(message) = entry.take()
        {
            entry.state = State::Refused(message);
            self.stopped |= stops;
        }
    }

    /// Books a refusal of everything that waits: the line stops.
    pub fn all_refused(&mut self) {
        self.stopped = true;
        for entry in self.entries.iter_mut().filter(|entry| matches!(entry.state, State::Waiting(_))) {
            if let Some(message) = entry.take() {
                entry.state = State::Refused(message);
            }
        }
    }

    /// Stops the line: an answer is overdue or the connection broke.
    pub fn stop(&mut self) {
        self.stopped = true;
    }

    /// Starts again: a new generation, in which all that is not stored must be sent again, in this order.
    pub fn restart(&mut self) {
        self.stopped = false;
        self.send_again_where(|_| true);
    }

    /// Has what was refused, and what waits and is overdue, sent again, each by itself, in a new generation.
    pub fn retry(&mut self, is_overdue: impl Fn(&M) -> bool) {
        self.send_again_where(|state| match state {
            State::Refused(_) => true,
            State::Waiting(message) => is_overdue(message),
            State::Again(_) | State::Stored => false,
        });
    }

    fn send_again_where(&mut self, which: impl Fn(&State<M>) -> bool) {
        let generation = self.generation.wrapping_add(1);
        let mut any = false;
        for entry in &mut self.entries {
            let doubtful = entry.doubtful || matches!(entry.state, State::Waiting(_));
            if which(&entry.state)
                && let Some(message) = entry.take()
            {
                *entry = Entry { generation, doubtful, state: State::Again(message) };
                any = true;
            }
        }
        if any {
            self.generation = generation;
        }
        self.again = self.entries.iter().filter(|entry| entry.is_again()).count();
        self.again_from = self.first;
    }

    /// The next message to be sent again, which waits for an answer from now on; its number, too.
    pub fn next_again(&mut self) -> Option<(u64, Ticket, &mut M)> {
        if self.stopped || self.again == 0 {
            return None;
        }
        let from = usize::try_from(self.again_from.saturating_sub(self.first)).ok()?;
        let at = from + self.entries.iter().skip(from).position(Entry::is_again)?;
        let number = self.first + at as u64;
        let ticket = self.ticket(number);
        self.again -= 1;
        self.again_from = number + 1;
        let entry = self.entries.get_mut(at)?;
        let message = entry.take()?;
        entry.state = State::Waiting(message);
        match &mut entry.state {
            State::Waiting(message) => Some((number, ticket, message)),
            _ => None,
        }
    }

    /// Whether something is to be sent again, and may be.
    #[must_use]
    pub fn has_again(&self) -> bool {
        !self.stopped && self.again > 0
    }

    /// Gives up everything under way: it is taken out, in order.
    pub fn give_up(&mut self) -> impl Iterator<Item = M> {
        self.stopped = false;
        self.again = 0;
        self.first += self.entries.len() as u64;
        std::mem::take(&mut self.entries).into_iter().filter_map(|entry| entry.state.message())
    }

    /// What is left, in order, with `true` for what is known not to be stored: every sending of it was refused.
    pub fn into_unsettled(self) -> impl Iterator<Item = (M, bool)> {
        self.entries.into_iter().filter_map(|entry| {
            // What is to be sent again and is not doubtful was refused when it was sent last.
            let refused = matches!(entry.state, State::Refused(_) | State::Again(_)) && !entry.doubtful;
            Some((entry.state.message()?, refused))
        })
    }

    fn drop_stored(&mut self) {
        while self.entries.front().is_some_and(Entry::is_stored) {
            self.entries.pop_front();
            self.first += 1;
        }
    }

    fn ticket(&self, number: u64) -> Ticket {
        let entry = usize::try_from(number - self.first).ok().and_then(|at| self.entries.get(at));
        let generation = entry.map_or(self.generation, |entry| entry.generation);
        Ticket { generation, slot: (number % self.window as u64) as u32 }
    }

    fn entry(&mut self, ticket: Ticket) -> Option<&mut Entry<M>> {
        if u64::from(ticket.slot) >= self.window as u64 {
            return None;
        }
        let window = self.window as u64;
        let index = (u64::from(ticket.slot) + window - self.first % window) % window;
        self.entries.get_mut(index as usize).filter(|entry| entry.generation == ticket.generation)
    }
}

#[cfg(test)]
mod tests;
