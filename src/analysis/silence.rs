//! Silences: stretches in which messages of a partition wait and no live member handles a new one.

use super::findings::FaultFinding;
use super::first::First;
use super::timeline::Timeline;
use crate::model::history::History;
use crate::model::report::Silence;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::{Ledger, Lives};

/// As many silences go into the report.
const SHOWN: usize = 200;

/// What waited and stood still in one partition.
#[derive(Clone, Debug, Default)]
pub(super) struct PartitionSilences {
    /// Silences, disjoint and rising.
    silences: Vec<(MonoNs, MonoNs)>,
    /// Arrivals, rising: when a message could first have been seen waiting. Beside each, how far the presence of
    /// this or any earlier message reaches.
    arrivals: Vec<(MonoNs, MonoNs)>,
}

impl PartitionSilences {
    /// Longest silence within `from` … `to`, cut at both; `None` when no message was there to wait.
    pub(super) fn longest(&self, from: MonoNs, to: MonoNs) -> Option<SpanNs> {
        if to <= from {
            return None;
        }
        let arrived = self.arrivals.partition_point(|arrival| arrival.0 <= to);
        let present = arrived.checked_sub(1).and_then(|last| self.arrivals.get(last))?.1;
        if present < from {
            return None;
        }
        let first = self.silences.partition_point(|silence| silence.1 <= from);
        let within = self.silences[first..].iter().take_while(|silence| silence.0 < to);
        Some(within.map(|silence| silence.1.min(to).since(silence.0.max(from))).max().unwrap_or_default())
    }

    /// All of them: from, to.
    pub(super) fn all(&self) -> impl Iterator<Item = (MonoNs, MonoNs)> + '_ {
        self.silences.iter().copied()
    }

    /// When the silence that lasts at `at` ends, if one does.
    pub(super) fn end_of_one_at(&self, at: MonoNs) -> Option<MonoNs> {
        let first = self.silences.partition_point(|silence| silence.1 <= at);
        self.silences.get(first).filter(|silence| silence.0 <= at).map(|silence| silence.1)
    }

    /// Mean interval between arrivals within `from` … `to`; `None` when nothing arrived.
    pub(super) fn arrival_interval(&self, from: MonoNs, to: MonoNs) -> Option<SpanNs> {
        let before = self.arrivals.partition_point(|arrival| arrival.0 < from);
        let until = self.arrivals.partition_point(|arrival| arrival.0 < to);
        let arrived = until.saturating_sub(before) as u64;
        (arrived > 0).then(|| SpanNs(to.since(from).0 / arrived))
    }
}

/// From when on a message waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Waits {
    /// From the confirmation of its storage: what consumers are answerable for.
    Stored,
    /// From its intended instant: what a user notices when a server is away.
    Intended,
}

/// All silences, by partition.
///
/// A message waits from the confirmation of its storage to the start of its first successful handling, and to the end
/// of the work when it has none. A partition is busy while a first successful handling is going on in a member that is
/// not paused. (That it ended with success shows that the member lived.) Silent is: a message waits and the partition
/// is not busy.
pub(super) fn silences(
    history: &History,
    timeline: &Timeline,
    lives: &Lives,
    ledger: &Ledger,
    firsts: &[Option<First>],
    waits: Waits,
) -> Vec<PartitionSilences> {
    let pauses: Vec<&[(MonoNs, MonoNs)]> = history
        .journals
        .iter()
        .map(|journal| lives.get(journal.author).map_or(&[][..], |life| life.pauses.as_slice()))
        .collect();
    let mut changes: Vec<Vec<(MonoNs, Change)>> = vec![Vec::new(); ledger.partitions.len()];
    let mut found = vec![PartitionSilences::default(); ledger.partitions.len()];
    for (message, first) in ledger.messages.iter().zip(firsts) {
        let (Some(stored), Some(changes)) = (message.waits_since(), changes.get_mut(usize::from(message.partition)))
        else {
            continue;
        };
        if !message.offered {
            continue;
        }
        let stored = match waits {
            Waits::Stored => stored,
            Waits::Intended => message.intended.min(stored),
        };
        // What is given up waits no more.
        let given_up = message.dropped.unwrap_or(timeline.work_end).min(timeline.work_end);
        let wait_ends = first.map_or(given_up, |first| first.started);
        found[usize::from(message.partition)].arrivals.push((stored.min(wait_ends), wait_ends));
        if stored < wait_ends {
            changes.push((stored, Change::Waits));
            changes.push((wait_ends, Change::WaitsNoMore));
        }
        if let Some(first) = first {
            let pauses = pauses.get(usize::from(first.journal)).copied().unwrap_or_default();
            for (from, to) in unpaused(first.started, first.finished, pauses) {
                changes.push((from, Change::Busy));
                changes.push((to, Change::BusyNoMore));
            }
        }
    }
    for (partition, mut changes) in found.iter_mut().zip(changes) {
        changes.sort_unstable_by_key(|change| change.0);
        partition.silences = silent_stretches(&changes, timeline.work_end);
        partition.arrivals.sort_unstable();
        let mut reach = MonoNs(0);
        for arrival in &mut partition.arrivals {
            reach = reach.max(arrival.1);
            arrival.1 = reach;
        }
    }
    found
}

