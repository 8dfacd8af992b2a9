//! `latency.hlog`: the latencies as an HdrHistogram interval log, for the tools that draw such logs.
//!
//! One interval a latency, the measure phase, as the report keeps its histograms. Values are nanoseconds.

use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::{Audience, Format, distribution, moment};
use crate::model::report::Report;

/// This format.
pub const FORMAT: Format = Format {
    name: "hlog",
    file: "latency.hlog",
    about: "The latency histograms as an HdrHistogram log",
    audience: Audience::Programs,
    render,
};

/// The latency without a tag: many tools show that one alone unless they are told of tags.
const HEADLINE: &str = "end_to_end";
/// The greatest value of a line is told in milliseconds, as the other implementations do.
const NS_PER_MS: f64 = 1e6;

fn render(report: &Report) -> String {
    let mut log = Vec::new();
    write(report, &mut log).expect("memory takes all, and a histogram that was decoded can be encoded");
    String::from_utf8(log).expect("a log is text")
}

fn write(report: &Report, log: &mut Vec<u8>) -> Result<(), Box<dyn std::error::Error>> {
    let mut builder = IntervalLogWriterBuilder::new();
    for line in comments(report) {
        builder.add_comment(&line.replace(['\n', '\r'], " "));
    }
    // Both headers: with BaseTime alone the Java reader takes the first offset for the start (module docs of `interval_log`).
    if let Some(started) = moment::at(report, 0.0) {
        builder.with_start_time(started.into()).with_base_time(started.into());
    }
    let mut serializer = V2DeflateSerializer::new();
    let mut writer = builder.with_max_value_divisor(NS_PER_MS).begin_log_with(log, &mut serializer)?;
    let (from, length) = interval(report);
    let mut latencies: Vec<(&str, Histogram<u64>)> = distribution::all(report).collect();
    latencies.sort_by_key(|(metric, _)| *metric != HEADLINE);
    for (metric, histogram) in latencies {
        let tag = (metric != HEADLINE).then_some(metric).and_then(Tag::new);
        writer.write_histogram(&histogram, from, length, tag)?;
    }
    Ok(())
}

fn comments(report: &Report) -> Vec<String> {
    let run = &report.run;
    let variant = run.variant.iter().map(|variant| format!(" / {variant}")).collect::<String>();
    let mut comments = vec![
        format!(
            "jetlag {}: {}{variant}, {}, run {}",
            report.environment.jetlag_version, run.profile, run.strategy, run.id
        ),
        format!(
            "values are nanoseconds; lines without a tag are {HEADLINE}, tags are other metrics; one interval, the measure phase"
        ),
    ];
    comments.push(format!("state: {}", report.state));
    comments.extend(report.state_reasons.iter().cloned());
    comments
}

/// From when on, seen from the start of the run, and for how long it was measured.
fn interval(report: &Report) -> (Duration, Duration) {
    let span = |ms: f64| Duration::from_micros((ms * 1e3) as u64);
    moment::measured(report)
        .map_or_else(Default::default, |phase| (span(phase.from_ms), span(phase.to_ms - phase.from_ms)))
}
