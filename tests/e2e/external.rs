//! Programs of the user's own as members: real ones, in Python, struck by real signals, and told about when they misbehave.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use jetlag::model::report::RunState;
use jetlag::model::story::StoryEvent;

use crate::place::{Place, Told};
use crate::processes::wait_for;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/fixtures/member.py");
const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A profile whose members are the fixture, with some sections of the test's own.
fn profile(place: &Place, manners: &str, strategy: &str, own: &str) {
    place.profile(&format!(
        r#"
[run]
warm-up = "300ms"
drain = "20s"
measure = "4s"
[stream]
partitions = 4
[load]
rate = "150/s"
publishers = 1
keys = 12
[fleet]
members = 3
handler-time = "2ms"
[strategy]
kind = "external"
command = ["python3", "{FIXTURE}"]
env = {{ {manners} }}
{strategy}
{own}"#
    ));
}

fn run(place: &Place, code: i32) -> Told {
    place.run(&["run", "profile.toml", "--out", "out"]).ended_with(code).report()
}

fn is_noted(told: &Told, words: &[&str]) {
    let notes = &told.report.notes;
    assert!(
        notes.iter().any(|note| words.iter().all(|word| note.contains(word))),
        "no note with {words:?}: {notes:#?}"
    );
}

#[test]
fn a_program_is_a_member_through_a_crash_a_pause_and_a_leave() {
    let place = Place::new();
    let own = r#"
[[fault]]
kind = "kill"
target = "c1"
at = "500ms"
[[fault]]
kind = "restart"
target = "c1"
at = "1s"
[[fault]]
kind = "pause"
target = "c0"
at = "1500ms"
lasting = "1500ms"
[[fault]]
kind = "leave"
target = "c2"
at = "3500ms"
"#;
    profile(&place, "", "promises = { at-least-once = true }", own);
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]));
    let worker = live.pid_of("c0.1");
    live.wait_for("the pause", |event| matches!(event, StoryEvent::Fault { kind, .. } if kind == "pause"));
    // It is the program that is stopped; the worker, which listens to it, is not.
    wait_for("a program to be paused", || place.processes().iter().any(|process| process.stopped).then_some(()));
    let stopped: Vec<_> = place.processes().into_iter().filter(|process| process.stopped).collect();
    assert!(stopped.iter().all(|process| process.pid != worker), "{stopped:?}");
    assert_eq!(stopped.len(), 1, "{stopped:?}");
    let told = live.end().ended_with(0).report().is(RunState::Complete);
    assert!(told.count("stored") > 300.0);
    assert_eq!(told.count("lost"), 0.0);
    assert_eq!(told.count("phantom"), 0.0);
    assert_eq!(told.report.faults.len(), 4);
    assert!(told.report.notes.is_empty(), "{:#?}", told.report.notes);
    place.wait_until_nobody_is_left();
}

#[test]
fn what_a_program_does_not_promise_is_counted_and_what_it_promises_is_held_against_it() {
    let place = Place::new();
    let pause = |member: &str| {
        format!("[[fault]]\nkind = \"pause\"\ntarget = \"{member}\"\nat = \"500ms\"\nlasting = \"2500ms\"\n")
    };
    let pauses = pause("c0") + &pause("c1");
    profile(&place, "", "promises = { order-per-key = true }", &pauses);
    // Three members share one durable: what a paused one was given comes again behind newer messages.
    let told = run(&place, 1).is(RunState::Violated);
    assert!(told.count("order_violations") > 0.0);
    told.gives_a_reason_with(&["promised order per key"]);
}

#[test]
fn a_program_that_dies_unasked_is_a_finding_and_the_run_goes_on() {
    let place = Place::new();
    let revive = "[[fault]]\nkind = \"restart\"\ntarget = \"c1\"\nat = \"3s\"\n";
    profile(&place, "MANNERS = \"dies\", MISBEHAVES = \"c1\"", "promises = { at-least-once = true }", revive);
    let told = run(&place, 0).is(RunState::Complete);
    is_noted(&told, &["the program of c1.1 ended unasked with exit code 3", "a reason to die"]);
    assert_eq!(told.count("lost"), 0.0);
}

#[test]
fn what_a_program_babbles_is_told_with_its_line_and_does_no_harm() {
    let place = Place::new();
    profile(&place, "MANNERS = \"babbles\", MISBEHAVES = \"c1\"", "promises = { at-least-once = true }", "");
    let told = run(&place, 0).is(RunState::Complete);
    is_noted(&told, &["c1.1: line ", "'INFO handled 1'", "logs belong on standard error"]);
    is_noted(&told, &["longer than 256 bytes"]);
    is_noted(&told, &["an id is the first 24 bytes of the payload"]);
    is_noted(&told, &["more lines of its standard output were not understood"]);
    assert!(told.report.notes.len() < 20, "{:#?}", told.report.notes);
}

#[test]
fn an_id_that_nobody_published_is_a_phantom() {
    let place = Place::new();
    profile(&place, "MANNERS = \"invents\", MISBEHAVES = \"c1\"", "", "");
    let told = run(&place, 1).is(RunState::Violated);
    assert!(told.count("phantom") >= 1.0);
    is_noted(&told, &["no message of this run has this id"]);
}

#[test]
fn a_program_that_does_not_stop_is_killed_and_told() {
    let place = Place::new();
    profile(&place, "MANNERS = \"stays\", MISBEHAVES = \"c1\"", "stop-within = \"500ms\"", "");
    let told = run(&place, 0).is(RunState::Complete);
    is_noted(&told, &["the program of c1.1 did not stop in good order", "did not stop within 500ms of SIGTERM"]);
    place.wait_until_nobody_is_left();
}

