//! What jetlag's own publishers reach here: above that a run measures the generator.

use super::{good, grouped, span};
use crate::model::checkup::{Finding, Level, Measured, Subject};
use crate::model::manifest::Environment;

/// The rate of most built-in profiles, a second.
const USUAL_PER_S: f64 = 2_000.0;
/// What most profiles bear of the generator's lateness, as `limits.schedule-lag-p99` has it by default.
const LAG_MAX_MS: f64 = 50.0;

pub(super) fn findings(_: &Environment, measured: &Measured) -> Vec<Finding> {
    let Some(generator) = &measured.generator else {
        let Some(trouble) = &measured.generator_trouble else { return Vec::new() };
        let finding = good(Subject::Generator, format!("the calibration failed: {trouble}"));
        let remedy = "see above; `jetlag run` says more";
        return vec![finding.but(Level::Failure, "a run would fail in the same way", remedy)];
    };
    let reached = format!(
        "one publisher stores {} messages a second of 256 bytes, with one consumer beside it",
        grouped(generator.stored_per_s)
    );
    let finding = good(Subject::Generator, reached);
    let mut findings = vec![if generator.stored_per_s < 2.0 * USUAL_PER_S {
        let consequence = "the rates of the built-in profiles are near what this machine can do: they would be invalid or measure the machine";
        finding.but(Level::Warning, consequence, "--set load.rate=500/s, a release build, or a faster machine")
    } else {
        finding.noting(
            "with a rate well below it, load is as scheduled; above it the generator is measured, and the run says so",
        )
    }];
    if let (Some(rate), Some(lag)) = (generator.paced_per_s, generator.schedule_lag_p99_ms) {
        let found =
            format!("at {} messages a second it sends {} late at the 99th percentile", grouped(rate), span(lag));
        let finding = good(Subject::Generator, found);
        findings.push(if lag > LAG_MAX_MS {
            let consequence = "runs at such rates are invalid here: the lateness is the generator's own";
            finding.but(
                Level::Warning,
                consequence,
                "lower load.rate, end what else runs here, or more load.publishers on more cores",
            )
        } else {
            finding
        });
    }
    findings
}
