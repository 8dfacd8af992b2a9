//! The schedule: from the faults of a plan to the strikes of a run. Same faults, same seed, same strikes.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Fleet, Kind, Spec, State, Target, chaos};
use crate::model::time::SpanNs;

/// One strike: something happens to somebody at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct Strike {
    /// Its number, in order of time from 0.
    pub id: u32,
    /// When, from the start of the measure phase.
    pub at: SpanNs,
    /// What.
    pub kind: Kind,
    /// Whom.
    pub target: Target,
    /// What it must heed by then.
    pub rule: Rule,
}

/// What a strike must heed at its instant, beside what its kind demands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rule {
    /// Nothing: the profile says so.
    #[default]
    Free,
    /// Nobody may be struck while so many are away already.
    Within {
        /// Most members away at once.
        members: u16,
        /// Most server nodes away at once.
        nodes: u16,
    },
    /// It heals what an earlier strike did: it has nothing to do when that was skipped.
    Heals,
}

impl Rule {
    /// Whether the strike may be carried out on the fleet as it is now.
    pub(super) fn admits(self, strike: &Strike, fleet: &Fleet) -> Result<(), String> {
        let takes = chaos::takes_away(&strike.kind);
        match self {
            Self::Within { members, .. } if takes.member && fleet.members_away() >= usize::from(members) => {
                Err(format!("members away already: {}, and max-down is {members}", fleet.members_away()))
            }
            Self::Within { nodes, .. } if takes.node && fleet.nodes_away() >= usize::from(nodes) => {
                Err(format!("servers away already: {}, and max-servers-down is {nodes}", fleet.nodes_away()))
            }
            Self::Heals => match fleet.named(strike.target)?.state {
                State::Dead { .. } => Ok(()),
                _ => Err(format!("{} is not dead: there is nothing to heal", strike.target)),
            },
            Self::Within { .. } | Self::Free => Ok(()),
        }
    }
}

/// What a run begins with, as far as the schedule depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Length of the measure phase.
    pub measure: SpanNs,
    /// Members at the beginning.
    pub members: u16,
    /// Server nodes.
    pub nodes: u16,
    /// Copies of what is stored.
    pub replicas: u16,
    /// Whether members may join and leave: there is a group.
    pub grows: bool,
    /// Whether the members run programs of the user's own.
    pub programs: bool,
    /// Whether the strategy keeps leases in a bucket.
    pub bucket: bool,
}

/// Every strike before the end of the measure phase, in order of time; those of one instant in the order of the profile.
#[must_use]
pub fn schedule(specs: &[Spec], seed: u64, scene: &Scene) -> Vec<Strike> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut strikes = Vec::new();
    for spec in specs {
        let instants = spec.when.instants(scene.measure).map(|instant| {
            let late = if spec.when.jitter.0 == 0 { 0 } else { chance.random_range(0..spec.when.jitter.0) };
            SpanNs(instant.0.saturating_add(late))
        });
        let mut instants: Vec<SpanNs> = instants.collect();
        if let Kind::Chaos(settings) = &spec.kind {
            instants.sort_unstable();
            strikes.extend(chaos::strikes(settings, &instants, scene, &mut chance));
        } else {
            let strike = |at| Strike { id: 0, at, kind: spec.kind.clone(), target: spec.target, rule: Rule::Free };
            strikes.extend(instants.into_iter().map(strike));
        }
    }
    strikes.retain(|strike| strike.at < scene.measure);
    strikes.sort_by_key(|strike| strike.at);
    for (id, strike) in (0..).zip(&mut strikes) {
        strike.id = id;
    }
    strikes
}

impl super::When {
    /// The instants before jitter, all of them before `end`.
    pub fn instants(self, end: SpanNs) -> impl Iterator<Item = SpanNs> {
        let (every, until, times) = match self.again {
            None => (1, end, 1),
            Some(again) => (again.every.0.max(1), again.until.min(end), again.times.unwrap_or(u32::MAX)),
        };
        let strikes = (0..u64::from(times)).map(move |n| SpanNs(self.first.0.saturating_add(n.saturating_mul(every))));
        strikes.take_while(move |at| *at < until)
    }
}
