//! A run that is followed: its ledger, and all that its report needs, kept while the journals are read and may be dropped
//! behind it.
//!
//! [`Following`] is fed as [`Stream`] is. What it holds grows with keys, partitions, seconds, faults and what is under way, not
//! with messages. At the end [`Following::finish`] gives what [`study_followed`] makes the same findings of as
//! [`study`](super::study) does of the whole evidence, but for what is said in `docs/verifying.md`.

use std::collections::BTreeMap;

use super::findings::{EffectCounts, Findings};
use super::series;
use super::timeline::Timeline;
use super::{Latencies, Parts, assemble};
use crate::model::history::{History, Journal};
use crate::model::manifest::Manifest;
use crate::model::record::{Author, OwnershipChange, Record};
use crate::model::report::Figures;
use crate::model::story::StoryLine;
use crate::model::time::MonoNs;
use crate::verdict;
use crate::verdict::stream::{Account, Patience, Sighting, Stream};

/// As many sightings of each kind are kept for the report.
const TOLD: usize = 100;

/// A run that goes on.
#[derive(Debug)]
pub struct Following {
    stream: Stream,
    /// Of each journal what is small: events of its life, and changes of ownership.
    journals: BTreeMap<Author, Journal>,
    sightings: BTreeMap<&'static str, Vec<Sighting>>,
}

/// What was followed, to its end.
#[derive(Debug)]
pub struct Followed {
    /// All counts.
    pub account: Account,
    /// What came later than it should: the counts may be wrong by that.
    pub surprises: u64,
    /// Of each journal what is small.
    journals: BTreeMap<Author, Journal>,
    /// The first of each kind.
    sightings: BTreeMap<&'static str, Vec<Sighting>>,
}

impl Following {
    /// Nothing has been told yet.
    #[must_use]
    pub fn new(manifest: &Manifest, patience: Patience) -> Self {
        Self { stream: Stream::new(manifest, patience), journals: BTreeMap::new(), sightings: BTreeMap::new() }
    }

    /// Takes a record of the journal of `author`, as [`Stream::take`] does.
    pub fn take(&mut self, author: Author, number: u64, record: &Record, again: bool) {
        match record {
            Record::Life(life) => self.journal(author).life.push(*life),
            Record::Ownership(ownership) if !matches!(ownership.change, OwnershipChange::Renewed { .. }) => {
                self.journal(author).ownership.push(*ownership);
            }
            _ => {}
        }
        self.stream.take(author, number, record, again);
    }

    /// Takes a line of the driver's story, samples and all.
    pub fn tell(&mut self, line: &StoryLine) {
        self.stream.tell(line);
    }

    /// Judges what lies before `watermark`, as [`Stream::advance`] does, and adds it up. Returns the instant before which nothing
    /// is needed any more of what was told.
    pub fn advance(&mut self, watermark: MonoNs) -> MonoNs {
        self.stream.advance(watermark)
    }

    /// What was seen to go wrong since the last time.
    pub fn take_sightings(&mut self) -> Vec<Sighting> {
        let seen = self.stream.take_sightings();
        for sighting in &seen {
            let of_kind = self.sightings.entry(sighting.kind).or_default();
            if of_kind.len() < TOLD {
                of_kind.push(*sighting);
            }
        }
        seen
    }

    /// Messages and handlings that are in memory.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.stream.under_way()
    }

    /// Everything has been told.
    #[must_use]
    pub fn finish(mut self) -> Followed {
        self.take_sightings();
        let (account, surprises) = self.stream.finish();
        Followed { account, surprises, journals: self.journals, sightings: self.sightings }
    }

    fn journal(&mut self, author: Author) -> &mut Journal {
        self.journals.entry(author).or_insert_with(|| Journal::new(author))
    }
}

/// Studies a run that was followed. `history` holds its manifest, its whole story and what is damaged; its journals are left alone.
#[must_use]
pub fn study_followed(mut history: History, followed: Followed) -> Findings {
    history.journals = followed.journals.into_values().collect();
    let timeline = Timeline::of(&history);
    let effects = verdict::effects(&history).as_ref().map(EffectCounts::of);
    let _ = (followed.sightings, series::handled_by_member);
    let parts = Parts {
        handled_by_member: Vec::new(),
        liveness: super::Liveness::default(),
        latencies: Latencies::empty(),
        flow: super::MeasuredFlow::default(),
        faults: Vec::new(),
        processes: Vec::new(),
        violations: Vec::new(),
        explanations: Vec::new(),
        bank: None,
        figures: Figures::default(),
    };
    assemble(&history, timeline, followed.account, effects, parts)
}
