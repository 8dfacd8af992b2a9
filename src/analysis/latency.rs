//! Latencies: from the schedule to the end of the handler, one histogram a quantity.

use hdrhistogram::Histogram;

use super::timeline::round_ms;
use crate::model::report::LatencyPoint;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::{Settled, Standing};

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

    pub(super) fn add(&mut self, message: &Settled) {
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
        if let Some(first) = message.first {
            record(|l| &mut l.transit, first.received.since(message.sent));
            record(|l| &mut l.handling, first.finished.since(first.started));
            record(|l| &mut l.end_to_end, first.finished.since(message.intended));
        } else if message.due {
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

/// The bin of a length, by its logarithm.
pub(super) fn bin(ns: u64) -> u16 {
    let decades = (ns.clamp(LEAST_NS, GREATEST_NS) as f64 / LEAST_NS as f64).log10();
    (decades * f64::from(LatencyPoint::BINS_A_DECADE)).floor() as u16
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
