//! In which order the runs of a sweep are made, so that a machine that gets warmer, or a disk that gets fuller, is not taken for
//! what was varied. Pure: the same words give the same order.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// In which order the runs are made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// Through all cells forwards, then backwards, and so on: whatever drifts evenly strikes all cells alike.
    #[default]
    Abba,
    /// Through all cells forwards, again and again.
    Interleaved,
    /// Through all cells in another order each time, drawn from the seed.
    Shuffled,
    /// All repeats of a cell one after the other.
    CellByCell,
}

impl Order {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Abba, Self::Interleaved, Self::Shuffled, Self::CellByCell];

    /// As a sweep file says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Abba => "abba",
            Self::Interleaved => "interleaved",
            Self::Shuffled => "shuffled",
            Self::CellByCell => "cell-by-cell",
        }
    }

    /// The runs of these cells in order, `repeats` of each. `seed` decides only where something is drawn.
    #[must_use]
    pub fn turns(self, cells: &[usize], repeats: u32, seed: u64) -> Vec<Turn> {
        if self == Self::CellByCell {
            return cells.iter().flat_map(|&cell| (1..=repeats).map(move |repeat| Turn { cell, repeat })).collect();
        }
        let mut chance = ChaCha8Rng::seed_from_u64(seed);
        let mut round = |repeat: u32| {
            let mut round = cells.to_vec();
            match self {
                Self::Abba if repeat.is_multiple_of(2) => round.reverse(),
                Self::Shuffled => round.shuffle(&mut chance),
                _ => {}
            }
            round.into_iter().map(move |cell| Turn { cell, repeat })
        };
        (1..=repeats).flat_map(&mut round).collect()
    }
}

/// One run of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Turn {
    /// Which cell, by its place in the grid.
    pub cell: usize,
    /// Which of its runs, from 1.
    pub repeat: u32,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Cells as they may be left over by constraints: some of the grid, in its order.
    fn cells() -> impl Strategy<Value = Vec<usize>> {
        proptest::collection::btree_set(0..60_usize, 0..20).prop_map(|cells| cells.into_iter().collect())
    }

    proptest! {
        #[test]
        fn each_cell_is_run_as_often_as_it_should_be(cells in cells(), repeats in 1..7_u32, seed: u64) {
            for order in Order::ALL {
                let mut turns = order.turns(&cells, repeats, seed);
                prop_assert_eq!(&turns, &order.turns(&cells, repeats, seed));
                turns.sort_unstable();
                let all: Vec<Turn> =
                    cells.iter().flat_map(|&cell| (1..=repeats).map(move |repeat| Turn { cell, repeat })).collect();
                prop_assert_eq!(turns, all);
            }
        }

        #[test]
        fn after_each_round_every_cell_was_run_equally_often(cells in cells(), repeats in 1..7_u32, seed: u64) {
            for order in [Order::Abba, Order::Interleaved, Order::Shuffled] {
                let turns = order.turns(&cells, repeats, seed);
                for (round, made) in turns.chunks(cells.len().max(1)).enumerate() {
                    let mut made: Vec<usize> = made.iter().map(|turn| {
                        assert_eq!(turn.repeat as usize, round + 1);
                        turn.cell
                    }).collect();
                    made.sort_unstable();
                    prop_assert_eq!(&made, &cells);
                }
            }
        }

        #[test]
        fn over_two_rounds_of_abba_every_cell_is_run_at_the_same_time_on_average(cells in cells(), pairs in 1..4_u32) {
            let turns = Order::Abba.turns(&cells, pairs * 2, 1);
            let when = |cell: usize| -> usize {
                turns.iter().enumerate().filter(|(_, turn)| turn.cell == cell).map(|(at, _)| at).sum()
            };
            let sums: Vec<usize> = cells.iter().map(|&cell| when(cell)).collect();
            prop_assert!(sums.windows(2).all(|pair| pair[0] == pair[1]), "{:?}", sums);
        }

        #[test]
        fn more_repeats_change_nothing_in_what_was_made_before(cells in cells(), repeats in 1..5_u32, seed: u64) {
            for order in [Order::Abba, Order::Interleaved, Order::Shuffled] {
                let (few, more) = (order.turns(&cells, repeats, seed), order.turns(&cells, repeats + 1, seed));
                prop_assert_eq!(&more[..few.len()], &few[..]);
            }
        }
    }

    #[test]
    fn a_shuffle_depends_on_the_seed() {
        let cells: Vec<usize> = (0..10).collect();
        assert_ne!(Order::Shuffled.turns(&cells, 1, 1), Order::Shuffled.turns(&cells, 1, 2));
    }
}
