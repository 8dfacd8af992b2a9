//! Exclusion: who handled beside whom, who believed beside whom, and who went on after being superseded.

use super::belief::{Belief, beliefs};
use super::deed::Deed;
use super::effects::{Effects, effects};
use super::grants::Grants;
use super::grouped;
use super::lives::Lives;
use crate::model::history::History;

/// What was found about exclusion. Handlings are named by their number in [`Ledger::entries`](super::Ledger::entries).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exclusion {
    /// All beliefs, by partition, then by beginning.
    pub beliefs: Vec<Belief>,
    /// `dual_ownership`: pairs of beliefs of two incarnations that overlap.
    pub dual_ownership: Vec<DualOwnership>,
    /// `overlap`: handlings that began while another member's handling of the same partition was going on. Charged ones
    /// only, and only for strategies with owners: elsewhere members side by side are the point.
    pub overlaps: Vec<Overlap>,
    /// `overlap`, by number, charged or not, by partition.
    pub overlap: Vec<u64>,
    /// Overlaps that the stale tail of a superseded owner explains: not in `overlap`.
    pub overlap_stale_tail: u64,
    /// `stale_handling`: started in an epoch after a later one was granted.
    pub stale_handling: Vec<u32>,
    /// `stale_tail`: the check had passed before the owner was superseded, and the handler ended after it.
    pub stale_tail: Vec<u32>,
    /// What the sink held; `None` when there is none, or it was not read whole.
    pub effects: Option<Effects>,
}

/// Two beliefs in one partition that overlap, by number in [`Exclusion::beliefs`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DualOwnership {
    /// The one that began first.
    pub earlier: usize,
    /// The other.
    pub later: usize,
}

/// Two handlings of one partition by two members that overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overlap {
    /// The one that was going on.
    pub earlier: u32,
    /// The one that began.
    pub later: u32,
}

/// Judges exclusion from handlings that are grouped by partition and sorted by start within it.
pub(super) fn exclusion(history: &History, lives: &Lives, grants: &Grants, by_partition: &[Deed]) -> Exclusion {
    let beliefs = beliefs(&history.journals, lives);
    let dual_ownership = dual_ownership(&beliefs);
    let mut found = Exclusion { dual_ownership, beliefs, effects: effects(history), ..Exclusion::default() };
    for deeds in grouped::slices(by_partition, |deed| deed.partition.into()) {
        overlaps(deeds, grants, history.manifest.promises.owners, &mut found);
        for deed in deeds {
            match grants.superseded(deed.partition, deed.epoch) {
                Some(granted) if granted < deed.started => found.stale_handling.push(deed.id),
                Some(granted) if deed.finished && granted < deed.ended => found.stale_tail.push(deed.id),
                _ => {}
            }
        }
    }
    found
}

/// Pairs of beliefs of two incarnations that share more than an instant.
pub(super) fn dual_ownership(beliefs: &[Belief]) -> Vec<DualOwnership> {
    let mut pairs = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    for (later, belief) in beliefs.iter().enumerate() {
        open.retain(|&earlier| beliefs[earlier].partition == belief.partition && beliefs[earlier].to > belief.from);
        let others = open.iter().filter(|&&earlier| beliefs[earlier].owner != belief.owner && belief.to > belief.from);
        pairs.extend(others.map(|&earlier| DualOwnership { earlier, later }));
        open.push(later);
    }
    pairs
}

/// Handlings that begin while another member's goes on. Each is counted once, whatever number it meets; it is
/// excused when all that it meets are stale tails, and not when it is stale itself (that is `stale_handling`, too).
fn overlaps(deeds: &[Deed], grants: &Grants, owners: bool, found: &mut Exclusion) {
    let mut going_on: Vec<&Deed> = Vec::new();
    let mut count = 0;
    for deed in deeds {
        going_on.retain(|earlier| earlier.ended > deed.started);
        let mut tails = 0;
        let mut charged = None;
        for earlier in going_on.iter().filter(|earlier| earlier.journal != deed.journal) {
            let tail = owners
                && earlier.epoch < deed.epoch
                && grants
                    .superseded(earlier.partition, earlier.epoch)
                    .is_some_and(|granted| earlier.started <= granted);
            if tail {
                tails += 1;
            } else {
                charged = Some(earlier.id);
            }
        }
        match charged {
            Some(earlier) => {
                count += 1;
                if owners {
                    found.overlaps.push(Overlap { earlier, later: deed.id });
                }
            }
            None if tails > 0 => found.overlap_stale_tail += 1,
            None => {}
        }
        if deed.ended > deed.started {
            keep(&mut going_on, deed);
        }
    }
    if let Some(partition) = deeds.first().map(|deed| usize::from(deed.partition)) {
        if found.overlap.len() <= partition {
            found.overlap.resize(partition + 1, 0);
        }
        found.overlap[partition] = count;
    }
}

/// Of what one member does under one epoch only what ends last matters: the list stays as short as the fleet, whatever
/// number of handlers each member runs at once.
fn keep<'a>(going_on: &mut Vec<&'a Deed>, deed: &'a Deed) {
    match going_on.iter_mut().find(|other| (other.journal, other.epoch) == (deed.journal, deed.epoch)) {
        Some(other) if other.ended < deed.ended => *other = deed,
        Some(_) => {}
        None => going_on.push(deed),
    }
}
