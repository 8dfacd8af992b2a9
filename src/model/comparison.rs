//! Several runs of one question side by side: what `comparison.json` holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::promise::Promises;
use super::reading::Reading;
use super::report::RunState;

/// Value of [`Comparison::schema`] that this version writes.
pub const SCHEMA: &str = "jetlag.comparison/1";

/// Runs that one command made, side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Comparison {
    /// Name and version of this format: `jetlag.comparison/1`.
    pub schema: String,
    /// The profile.
    pub profile: String,
    /// The question that it answers.
    pub question: String,
    /// The worst state among the runs.
    pub state: RunState,
    /// What the comparison says, a sentence each.
    pub findings: Vec<String>,
    /// Price of order: `handled_per_s` of `shared-pull` ÷ `ordered_per_s` of `lease-group`, medians over repeats;
    /// absent unless both were run.
    pub price_of_order: Option<f64>,
    /// The runs, in the order in which they were given.
    pub rows: Vec<ComparedRun>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedRun {
    /// Name: of the variant, or of the run.
    pub name: String,
    /// Strategy.
    pub strategy: String,
    /// Folder of the run, relative to the comparison.
    pub path: String,
    /// How it ended.
    pub state: RunState,
    /// Why.
    pub state_reasons: Vec<String>,
    /// What the strategy promises.
    pub promises: Promises,
    /// The readings of the whole run, and the CPU of each kind of process; without their histograms.
    pub readings: Vec<Reading>,
    /// The gaps, by kind of fault.
    pub gaps: Vec<ComparedGap>,
}

/// What faults of one kind did in one run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedGap {
    /// Kind of fault.
    pub kind: String,
    /// How many struck.
    pub faults: u32,
    /// Median gap of the affected partitions; absent when none was observed.
    pub affected_ms_p50: Option<f64>,
    /// The greatest.
    pub affected_ms_max: Option<f64>,
    /// The greatest of the bystanders.
    pub bystanders_ms_max: Option<f64>,
}
