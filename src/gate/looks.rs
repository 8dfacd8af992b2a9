//! When a gate looks, and how much of its risk each look may use (ADR 21).
//!
//! Whoever looks several times and stops at the first alarm alarms more often. So the risk is shared out over the looks
//! before the first run: the shares add up to the whole, which bounds the risk whatever the looks have in common.

/// The greatest share of gates that may call something worse when nothing is.
pub const RISK: f64 = 0.05;

/// What the first look has of the risk. It has the fewest values, and ranks of few values need room; the others share the rest.
const FIRST: f64 = 0.5;

/// One planned look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Planned {
    /// After so many repeats a side.
    pub(super) repeats: u32,
    /// With this part of the risk.
    pub(super) risk: f64,
}

/// The looks from `least` to `most` repeats a side, two repeats apart, so that blocks A B B A are whole; at the end one more.
#[must_use]
pub(super) fn plan(least: u32, most: u32) -> Vec<Planned> {
    let most = most.max(least);
    let mut at: Vec<u32> = (least..=most).step_by(2).collect();
    if at.last() != Some(&most) {
        at.push(most);
    }
    let others = at.len() as f64 - 1.0;
    let risk = |place: usize| match place {
        _ if others == 0.0 => RISK,
        0 => RISK * FIRST,
        _ => RISK * (1.0 - FIRST) / others,
    };
    at.into_iter().enumerate().map(|(place, repeats)| Planned { repeats, risk: risk(place) }).collect()
}

/// Which side is run in the place `index` of the row, from 0: true for the head.
///
/// The sequence of Thue and Morse, A B B A B A A B …: every two runs are one of each side, every four are A B B A or B A A B,
/// and drifts of the machine, straight or bent, weigh on both sides alike.
#[must_use]
pub fn is_head(index: u32) -> bool {
    index.count_ones() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_risks_add_up_and_the_last_look_is_at_the_budget(least in 1u32..40, more in 0u32..40) {
            let looks = plan(least, least + more);
            prop_assert!((looks.iter().map(|look| look.risk).sum::<f64>() - RISK).abs() < 1e-12);
            prop_assert_eq!(looks.first().map(|look| look.repeats), Some(least));
            prop_assert_eq!(looks.last().map(|look| look.repeats), Some(least + more));
            prop_assert!(looks.is_sorted_by(|one, two| one.repeats < two.repeats));
        }

        #[test]
        fn the_sides_are_balanced_after_every_two_and_straight_drift_cancels_after_every_four(blocks in 1u32..40) {
            let sign = |index: u32| if is_head(index) { 1 } else { -1 };
            prop_assert_eq!((0..2 * blocks).map(sign).sum::<i64>(), 0);
            prop_assert_eq!((0..4 * blocks).map(|index| sign(index) * i64::from(index)).sum::<i64>(), 0);
        }
    }

    #[test]
    fn it_begins_a_b_b_a() {
        let row: String = (0..8).map(|index| if is_head(index) { 'B' } else { 'A' }).collect();
        assert_eq!(row, "ABBABAAB");
    }
}
