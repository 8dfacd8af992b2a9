//! The judge of quantities: better, worse, the same, or not decidable yet and what it would take.
//!
//! *Different* needs three things at once: an interval without 1, a difference that matters, and ranks that chance would
//! hardly part so far, corrected for how many quantities were judged together. *The same* needs an interval within what
//! does not matter. Whatever is neither is undecided (ADR 18).

use super::bootstrap::{self, Effect};
use super::rank;
use crate::model::contrast::{Interval, Outcome, Row, Rule, Sample, Threshold};
use crate::model::reading::Better;

/// Fewer repeats than this show no spread.
pub(super) const LEAST_REPEATS: usize = 3;
/// More repeats than this are asked of nobody.
const MOST_REPEATS: u32 = 50;

/// Judges all rows: those by statistics are one family.
pub(super) fn judge(rows: &mut [Row], confidence: f64) {
    let mut tested = Vec::new();
    for (index, row) in rows.iter_mut().enumerate() {
        match row.rule {
            Rule::AnyRise => any_rise(row),
            Rule::Statistics => {
                let is_tested = measure(row, confidence);
                tested.extend(is_tested.map(|effect| (index, effect)));
            }
        }
    }
    let adjusted = holm(&tested.iter().map(|(index, _)| rows[*index].p.unwrap_or(1.0)).collect::<Vec<_>>());
    let family = tested.len();
    for ((index, effect), adjusted) in tested.into_iter().zip(adjusted) {
        rows[index].p_adjusted = Some(adjusted);
        decide(&mut rows[index], &effect, family, 1.0 - confidence);
    }
}

/// Correctness has no noise: the worst repeat and the mean may not rise.
fn any_rise(row: &mut Row) {
    let most = |sample: &Sample| sample.values.iter().copied().fold(0.0, f64::max);
    let mean = |sample: &Sample| sample.values.iter().sum::<f64>() / sample.values.len().max(1) as f64;
    let (base, other) = ((most(&row.base), mean(&row.base)), (most(&row.other), mean(&row.other)));
    if row.other.values.is_empty() || row.base.values.is_empty() {
        row.note = Some("not judged on one side".to_owned());
        row.outcome = if other.0 > 0.0 { Outcome::Worse } else { Outcome::Undecided };
        return;
    }
    row.outcome = if other.0 > base.0 || other.1 > base.1 {
        Outcome::Worse
    } else if other.1 < base.1 {
        Outcome::Better
    } else {
        Outcome::Same
    };
}

/// Effect, interval and p of a row. Gives the effect when the row is to be tested with the rest of the family.
fn measure(row: &mut Row, confidence: f64) -> Option<Effect> {
    let Some(effect) = bootstrap::effect(&row.base.values, &row.other.values, confidence) else {
        row.note = Some("observed on one side only".to_owned());
        row.outcome = Outcome::Undecided;
        return None;
    };
    row.ratio = effect.ratio.is_finite().then_some(effect.ratio);
    let (low, high) = effect.ratio_interval;
    // Of one value or two an interval would be narrow because nothing was drawn from, and look like certainty.
    let shows_spread = low.is_finite() && repeats(row) >= LEAST_REPEATS;
    row.interval = shows_spread.then(|| Interval { low, high: high.is_finite().then_some(high) });
    row.p = rank::p_value(&row.base.values, &row.other.values);
    let threshold = row.threshold.unwrap_or(Threshold { relative: 0.0, absolute: 0.0 });
    // Judged from all values together, whichever side they are of, so this takes nothing from the test of the others.
    let pooled = || row.base.values.iter().chain(&row.other.values).copied();
    let (least, most) = (pooled().fold(f64::INFINITY, f64::min), pooled().fold(0.0, f64::max));
    let is_even = most - least <= threshold.absolute || most <= least * (1.0 + threshold.relative);
    if is_even && repeats(row) >= LEAST_REPEATS {
        row.outcome = Outcome::Same;
        return None;
    }
    Some(effect)
}

