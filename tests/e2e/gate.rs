//! The gate: runs made in turn and judged, a broken rule at once, and nothing left behind, however it ends.

use rustix::process::Signal;
use serde_json::Value;

use crate::access::{PASSWORD, USER, guarded_server};
use crate::place::{Ended, Place};
use crate::processes::wait_for;

/// A run of a second and a half, with one crash.
const TINY: &str = r#"
[run]
warm-up = "100ms"
measure = "1s"
drain = "20s"
[stream]
partitions = 2
[load]
rate = "150/s"
publishers = 1
keys = 12
[fleet]
members = 2
handler-time = "1ms"
[strategy]
kind = "lease-group"
ttl = "500ms"
[[fault]]
kind = "kill"
target = "owner-of:0"
at = "200ms"
[gate]
thresholds = { gap = "30%" }
metrics = ["gap.max"]
min-repeats = 1
max-repeats = 2
"#;

fn said(ended: &Ended) -> Value {
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("one object: {error}\n{}\n{}", ended.out, ended.err))
}

#[test]
fn base_and_head_are_made_in_turn_and_judged_and_can_be_judged_again() {
    let place = Place::new();
    place.profile(&format!(
        "{TINY}rules = {{ lost = \"= 0\", order_violations = \"= 0\", \"gap.max@kill\" = \"< 1h\" }}\n"
    ));
    let words = ["gate", "--run", "profile.toml", "--ab", "--head-set", "strategy.ttl=600ms", "--out", "out", "--json"];
    let ended = place.run(&[&words[..], &["--junit", "gate.xml", "--markdown", "gate.md"]].concat()).ended_with(0);
    let told = said(&ended);
    assert_eq!((&told["verdict"], &told["repeats"], &told["repeats_base"]), (&"passed".into(), &2.into(), &2.into()));
    assert_eq!(told["undecided"][0], "gap max after kill", "two repeats never show a difference: {told}");

    let text = std::fs::read_to_string(place.path().join(told["gate_json"].as_str().expect("a path"))).expect("a file");
    let gate = jetlag::render::gate::parse(&text).expect("it is a gate");
    let timing = gate.timing.expect("there is a base");
    let varied: Vec<&str> = timing.differences.iter().map(|it| it.what.as_str()).collect();
    assert_eq!(varied, ["strategy.ttl"], "the words say what differs on purpose");
    let base = gate.base.expect("it was made");
    let mut row: Vec<(&str, &str)> = base
        .runs
        .iter()
        .map(|run| (&*run.started, "A"))
        .chain(gate.head.runs.iter().map(|run| (&*run.started, "B")))
        .collect();
    row.sort_unstable();
    assert_eq!(row.iter().map(|(_, side)| *side).collect::<String>(), "ABBA");
    for (file, says) in [("gate.xml", "gap.max@kill &lt; 1h"), ("gate.md", "passed")] {
        let text = std::fs::read_to_string(place.path().join(file)).expect("it was asked for");
        assert!(text.contains(says), "{file}: {text}");
    }

    let folder = told["gate_dir"].as_str().expect("a path");
    let (head, base) = (format!("{folder}/head"), format!("{folder}/base"));
    place.run(&["gate", &head, "--baseline", &base]).ended_with(5);
    place.run(&["gate", &head, "--baseline", &base, "--vary", "strategy.ttl", "--undecided", "fail"]).ended_with(4);
    // A rule that no takeover can keep; the runs know nothing of it.
    place.write("hard.toml", "# Is it there before it is gone?\n[gate]\nrules = { \"gap.max\" = \"< 1ms\" }\n");
    let again = place.run(&["gate", &head, "--rules", "hard.toml"]).ended_with(1);
    assert!(again.out.contains("✘ broken"), "{}", again.out);
    place.wait_until_nobody_is_left();
}

