//! The section `[search]`: what `jetlag search` looks for. A run takes no notice of it.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::units::{Rate, Timespan};

/// What `jetlag search` looks for; `jetlag run` takes no notice of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Search {
    /// `end_to_end` p99 above this is not sustained. Default 1s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_to_end_p99: Option<Timespan>,
    /// The search ends when the rate that is sustained and the one that is not differ by no more than this share, 0.01 to 0.5. Default 0.05.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tolerance: Option<f64>,
    /// The first rate tried, like "2000/s". Default: `load.rate`, or "1000/s" where that is "max".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first: Option<Rate>,
    /// No lower rate is tried. Default "10/s".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub least: Option<Rate>,
    /// No higher rate is tried. Default "1000000/s".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<Rate>,
    /// So many trials of one rate must agree before it is believed, 1 to 5. Default 2.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agree: Option<u32>,
    /// At most so many trials, 1 to 1000. Default 40.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trials: Option<u32>,
    /// No trial is begun that would end later than this. Default 30m.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<Timespan>,
}

impl Search {
    /// Whether nothing is said.
    pub(in crate::profile) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(in crate::profile) fn end_to_end_p99(&self) -> Timespan {
        self.end_to_end_p99.unwrap_or(Timespan(Duration::from_secs(1)))
    }

    pub(in crate::profile) fn tolerance(&self) -> f64 {
        self.tolerance.unwrap_or(0.05)
    }

    pub(in crate::profile) fn first(&self, load: Rate) -> Rate {
        match (self.first, load) {
            (Some(first), _) => first,
            (None, Rate::PerSecond(_)) => load,
            (None, Rate::Max) => Rate::PerSecond(1_000.0),
        }
    }

    pub(in crate::profile) fn least(&self) -> Rate {
        self.least.unwrap_or(Rate::PerSecond(10.0))
    }

    pub(in crate::profile) fn most(&self) -> Rate {
        self.most.unwrap_or(Rate::PerSecond(1_000_000.0))
    }

    pub(in crate::profile) fn agree(&self) -> u32 {
        self.agree.unwrap_or(2)
    }

    pub(in crate::profile) fn trials(&self) -> u32 {
        self.trials.unwrap_or(40)
    }

    pub(in crate::profile) fn within(&self) -> Timespan {
        self.within.unwrap_or(Timespan(Duration::from_secs(30 * 60)))
    }
}
