//! The check-up: from what was measured on a machine to what it means for runs made there. It measures nothing itself.
//!
//! One file a subject; each says what was found, what follows from it, and what can be done about it.

mod clock;
mod disk;
mod files;
mod generator;
mod network;
mod processor;
mod server;

#[cfg(test)]
mod tests;

use crate::model::checkup::{Checkup, Finding, Fitness, Level, Measured, SCHEMA, Subject};
use crate::model::manifest::Environment;

/// What is looked at, in the order in which it is told.
const SUBJECTS: [fn(&Environment, &Measured) -> Vec<Finding>; 8] = [
    server::findings,
    build,
    processor::findings,
    clock::findings,
    files::findings,
    disk::findings,
    network::findings,
    generator::findings,
];

/// Exit code when no run can be made.
const UNFIT: u8 = 3;

/// Draws the findings.
#[must_use]
pub fn conclude(environment: Environment, measured: Measured) -> Checkup {
    let findings: Vec<Finding> = SUBJECTS.iter().flat_map(|of| of(&environment, &measured)).collect();
    let fitness = match findings.iter().map(|finding| finding.level).max() {
        Some(Level::Failure) => Fitness::Unfit,
        Some(Level::Warning) => Fitness::Limited,
        _ => Fitness::Fit,
    };
    let exit_code = if fitness == Fitness::Unfit { UNFIT } else { 0 };
    Checkup { schema: SCHEMA.to_owned(), fitness, findings, environment, measured, exit_code }
}

/// This program itself.
fn build(environment: &Environment, _: &Measured) -> Vec<Finding> {
    let commit = environment.jetlag_commit.as_ref().map(|commit| format!(" ({commit})")).unwrap_or_default();
    let finding =
        good(Subject::Build, format!("jetlag {}{commit}, a {} build", environment.jetlag_version, environment.build));
    if environment.build == "release" {
        return vec![finding];
    }
    let consequence =
        "publishers and members are several times slower than they could be, and no figure can be compared";
    vec![finding.but(Level::Warning, consequence, "build with `cargo build --release`, or `cargo install --path .`")]
}

/// As it should be.
fn good(subject: Subject, found: String) -> Finding {
    Finding { subject, level: Level::Good, found, consequence: None, remedy: None }
}

impl Finding {
    /// The same, but not as it should be.
    fn but(self, level: Level, consequence: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { level, consequence: Some(consequence.into()), remedy: Some(remedy.into()), ..self }
    }

    /// The same, good to know for a reason about which nothing need be done.
    fn noting(self, consequence: impl Into<String>) -> Self {
        Self { level: Level::Note, consequence: Some(consequence.into()), ..self }
    }
}

/// A length of time in the unit that suits it, from milliseconds.
fn span(ms: f64) -> String {
    match ms {
        ms if ms < 0.001 => format!("{:.0} ns", ms * 1e6),
        ms if ms < 1.0 => format!("{:.0} µs", ms * 1e3),
        ms if ms < 10.0 => format!("{ms:.1} ms"),
        ms => format!("{ms:.0} ms"),
    }
}

/// A number of things with its thousands apart.
fn grouped(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// Bytes in GiB or MiB.
fn bytes(value: f64) -> String {
    let mib = value / f64::from(1 << 20);
    if mib >= 1024.0 { format!("{:.1} GiB", mib / 1024.0) } else { format!("{mib:.0} MiB") }
}
