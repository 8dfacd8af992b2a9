//! Effects of superseded owners, with and without a fence; and owners that are missed long before their lease ends.

use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::RunState;

use crate::place::Place;
use crate::server::OwnServer;

/// Everybody is busy nearly all the time, so that a pause finds a message in hand; and it lasts longer than the lease.
const PAUSES: &str = r#"
[run]
warm-up = "200ms"
measure = "6s"
drain = "20s"
[stream]
partitions = 8
[load]
rate = "400/s"
publishers = 1
keys = 12
[fleet]
members = 3
handler = "fixed"
handler-time = "15ms"
[[fault]]
kind = "pause"
target = "c0"
at = "500ms"
lasting = "1500ms"
[[fault]]
kind = "pause"
target = "c1"
at = "2500ms"
lasting = "1500ms"
[[fault]]
kind = "pause"
target = "c2"
at = "4500ms"
lasting = "1200ms"
"#;

#[test]
fn a_paused_owner_stores_an_effect_behind_its_successor_and_the_fence_refuses_it() {
    let place = Place::new();
    place.profile(&format!("{PAUSES}[strategy]\nkind = \"lease-group\"\nttl = \"500ms\"\nsink = \"plain\"\n"));
    let plain = place.run(&["run", "profile.toml", "--out", "plain"]).ended_with(0).report().is(RunState::Complete);
    assert!(plain.count("stale_effect") > 0.0, "nobody kept the late effects out");
    assert_eq!(plain.count("effects_refused"), 0.0);
    let told: Vec<_> = plain.report.violations.iter().filter(|told| told.kind == "stale_effect").collect();
    assert!(told.iter().all(|told| !told.promised && !told.members.is_empty()), "{told:#?}");
    assert_eq!(plain.count("stale_handling"), 0.0, "they had begun in time");

    let fenced = ["run", "profile.toml", "--out", "fenced", "--set", "strategy.sink=\"fenced\""];
    let fenced = place.run(&fenced).ended_with(0).report().is(RunState::Complete);
    assert!(fenced.report.promises.fenced);
    assert_eq!(fenced.count("stale_effect"), 0.0);
    assert!(fenced.count("effects_refused") > 0.0, "the same late effects were tried");
    assert!(fenced.count("effects_stored") >= fenced.count("stored"), "each message has had its effect");
    for metric in ["lost", "order_violations"] {
        assert_eq!(fenced.count(metric), 0.0, "{metric}");
    }
    place.wait_until_nobody_is_left();
}

/// Two crashes, and a newcomer between them to whom the first of the dead still looks alive.
const CRASHES: &str = r#"
[run]
warm-up = "500ms"
measure = "5s"
drain = "20s"
[stream]
partitions = 6
[load]
rate = "300/s"
keys = 60
[fleet]
members = 3
handler = "none"
[[fault]]
kind = "kill"
target = "c1"
at = "1s"
[[fault]]
kind = "restart"
target = "c1"
at = "2s"
[[fault]]
kind = "kill"
target = "c2"
at = "3500ms"
"#;

#[test]
fn a_killed_owner_is_missed_long_before_its_lease_ends() {
    let strategy = "[strategy]\nkind = \"lease-group\"\nttl = \"20s\"\nhints = [\"probe\"]\nprobe-every = \"5ms\"\n";
    for own in ["sink = \"fenced\"", "unsafe-hints = true"] {
        let place = Place::new();
        let server = OwnServer::start(&place);
        place.profile(&format!("{CRASHES}{strategy}{own}\n"));
        let words = ["run", "profile.toml", "--out", "out", "--server", &server.url()];
        let told = place.run(&words).ended_with(0).report().is(RunState::Complete);
        assert!(!told.report.promises.exclusive && !told.report.promises.order_per_key, "a hint may be false");
        for metric in ["lost", "order_violations"] {
            assert_eq!(told.count(metric), 0.0, "{own}: {metric}");
        }
        if told.report.promises.fenced {
            assert_eq!((told.count("stale_effect"), told.count("effects_refused")), (0.0, 0.0));
        }
        // The lease alone would have lasted 13 s at least.
        let longest = told.reading("end_to_end", Stat::Max, &Scope::Run).expect("something was handled");
        assert!(longest < 6_500.0, "{own}: a message waited {longest} ms: {:#?}", told.report.faults);
        assert_eq!(server.streams(), [""; 0], "the sink is removed, too");
        place.wait_until_nobody_is_left();
    }
}

#[test]
fn a_killed_owner_is_missed_by_what_the_server_tells_its_system_account() {
    let place = Place::new();
    let strategy = "[strategy]\nkind = \"lease-group\"\nttl = \"20s\"\nhints = [\"sys\"]\nsink = \"fenced\"\n";
    place.profile(&format!("{CRASHES}{strategy}"));
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report().is(RunState::Complete);
    for metric in ["lost", "order_violations", "stale_effect"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    let longest = told.reading("end_to_end", Stat::Max, &Scope::Run).expect("something was handled");
    assert!(longest < 6_500.0, "a message waited {longest} ms: {:#?}", told.report.faults);

    let server = OwnServer::start(&place);
    let refused = place.run(&["run", "profile.toml", "--out", "own", "--server", &server.url()]).ended_with(3);
    for words in ["system account", "hints = [\"probe\"]"] {
        assert!(refused.err.contains(words), "it does not say {words:?}: {}", refused.err);
    }
    place.wait_until_nobody_is_left();
}

#[test]
fn a_server_that_knows_no_fence_is_refused_before_anything_is_made() {
    let place = Place::new();
    let server = OwnServer::start_version(&place, "2.10.26");
    place.profile("[strategy]\nkind = \"lease-group\"\nsink = \"fenced\"\n");
    let refused = place.run(&["run", "profile.toml", "--out", "out", "--server", &server.url()]).ended_with(3);
    for words in ["fence", "2.10.26", "2.11"] {
        assert!(refused.err.contains(words), "it does not say {words:?}: {}", refused.err);
    }
    assert_eq!(server.streams(), [""; 0], "nothing was made");
    place.wait_until_nobody_is_left();
}