/// What changes at one instant in one partition.
#[derive(Clone, Copy, Debug)]
enum Change {
    Waits,
    WaitsNoMore,
    Busy,
    BusyNoMore,
}

/// Walks sorted changes; those of one instant count together.
fn silent_stretches(changes: &[(MonoNs, Change)], end: MonoNs) -> Vec<(MonoNs, MonoNs)> {
    let mut silences = Vec::new();
    let (mut waiting, mut busy) = (0_i64, 0_i64);
    let mut since = None;
    for at_once in changes.chunk_by(|left, right| left.0 == right.0) {
        let at = at_once[0].0;
        if at >= end {
            break;
        }
        for (_, change) in at_once {
            match change {
                Change::Waits => waiting += 1,
                Change::WaitsNoMore => waiting -= 1,
                Change::Busy => busy += 1,
                Change::BusyNoMore => busy -= 1,
            }
        }
        match (waiting > 0 && busy == 0, since) {
            (true, None) => since = Some(at),
            (false, Some(from)) => {
                silences.push((from, at));
                since = None;
            }
            _ => {}
        }
    }
    silences.extend(since.map(|from| (from, end)));
    silences
}

/// `from` … `to` without the pauses.
fn unpaused(from: MonoNs, to: MonoNs, pauses: &[(MonoNs, MonoNs)]) -> impl Iterator<Item = (MonoNs, MonoNs)> {
    let mut begin = from;
    let mut pauses = pauses.iter();
    let mut done = false;
    std::iter::from_fn(move || {
        while !done {
            let Some(&(paused, resumed)) = pauses.next() else {
                done = true;
                return (begin < to).then_some((begin, to));
            };
            let piece = (begin, paused.min(to));
            begin = begin.max(resumed);
            if piece.0 < piece.1 {
                return Some(piece);
            }
        }
        None
    })
}

/// The longest silences of the run, as the report shows them.
pub(super) fn longest(timeline: &Timeline, all: &[PartitionSilences], faults: &[FaultFinding]) -> Vec<Silence> {
    let mut silences: Vec<(u16, MonoNs, MonoNs)> = (0..=u16::MAX)
        .zip(all)
        .flat_map(|(partition, found)| found.silences.iter().map(move |&(from, to)| (partition, from, to)))
        .collect();
    let rank = |&(partition, from, to): &(u16, MonoNs, MonoNs)| (std::cmp::Reverse(to.since(from)), from, partition);
    if silences.len() > SHOWN {
        silences.select_nth_unstable_by_key(SHOWN, rank);
        silences.truncate(SHOWN);
    }
    silences.sort_unstable_by_key(rank);
    silences
        .into_iter()
        .map(|(partition, from, to)| Silence {
            partition,
            from_ms: timeline.ms(from),
            to_ms: timeline.ms(to),
            fault: super::rebalance::fault_at(faults, from),
        })
        .collect()
}
