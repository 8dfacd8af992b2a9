//! What was committed when.

use std::cell::OnceCell;

use crate::model::history::Journal;
use crate::model::record::{Commit, Reach};
use crate::model::time::MonoNs;

/// All confirmed commits, ready to be asked whether one message was covered at one instant.
pub(super) struct Commits<'a> {
    journals: &'a [Journal],
    /// By partition: (instant, greatest sequence covered from then on), by rising instant.
    up_to: Vec<Vec<(MonoNs, u64)>>,
    /// (partition, sequence, earliest instant), sorted. Made at the first question: a run without repeats never asks,
    /// and with explicit acks there is one a message.
    exact: OnceCell<Vec<(u16, u64, MonoNs)>>,
}

impl<'a> Commits<'a> {
    pub(super) fn new(journals: &'a [Journal]) -> Self {
        let mut up_to: Vec<Vec<(MonoNs, u64)>> = Vec::new();
        for commit in all(journals).filter(|commit| commit.reach == Reach::UpTo) {
            let partition = usize::from(commit.partition);
            if up_to.len() <= partition {
                up_to.resize_with(partition + 1, Vec::new);
            }
            up_to[partition].push((commit.at, commit.stream_seq));
        }
        for commits in &mut up_to {
            commits.sort_unstable();
            let mut greatest = 0;
            for (_, stream_seq) in commits {
                greatest = greatest.max(*stream_seq);
                *stream_seq = greatest;
            }
        }
        Self { journals, up_to, exact: OnceCell::new() }
    }

    /// Whether a commit confirmed before `at` covers the message at `stream_seq` of `partition`.
    pub(super) fn cover(&self, partition: u16, stream_seq: u64, at: MonoNs) -> bool {
        if stream_seq == 0 {
            return false;
        }
        let up_to = self.up_to.get(usize::from(partition)).is_some_and(|commits| {
            let before = commits.partition_point(|&(confirmed, _)| confirmed < at);
            before > 0 && commits[before - 1].1 >= stream_seq
        });
        up_to || self.cover_exactly(partition, stream_seq, at)
    }

    /// Whether the message at `stream_seq` of `partition` itself was ever acknowledged.
    pub(super) fn acknowledge(&self, partition: u16, stream_seq: u64) -> bool {
        self.cover_exactly(partition, stream_seq, MonoNs(u64::MAX))
    }

    fn cover_exactly(&self, partition: u16, stream_seq: u64, at: MonoNs) -> bool {
        let exact = self.exact.get_or_init(|| {
            let mut exact: Vec<_> = all(self.journals)
                .filter(|commit| commit.reach == Reach::Exact)
                .map(|commit| (commit.partition, commit.stream_seq, commit.at))
                .collect();
            exact.sort_unstable();
            exact
        });
        let first = exact.partition_point(|&(p, seq, _)| (p, seq) < (partition, stream_seq));
        exact.get(first).is_some_and(|&(p, seq, confirmed)| (p, seq) == (partition, stream_seq) && confirmed < at)
    }
}

fn all(journals: &[Journal]) -> impl Iterator<Item = &Commit> {
    journals.iter().flat_map(|journal| &journal.commits)
}
