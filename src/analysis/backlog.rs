//! Backlog: messages stored and not yet handled, over all partitions.

use super::first::First;
use super::timeline::Timeline;
use crate::model::report::BacklogPoint;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::Ledger;

/// Not more points than this, and not closer than [`CLOSEST`].
const POINTS: u64 = 3_000;
const CLOSEST: SpanNs = SpanNs(100_000_000);

/// The instants at which messages entered and left the backlog, each sorted.
///
/// A message enters when its storage is confirmed and leaves when its first successful handling ends. One that was
/// handled before its confirmation came was never in it: it enters and leaves at one instant. One that is given up
/// leaves then, and one that was never offered does not enter.
#[derive(Clone, Debug, Default)]
pub(super) struct Backlog {
    entered: Vec<MonoNs>,
    left: Vec<MonoNs>,
}

impl Backlog {
    pub(super) fn of(ledger: &Ledger, firsts: &[Option<First>]) -> Self {
        let mut backlog = Self::default();
        for (message, first) in ledger.messages.iter().zip(firsts) {
            let Some(stored) = message.waits_since() else { continue };
            if let Some(first) = first {
                backlog.entered.push(stored.min(first.finished));
                backlog.left.push(first.finished);
            } else {
                backlog.entered.push(stored);
                backlog.left.extend(message.dropped.map(|dropped| dropped.max(stored)));
            }
        }
        backlog.entered.sort_unstable();
        backlog.left.sort_unstable();
        backlog
    }

    /// Level at one instant.
    pub(super) fn at(&self, at: MonoNs) -> u64 {
        let entered = self.entered.partition_point(|&instant| instant <= at);
        let left = self.left.partition_point(|&instant| instant <= at);
        entered.saturating_sub(left) as u64
    }

    /// Greatest level in `from` … `to`. It can only rise where something enters.
    pub(super) fn greatest(&self, from: MonoNs, to: MonoNs) -> u64 {
        let first = self.entered.partition_point(|&instant| instant <= from);
        let rises = self.entered[first..].iter().take_while(|&&instant| instant <= to);
        rises.map(|&instant| self.at(instant)).max().unwrap_or(0).max(self.at(from))
    }

    /// First instant at or after `from` at which the level is not above `level`. It can only fall where something leaves.
    pub(super) fn back_at(&self, level: u64, from: MonoNs) -> Option<MonoNs> {
        if self.at(from) <= level {
            return Some(from);
        }
        let first = self.left.partition_point(|&instant| instant <= from);
        self.left[first..].iter().copied().find(|&instant| self.at(instant) <= level)
    }

    /// Sampled evenly over the run.
    pub(super) fn sampled(&self, timeline: &Timeline) -> Vec<BacklogPoint> {
        let span = timeline.end.since(timeline.zero);
        let step = SpanNs((span.0 / POINTS).max(CLOSEST.0));
        let points = span.0 / step.0;
        (0..=points)
            .map(|point| {
                let at = timeline.zero + SpanNs(point * step.0);
                BacklogPoint { at_ms: timeline.ms(at), messages: self.at(at) }
            })
            .collect()
    }
}
