//! The phases of one takeover: detect, claim, resume, first handled.

use super::findings::Phases;
use super::ownership;
use super::rebalance::Scene;
use crate::model::record::{Author, OwnershipChange};
use crate::model::time::MonoNs;
use crate::verdict::Belief;

/// Whether one of `struck` owned the partition at `at`.
pub(super) fn owned_by(beliefs: &[Belief], partition: u16, at: MonoNs, struck: &[Author]) -> bool {
    ownership::of_partition(beliefs, partition)
        .iter()
        .any(|belief| belief.from <= at && at <= belief.to && struck.contains(&belief.owner))
}

/// The first belief of another owner than the one at `from` that begins in `from` … `to`.
pub(super) fn change(beliefs: &[Belief], partition: u16, from: MonoNs, to: MonoNs) -> Option<&Belief> {
    let before = ownership::owner_at(beliefs, partition, from).map(|belief| belief.owner);
    ownership::of_partition(beliefs, partition)
        .iter()
        .find(|belief| from < belief.from && belief.from <= to && Some(belief.owner) != before)
}

/// The phases of the takeover of one affected partition, each from the end of the one before. Without a new owner all
/// are unknown. When only the record that the owner was gone is missing, `detect` and `claim` are unknown and the rest is not.
pub(super) fn phases(
    scene: &Scene<'_>,
    partition: u16,
    t0: MonoNs,
    window_end: MonoNs,
    change: Option<&Belief>,
) -> Phases {
    let Some(grant) = change else {
        return Phases::default();
    };
    let detected = gone_observed(scene, partition, t0, grant.from);
    let (received, handled) = first_handlings(scene, partition, grant, window_end);
    let resumed = received.map(|received| received.max(grant.from));
    Phases {
        detect: detected.map(|at| at.since(t0)),
        claim: detected.map(|at| grant.from.since(at)),
        resume: resumed.map(|at| at.since(grant.from)),
        first_handled: resumed.zip(handled).map(|(resumed, handled)| handled.since(resumed)),
    }
}

/// First record, by whomever, that the owner is gone.
fn gone_observed(scene: &Scene<'_>, partition: u16, t0: MonoNs, granted: MonoNs) -> Option<MonoNs> {
    let records = scene.history.journals.iter().flat_map(|journal| &journal.ownership);
    records
        .filter(|record| record.partition == partition && record.change == OwnershipChange::GoneObserved)
        .map(|record| record.at)
        .filter(|&at| t0 <= at && at <= granted)
        .min()
}

/// Of the new owner, from its grant on: when the first delivery of the partition was received, and when the first
/// message that had never been handled was started.
fn first_handlings(
    scene: &Scene<'_>,
    partition: u16,
    grant: &Belief,
    window_end: MonoNs,
) -> (Option<MonoNs>, Option<MonoNs>) {
    let Some(index) = scene.history.journals.iter().position(|journal| journal.author == grant.owner) else {
        return (None, None);
    };
    let handlings = &scene.history.journals[index].handlings;
    let from = handlings.partition_point(|handling| handling.started < grant.from);
    let offset = scene.ledger.first_entry_of(index);
    let mut received = None;
    for (id, handling) in (offset..).zip(handlings).skip(from) {
        if handling.started > window_end {
            break;
        }
        if handling.partition != partition {
            continue;
        }
        received = received.or(Some(handling.received));
        let message = scene.ledger.entries.get(id).and_then(|entry| scene.ledger.message_of(entry));
        if message.is_some_and(|message| message.first == Some(id as u32)) {
            return (received, Some(handling.started));
        }
    }
    (received, None)
}
