//! jetlag itself under faults: whoever dies or refuses, and whenever, the evidence is readable, the message is right, and nothing is left.

use jetlag::model::record::Author;
use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};
use jetlag::nats::{Given, Secret};
use rustix::process::Signal;

use crate::place::{Place, Told, analyze};
use crate::processes::signal;
use crate::server::OwnServer;

/// A run whose phases are long enough for whatever is to happen in their midst.
fn profile(warm_up: &str, measure: &str, more: &str) -> String {
    format!(
        "[run]\nwarm-up = \"{warm_up}\"\nmeasure = \"{measure}\"\ndrain = \"5m\"\n[stream]\npartitions = 4\n[load]\nrate = \"200/s\"\n\
         keys = 40\n[fleet]\nmembers = 2\n{more}[strategy]\nkind = \"lease-group\"\nttl = \"1s\"\n"
    )
}

#[test]
fn a_driver_killed_in_any_phase_leaves_evidence_that_is_read() {
    for (phase, warm_up, measure, more) in [
        (Phase::Provision, "5m", "5m", ""),
        (Phase::WarmUp, "5m", "5m", ""),
        (Phase::Measure, "300ms", "5m", ""),
        // Two members that take half a second for a message never see the end of what a second of load leaves.
        (Phase::Drain, "300ms", "1s", "handler-time = \"500ms\"\n"),
    ] {
        let place = Place::new();
        place.profile(&profile(warm_up, measure, more));
        let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]));
        live.wait_for("the phase", |event| *event == StoryEvent::Phase { phase });
        live.signal(Signal::KILL);
        assert_eq!(live.end().code, None, "a signal ended it");
        place.wait_until_nobody_is_left();
        let folder = place.run_folder().expect("the run is there");
        let told = analyze(&place, &folder).ended_with(4).report().is(RunState::Invalid);
        told.gives_a_reason_with(&["driver", "mid-run"]);
        assert_eq!(told.count("order_violations"), 0.0, "{phase:?}");
        // What can be explained is nothing, and that is said.
        let words = folder.strip_prefix(place.path()).expect("it is in the place").to_str().expect("names are plain");
        let explained = place.run(&["explain", words]).ended_with(0);
        assert!(explained.out.contains("Nothing went wrong") || explained.out.contains("stalled"), "{}", explained.out);
    }
}

#[test]
fn a_request_to_stop_while_the_run_is_analysed_costs_no_report() {
    let place = Place::new();
    place.profile(&profile("300ms", "1s", ""));
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]));
    live.wait_for("the end of the story", |event| *event == StoryEvent::End);
    live.signal(Signal::INT);
    let ended = live.end();
    assert!([Some(0), Some(130)].contains(&ended.code), "{:?}\n{}", ended.code, ended.err);
    let folder = place.run_folder().expect("the run is there");
    Told::read(&folder).is(RunState::Complete);
    place.wait_until_nobody_is_left();
}

#[test]
fn a_users_server_that_is_gone_for_good_ends_the_run_and_is_named() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    place.profile(&profile("300ms", "3s", "").replace("drain = \"5m\"", "drain = \"3s\""));
    let url = server.url();
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &url]));
    live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
    drop(server);
    let ended = live.end().ended_with(3);
    place.wait_until_nobody_is_left();
    let folder = place.run_folder().expect("the run is there");
    let told = Told::read(&folder);
    let told = told.is(RunState::Invalid);
    told.gives_a_reason_with(&["the server was gone"]);
    assert!(told.count("stored") > 0.0);
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    // It cannot be cleaned up now, and how to do that later is said.
    assert!(ended.err.contains("jetlag clean"), "{}", ended.err);
}

/// May everything, or everything but this.
fn users(denied: &str) -> String {
    let deny =
        if denied.is_empty() { String::new() } else { format!(", permissions {{ publish {{ deny: [{denied}] }} }}") };
    format!("authorization {{ users: [ {{ user: root, password: root }}, {{ user: few, password: few{deny} }} ] }}\n")
}

