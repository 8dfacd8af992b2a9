//! Exclusion: who handled or owned beside whom, over all phases.

use super::Metric;
use super::Pen;
use crate::analysis::{EffectCounts, Findings};
use crate::model::reading::{Better, Scope, Stat};

/// The family.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "overlap",
        unit: "count",
        better: Better::Lower,
        about: "handlings that began while another member handled a message of the partition, stale tails left out",
        read: |found, pen| {
            pen.count(Scope::Run, found.exclusion.overlap, found.handled + found.aborted);
        },
    },
    Metric {
        id: "overlap_stale_tail",
        unit: "count",
        better: Better::None,
        about: "overlaps that the stale tail of a superseded owner explains: no violation",
        read: |found, pen| {
            with_owners(found, pen, found.exclusion.overlap_stale_tail);
        },
    },
    Metric {
        id: "dual_ownership",
        unit: "count",
        better: Better::Lower,
        about: "pairs of beliefs of two members in one partition that overlap; absent without owners",
        read: |found, pen| {
            with_owners(found, pen, found.exclusion.dual_ownership);
        },
    },
    Metric {
        id: "stale_handling",
        unit: "count",
        better: Better::Lower,
        about: "handlings begun in an epoch after a later one was granted; absent without owners",
        read: |found, pen| {
            with_owners(found, pen, found.exclusion.stale_handling);
        },
    },
    Metric {
        id: "stale_tail",
        unit: "count",
        better: Better::None,
        about: "handlings whose check passed before their owner was superseded and that ended after it: no violation",
        read: |found, pen| {
            with_owners(found, pen, found.exclusion.stale_tail);
        },
    },
    Metric {
        id: "stale_effect",
        unit: "count",
        better: Better::Lower,
        about: "effects of an older epoch that the sink holds behind one of a later epoch; absent without a sink",
        read: |found, pen| {
            if let Some(EffectCounts { stale, stored, .. }) = found.exclusion.effects {
                pen.count(Scope::Run, stale, stored);
            }
        },
    },
    Metric {
        id: "effects_stored",
        unit: "count",
        better: Better::None,
        about: "effects that the sink held at the end, those of repeated messages included; absent without a sink",
        read: |found, pen| {
            if let Some(EffectCounts { stored, .. }) = found.exclusion.effects {
                pen.count(Scope::Run, stored, found.handled);
            }
        },
    },
    Metric {
        id: "effects_refused",
        unit: "count",
        better: Better::None,
        about: "effects of superseded owners that the fence refused; absent without a sink",
        read: |found, pen| {
            if let Some(EffectCounts { refused, stored, .. }) = found.exclusion.effects {
                pen.count(Scope::Run, refused, stored + refused);
            }
        },
    },
];

/// Counts that only a strategy with owners has.
fn with_owners(found: &Findings, pen: &mut Pen<'_>, count: u64) {
    let value = found.promises.owners.then_some(count as f64);
    pen.write(Scope::Run, Stat::Count, value, found.handled + found.aborted);
}
