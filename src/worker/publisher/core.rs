//! Core NATS: messages are sent and nobody acknowledges them. A probe to ourselves, sent behind them on the same
//! connection, comes back when the server has read them all: it does what an answered PING does, which the client library
//! keeps for itself. It says that they were sent, not that they are stored.
//!
//! What no probe covered when the connection broke is not sent again: at most once.

use crate::nats::link::Message;

use super::ack::below;
use super::way::{Extra, Heard, Situation, Stored};

/// Probes under way at most: while one comes back, the next covers what was sent since.
const PROBES: u64 = 2;

/// What is covered.
#[derive(Debug)]
pub(super) struct Core {
    inbox: String,
    /// A probe covers no more messages than this while more are due: while one comes back, the others go on.
    step: u64,
    /// The number below which everything is covered by a probe that was sent.
    asked: u64,
    under_way: u64,
}

impl Core {
    pub(super) fn new(inbox: &str, window: u16) -> Self {
        Self { inbox: inbox.to_owned(), step: (u64::from(window) / PROBES).max(1), asked: 0, under_way: 0 }
    }

    pub(super) fn renew(&mut self, inbox: &str) {
        inbox.clone_into(&mut self.inbox);
        self.restart();
    }

    /// What was sent is given up: its probes are not waited for any more.
    pub(super) fn restart(&mut self) {
        self.under_way = 0;
    }

    pub(super) fn asks_from(&self) -> Option<u64> {
        (self.under_way < PROBES).then_some(self.asked + self.step)
    }

    pub(super) fn extra(&mut self, situation: Situation) -> Option<Extra> {
        if situation.next <= self.asked || self.under_way >= PROBES {
            return None;
        }
        self.asked = situation.next;
        self.under_way += 1;
        Some(Extra::Probe(format!("{}.{}", self.inbox, self.asked).into()))
    }

    pub(super) fn hear(&mut self, message: &Message) -> Heard {
        match below(&self.inbox, message.subject()).and_then(|number| number.parse().ok()) {
            Some(number) => {
                self.under_way = self.under_way.saturating_sub(1);
                Heard::stored(Stored::Below { number, last: None })
            }
            None => Heard::nothing(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::ack::told;
    use super::*;
    use crate::model::time::MonoNs;

    fn sent(next: u64) -> Situation {
        Situation { now: MonoNs(0), oldest: None, next, goes_on: true }
    }

    #[test]
    fn a_probe_covers_what_was_sent_before_it() {
        let mut way = Core::new("_INBOX.a", 10);
        assert_eq!(way.extra(sent(0)), None, "nothing was sent");
        let Some(Extra::Probe(subject)) = way.extra(sent(5)) else { panic!("five messages want a probe") };
        assert_eq!(way.extra(sent(5)), None, "they have one");
        assert_eq!(way.hear(&told(&subject, "")), Heard::stored(Stored::Below { number: 5, last: None }));
    }

    #[test]
    fn a_few_probes_are_under_way_and_no_more() {
        let mut way = Core::new("_INBOX.a", 10);
        assert_eq!(way.asks_from(), Some(5), "half of the window");
        let first = way.extra(sent(1));
        assert_eq!(way.asks_from(), Some(6));
        assert!(first.is_some() && way.extra(sent(2)).is_some());
        assert_eq!((way.extra(sent(3)), way.asks_from()), (None, None));
        let Some(Extra::Probe(subject)) = first else { panic!("a probe") };
        way.hear(&told(&subject, ""));
        assert!(way.extra(sent(3)).is_some());
        way.restart();
        assert!(way.extra(sent(4)).is_some(), "a probe that never comes back is not waited for");
    }
}
