//! The tally: what is added up message by message and handling by handling, whether the evidence is read whole or followed.

mod flow;
mod seconds;
mod window;

use super::backlog::Levels;
use super::latency::Latencies;
use super::timeline::Timeline;
use super::wait::Wait;
use crate::model::time::MonoNs;
use crate::verdict::{Judged, Settled};

pub(super) use flow::Flow;
pub(super) use seconds::{Seconds, second_of};
pub(super) use window::{Known, Seen, Window};

/// Not more points than this in a series by the second.
pub(super) const POINTS: usize = 2_000;

/// The measure phase, as far as it is known.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Measure {
    pub(super) from: Option<MonoNs>,
    pub(super) to: Option<MonoNs>,
}

impl Measure {
    /// That of a run that is over.
    pub(super) fn of(timeline: &Timeline) -> Self {
        let (from, to) = timeline.measure().unzip();
        Self { from, to }
    }

    /// Whether an instant is in it.
    pub(super) fn holds(self, at: MonoNs) -> bool {
        self.from.is_some_and(|from| from <= at) && self.to.is_none_or(|to| at < to)
    }
}

/// The sums.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    zero: MonoNs,
    pub(super) latencies: Latencies,
    pub(super) flow: Flow,
    pub(super) seconds: Seconds,
    pub(super) levels: Levels,
}

impl Tally {
    /// Of a run that began at `zero`.
    pub(super) fn new(zero: MonoNs) -> Self {
        let (flow, seconds, levels) = (Flow::default(), Seconds::default(), Levels::default());
        Self { zero, latencies: Latencies::empty(), flow, seconds, levels }
    }

    /// Takes a message.
    pub(super) fn settle(&mut self, settled: &Settled, measure: Measure) {
        if measure.holds(settled.intended) {
            self.latencies.add(settled);
        }
        self.flow.settle(settled, self.zero, measure);
        if let (Some(first), Some(second)) = (settled.first, second_of(self.zero, settled.intended)) {
            self.seconds.take(second, first.finished.since(settled.intended));
        }
        if let Some(wait) = Wait::of(settled) {
            self.levels.take(&wait, self.zero);
        }
    }

    /// Takes a handling.
    pub(super) fn judge(&mut self, judged: &Judged, measure: Measure) {
        self.flow.judge(judged, self.zero, measure);
    }

    /// Nothing that was intended before `at` is still to come.
    pub(super) fn close(&mut self, at: MonoNs) {
        self.seconds.close(second_of(self.zero, at).unwrap_or(0));
    }
}
