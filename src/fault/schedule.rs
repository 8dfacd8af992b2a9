//! The schedule: from the faults of a plan to the strikes of a run. Same faults, same seed, same strikes.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{Kind, Spec, Target};
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
}

/// Every strike before the end of the measure phase, in order of time; those of one instant in the order of the profile.
#[must_use]
pub fn schedule(specs: &[Spec], seed: u64, measure: SpanNs) -> Vec<Strike> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut strikes = Vec::new();
    for spec in specs {
        for instant in spec.when.instants(measure) {
            let late = if spec.when.jitter.0 == 0 { 0 } else { chance.random_range(0..spec.when.jitter.0) };
            let at = SpanNs(instant.0.saturating_add(late));
            strikes.push(Strike { id: 0, at, kind: spec.kind.clone(), target: spec.target });
        }
    }
    strikes.retain(|strike| strike.at < measure);
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
