//! Effects of superseded owners, with and without a fence; and owners that are missed long before their lease ends.

use std::time::Duration;

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

#[test]
fn a_killed_owner_is_missed_long_before_its_lease_ends() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    place.profile(
        r#"
[run]
warm-up = "500ms"
measure = "3s"
drain = "20s"
[stream]
partitions = 4
[load]
rate = "400/s"
keys = 40
[fleet]
members = 3
[strategy]
kind = "lease-group"
ttl = "10s"
sink = "fenced"
hints = ["probe"]
[[fault]]
kind = "kill"
target = "c1"
at = "1s"
"#,
    );
    let words = ["run", "profile.toml", "--out", "out", "--server", &server.url()];
    let told = place.run(&words).ended_with(0).report().is(RunState::Complete);
    for metric in ["lost", "stale_effect", "order_violations", "effects_refused"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    let gaps: Vec<f64> = told.report.faults[0]
        .partitions
        .iter()
        .filter(|gap| gap.affected)
        .filter_map(|gap| Some(gap.phases.as_ref()?.detect_ms? + gap.phases.as_ref()?.claim_ms?))
        .collect();
    assert!(!gaps.is_empty(), "{:#?}", told.report.faults);
    // The lease would have lasted 6.7 s at least.
    let most = Duration::from_secs(3).as_secs_f64() * 1e3;
    assert!(gaps.iter().all(|gap| *gap < most), "{gaps:?}");
    assert_eq!(server.streams(), [""; 0], "the sink is removed, too");
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
