//! What to do next: `(terms, trials) → step`.
//!
//! ```text
//! nothing tried           try the first rate
//! a rate is tied          try it again                          (confirm)
//! it holds, none fails    try twice as much, at most the most   (bracket)
//! it fails, none holds    try half as much, at least the least  (bracket)
//! bracket too wide        try its geometric middle              (narrow)
//! bracket narrow enough   try its low end until `agree` trials agree, then its high end  (confirm)
//! both ends confirmed     done
//! ```
//!
//! One trial on a noisy machine is not the truth. So an end that is confirmed to be otherwise moves: a refuted low end
//! becomes the high end, a refuted high end the low one, and the search goes on from there. A rate stands as most of its
//! trials say, and is settled when `agree` of them agree: after at most 2 × `agree` − 1.

use super::standing::{Standing, standings};
use crate::model::search::{Bracket, Outcome, Purpose, Terms, Trial, Verdict};

/// So many trials at one rate may be invalid before the search gives up.
const INVALID_MAX: u32 = 3;

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Step {
    /// Make a trial.
    Try {
        /// At this rate.
        rate_per_s: f64,
        /// For this.
        purpose: Purpose,
    },
    /// Nothing more.
    Done(End),
}

/// How a search ends.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct End {
    /// How.
    pub outcome: Outcome,
    /// The greatest rate that was tried and is confirmed to be sustained.
    pub answer: Option<f64>,
}

/// What to do after these trials.
#[must_use]
pub fn next(terms: &Terms, trials: &[Trial]) -> Step {
    let standings = standings(trials);
    let done = |outcome| Step::Done(stopped(terms, trials, outcome));
    if trials.iter().any(|trial| trial.verdict == Verdict::Interrupted) {
        return done(Outcome::Interrupted);
    }
    let (rate_per_s, purpose) = match wished(terms, &standings) {
        Wish::Done(outcome) => return done(outcome),
        Wish::Try(rate_per_s, purpose) => (rate_per_s, purpose),
    };
    if standings.iter().any(|it| same(it.rate_per_s, rate_per_s) && it.invalid >= INVALID_MAX) {
        return done(Outcome::Invalid);
    }
    let wished = Step::Try { rate_per_s, purpose };
    let left = trials_left(terms, trials, rate_per_s);
    let low = low(&standings).filter(|low| low.sustained < terms.agree && !same(low.rate_per_s, rate_per_s));
    match low {
        _ if left == 0 => done(Outcome::Unfinished),
        // What is left is just enough to confirm what is known: better a coarse answer than none.
        Some(low) if left <= terms.agree.saturating_sub(low.sustained) => {
            Step::Try { rate_per_s: low.rate_per_s, purpose: Purpose::Confirm }
        }
        _ => wished,
    }
}

/// How a search ends that is stopped after these trials.
#[must_use]
pub fn stopped(terms: &Terms, trials: &[Trial], outcome: Outcome) -> End {
    End { outcome, answer: confirmed(terms, &standings(trials)) }
}

/// Between which rates the limit lies.
pub(super) fn bracket(standings: &[Standing]) -> Bracket {
    Bracket {
        low_per_s: low(standings).map(|low| low.rate_per_s),
        high_per_s: high(standings).map(|high| high.rate_per_s),
    }
}

/// The greatest rate at which `agree` trials were sustained, and that is below all that fail.
fn confirmed(terms: &Terms, standings: &[Standing]) -> Option<f64> {
    let above = high(standings).map_or(f64::INFINITY, |high| high.rate_per_s);
    let held = standings.iter().filter(|it| it.holds() && it.sustained >= terms.agree && it.rate_per_s < above);
    held.map(|it| it.rate_per_s).max_by(f64::total_cmp)
}

enum Wish {
    Try(f64, Purpose),
    Done(Outcome),
}

/// What to do when neither time nor trials run out.
fn wished(terms: &Terms, standings: &[Standing]) -> Wish {
    if let Some(tied) = standings.iter().find(|it| it.is_tied()) {
        return Wish::Try(tied.rate_per_s, Purpose::Confirm);
    }
    let unsure =
        |count: u32, of: &Standing| (count < terms.agree).then_some(Wish::Try(of.rate_per_s, Purpose::Confirm));
    let beyond = |high: &Standing, otherwise| if high.by_generator() { Outcome::Generator } else { otherwise };
    match (low(standings), high(standings)) {
        (None, None) => Wish::Try(within(terms, terms.first_per_s), Purpose::Bracket),
        (Some(low), None) if low.rate_per_s < terms.most_per_s => {
            Wish::Try(within(terms, low.rate_per_s * 2.0), Purpose::Bracket)
        }
        (Some(low), None) => unsure(low.sustained, low).unwrap_or(Wish::Done(Outcome::AtBound)),
        (None, Some(high)) if high.rate_per_s > terms.least_per_s => {
            Wish::Try(within(terms, high.rate_per_s / 2.0), Purpose::Bracket)
        }
        (None, Some(high)) => {
            unsure(high.failed, high).unwrap_or_else(|| Wish::Done(beyond(high, Outcome::NotSustained)))
        }
        (Some(low), Some(high)) => {
            let middle = rounded((low.rate_per_s * high.rate_per_s).sqrt());
            let inside = low.rate_per_s < middle && middle < high.rate_per_s;
            if inside && high.rate_per_s > low.rate_per_s * (1.0 + terms.tolerance) {
                return Wish::Try(middle, Purpose::Narrow);
            }
            unsure(low.sustained, low)
                .or_else(|| unsure(high.failed, high))
                .unwrap_or_else(|| Wish::Done(beyond(high, Outcome::Found)))
        }
    }
}

/// The greatest rate that holds.
fn low(standings: &[Standing]) -> Option<&Standing> {
    standings.iter().rev().find(|it| it.holds())
}

/// The least rate that fails.
fn high(standings: &[Standing]) -> Option<&Standing> {
    standings.iter().find(|it| it.fails())
}

/// How many trials are left, if each takes as long as the one with the nearest rate did.
fn trials_left(terms: &Terms, trials: &[Trial], rate_per_s: f64) -> u32 {
    let made = u32::try_from(trials.len()).unwrap_or(u32::MAX);
    let by_count = terms.trials_max.saturating_sub(made);
    let distance = |trial: &Trial| (trial.rate_per_s / rate_per_s).ln().abs();
    let nearest = trials.iter().min_by(|one, two| distance(one).total_cmp(&distance(two)));
    let Some(nearest) = nearest else { return by_count.max(1) };
    let takes = nearest.seen.took_s.max(terms.trial_s).max(1e-3);
    let left_s = (terms.within_s - elapsed_s(trials)).max(0.0);
    // Saturates where there is no end.
    by_count.min((left_s / takes) as u32)
}

/// What these trials took.
#[must_use]
pub fn elapsed_s(trials: &[Trial]) -> f64 {
    trials.iter().map(|trial| trial.seen.took_s).sum()
}

fn same(one: f64, two: f64) -> bool {
    one.total_cmp(&two).is_eq()
}

/// A rate that may be tried.
fn within(terms: &Terms, rate_per_s: f64) -> f64 {
    rounded(rate_per_s).min(terms.most_per_s).max(terms.least_per_s)
}

/// Four digits are more than any tolerance asks for, and a rate that people can read.
fn rounded(rate_per_s: f64) -> f64 {
    let unit = 10f64.powf(rate_per_s.max(1e-6).log10().floor() - 3.0);
    let rounded = (rate_per_s / unit).round() * unit;
    // A power of ten below one is no exact number: without this 0.1 would be 0.10000000000000001.
    (rounded * 1e6).round() / 1e6
}
