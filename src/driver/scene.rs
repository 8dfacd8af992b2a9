//! What can be shown while a run goes on. Plain data: how it looks is the front door's business.

use std::time::Duration;

use crate::model::story::Phase;

/// One look at a run.
#[derive(Clone, Debug, PartialEq)]
pub enum Scene {
    /// Something to tell, in a sentence: what is created on a user's server, what was skipped.
    Note(String),
    /// How far it is.
    Progress(Progress),
    /// A fault struck.
    Fault {
        /// Time since the load began.
        at: Duration,
        /// Kind and whom it struck.
        what: String,
    },
}

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Progress {
    /// Which phase it is in.
    pub phase: Option<Phase>,
    /// Time since the load began.
    pub elapsed: Duration,
    /// Time from the start of the load to the end of the measure phase.
    pub planned: Duration,
    /// Messages that the schedule wants a second; `None` in a closed loop and when the load has ended.
    pub offered_per_s: Option<f64>,
    /// Messages stored a second, since the last look.
    pub stored_per_s: f64,
    /// Messages handled a second, since the last look.
    pub handled_per_s: f64,
    /// Stored and not yet handled.
    pub backlog: u64,
    /// Members alive.
    pub members: usize,
    /// Kind of the next fault, and how long until it strikes.
    pub next_fault: Option<(String, Duration)>,
    /// First handlings that came too early or too late so far, about.
    pub breaks: u64,
    /// Broken promises that have been seen so far.
    pub violations: u64,
}
