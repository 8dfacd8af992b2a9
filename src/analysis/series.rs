//! Flow: how much was offered, stored, handled and handled in order, by the second and over the measure phase.

use std::collections::BTreeMap;

use super::findings::MeasuredFlow;
use super::latency::{per_second, second_span};
use super::timeline::Timeline;
use crate::model::history::History;
use crate::model::report::ThroughputPoint;
use crate::model::time::MonoNs;
use crate::verdict::{Entry, Ledger, Message, Verdict};

/// By the second, from the start of the run to its end.
pub(super) fn throughput(history: &History, timeline: &Timeline, ledger: &Ledger) -> Vec<ThroughputPoint> {
    let mut points: Vec<ThroughputPoint> = (0..timeline.seconds())
        .map(|second| ThroughputPoint {
            at_ms: timeline.ms(timeline.zero + second_span(second)),
            ..ThroughputPoint::default()
        })
        .collect();
    let mut count = |at: MonoNs, add: fn(&mut ThroughputPoint)| {
        if let Some(point) = timeline.second(at).and_then(|second| points.get_mut(second)) {
            add(point);
        }
    };
    for message in &ledger.messages {
        count(message.intended, |point| point.offered += 1);
        if let Some(stored) = message.stored {
            count(stored, |point| point.stored += 1);
        }
    }
    for (entry, finished) in finishes(history, ledger) {
        count(finished, |point| point.handled += 1);
        if entry.verdict == Verdict::InOrder {
            count(finished, |point| point.ordered += 1);
        }
        if entry.verdict.breaks_order() {
            count(finished, |point| point.violations += 1);
        }
    }
    points
}

/// Sums and rates over the measure phase.
pub(super) fn measured_flow(history: &History, timeline: &Timeline, ledger: &Ledger) -> MeasuredFlow {
    let Some((from, to)) = timeline.measure() else {
        return MeasuredFlow::default();
    };
    let offered = ledger.messages.iter().filter(|message| timeline.measures(message.intended)).count() as u64;
    let is_stored = |message: &&Message| message.stored.is_some_and(|stored| timeline.measures(stored));
    let stored = ledger.messages.iter().filter(is_stored).count() as u64;
    let (mut handled, mut ordered, mut handled_messages) = (0, 0, 0);
    for (entry, _) in finishes(history, ledger).filter(|&(_, finished)| timeline.measures(finished)) {
        handled += 1;
        ordered += u64::from(entry.verdict == Verdict::InOrder);
        handled_messages += u64::from(matches!(entry.verdict, Verdict::InOrder | Verdict::Skipped | Verdict::Late));
    }
    MeasuredFlow {
        offered,
        stored,
        handled,
        handled_messages,
        ordered,
        offered_per_s: per_second(offered, from, to),
        stored_per_s: per_second(stored, from, to),
        handled_per_s: per_second(handled, from, to),
        ordered_per_s: per_second(ordered, from, to),
    }
}

/// All handlings of messages of this run that ended with success, with that instant.
fn finishes<'a>(history: &'a History, ledger: &'a Ledger) -> impl Iterator<Item = (&'a Entry, MonoNs)> {
    ledger.lines(history).filter_map(|(entry, _, handling)| {
        let finish = handling.finished.filter(|_| entry.verdict.is_handled())?;
        Some((entry, finish.at))
    })
}

/// Handlings with success by member, in order of names.
pub(super) fn handled_by_member(history: &History, ledger: &Ledger) -> Vec<(String, u64)> {
    let mut members: BTreeMap<u16, u64> = BTreeMap::new();
    for (entry, journal, _) in ledger.lines(history) {
        *members.entry(journal.author.index).or_default() += u64::from(entry.verdict.is_handled());
    }
    members.into_iter().map(|(index, handled)| (format!("c{index}"), handled)).collect()
}
