//! `end_to_end` by the second of the intended instant, over all phases.
//!
//! A second is kept as it was observed until nobody can add to it, and then as a point: so what is held grows with seconds. What
//! comes to a second that is closed counts in it, and in its greatest, and leaves its median and percentile as they are.

use std::collections::BTreeMap;

use super::super::latency::{bin, second_span};
use super::super::statistics::quantile;
use super::super::timeline::{Timeline, round_ms};
use crate::model::report::LatencyPoint;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::by_instant;

/// As many observations wait at most until their second is closed: 32 MiB.
const WAITING: usize = 4 << 20;

/// All seconds.
#[derive(Clone, Debug, Default)]
pub(in super::super) struct Seconds {
    open: BTreeMap<u32, Vec<u64>>,
    waiting: usize,
    closed: BTreeMap<u32, Second>,
}

/// A second that is closed; lengths in nanoseconds.
#[derive(Clone, Debug, Default)]
struct Second {
    n: u64,
    p50: u64,
    p99: u64,
    max: u64,
    bin_first: u16,
    bins: Vec<u64>,
}

impl Seconds {
    /// Something that was intended in a second took so long.
    pub(in super::super) fn take(&mut self, second: u32, length: SpanNs) {
        if let Some(closed) = self.closed.get_mut(&second) {
            closed.n += 1;
            closed.max = closed.max.max(length.0);
            closed.add(length.0);
            return;
        }
        self.open.entry(second).or_default().push(length.0);
        self.waiting += 1;
    }

    /// Closes the seconds before one, and more when too much waits.
    pub(in super::super) fn close(&mut self, before: u32) {
        while let Some(first) = self.open.first_entry()
            && (*first.key() < before || self.waiting > WAITING)
        {
            let (second, observed) = first.remove_entry();
            self.waiting -= observed.len();
            self.closed.insert(second, Second::of(observed));
        }
    }

    /// As the report shows them: not more than `most` points. A point of several seconds has the median and the percentile of the
    /// worst of them.
    pub(in super::super) fn points(mut self, timeline: &Timeline, most: usize) -> Vec<LatencyPoint> {
        self.close(u32::MAX);
        let together = timeline.seconds().div_ceil(most).max(1);
        let within = |second: &u32| (*second as usize) < timeline.seconds();
        let mut points: BTreeMap<usize, Second> = BTreeMap::new();
        for (number, second) in self.closed.into_iter().filter(|(number, _)| within(number)) {
            points.entry(number as usize / together).or_default().join(second);
        }
        let ms = |ns: u64| round_ms(SpanNs(ns));
        points
            .into_iter()
            .map(|(number, second)| LatencyPoint {
                at_ms: timeline.ms(timeline.zero + second_span(number * together)),
                seconds: together as u32,
                n: second.n,
                p50_ms: ms(second.p50),
                p99_ms: ms(second.p99),
                max_ms: ms(second.max),
                bin_first: second.bin_first,
                bins: second.bins,
            })
            .collect()
    }

    /// Observations that wait.
    pub(in super::super) fn held(&self) -> usize {
        self.waiting
    }
}

impl Second {
    fn of(mut observed: Vec<u64>) -> Self {
        by_instant::sort(&mut observed, |ns| MonoNs(*ns));
        let at = |q| quantile(&observed, q).unwrap_or(0);
        let mut second =
            Self { n: observed.len() as u64, p50: at(0.5), p99: at(0.99), max: at(1.0), ..Self::default() };
        // They rise, so those of one bin stand together.
        let mut rest = observed.as_slice();
        while let Some(ns) = rest.first() {
            let of_first = bin(*ns);
            let (within, behind) = rest.split_at(rest.partition_point(|ns| bin(*ns) <= of_first));
            second.put(of_first, within.len() as u64);
            rest = behind;
        }
        second
    }

    fn add(&mut self, ns: u64) {
        self.put(bin(ns), 1);
    }

    fn put(&mut self, bin: u16, count: u64) {
        if self.bins.is_empty() {
            self.bin_first = bin;
        }
        if bin < self.bin_first {
            let before = usize::from(self.bin_first - bin);
            self.bins.splice(0..0, std::iter::repeat_n(0, before));
            self.bin_first = bin;
        }
        let at = usize::from(bin - self.bin_first);
        if at >= self.bins.len() {
            self.bins.resize(at + 1, 0);
        }
        self.bins[at] += count;
    }

    fn join(&mut self, other: Self) {
        self.n += other.n;
        self.p50 = self.p50.max(other.p50);
        self.p99 = self.p99.max(other.p99);
        self.max = self.max.max(other.max);
        for (bin, count) in (other.bin_first..).zip(other.bins).filter(|(_, count)| *count > 0) {
            self.put(bin, count);
        }
    }
}

/// Which second of a run an instant falls in; `None` before it.
pub(in super::super) fn second_of(zero: MonoNs, at: MonoNs) -> Option<u32> {
    (zero <= at).then(|| u32::try_from(at.since(zero).0 / 1_000_000_000).ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_length_lies_in_one_bin_and_that_bin_holds_it(lengths in prop::collection::vec(0u64..10_000_000_000_000, 0..200)) {
            let mut lengths = lengths;
            let Second { bin_first: first, bins, .. } = Second::of(lengths.clone());
            lengths.sort_unstable();
            prop_assert_eq!(bins.iter().sum::<u64>(), lengths.len() as u64);
            prop_assert!(bins.first().is_none_or(|count| *count > 0) && bins.last().is_none_or(|count| *count > 0));
            let mut rest = lengths.as_slice();
            for (number, count) in (first..).zip(&bins) {
                let (here, later) = rest.split_at(*count as usize);
                rest = later;
                let edge = |bin: u16| 10f64.powf(f64::from(bin) / f64::from(LatencyPoint::BINS_A_DECADE)) * 1e3;
                for ns in here {
                    let ns = (*ns).clamp(1_000, 3_600_000_000_000) as f64;
                    prop_assert!(ns >= edge(number) * 0.999_999 && ns < edge(number + 1) * 1.000_001, "{ns} in {number}");
                }
            }
        }

        #[test]
        fn what_comes_late_and_seconds_that_are_joined_keep_counts_bins_and_the_greatest(
            lengths in prop::collection::vec(0u64..10_000_000_000, 1..60),
            early in 0_usize..60,
        ) {
            let whole = Second::of(lengths.clone());
            let (before, after) = lengths.split_at(early.min(lengths.len()));
            let mut seconds = Seconds::default();
            before.iter().for_each(|ns| seconds.take(3, SpanNs(*ns)));
            seconds.close(4);
            after.iter().for_each(|ns| seconds.take(3, SpanNs(*ns)));
            seconds.close(4);
            let mut joined = Second::of(before.to_vec());
            joined.join(Second::of(after.to_vec()));
            for second in [&seconds.closed[&3], &joined] {
                prop_assert_eq!((second.n, second.max), (whole.n, whole.max));
                prop_assert_eq!((second.bin_first, &second.bins), (whole.bin_first, &whole.bins));
            }
        }
    }
}