fn repeats(row: &Row) -> usize {
    row.base.values.len().min(row.other.values.len())
}

fn decide(row: &mut Row, effect: &Effect, family: usize, risk: f64) {
    let threshold = row.threshold.unwrap_or(Threshold { relative: 0.0, absolute: 0.0 });
    let most = 1.0 + threshold.relative;
    let (low, high) = effect.ratio_interval;
    let matters = (effect.ratio > most || effect.ratio < 1.0 / most) && effect.difference.abs() > threshold.absolute;
    let is_apart = low > 1.0 || high < 1.0;
    let is_rare = row.p_adjusted.is_some_and(|p| p <= risk);
    let within = (low >= 1.0 / most && high <= most)
        || (effect.difference_interval.0 >= -threshold.absolute && effect.difference_interval.1 <= threshold.absolute);
    row.outcome = if matters && is_apart && is_rare {
        let rose = effect.difference > 0.0;
        if rose == (row.better == Better::Higher) { Outcome::Better } else { Outcome::Worse }
    } else if within && repeats(row) >= LEAST_REPEATS {
        Outcome::Same
    } else {
        Outcome::Undecided
    };
    if row.outcome == Outcome::Undecided {
        row.repeats_needed = needed(row, effect, matters, family, risk);
    }
}

/// About how many repeats a side would settle it. An interval narrows with the root of their number.
fn needed(row: &Row, effect: &Effect, matters: bool, family: usize, risk: f64) -> Option<u32> {
    // What Holm asks of the first of the family, so that complete separation can be enough.
    let enough_ranks = (1..=MOST_REPEATS).find(|n| rank::least_p(*n) * family as f64 <= risk)?;
    let (base, other) = (row.base.values.len() as f64, row.other.values.len() as f64);
    if repeats(row) < LEAST_REPEATS {
        return Some(enough_ranks.max(LEAST_REPEATS as u32));
    }
    let distance = effect.ratio.ln().abs();
    let width = (effect.ratio_interval.1.ln() - effect.ratio_interval.0.ln()) / 2.0;
    let threshold = row.threshold.map_or(0.0, |threshold| threshold.relative).ln_1p();
    let wanted = if matters { distance } else { threshold - distance };
    let times = (width / wanted).powi(2);
    if !times.is_finite() || wanted <= 0.0 {
        // No ratio to reckon with, or a difference right at the threshold.
        return (row.ratio.is_none() && repeats(row) < enough_ranks as usize).then_some(enough_ranks);
    }
    let now = 2.0 * base * other / (base + other);
    let by_width = (now * times).ceil().max(base.min(other) + 1.0);
    let by_width = if by_width > f64::from(MOST_REPEATS) { return None } else { by_width as u32 };
    Some(if matters { by_width.max(enough_ranks) } else { by_width })
}

