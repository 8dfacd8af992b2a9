//! The run's own time: its zero, its phases, its end.

use crate::model::history::History;
use crate::model::record::{Author, LifeEvent, Role};
use crate::model::report::PhaseSpan;
use crate::model::story::{Phase, StoryEvent};
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::Lives;

/// A run longer than this does not exist: a later instant is a torn record, not a long run.
pub(super) const LONGEST_RUN: SpanNs = SpanNs(14 * 24 * 3600 * 1_000_000_000);
/// Workers outlive their driver by moments, so records later than this behind its last line are torn.
const AFTERLIFE: SpanNs = SpanNs(10 * 1_000_000_000);

/// When a run began, went through its phases, and ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeline {
    /// Zero of every time in the report.
    pub zero: MonoNs,
    /// Phases as they happened: which, from, to.
    pub phases: Vec<(Phase, MonoNs, MonoNs)>,
    /// End of the evidence.
    pub end: MonoNs,
    /// When members began to be sent home after the drain: ownership and silences are judged up to here. The end of the
    /// evidence when that is not recorded.
    pub work_end: MonoNs,
    /// The user stopped it.
    pub interrupted: bool,
    /// The driver gave it up before its time.
    pub broken_off: bool,
    /// The driver ended it before its time, at a broken promise that it saw.
    pub stopped_at_violation: bool,
    /// The driver lived to write its last line.
    pub ended: bool,
}

impl Timeline {
    /// Reads it from the story, and from the records where the story breaks off.
    #[must_use]
    pub fn of(history: &History) -> Self {
        let zero = history.manifest.started_mono;
        let mut starts: Vec<(Phase, MonoNs)> = Vec::new();
        let (mut interrupted, mut broken_off, mut stopped_at_violation) = (false, false, false);
        let mut ended = None;
        for line in &history.story {
            match line.event {
                StoryEvent::Phase { phase } => starts.push((phase, line.at)),
                StoryEvent::Interrupted => interrupted = true,
                StoryEvent::BrokenOff => broken_off = true,
                StoryEvent::StoppedAtViolation { .. } => stopped_at_violation = true,
                StoryEvent::End => ended = Some(line.at),
                _ => {}
            }
        }
        let end = ended.unwrap_or_else(|| end_without_last_line(history)).clamp(zero, zero + LONGEST_RUN);
        let phases = starts
            .iter()
            .enumerate()
            .map(|(at, &(phase, from))| {
                let to = starts.get(at + 1).map_or(end, |next| next.1).min(end);
                (phase, from.min(to), to)
            })
            .collect::<Vec<_>>();
        // Members are sent home in the last phase there was: the drain, or the one in which the run was broken off.
        let work_end = phases.last().and_then(|&(_, last_began, _)| sent_home(history, last_began));
        Self {
            zero,
            phases,
            end,
            work_end: work_end.unwrap_or(end).clamp(zero, end),
            interrupted,
            broken_off,
            stopped_at_violation,
            ended: ended.is_some(),
        }
    }

    /// The measure phase, when the run got there. Broken off, it ends when the members are sent home.
    #[must_use]
    pub fn measure(&self) -> Option<(MonoNs, MonoNs)> {
        let phase = self.phases.iter().find(|span| span.0 == Phase::Measure);
        phase.map(|&(_, from, to)| (from.min(self.work_end), to.min(self.work_end)))
    }

    /// Whether an instant is in the measure phase.
    #[must_use]
    pub fn measures(&self, at: MonoNs) -> bool {
        self.measure().is_some_and(|(from, to)| from <= at && at < to)
    }

    /// Whether loss can be judged: the run drained and came to its end, nobody broke it off.
    #[must_use]
    pub fn reached_end_of_drain(&self) -> bool {
        let before_its_time = self.interrupted || self.broken_off || self.stopped_at_violation;
        self.ended && !before_its_time && self.phases.iter().any(|span| span.0 == Phase::Drain)
    }

    /// Milliseconds since the start, in whole microseconds so that reports are stable.
    #[must_use]
    pub fn ms(&self, at: MonoNs) -> f64 {
        round_ms(at.since(self.zero))
    }

    /// Which second of the run an instant falls in, when it is within the run.
    #[must_use]
    pub fn second(&self, at: MonoNs) -> Option<usize> {
        (self.zero <= at && at <= self.end).then(|| (at.since(self.zero).0 / 1_000_000_000) as usize)
    }

    /// How many seconds the run touched.
    #[must_use]
    pub fn seconds(&self) -> usize {
        (self.end.since(self.zero).0 / 1_000_000_000) as usize + 1
    }

    /// The phases as the report shows them.
    #[must_use]
    pub fn phase_spans(&self) -> Vec<PhaseSpan> {
        self.phases
            .iter()
            .map(|&(phase, from, to)| PhaseSpan { phase, from_ms: self.ms(from), to_ms: self.ms(to) })
            .collect()
    }
}

/// Milliseconds in whole microseconds.
#[must_use]
pub(super) fn round_ms(span: SpanNs) -> f64 {
    (span.0 as f64 / 1e3).round() / 1e3
}

/// The latest believable instant of evidence whose driver died.
fn end_without_last_line(history: &History) -> MonoNs {
    let zero = history.manifest.started_mono;
    let limit = history.story.iter().map(|line| line.at).max().map_or(zero + LONGEST_RUN, |last| last + AFTERLIFE);
    let records = history.journals.iter().flat_map(|journal| {
        let publishes = journal.publishes.iter().map(|publish| publish.sent);
        let handlings = journal.handlings.iter().map(|h| h.finished.map_or(h.started, |finish| finish.at));
        let life = journal.life.iter().map(|life| life.at);
        publishes.chain(handlings).chain(life)
    });
    let story = history.story.iter().map(|line| line.at);
    story.chain(records).filter(|&at| at <= limit).max().unwrap_or(zero)
}

/// The first instant after `from` at which a member that no fault had struck down or told to go was told so.
fn sent_home(history: &History, from: MonoNs) -> Option<MonoNs> {
    let lives = Lives::of(&history.story);
    let stays =
        |author: Author| author.role == Role::Consumer && lives.get(author).is_none_or(|life| life.leaving.is_none());
    let stopping =
        history.journals.iter().filter(|journal| stays(journal.author)).flat_map(|journal| {
            journal.life.iter().filter(|life| life.event == LifeEvent::Stopping).map(|life| life.at)
        });
    let exited = history.story.iter().filter_map(|line| match &line.event {
        StoryEvent::Exited { process, ordered: true, .. } => {
            let author: Author = process.parse().ok()?;
            // One that was killed is dead before its exit is seen, and that exit sends nobody home.
            (stays(author) && lives.died(author) == Some(line.at)).then_some(line.at)
        }
        _ => None,
    });
    stopping.chain(exited).filter(|&at| at >= from).min()
}
