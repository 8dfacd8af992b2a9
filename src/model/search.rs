//! A search for the rate that is sustained: what `search.json` holds.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::comparison::Origin;
use super::promise::Promises;
use super::reading::Reading;
use super::report::RunState;

/// Value of [`Search::schema`] that this version writes.
pub const SCHEMA: &str = "jetlag.search/1";

/// A search: trials at one rate each, and what they say together.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Search {
    /// Name and version of this format: `jetlag.search/1`.
    pub schema: String,
    /// The profile.
    pub profile: String,
    /// The question that it answers as a run.
    pub question: String,
    /// Variant of the profile, when it has variants.
    pub variant: Option<String>,
    /// Strategy.
    pub strategy: String,
    /// What the strategy promises. Without order per key the answer is a rate that is sustained, and in no order.
    pub promises: Promises,
    /// How the search ended; absent while it goes on.
    pub outcome: Option<Outcome>,
    /// What the search says, a sentence each, the answer first.
    pub findings: Vec<String>,
    /// What to do when there is no answer within the tolerance.
    pub remedy: Option<String>,
    /// The greatest rate that was tried and is confirmed to be sustained; absent when there is none.
    pub answer: Option<Answer>,
    /// Between which rates the limit lies, as far as the trials say.
    pub bracket: Bracket,
    /// What was asked.
    pub terms: Terms,
    /// `sustainable_ordered_per_s`, where the search found it.
    pub readings: Vec<Reading>,
    /// Where the figures come from; absent before the first trial has ended.
    pub origin: Option<Origin>,
    /// The trials in the order in which they were made.
    pub trials: Vec<Trial>,
}

/// How a search ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The limit is known within the tolerance.
    Found,
    /// The greatest rate that was to be tried is sustained.
    AtBound,
    /// Not even the least rate that was to be tried is sustained.
    NotSustained,
    /// The load generator could not offer more: what is beyond was not measured.
    Generator,
    /// Time or trials ran out before the bracket was as narrow as the tolerance.
    Unfinished,
    /// No trial at a rate that had to be tried was a valid measurement.
    Invalid,
    /// The user stopped it.
    Interrupted,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Found => "found",
            Self::AtBound => "at the bound",
            Self::NotSustained => "not sustained",
            Self::Generator => "invalid: the generator was the limit",
            Self::Unfinished => "unfinished",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
        })
    }
}

/// The answer of a search.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Answer {
    /// The offered rate.
    pub rate_per_s: f64,
    /// So many trials at this rate were sustained.
    pub sustained: u32,
    /// Of so many that count.
    pub of: u32,
    /// `ordered_per_s` at this rate: median of its sustained trials.
    pub ordered_per_s: Option<f64>,
    /// `end_to_end` p50 at this rate: median of its sustained trials.
    pub end_to_end_ms_p50: Option<f64>,
    /// `end_to_end` p99 at this rate: median of its sustained trials.
    pub end_to_end_ms_p99: Option<f64>,
}

/// Between which rates the limit lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bracket {
    /// The greatest rate that the trials say is sustained.
    pub low_per_s: Option<f64>,
    /// The least rate that the trials say is not.
    pub high_per_s: Option<f64>,
}

/// What was asked.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Terms {
    /// `end_to_end` p99 above this is not sustained.
    pub end_to_end_ms_p99_max: f64,
    /// `schedule_lag` p99 above this: the generator was the limit.
    pub schedule_lag_ms_p99_max: f64,
    /// The search ends when the bracket is as narrow as this share.
    pub tolerance: f64,
    /// The first rate tried.
    pub first_per_s: f64,
    /// No lower rate is tried.
    pub least_per_s: f64,
    /// No higher rate is tried.
    pub most_per_s: f64,
    /// So many trials of one rate must agree.
    pub agree: u32,
    /// At most so many trials.
    pub trials_max: u32,
    /// No trial is begun that would end later than this.
    pub within_s: f64,
    /// What a trial measures.
    pub measure_s: f64,
    /// What a trial lasts at least: warm-up and measure.
    pub trial_s: f64,
}

