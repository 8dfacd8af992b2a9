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

/// What a new owner did first: when it received its first delivery, and when it started its first message that had
/// never been handled.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Resumption {
    pub(super) received: Option<MonoNs>,
    pub(super) handled: Option<MonoNs>,
}

/// The resumption of every partition, beside its new owner's belief, up to the limit of the fault. One walk over all handlings, whatever their number of
/// partitions: journals are as good as sorted by start, but a torn one need not be.
pub(super) fn resumptions(scene: &Scene<'_>, changes: &[Option<&Belief>], limit: MonoNs) -> Vec<Resumption> {
    let mut found = vec![Resumption::default(); changes.len()];
    for (id, (entry, journal, handling)) in scene.ledger.lines(scene.history).enumerate() {
        let partition = usize::from(handling.partition);
        let Some(grant) = changes.get(partition).copied().flatten() else { continue };
        let its_own = journal.author == grant.owner;
        if !its_own || handling.started < grant.from || handling.started > limit {
            continue;
        }
        let resumption = &mut found[partition];
        // Received can be before the grant only in absurd evidence; phases do not run backwards.
        earliest(&mut resumption.received, handling.received.max(grant.from));
        if scene.ledger.message_of(entry).is_some_and(|message| message.first == Some(id as u32)) {
            earliest(&mut resumption.handled, handling.started);
        }
    }
    found
}

fn earliest(known: &mut Option<MonoNs>, at: MonoNs) {
    *known = Some(known.map_or(at, |known| known.min(at)));
}

/// The phases of the takeover of one affected partition, each from the end of the one before. Without a new owner all
/// are unknown. When only the record that the owner was gone is missing, `detect` and `claim` are unknown and the rest
/// is not.
pub(super) fn phases(
    scene: &Scene<'_>,
    partition: u16,
    t0: MonoNs,
    change: Option<&Belief>,
    resumption: Resumption,
) -> Phases {
    let Some(grant) = change else {
        return Phases::default();
    };
    let detected = gone_observed(scene, partition, t0, grant.from);
    Phases {
        detect: detected.map(|at| at.since(t0)),
        claim: detected.map(|at| grant.from.since(at)),
        resume: resumption.received.map(|at| at.since(grant.from)),
        first_handled: resumption.received.zip(resumption.handled).map(|(resumed, handled)| handled.since(resumed)),
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
