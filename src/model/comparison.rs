//! Several runs of one question side by side: what `comparison.json` holds.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::manifest::Environment;
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
    /// Where the figures come from; absent when nothing is compared.
    #[serde(default)]
    pub origin: Option<Origin>,
    /// What the comparison says, a sentence each.
    pub findings: Vec<String>,
    /// What order costs; absent unless `shared-pull` and `lease-group` were both run.
    pub price_of_order: Option<PriceOfOrder>,
    /// The runs, in the order in which they were given.
    pub rows: Vec<ComparedRun>,
}

/// `handled_per_s` of `shared-pull` ÷ `ordered_per_s` of `lease-group`, medians over repeats. Below 1, order is faster.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PriceOfOrder {
    /// Where both commit in the same way: the headline. Absent when no such pair was run.
    pub equal_commit_mode: Option<f64>,
    /// The best of the one against the best of the other that keeps its promises.
    pub best_modes: f64,
}

/// Where the figures come from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Origin {
    /// The command of the first run as typed, secrets left out.
    pub command: String,
    /// Its seed.
    pub seed: u64,
    /// Its wall clock at the start, RFC 3339.
    pub started: String,
    /// Its machine and versions.
    pub environment: Environment,
    /// In what other runs differ from the first, a sentence each.
    pub differences: Vec<String>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComparedRun {
    /// Name: of the variant, or of the run.
    pub name: String,
    /// Strategy.
    pub strategy: String,
    /// How its progress is committed.
    #[serde(default)]
    pub commit_mode: Option<String>,
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
    /// Members at the start; absent in files of earlier versions.
    #[serde(default)]
    pub members: Option<u16>,
    /// What struck whom, in the order of the schedule: `kill c1`.
    #[serde(default)]
    pub faults: Vec<String>,
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
    /// The longest time from a fault until the last message that was in flight then had been handled; absent when none
    /// was.
    #[serde(default)]
    pub stranded_ms_max: Option<f64>,
    /// How many messages were in flight when the faults struck.
    #[serde(default)]
    pub stranded_messages: Option<u64>,
    /// Some window was cut short by the next fault or the end of the run: its gap is at least so long.
    #[serde(default)]
    pub censored: bool,
}
