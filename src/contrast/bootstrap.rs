//! Bootstrap intervals of the ratio and of the difference of two medians.
//!
//! Both samples are drawn again from themselves, many times, from a fixed seed: the same values give the same interval,
//! whatever else is compared. With few values the interval is little more than their range, which is honest.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How often the samples are drawn again: enough for the third digit of an interval's ends.
const DRAWS: usize = 4_000;
const SEED: u64 = 0x6a65_746c_6167;

/// What lies between two samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effect {
    /// Median of the other ÷ median of the base; infinite when the base is 0, and 1 when both are.
    pub ratio: f64,
    /// Interval of the ratio.
    pub ratio_interval: (f64, f64),
    /// Median of the other − median of the base.
    pub difference: f64,
    /// Interval of the difference.
    pub difference_interval: (f64, f64),
}

/// The effect, with intervals that hold the true values with `confidence` (percentile method). `None` without values.
pub(super) fn effect(base: &[f64], other: &[f64], confidence: f64) -> Option<Effect> {
    let (base_median, other_median) = (median(base)?, median(other)?);
    let mut chance = ChaCha8Rng::seed_from_u64(SEED);
    let (mut drawn_base, mut drawn_other) = (base.to_vec(), other.to_vec());
    let mut ratios = Vec::with_capacity(DRAWS);
    let mut differences = Vec::with_capacity(DRAWS);
    for _ in 0..DRAWS {
        draw(base, &mut drawn_base, &mut chance);
        draw(other, &mut drawn_other, &mut chance);
        let (from, to) = (median_of_sorted(&drawn_base), median_of_sorted(&drawn_other));
        ratios.push(ratio(from, to));
        differences.push(to - from);
    }
    Some(Effect {
        ratio: ratio(base_median, other_median),
        ratio_interval: interval(&mut ratios, confidence),
        difference: other_median - base_median,
        difference_interval: interval(&mut differences, confidence),
    })
}

/// The median of values in any order.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    (!sorted.is_empty()).then(|| median_of_sorted(&sorted))
}

fn median_of_sorted(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    if sorted.len().is_multiple_of(2) { f64::midpoint(sorted[middle - 1], sorted[middle]) } else { sorted[middle] }
}

fn ratio(from: f64, to: f64) -> f64 {
    if from == to { 1.0 } else { to / from }
}

/// Fills `drawn` with values of `sample`, each as often as chance has it, and sorts it.
fn draw(sample: &[f64], drawn: &mut [f64], chance: &mut ChaCha8Rng) {
    for place in drawn.iter_mut() {
        *place = sample[chance.random_range(0..sample.len())];
    }
    drawn.sort_by(f64::total_cmp);
}

fn interval(values: &mut [f64], confidence: f64) -> (f64, f64) {
    values.sort_by(f64::total_cmp);
    let outside = (1.0 - confidence) / 2.0;
    let cut = ((outside * values.len() as f64).floor() as usize).min((values.len() - 1) / 2);
    (values[cut], values[values.len() - 1 - cut])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Vec<f64>> {
        prop::collection::vec(0.001f64..1e6, 1..9)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

        #[test]
        fn the_interval_holds_the_ratio_and_lies_within_what_was_observed(base in values(), other in values()) {
            let effect = effect(&base, &other, 0.95).expect("there are values");
            let (low, high) = effect.ratio_interval;
            prop_assert!(low <= effect.ratio * 1.000_001 && effect.ratio <= high * 1.000_001);
            let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
            let most = |values: &[f64]| values.iter().copied().fold(0.0, f64::max);
            prop_assert!(low >= least(&other) / most(&base) * 0.999_999);
            prop_assert!(high <= most(&other) / least(&base) * 1.000_001);
        }

        #[test]
        fn the_unit_of_the_values_changes_nothing(base in values(), other in values(), scale in 0.001f64..1000.0) {
            let scaled = |values: &[f64]| values.iter().map(|value| value * scale).collect::<Vec<_>>();
            let here = effect(&base, &other, 0.95).expect("there are values");
            let there = effect(&scaled(&base), &scaled(&other), 0.95).expect("there are values");
            for (one, same) in [
                (here.ratio, there.ratio),
                (here.ratio_interval.0, there.ratio_interval.0),
                (here.ratio_interval.1, there.ratio_interval.1),
            ] {
                prop_assert!((one / same - 1.0).abs() < 1e-9, "{one} {same}");
            }
        }
    }

    #[test]
    fn what_began_at_nothing_has_no_upper_end() {
        let grown = effect(&[0.0; 5], &[3.0; 5], 0.95).expect("there are values");
        assert_eq!(grown.ratio_interval, (f64::INFINITY, f64::INFINITY));
        assert_eq!(grown.difference_interval, (3.0, 3.0));
        let nothing = effect(&[0.0; 5], &[0.0; 5], 0.95).expect("there are values");
        assert_eq!((nothing.ratio, nothing.ratio_interval), (1.0, (1.0, 1.0)));
        assert_eq!(effect(&[], &[1.0], 0.95), None);
    }

    #[test]
    fn more_confidence_is_a_wider_interval() {
        let (base, other) = ([9.0, 10.0, 11.0, 12.0, 10.5], [10.0, 12.0, 13.0, 9.5, 11.0]);
        let width = |confidence| {
            let (low, high) = effect(&base, &other, confidence).expect("there are values").ratio_interval;
            high - low
        };
        assert!(width(0.5) < width(0.9) && width(0.9) < width(0.99));
    }
}
