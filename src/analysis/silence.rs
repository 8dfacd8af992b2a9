//! Silences: stretches in which messages of a partition wait and no live member handles a new one.

use super::findings::FaultFinding;
use super::liveness::Stretch;
use super::timeline::Timeline;
use super::wait::{Wait, WaitEnd};
use crate::model::report::Silence;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::{Lives, by_instant};

/// As many silences go into the report.
pub(super) const SHOWN: usize = 200;

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
    partitions: usize,
    waits: impl Iterator<Item = Wait>,
    lives: &Lives,
    work_end: MonoNs,
    begin: Waits,
) -> Vec<PartitionSilences> {
    let mut gathered = vec![Gathered::default(); partitions];
    for wait in waits {
        if let Some(of_partition) = gathered.get_mut(usize::from(wait.partition)) {
            of_partition.take(&wait, lives, work_end, begin);
        }
    }
    gathered.into_iter().map(|of_partition| of_partition.silences(work_end)).collect()
}

/// The silences of one partition, from its waits.
pub(super) fn of_one(waits: &[Wait], lives: &Lives, work_end: MonoNs, begin: Waits) -> PartitionSilences {
    let mut gathered = Gathered::default();
    for wait in waits {
        gathered.take(wait, lives, work_end, begin);
    }
    gathered.silences(work_end)
}

/// What happened in one partition, in no order yet.
#[derive(Clone, Debug, Default)]
struct Gathered {
    changes: Vec<(MonoNs, Change)>,
    arrivals: Vec<(MonoNs, MonoNs)>,
}

impl Gathered {
    fn take(&mut self, wait: &Wait, lives: &Lives, work_end: MonoNs, begin: Waits) {
        let since = match begin {
            Waits::Stored => wait.since,
            Waits::Intended => wait.intended.min(wait.since),
        };
        let wait_ends = match wait.end {
            WaitEnd::Handled { started, .. } => started,
            // What is given up waits no more.
            WaitEnd::Dropped(dropped) => dropped.min(work_end),
            WaitEnd::Never => work_end,
        };
        self.arrivals.push((since.min(wait_ends), wait_ends));
        if since < wait_ends {
            self.changes.push((since, Change::Waits));
            self.changes.push((wait_ends, Change::WaitsNoMore));
        }
        if let WaitEnd::Handled { started, finished, author } = wait.end {
            let pauses = lives.get(author).map_or(&[][..], |life| life.pauses.as_slice());
            for (from, to) in unpaused(started, finished, pauses) {
                self.changes.push((from, Change::Busy));
                self.changes.push((to, Change::BusyNoMore));
            }
        }
    }

    fn silences(mut self, work_end: MonoNs) -> PartitionSilences {
        by_instant::sort(&mut self.changes, |change| change.0);
        // Of arrivals at one instant the last reaches as far as any of them, whatever their order.
        by_instant::sort(&mut self.arrivals, |arrival| arrival.0);
        let mut reach = MonoNs(0);
        for arrival in &mut self.arrivals {
            reach = reach.max(arrival.1);
            arrival.1 = reach;
        }
        PartitionSilences { silences: silent_stretches(&self.changes, work_end), arrivals: self.arrivals }
    }
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

/// Of all silences the longest, the longest first: as many as the report shows.
pub(super) fn longest(mut silences: Vec<Stretch>) -> Vec<Stretch> {
    let rank = |silence: &Stretch| (std::cmp::Reverse(silence.to.since(silence.from)), silence.from, silence.partition);
    if silences.len() > SHOWN {
        silences.select_nth_unstable_by_key(SHOWN, rank);
        silences.truncate(SHOWN);
    }
    silences.sort_unstable_by_key(rank);
    silences
}

/// All silences of all partitions.
pub(super) fn stretches(all: &[PartitionSilences]) -> impl Iterator<Item = Stretch> {
    (0..=u16::MAX)
        .zip(all)
        .flat_map(|(partition, found)| found.silences.iter().map(move |&(from, to)| Stretch { partition, from, to }))
}

/// The longest silences as the report shows them.
pub(super) fn told(timeline: &Timeline, longest: &[Stretch], faults: &[FaultFinding]) -> Vec<Silence> {
    longest
        .iter()
        .map(|&Stretch { partition, from, to }| Silence {
            partition,
            from_ms: timeline.ms(from),
            to_ms: timeline.ms(to),
            fault: super::rebalance::fault_at(faults, from),
        })
        .collect()
}
