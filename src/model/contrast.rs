//! A contrast: sides held against a base, metric by metric, with verdicts. What `jetlag compare` says.
//!
//! A comparison ([`super::comparison`]) lays runs side by side; a contrast decides whether a difference is more than noise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Curves;
use super::manifest::Environment;
use super::reading::{Better, Scope, Stat};
use super::report::RunState;

/// Value of [`Contrast::schema`] that this version writes.
pub const SCHEMA: &str = "jetlag.contrast/1";

/// Sides held against the first of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Contrast {
    /// Name and version of this format: `jetlag.contrast/1`.
    pub schema: String,
    /// The outcome over all pairs: the gravest.
    pub outcome: Outcome,
    /// Share of cases in which an interval holds the true ratio, and in which nothing is called different that is not.
    pub confidence: f64,
    /// What is compared, the base first.
    pub sides: Vec<Side>,
    /// Each other side against the base.
    pub pairs: Vec<Pair>,
}

/// Repeats of one run: a sample.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Side {
    /// What it is called here.
    pub name: String,
    /// Where it comes from, as it was named.
    pub source: String,
    /// Profile.
    pub profile: String,
    /// Variant of the profile, when it has variants.
    pub variant: Option<String>,
    /// Strategy.
    pub strategy: String,
    /// How its progress is committed.
    pub commit_mode: Option<String>,
    /// Command of the first repeat as typed, secrets left out.
    pub command: String,
    /// Seed of the first repeat.
    pub seed: u64,
    /// Machine and versions of the first repeat.
    pub environment: Environment,
    /// The repeats, in order of time.
    pub runs: Vec<SideRun>,
}

/// One repeat.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SideRun {
    /// Its name: the folder, or the id.
    pub name: String,
    /// Id of the run.
    pub id: String,
    /// Wall clock at the start, RFC 3339.
    pub started: String,
    /// How it ended.
    pub state: RunState,
    /// Why.
    pub state_reasons: Vec<String>,
    /// What was taken of it.
    pub taken: Taken,
    /// What pictures lay over each other; of a run that was taken whole.
    #[serde(default)]
    pub curves: Curves,
}

/// What a contrast takes of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Taken {
    /// Everything: the run is complete.
    Whole,
    /// The counts of what went wrong, and no timing: a promise was broken.
    Correctness,
    /// Nothing: the measurement cannot be trusted, or did not come to its end.
    Nothing,
}

/// One side against the base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pair {
    /// Name of the side.
    pub side: String,
    /// Name of the base.
    pub base: String,
    /// Whether, and with what right, the two were compared.
    pub comparable: Comparable,
    /// In what they differ apart from what was measured.
    pub differences: Vec<Difference>,
    /// The outcome over all rows: the gravest.
    pub outcome: Outcome,
    /// What it comes to, a sentence each.
    pub findings: Vec<String>,
    /// Quantity by quantity; empty when the two are not comparable.
    pub rows: Vec<Row>,
}

/// Whether two sides may be held against each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Comparable {
    /// They may.
    Yes,
    /// They may not, and were all the same because the user asked for it.
    Forced,
    /// They may not, and were not.
    No,
}

/// Something in which two sides differ.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What: a setting (`strategy.ttl`), or `host.cpu`, `server.version`, `jetlag.version`, ….
    pub what: String,
    /// Its value on the base; absent when the base has none.
    pub base: Option<String>,
    /// Its value on the other side.
    pub other: Option<String>,
    /// What it means for the comparison.
    pub weight: Weight,
}

/// What a difference means for the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// Nobody asked for it: the sides are not comparable.
    Unasked,
    /// It is what is being compared.
    Varied,
    /// It is worth knowing and forbids nothing.
    Noted,
}

/// One quantity on two sides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// Metric id.
    pub metric: String,
    /// Statistic.
    pub stat: Stat,
    /// What it is about.
    pub scope: Scope,
    /// Unit of the values.
    pub unit: String,
    /// Which direction is good.
    pub better: Better,
    /// How it is judged.
    pub rule: Rule,
    /// On the base.
    pub base: Sample,
    /// On the other side.
    pub other: Sample,
    /// Median of the other ÷ median of the base; absent when the base is 0 and the other is not, or one was not observed.
    pub ratio: Option<f64>,
    /// Bootstrap interval of the ratio; absent when it was not judged by statistics, or a side has fewer than three repeats.
    pub interval: Option<Interval>,
    /// Mann–Whitney U, two-sided: how likely ranks so far apart are when nothing differs.
    pub p: Option<f64>,
    /// The same, corrected for the number of quantities that were judged together (Holm).
    pub p_adjusted: Option<f64>,
    /// What is too small to matter.
    pub threshold: Option<Threshold>,
    /// The verdict.
    pub outcome: Outcome,
    /// About how many repeats a side would settle it; only when undecided, and absent when more than could be asked for.
    pub repeats_needed: Option<u32>,
    /// What must be known to read it, when there is something.
    pub note: Option<String>,
}

/// The values of one quantity over the repeats of a side. A run is one value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    /// One a repeat that observed it, in order of time.
    pub values: Vec<f64>,
    /// Their median; absent when there are none.
    pub median: Option<f64>,
    /// Repeats that did not observe it.
    pub unobserved: u32,
}

/// An interval of a ratio.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end; absent when there is none, because the base may be 0.
    pub high: Option<f64>,
}

/// A difference that is smaller than either part does not matter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Threshold {
    /// As a share of the base: 0.05 is 5 %.
    pub relative: f64,
    /// In the unit of the metric.
    pub absolute: f64,
}

/// How a quantity is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// By interval, rank test and threshold.
    Statistics,
    /// Correctness has no noise: any rise is worse.
    AnyRise,
}

/// The verdict over a quantity, a pair or everything; the gravest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// No difference that matters.
    Same,
    /// Better than the base.
    Better,
    /// It may be either: more repeats are needed.
    Undecided,
    /// Worse than the base.
    Worse,
    /// The two may not be held against each other.
    Incomparable,
}

impl std::fmt::Display for Outcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Same => "same",
            Self::Better => "better",
            Self::Undecided => "undecided",
            Self::Worse => "worse",
            Self::Incomparable => "incomparable",
        })
    }
}
