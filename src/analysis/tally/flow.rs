//! Flow: how much was offered, stored, handled and handled in order, by the second and over the measure phase.

use std::collections::BTreeMap;

use super::super::findings::MeasuredFlow;
use super::super::latency::{per_second, second_span};
use super::super::timeline::{LONGEST_RUN, Timeline};
use super::Measure;
use super::seconds::second_of;
use crate::model::record::Author;
use crate::model::report::ThroughputPoint;
use crate::model::time::MonoNs;
use crate::verdict::{Judged, Settled, Verdict};

/// What lies behind this second is torn.
const LAST: u32 = (LONGEST_RUN.0 / 1_000_000_000) as u32;

/// All that flowed.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Flow {
    seconds: Vec<Second>,
    measured: MeasuredFlow,
    /// Handlings with success by member.
    members: BTreeMap<u16, u64>,
}

/// One second.
#[derive(Clone, Copy, Debug, Default)]
struct Second {
    offered: u32,
    stored: u32,
    handled: u32,
    ordered: u32,
    violations: u32,
}

impl Flow {
    /// Takes a message.
    pub(super) fn settle(&mut self, settled: &Settled, zero: MonoNs, measure: Measure) {
        self.count(zero, settled.intended, |second| second.offered += 1);
        self.measured.offered += u64::from(measure.holds(settled.intended));
        if let Some(stored) = settled.stored {
            self.count(zero, stored, |second| second.stored += 1);
            self.measured.stored += u64::from(measure.holds(stored));
        }
    }

    /// Takes a handling.
    pub(super) fn judge(&mut self, judged: &Judged, zero: MonoNs, measure: Measure) {
        self.note_member(judged.author, judged.verdict.is_handled());
        let Some(finished) = judged.handled_at() else { return };
        let ordered = judged.verdict == Verdict::InOrder;
        self.count(zero, finished, |second| {
            second.handled += 1;
            second.ordered += u32::from(ordered);
            second.violations += u32::from(judged.verdict.breaks_order());
        });
        if measure.holds(finished) {
            let first = matches!(judged.verdict, Verdict::InOrder | Verdict::Skipped | Verdict::Late);
            self.measured.handled += 1;
            self.measured.ordered += u64::from(ordered);
            self.measured.handled_messages += u64::from(first);
        }
    }

    /// A member that only began handlings is told with none.
    pub(super) fn note_member(&mut self, author: Author, handled: bool) {
        *self.members.entry(author.index).or_default() += u64::from(handled);
    }

    fn count(&mut self, zero: MonoNs, at: MonoNs, add: impl FnOnce(&mut Second)) {
        let Some(second) = second_of(zero, at).filter(|second| *second <= LAST) else { return };
        let second = second as usize;
        if self.seconds.len() <= second {
            self.seconds.resize(second + 1, Second::default());
        }
        add(&mut self.seconds[second]);
    }

    /// From the start of the run to its end: not more than `most` points, which hold the sums of their seconds.
    pub(in super::super) fn points(&self, timeline: &Timeline, most: usize) -> Vec<ThroughputPoint> {
        let together = timeline.seconds().div_ceil(most).max(1);
        let point = |number: usize| {
            let from = number * together;
            let to = (from + together).min(timeline.seconds());
            let mut point = ThroughputPoint {
                at_ms: timeline.ms(timeline.zero + second_span(from)),
                seconds: together as u32,
                ..ThroughputPoint::default()
            };
            let held = self.seconds.get(from.min(self.seconds.len())..to.min(self.seconds.len()));
            for second in held.unwrap_or_default() {
                point.offered += u64::from(second.offered);
                point.stored += u64::from(second.stored);
                point.handled += u64::from(second.handled);
                point.ordered += u64::from(second.ordered);
                point.violations += u64::from(second.violations);
            }
            point
        };
        (0..timeline.seconds().div_ceil(together)).map(point).collect()
    }

    /// Sums and rates over the measure phase.
    pub(in super::super) fn measured(&self, timeline: &Timeline) -> MeasuredFlow {
        let Some((from, to)) = timeline.measure() else {
            return MeasuredFlow::default();
        };
        let rate = |count| per_second(count, from, to);
        MeasuredFlow {
            offered_per_s: rate(self.measured.offered),
            stored_per_s: rate(self.measured.stored),
            handled_per_s: rate(self.measured.handled),
            ordered_per_s: rate(self.measured.ordered),
            ..self.measured
        }
    }

    /// Handlings with success by member, in order of names.
    pub(in super::super) fn by_member(&self) -> Vec<(String, u64)> {
        self.members.iter().map(|(index, handled)| (format!("c{index}"), *handled)).collect()
    }
}
