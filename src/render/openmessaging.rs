//! `openmessaging.json`: a result as the OpenMessaging Benchmark writes it, so that its charts draw our runs.
//!
//! Its series have a point every ten seconds. Rates and backlog are given like that; latencies are kept here as
//! histograms of the whole measure phase, so their series have one point, which is exact, instead of percentiles put
//! together from percentiles. Milliseconds; the publish delay in microseconds, as there.

use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::json::pretty;
use super::summary::run_count;
use super::{Audience, Format, distribution, moment};
use crate::model::report::{BacklogPoint, Report, ThroughputPoint};
use crate::model::story::Phase;
use crate::model::units::Size;

/// This format.
pub const FORMAT: Format = Format {
    name: "openmessaging",
    file: "openmessaging.json",
    about: "A result of the OpenMessaging Benchmark, for its charts",
    audience: Audience::Trackers,
    render,
};

/// Seconds between two points of a series.
const STEP: usize = 10;
/// Ticks a halving of the distance to 100 %, on the curve of percentiles.
const TICKS: u32 = 4;
/// Those of its class `TestResult`, and no more: its converter refuses a field that it does not know.
const PERCENTILES: [(&str, f64); 6] =
    [("50pct", 0.5), ("75pct", 0.75), ("95pct", 0.95), ("99pct", 0.99), ("999pct", 0.999), ("9999pct", 0.9999)];

/// One of its latencies, and ours that means the same.
struct Latency {
    theirs: &'static str,
    ours: &'static str,
    ns_per_unit: f64,
    /// They keep it as whole numbers.
    whole: bool,
}

const LATENCIES: [Latency; 3] = [
    Latency { theirs: "publishLatency", ours: "publish_service", ns_per_unit: 1e6, whole: false },
    Latency { theirs: "publishDelayLatency", ours: "schedule_lag", ns_per_unit: 1e3, whole: true },
    Latency { theirs: "endToEndLatency", ours: "end_to_end", ns_per_unit: 1e6, whole: false },
];

fn render(report: &Report) -> String {
    let run = &report.run;
    let mut result = Map::new();
    let mut put = |name: &str, value: Value| result.insert(name.to_owned(), value);
    put("workload", json!(run.profile));
    // Its charts lay the drivers of one workload over each other: those are our variants.
    put(
        "driver",
        json!(run.variant.as_ref().map_or_else(|| run.strategy.clone(), |it| format!("{it} ({})", run.strategy))),
    );
    put("topics", json!(1));
    put("partitions", json!(run.partitions));
    put("consumersPerTopic", json!(run.members));
    let setting = |pointer: &str| report.settings.pointer(pointer);
    if let Some(publishers) = setting("/load/publishers").and_then(Value::as_u64) {
        put("producersPerTopic", json!(publishers));
    }
    if let Some(Size(bytes)) = setting("/load/payload").and_then(Value::as_str).and_then(|text| text.parse().ok()) {
        put("messageSize", json!(bytes));
    }
    let seconds = measured_seconds(report);
    let rate = |of: fn(&ThroughputPoint) -> u64| -> Vec<f64> {
        let span_s = |part: &[ThroughputPoint]| part.iter().map(ThroughputPoint::span_s).sum::<f64>();
        seconds.chunks(STEP).map(|part| part.iter().map(of).sum::<u64>() as f64 / span_s(part)).collect()
    };
    put("publishRate", json!(rate(|point| point.stored)));
    put("consumeRate", json!(rate(|point| point.handled)));
    put("publishErrorRate", json!(failed_per_s(report).iter().collect::<Vec<_>>()));
    put("backlog", json!(backlog(report, &seconds)));
    for latency in &LATENCIES {
        latency.write(distribution::of(report, latency.ours).as_ref(), &mut result);
    }
    pretty(&result)
}

/// The whole seconds of the measure phase.
fn measured_seconds(report: &Report) -> Vec<ThroughputPoint> {
    let Some(phase) = moment::measured(report) else { return Vec::new() };
    let whole =
        |point: &&ThroughputPoint| point.at_ms >= phase.from_ms && point.at_ms + 1e3 * point.span_s() <= phase.to_ms;
    report.figures.throughput.iter().filter(whole).cloned().collect()
}

/// What failed is counted for the run and not by the second: one point, over all the time in which there was load.
fn failed_per_s(report: &Report) -> Option<f64> {
    let loaded = report.run.phases.iter().filter(|span| matches!(span.phase, Phase::WarmUp | Phase::Measure));
    let seconds: f64 = loaded.map(|span| (span.to_ms - span.from_ms) / 1e3).sum();
    let failed = run_count(&report.readings, "failed")?;
    (seconds > 0.0 && seconds.is_finite()).then(|| failed as f64 / seconds)
}

/// The backlog at the end of each step.
fn backlog(report: &Report, seconds: &[ThroughputPoint]) -> Vec<u64> {
    let at_end = |part: &[ThroughputPoint]| {
        let end = part.last()?.at_ms + 1e3;
        let before = |point: &&BacklogPoint| point.at_ms <= end;
        Some(report.figures.backlog.iter().rfind(before)?.messages)
    };
    seconds.chunks(STEP).filter_map(at_end).collect()
}

impl Latency {
    fn write(&self, histogram: Option<&Histogram<u64>>, result: &mut Map<String, Value>) {
        let number = |ns: f64| {
            let value = ns / self.ns_per_unit;
            if self.whole { json!(value.round() as u64) } else { json!((value * 1e3).round() / 1e3) }
        };
        let aggregated = capital(self.theirs);
        let mut put = |name: &str, value: Option<Value>| {
            // Nothing observed: an empty series, and no aggregate that could be taken for 0.
            result.insert(format!("{}{name}", self.theirs), json!(value.iter().collect::<Vec<_>>()));
            result.extend(value.map(|value| (format!("aggregated{aggregated}{name}"), value)));
        };
        put("Avg", histogram.map(|it| json!((it.mean() / self.ns_per_unit * 1e3).round() / 1e3)));
        for (name, quantile) in PERCENTILES {
            put(name, histogram.map(|it| number(it.value_at_quantile(quantile) as f64)));
        }
        put("Max", histogram.map(|it| number(it.max() as f64)));
        let curve: Map<String, Value> = histogram
            .into_iter()
            .flat_map(|it| it.iter_quantiles(TICKS))
            .map(|step| (format!("{:?}", step.quantile_iterated_to() * 1e2), number(step.value_iterated_to() as f64)))
            .collect();
        result.insert(format!("aggregated{aggregated}Quantiles"), Value::Object(curve));
    }
}

fn capital(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
