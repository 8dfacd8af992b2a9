//! `benchstat.txt`: lines in the Go benchmark format, for `benchstat`.
//!
//! A run is one line, and one more a kind of process or fault. Several runs in one file are repeats of one benchmark: that
//! is what benchstat makes its intervals of, so what differs from run to run stands in remarks, which it skips.

use super::summary::run_count;
use super::tracked::{followed, observed, stat, subject};
use super::{Audience, Format};
use crate::model::reading::{Better, Reading};
use crate::model::report::Report;

/// This format.
pub const FORMAT: Format = Format {
    name: "benchstat",
    file: "benchstat.txt",
    about: "Go benchmark lines, for benchstat",
    audience: Audience::Trackers,
    render,
};

fn render(report: &Report) -> String {
    let (run, environment) = (&report.run, &report.environment);
    let mut out = format!(
        "# run {} ({}) of {}: jetlag {}, nats-server {}\ncpu: {} with {} cores\n",
        run.id,
        report.state,
        run.started,
        environment.jetlag_version,
        environment.server_version,
        in_a_line(&environment.cpu),
        environment.cores
    );
    let figures: Vec<Figure<'_>> = followed(report).filter_map(Figure::of).collect();
    for (index, figure) in figures.iter().enumerate() {
        let told = figures[..index].iter().any(|before| before.unit == figure.unit);
        if !told {
            out.push_str(&format!("Unit {} better={}\n", figure.unit, figure.better));
        }
    }
    let mut subjects: Vec<Option<(&str, &str)>> = Vec::new();
    for figure in &figures {
        if !subjects.contains(&figure.subject) {
            subjects.push(figure.subject);
        }
    }
    for subject in subjects {
        out.push_str(&line(report, subject, &figures));
    }
    out
}

/// One figure in a unit of its own: benchstat makes a table a unit.
struct Figure<'a> {
    subject: Option<(&'static str, &'a str)>,
    unit: String,
    better: Better,
    value: f64,
}

impl<'a> Figure<'a> {
    fn of(reading: &'a Reading) -> Option<Self> {
        let (unit, scaled) = base(&reading.unit);
        let stat = stat(reading).map_or_else(String::new, |stat| format!("_{stat}"));
        let metric = reading.metric.strip_suffix("_per_s").unwrap_or(&reading.metric);
        Some(Self {
            subject: subject(&reading.scope),
            unit: word(&format!("{metric}{stat}{unit}")),
            better: reading.better,
            value: scaled(observed(reading)?),
        })
    }
}

/// A unit as benchstat knows it, which writes `870m` and `25Mi` of base units by itself.
fn base(unit: &str) -> (String, fn(f64) -> f64) {
    match unit {
        "ms" => ("-sec".to_owned(), |ms| ms / 1e3),
        "s" => ("-sec".to_owned(), |s| s),
        "MiB" => ("-B".to_owned(), |mib| mib * f64::from(1 << 20)),
        "count" | "" => (String::new(), |count| count),
        other => (format!("-{other}"), |value| value),
    }
}

fn line(report: &Report, subject: Option<(&str, &str)>, figures: &[Figure<'_>]) -> String {
    let run = &report.run;
    let mut name = format!("BenchmarkJetlag/profile={}", word(&run.profile));
    let mut part = |key: &str, value: &str| name.push_str(&format!("/{key}={}", word(value)));
    if let Some(variant) = &run.variant {
        part("variant", variant);
    }
    part("strategy", &run.strategy);
    part("members", &run.members.to_string());
    part("partitions", &run.partitions.to_string());
    if let Some((kind, name)) = subject {
        part(kind, name);
    }
    // The number of cores closes the name, as Go writes it; the number after it is that of repetitions.
    let mut line = format!(
        "{name}-{} {}",
        report.environment.cores.max(1),
        run_count(&report.readings, "handled").unwrap_or(1).max(1)
    );
    for figure in figures.iter().filter(|figure| figure.subject == subject) {
        line.push_str(&format!(" {} {}", figure.value, figure.unit));
    }
    line.push('\n');
    line
}

/// Without what would end a word or a part of a name.
fn word(text: &str) -> String {
    text.chars()
        .map(|letter| if letter.is_whitespace() || letter.is_control() || letter == '=' { '_' } else { letter })
        .collect()
}

fn in_a_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