#[test]
fn a_broken_rule_on_a_count_ends_it_after_one_run_and_a_side_that_cannot_run_is_named() {
    let place = Place::new();
    place.profile(&format!("{TINY}rules = {{ end_to_end.count = \"= 0\" }}\n"));
    let ended = place.run(&["gate", "--run", "profile.toml", "--json", "--max-repeats", "9", "--min-repeats", "9"]);
    let told = said(&ended.ended_with(1));
    assert_eq!((&told["verdict"], &told["repeats"]), (&"failed".into(), &1.into()), "{told}");

    let ab = ["gate", "--run", "profile.toml", "--ab"];
    let missing = place.run(&[&ab[..], &["--base-jetlag", "nowhere"]].concat()).ended_with(2);
    assert!(missing.err.contains("base: nowhere is no program"), "{}", missing.err);
    let stranger = place.run(&[&ab[..], &["--base-jetlag", "/bin/false"]].concat()).ended_with(3);
    assert!(stranger.err.contains("base: `/") && stranger.err.contains("exited with code 1"), "{}", stranger.err);
    place.run(&["gate", "--run", "profile.toml", "--max-repeats", "0"]).ended_with(2);
    place.run(&["gate"]).ended_with(2);
    place.wait_until_nobody_is_left();
}

#[test]
fn runs_are_made_on_a_server_of_ones_own_and_the_secret_is_in_no_list_of_processes() {
    let place = Place::new();
    place.profile(TINY);
    let server = guarded_server(&place);
    let url = server.url();
    let own = ["--server", &url, "--user", USER, "--tls-ca", "ca.pem"];
    let words = ["gate", "--run", "profile.toml", "--max-repeats", "1", "--out", "out", "--json"];
    let mut command = place.jetlag(&[&words[..], &own[..]].concat());
    command.env("JETLAG_PASSWORD", PASSWORD);
    let live = place.start(command);
    let workers = || place.processes().into_iter().filter(|process| process.is_worker()).count();
    wait_for("a fleet to live", || (workers() >= 3).then_some(()));
    for process in place.processes() {
        assert!(!process.words.iter().any(|word| word.to_string_lossy().contains(PASSWORD)), "{:?}", process.words);
    }
    let told = said(&live.end().ended_with(0));
    assert_eq!((&told["verdict"], &told["repeats"]), (&"passed".into(), &1.into()), "{told}");
    assert!(server.streams().is_empty(), "{:?}", server.streams());
    let folder = format!("{}/head", told["gate_dir"].as_str().expect("a path"));
    let refused = place.run(&["gate", &folder, "--server", &url]).ended_with(2);
    assert!(refused.err.contains("those that are there need none"), "{}", refused.err);
    let versions = ["gate", "--run", "profile.toml", "--ab", "--base-set", "server.version=2.14.6", "--server", &url];
    let refused = place.run(&versions).ended_with(2);
    assert!(refused.err.contains("differ in server.version"), "{}", refused.err);
}

#[test]
fn whoever_stops_it_gets_what_there_is_and_nothing_is_left_even_of_one_that_is_killed() {
    for (what, code) in [(Signal::INT, Some(130)), (Signal::KILL, None)] {
        let place = Place::new();
        place.profile(&TINY.replace("measure = \"1s\"", "measure = \"5m\""));
        let live = place.start(place.jetlag(&["gate", "--run", "profile.toml", "--out", "out"]));
        let workers = || place.processes().into_iter().filter(|process| process.is_worker()).count();
        wait_for("a fleet to live", || (workers() >= 3).then_some(()));
        live.signal(what);
        let ended = live.end();
        assert_eq!(ended.code, code, "{}\n{}", ended.out, ended.err);
        // Before the run has begun there is nothing to judge, and that is said instead.
        let told = ended.out.contains("? interrupted") || ended.err.contains("stopped before there was a run");
        assert!(code.is_none() || told, "{}\n{}", ended.out, ended.err);
        place.wait_until_nobody_is_left();
    }
}
