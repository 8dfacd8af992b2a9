//! What several repeats say of one quantity: their median, and how far they lie apart. Never a value made of their
//! distributions: the median of the p99 of three runs is no p99 of anything, and is called what it is.

/// The values of some repeats, in order of size.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Repeats {
    values: Vec<f64>,
}

impl Repeats {
    /// Of these values; what is no number is no observation.
    pub(super) fn of(values: impl IntoIterator<Item = f64>) -> Self {
        let mut values: Vec<f64> = values.into_iter().filter(|value| value.is_finite()).collect();
        values.sort_by(f64::total_cmp);
        Self { values }
    }

    /// All of them, the least first.
    pub(super) fn values(&self) -> &[f64] {
        &self.values
    }

    /// The one in the middle, or the mean of the two there.
    pub(super) fn median(&self) -> Option<f64> {
        let middle = self.values.len() / 2;
        let upper = self.values.get(middle).copied()?;
        if self.values.len().is_multiple_of(2) {
            Some((self.values.get(middle - 1)? + upper) / 2.0)
        } else {
            Some(upper)
        }
    }

    /// The interval in which the median of all that could have been seen lies with at least 95 %: from the value so far from the
    /// one end to the value as far from the other. It holds whatever the distribution is (the sign test), and needs values that do not
    /// depend on each other. None for fewer than six: even from the least to the greatest is then less than 95 %.
    pub(super) fn median_interval(&self) -> Option<(f64, f64)> {
        let number = self.values.len();
        let outside = (0..number).take_while({
            // The chance that so few values or fewer lie on one side of the median, as a logarithm: 2⁻ⁿ is soon too small to hold.
            let (mut ways, mut chance) = (0.0_f64, 0.0_f64);
            move |below| {
                if *below > 0 {
                    ways += ((number - below + 1) as f64 / *below as f64).ln();
                }
                chance += (ways - number as f64 * std::f64::consts::LN_2).exp();
                chance <= 0.025
            }
        });
        let from = outside.count().checked_sub(1)?;
        Some((*self.values.get(from)?, *self.values.get(number - 1 - from)?))
    }

    /// The least.
    pub(super) fn least(&self) -> Option<f64> {
        self.values.first().copied()
    }

    /// The greatest.
    pub(super) fn most(&self) -> Option<f64> {
        self.values.last().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_interval_of_the_median_is_that_of_the_sign_test() {
        // Ranks as tables of the sign test have them: (values, from the n-th to the n-th of them).
        for (number, ranks) in [
            (0, None),
            (5, None),
            (6, Some((1, 6))),
            (8, Some((1, 8))),
            (9, Some((2, 8))),
            (12, Some((3, 10))),
            (20, Some((6, 15))),
            (50, Some((18, 33))),
            (5_000, Some((2_431, 2_570))),
        ] {
            let repeats = Repeats::of((1..=number).map(f64::from));
            assert_eq!(repeats.median_interval(), ranks.map(|(from, to)| (f64::from(from), f64::from(to))), "{number}");
        }
    }

    #[test]
    fn the_median_is_the_middle_and_never_made_of_what_was_not_observed() {
        for (values, median) in [
            (vec![], None),
            (vec![f64::NAN, f64::INFINITY], None),
            (vec![3.0], Some(3.0)),
            (vec![4.0, 1.0], Some(2.5)),
            (vec![9.0, f64::NAN, 1.0, 2.0], Some(2.0)),
        ] {
            assert_eq!(Repeats::of(values).median(), median);
        }
    }
}
