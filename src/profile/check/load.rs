//! The checks of `[load]`.

use super::{Findings, PAYLOAD_MAX, PAYLOAD_MIN};
use crate::model::units::Rate;
use crate::profile::document::{Document, KeyChoice, Publish};
use crate::strategy::Strategy;

/// Above this a backlog is a slip: at 256 bytes it is a quarter of a terabyte.
const BACKLOG_MAX: u64 = 1_000_000_000;

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let load = &document.load;
    findings.range("load.publishers", load.publishers.into(), 1, 256);
    publishing(document, findings);
    findings.range("load.backlog", load.backlog, 0, BACKLOG_MAX);
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

/// The way to publish, and the keys that say something with some ways only.
fn publishing(document: &Document, findings: &mut Findings) {
    let load = &document.load;
    let publish = load.publish.name();
    if let Some(window) = load.window {
        if load.has_window() {
            findings.range("load.window", window.into(), 1, 8192);
        } else {
            let message = match load.publish {
                Publish::Sync => "`window` has no effect with publish \"sync\": one message at a time".to_owned(),
                _ => format!("`window` has no effect with publish \"{publish}\": `batch` bounds what is under way"),
            };
            findings.idle("load.window", "load.publish", &message);
        }
    }
    if let Some(batch) = load.batch {
        match load.publish {
            // What the server takes by default, and what it grants at most.
            Publish::AtomicBatch => findings.range("load.batch", batch.into(), 1, 1000),
            Publish::FastBatch => findings.range("load.batch", batch.into(), 1, 500),
            Publish::Windowed | Publish::Sync | Publish::Core => {
                let message = format!("`batch` has no effect with publish \"{publish}\", which sends no batches");
                findings.idle("load.batch", "load.publish", &message);
            }
        }
    }
    if load.retry.is_some() && load.publish != Publish::Windowed {
        let message = match load.publish {
            Publish::Core => "`retry` has no effect with publish \"core\": nothing is sent again".to_owned(),
            Publish::Sync => "`retry` has no effect with publish \"sync\": nothing can overtake".to_owned(),
            _ => format!("`retry` has no effect with publish \"{publish}\": a batch is sent again whole"),
        };
        findings.idle("load.retry", "load.publish", &message);
    }
    if load.backlog > 0 && matches!(document.strategy, Strategy::CoreQueue(_)) {
        let message = "with core-queue nobody ever gets what is published before the members listen".to_owned();
        findings.add(
            &["load.backlog", "strategy.kind"],
            message,
            Some("set load.backlog = 0, or take another strategy"),
        );
    }
}