/// One trial: one run at one rate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// Its number, from 1.
    pub number: u32,
    /// Folder of its run, relative to the search.
    pub path: String,
    /// What it was for.
    pub purpose: Purpose,
    /// The rate that was offered.
    pub rate_per_s: f64,
    /// What it says.
    pub verdict: Verdict,
    /// Why, a sentence each; empty when it was sustained.
    pub reasons: Vec<String>,
    /// What was seen of it.
    pub seen: Seen,
}

/// What a trial is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Purpose {
    /// To find a rate on the other side of the limit.
    Bracket,
    /// To halve the bracket.
    Narrow,
    /// To see again what was seen once.
    Confirm,
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Bracket => "bracket",
            Self::Narrow => "narrow",
            Self::Confirm => "confirm",
        })
    }
}

/// What a trial says of its rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is sustained.
    Sustained,
    /// The members, or the server, fell behind what was offered: a backlog grew.
    Behind,
    /// The latency limit was not kept.
    Late,
    /// A promise was broken, or something was lost.
    Violated,
    /// The load generator was the limit.
    Generator,
    /// Nothing: the run is no valid measurement.
    Invalid,
    /// Nothing: the user stopped it.
    Interrupted,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Sustained => "sustained",
            Self::Behind => "behind",
            Self::Late => "late",
            Self::Violated => "violated",
            Self::Generator => "generator",
            Self::Invalid => "invalid",
            Self::Interrupted => "interrupted",
        })
    }
}

/// What was seen of one trial: everything that its verdict depends on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Seen {
    /// How its run ended.
    pub state: RunState,
    /// Why.
    pub state_reasons: Vec<String>,
    /// How long it took, with everything around it.
    pub took_s: f64,
    /// Messages of the measure phase.
    pub offered: u64,
    /// `offered_per_s`.
    pub offered_per_s: Option<f64>,
    /// `stored_per_s`.
    pub stored_per_s: Option<f64>,
    /// `handled_per_s`.
    pub handled_per_s: Option<f64>,
    /// `ordered_per_s`.
    pub ordered_per_s: Option<f64>,
    /// `end_to_end`, median.
    pub end_to_end_ms_p50: Option<f64>,
    /// `end_to_end`, 99th percentile.
    pub end_to_end_ms_p99: Option<f64>,
    /// `end_to_end`, greatest.
    pub end_to_end_ms_max: Option<f64>,
    /// `publish_service`, median.
    pub publish_service_ms_p50: Option<f64>,
    /// `schedule_lag`, 99th percentile.
    pub schedule_lag_ms_p99: Option<f64>,
    /// `blocked`, 99th percentile.
    pub blocked_ms_p99: Option<f64>,
    /// Stored and lost.
    pub lost: Option<u64>,
    /// Messages that still waited when the drain was cut.
    pub waiting: u64,
    /// Times that order broke.
    pub order_violations: u64,
    /// Members whose client dropped messages.
    pub slow_consumers: u64,
    /// How the backlog went in the measure phase, in messages; absent when too little was seen.
    pub backlog: Option<Course>,
    /// How late messages were in the measure phase, `end_to_end` p99 by the second in milliseconds; absent when too
    /// little was seen.
    pub lateness_ms: Option<Course>,
}

/// How a level went from the first third of the measure phase to the last one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Course {
    /// Median of the first third.
    pub first: f64,
    /// Median of the last third.
    pub last: f64,
    /// By so much chance may raise it.
    pub chance: f64,
}

impl Course {
    /// By how much it rose.
    #[must_use]
    pub fn rise(self) -> f64 {
        self.last - self.first
    }

    /// Whether it rose by more than chance.
    #[must_use]
    pub fn grew(self) -> bool {
        self.rise() > self.chance
    }
}

impl Outcome {
    /// As the state of a run.
    #[must_use]
    pub fn state(self) -> RunState {
        match self {
            Self::Found | Self::AtBound | Self::NotSustained => RunState::Complete,
            Self::Generator | Self::Unfinished | Self::Invalid => RunState::Invalid,
            Self::Interrupted => RunState::Interrupted,
        }
    }
}

impl Search {
    /// As the state of a run. One that has no end was interrupted, or still goes on.
    #[must_use]
    pub fn state(&self) -> RunState {
        self.outcome.map_or(RunState::Interrupted, Outcome::state)
    }
}
