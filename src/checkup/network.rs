//! The way to the server and back.

use super::{good, span};
use crate::model::checkup::{Finding, Level, Measured, RoundTrip, Subject};
use crate::model::manifest::Environment;

/// On one machine nothing but its load makes a byte take this long.
const LOOPBACK_MAX_MS: f64 = 1.0;

pub(super) fn findings(_: &Environment, measured: &Measured) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(trip) = &measured.loopback {
        let finding = good(Subject::Network, told("a byte over loopback and back", trip));
        findings.push(if trip.p99_ms > LOOPBACK_MAX_MS {
            let consequence = "no latency measured here is smaller than this";
            finding.but(Level::Warning, consequence, "end what else runs here, and try again")
        } else {
            finding
        });
    }
    if let Some(trip) = &measured.own_server {
        let finding = good(Subject::Network, told("a question to JetStream on your server and back", trip));
        findings.push(
            finding.noting("every confirmed step (a publish, an acknowledgement, a lease) takes at least that long"),
        );
    }
    findings
}

fn told(what: &str, trip: &RoundTrip) -> String {
    format!("{what} takes {}, {} at the 99th percentile", span(trip.p50_ms), span(trip.p99_ms))
}
