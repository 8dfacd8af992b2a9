//! `--keep-evidence violations`: what was verified goes while the run goes on, and the report says the same.

use jetlag::model::report::RunState;
use jetlag::model::story::StoryEvent;

use crate::place::Place;

/// Enough for some segments of 65,535 records in a few seconds, on any machine.
const PROFILE: &str = r#"# Is what was verified dropped?
[run]
warm-up = "200ms"
measure = "9s"
drain = "20s"
[stream]
partitions = 8
max-bytes = "256MiB"
duplicate-window = "5s"
[load]
publishers = 1
rate = "20000/s"
payload = "64B"
keys = 50
window = 2048
path = "plain"
[fleet]
members = 2
[limits]
schedule-lag-p99 = "60s"
[strategy]
kind = "lease-group"
ttl = "1s"
"#;

#[test]
fn what_was_verified_is_dropped_and_the_report_counts_all_of_it() {
    let place = Place::new();
    let faults = r#"
[[fault]]
kind = "kill"
target = "owner-of:0"
at = "1s"
[[fault]]
kind = "restart"
target = "random"
at = "1500ms"
[[fault]]
kind = "pause"
target = "owner-of:3"
at = "2500ms"
lasting = "1500ms"
"#;
    place.write("profile.toml", &format!("{PROFILE}{faults}"));
    let ended = place.run(&["run", "profile.toml", "--keep-evidence", "violations", "--out", "out"]).ended_with(0);
    let told = ended.report().is(RunState::Complete);
    let dropped =
        jetlag::evidence::load(&told.folder).expect("what is left can be read").dropped.expect("something was dropped");
    assert!(dropped.segments > 0 && dropped.records > 10_000 && dropped.kept == 0, "{dropped:?}");
    // What publishers and members say, whoever counted it.
    let read = jetlag::evidence::load(&told.folder).expect("what is left can be read");
    assert_eq!(read.damage, Vec::<String>::new());
    assert_eq!((told.count("lost"), told.count("order_violations"), told.count("overlap")), (0.0, 0.0, 0.0));
    assert_eq!(told.count("stored"), told.count("attempted"));
    assert_eq!(told.report.faults.len(), 3);
    assert!(read.story.iter().any(|line| matches!(line.event, StoryEvent::Resumed { .. })), "it was paused");
    // What is left is not judged as if it were all, and the report is shown again.
    let run = told.folder.to_string_lossy().into_owned();
    let refused = place.run(&["analyze", &run]).ended_with(3);
    assert!(refused.err.contains("only a part of its evidence"), "{refused:?}");
    place.run(&["report", &run, "--format", "json"]).ended_with(0);
    place.wait_until_nobody_is_left();
}

#[test]
fn what_lies_around_a_violation_stays_and_can_be_explained() {
    let place = Place::new();
    let fault = r#"takeover = "resume"
commit = "explicit"
ack-wait = "2s"
[[fault]]
kind = "kill"
target = "owner-of:0"
at = "1s"
"#;
    let profile = format!("{PROFILE}{fault}").replace("20000/s", "12000/s");
    place.write("profile.toml", &profile.replace("[run]", "[run]\nkeep-evidence = \"violations\""));
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(1);
    let told = ended.report().is(RunState::Violated);
    let left = jetlag::evidence::load(&told.folder).expect("what is left can be read");
    let dropped = left.dropped.as_ref().expect("something was dropped");
    assert!(dropped.kept > 0, "{dropped:?}");
    let number = 1 + told.report.violations.iter().position(|violation| violation.promised).expect("evidence is shown");
    let run = told.folder.to_string_lossy().into_owned();
    let explained = place.run(&["explain", &run, "--violation", &number.to_string()]).ended_with(0);
    let violation = &told.report.violations[number - 1];
    for words in ["What went wrong", "received", "committed"] {
        assert!(explained.out.contains(words), "{words}: {}", explained.out);
    }
    let key = violation.key.expect("order is broken in a key");
    let handlings = || left.journals.iter().flat_map(|journal| &journal.handlings);
    assert!(handlings().any(|handling| handling.key == key && handling.partition == violation.partition));
    assert!(explained.err.contains("were removed when they had been verified"), "{}", explained.err);
    place.wait_until_nobody_is_left();
}
