//! What is known of the segments of a journal that is followed: how much is in them, from when to when, and whether anything is open.

use std::collections::BTreeMap;

use crate::model::dropped::Piece;
use crate::model::record::{Author, Record};
use crate::model::time::MonoNs;

/// Segments that were not taken yet, by index.
#[derive(Debug, Default)]
pub(super) struct Pieces(BTreeMap<u32, Part>);

/// A segment, as far as it was read.
#[derive(Clone, Copy, Debug)]
struct Part {
    records: u32,
    first: MonoNs,
    last: MonoNs,
    open: u32,
    /// Nothing will be appended any more.
    is_whole: bool,
}

impl Default for Part {
    fn default() -> Self {
        Self { records: 0, first: MonoNs(u64::MAX), last: MonoNs(0), open: 0, is_whole: false }
    }
}

impl Pieces {
    /// A record was read for the first time.
    pub(super) fn count(&mut self, index: u32, record: &Record, is_open: bool) {
        let part = self.0.entry(index).or_default();
        part.records += 1;
        part.first = part.first.min(record.begun());
        part.last = part.last.max(record.latest());
        part.open += u32::from(is_open);
    }

    /// A record that was open is open no more, as of `latest`.
    pub(super) fn close(&mut self, index: u32, latest: MonoNs) {
        if let Some(part) = self.0.get_mut(&index) {
            part.open = part.open.saturating_sub(1);
            part.last = part.last.max(latest);
        }
    }

    /// All of a segment was read.
    pub(super) fn end_of(&mut self, index: u32) {
        self.0.entry(index).or_default().is_whole = true;
    }

    /// Takes what is whole and closed.
    pub(super) fn take(&mut self, author: Author) -> Vec<Piece> {
        let done = self.0.extract_if(.., |_, part| part.is_whole && part.open == 0);
        done.map(|(index, part)| piece(author, index, &part)).collect()
    }

    /// Everything that is left: the author has ended, and whatever it left open stays so. `unused` is a segment that it never began.
    pub(super) fn end(self, author: Author, unused: Option<u32>) -> Vec<Piece> {
        let last = self.0.values().map(|part| part.last).max().unwrap_or_default();
        let unused = unused.map(|index| Piece { author, index, records: 0, first: last, last });
        let left = self.0.iter().map(|(index, part)| piece(author, *index, part));
        left.chain(unused).collect()
    }
}

fn piece(author: Author, index: u32, part: &Part) -> Piece {
    Piece { author, index, records: part.records, first: part.first.min(part.last), last: part.last }
}
