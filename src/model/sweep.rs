//! A grid of settings, measured cell by cell: what `sweep.json` holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comparison::{ComparedRun, Origin, PriceOfOrder};
use super::report::RunState;

/// Value of [`Sweep::schema`] that this version writes.
pub const SCHEMA: &str = "jetlag.sweep/1";

/// A grid of settings and what was measured at each point of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sweep {
    /// Name and version of this format: `jetlag.sweep/1`.
    pub schema: String,
    /// Name of the sweep: of its file.
    pub name: String,
    /// The question that it answers.
    pub question: String,
    /// The worst state among the runs.
    pub state: RunState,
    /// Where the figures come from; absent before the first run.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// In which order the runs were made: `abba`, `interleaved`, `shuffled` or `cell-by-cell`.
    pub order: String,
    /// How often each cell is to be run.
    pub repeats: u32,
    /// So many runs were planned over all cells.
    pub planned: u32,
    /// So many were made.
    pub made: u32,
    /// What the sweep says, a sentence each.
    pub findings: Vec<String>,
    /// What order costs; absent unless `shared-pull` and `lease-group` are both in the grid.
    #[serde(default)]
    pub price_of_order: Option<PriceOfOrder>,
    /// What was varied, in the order of the file.
    pub axes: Vec<Axis>,
    /// The cells, in the order of the grid: the last axis changes fastest.
    pub cells: Vec<Cell>,
}

/// One thing that was varied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Axis {
    /// What it is called: the key that it sets, or a name of the user's.
    pub name: String,
    /// Its values in order.
    pub values: Vec<AxisValue>,
    /// Of `number` in all its values: `s`, `msg/s`, `B`, or empty for a count; absent when they are words.
    #[serde(default)]
    pub unit: Option<String>,
}

/// One value of an axis.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AxisValue {
    /// As shown: `16`, `2s`, `lease-group`.
    pub label: String,
    /// As a number in the axis' unit, where all values of the axis are numbers.
    #[serde(default)]
    pub number: Option<f64>,
}

/// One point of the grid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// Its name, unique in the sweep: `lease-group, 16`.
    pub name: String,
    /// The place of its value in each axis.
    pub at: Vec<usize>,
    /// Why it is not run, when it is not: the constraint that leaves it out, or what is wrong with the profile there.
    #[serde(default)]
    pub left_out: Option<String>,
    /// Its runs so far, in the order in which they were made.
    pub runs: Vec<ComparedRun>,
}
