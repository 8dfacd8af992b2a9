//! First successful handlings, beside the messages they are of.

use crate::model::history::History;
use crate::verdict::{First, Ledger};

/// One entry a message of the ledger, in its order; `None` for a message that was not handled.
pub(super) fn firsts(history: &History, ledger: &Ledger) -> Vec<Option<First>> {
    let mut firsts = vec![None; ledger.messages.len()];
    for (entry, journal, handling) in ledger.lines(history) {
        if let (true, Some(finish)) = (entry.first, handling.finished) {
            firsts[entry.message as usize] = Some(First {
                received: handling.received,
                started: handling.started,
                finished: finish.at.max(handling.started),
                author: journal.author,
            });
        }
    }
    firsts
}
