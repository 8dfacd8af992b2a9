//! What can be shown while a run goes on. Plain data: how it looks is the front door's business.

use std::time::Duration;

pub use crate::model::live::Progress;

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
