//! A handling as the passes of the ledger carry it: what is needed, close together.

use super::lives::Lives;
use crate::model::history::Journal;
use crate::model::time::MonoNs;

/// No message, or none known.
pub(super) const NONE: u32 = u32::MAX;

/// One handling, packed: the passes sort these instead of chasing the journals' records through memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed {
    pub(super) started: MonoNs,
    /// When it ended; for one that never did the death of its member, else its start.
    pub(super) ended: MonoNs,
    pub(super) stream_seq: u64,
    /// Number among all handlings of the run, in order of journals.
    pub(super) id: u32,
    pub(super) key: u32,
    pub(super) key_seq: u32,
    pub(super) epoch: u32,
    /// Number of its message, or [`NONE`].
    pub(super) message: u32,
    /// Number of its journal.
    pub(super) journal: u16,
    pub(super) partition: u16,
    pub(super) intact: bool,
    pub(super) ok: bool,
    /// Whether the handler ended, with success or not.
    pub(super) finished: bool,
    /// Handles a second stored copy of a message that had been handled.
    pub(super) extra: bool,
}

/// All handlings, in order of journals and records.
pub(super) fn deeds(journals: &[Journal], lives: &Lives) -> Vec<Deed> {
    let mut deeds = Vec::with_capacity(journals.iter().map(|journal| journal.handlings.len()).sum());
    for (index, journal) in journals.iter().enumerate() {
        let died = lives.died(journal.author);
        for handling in &journal.handlings {
            let ended = match handling.finished {
                Some(finish) => finish.at,
                None => died.unwrap_or(handling.started),
            };
            deeds.push(Deed {
                started: handling.started,
                ended: ended.max(handling.started),
                stream_seq: handling.stream_seq,
                id: deeds.len() as u32,
                key: handling.key,
                key_seq: handling.key_seq,
                epoch: handling.epoch,
                message: NONE,
                journal: index as u16,
                partition: handling.partition,
                intact: handling.intact,
                ok: handling.finished.is_some_and(|finish| finish.ok),
                finished: handling.finished.is_some(),
                extra: false,
            });
        }
    }
    deeds
}
