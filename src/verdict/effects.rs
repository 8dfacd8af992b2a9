//! Effects: what the sink held at the end, and which of it came too late. Hazard 10.

use std::collections::BTreeMap;

use crate::model::effect::EffectRun;
use crate::model::history::History;
use crate::model::record::LifeEvent;
use crate::model::story::StoryEvent;

/// What was found about effects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// Effects that the sink held.
    pub stored: u64,
    /// Effects that the fence refused.
    pub refused: u64,
    /// `stale_effect`: effects of an older epoch behind one of a later epoch, run by run, in the order of the sink.
    pub stale: Vec<StaleEffects>,
}

/// Effects that were stored behind one of a later epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaleEffects {
    /// They themselves.
    pub run: EffectRun,
    /// The latest epoch that had stored an effect before them.
    pub behind: u32,
}

impl Effects {
    /// `stale_effect`.
    #[must_use]
    pub fn stale_effects(&self) -> u64 {
        self.stale.iter().map(|stale| stale.run.effects).sum()
    }
}

/// Judges what the driver read back; `None` when there is no sink, or it was not read whole.
#[must_use]
pub fn effects(history: &History) -> Option<Effects> {
    let stored = history.story.iter().find_map(|line| match line.event {
        StoryEvent::EffectsRead { effects } => Some(effects),
        _ => None,
    })?;
    let told = history.story.iter().filter_map(|line| match &line.event {
        StoryEvent::Effects { runs } => Some(runs),
        _ => None,
    });
    let life = history.journals.iter().flat_map(|journal| &journal.life);
    let refused = life.filter(|life| life.event == LifeEvent::EffectRefused).count() as u64;
    Some(Effects { stored, refused, stale: stale(told.flatten().copied()) })
}

/// Runs of one partition never overlap in the sink, so the order of their beginnings is their order.
fn stale(runs: impl Iterator<Item = EffectRun>) -> Vec<StaleEffects> {
    let mut latest: BTreeMap<u16, u32> = BTreeMap::new();
    let mut found = Vec::new();
    for run in runs {
        let behind = latest.entry(run.partition).or_default();
        if run.epoch < *behind {
            found.push(StaleEffects { run, behind: *behind });
        }
        *behind = run.epoch.max(*behind);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::effect::{Effect, EffectRuns};
    use proptest::prelude::*;

    fn found(effects: &[(u16, u32, u64)]) -> Vec<StaleEffects> {
        let mut runs = EffectRuns::default();
        for (sequence, (partition, epoch, stream_seq)) in (1..).zip(effects.iter().copied()) {
            runs.add(sequence, Effect { partition, epoch, stream_seq });
        }
        stale(runs.all().into_iter())
    }

    #[test]
    fn an_effect_behind_one_of_a_later_epoch_is_stale_and_a_replay_is_not() {
        let planted = found(&[(0, 1, 10), (0, 2, 10), (0, 1, 11), (0, 2, 11)]);
        assert_eq!(
            planted.iter().map(|stale| (stale.run.epoch, stale.run.from, stale.behind)).collect::<Vec<_>>(),
            [(1, 11, 2)]
        );
        // Near misses: the new epoch repeats what the old one had stored; the old one stores before the new one does; another partition.
        for legal in [
            &[(0, 1, 10), (0, 1, 11), (0, 2, 10), (0, 2, 11)][..],
            &[(0, 1, 10), (1, 5, 11), (0, 1, 12), (0, 2, 12)],
            &[(0, 2, 10), (1, 1, 11)],
        ] {
            assert_eq!(found(legal), [], "{legal:?}");
        }
    }

    proptest! {
        #[test]
        fn runs_judge_as_the_effects_themselves_do(effects in proptest::collection::vec((0_u16..3, 1_u32..4, 1_u64..9), 0..40)) {
            let stale: u64 = found(&effects).iter().map(|stale| stale.run.effects).sum();
            let slow = effects.iter().enumerate().filter(|(at, (partition, epoch, _))| {
                effects[..*at].iter().any(|(other, later, _)| other == partition && later > epoch)
            });
            prop_assert_eq!(stale, slow.count() as u64);
        }
    }
}
