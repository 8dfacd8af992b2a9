//! Rights that a server refused to processes of the run while it went on.
//!
//! What a run needs is tried before anything is made. So a refusal that comes later means that somebody took a right away: what the
//! process then did not do is not the strategy's doing, and the run has not measured what its profile says.

use crate::model::history::History;
use crate::model::story::{Phase, StoryEvent};

/// A right that was refused in mid-run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal<'a> {
    /// The incarnation.
    pub process: &'a str,
    /// In the server's words.
    pub reason: &'a str,
}

impl Refusal<'_> {
    /// Whether it was a member that was refused it: messages may wait because of that.
    #[must_use]
    pub fn is_of_a_member(&self) -> bool {
        self.process.starts_with('c')
    }
}

/// What was refused since the load began, as it was told. Who was refused something before that could do without it, or ended.
pub fn in_mid_run(history: &History) -> impl Iterator<Item = Refusal<'_>> {
    let begins = |event: &StoryEvent| matches!(event, StoryEvent::Phase { phase } if *phase != Phase::Provision);
    history.story.iter().skip_while(move |line| !begins(&line.event)).filter_map(|line| match &line.event {
        StoryEvent::Refused { process, reason } => Some(Refusal { process, reason }),
        _ => None,
    })
}
