//! What tools that keep figures from run to run follow of a run: one rule for all of them, so that two trackers never
//! tell different stories. A metric follows by itself when it has a direction.

use std::collections::BTreeSet;

use crate::model::reading::{Better, Reading, Scope, Stat};
use crate::model::report::Report;

/// The statistics of a distribution that are worth a chart each. The rest is in the report.
const FOLLOWED: [Stat; 5] = [Stat::Value, Stat::Count, Stat::P50, Stat::P99, Stat::Max];

/// The readings with a direction whose subject is there in every run of a profile: the whole run, kinds of processes,
/// kinds of faults. A partition, a member or one fault of a random schedule is another one in the next run.
pub(super) fn directed(report: &Report) -> impl Iterator<Item = &Reading> {
    // Where there are other statistics, the count is the number of observations and neither good nor bad.
    let counted_beside: BTreeSet<&str> = report
        .readings
        .iter()
        .filter(|reading| reading.stat != Stat::Count)
        .map(|reading| reading.metric.as_str())
        .collect();
    report.readings.iter().filter(move |reading| {
        reading.better != Better::None
            && matches!(reading.scope, Scope::Run | Scope::Process(_) | Scope::FaultKind(_))
            && !(reading.stat == Stat::Count && counted_beside.contains(reading.metric.as_str()))
    })
}

/// Of these, the statistics that are followed.
pub(super) fn followed(report: &Report) -> impl Iterator<Item = &Reading> {
    directed(report).filter(|reading| FOLLOWED.contains(&reading.stat))
}

/// What deserves an alarm each: throughput, latency, promises, what faults cost, what it all costs in CPU and memory.
const HEADLINES: &[&str] = &[
    "ordered_per_s",
    "handled_per_s",
    "stored_per_s",
    "end_to_end",
    "publish",
    "order_violations",
    "lost",
    "redelivered",
    "phantom",
    "overlap",
    "dual_ownership",
    "stale_handling",
    "gap",
    "gap_bystander",
    "stranded",
    "catch_up",
    "cpu_per_million",
    "memory_max",
];

/// The few readings for tools that draw a chart and may raise an alarm for each figure: in hundreds of figures some are
/// out of line by chance in every run.
pub(super) fn headlines(report: &Report) -> impl Iterator<Item = &Reading> {
    let worth_it = |reading: &&Reading| match reading.stat {
        Stat::P50 | Stat::P99 => reading.scope == Scope::Run,
        // A maximum of a whole run is one message of many; one of a few faults is what matters of them.
        Stat::Max => reading.scope != Scope::Run,
        _ => true,
    };
    followed(report).filter(|reading| HEADLINES.contains(&reading.metric.as_str())).filter(worth_it)
}

/// The value, when it was observed.
pub(super) fn observed(reading: &Reading) -> Option<f64> {
    reading.value.filter(|value| value.is_finite())
}

/// What a reading is called in a series of runs: `gap_max_kill`, `end_to_end_p99`, `lost`.
pub(super) fn name(reading: &Reading) -> String {
    let mut parts = vec![reading.metric.clone()];
    parts.extend(stat(reading));
    parts.extend(subject(&reading.scope).map(|(_, name)| name.to_owned()));
    parts.join("_")
}

/// The statistic, where the metric alone does not say it.
pub(super) fn stat(reading: &Reading) -> Option<String> {
    let stat = reading.stat.to_string();
    let said = matches!(reading.stat, Stat::Value | Stat::Count) || reading.metric.ends_with(&format!("_{stat}"));
    (!said).then_some(stat)
}

/// What a reading is about, when it is not the whole run.
pub(super) fn subject(scope: &Scope) -> Option<(&'static str, &str)> {
    match scope {
        Scope::Process(kind) => Some(("process", kind)),
        Scope::FaultKind(kind) => Some(("fault", kind)),
        Scope::Run | Scope::Partition(_) | Scope::Member(_) | Scope::Fault(_) => None,
    }
}

/// What is run, by name: `quick`, or `naive-vs-safe/safe` where a profile has variants.
pub(super) fn workload(report: &Report) -> String {
    let variant = report.run.variant.iter().map(|variant| format!("/{variant}"));
    std::iter::once(report.run.profile.clone()).chain(variant).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::sample;

    fn report() -> Report {
        let mut report = sample::quick();
        for reading in &mut report.readings {
            reading.better = if reading.metric == "handled" { Better::None } else { Better::Lower };
        }
        report
    }

    #[test]
    fn what_has_no_direction_or_is_another_thing_in_the_next_run_is_not_followed() {
        let report = report();
        let names: Vec<String> = followed(&report).map(name).collect();
        for name in ["ordered_per_s", "end_to_end_p99", "lost", "gap_max_kill", "cpu_per_million_server"] {
            assert!(names.contains(&name.to_owned()), "{name} is not in {names:?}");
        }
        for name in ["handled", "end_to_end_p99.9", "stranded"] {
            assert!(!names.contains(&name.to_owned()), "{name} is in {names:?}");
        }
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "each has a name of its own");
    }

    #[test]
    fn the_number_of_observations_is_no_figure() {
        let mut report = report();
        let mut count = report.readings.iter().find(|reading| reading.metric == "end_to_end").expect("it is").clone();
        (count.stat, count.unit) = (Stat::Count, "count".to_owned());
        report.readings.push(count);
        assert!(followed(&report).all(|reading| name(reading) != "end_to_end"));
    }
}
