//! Latencies: from the schedule to the end of the handler, one histogram a quantity.

use hdrhistogram::Histogram;

use super::first::First;
use super::statistics::quantile;
use super::timeline::{Timeline, round_ms};
use crate::model::report::LatencyPoint;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::{Ledger, Message, Standing};

/// Least and greatest latency that a histogram tells apart: 1 µs to 1 h. Beyond, it saturates.
const LEAST_NS: u64 = 1_000;
const GREATEST_NS: u64 = 3_600 * 1_000_000_000;

/// All latencies of the messages whose intended instant is in the measure phase, in nanoseconds with three significant
/// digits. Consumer-side instants are those of the first successful handling.
#[derive(Clone, Debug)]
pub struct Latencies {
    /// `publish` = stored − intended.
    pub publish: Histogram<u64>,
    /// `publish_service` = stored − sent.
    pub publish_service: Histogram<u64>,
    /// `transit` = received − sent.
    pub transit: Histogram<u64>,
    /// `end_to_end` = finished − intended.
    pub end_to_end: Histogram<u64>,
    /// `handling` = finished − started.
    pub handling: Histogram<u64>,
    /// `schedule_lag` = sent − max(intended, possible).
    pub schedule_lag: Histogram<u64>,
    /// `blocked` = (sent − intended) − `schedule_lag`.
    pub blocked: Histogram<u64>,
    /// Stored messages that were not handled by the end: missing in `end_to_end`, `transit` and `handling`.
    pub censored: u64,
}

/// A histogram without an observation.
pub(super) fn empty() -> Histogram<u64> {
    Histogram::new_with_bounds(LEAST_NS, GREATEST_NS, 3).expect("the bounds are a constant and fit")
}

impl Latencies {
    pub(super) fn empty() -> Self {
        Self {
            publish: empty(),
            publish_service: empty(),
            transit: empty(),
            end_to_end: empty(),
            handling: empty(),
            schedule_lag: empty(),
            blocked: empty(),
            censored: 0,
        }
    }

    fn add(&mut self, message: &Message, first: Option<&First>) {
        let mut record = |histogram: fn(&mut Self) -> &mut Histogram<u64>, span: SpanNs| {
            histogram(self).saturating_record(span.0);
        };
        let lag = message.sent.since(message.intended.max(message.possible));
        record(|l| &mut l.schedule_lag, lag);
        record(|l| &mut l.blocked, SpanNs(message.sent.since(message.intended).0.saturating_sub(lag.0)));
        if let (Standing::Stored, Some(stored)) = (message.standing, message.stored) {
            record(|l| &mut l.publish, stored.since(message.intended));
            record(|l| &mut l.publish_service, stored.since(message.sent));
        }
        if let Some(first) = first {
            record(|l| &mut l.transit, first.received.since(message.sent));
            record(|l| &mut l.handling, first.finished.since(first.started));
            record(|l| &mut l.end_to_end, first.finished.since(message.intended));
        } else if message.is_due() {
            self.censored += 1;
        }
    }

    /// `end_to_end` as a curve: (percentile, milliseconds), denser towards the tail.
    #[must_use]
    pub fn distribution(&self) -> Vec<(f64, f64)> {
        if self.end_to_end.is_empty() {
            return Vec::new();
        }
        let tail = [99.1, 99.2, 99.3, 99.4, 99.5, 99.6, 99.7, 99.8, 99.9, 99.95, 99.99, 99.995, 99.999, 100.0];
        let percentiles = (0..=99).map(f64::from).chain(tail);
        percentiles.map(|p| (p, round_ms(SpanNs(self.end_to_end.value_at_percentile(p))))).collect()
    }
}

/// All latencies of a run.
pub(super) fn latencies(timeline: &Timeline, ledger: &Ledger, firsts: &[Option<First>]) -> Latencies {
    let mut latencies = Latencies::empty();
    for (message, first) in ledger.messages.iter().zip(firsts) {
        if timeline.measures(message.intended) {
            latencies.add(message, first.as_ref());
        }
    }
    latencies
}

/// `end_to_end` by the second of the intended instant, exact, over all phases.
pub(super) fn by_second(timeline: &Timeline, ledger: &Ledger, firsts: &[Option<First>]) -> Vec<LatencyPoint> {
    let mut observed: Vec<(usize, u64)> = Vec::with_capacity(firsts.len());
    for (message, first) in ledger.messages.iter().zip(firsts) {
        if let (Some(first), Some(second)) = (first, timeline.second(message.intended)) {
            observed.push((second, first.finished.since(message.intended).0));
        }
    }
    observed.sort_unstable();
    observed
        .chunk_by(|left, right| left.0 == right.0)
        .map(|of_second| {
            let at = |q| quantile(of_second, q).map_or(0.0, |(_, ns)| round_ms(SpanNs(ns)));
            let (bin_first, bins) = binned(of_second.iter().map(|(_, ns)| *ns));
            LatencyPoint {
                at_ms: timeline.ms(timeline.zero + second_span(of_second[0].0)),
                n: of_second.len() as u64,
                p50_ms: at(0.5),
                p99_ms: at(0.99),
                max_ms: at(1.0),
                bin_first,
                bins,
            }
        })
        .collect()
}

/// Rising lengths by their logarithm: the number of the first bin, and how many lie in it and in each that follows.
fn binned(rising_ns: impl Iterator<Item = u64>) -> (u16, Vec<u64>) {
    let mut first = None;
    let mut bins: Vec<u64> = Vec::new();
    for ns in rising_ns {
        let ns = ns.clamp(LEAST_NS, GREATEST_NS);
        let decades = (ns as f64 / LEAST_NS as f64).log10();
        let bin = (decades * f64::from(LatencyPoint::BINS_A_DECADE)).floor() as u16;
        let at = usize::from(bin - *first.get_or_insert(bin));
        if at >= bins.len() {
            bins.resize(at + 1, 0);
        }
        bins[at] += 1;
    }
    (first.unwrap_or(0), bins)
}

/// So many seconds as a span.
pub(super) fn second_span(seconds: usize) -> SpanNs {
    SpanNs((seconds as u64).saturating_mul(1_000_000_000))
}

/// An empty stretch of time is no rate: `count` a second over `from` … `to`.
pub(super) fn per_second(count: u64, from: MonoNs, to: MonoNs) -> Option<f64> {
    let span = to.since(from);
    (span.0 > 0).then(|| count as f64 / span.as_s())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_length_lies_in_one_bin_and_that_bin_holds_it(lengths in prop::collection::vec(0u64..10_000_000_000_000, 0..200)) {
            let mut lengths = lengths;
            lengths.sort_unstable();
            let (first, bins) = binned(lengths.iter().copied());
            prop_assert_eq!(bins.iter().sum::<u64>(), lengths.len() as u64);
            prop_assert!(bins.first().is_none_or(|count| *count > 0) && bins.last().is_none_or(|count| *count > 0));
            let mut rest = lengths.as_slice();
            for (number, count) in (first..).zip(&bins) {
                let (here, later) = rest.split_at(*count as usize);
                rest = later;
                let edge = |bin: u16| 10f64.powf(f64::from(bin) / f64::from(LatencyPoint::BINS_A_DECADE)) * 1e3;
                for ns in here {
                    let ns = (*ns).clamp(LEAST_NS, GREATEST_NS) as f64;
                    prop_assert!(ns >= edge(number) * 0.999_999 && ns < edge(number + 1) * 1.000_001, "{ns} in {number}");
                }
            }
        }
    }
}
