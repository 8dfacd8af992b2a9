//! The strategies: the ways of consuming that are measured.
//!
//! A plug room: this door holds the trait-like enum and the one list of what there is; `strategy/` one file a kind.

pub mod lease_group;
pub mod shared_pull;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::promise::Promises;
use crate::model::time::SpanNs;

/// A strategy with its settings, as a profile's `[strategy]` table holds it: `kind` names it, the rest is its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Strategy {
    /// Leases in a key-value bucket, one owner a partition.
    LeaseGroup(lease_group::Settings),
    /// One durable pull consumer shared by all members.
    SharedPull(shared_pull::Settings),
}

/// What `jetlag list strategies` shows of one.
pub struct About {
    /// Name in profiles.
    pub kind: &'static str,
    /// One line.
    pub summary: &'static str,
}

/// All there are, in the order shown.
pub const ALL: &[About] = &[lease_group::ABOUT, shared_pull::ABOUT];

impl Strategy {
    /// Name in profiles and reports.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LeaseGroup(_) => lease_group::ABOUT.kind,
            Self::SharedPull(_) => shared_pull::ABOUT.kind,
        }
    }

    /// What it promises with these settings.
    #[must_use]
    pub fn promises(&self) -> Promises {
        match self {
            Self::LeaseGroup(settings) => settings.promises(),
            Self::SharedPull(settings) => settings.promises(),
        }
    }

    /// Settings that cannot work: the key, and what is wrong with it. Profiles with any are refused.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::LeaseGroup(settings) => settings.objections(),
            Self::SharedPull(settings) => settings.objections(),
        }
    }

    /// Lease time, where there are leases.
    #[must_use]
    pub fn lease_ttl(&self) -> Option<SpanNs> {
        match self {
            Self::LeaseGroup(settings) => Some(settings.ttl.span()),
            Self::SharedPull(_) => None,
        }
    }
}
