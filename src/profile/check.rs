//! The checks: what a document says that cannot be run, although every value by itself is well formed.
//!
//! Pure: a document in, findings out. A finding names the keys it is about; where these were typed is for others.

mod consumer;
mod failure;
mod faults;
mod fleet;
mod gate;
mod ledger;
mod load;
mod retention;
mod search;
mod stream;

use std::time::Duration;

use super::document::{Document, Keep};
use crate::model::bank::Workload;
use crate::model::units::Timespan;

/// Something that cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The dotted paths it is about; the first that was typed gets the caret.
    pub about: Vec<String>,
    /// A sentence.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Nothing is wrong but that the first path has no effect, because of what the second one says.
    pub idle: bool,
    /// It is the key of the first path that is wrong, and not what it holds.
    pub at_key: bool,
}

/// Smallest payload: the header that carries identity, instant and checksum.
pub const PAYLOAD_MIN: u64 = 64;
/// Largest payload: what a server accepts by default.
pub const PAYLOAD_MAX: u64 = 1 << 20;

/// Largest number that TOML holds.
pub(super) const NUMBER_MAX: u64 = i64::MAX.unsigned_abs();

/// Everything in `document` that cannot be run.
#[must_use]
pub fn check(document: &Document) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    run(document, &mut findings);
    stream::check(document, &mut findings);
    retention::check(document, &mut findings);
    load::check(document, &mut findings);
    ledger::check(document, &mut findings);
    fleet::check(document, &mut findings);
    failure::check(document, &mut findings);
    consumer::check(document, &mut findings);
    for (key, message) in document.strategy.objections() {
        findings.add(&[&format!("strategy.{key}"), "strategy.kind"], message, None);
    }
    search::check(document, &mut findings);
    faults::check(document, &mut findings);
    gate::check(document, &mut findings);
    findings.0
}

/// The findings so far.
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, about: &[&str], message: String, help: Option<&str>) {
        let about = about.iter().map(|path| (*path).to_owned()).collect();
        self.0.push(Finding { about, message, help: help.map(str::to_owned), idle: false, at_key: false });
    }

    /// A key that is wrong itself.
    fn key(&mut self, path: String, message: String, help: Option<String>) {
        self.0.push(Finding { about: vec![path], message, help, idle: false, at_key: true });
    }

    /// A key that has no effect because of what another one says.
    fn idle(&mut self, path: &str, because: &str, message: &str) {
        let about = vec![path.to_owned(), because.to_owned()];
        self.0.push(Finding { about, message: message.to_owned(), help: None, idle: true, at_key: false });
    }

    /// A number that must lie between two others.
    fn range(&mut self, path: &str, value: u64, least: u64, most: u64) {
        if !(least..=most).contains(&value) {
            let key = path.rsplit('.').next().unwrap_or(path);
            self.add(&[path], format!("`{key}` is {value}, expected {least} to {most}"), None);
        }
    }

    /// A length of time that must be at least so long.
    fn at_least(&mut self, path: &str, value: Timespan, least: Duration) {
        if value.0 < least {
            let key = path.rsplit('.').next().unwrap_or(path);
            self.add(&[path], format!("`{key}` is {value}, expected at least {}", Timespan(least)), None);
        }
    }
}

fn run(document: &Document, findings: &mut Findings) {
    let run = &document.run;
    findings.at_least("run.measure", run.measure, Duration::from_millis(100));
    for (path, span) in [
        ("run.warm-up", run.warm_up),
        ("run.measure", run.measure),
        ("run.drain", run.drain),
        ("run.read-back", run.read_back),
    ] {
        if span.0 > Duration::from_secs(7 * 24 * 3600) {
            findings.add(&[path], format!("a phase of {span} is longer than a week"), None);
        }
    }
    if run.keep_evidence == Keep::Violations && document.load.workload == Workload::Ledger {
        let message =
            "accounts are audited at the end, message by message: all of the evidence is needed for that".to_owned();
        findings.add(&["run.keep-evidence", "load.workload"], message, Some("keep \"all\", or use workload \"plain\""));
    }
    findings.range("run.seed", run.seed, 0, NUMBER_MAX);
    findings.range("run.repeat", run.repeat.into(), 1, 1000);
    findings.at_least("limits.schedule-lag-p99", document.limits.schedule_lag_p99, Duration::from_micros(1));
}
