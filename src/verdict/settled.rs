//! A message and a handling of which nothing more will be learned: what an analysis adds up, whether the evidence is read whole
//! or followed.

use super::ledger::{Entry, Verdict};
use super::message::{Message, Standing};
use crate::model::history::Journal;
use crate::model::record::{Author, Handling};
use crate::model::time::MonoNs;

/// One message, when it is known what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settled {
    /// The partition that its key hashes to.
    pub partition: u16,
    /// What is known about its storage.
    pub standing: Standing,
    /// When the schedule wanted it sent.
    pub intended: MonoNs,
    /// When sending became possible.
    pub possible: MonoNs,
    /// When it was handed to the connection.
    pub sent: MonoNs,
    /// When storage was confirmed, or proved by a delivery.
    pub stored: Option<MonoNs>,
    /// Whether somebody had to handle it: stored and offered.
    pub due: bool,
    /// Since when it is delivered no more, if it was given up.
    pub dropped: Option<MonoNs>,
    /// Its first successful handling.
    pub first: Option<First>,
}

/// The first successful handling of a message: what ended its wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    /// When the read that brought it returned.
    pub received: MonoNs,
    /// When the handler began.
    pub started: MonoNs,
    /// When it ended; not before it began, whatever a torn record says.
    pub finished: MonoNs,
    /// Who did it.
    pub author: Author,
}

/// One handling, when its verdict is certain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Who handled.
    pub author: Author,
    /// The partition that it was delivered in.
    pub partition: u16,
    /// Epoch of the grant under which it was handled.
    pub epoch: u32,
    /// When the read that brought it returned.
    pub received: MonoNs,
    /// When the handler began.
    pub started: MonoNs,
    /// When it ended, if it did.
    pub finished: Option<MonoNs>,
    /// What it is judged to be, by key.
    pub verdict: Verdict,
    /// Whether it is the first successful one of its message.
    pub first: bool,
}

impl Settled {
    /// A message of a ledger, with its first successful handling.
    #[must_use]
    pub fn of(message: &Message, first: Option<First>) -> Self {
        Self {
            partition: message.partition,
            standing: message.standing,
            intended: message.intended,
            possible: message.possible,
            sent: message.sent,
            stored: message.stored,
            due: message.is_due(),
            dropped: message.dropped,
            first,
        }
    }

    /// Since when it waits to be handled; `None` when nobody has to handle it.
    #[must_use]
    pub fn waits_since(&self) -> Option<MonoNs> {
        self.stored.filter(|_| self.due)
    }
}

impl Judged {
    /// A line of a ledger.
    #[must_use]
    pub fn of(entry: &Entry, journal: &Journal, handling: &Handling, first: bool) -> Self {
        Self {
            author: journal.author,
            partition: handling.partition,
            epoch: handling.epoch,
            received: handling.received,
            started: handling.started,
            finished: handling.finished.map(|finish| finish.at.max(handling.started)),
            verdict: entry.verdict,
            first,
        }
    }

    /// When it ended, for a handling with success of a message of this run.
    #[must_use]
    pub fn handled_at(&self) -> Option<MonoNs> {
        self.finished.filter(|_| self.verdict.is_handled())
    }
}
