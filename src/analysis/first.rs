//! First successful handlings, beside the messages they are of.

use crate::model::history::History;
use crate::model::time::MonoNs;
use crate::verdict::Ledger;

/// The first successful handling of a message: what ended its wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct First {
    pub(super) received: MonoNs,
    pub(super) started: MonoNs,
    pub(super) finished: MonoNs,
    /// Number of the journal of the member that did it.
    pub(super) journal: u16,
}

/// One entry a message of the ledger, in its order; `None` for a message that was not handled.
pub(super) fn firsts(history: &History, ledger: &Ledger) -> Vec<Option<First>> {
    let mut firsts = vec![None; ledger.messages.len()];
    let mut id = 0;
    for (journal, of) in history.journals.iter().enumerate() {
        for handling in &of.handlings {
            let message = ledger.entries[id].message as usize;
            let is_first = ledger.messages.get(message).is_some_and(|message| message.first == Some(id as u32));
            if let (true, Some(finish)) = (is_first, handling.finished) {
                firsts[message] = Some(First {
                    received: handling.received,
                    started: handling.started,
                    finished: finish.at.max(handling.started),
                    journal: journal as u16,
                });
            }
            id += 1;
        }
    }
    firsts
}
