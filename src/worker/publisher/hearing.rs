//! What a publisher hears: answers, booked to the messages that they are about; and the line, looked after when answers
//! do not come or the connection breaks.

use crate::nats::link::Message;

use super::road::Road;
use super::way::{Stored, Trouble};
use super::{ANSWER_WITHIN, PATIENCE, Publisher, Sent};
use crate::clock;
use crate::model::time::MonoNs;
use crate::profile::plan::{self, Retry};
use crate::worker::Error;

impl Publisher<'_> {
    /// The connection is lost: nothing more is sent until there is another.
    pub(super) fn take_down(&mut self) {
        self.is_down = true;
        self.line.stop();
        self.troubled_since.get_or_insert(clock::now());
    }

    /// There is another connection. What the old one did not answer it will never answer: all that is sent again now.
    pub(super) fn take_up(&mut self, road: Road) {
        self.road = road;
        self.is_down = false;
        self.way.renew(&self.road.inbox);
        self.send_again();
        if self.line.is_empty() {
            self.troubled_since = None;
        }
    }

    /// Books the answers that are there.
    pub(super) fn hear_the_rest(&mut self) {
        while let Some((at, message)) = self.road.answers.take() {
            self.hear(at, &message);
        }
    }

    /// Books one answer, which came at `now`.
    pub(super) fn hear(&mut self, now: MonoNs, message: &Message) {
        let had_room = self.has_room();
        let heard = self.way.hear(message);
        match heard.stored {
            Some(Stored::One { ticket, stream_seq, duplicate }) => {
                if let Some(sent) = self.line.stored(ticket) {
                    self.book(sent, now, stream_seq, duplicate);
                }
            }
            Some(Stored::Below { number, last }) => self.book_below(number, last, now),
            None => {}
        }
        match heard.trouble {
            Some(Trouble::One(ticket, reason)) => {
                self.last_refusal = reason;
                self.line.refused(ticket);
            }
            Some(Trouble::All(reason)) => {
                self.last_refusal = reason;
                self.line.all_refused();
            }
            Some(Trouble::Told(reason)) => self.last_refusal = reason,
            None => {}
        }
        if self.line.is_empty() {
            self.way.settled();
        }
        if !had_room && self.has_room() {
            self.open_since = now;
        }
    }

    /// Books every message below `number`; the sequences, where the last is known, end with it.
    fn book_below(&mut self, number: u64, last: Option<u64>, now: MonoNs) {
        let (line, notebook) = (&mut self.line, self.notebook);
        // No answer is about what was not sent.
        let number = number.min(line.next_number());
        let before = line.first_number();
        notebook.with(|writer| {
            loop {
                let behind = number.saturating_sub(line.first_number() + 1);
                let Some(sent) = line.first_stored_below(number) else { break };
                writer.stored(sent.slot, now, last.map_or(0, |last| last.saturating_sub(behind)), false);
            }
        });
        if line.first_number() > before {
            self.troubled_since = None;
        }
    }

    fn book(&mut self, sent: Sent, now: MonoNs, stream_seq: u64, duplicate: bool) {
        self.notebook.with(|writer| writer.stored(sent.slot, now, stream_seq, duplicate));
        self.troubled_since = None;
    }

    /// Stops the line when an answer is overdue; starts it again when it can be.
    pub(super) fn look_after_the_line(&mut self) -> Result<(), Error> {
        let now = clock::now();
        let is_overdue = |sent: &Sent| now.since(sent.at) > ANSWER_WITHIN;
        let overdue = self.line.first_waiting().is_some_and(is_overdue);
        if let plan::Way::Windowed { retry: Retry::PerMessage, .. } = self.load.way
            && !self.is_down
            && !self.is_late()
        {
            self.line.retry(is_overdue);
            if self.line.has_again() {
                self.troubled_since.get_or_insert(now);
            }
        } else if overdue {
            self.line.stop();
        }
        if self.line.is_stopped() {
            self.troubled_since.get_or_insert(now);
        }
        if self.troubled_since.is_some_and(|since| now.since(since) > PATIENCE) {
            return Err(Error::Refused { seconds: PATIENCE.0 / 1_000_000_000, reason: self.last_refusal.clone() });
        }
        // What is refused when time is up stays refused.
        if self.line.is_stopped() && !self.is_down && !self.is_late() && (self.line.is_quiet() || overdue) {
            self.way.restart();
            self.send_again();
        }
        Ok(())
    }

    /// Starts the line again from the first message that is not stored; or without what nobody sends again.
    fn send_again(&mut self) {
        if self.way.sends_again() {
            self.line.restart();
        } else {
            for sent in self.line.give_up() {
                self.notebook.with(|writer| writer.abandon(sent.slot));
            }
        }
        self.open_since = clock::now();
    }
}
