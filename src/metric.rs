//! The metrics: ids, units, directions, and how each is read from the findings.
//!
//! A plug room: `metric/` holds one file a family, [`FAMILIES`] is the one list of them. A metric is one entry in its
//! family's list; tables, schema, comparison and reports loop over what is here.

mod accounts;
mod exclusion;
pub mod hazard;
mod health;
mod latency;
mod ledger;
mod order;
mod pen;
mod rebalance;
mod resources;
mod succession;
mod throughput;

pub use pen::Pen;

use crate::analysis::{self, Findings, Followed};
use crate::model::history::History;
use crate::model::reading::{Better, Reading};
use crate::model::report::{Report, SCHEMA};

/// One metric.
#[derive(Clone, Copy, Debug)]
pub struct Metric {
    /// Id in readings, as in `docs/metrics.md`.
    pub id: &'static str,
    /// Unit of its values.
    pub unit: &'static str,
    /// Which direction is good.
    pub better: Better,
    /// One line.
    pub about: &'static str,
    /// Writes its readings.
    pub read: fn(&Findings, &mut Pen<'_>),
}

/// All families, in the order shown.
pub const FAMILIES: &[&[Metric]] = &[
    throughput::METRICS,
    latency::METRICS,
    ledger::METRICS,
    order::METRICS,
    accounts::METRICS,
    exclusion::METRICS,
    succession::METRICS,
    rebalance::METRICS,
    resources::METRICS,
    health::METRICS,
];

/// The family that is about faults: its readings are of a fault or of a kind of fault, never of the run.
pub const REBALANCE: &[Metric] = rebalance::METRICS;

/// All metrics, in the order shown.
pub fn all() -> impl Iterator<Item = &'static Metric> {
    FAMILIES.iter().copied().flatten()
}

/// The metric with an id.
#[must_use]
pub fn find(id: &str) -> Option<&'static Metric> {
    all().find(|metric| metric.id == id)
}

/// Everything measured in one run.
#[must_use]
pub fn readings(findings: &Findings) -> Vec<Reading> {
    let mut readings = Vec::new();
    for metric in all() {
        (metric.read)(findings, &mut Pen::new(metric, &mut readings));
    }
    readings
}

/// The whole report of a run: a pure function of its evidence.
#[must_use]
pub fn report(history: &History) -> Report {
    report_of(analysis::study(history))
}

/// The report of a run that was followed; `history` holds its manifest, its whole story and what is damaged.
#[must_use]
pub fn report_followed(history: History, followed: Followed) -> Report {
    report_of(analysis::study_followed(history, followed))
}

fn report_of(findings: Findings) -> Report {
    let readings = readings(&findings);
    Report {
        schema: SCHEMA.to_owned(),
        state: findings.health.state,
        state_reasons: findings.health.reasons.clone(),
        notes: findings.health.notes.clone(),
        run: analysis::run_info(&findings),
        promises: findings.promises,
        hazards: hazard::found(&readings, findings.promises),
        stored_truth: findings.truth.clone(),
        readings,
        faults: analysis::faults(&findings),
        violations: analysis::violations(&findings),
        explanations: findings.explanations.clone(),
        accounts: findings.bank.as_ref().map(analysis::BankFinding::told),
        figures: analysis::figures(&findings),
        environment: findings.environment,
        settings: findings.settings,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::model::bank::{Bank, Repeats, Store, Write};
    use crate::model::gone::Gone;
    use crate::model::record::{Fate, Life, LifeEvent, Publish};
    use crate::model::stored::Extent;
    use crate::model::story::{StoryEvent, StoryLine};

    #[test]
    fn ids_are_unique() {
        let ids: BTreeSet<&str> = all().map(|metric| metric.id).collect();
        assert_eq!(ids.len(), all().count());
        assert_eq!(find("ordered_per_s").map(|metric| metric.unit), Some("msg/s"));
    }

    #[test]
    fn every_metric_reads_a_run_and_the_report_is_the_same_twice() {
        let mut history = analysis::planted::killed();
        let sample = StoryEvent::Sample { process: "server-0".to_owned(), cpu_ns: 1, memory_bytes: 1 << 20 };
        // One message stands before the place where the consumers begin, one is given up, and one is evicted.
        let (before, given_up, evicted) = (1_000_000, 1_000_001, 1_000_002);
        let at = history.manifest.started_mono;
        for (key_seq, stream_seq) in [(1, before), (2, given_up), (3, evicted)] {
            let publish = history.journals[0].publishes[0];
            let fate = Fate::Stored { at, stream_seq, duplicate: false };
            history.journals[0].publishes.push(Publish { key: 1_000, key_seq, fate, ..publish });
        }
        let starts = StoryEvent::Starts { partition: None, stream_seq: given_up };
        let dropped = StoryEvent::Dropped { stream_seq: given_up, deliveries: 1 };
        let gone = StoryEvent::Gone { gone: Gone::new(0, vec![evicted]) };
        // A server was killed, too, and came back.
        let server = "server-0".to_owned();
        let (kind, target) = ("server-kill".to_owned(), "random".to_owned());
        let killed = StoryEvent::Fault { id: 7, kind, target, struck: vec![server] };
        let effects = StoryEvent::EffectsRead { effects: 0 };
        for event in [sample, starts, dropped, gone, effects, killed] {
            history.story.insert(0, StoryLine { at: history.manifest.started_mono, event });
        }
        history.journals[0].life.push(Life { at, event: LifeEvent::AckRefused });
        history.manifest.bank = Some(Bank { store: Store::Kv, write: Write::default(), repeats: Repeats::default() });
        let report = report(&history);
        // What the server lost can be told only where no limit may have taken it.
        let mut read_back = history.clone();
        read_back.story.retain(|line| !matches!(line.event, StoryEvent::Gone { .. }));
        let extent = Extent { messages: 0, through: 1, last: 1 };
        read_back.story.push(StoryLine { at, event: StoryEvent::StreamRead { extent } });
        let read_back = super::report(&read_back);
        for metric in all() {
            let mut readings = report.readings.iter().chain(&read_back.readings);
            assert!(readings.any(|reading| reading.metric == metric.id), "{} is silent", metric.id);
        }
        assert!(report.readings.iter().all(|reading| find(&reading.metric).is_some()));
        let json = serde_json::to_string(&report).expect("a report is data");
        assert_eq!(serde_json::from_str::<Report>(&json).expect("it comes back"), report);
        assert_eq!(serde_json::to_string(&super::report(&history)).expect("a report is data"), json);
    }
}
