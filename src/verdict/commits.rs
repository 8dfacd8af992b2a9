//! What was committed when, and what a server forgot of it.
//!
//! A server writes down acknowledgements a moment after it has confirmed them, and those of a consumer in memory never; so
//! one whose process ended may offer again what it had confirmed. That is its own doing and no member's: such a repeat is judged
//! as if nothing had been committed, and counted. That holds for acknowledgements of one message and of all up to one. Checkpoints are messages, on
//! disk before they are confirmed: who begins below one is never excused.

use std::collections::BTreeSet;
use std::sync::OnceLock;

use crate::model::history::{History, Journal};
use crate::model::record::{Commit, Reach};
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::MonoNs;

/// All confirmed commits, ready to be asked whether one message was covered at one instant.
pub(super) struct Commits<'a> {
    journals: &'a [Journal],
    /// By partition, by rising instant: what is covered from then on.
    up_to: Vec<Vec<UpTo>>,
    /// Those are acknowledgements, which a server may forget.
    forgettable: bool,
    /// (partition, sequence, instant), sorted. Made at the first question: a run without repeats never asks,
    /// and with explicit acks there is one a message.
    exact: OnceLock<Vec<(u16, u64, MonoNs)>>,
    /// When a server's process ended, rising.
    ends: Vec<MonoNs>,
}

/// A commit of everything up to a message.
#[derive(Clone, Copy)]
struct UpTo {
    at: MonoNs,
    /// The greatest sequence that was ever covered by then.
    ever: u64,
    /// The greatest that is covered since a server may have forgotten something.
    since: u64,
}

/// Whether a server may forget what was committed in this mode.
pub(super) fn are_forgettable(commit_mode: Option<&str>) -> bool {
    commit_mode.is_some_and(|mode| mode != "checkpoint")
}

impl<'a> Commits<'a> {
    pub(super) fn of(history: &'a History) -> Self {
        let journals = &history.journals;
        let nodes = history.manifest.environment.server_nodes;
        let ends = ends_of_servers(&history.story, nodes);
        let forgettable = are_forgettable(history.manifest.commit_mode.as_deref());
        let mut up_to: Vec<Vec<UpTo>> = Vec::new();
        for commit in all(journals).filter(|commit| commit.reach == Reach::UpTo) {
            let partition = usize::from(commit.partition);
            if up_to.len() <= partition {
                up_to.resize_with(partition + 1, Vec::new);
            }
            up_to[partition].push(UpTo { at: commit.at, ever: commit.stream_seq, since: commit.stream_seq });
        }
        for commits in &mut up_to {
            commits.sort_unstable_by_key(|commit| (commit.at, commit.ever));
            let mut before: Option<UpTo> = None;
            for commit in commits {
                if let Some(before) = before {
                    commit.ever = commit.ever.max(before.ever);
                    if !(forgettable && ended_in(&ends, before.at, commit.at)) {
                        commit.since = commit.since.max(before.since);
                    }
                }
                before = Some(*commit);
            }
        }
        Self { journals, up_to, forgettable, exact: OnceLock::new(), ends }
    }

    /// Whether a commit confirmed before `at` covers the message at `stream_seq` of `partition`.
    pub(super) fn cover(&self, partition: u16, stream_seq: u64, at: MonoNs) -> bool {
        if stream_seq == 0 {
            return false;
        }
        let up_to = self
            .last_before(partition, at)
            .is_some_and(|commit| commit.since >= stream_seq && !(self.forgettable && self.ended_in(commit.at, at)));
        let acknowledged = || self.acknowledged_before(partition, stream_seq, at);
        up_to || acknowledged().is_some_and(|confirmed| !self.ended_in(confirmed, at))
    }

    /// Whether the message at `stream_seq` of `partition` was acknowledged before `at`, by itself or with others, and a server's process
    /// ended in between.
    pub(super) fn forgot(&self, partition: u16, stream_seq: u64, at: MonoNs) -> bool {
        if self.ends.is_empty() || stream_seq == 0 || self.cover(partition, stream_seq, at) {
            return false;
        }
        let with_others =
            self.forgettable && self.last_before(partition, at).is_some_and(|commit| commit.ever >= stream_seq);
        with_others || self.acknowledged_before(partition, stream_seq, at).is_some()
    }

    /// The last commit of everything up to a message that was confirmed before `at`.
    fn last_before(&self, partition: u16, at: MonoNs) -> Option<&UpTo> {
        let commits = self.up_to.get(usize::from(partition))?;
        commits[..commits.partition_point(|commit| commit.at < at)].last()
    }

    fn ended_in(&self, from: MonoNs, to: MonoNs) -> bool {
        ended_in(&self.ends, from, to)
    }

    /// Whether the message at `stream_seq` of `partition` itself was ever acknowledged.
    pub(super) fn acknowledge(&self, partition: u16, stream_seq: u64) -> bool {
        self.acknowledged_before(partition, stream_seq, MonoNs(u64::MAX)).is_some()
    }

    /// When it was acknowledged last before an instant: what a server forgot may have been acknowledged again.
    fn acknowledged_before(&self, partition: u16, stream_seq: u64, at: MonoNs) -> Option<MonoNs> {
        let exact = self.exact.get_or_init(|| {
            let mut exact: Vec<_> = all(self.journals)
                .filter(|commit| commit.reach == Reach::Exact)
                .map(|commit| (commit.partition, commit.stream_seq, commit.at))
                .collect();
            exact.sort_unstable();
            exact
        });
        let last = exact.partition_point(|commit| *commit < (partition, stream_seq, at)).checked_sub(1)?;
        let (of, seq, confirmed) = *exact.get(last)?;
        ((of, seq) == (partition, stream_seq)).then_some(confirmed)
    }
}

fn ended_in(ends: &[MonoNs], from: MonoNs, to: MonoNs) -> bool {
    let next = ends.partition_point(|&end| end < from);
    ends.get(next).is_some_and(|&end| end < to)
}

fn all(journals: &[Journal]) -> impl Iterator<Item = &Commit> {
    journals.iter().flat_map(|journal| &journal.commits)
}

/// The instants up to which what a server had confirmed may have been lost with its process.
///
/// A confirmation may lie in a member's socket when the server that sent it is gone, and be recorded a moment later. The one
/// server there is cannot confirm anything before it is started again, so there that instant counts, too.
fn ends_of_servers(story: &[StoryLine], nodes: u32) -> Vec<MonoNs> {
    let mut started = BTreeSet::new();
    let mut ends = Vec::new();
    for line in story {
        match &line.event {
            StoryEvent::Exited { process, .. } if process.starts_with("server") => ends.push(line.at),
            StoryEvent::Spawned { process, .. }
                if process.starts_with("server") && !started.insert(process) && nodes <= 1 =>
            {
                ends.push(line.at);
            }
            _ => {}
        }
    }
    ends.sort_unstable();
    ends
}
