//! Backlog: messages stored and not yet handled, over all partitions.

use super::timeline::{LONGEST_RUN, Timeline};
use super::wait::Wait;
use crate::model::report::BacklogPoint;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::by_instant;

/// Not more points than this, and not closer than [`CLOSEST`].
const POINTS: u64 = 3_000;
const CLOSEST: SpanNs = SpanNs(100_000_000);
/// What lies behind this point is torn.
const LAST: u64 = LONGEST_RUN.0 / CLOSEST.0;

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
    pub(super) fn of(waits: impl Iterator<Item = Wait>) -> Self {
        let mut backlog = Self::default();
        for wait in waits {
            backlog.entered.push(wait.entered());
            backlog.left.extend(wait.left());
        }
        by_instant::sort(&mut backlog.entered, |at| *at);
        by_instant::sort(&mut backlog.left, |at| *at);
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
}

/// The level over time, added up message by message: how much it changes in each tenth of a second.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    changes: Vec<i32>,
}

impl Levels {
    /// Takes a message.
    pub(super) fn take(&mut self, wait: &Wait, zero: MonoNs) {
        self.change(wait.entered(), zero, 1);
        if let Some(left) = wait.left() {
            self.change(left, zero, -1);
        }
    }

    /// What happens up to the instant of a point counts in it.
    fn change(&mut self, at: MonoNs, zero: MonoNs, by: i32) {
        let point = at.since(zero).0.div_ceil(CLOSEST.0);
        if point > LAST {
            return;
        }
        let point = point as usize;
        if self.changes.len() <= point {
            self.changes.resize(point + 1, 0);
        }
        self.changes[point] += by;
    }

    /// Sampled evenly over the run.
    pub(super) fn sampled(&self, timeline: &Timeline) -> Vec<BacklogPoint> {
        let steps = timeline.end.since(timeline.zero).0 / CLOSEST.0;
        let every = steps.div_ceil(POINTS).max(1);
        let mut level = 0_i64;
        let mut points = Vec::new();
        for step in 0..=steps {
            level += i64::from(self.changes.get(step as usize).copied().unwrap_or(0));
            if step % every == 0 {
                let at_ms = timeline.ms(timeline.zero + SpanNs(step * CLOSEST.0));
                points.push(BacklogPoint { at_ms, messages: level.max(0).unsigned_abs() });
            }
        }
        points
    }
}
