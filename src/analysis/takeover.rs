//! The phases of one takeover: detect, claim, resume, first handled.

use super::findings::Phases;
use super::ownership;
use super::rebalance::Scene;
use super::wait::Evidence;
use crate::model::record::Author;
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

impl Resumption {
    /// The owner by `grant` received a delivery, and `handled` one that nobody had handled.
    pub(super) fn note(&mut self, grant: &Belief, received: MonoNs, handled: Option<MonoNs>) {
        // Received can be before the grant only in absurd evidence; phases do not run backwards.
        earliest(&mut self.received, received.max(grant.from));
        if let Some(handled) = handled {
            earliest(&mut self.handled, handled);
        }
    }
}

fn earliest(known: &mut Option<MonoNs>, at: MonoNs) {
    *known = Some(known.map_or(at, |known| known.min(at)));
}

/// The phases of the takeover of one affected partition, each from the end of the one before. Without a new owner all
/// are unknown. When only the record that the owner was gone is missing, `detect` and `claim` are unknown and the rest
/// is not.
pub(super) fn phases<E: Evidence>(
    scene: &Scene<'_, E>,
    partition: u16,
    t0: MonoNs,
    change: Option<&Belief>,
    resumption: Resumption,
) -> Phases {
    let Some(grant) = change else {
        return Phases::default();
    };
    let detected = scene.evidence.gone_observed(partition, t0, grant.from);
    Phases {
        detect: detected.map(|at| at.since(t0)),
        claim: detected.map(|at| grant.from.since(at)),
        resume: resumption.received.map(|at| at.since(grant.from)),
        first_handled: resumption.received.zip(resumption.handled).map(|(resumed, handled)| handled.since(resumed)),
    }
}
