//! Health of the measurement itself.

use super::Metric;
use crate::model::reading::{Better, Scope};

/// The family.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "slow_consumers",
        unit: "count",
        better: Better::Lower,
        about: "members whose client dropped messages because they read too slowly",
        read: |found, pen| {
            pen.count(Scope::Run, found.health.slow_consumers, 0);
        },
    },
    Metric {
        id: "unordered_deaths",
        unit: "count",
        better: Better::Lower,
        about: "processes of jetlag that died unasked",
        read: |found, pen| {
            pen.count(Scope::Run, found.health.unordered_deaths, 0);
        },
    },
];
