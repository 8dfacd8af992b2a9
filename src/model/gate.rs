//! A gate: whether runs may pass, rule by rule and quantity by quantity. What `jetlag gate` says.
//!
//! A contrast ([`super::contrast`]) tells what differs; a gate decides whether that is allowed.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contrast::{Comparable, Difference, Outcome, Row, Side};
use super::reading::{Scope, Stat};
use super::report::RunState;

/// Value of [`Gate::schema`] that this version writes.
pub const SCHEMA: &str = "jetlag.gate/1";

/// Runs, judged by rules and against a base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Gate {
    /// Name and version of this format: `jetlag.gate/1`.
    pub schema: String,
    /// What it comes to.
    pub verdict: Verdict,
    /// Why, a sentence each, the weightiest first.
    pub findings: Vec<String>,
    /// Where the runs come from.
    pub mode: Mode,
    /// The command as typed, secrets left out.
    pub command: String,
    /// What is judged.
    pub head: Side,
    /// What it is held against, when there is something.
    pub base: Option<Side>,
    /// Each rule of the profile.
    pub rules: Vec<Ruling>,
    /// What was held against the base; absent without one.
    pub timing: Option<Timing>,
}

/// What a gate comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Every rule holds, and nothing was shown to be worse.
    Passed,
    /// A rule or a promise is broken, or something is worse.
    Failed,
    /// Nothing can be said: too few runs could be trusted, or a rule met nothing to judge.
    Undecided,
    /// Head and base were not measured alike.
    Incomparable,
    /// The user stopped it before it was decided.
    Interrupted,
}

impl Verdict {
    /// As the state of a run.
    #[must_use]
    pub fn state(self) -> RunState {
        match self {
            Self::Passed => RunState::Complete,
            Self::Failed => RunState::Violated,
            Self::Undecided | Self::Incomparable => RunState::Invalid,
            Self::Interrupted => RunState::Interrupted,
        }
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Undecided => "undecided",
            Self::Incomparable => "incomparable",
            Self::Interrupted => "interrupted",
        })
    }
}

/// Where the runs of a gate come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// They were there.
    Judged,
    /// The gate made those of the head.
    Measured,
    /// The gate made those of both sides in turn.
    SideBySide,
}

/// One rule and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ruling {
    /// What is limited, as the profile says it: `gap.max@kill`.
    pub subject: String,
    /// The limit, as the profile says it: `< 3s`.
    pub limit: String,
    /// Metric id.
    pub metric: String,
    /// Statistic.
    pub stat: Stat,
    /// What it is about; absent when every kind of fault is meant.
    pub scope: Option<Scope>,
    /// Unit of the values.
    pub unit: String,
    /// What must keep it: every repeat, or their median.
    pub over: Over,
    /// One a repeat that observed it, in order of time.
    pub values: Vec<f64>,
    /// Repeats that did not observe it.
    pub unobserved: u32,
    /// What is held against the limit: the worst value, or the median; absent when nothing was observed.
    pub value: Option<f64>,
    /// So many repeats keep it by themselves.
    pub kept_by: u32,
    /// Whether it holds.
    pub outcome: RuleOutcome,
}

/// What of several repeats must keep a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Over {
    /// Every one: a count of what went wrong has no noise.
    Every,
    /// Their median: timing is noisy.
    Median,
}

/// Whether a rule holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RuleOutcome {
    /// It holds.
    Held,
    /// It does not.
    Broken,
    /// Fewer than half of the repeats observed what it is about.
    Unobserved,
}

impl std::fmt::Display for RuleOutcome {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Held => "held",
            Self::Broken => "broken",
            Self::Unobserved => "unobserved",
        })
    }
}

/// Head against base.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timing {
    /// Whether, and with what right, the two were compared.
    pub comparable: Comparable,
    /// In what they differ apart from what was measured.
    pub differences: Vec<Difference>,
    /// The gravest outcome over all quantities.
    pub outcome: Outcome,
    /// Greatest share of gates that call something worse when nothing is.
    pub risk: f64,
    /// The looks that were taken at the quantities, each with its part of the risk.
    pub looks: Vec<Look>,
    /// Looks that were planned at most.
    pub looks_planned: u32,
    /// Quantity by quantity. `worse` here means: with the certainty that the look asks for; `same`: not worse by what
    /// matters.
    pub quantities: Vec<Row>,
    /// About how many repeats a side would settle what is undecided; absent when nothing is, or no number would.
    pub repeats_needed: Option<u32>,
}

/// One look at all quantities, after some repeats.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Look {
    /// Repeats of the side that has fewer.
    pub repeats: u32,
    /// The part of the risk that it may use.
    pub risk: f64,
    /// So many quantities were worse.
    pub worse: u32,
    /// So many were undecided.
    pub undecided: u32,
}
