//! Mann–Whitney U: how likely ranks so far apart are when the two samples are of one kind.
//!
//! Up to [`EXACT_MAX`] values in all, every way to deal them to the two sides is counted (with ties, by their middle
//! ranks), so the answer is exact. Above, the normal approximation with the correction for ties and for continuity.
//! Mann and Whitney, "On a test of whether one of two random variables is stochastically larger than the other" (1947).

/// Values in all up to which every deal is counted.
const EXACT_MAX: usize = 40;

/// The two-sided p; `None` when a side has no values.
pub(super) fn p_value(base: &[f64], other: &[f64]) -> Option<f64> {
    if base.is_empty() || other.is_empty() {
        return None;
    }
    let (doubled, ties) = doubled_ranks(base, other);
    let observed: usize = doubled[..base.len()].iter().sum();
    let exact = doubled.len() <= EXACT_MAX;
    Some(if exact { exact_p(&doubled, base.len(), observed) } else { normal_p(&doubled, base.len(), observed, &ties) })
}

/// The least p that `repeats` a side can give: that of complete separation.
pub(super) fn least_p(repeats: u32) -> f64 {
    // 2 of the binomial(2n, n) deals separate the sides.
    let deals: f64 = (1..=repeats).map(|n| f64::from(repeats + n) / f64::from(n)).product();
    (2.0 / deals).min(1.0)
}

/// Twice the rank of each value, so that the middle ranks of ties stay whole numbers; and the sizes of the ties.
fn doubled_ranks(base: &[f64], other: &[f64]) -> (Vec<usize>, Vec<usize>) {
    let values: Vec<f64> = base.iter().chain(other).copied().collect();
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|one, two| values[*one].total_cmp(&values[*two]));
    let (mut ranks, mut ties) = (vec![0; values.len()], Vec::new());
    let mut first = 0;
    for tie in order.chunk_by(|one, two| values[*one] == values[*two]) {
        // Ranks first + 1 ..= first + n: their mean, doubled.
        for place in tie {
            ranks[*place] = 2 * first + tie.len() + 1;
        }
        first += tie.len();
        ties.push(tie.len());
    }
    (ranks, ties)
}

/// Share of all deals of `ranks` to a side of `size` whose sum is at least as far from the middle as `observed`.
fn exact_p(ranks: &[usize], size: usize, observed: usize) -> f64 {
    let all: usize = ranks.iter().sum();
    // ways[n][s]: how many choices of n ranks have the sum s.
    let mut ways = vec![vec![0.0f64; all + 1]; size + 1];
    ways[0][0] = 1.0;
    for rank in ranks {
        for n in (1..=size).rev() {
            let (below, at) = ways.split_at_mut(n);
            for (to, from) in at[0][*rank..].iter_mut().zip(&below[n - 1]) {
                *to += from;
            }
        }
    }
    // Both sides of the equation times the number of values, so that the middle is a whole number.
    let far = |sum: usize| (sum * ranks.len()).abs_diff(all * size);
    let total: f64 = ways[size].iter().sum();
    let extreme: f64 =
        ways[size].iter().zip(0..).filter(|(_, sum)| far(*sum) >= far(observed)).map(|(ways, _)| ways).sum();
    (extreme / total).min(1.0)
}

fn normal_p(ranks: &[usize], size: usize, observed: usize, ties: &[usize]) -> f64 {
    let (all, one) = (ranks.len() as f64, size as f64);
    let two = all - one;
    let distance = (observed as f64 / 2.0 - one * (all + 1.0) / 2.0).abs();
    let tied: f64 = ties.iter().map(|tie| (*tie as f64).powi(3) - *tie as f64).sum();
    let variance = one * two / 12.0 * ((all + 1.0) - tied / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0;
    }
    let z = (distance - 0.5).max(0.0) / variance.sqrt();
    (2.0 * upper_tail(z)).min(1.0)
}

/// How much of the standard normal distribution lies above `z` ≥ 0: Abramowitz and Stegun 26.2.17, good to 1e-7.
fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z);
    let series = [0.319_381_530, -0.356_563_782, 1.781_477_937, -1.821_255_978, 1.330_274_429];
    let sum = series.iter().rev().fold(0.0, |sum, factor| (sum + factor) * t);
    sum * (-z * z / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every deal, one by one: slow and obvious.
    fn by_counting(base: &[f64], other: &[f64]) -> f64 {
        let values: Vec<f64> = base.iter().chain(other).copied().collect();
        let u = |chosen: u32| {
            let picked = |index: usize| chosen & (1 << index) != 0;
            let mut u = 0.0;
            for one in (0..values.len()).filter(|index| picked(*index)) {
                for two in (0..values.len()).filter(|index| !picked(*index)) {
                    u += if values[one] > values[two] {
                        1.0
                    } else {
                        f64::from(u8::from(values[one] == values[two])) / 2.0
                    };
                }
            }
            u
        };
        let middle = (base.len() * other.len()) as f64 / 2.0;
        let observed = (u((1 << base.len()) - 1) - middle).abs();
        let deals: Vec<u32> =
            (0..1u32 << values.len()).filter(|deal| deal.count_ones() as usize == base.len()).collect();
        let extreme = deals.iter().filter(|deal| (u(**deal) - middle).abs() >= observed - 1e-9).count();
        extreme as f64 / deals.len() as f64
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 40, ..ProptestConfig::default() })]

        #[test]
        fn the_exact_p_is_that_of_counting_every_deal_with_and_without_ties(
            base in prop::collection::vec(0u8..12, 1..6),
            other in prop::collection::vec(0u8..12, 1..6),
        ) {
            let floats = |values: &[u8]| values.iter().map(|value| f64::from(*value)).collect::<Vec<_>>();
            let (base, other) = (floats(&base), floats(&other));
            let p = p_value(&base, &other).expect("there are values");
            prop_assert!((p - by_counting(&base, &other)).abs() < 1e-12, "{p}");
        }

        #[test]
        fn it_is_the_same_from_both_sides(
            base in prop::collection::vec(0.0f64..10.0, 1..30),
            other in prop::collection::vec(0.0f64..10.0, 1..30),
        ) {
            let (here, there) = (p_value(&base, &other), p_value(&other, &base));
            prop_assert!((here.expect("values") - there.expect("values")).abs() < 1e-9);
        }
    }

    #[test]
    fn published_values_come_out() {
        // The example of scipy.stats.mannwhitneyu, method "exact".
        let p = p_value(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0]).expect("values");
        assert!((p - 0.111_111).abs() < 1e-5, "{p}");
        assert!((least_p(4) - 2.0 / 70.0).abs() < 1e-12 && (least_p(6) - 2.0 / 924.0).abs() < 1e-12);
        assert_eq!((least_p(1), p_value(&[], &[1.0])), (1.0, None));
        assert_eq!(p_value(&[5.0; 30], &[5.0; 30]), Some(1.0));
    }

    #[test]
    fn the_normal_approximation_meets_the_exact_one() {
        for shift in [0.0, 3.0, 8.0] {
            let base: Vec<f64> = (0..20).map(|n| f64::from(n * 7 % 20)).collect();
            let other: Vec<f64> = base.iter().map(|value| value + shift + 0.25).collect();
            let (ranks, ties) = doubled_ranks(&base, &other);
            let observed = ranks[..20].iter().sum();
            let (exact, near) = (exact_p(&ranks, 20, observed), normal_p(&ranks, 20, observed, &ties));
            assert!((exact - near).abs() < 0.01, "{exact} {near}");
        }
    }
}
