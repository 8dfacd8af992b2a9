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
