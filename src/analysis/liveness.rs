//! Liveness: partitions that nobody owned, or that stood still, for longer than any takeover takes.

use super::ownership;
use super::timeline::Timeline;
use crate::model::history::History;
use crate::model::manifest::Manifest;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::Belief;

/// What lasts no longer than this is a takeover and no matter of liveness, whatever the lease time.
const LEAST: SpanNs = SpanNs(5_000_000_000);
/// Nor is what lasts no longer than so many lease times.
const LEASES: u64 = 3;

/// A stretch in one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// Partition.
    pub partition: u16,
    /// From.
    pub from: MonoNs,
    /// To.
    pub to: MonoNs,
}

impl Stretch {
    /// How long it lasted.
    #[must_use]
    pub fn lasted(&self) -> SpanNs {
        self.to.since(self.from)
    }
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Liveness {
    /// `orphaned`: nobody owned the partition. Empty without owners.
    pub orphaned: Vec<Stretch>,
    /// `stalled`: messages of the partition waited and nobody handled them.
    pub stalled: Vec<Stretch>,
}

/// Judges liveness up to the end of the work.
pub(super) fn liveness(
    history: &History,
    timeline: &Timeline,
    beliefs: &[Belief],
    silences: impl Iterator<Item = Stretch>,
) -> Liveness {
    let bound = bound(&history.manifest);
    let partitions = 0..history.manifest.partitions;
    let orphaned = |partition| unowned(timeline, ownership::of_partition(beliefs, partition), partition);
    let mut found = Liveness::default();
    if history.manifest.promises.owners {
        found.orphaned = partitions.flat_map(orphaned).collect();
    }
    let known = history.manifest.partitions;
    found.stalled = silences.filter(|stretch| stretch.partition < known && stretch.lasted() > bound).collect();
    found.orphaned.retain(|stretch| stretch.lasted() > bound);
    found
}

/// What lasts longer is no takeover any more.
pub(super) fn bound(manifest: &Manifest) -> SpanNs {
    let leases = manifest.lease_ttl.map_or(0, |ttl| ttl.0.saturating_mul(LEASES));
    SpanNs(leases.max(LEAST.0))
}

/// The stretches between the beliefs of one partition, from the measure phase on.
fn unowned(timeline: &Timeline, beliefs: &[Belief], partition: u16) -> Vec<Stretch> {
    let Some((mut since, _)) = timeline.measure() else { return Vec::new() };
    let mut stretches = Vec::new();
    for belief in beliefs {
        let (from, to) = (since, belief.from.min(timeline.work_end));
        if from < to {
            stretches.push(Stretch { partition, from, to });
        }
        since = since.max(belief.to);
    }
    if since < timeline.work_end {
        stretches.push(Stretch { partition, from: since, to: timeline.work_end });
    }
    stretches
}