#[test]
fn a_right_that_is_taken_away_in_mid_run_leaves_a_report_and_nothing_on_the_server() {
    let place = Place::new();
    let given =
        Given { user: Some("root".into()), password: Some(Secret::from("root".to_owned())), ..Given::default() };
    let server = OwnServer::start_named(&place, "own-server", "", &users(""), given);
    place.profile(&profile("300ms", "4s", "").replace("drain = \"5m\"", "drain = \"3s\""));
    let url = server.url().replace("nats://", "nats://few:few@");
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &url]));
    live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
    // Publishers may not publish any more.
    server.reconfigure("", &users("\"jetlag.>\""));
    let ended = live.end().ended_with(4);
    place.wait_until_nobody_is_left();
    assert!(!ended.err.contains("panicked"), "{}", ended.err);
    let told = Told::read(&place.run_folder().expect("the run is there")).is(RunState::Invalid);
    // What nobody may store is not stored: the load of the profile was not offered.
    told.gives_a_reason_with(&["p0.1", "in mid-run", "Permissions Violation"]);
    assert_eq!((told.count("order_violations"), told.count("lost")), (0.0, 0.0));
    assert_eq!(told.count("unknown"), 0.0, "the stream says that none of it was stored");
    assert!(told.count("failed") > 0.0);
    assert_eq!(server.streams(), [""; 0], "what it made is removed");
}

/// Nobody hands out what nobody may ask for: the messages wait, and are not lost.
#[test]
fn members_that_may_not_pull_any_more_are_named_and_have_lost_nothing() {
    let place = Place::new();
    let given =
        Given { user: Some("root".into()), password: Some(Secret::from("root".to_owned())), ..Given::default() };
    let server = OwnServer::start_named(&place, "own-server", "", &users(""), given);
    let profile = profile("300ms", "3s", "").replace("drain = \"5m\"", "drain = \"4s\"");
    place.profile(&profile.replace("\"lease-group\"\nttl = \"1s\"", "\"shared-pull\"\nack-wait = \"1s\""));
    let url = server.url().replace("nats://", "nats://few:few@");
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &url]));
    live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
    server.reconfigure("", &users("\"$JS.API.CONSUMER.MSG.NEXT.>\""));
    live.end().ended_with(4);
    place.wait_until_nobody_is_left();
    let told = Told::read(&place.run_folder().expect("the run is there")).is(RunState::Invalid);
    told.gives_a_reason_with(&["the server refused c", "in mid-run", "Permissions Violation"]);
    told.gives_a_reason_with(&["still waited when the drain ended"]);
    assert_eq!(told.count("lost"), 0.0);
}

#[test]
fn a_worker_killed_in_the_drain_is_named_and_the_rest_is_read() {
    let place = Place::new();
    place.profile(&profile("300ms", "1s", "handler-time = \"500ms\"\n"));
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]));
    live.wait_for("the drain", |event| *event == StoryEvent::Phase { phase: Phase::Drain });
    signal(live.pid_of("c0.1"), Signal::KILL);
    let told = live.end().ended_with(4).report().is(RunState::Invalid);
    told.gives_a_reason_with(&["c0.1", "died unasked", "signal 9"]);
    assert!(told.count("handled") > 0.0);
    place.wait_until_nobody_is_left();
}

#[test]
fn a_journal_that_was_damaged_is_named_and_explained_around() {
    let place = Place::new();
    place.profile(&profile("300ms", "2s", ""));
    place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let folder = place.run_folder().expect("the run is there");
    let author: Author = "c0.1".parse().expect("it is an incarnation");
    let segment = folder.join("journals").join(author.to_string()).join("000000.seg");
    let mut bytes = std::fs::read(&segment).expect("a segment");
    // The fourth record behind the header, in its key.
    bytes[64 * 4 + 16] ^= 1;
    std::fs::write(&segment, bytes).expect("it can be written");
    let told = analyze(&place, &folder).ended_with(4).report().is(RunState::Invalid);
    told.gives_a_reason_with(&["c0.1"]);
    // A report without its evidence is no history.
    std::fs::remove_dir_all(folder.join("journals")).expect("it was there");
    let words = folder.strip_prefix(place.path()).expect("it is in the place").to_str().expect("names are plain");
    let ended = place.run(&["explain", words, "--violation", "1"]).ended_with(3);
    assert!(ended.err.contains("no evidence") && ended.err.contains("make the run again"), "{}", ended.err);
}
