//! The ways of the lease group to commit: each is taken through the same faults, and holds what is promised.

use jetlag::model::report::RunState;

use crate::order::comparison;
use crate::place::Place;

/// In which modes differ: what a crash may repeat, and how messages come.
const MODES: [(&str, &str); 6] = [
    ("checkpoint", "commit = \"checkpoint\", catch-up = 1"),
    ("ack-all", "commit = \"ack-all\", catch-up = 1"),
    ("ack-all-of-seven", "commit = \"ack-all\", ack-every = 7, catch-up = 1"),
    ("explicit", "commit = \"explicit\", catch-up = 1"),
    ("ack-all-pushed", "commit = \"ack-all\", deliver-by = \"push\""),
    ("explicit-pushed", "commit = \"explicit\", deliver-by = \"push\""),
];

/// A backlog that members with one place each are behind with, while one dies, one hangs beyond its lease, one leaves and one
/// comes back: what is sent by turns is neither lost nor overtaken.
#[test]
fn every_way_to_commit_keeps_order_through_a_crash_a_pause_and_a_hand_over_while_partitions_take_turns() {
    let place = Place::new();
    let mut profile = r#"
[run]
warm-up = "100ms"
measure = "3s"
drain = "60s"
[load]
rate = "300/s"
publishers = 1
keys = 24
backlog = 4000
[stream]
partitions = 12
[fleet]
members = 3
handler = "exponential"
handler-time = "2ms"
[[fault]]
kind = "kill"
target = "c1"
at = "400ms"
[[fault]]
kind = "pause"
target = "c2"
at = "900ms"
lasting = "900ms"
[[fault]]
kind = "restart"
target = "c1"
at = "2s"
[[fault]]
kind = "leave"
target = "c0"
at = "2500ms"
"#
    .to_owned();
    for (name, settings) in MODES {
        let strategy = format!("{{ kind = \"lease-group\", ttl = \"500ms\", batch = 40, {settings} }}");
        profile += &format!("[[variant]]\nname = \"{name}\"\nset = {{ strategy = {strategy} }}\n");
    }
    place.profile(&profile);
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let (_, told) = comparison(&ended);
    assert_eq!(told.len(), MODES.len());
    for (told, (name, _)) in told.into_iter().zip(MODES) {
        let told = told.is(RunState::Complete);
        assert_eq!((told.count("lost"), told.count("unhandled")), (0.0, 0.0), "{name}");
        assert_eq!(told.count("order_violations"), 0.0, "{name}");
        assert_eq!(told.count("overlap"), 0.0, "{name}");
        assert!(told.report.faults.iter().all(|fault| !fault.struck.is_empty()), "{name}: every fault struck");
    }
    place.wait_until_nobody_is_left();
}
