//! The clock: what a reading costs, and how late a sleeper wakes.

use super::{good, span};
use crate::model::checkup::{Finding, Level, Measured, Subject};
use crate::model::manifest::Environment;

/// Three readings a message: from here on they take a tenth of what a message takes at 300,000 a second.
const READING_MAX_NS: f64 = 100.0;
/// A generator that wakes later than this at the 99th percentile writes its own lateness into every latency.
const LATE_MAX_MS: f64 = 1.0;

pub(super) fn findings(_: &Environment, measured: &Measured) -> Vec<Finding> {
    let clock = &measured.clock;
    let mut findings = Vec::new();
    if let Some(reading) = clock.reading_ns {
        let source = clock.source.as_ref().map_or_else(String::new, |source| format!(" ({source})"));
        let finding = good(Subject::Clock, format!("a reading of the clock{source} takes {reading:.0} ns"));
        findings.push(if reading > READING_MAX_NS {
            let consequence = "every message is stamped several times: high rates are lower than they could be";
            let remedy = "let the kernel count with tsc or kvm-clock (/sys/devices/system/clocksource/clocksource0)";
            finding.but(Level::Warning, consequence, remedy)
        } else {
            finding
        });
    }
    if let (Some(p50), Some(p99)) = (clock.late_p50_ms, clock.late_p99_ms) {
        let found = format!("a sleeper wakes {} late, {} at the 99th percentile", span(p50), span(p99));
        let finding = good(Subject::Clock, found);
        findings.push(if p99 > LATE_MAX_MS {
            let consequence =
                "messages are sent that much late: it shows in schedule_lag, and in every latency behind it";
            let remedy = "end what else runs here; on a virtual machine, take one whose processors are not shared";
            finding.but(Level::Warning, consequence, remedy)
        } else {
            finding
        });
    }
    findings
}
