//! A run that is followed: its ledger, and all that its report needs, kept while the journals are read and may be dropped
//! behind it.
//!
//! [`Following`] is fed as [`Stream`] is. What it holds grows with keys, partitions, seconds, faults and what is under way, not
//! with messages. At the end [`Following::finish`] gives what [`study_followed`] makes the same findings of as
//! [`study`](super::study) does of the whole evidence, but for what `docs/adr/0040` says.

#[cfg(test)]
mod agrees;

use std::collections::BTreeMap;

use super::findings::{EffectCounts, Findings};
use super::tally::{Known, Measure, Seen, Tally, Window};
use super::timeline::Timeline;
use super::{Parts, assemble, figures_of, liveness, resources, sighted};
use crate::model::history::{History, Journal};
use crate::model::manifest::Manifest;
use crate::model::record::{Author, OwnershipChange, Record};
use crate::model::story::{Phase, StoryEvent, StoryLine};
use crate::model::time::MonoNs;
use crate::verdict::stream::{Account, End, Patience, Sighting, Stream, Told, Turn};
use crate::verdict::{self, Belief, Lives};

/// As many sightings of each kind are kept for the report.
const TOLD: usize = 100;

/// A run that goes on.
#[derive(Debug)]
pub struct Following {
    manifest: Manifest,
    /// A report is wanted, and not only what is seen to go wrong.
    reports: bool,
    stream: Stream,
    tally: Tally,
    window: Window,
    measure: Measure,
    /// What the driver told, but for what it sampled and what is said to people.
    story: Vec<StoryLine>,
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
    tally: Tally,
    window: Window,
    beliefs: Vec<Belief>,
    turns: Vec<Turn>,
    /// Of each journal what is small.
    journals: BTreeMap<Author, Journal>,
    /// The first of each kind.
    sightings: BTreeMap<&'static str, Vec<Sighting>>,
}

impl Following {
    /// Nothing has been told yet.
    #[must_use]
    pub fn new(manifest: &Manifest, patience: Patience) -> Self {
        Self {
            reports: true,
            stream: Stream::new(manifest, patience).telling(),
            tally: Tally::new(manifest.started_mono),
            window: Window::default(),
            measure: Measure::default(),
            manifest: manifest.clone(),
            story: Vec::new(),
            journals: BTreeMap::new(),
            sightings: BTreeMap::new(),
        }
    }

    /// One that only sees what goes wrong, and counts: its end makes no report. It costs what the ledger does.
    #[must_use]
    pub fn watching(manifest: &Manifest, patience: Patience) -> Self {
        Self { reports: false, stream: Stream::new(manifest, patience), ..Self::new(manifest, patience) }
    }

    /// Takes a record of the journal of `author`, as [`Stream::take`] does.
    pub fn take(&mut self, author: Author, number: u64, record: &Record, again: bool) {
        match record {
            _ if !self.reports => {}
            Record::Life(life) => self.journal(author).life.push(*life),
            Record::Ownership(ownership) if ownership.change == OwnershipChange::GoneObserved => {
                self.window.gone(ownership.partition, ownership.at);
            }
            _ => {}
        }
        self.stream.take(author, number, record, again);
    }

    /// Takes a line of the driver's story, samples and all.
    pub fn tell(&mut self, line: &StoryLine) {
        self.stream.tell(line);
        match &line.event {
            StoryEvent::Phase { phase: Phase::Measure } => self.measure.from = Some(line.at),
            StoryEvent::Phase { .. }
            | StoryEvent::Interrupted
            | StoryEvent::BrokenOff
            | StoryEvent::StoppedAtViolation { .. }
                if self.measure.from.is_some() =>
            {
                self.measure.to.get_or_insert(line.at);
            }
            StoryEvent::Fault { .. }
            | StoryEvent::Delivered { .. }
            | StoryEvent::Observed { .. }
            | StoryEvent::Healed { .. }
            | StoryEvent::Resumed { .. }
            | StoryEvent::Ready { .. } => self.story.push(line.clone()),
            _ => {}
        }
    }

    /// Judges what lies before `watermark`, as [`Stream::advance`] does, and adds it up. Returns the instant before which nothing
    /// is needed any more of what was told.
    pub fn advance(&mut self, watermark: MonoNs) -> MonoNs {
        let judged_to = self.stream.advance(watermark);
        let told = self.stream.take_told();
        self.add_up(&told);
        let told_to = self.stream.told_to();
        self.tally.close(told_to);
        if self.reports && self.window.is_due(judged_to) {
            let (beliefs, turns) = (self.stream.beliefs(), self.stream.turns().copied().collect::<Vec<_>>());
            let needed = self.window.advance(
                told_to,
                judged_to,
                &Known {
                    manifest: &self.manifest,
                    story: &self.story,
                    lives: self.stream.lives(),
                    beliefs: &beliefs,
                    turns: &turns,
                },
            );
            self.stream.forget_turns(needed);
        }
        judged_to
    }

    fn add_up(&mut self, told: &Told) {
        for settled in &told.settled {
            self.tally.settle(settled, self.measure);
            self.window.settle(settled);
        }
        for judged in &told.judged {
            self.tally.judge(judged, self.measure);
        }
        self.window.repeat(&told.repeats);
    }

    /// What was seen to go wrong since the last time.
    pub fn take_sightings(&mut self) -> Vec<Sighting> {
        let seen = self.stream.take_sightings();
        self.keep(&seen);
        seen
    }

    fn keep(&mut self, seen: &[Sighting]) {
        for sighting in seen {
            let of_kind = self.sightings.entry(sighting.kind).or_default();
            if of_kind.len() < TOLD {
                of_kind.push(*sighting);
            }
        }
    }

    /// Messages and handlings that are in memory, in whatever form.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.stream.under_way() + self.tally.seconds.held() + self.window.held()
    }

    /// Everything has been told.
    #[must_use]
    pub fn finish(mut self) -> Followed {
        let stream = std::mem::replace(&mut self.stream, Stream::new(&self.manifest, Patience::default()));
        let End { account, surprises, beliefs, sightings, told, turns } = stream.end();
        self.add_up(&told);
        self.keep(&sightings);
        let Self { tally, window, journals, sightings, .. } = self;
        Followed { account, surprises, tally, window, beliefs, turns, journals, sightings }
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
    let Followed { account, surprises, tally, window, beliefs, turns, sightings, .. } = followed;
    let lives = Lives::of(&history.story);
    let seen = window.finish(
        timeline.work_end,
        &Known { manifest: &history.manifest, story: &history.story, lives: &lives, beliefs: &beliefs, turns: &turns },
    );
    let Seen { longest, stalled, faults, cut, crowded } = seen;
    let flow = tally.flow.measured(&timeline);
    let handled_by_member = tally.flow.by_member();
    let processes = resources::processes(&history, &timeline, flow.handled_messages);
    let liveness = liveness::liveness(&history, &timeline, &beliefs, stalled.into_iter());
    let (latencies, figures) = figures_of(&history, &timeline, tally, &beliefs, &longest, &faults);
    let effects = verdict::effects(&history).as_ref().map(EffectCounts::of);
    let violations = sighted::violations(&timeline, &sightings, &faults);
    let parts = Parts {
        handled_by_member,
        liveness,
        latencies,
        flow,
        faults,
        processes,
        violations,
        explanations: Vec::new(),
        bank: None,
        figures,
    };
    let has_bank = history.manifest.bank.is_some();
    let mut findings = assemble(&history, timeline, account, effects, parts);
    findings.health.notes.splice(0..0, sighted::notes(surprises, cut, crowded, has_bank));
    findings
}
