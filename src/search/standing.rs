//! How a rate stands: what the trials at it say together.

use crate::model::search::{Trial, Verdict};

/// What the trials at one rate say.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Standing {
    /// The rate.
    pub rate_per_s: f64,
    /// Trials that were sustained.
    pub sustained: u32,
    /// Trials that were not, whatever the reason.
    pub failed: u32,
    /// Of these, those in which the generator was the limit.
    pub generator: u32,
    /// Trials that say nothing.
    pub invalid: u32,
}

impl Standing {
    /// As many trials say that it is sustained as say that it is not.
    pub(super) fn is_tied(&self) -> bool {
        self.sustained > 0 && self.sustained == self.failed
    }

    /// More trials were sustained than not.
    pub(super) fn holds(&self) -> bool {
        self.sustained > self.failed
    }

    /// More trials were not sustained.
    pub(super) fn fails(&self) -> bool {
        self.failed > self.sustained
    }

    /// It fails, and at least in half of the trials that failed the generator was the limit.
    pub(super) fn by_generator(&self) -> bool {
        self.fails() && self.generator * 2 >= self.failed
    }
}

/// All rates that were tried, the least first.
pub(super) fn standings(trials: &[Trial]) -> Vec<Standing> {
    let mut standings: Vec<Standing> = Vec::new();
    for trial in trials {
        let rate_per_s = trial.rate_per_s;
        let known = standings.iter().position(|known| known.rate_per_s.total_cmp(&rate_per_s).is_eq());
        let place = known.unwrap_or_else(|| {
            standings.push(Standing { rate_per_s, sustained: 0, failed: 0, generator: 0, invalid: 0 });
            standings.len() - 1
        });
        let Some(standing) = standings.get_mut(place) else { continue };
        match trial.verdict {
            Verdict::Sustained => standing.sustained += 1,
            Verdict::Behind | Verdict::Late | Verdict::Violated => standing.failed += 1,
            Verdict::Generator => {
                standing.failed += 1;
                standing.generator += 1;
            }
            Verdict::Invalid => standing.invalid += 1,
            Verdict::Interrupted => {}
        }
    }
    standings.sort_by(|one, two| one.rate_per_s.total_cmp(&two.rate_per_s));
    standings
}
