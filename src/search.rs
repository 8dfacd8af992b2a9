//! A search for the greatest rate that is sustained: which rate to try next, and what the trials say.
//!
//! Everything here is a decision: a report becomes what was [seen] of a trial, trials are [judged] together, and
//! [next] says what to do. Runs are made elsewhere.

mod course;
mod finding;
mod judgement;
mod seen;
mod standing;
mod step;

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub use finding::{About, document};
pub use judgement::{Tried, judged};
pub use seen::seen;
pub use step::{End, Step, elapsed_s, next, stopped};

use crate::metric::Metric;
use crate::model::reading::Better;

/// What a search measures. No single run has a reading of it.
pub const SUSTAINABLE: Metric = Metric {
    id: "sustainable_ordered_per_s",
    unit: "msg/s",
    better: Better::Higher,
    about: "greatest offered rate at which no backlog grows, nothing is lost or violated, and the latency limit is kept: `jetlag search`",
    read: |_, _| {},
};
