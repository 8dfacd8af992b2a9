//! What is added up while a run is followed is what a study of the whole evidence finds, however the evidence is cut into pieces.

use proptest::prelude::*;

use super::super::{Findings, study};
use super::{Following, study_followed};
use crate::model::history::History;
use crate::model::record::{Author, Record};
use crate::model::report::{Figures, LatencyPoint};
use crate::model::story::{Phase, StoryEvent, StoryLine};
use crate::model::time::MonoNs;
use crate::verdict::scenario::us;
use crate::verdict::stream::Patience;
use crate::verdict::stream::agrees::{FORGETFUL, Follows, PATIENT, cuts, feed, histories};

impl Follows for Following {
    fn take(&mut self, author: Author, number: u64, record: &Record, again: bool) {
        Following::take(self, author, number, record, again);
    }

    fn tell(&mut self, line: &StoryLine) {
        Following::tell(self, line);
    }

    fn advance(&mut self, watermark: MonoNs) {
        Following::advance(self, watermark);
    }
}

/// What a follower finds, and how often it was surprised.
fn followed(history: &History, cuts: &[u64], patience: Patience, never_ends: bool) -> (Findings, u64) {
    let mut following = Following::new(&history.manifest, patience);
    feed(history, cuts, never_ends, &mut following);
    let followed = following.finish();
    let surprises = followed.surprises;
    let history = History { journals: Vec::new(), ..history.clone() };
    (study_followed(history, followed), surprises)
}

/// A history with phases: a warm-up, a measure phase, a drain, an end.
fn with_phases(mut history: History, from: u64, to: u64) -> History {
    let line = |at, event| StoryLine { at: us(at), event };
    let phase = |phase| StoryEvent::Phase { phase };
    history.story.extend([
        line(0, phase(Phase::WarmUp)),
        line(from, phase(Phase::Measure)),
        line(to, phase(Phase::Drain)),
        line(200, StoryEvent::End),
    ]);
    history.story.sort_by_key(|line| line.at);
    history
}

fn same(found: &Findings, expected: &Findings) -> Result<(), TestCaseError> {
    let (ours, theirs) = (&found.latencies, &expected.latencies);
    prop_assert_eq!(ours.censored, theirs.censored);
    for (ours, theirs) in [
        (&ours.publish, &theirs.publish),
        (&ours.publish_service, &theirs.publish_service),
        (&ours.transit, &theirs.transit),
        (&ours.end_to_end, &theirs.end_to_end),
        (&ours.handling, &theirs.handling),
        (&ours.schedule_lag, &theirs.schedule_lag),
        (&ours.blocked, &theirs.blocked),
    ] {
        prop_assert_eq!(ours, theirs);
    }
    prop_assert_eq!(found.flow, expected.flow);
    prop_assert_eq!(&found.handled_by_member, &expected.handled_by_member);
    prop_assert_eq!(&found.liveness, &expected.liveness);
    prop_assert_eq!(&found.faults, &expected.faults);
    prop_assert_eq!(found.handled, expected.handled);
    prop_assert_eq!(&found.health.reasons, &expected.health.reasons);
    prop_assert_eq!(found.health.state, expected.health.state);
    prop_assert_eq!(exact(&found.figures), exact(&expected.figures));
    Ok(())
}

/// A second that was closed keeps its median and its percentile when something comes to it late.
fn exact(figures: &Figures) -> Figures {
    let point = |point: &LatencyPoint| LatencyPoint { p50_ms: 0.0, p99_ms: 0.0, ..point.clone() };
    Figures { latency: figures.latency.iter().map(point).collect(), ..figures.clone() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn told_piece_by_piece_it_finds_what_a_study_does(
        history in histories(),
        (from, to) in (0..60_u64, 60..150_u64),
        cuts in cuts(),
        never_ends: bool,
        forgets: bool,
    ) {
        let history = with_phases(history, from, to);
        let patience = if forgets { FORGETFUL } else { PATIENT };
        let (found, surprises) = followed(&history, &cuts, patience, never_ends);
        if surprises == 0 {
            same(&found, &study(&history))?;
        }
    }
}
