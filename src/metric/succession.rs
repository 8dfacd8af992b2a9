//! Succession and liveness: what was wrong between the epochs of a partition, and what stood still for long.

use super::Metric;
use super::Pen;
use crate::analysis::Findings;
use crate::model::reading::{Better, Scope, Stat};

/// The family.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "epoch_rewind",
        unit: "count",
        better: Better::Lower,
        about: "handlings of a message that their own epoch had handled, or gone beyond, before; absent without owners",
        read: |found, pen| with_owners(found, pen, found.succession.epoch_rewind),
    },
    Metric {
        id: "bad_rewind",
        unit: "count",
        better: Better::Lower,
        about: "handlings at the beginning of an epoch that leave out what had been handled before it; absent without owners",
        read: |found, pen| with_owners(found, pen, found.succession.bad_rewind),
    },
    Metric {
        id: "delivery_gap",
        unit: "count",
        better: Better::Lower,
        about: "handlings in an epoch in which the delivery right before never came; absent without owners",
        read: |found, pen| with_owners(found, pen, found.succession.delivery_gap),
    },
    Metric {
        id: "ghost_delivery",
        unit: "count",
        better: Better::Lower,
        about: "handlings of what came to a session after a later epoch had been granted; absent without owners",
        read: |found, pen| with_owners(found, pen, found.succession.ghost_delivery),
    },
    Metric {
        id: "stale_commit",
        unit: "count",
        better: Better::Lower,
        about: "commits that the server confirmed for stale handlings; absent without owners",
        read: |found, pen| with_owners(found, pen, found.succession.stale_commit),
    },
    Metric {
        id: "commit_ahead",
        unit: "count",
        better: Better::Lower,
        about: "messages that a confirmed commit covered before anybody had handled them",
        read: |found, pen| {
            pen.count(Scope::Run, found.succession.commit_ahead, found.handled);
        },
    },
    Metric {
        id: "skipped_start",
        unit: "count",
        better: Better::Lower,
        about: "messages behind which a consumer was opened before anybody had handled them; absent without owners",
        read: |found, pen| with_owners(found, pen, found.succession.skipped_start),
    },
    Metric {
        id: "orphaned",
        unit: "count",
        better: Better::Lower,
        about: "stretches above three lease times and 5 s in which nobody owned a partition; absent without owners",
        read: |found, pen| with_owners(found, pen, found.liveness.orphaned.len() as u64),
    },
    Metric {
        id: "stalled",
        unit: "count",
        better: Better::Lower,
        about: "silences of a partition above three lease times and 5 s",
        read: |found, pen| {
            pen.count(Scope::Run, found.liveness.stalled.len() as u64, found.handled);
        },
    },
    Metric {
        id: "flapped",
        unit: "count",
        better: Better::Lower,
        about: "partitions that changed owner beyond what the faults required; absent without owners",
        read: |found, pen| {
            let beyond = |fault: &crate::analysis::FaultFinding| Some(fault.moved?.saturating_sub(fault.moved_least?));
            with_owners(found, pen, found.faults.iter().filter_map(beyond).sum());
        },
    },
];

/// Counts that only a strategy with owners has.
fn with_owners(found: &Findings, pen: &mut Pen<'_>, count: u64) {
    let value = found.promises.owners.then_some(count as f64);
    pen.write(Scope::Run, Stat::Count, value, found.handled + found.aborted);
}
