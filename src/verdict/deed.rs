//! A handling as the passes of the ledger carry it: what is needed, close together.

use super::grouped;
use super::ledger::{Entry, Verdict};
use super::lives::Lives;
use crate::model::history::Journal;
use crate::model::record::Handling;
use crate::model::time::MonoNs;

/// No message, or none known.
pub(super) const NONE: u32 = u32::MAX;

/// One handling, packed into one cache line: the passes sort these instead of chasing the journals' records through memory.
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
    /// Rank of its message in its partition, once partitions are ranked; 0 without one.
    pub(super) rank: u32,
    /// What belongs to the verdict.
    pub(super) distance: u32,
    /// Number of its journal.
    pub(super) journal: u16,
    pub(super) partition: u16,
    pub(super) intact: bool,
    pub(super) ok: bool,
    /// Whether the handler ended, with success or not.
    pub(super) finished: bool,
    /// Handles a second stored copy of a message that had been handled.
    pub(super) extra: bool,
    /// The first successful one of its message.
    pub(super) first: bool,
    /// Delivered in another partition than that of its message.
    pub(super) elsewhere: bool,
    /// What it is judged to be, by key.
    pub(super) verdict: Verdict,
}

impl Deed {
    fn of(handling: &Handling, id: u32, journal: u16, died: Option<MonoNs>) -> Self {
        let ended = match handling.finished {
            Some(finish) => finish.at,
            None => died.unwrap_or(handling.started),
        };
        Self {
            started: handling.started,
            ended: ended.max(handling.started),
            stream_seq: handling.stream_seq,
            id,
            key: handling.key,
            key_seq: handling.key_seq,
            epoch: handling.epoch,
            message: NONE,
            rank: 0,
            distance: 0,
            journal,
            partition: handling.partition,
            intact: handling.intact,
            ok: handling.finished.is_some_and(|finish| finish.ok),
            finished: handling.finished.is_some(),
            extra: false,
            first: false,
            elsewhere: false,
            verdict: Verdict::Aborted,
        }
    }

    /// Its line in the ledger.
    pub(super) fn entry(&self) -> Entry {
        Entry { message: self.message, verdict: self.verdict, first: self.first, distance: self.distance }
    }
}

/// All handlings, by key; those of a key in order of journals and records.
pub(super) fn by_key(journals: &[Journal], lives: &Lives) -> Vec<Deed> {
    let sources = journals.iter().enumerate().flat_map(|(index, journal)| {
        let died = lives.died(journal.author);
        journal.handlings.iter().map(move |handling| (handling, index as u16, died))
    });
    grouped::gather(
        sources,
        |(handling, ..)| handling.key,
        |(handling, index, died), id| Deed::of(handling, id, index, died),
    )
}

/// The lines of the ledger, and all handlings by partition and by start within it.
///
/// They come by key and are looked up in the order of the evidence: what each member did is then one sorted piece, which the sort of a
/// partition only has to merge, and ties fall as they do within a key.
pub(super) fn by_partition(by_key: &[Deed]) -> (Vec<Entry>, Vec<Deed>) {
    let mut place = vec![0_u32; by_key.len()];
    for (at, deed) in (0..).zip(by_key) {
        place[deed.id as usize] = at;
    }
    let mut entries = Vec::with_capacity(by_key.len());
    let mut deeds = by_key.to_vec();
    // There are no more partitions than a table may have, whatever the evidence names.
    let Some(mut slots) = grouped::Slots::of(by_key.iter().map(|deed| deed.partition.into())) else {
        return (entries, deeds);
    };
    for at in place {
        let deed = by_key[at as usize];
        entries.push(deed.entry());
        deeds[slots.take(deed.partition.into())] = deed;
    }
    for of_partition in deeds.chunk_by_mut(|left, right| left.partition == right.partition) {
        of_partition.sort_by_key(|deed| deed.started);
    }
    (entries, deeds)
}
