//! What of a run's evidence was removed while the run went on, because it had been verified.
//!
//! Pure data: which files that are is the business of `evidence/drop.rs`, whether they may go that of the ledger that is followed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::Author;
use super::time::MonoNs;

/// `dropped.json` of a run folder: there is one only when something was dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// Id of the run, as in the journals.
    pub run_tag: u64,
    /// Segments that were removed.
    pub segments: u64,
    /// Records that they held.
    pub records: u64,
    /// Bytes on the disk that they took.
    pub bytes: u64,
    /// The earliest instant that one of these records tells.
    pub first: MonoNs,
    /// The latest one.
    pub last: MonoNs,
    /// Segments that were verified and stay, because they lie around something that went wrong.
    pub kept: u64,
    /// Segments around something that went wrong that were removed all the same, because the room for such was used up.
    pub not_kept: u64,
    /// By journal: the indices of what was removed, in order, each from and to, both included.
    pub journals: BTreeMap<String, Vec<(u32, u32)>>,
}

/// A segment of a journal that was read to its end, and in which nothing is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Whose journal it is part of.
    pub author: Author,
    /// Its number in the journal.
    pub index: u32,
    /// Records in it.
    pub records: u32,
    /// The earliest instant that they tell.
    pub first: MonoNs,
    /// The latest one.
    pub last: MonoNs,
}

impl Dropped {
    /// Nothing yet, of the run with `run_tag`.
    #[must_use]
    pub fn of(run_tag: u64) -> Self {
        Self { run_tag, ..Self::default() }
    }

    /// Notes that `piece` is gone, which took `bytes`. One that was noted before is not counted again.
    pub fn note(&mut self, piece: &Piece, bytes: u64) {
        let spans = self.journals.entry(piece.author.to_string()).or_default();
        let at = spans.partition_point(|(_, to)| *to < piece.index);
        if spans.get(at).is_some_and(|(from, _)| *from <= piece.index) {
            return;
        }
        let joins_before = at > 0 && spans[at - 1].1.checked_add(1) == Some(piece.index);
        let joins_behind = spans.get(at).is_some_and(|(from, _)| piece.index.checked_add(1) == Some(*from));
        match (joins_before, joins_behind) {
            (true, true) => {
                spans[at - 1].1 = spans[at].1;
                spans.remove(at);
            }
            (true, false) => spans[at - 1].1 = piece.index,
            (false, true) => spans[at].0 = piece.index,
            (false, false) => spans.insert(at, (piece.index, piece.index)),
        }
        if piece.records > 0 {
            self.first = if self.records == 0 { piece.first } else { self.first.min(piece.first) };
            self.last = self.last.max(piece.last);
        }
        self.segments += 1;
        self.records += u64::from(piece.records);
        self.bytes += bytes;
    }

    /// What is gone of the journal of `author`.
    #[must_use]
    pub fn of_journal(&self, author: Author) -> &[(u32, u32)] {
        self.journals.get(&author.to_string()).map_or(&[], Vec::as_slice)
    }

    /// Whether a segment is among `spans`, which are in order.
    #[must_use]
    pub fn is_in(spans: &[(u32, u32)], index: u32) -> bool {
        let at = spans.partition_point(|(_, to)| *to < index);
        spans.get(at).is_some_and(|(from, _)| *from <= index)
    }

    /// Whether all of `from..to` are among `spans`, which are in order.
    #[must_use]
    pub fn are_in(spans: &[(u32, u32)], from: u32, to: u32) -> bool {
        let mut next = from;
        while next < to {
            let at = spans.partition_point(|(_, end)| *end < next);
            match spans.get(at) {
                Some((begin, end)) if *begin <= next => next = end.saturating_add(1).max(next + 1),
                _ => return false,
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::model::record::Role;

    const AUTHOR: Author = Author { role: Role::Consumer, index: 1, life: 2 };

    proptest! {
        #[test]
        fn spans_are_the_set_of_what_was_noted(indices in prop::collection::vec(0..40_u32, 0..60), from in 0..45_u32, count in 0..10_u32) {
            let (mut dropped, mut set) = (Dropped::of(7), BTreeSet::new());
            for index in indices {
                let at = MonoNs(u64::from(index) * 10 + 5);
                dropped.note(&Piece { author: AUTHOR, index, records: 3, first: at, last: at }, 100);
                set.insert(index);
            }
            let spans = dropped.of_journal(AUTHOR);
            for index in 0..45 {
                prop_assert_eq!(Dropped::is_in(spans, index), set.contains(&index));
            }
            prop_assert_eq!(Dropped::are_in(spans, from, from + count), (from..from + count).all(|index| set.contains(&index)));
            prop_assert!(spans.windows(2).all(|two| two[0].1 + 1 < two[1].0), "{:?}", spans);
            prop_assert_eq!((dropped.segments, dropped.records), (set.len() as u64, 3 * set.len() as u64));
            let ends = set.first().zip(set.last()).map_or((0, 0), |(first, last)| (first * 10 + 5, last * 10 + 5));
            prop_assert_eq!((dropped.first.0, dropped.last.0), (u64::from(ends.0), u64::from(ends.1)));
        }
    }
}
