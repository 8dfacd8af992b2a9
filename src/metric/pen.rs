//! The pen with which a metric writes its readings.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::{Serializer as _, V2DeflateSerializer};

use super::Metric;
use crate::analysis::quantile;
use crate::model::reading::{Reading, Scope, Stat};
use crate::model::time::SpanNs;

/// The quantiles of a histogram that become readings.
const QUANTILES: [(Stat, f64); 4] = [(Stat::P50, 0.5), (Stat::P90, 0.9), (Stat::P99, 0.99), (Stat::P999, 0.999)];

/// Writes readings of one metric.
pub struct Pen<'a> {
    metric: &'a Metric,
    readings: &'a mut Vec<Reading>,
}

impl<'a> Pen<'a> {
    /// A pen for `metric`, writing into `readings`.
    pub fn new(metric: &'a Metric, readings: &'a mut Vec<Reading>) -> Self {
        Self { metric, readings }
    }

    /// One reading. Values are kept to three decimals, so that reports are stable.
    pub fn write(&mut self, scope: Scope, stat: Stat, value: Option<f64>, n: u64) -> &mut Reading {
        self.readings.push(Reading {
            metric: self.metric.id.to_owned(),
            stat,
            value: value.filter(|value| value.is_finite()).map(|value| (value * 1e3).round() / 1e3),
            unit: self.metric.unit.to_owned(),
            better: self.metric.better,
            scope,
            n,
            censored: false,
            histogram: None,
        });
        self.readings.last_mut().expect("one has just been pushed")
    }

    /// A number of things out of `n`.
    pub fn count(&mut self, scope: Scope, count: u64, n: u64) -> &mut Reading {
        self.write(scope, Stat::Count, Some(count as f64), n)
    }

    /// The one value there is, from `n` observations; absent when it was not observed.
    pub fn value(&mut self, scope: Scope, value: Option<f64>, n: u64) -> &mut Reading {
        self.write(scope, Stat::Value, value, n)
    }

    /// A histogram of nanoseconds as milliseconds: count, mean, quantiles, max; the distribution goes with the count.
    pub fn histogram(&mut self, scope: &Scope, histogram: &Histogram<u64>, censored: bool) {
        let n = histogram.len();
        let observed = |ns: f64| (n > 0).then_some(ns / 1e6);
        let count = self.count(scope.clone(), n, n);
        count.unit = "count".to_owned();
        count.censored = censored;
        count.histogram = (n > 0).then(|| encode(histogram)).flatten();
        self.write(scope.clone(), Stat::Mean, observed(histogram.mean()), n).censored = censored;
        for (stat, quantile) in QUANTILES {
            let value = observed(histogram.value_at_quantile(quantile) as f64);
            self.write(scope.clone(), stat, value, n).censored = censored;
        }
        self.write(scope.clone(), Stat::Max, observed(histogram.max() as f64), n).censored = censored;
    }

    /// A few spans as milliseconds: p50, p99, max, exact; absent when there are none.
    pub fn spans(&mut self, scope: &Scope, mut spans: Vec<SpanNs>, censored: bool) {
        spans.sort_unstable();
        for (stat, q) in [(Stat::P50, 0.5), (Stat::P99, 0.99), (Stat::Max, 1.0)] {
            let value = quantile(&spans, q).map(SpanNs::as_ms);
            self.write(scope.clone(), stat, value, spans.len() as u64).censored = censored;
        }
    }
}

/// HDR histogram, V2 + deflate, base64. Writing to memory cannot fail for any reason that a run could cause; a report
/// without the distribution is better than none.
fn encode(histogram: &Histogram<u64>) -> Option<String> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new().serialize(histogram, &mut bytes).ok()?;
    Some(STANDARD.encode(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hdrhistogram::serialization::Deserializer;

    #[test]
    fn a_histogram_comes_back_as_it_went() {
        let mut histogram = Histogram::<u64>::new_with_bounds(1_000, 3_600_000_000_000, 3).expect("good bounds");
        for value in [1_000, 5_000_000, 2_000_000_000] {
            histogram.record(value).expect("within bounds");
        }
        let bytes = STANDARD.decode(encode(&histogram).expect("it encodes")).expect("base64");
        let back: Histogram<u64> = Deserializer::new().deserialize(&mut bytes.as_slice()).expect("a histogram");
        assert_eq!(back, histogram);
    }
}
