//! A run as evidence, decoded: the input of every analysis.

use super::dropped::Dropped;
use super::manifest::Manifest;
use super::record::{Author, Commit, Handling, Life, Ownership, Posting, Publish, Term};
use super::stored::StoredMessage;
use super::story::StoryLine;

/// Everything a run left behind, in memory.
#[derive(Clone, Debug)]
pub struct History {
    /// What was run.
    pub manifest: Manifest,
    /// What the driver did and saw, in its order.
    pub story: Vec<StoryLine>,
    /// One journal an incarnation, in order of author.
    pub journals: Vec<Journal>,
    /// What was read back of the stream at the end, in its order; how far, and whether at all, is in the story.
    pub stored: Vec<StoredMessage>,
    /// What of the journals was removed while the run went on, because it had been verified; `None` when all of it is there. What is left is
    /// no basis for a verdict then: that was given while it was there.
    pub dropped: Option<Dropped>,
    /// What was wrong with the evidence itself, a sentence each. Not empty means `invalid`.
    pub damage: Vec<String>,
}

/// The journal of one incarnation, its records sorted into kinds, each in the order written.
#[derive(Clone, Debug)]
pub struct Journal {
    /// Who wrote it.
    pub author: Author,
    /// Publishes.
    pub publishes: Vec<Publish>,
    /// Handlings.
    pub handlings: Vec<Handling>,
    /// Commits.
    pub commits: Vec<Commit>,
    /// Ownership changes.
    pub ownership: Vec<Ownership>,
    /// Life events.
    pub life: Vec<Life>,
    /// Applications to accounts.
    pub postings: Vec<Posting>,
    /// Messages given up.
    pub terms: Vec<Term>,
}

impl Journal {
    /// An empty journal of `author`.
    #[must_use]
    pub fn new(author: Author) -> Self {
        Self {
            author,
            publishes: Vec::new(),
            handlings: Vec::new(),
            commits: Vec::new(),
            ownership: Vec::new(),
            life: Vec::new(),
            postings: Vec::new(),
            terms: Vec::new(),
        }
    }
}
