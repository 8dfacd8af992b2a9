//! Sweeps: from a TOML file with axes to a grid of profiles, each checked before anything runs.
//!
//! A sweep file is a profile with axes: what it says goes over the profile that it names, each cell sets some keys
//! otherwise, and `--set` goes over all cells. What a cell comes to is a plan like any other.

pub mod builtin;
pub mod estimate;
pub mod kept;
pub mod order;

mod axis;
mod fields;
mod read;
mod rule;
#[cfg(test)]
mod tests;

use super::check::NUMBER_MAX;
use super::document::Document;
use super::load::Loaded;
use super::plan::Plan;
use crate::model::sweep;
pub use order::{Order, Turn};
pub use read::{open, parse};

/// Most cells that a sweep may have.
pub const CELLS_MAX: usize = 1000;
/// Most repeats of a cell.
pub const REPEATS_MAX: u32 = 100;

/// A grid of settings that can be measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    /// Name of the sweep.
    pub name: String,
    /// The question that it answers; may be empty.
    pub question: String,
    /// In which order the runs are made.
    pub order: Order,
    /// From which a shuffled order is drawn.
    pub seed: u64,
    /// How often each cell is run.
    pub repeats: u32,
    /// What is varied.
    pub axes: Vec<sweep::Axis>,
    /// The cells; the last axis changes fastest.
    pub cells: Vec<Cell>,
}

/// One point of a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Cell {
    /// The labels of its values: `lease-group, 16`. Unique in the grid.
    pub name: String,
    /// The place of its value in each axis.
    pub at: Vec<usize>,
    /// Its profile, or why it is left out.
    pub what: Result<Box<Document>, String>,
}

impl Grid {
    /// The cells that are run, by their places.
    #[must_use]
    pub fn running(&self) -> Vec<usize> {
        self.cells.iter().enumerate().filter(|(_, cell)| cell.what.is_ok()).map(|(at, _)| at).collect()
    }

    /// All runs in the order in which they are made.
    #[must_use]
    pub fn turns(&self) -> Vec<Turn> {
        self.order.turns(&self.running(), self.repeats, self.seed)
    }

    /// What is run in a turn; `None` for a cell that is left out.
    ///
    /// The first run of each cell has the seed of its profile, the next one the next seed, and so on: within a repeat all
    /// cells get the same keys, arrivals and faults.
    #[must_use]
    pub fn plan(&self, turn: Turn) -> Option<Plan> {
        let cell = self.cells.get(turn.cell)?;
        let mut document = cell.what.as_deref().ok()?.clone();
        document.run.seed = (document.run.seed + u64::from(turn.repeat.saturating_sub(1))) & NUMBER_MAX;
        let one = Loaded {
            name: self.name.clone(),
            question: self.question.clone(),
            documents: vec![(Some(cell.name.clone()), document)],
        };
        one.plans().pop()
    }

    /// What a cell sets, with every default filled in; `None` for one that is left out.
    #[must_use]
    pub fn settings(&self, cell: usize) -> Option<serde_json::Value> {
        self.plan(Turn { cell, repeat: 1 }).map(|plan| plan.settings)
    }
}

impl Cell {
    /// The name of its folder: its number, and its name as far as a file system takes it.
    #[must_use]
    pub fn folder(&self, number: usize) -> String {
        let plain = |letter: char| {
            let letter = letter.to_ascii_lowercase();
            if letter.is_ascii_alphanumeric() || letter == '.' { letter } else { '-' }
        };
        let words: String = self.name.chars().map(plain).take(80).collect();
        let number = format!("{:02}", number + 1);
        let words = words.split('-').filter(|word| !word.is_empty());
        std::iter::once(number.as_str()).chain(words).collect::<Vec<_>>().join("-")
    }
}