#[test]
fn a_fault_can_aim_at_the_owner_that_a_program_says_it_is() {
    let place = Place::new();
    let kill = "[[fault]]\nkind = \"kill\"\ntarget = \"owner-of:2\"\nat = \"1s\"\n";
    profile(&place, "MANNERS = \"claims\"", "owners = true", kill);
    let told = run(&place, 0);
    // Partition p is the member's whose index is p mod 3.
    assert_eq!(told.report.faults[0].struck, ["c2.1"]);
    assert!(told.report.figures.ownership.len() >= 4, "{:#?}", told.report.figures.ownership);
}

/// The program says in each commit what its clock showed, which is the clock of the journal.
#[test]
fn what_a_program_says_is_stamped_after_it_was_said_and_soon() {
    let place = Place::new();
    profile(&place, "MANNERS = \"tells the time\"", "", "");
    let told = run(&place, 0);
    let history = jetlag::evidence::load(&told.folder).expect("the evidence is whole");
    let commits = history.journals.iter().flat_map(|journal| &journal.commits);
    let mut late: Vec<u64> = commits
        .map(|commit| commit.at.0.checked_sub(commit.stream_seq).expect("nothing is heard before it is said"))
        .collect();
    late.sort_unstable();
    assert!(late.len() > 300, "{}", late.len());
    let at = |share: usize| late[(late.len() - 1) * share / 100] as f64 / 1e3;
    println!("late by {} us, p99 {} us, at most {} us", at(50), at(99), at(100));
    assert!(at(50) < 100_000.0, "half of all lines were stamped more than 100 ms late: {} us", at(50));
}

#[test]
fn what_cannot_be_started_is_refused_before_anything_is_made() {
    let place = Place::new();
    place.profile("[strategy]\nkind = \"external\"\ncommand = [\"jetlag-no-such-program\"]\n");
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(3);
    assert!(ended.err.contains("no program 'jetlag-no-such-program' in PATH"), "{}", ended.err);
    assert!(place.run_folder().is_none());

    place.profile(
        "[strategy]\nkind = \"external\"\ncommand = [\"python3\", \"-c\", \"raise SystemExit('no licence')\"]\n",
    );
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(3);
    assert!(
        ended.err.contains("its program ended before it was ready") && ended.err.contains("no licence"),
        "{}",
        ended.err
    );
    place.wait_until_nobody_is_left();
}

#[test]
fn the_check_finds_nothing_wrong_with_a_good_program() {
    let place = Place::new();
    let ended = place.run(&["external", "check", "--json", "--", "python3", FIXTURE]).ended_with(0);
    let told: serde_json::Value = serde_json::from_str(&ended.out).expect("it prints JSON");
    assert_eq!(told["ok"], true);
    let acts: std::collections::BTreeSet<_> =
        told["checks"].as_array().expect("a list").iter().filter_map(|check| check["act"].as_str()).collect();
    assert_eq!(acts.len(), 2, "{told:#}");
    place.wait_until_nobody_is_left();
}

#[test]
fn the_check_says_in_plain_words_what_is_wrong() {
    let place = Place::new();
    let check = |manners: &str| {
        let manners = format!("MANNERS={manners}");
        place.run(&["external", "check", "--env", &manners, "--", "python3", FIXTURE]).ended_with(1).out
    };
    for (manners, expected) in [
        ("babbles", "logs belong on standard error"),
        ("invents", "echo the first 24 bytes of the payload"),
        ("stays", "did not stop within 5s of SIGTERM"),
        ("dies", "exited with code 3; its last words: a reason to die"),
    ] {
        let out = check(manners);
        assert!(out.contains("WRONG") && out.contains(expected), "{manners}:\n{out}");
    }
    let silent = place.run(&["external", "check", "--", "python3", "-c", "print('hello')"]).ended_with(1).out;
    assert!(silent.contains("WRONG  it starts and says `ready 1`") && silent.contains("hello"), "{silent}");
    place.wait_until_nobody_is_left();
}

/// What can only be said on the terminal: the test runner keeps back what is printed.
fn say_that_it_was_not_run(what: &str, why: &str) {
    let _ = writeln!(std::io::stderr(), "NOT RUN: the example {what}: {}", why.trim());
}

/// The examples are held to the protocol wherever what they need can be had; where it cannot, that is said.
#[test]
fn the_examples_speak_the_protocol() {
    let place = Place::new();
    for (what, command) in [
        ("nats-py", &["target/adapters/nats-py/bin/python3", "scripts/adapters/python_nats.py"][..]),
        ("pcgroups", &["target/adapters/pcgroups/bin/python3", "scripts/adapters/pcgroups_static.py"]),
        ("pcgroups", &["target/adapters/pcgroups/bin/python3", "scripts/adapters/pcgroups_elastic.py"]),
        ("pcgroups-go", &["target/adapters/pcgroups-go"]),
    ] {
        let made =
            Command::new(Path::new(ROOT).join("scripts/adapters/setup")).arg(what).output().expect("it is a script");
        if !made.status.success() {
            say_that_it_was_not_run(what, &String::from_utf8_lossy(&made.stdout));
            continue;
        }
        let mut words = vec!["external", "check", "--"];
        words.extend(command);
        let mut check = place.jetlag(&words);
        check.current_dir(ROOT);
        let ended = place.start(check).end().ended_with(0);
        assert!(ended.out.contains("The program speaks the protocol."), "{what}: {}", ended.out);
    }
    place.wait_until_nobody_is_left();
}
