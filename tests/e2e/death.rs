//! Deaths that nobody ordered: of the driver, of a worker, of the server. None leaves a process behind or costs evidence.

use std::time::Duration;

use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};
use rustix::process::Signal;

use crate::place::{Place, Told, analyze, wait_until_stopped};
use crate::processes::signal;

/// A run that is long enough for whatever is to happen in its midst.
const LONG: &str = r#"
[run]
warm-up = "300ms"
measure = "10m"
[stream]
partitions = 4
[load]
rate = "200/s"
keys = 40
[fleet]
members = 2
[strategy]
kind = "lease-group"
ttl = "1s"
"#;

fn is_measuring(event: &StoryEvent) -> bool {
    *event == StoryEvent::Phase { phase: Phase::Measure }
}

#[test]
fn a_killed_driver_leaves_nobody_behind_not_even_a_paused_member_and_its_evidence_counts() {
    let place = Place::new();
    place.profile(&format!("{LONG}\n[[fault]]\nkind = \"pause\"\ntarget = \"c1\"\nlasting = \"5m\"\nat = \"1s\"\n"));
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]));
    live.wait_for("the pause", |event| matches!(event, StoryEvent::Fault { kind, .. } if kind == "pause"));
    wait_until_stopped(&place, live.pid_of("c1.1"));
    let before = place.processes();
    // Driver, reaper, server, two members, two publishers.
    assert_eq!(before.len(), 7, "{before:#?}");
    live.signal(Signal::KILL);
    assert_eq!(live.end().code, None, "a signal ended it");
    place.wait_until_nobody_is_left();

    let folder = place.run_folder().expect("the run is there");
    let told = analyze(&place, &folder).ended_with(4).report().is(RunState::Invalid);
    told.gives_a_reason_with(&["driver", "mid-run"]);
    assert!(told.count("stored") > 0.0 && told.count("handled") > 0.0);
    assert_eq!(told.count("order_violations"), 0.0);
    assert_eq!(told.report.faults.len(), 1);
}

#[test]
fn a_driver_killed_at_any_instant_leaves_nobody_behind() {
    let place = Place::new();
    place.profile(LONG);
    for after_ms in [1, 20, 60, 150, 400, 900] {
        let live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--quiet"]));
        // The instant is arbitrary by intent: whatever it is doing then, the outcome is the same.
        std::thread::sleep(Duration::from_millis(after_ms));
        live.signal(Signal::KILL);
        live.end();
        place.wait_until_nobody_is_left();
    }
}

#[test]
fn a_worker_that_dies_unasked_makes_the_run_invalid_and_is_named() {
    for (victim, what) in [("c1.1", Signal::KILL), ("p0.1", Signal::ABORT)] {
        let place = Place::new();
        place.profile(LONG);
        // Slow handlers leave messages that nobody will handle: that is no loss, for nobody had the time to.
        let words = ["run", "profile.toml", "--out", "out", "--set", "fleet.handler-time=100ms"];
        let mut live = place.start(place.jetlag(&words));
        live.wait_for("the measure phase", is_measuring);
        signal(live.pid_of(victim), what);
        let told = live.end().ended_with(4).report().is(RunState::Invalid);
        assert!(told.count("unhandled") > 0.0);
        assert_eq!(told.reading("lost", Stat::Count, &Scope::Run), None, "loss cannot be judged");
        told.gives_a_reason_with(&[victim, "died unasked", &format!("signal {}", what.as_raw())]);
        place.wait_until_nobody_is_left();
    }
}

#[test]
fn a_member_that_crashes_while_it_leaves_was_not_asked_to() {
    let place = Place::new();
    place.profile(&format!("{LONG}\n[[fault]]\nkind = \"leave\"\ntarget = \"c1\"\nat = \"1s\"\n"));
    // A handler of minutes: the member is still about to leave when it is struck.
    let words = ["run", "profile.toml", "--out", "out", "--set", "fleet.handler-time=2m"];
    let mut live = place.start(place.jetlag(&words));
    live.wait_for("the order to leave", |event| matches!(event, StoryEvent::Fault { kind, .. } if kind == "leave"));
    signal(live.pid_of("c1.1"), Signal::ABORT);
    let told = live.end().ended_with(4).report().is(RunState::Invalid);
    told.gives_a_reason_with(&["c1.1", "died unasked", "signal 6"]);
    place.wait_until_nobody_is_left();
}

#[test]
fn a_run_whose_reaper_died_is_given_up_and_invalid() {
    let place = Place::new();
    place.profile(LONG);
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]));
    live.wait_for("the measure phase", is_measuring);
    let is_reaper = |process: &crate::processes::Process| process.words.get(1).is_some_and(|word| word == "reaper");
    let reaper = place.processes().into_iter().find(is_reaper).expect("every run has one");
    signal(reaper.pid, Signal::KILL);
    let told = live.end().ended_with(4).report().is(RunState::Invalid);
    told.gives_a_reason_with(&["reaper", "died unasked", "signal 9"]);
    place.wait_until_nobody_is_left();
}

#[test]
fn a_server_that_dies_unasked_is_told_and_nothing_hangs() {
    let place = Place::new();
    place.profile(LONG);
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]));
    live.wait_for("the measure phase", is_measuring);
    signal(live.pid_of("server-0"), Signal::KILL);
    let ended = live.end();
    place.wait_until_nobody_is_left();
    let told = ended.report();
    told.gives_a_reason_with(&["server-0", "died unasked", "signal 9"]);
    assert_ne!(ended.code, Some(0), "half a run is no good run");
    assert_ne!(told.report.state, RunState::Complete);
}

#[test]
fn evidence_without_reports_and_with_a_torn_story_is_analysed_all_the_same() {
    let place = Place::new();
    place.profile(LONG);
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--set", "run.measure=2s"]));
    live.wait_for("the measure phase", is_measuring);
    live.end().ended_with(0);
    let folder = place.run_folder().expect("the run is there");
    let told = Told::read(&folder);
    let story = folder.join("journals/driver.jsonl");
    let text = std::fs::read(&story).expect("the story is there");
    std::fs::write(&story, &text[..text.len() - 5]).expect("it can be cut");
    std::fs::remove_file(folder.join("report.json")).expect("it was there");
    std::fs::remove_dir_all(folder.join("server")).expect("it was there");
    let again = analyze(&place, &folder).ended_with(4).report().is(RunState::Invalid);
    assert_eq!(again.count("handled"), told.count("handled"));
    place.wait_until_nobody_is_left();
}