/// Holm's correction: each p against what is left of the family, never below one that was smaller.
fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|one, two| p_values[*one].total_cmp(&p_values[*two]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut least: f64 = 0.0;
    for (rank, index) in order.into_iter().enumerate() {
        least = least.max(p_values[index] * (p_values.len() - rank) as f64).min(1.0);
        adjusted[index] = least;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::reading::{Scope, Stat};
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, LogNormal};

    fn row(rule: Rule, better: Better, base: &[f64], other: &[f64]) -> Row {
        let sample =
            |values: &[f64]| Sample { values: values.to_vec(), median: bootstrap::median(values), unobserved: 0 };
        Row {
            metric: "end_to_end".to_owned(),
            stat: Stat::P50,
            scope: Scope::Run,
            unit: "ms".to_owned(),
            better,
            rule,
            base: sample(base),
            other: sample(other),
            ratio: None,
            interval: None,
            p: None,
            p_adjusted: None,
            threshold: (rule == Rule::Statistics).then_some(Threshold { relative: 0.1, absolute: 0.1 }),
            outcome: Outcome::Undecided,
            repeats_needed: None,
            note: None,
        }
    }

    fn judged(better: Better, base: &[f64], other: &[f64]) -> Row {
        let mut rows = [row(Rule::Statistics, better, base, other)];
        judge(&mut rows, 0.95);
        let [row] = rows;
        row
    }

    /// So many values around `middle` that spread by the share `spread`.
    fn drawn(middle: f64, spread: f64, number: usize, chance: &mut ChaCha8Rng) -> Vec<f64> {
        let noise = LogNormal::new(middle.ln(), spread).expect("a spread above 0");
        (0..number).map(|_| noise.sample(chance)).collect()
    }

    #[test]
    fn verdicts_are_what_the_values_say() {
        let calm = [100.0, 101.0, 99.0, 100.5, 99.5, 100.2];
        for (other, better, outcome) in [
            (calm.map(|value| value * 1.3), Better::Lower, Outcome::Worse),
            (calm.map(|value| value * 1.3), Better::Higher, Outcome::Better),
            (calm.map(|value| value * 0.7), Better::Lower, Outcome::Better),
            (calm.map(|value| value * 0.7), Better::Higher, Outcome::Worse),
            (calm.map(|value| value * 1.02), Better::Lower, Outcome::Same),
            (calm, Better::Lower, Outcome::Same),
            ([60.0, 170.0, 90.0, 140.0, 100.0, 120.0], Better::Lower, Outcome::Undecided),
        ] {
            assert_eq!(judged(better, &calm, &other).outcome, outcome, "{other:?}");
        }
    }

    #[test]
    fn few_repeats_decide_nothing_and_say_how_many_would() {
        for number in 1..4 {
            let row = judged(Better::Lower, &vec![100.0; number], &vec![200.0; number]);
            assert_eq!((row.outcome, row.repeats_needed), (Outcome::Undecided, Some(4)), "{number}");
            assert_eq!(row.interval.is_some(), number == 3, "no certainty out of nothing");
        }
        assert_eq!(judged(Better::Lower, &[100.0; 4], &[200.0; 4]).outcome, Outcome::Worse);
        // One value a side is never called the same, however close.
        assert_eq!(judged(Better::Lower, &[100.0], &[100.0]).outcome, Outcome::Undecided);
    }

    #[test]
    fn what_is_too_small_to_matter_is_the_same_however_sure() {
        let base: Vec<f64> = (0..12).map(|n| 100.0 + f64::from(n) / 100.0).collect();
        let other: Vec<f64> = base.iter().map(|value| value * 1.05).collect();
        assert_eq!(judged(Better::Lower, &base, &other).outcome, Outcome::Same);
        // Half the time, and yet it is hundredths of a millisecond.
        assert_eq!(judged(Better::Lower, &[0.04; 8], &[0.08; 8]).outcome, Outcome::Same);
    }

    #[test]
    fn something_out_of_nothing_is_judged_by_its_size() {
        let row = judged(Better::Lower, &[0.0; 6], &[5.0, 6.0, 7.0, 5.0, 6.0, 8.0]);
        assert_eq!((row.outcome, row.ratio, row.interval), (Outcome::Worse, None, None));
        assert_eq!(judged(Better::Lower, &[5.0; 6], &[0.0; 6]).outcome, Outcome::Better);
        assert_eq!(judged(Better::Lower, &[0.0; 6], &[0.0; 6]).outcome, Outcome::Same);
    }

    #[test]
    fn any_rise_of_what_must_not_happen_is_worse() {
        for (base, other, outcome) in [
            (&[0.0, 0.0, 0.0][..], &[0.0, 0.0, 1.0][..], Outcome::Worse),
            (&[0.0], &[0.0], Outcome::Same),
            (&[3.0, 0.0], &[1.0, 1.0], Outcome::Better),
            (&[1.0, 1.0], &[0.0, 2.0], Outcome::Worse),
            (&[0.0], &[], Outcome::Undecided),
            (&[], &[2.0], Outcome::Worse),
        ] {
            let mut rows = [row(Rule::AnyRise, Better::Lower, base, other)];
            judge(&mut rows, 0.95);
            assert_eq!(rows[0].outcome, outcome, "{base:?} {other:?}");
        }
    }

    /// A/A: two samples of one kind. In a family of eight quantities one alarm is an alarm of the whole.
    #[test]
    fn the_same_against_itself_hardly_ever_alarms() {
        let mut chance = ChaCha8Rng::seed_from_u64(4);
        for (repeats, spread) in [(4, 0.3), (6, 0.3), (8, 0.15)] {
            let trials = 40;
            let alarms = (0..trials)
                .filter(|_| {
                    let mut rows: Vec<Row> = (0..8)
                        .map(|_| {
                            let base = drawn(100.0, spread, repeats, &mut chance);
                            row(Rule::Statistics, Better::Lower, &base, &drawn(100.0, spread, repeats, &mut chance))
                        })
                        .collect();
                    judge(&mut rows, 0.95);
                    rows.iter().any(|row| matches!(row.outcome, Outcome::Worse | Outcome::Better))
                })
                .count();
            assert!(alarms <= 3, "{alarms} alarms in {trials} with {repeats} repeats");
        }
    }

    #[test]
    fn a_planted_ratio_is_found_and_lies_in_its_interval() {
        let mut chance = ChaCha8Rng::seed_from_u64(5);
        for planted in [0.5, 0.8, 1.25, 2.0] {
            let (mut found, mut held) = (0, 0);
            for _ in 0..30 {
                let base = drawn(100.0, 0.05, 8, &mut chance);
                let row = judged(Better::Lower, &base, &drawn(100.0 * planted, 0.05, 8, &mut chance));
                let right = if planted > 1.0 { Outcome::Worse } else { Outcome::Better };
                found += u32::from(row.outcome == right);
                held += u32::from(
                    row.interval.is_some_and(|it| it.low <= planted && it.high.is_some_and(|high| planted <= high)),
                );
            }
            assert!(found >= 28, "{planted}: found in {found} of 30");
            assert!(held >= 25, "{planted}: held in {held} of 30");
        }
    }

    #[test]
    fn the_number_of_repeats_that_is_named_settles_most_cases() {
        let mut chance = ChaCha8Rng::seed_from_u64(6);
        let (mut asked, mut settled) = (0, 0);
        while asked < 40 {
            let base = drawn(100.0, 0.12, 5, &mut chance);
            let row = judged(Better::Lower, &base, &drawn(135.0, 0.12, 5, &mut chance));
            let Some(needed) = row.repeats_needed else { continue };
            asked += 1;
            let base = drawn(100.0, 0.12, needed as usize, &mut chance);
            let again = judged(Better::Lower, &base, &drawn(135.0, 0.12, needed as usize, &mut chance));
            settled += u32::from(again.outcome == Outcome::Worse);
        }
        assert!(settled >= 24, "{settled} of {asked}");
    }

    #[test]
    fn holm_leaves_the_order_and_never_helps() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.5]);
        for (found, expected) in adjusted.iter().zip([0.04, 0.09, 0.09, 0.5]) {
            assert!((found - expected).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
    }

    #[test]
    fn a_quantity_that_cannot_matter_asks_nothing_of_the_others() {
        let (low, high) = ([100.0, 101.0, 102.0, 103.0], [140.0, 141.0, 142.0, 143.0]);
        let mut rows = vec![row(Rule::Statistics, Better::Lower, &low, &high)];
        // Nine more that differ by less than matters: with them in the family four repeats would not be enough.
        rows.extend((0..9).map(|_| row(Rule::Statistics, Better::Lower, &low, &low.map(|value| value + 0.5))));
        judge(&mut rows, 0.95);
        assert_eq!(rows[0].outcome, Outcome::Worse);
        assert!(rows[1..].iter().all(|row| row.outcome == Outcome::Same));
    }
}
