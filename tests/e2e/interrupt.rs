//! Ctrl-C, at any time: the evidence stays, a report is there, nothing else is left behind.

use std::os::unix::fs::PermissionsExt;

use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};
use rustix::process::Signal;

use crate::place::{Ended, Place, Told};
use crate::server::OwnServer;

const LONG: &str = r#"
[run]
warm-up = "5m"
measure = "5m"
drain = "5m"
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

const HANGS_WHEN_STARTED: &str = "[ \"$1\" = --version ] && echo 'nats-server: v2.15.1' && exit\nexec sleep 2000";

const BEGIN_SOON: &str = "run.warm-up=300ms";

/// Starts a run with some settings, interrupts it when something has happened, and waits for its end.
fn interrupted(
    place: &Place,
    sets: &[&str],
    more: &[&str],
    what: &str,
    happened: impl Fn(&StoryEvent) -> bool,
) -> Ended {
    place.profile(LONG);
    let mut words = vec!["run", "profile.toml", "--out", "out"];
    words.extend(sets.iter().flat_map(|set| ["--set", set]));
    words.extend(more);
    let mut live = place.start(place.jetlag(&words));
    live.wait_for(what, happened);
    live.signal(Signal::INT);
    let ended = live.end().ended_with(130);
    place.wait_until_nobody_is_left();
    ended
}

fn enters(wanted: Phase) -> impl Fn(&StoryEvent) -> bool {
    move |event| *event == StoryEvent::Phase { phase: wanted }
}

/// What every interrupted run has that had begun.
fn is_told(ended: &Ended) -> Told {
    let told = ended.report().is(RunState::Interrupted);
    told.gives_a_reason_with(&["interrupted"]);
    assert_eq!(told.count("order_violations"), 0.0);
    told
}

#[test]
fn an_interrupted_measurement_is_reported_as_far_as_it_came() {
    let place = Place::new();
    let ended = interrupted(
        &place,
        &[BEGIN_SOON],
        &[],
        "a message",
        |event| matches!(event, StoryEvent::Sample { process, cpu_ns, .. } if process == "c0.1" && *cpu_ns > 0),
    );
    let told = is_told(&ended);
    assert!(told.count("stored") > 0.0);
    assert_eq!(told.reading("lost", Stat::Count, &Scope::Run), None, "nobody knows");
}

#[test]
fn an_interrupted_warm_up_is_reported() {
    let place = Place::new();
    is_told(&interrupted(&place, &[], &[], "the warm-up", enters(Phase::WarmUp)));
}

#[test]
fn an_interrupted_drain_is_reported() {
    let place = Place::new();
    // Two members that take half a second for a message never see the end of what a second of load leaves.
    let sets = [BEGIN_SOON, "run.measure=1s", "fleet.handler-time=500ms"];
    let told = is_told(&interrupted(&place, &sets, &[], "the drain", enters(Phase::Drain)));
    assert!(told.count("unhandled") > 0.0);
}

#[test]
fn an_interruption_before_the_run_has_begun_leaves_nothing_on_the_users_server() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    let url = server.url();
    interrupted(&place, &[], &["--server", &url], "the first step", enters(Phase::Provision));
    assert_eq!(server.streams(), [""; 0]);
}

#[test]
fn a_server_that_does_not_come_up_is_not_waited_for() {
    // One hangs when it is asked for its version, the other when it is started.
    for (server, hangs_with) in [("exec sleep 1000", "1000"), (HANGS_WHEN_STARTED, "2000")] {
        let place = Place::new();
        place.profile(LONG);
        place.write("server", &format!("#!/bin/sh\n{server}\n"));
        let program = place.path().join("server");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
        let mut command = place.jetlag(&["run", "profile.toml", "--out", "out"]);
        command.env("JETLAG_NATS_SERVER", &program);
        let live = place.start(command);
        crate::processes::wait_for("the server to hang", || {
            place.processes().iter().any(|process| process.words.iter().any(|word| word == hangs_with)).then_some(())
        });
        live.signal(Signal::INT);
        let ended = live.end().ended_with(130);
        assert!(ended.err.contains("stopped before the run had begun"), "{}", ended.err);
        place.wait_until_nobody_is_left();
    }
}

