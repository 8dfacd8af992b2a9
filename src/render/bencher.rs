//! `bencher.json`: Bencher Metric Format, version 1: a benchmark, its parameters, its measures.
//!
//! Parameters are what a run was made with, so that sweeps become curves. What is left out of them on purpose: versions
//! and machines, which Bencher keeps as branch, hash and testbed, and which would begin a new series at every release.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use super::json::pretty;
use super::tracked::{directed, observed, subject, workload};
use super::{Audience, Format};
use crate::model::reading::{Reading, Stat};
use crate::model::report::Report;

/// This format.
pub const FORMAT: Format = Format {
    name: "bencher",
    file: "bencher.json",
    about: "Bencher Metric Format, version 1: parameters and measures",
    audience: Audience::Trackers,
    render,
};

/// What a threshold watches is the name `value`: of a distribution the first of these that was observed.
const HEADLINE: [Stat; 6] = [Stat::Value, Stat::Count, Stat::P99, Stat::Max, Stat::P50, Stat::Mean];

/// One point of the grid.
#[derive(Serialize)]
struct Entry {
    parameters: BTreeMap<&'static str, Value>,
    measures: BTreeMap<String, BTreeMap<String, f64>>,
}

fn render(report: &Report) -> String {
    let mut entries: BTreeMap<Option<(&str, &str)>, Entry> = BTreeMap::new();
    for reading in directed(report) {
        let Some(value) = observed(reading) else { continue };
        let about = subject(&reading.scope);
        let entry = entries
            .entry(about)
            .or_insert_with(|| Entry { parameters: parameters(report, about), measures: BTreeMap::new() });
        entry.measures.entry(measure(reading)).or_default().insert(reading.stat.to_string(), value);
    }
    let mut entries: Vec<Entry> = entries.into_values().collect();
    for named in entries.iter_mut().flat_map(|entry| entry.measures.values_mut()) {
        headline(named);
    }
    pretty(&BTreeMap::from([(limited(&workload(report), 1024), entries)]))
}

/// What the run was made with: at most seven keys, of the eight that the format takes.
fn parameters(report: &Report, about: Option<(&'static str, &str)>) -> BTreeMap<&'static str, Value> {
    let run = &report.run;
    let mut parameters = BTreeMap::from([
        ("strategy", json!(limited(&run.strategy, 64))),
        ("members", json!(run.members)),
        ("partitions", json!(run.partitions)),
    ]);
    let numbers = [("rate_per_s", run.rate_per_s), ("lease_ttl_ms", run.lease_ttl_ms)];
    parameters
        .extend(numbers.into_iter().filter_map(|(key, value)| Some((key, json!(value.filter(|it| it.is_finite())?)))));
    parameters.extend(run.commit_mode.as_ref().map(|mode| ("commit", json!(limited(mode, 64)))));
    parameters.extend(about.map(|(kind, name)| (kind, json!(limited(name, 64)))));
    parameters
}

/// The measure of a metric, with its unit: `gap-ms`, `ordered-per-s`, `lost`.
fn measure(reading: &Reading) -> String {
    let unit = match reading.unit.as_str() {
        // What is a second is in the id already, and a number of things needs no unit.
        "msg/s" | "count" | "" => String::new(),
        unit => format!("-{}", unit.to_lowercase()),
    };
    limited(&format!("{}{unit}", reading.metric.replace('_', "-")), 64)
}

/// Adds the name `value`; what is but one value needs no second name.
fn headline(named: &mut BTreeMap<String, f64>) {
    let first = |stat: &Stat| Some((*stat, *named.get(&stat.to_string())?));
    let Some((stat, value)) = HEADLINE.iter().find_map(first) else { return };
    if matches!(stat, Stat::Value | Stat::Count) {
        named.remove(&stat.to_string());
    }
    named.insert("value".to_owned(), value);
}

/// Names are refused when they are longer than `most`, or have space around them.
fn limited(name: &str, most: usize) -> String {
    name.trim().chars().take(most).collect::<String>().trim_end().to_owned()
}
