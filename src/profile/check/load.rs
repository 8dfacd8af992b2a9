//! The checks of `[load]`.

use super::{Findings, PAYLOAD_MAX, PAYLOAD_MIN};
use crate::model::units::Rate;
use crate::profile::document::{Document, KeyChoice};

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let load = &document.load;
    findings.range("load.publishers", load.publishers.into(), 1, 256);
    findings.range("load.window", load.window.into(), 1, 8192);
    findings.range("load.keys", load.keys.into(), 1, 100_000_000);
    if (1..u32::from(load.publishers)).contains(&load.keys) {
        let message = format!("{} keys for {} publishers: a key belongs to one publisher", load.keys, load.publishers);
        findings.add(&["load.keys", "load.publishers"], message, Some("give each publisher at least one key"));
    }
    if !(PAYLOAD_MIN..=PAYLOAD_MAX).contains(&load.payload.0) {
        let message = format!("`payload` is {}, expected 64B (the header) to 1MiB (the server's limit)", load.payload);
        findings.add(&["load.payload"], message, None);
    }
    if let Rate::PerSecond(rate) = load.rate
        && !(0.01..=100_000_000.0).contains(&rate)
    {
        let message = format!("`rate` is {}, expected 0.01/s to 100000000/s", load.rate);
        findings.add(&["load.rate"], message, Some("\"max\" sends as fast as the window allows"));
    }
    if let Some(exponent) = load.zipf_exponent {
        if load.key_choice != KeyChoice::Zipf {
            findings.idle(
                "load.zipf-exponent",
                "load.key-choice",
                "`zipf-exponent` has no effect without key-choice \"zipf\"",
            );
        } else if !(exponent > 0.0 && exponent <= 10.0) {
            let message = format!("`zipf-exponent` is {exponent}, expected more than 0 and at most 10");
            findings.add(&["load.zipf-exponent"], message, None);
        }
    }
    if let Some(share) = load.hot_share {
        if load.key_choice != KeyChoice::Hot {
            findings.idle("load.hot-share", "load.key-choice", "`hot-share` has no effect without key-choice \"hot\"");
        } else if !(share > 0.0 && share < 1.0) {
            let message = format!("`hot-share` is {share}, expected between 0 and 1");
            findings.add(&["load.hot-share"], message, None);
        }
    }
}
