//! A digest: what is kept of a report to hold it against others, a few kilobytes in place of hundreds.
//!
//! It is what a baseline stores and what a contrast is computed from. Evidence, faults one by one and histograms stay in
//! the report; no figure is changed on the way.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::manifest::Environment;
use super::promise::Promises;
use super::reading::Reading;
use super::report::{RunInfo, RunState};

/// One run, as far as it is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Digest {
    /// Format of the report that it was made from.
    pub report: String,
    /// How the run ended.
    pub state: RunState,
    /// Why.
    pub state_reasons: Vec<String>,
    /// What was run.
    pub run: RunInfo,
    /// What the strategy promises.
    pub promises: Promises,
    /// Machine and versions.
    pub environment: Environment,
    /// The profile as it was run.
    pub settings: serde_json::Value,
    /// The readings of the run, of the kinds of process and of the kinds of fault, without their histograms.
    pub readings: Vec<Reading>,
    /// What pictures lay over each other.
    pub curves: Curves,
}

/// The curves of one run that pictures lay over each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Curves {
    /// Distribution of `end_to_end`: (percentile 0–100, milliseconds), rising.
    pub latency: Vec<(f64, f64)>,
    /// Handled in order by the second: (seconds since the measure phase began, messages a second).
    pub ordered: Vec<(f64, f64)>,
}
