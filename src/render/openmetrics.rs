//! `openmetrics.txt`: all readings in the text format of OpenMetrics 1.0, for what reads the formats of Prometheus.
//!
//! A run that is over has no counters any more: every reading is a gauge, stamped with the end of the run. Base units,
//! as the format wants them: seconds and bytes.

use std::fmt::Write as _;

use super::tracked::observed;
use super::{Audience, Format, moment};
use crate::metric;
use crate::model::reading::{Reading, Scope, Stat};
use crate::model::report::{Report, RunState};

/// This format.
pub const FORMAT: Format = Format {
    name: "openmetrics",
    file: "openmetrics.txt",
    about: "All readings as OpenMetrics text, for Prometheus and its kin",
    audience: Audience::Programs,
    render,
};

const STATES: [RunState; 4] = [RunState::Complete, RunState::Violated, RunState::Invalid, RunState::Interrupted];

fn render(report: &Report) -> String {
    let stamp = moment::at(report, moment::end_ms(report))
        .map_or_else(String::new, |end| format!(" {}.{:03}", end.as_second(), end.subsec_millisecond()));
    let labels = labels_of_run(report);
    let mut out = String::new();
    about_the_run(report, &labels, &stamp, &mut out);
    for family in families(report) {
        family.write(&labels, &stamp, &mut out);
    }
    out.push_str("# EOF\n");
    out
}

/// What was run and how it ended.
fn about_the_run(report: &Report, labels: &str, stamp: &str, out: &mut String) {
    let environment = &report.environment;
    let versions: String = [
        ("seed", report.run.seed.to_string()),
        ("jetlag_version", environment.jetlag_version.clone()),
        ("server_version", environment.server_version.clone()),
    ]
    .iter()
    .map(|(name, value)| label(name, value))
    .collect();
    out.push_str("# TYPE jetlag_run info\n# HELP jetlag_run What was run.\n");
    out.push_str(&format!("jetlag_run_info{{{labels}{}}} 1{stamp}\n", versions.trim_end_matches(',')));
    out.push_str("# TYPE jetlag_run_state stateset\n# HELP jetlag_run_state How the run ended.\n");
    for state in STATES {
        let is_it = u8::from(state == report.state);
        out.push_str(&format!("jetlag_run_state{{{labels}jetlag_run_state=\"{state}\"}} {is_it}{stamp}\n"));
    }
}

/// All readings of one metric in one unit.
struct Family<'a> {
    name: String,
    unit: &'static str,
    help: &'static str,
    scaled: fn(f64) -> f64,
    readings: Vec<&'a Reading>,
}

fn families(report: &Report) -> Vec<Family<'_>> {
    let mut families: Vec<Family<'_>> = Vec::new();
    for reading in report.readings.iter().filter(|reading| observed(reading).is_some()) {
        let (name, unit, scaled) = name(reading);
        match families.iter_mut().find(|family| family.name == name) {
            Some(family) => family.readings.push(reading),
            None => {
                let help = metric::find(&reading.metric).map_or("", |metric| metric.about);
                families.push(Family { name, unit, help, scaled, readings: vec![reading] });
            }
        }
    }
    families
}

/// Name of the family, its unit, and how a value is told in it.
fn name(reading: &Reading) -> (String, &'static str, fn(f64) -> f64) {
    let (unit, scaled): (_, fn(f64) -> f64) = match reading.unit.as_str() {
        "ms" => ("seconds", |ms| ms / 1e3),
        "s" => ("seconds", |s| s),
        "MiB" => ("bytes", |mib| mib * f64::from(1 << 20)),
        "msg/s" => ("messages_per_second", |rate| rate),
        "messages" => ("messages", |count| count),
        "ratio" => ("ratio", |ratio| ratio),
        _ => ("", |value| value),
    };
    let id: String =
        reading.metric.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect();
    // The count of a distribution is a number of things, and its metric is a time.
    let of_distribution =
        reading.histogram.is_some() || metric::find(&reading.metric).is_some_and(|metric| metric.unit != reading.unit);
    let id = if of_distribution && reading.stat == Stat::Count { format!("{id}_observations") } else { id };
    let id = if reading.unit == "msg/s" { id.trim_end_matches("_per_s") } else { &id };
    let suffix = if unit.is_empty() || id.ends_with(&format!("_{unit}")) { String::new() } else { format!("_{unit}") };
    (format!("jetlag_{id}{suffix}"), unit, scaled)
}

impl Family<'_> {
    fn write(&self, labels: &str, stamp: &str, out: &mut String) {
        let Self { name, unit, .. } = self;
        out.push_str(&format!("# TYPE {name} gauge\n"));
        if !unit.is_empty() {
            out.push_str(&format!("# UNIT {name} {unit}\n"));
        }
        if !self.help.is_empty() {
            out.push_str(&format!("# HELP {name} {}\n", escaped(self.help)));
        }
        for reading in &self.readings {
            let Some(value) = observed(reading) else { continue };
            let about = format!("{}{}", scope(&reading.scope), label("stat", &reading.stat.to_string()));
            let about = about.trim_end_matches(',');
            let _ = writeln!(out, "{name}{{{labels}{about}}} {}{stamp}", (self.scaled)(value));
        }
    }
}

fn labels_of_run(report: &Report) -> String {
    let run = &report.run;
    let variant = run.variant.iter().map(|variant| label("variant", variant));
    let always = [label("run", &run.id), label("profile", &run.profile), label("strategy", &run.strategy)];
    always.into_iter().chain(variant).collect()
}

/// What a reading is about, as labels: one that says what kind of thing, one that names it.
fn scope(scope: &Scope) -> String {
    match scope {
        Scope::Run => label("scope", "run"),
        other => {
            let text = other.to_string();
            let (kind, name) = text.split_once(':').unwrap_or((&text, ""));
            label("scope", kind) + &label(&kind.replace('-', "_"), name)
        }
    }
}

pub(super) fn label(name: &str, value: &str) -> String {
    format!("{name}=\"{}\",", escaped(value))
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
