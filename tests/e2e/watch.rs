//! Promises are watched while the run goes on: a broken one is seen, and ends the run if the user wants that.

use jetlag::model::report::RunState;
use jetlag::model::story::StoryEvent;

use crate::place::Place;

/// A run that would take minutes, in which a member dies with messages in hand.
const LONG: &str = r#"
[run]
warm-up = "500ms"
measure = "5m"
drain = "30s"
[stream]
partitions = 4
[load]
rate = "300/s"
keys = 20
[fleet]
members = 2
handler-time = "5ms"
[strategy]
kind = "lease-group"
ttl = "1s"
commit = "explicit"
ack-wait = "3s"
[[fault]]
kind = "kill"
target = "owner-of:0"
from = "500ms"
every = "4s"
times = 20
[[fault]]
kind = "restart"
target = "random"
from = "2500ms"
every = "4s"
times = 20
"#;

#[test]
fn a_run_ends_at_the_first_broken_promise_and_its_evidence_is_judged() {
    let place = Place::new();
    place.profile(LONG);
    let resume = ["--set", "strategy.takeover=resume", "--stop-on-violation"];
    let words = [&["run", "profile.toml", "--out", "out"][..], &resume].concat();
    let ended = place.run(&words).ended_with(1);
    place.wait_until_nobody_is_left();
    let told = ended.report().is(RunState::Violated);
    told.gives_a_reason_with(&["promised"]);
    assert!(told.report.notes.iter().any(|note| note.contains("--stop-on-violation")), "{:?}", told.report.notes);
    let story = place.story();
    let seen = |is_it: &dyn Fn(&StoryEvent) -> bool| story.iter().filter(|line| is_it(&line.event)).count();
    assert_eq!(seen(&|event| matches!(event, StoryEvent::StoppedAtViolation { .. })), 1);
    assert!(seen(&|event| matches!(event, StoryEvent::Sighted { promised: true, .. })) > 0);
    assert_eq!(seen(&|event| *event == StoryEvent::End), 1, "it ended in good order");
    let stopped = story.iter().find_map(|line| match &line.event {
        StoryEvent::StoppedAtViolation { kind, .. } => Some(kind.clone()),
        _ => None,
    });
    let kind = stopped.expect("it was stopped");
    assert!(told.report.violations.iter().any(|violation| violation.kind == kind), "the whole evidence says so, too");
}

#[test]
fn what_keeps_its_promises_is_not_stopped() {
    let place = Place::new();
    place.profile(LONG);
    let short = ["--set", "run.measure=7s", "--set", "strategy.takeover=safe", "--stop-on-violation"];
    let words = [&["run", "profile.toml", "--out", "out"][..], &short].concat();
    place.run(&words).ended_with(0).report().is(RunState::Complete);
    let alarm = |event: &StoryEvent| matches!(event, StoryEvent::Sighted { promised: true, .. });
    assert!(!place.story().iter().any(|line| alarm(&line.event)));
}
