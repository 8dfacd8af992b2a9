//! The distributions behind the latencies, as the report carries them.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use crate::model::reading::Scope;
use crate::model::report::Report;

/// Every distribution of the whole run, in nanoseconds, by the id of its metric.
pub(super) fn all(report: &Report) -> impl Iterator<Item = (&str, Histogram<u64>)> {
    report
        .readings
        .iter()
        .filter(|reading| reading.scope == Scope::Run)
        .filter_map(|reading| Some((reading.metric.as_str(), decode(reading.histogram.as_deref()?)?)))
}

/// That of one metric.
pub(super) fn of(report: &Report, metric: &str) -> Option<Histogram<u64>> {
    all(report).find_map(|(id, histogram)| (id == metric).then_some(histogram))
}

/// None when the text is no histogram: a report that somebody edited.
fn decode(text: &str) -> Option<Histogram<u64>> {
    let bytes = STANDARD.decode(text).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}
