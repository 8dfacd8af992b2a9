//! The checks: what a document says that cannot be run, although every value by itself is well formed.
//!
//! Pure: a document in, findings out. A finding names the keys it is about; where these were typed is for others.

mod faults;

use std::time::Duration;

use super::document::{Document, Handler, KeyChoice};
use crate::model::units::{Rate, Timespan};

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
}

/// Smallest payload: the header that carries identity, instant and checksum.
pub const PAYLOAD_MIN: u64 = 64;
/// Largest payload: what a server accepts by default.
pub const PAYLOAD_MAX: u64 = 1 << 20;

/// Largest number that TOML holds.
const NUMBER_MAX: u64 = i64::MAX.unsigned_abs();

/// Everything in `document` that cannot be run.
#[must_use]
pub fn check(document: &Document) -> Vec<Finding> {
    let mut findings = Findings(Vec::new());
    run(document, &mut findings);
    server_and_stream(document, &mut findings);
    load(document, &mut findings);
    fleet(document, &mut findings);
    for (key, message) in document.strategy.objections() {
        findings.add(&[&format!("strategy.{key}"), "strategy.kind"], message, None);
    }
    faults::check(document, &mut findings);
    findings.0
}

/// The findings so far.
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, about: &[&str], message: String, help: Option<&str>) {
        let about = about.iter().map(|path| (*path).to_owned()).collect();
        self.0.push(Finding { about, message, help: help.map(str::to_owned), idle: false });
    }

    /// A key that has no effect because of what another one says.
    fn idle(&mut self, path: &str, because: &str, message: &str) {
        let about = vec![path.to_owned(), because.to_owned()];
        self.0.push(Finding { about, message: message.to_owned(), help: None, idle: true });
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
    for (path, span) in [("run.warm-up", run.warm_up), ("run.measure", run.measure), ("run.drain", run.drain)] {
        if span.0 > Duration::from_secs(7 * 24 * 3600) {
            findings.add(&[path], format!("a phase of {span} is longer than a week"), None);
        }
    }
    findings.range("run.seed", run.seed, 0, NUMBER_MAX);
    findings.range("run.repeat", run.repeat.into(), 1, 1000);
    findings.at_least("limits.schedule-lag-p99", document.limits.schedule_lag_p99, Duration::from_micros(1));
}

fn server_and_stream(document: &Document, findings: &mut Findings) {
    let (server, stream) = (&document.server, &document.stream);
    if let Some(version) = &server.version {
        let parts: Vec<_> = version.split('.').collect();
        let numbers = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        if parts.len() != 3 || !numbers {
            let message = format!("\"{version}\" is no version of nats-server");
            findings.add(&["server.version"], message, Some("write all three numbers, like \"2.12.8\""));
        }
    }
    let few = |count: u16| matches!(count, 1 | 3 | 5);
    if !few(server.nodes) {
        let message = format!("`nodes` is {}, expected 1, or 3 or 5 for a cluster that has a majority", server.nodes);
        findings.add(&["server.nodes"], message, None);
    }
    if !few(stream.replicas) {
        let message = format!("`replicas` is {}, expected 1, 3 or 5", stream.replicas);
        findings.add(&["stream.replicas"], message, None);
    } else if stream.replicas > server.nodes {
        let message = format!("{} replicas need as many nodes, and nodes is {}", stream.replicas, server.nodes);
        let help = format!("set server.nodes = {}", stream.replicas);
        findings.add(&["stream.replicas", "server.nodes"], message, Some(&help));
    }
    findings.range("stream.partitions", stream.partitions.into(), 1, 1024);
    // The server refuses windows and ages below this, and takes 0 for its own default.
    let least = Duration::from_millis(100);
    findings.at_least("stream.duplicate-window", stream.duplicate_window, least);
    if let Some(age) = stream.max_age {
        findings.at_least("stream.max-age", age, least);
        if stream.duplicate_window > age {
            let message = format!("the duplicate window of {} is longer than max-age {age}", stream.duplicate_window);
            findings.add(&["stream.duplicate-window", "stream.max-age"], message, Some("the server refuses that"));
        }
    }
    if let Some(bytes) = stream.max_bytes
        && !(1..=1 << 60).contains(&bytes.0)
    {
        let message = format!("`max-bytes` is {bytes}, expected 1B to 1EiB");
        findings.add(&["stream.max-bytes"], message, Some("leave it out for no limit"));
    }
    if let Some(count) = stream.max_messages {
        findings.range("stream.max-messages", count, 1, NUMBER_MAX);
    }
}

fn load(document: &Document, findings: &mut Findings) {
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

fn fleet(document: &Document, findings: &mut Findings) {
    let fleet = &document.fleet;
    findings.range("fleet.members", fleet.members.into(), 1, 1000);
    if let Some(most) = document.strategy.members_max()
        && fleet.members > most
    {
        let kind = document.strategy.kind();
        let message = format!("{kind} has no group: each of {} members would get every message", fleet.members);
        findings.add(&["fleet.members", "strategy.kind"], message, Some(&format!("set fleet.members = {most}")));
    }
    if let Some(time) = fleet.handler_time {
        if fleet.handler == Handler::None {
            findings.idle("fleet.handler-time", "fleet.handler", "`handler-time` has no effect with handler \"none\"");
        } else if time.0.is_zero() || time.0 > Duration::from_secs(3600) {
            let message = format!("`handler-time` is {time}, expected more than 0 and at most 1h");
            findings.add(&["fleet.handler-time"], message, Some("handler = \"none\" takes no time"));
        }
    }
}