#[test]
fn an_interruption_while_the_stream_is_made_leaves_nothing_on_the_users_server() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    let url = server.url();
    place.profile(LONG);
    let live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &url]));
    crate::processes::wait_for("the announcement", || {
        std::fs::read_to_string(place.path().join("stderr")).ok()?.contains("makes the stream").then_some(())
    });
    live.signal(Signal::INT);
    live.end().ended_with(130);
    assert_eq!(server.streams(), [""; 0]);
    place.wait_until_nobody_is_left();
}

#[test]
fn an_interrupted_run_on_the_users_server_takes_its_stream_and_bucket_away() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    let url = server.url();
    server.make_stream("mine", "mine.>");
    let ended = interrupted(&place, &[BEGIN_SOON], &["--server", &url], "the measure phase", enters(Phase::Measure));
    assert!(
        ended.err.contains("jetlag makes the stream jetlag-"),
        "it says what it makes before it does: {}",
        ended.err
    );
    let told = is_told(&ended);
    assert!(!told.report.environment.server_embedded);
    assert_eq!(server.streams(), ["mine"], "what is not the run's stays");
}

#[test]
fn asked_twice_it_waits_for_nobody_and_the_evidence_is_there_all_the_same() {
    let place = Place::new();
    place.profile(LONG);
    // A handler of minutes: its member does not leave in good order for as long as anybody would wait.
    let words = ["run", "profile.toml", "--out", "out", "--set", BEGIN_SOON, "--set", "fleet.handler-time=2m"];
    let mut live = place.start(place.jetlag(&words));
    live.wait_for("the measure phase", enters(Phase::Measure));
    live.signal(Signal::TERM);
    crate::processes::wait_for("the first request to be heard", || {
        std::fs::read_to_string(place.path().join("stderr")).ok()?.contains("once more stops at once").then_some(())
    });
    live.signal(Signal::INT);
    let told = is_told(&live.end().ended_with(130));
    let notes = place.story().into_iter().filter(|line| matches!(line.event, StoryEvent::Interrupted)).count();
    assert_eq!(notes, 1);
    assert!(told.count("stored") > 0.0);
    place.wait_until_nobody_is_left();
}

#[test]
fn asked_twice_while_the_load_ceases_it_waits_for_no_member_either() {
    let place = Place::new();
    place.profile(LONG);
    let words = ["run", "profile.toml", "--out", "out", "--set", BEGIN_SOON];
    let mut live = place.start(place.jetlag(&words));
    live.wait_for("the measure phase", enters(Phase::Measure));
    // Neither will end in good order: the driver would wait for the one, then for the other.
    for name in ["p0.1", "c0.1"] {
        let pid = live.pid_of(name);
        crate::processes::signal(pid, Signal::STOP);
        crate::place::wait_until_stopped(&place, pid);
    }
    live.signal(Signal::INT);
    crate::processes::wait_for("the first request to be heard", || {
        std::fs::read_to_string(place.path().join("stderr")).ok()?.contains("once more stops at once").then_some(())
    });
    live.signal(Signal::INT);
    let told = is_told(&live.end().ended_with(130));
    let notes = &told.report.notes;
    assert!(notes.iter().any(|note| note.contains("c0.1") && note.contains("asked twice")), "{notes:#?}");
    place.wait_until_nobody_is_left();
}

#[test]
fn an_interrupted_comparison_makes_no_further_run() {
    let place = Place::new();
    let own = format!("{LONG}[[variant]]\nname = \"one\"\n[[variant]]\nname = \"two\"\n");
    place.profile(&own);
    let live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]));
    let first = crate::processes::wait_for("the first variant to warm up", || {
        let folder = std::fs::read_dir(place.path().join("out")).ok()?.next()?.ok()?.path();
        let story = std::fs::read_to_string(folder.join("one/journals/driver.jsonl")).ok()?;
        story.contains("warm-up").then_some(folder)
    });
    live.signal(Signal::INT);
    live.end().ended_with(130);
    Told::read(&first.join("one")).is(RunState::Interrupted);
    assert!(!first.join("two").exists());
    place.wait_until_nobody_is_left();
}
