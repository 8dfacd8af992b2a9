//! Runs that were really made, held against each other: the folders are as `run` leaves them.

use serde_json::Value;

use crate::place::Place;

/// Three repeats with one crash each, in a folder of that name.
fn repeats(place: &Place, folder: &str) -> String {
    let ended = place.run(&["run", "profile.toml", "--out", folder, "--json"]).ended_with(0);
    let said: Value = serde_json::from_str(&ended.out).expect("one object");
    said["run_dir"].as_str().expect("it names its folder").to_owned()
}

#[test]
fn what_was_run_twice_is_comparable_and_breaks_nothing_and_a_baseline_outlives_its_runs() {
    let place = Place::new();
    place.profile(
        r#"
[run]
warm-up = "100ms"
measure = "1500ms"
drain = "20s"
repeat = 3
[stream]
partitions = 4
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
at = "300ms"
"#,
    );
    let (base, head) = (repeats(&place, "base"), repeats(&place, "head"));
    place.run(&["baseline", "save", "before", &base]).ended_with(0);
    std::fs::remove_dir_all(place.path().join(&base)).expect("it was made");

    let ended = place.run(&["compare", "before", &head, "--format", "json"]).ended_with(0);
    let contrast = jetlag::render::contrast::parse(&ended.out).expect("it is a contrast");
    let pair = &contrast.pairs[0];
    assert_eq!(contrast.sides.iter().map(|side| side.runs.len()).collect::<Vec<_>>(), [3, 3]);
    for metric in ["order_violations", "lost", "dual_ownership"] {
        let row = pair.rows.iter().find(|row| row.metric == metric).expect("correctness is always compared");
        assert_eq!((row.base.median, row.other.median), (Some(0.0), Some(0.0)), "{metric}");
    }
    for metric in ["ordered_per_s", "end_to_end", "gap", "cpu_per_million"] {
        let row = pair.rows.iter().find(|row| row.metric == metric).expect("it was measured");
        assert_eq!((row.base.values.len(), row.other.values.len()), (3, 3), "{metric}");
    }
    // Three repeats never call anything different, however noisy the machine.
    let moved: Vec<_> =
        pair.rows.iter().filter(|row| ["better", "worse"].contains(&row.outcome.to_string().as_str())).collect();
    assert!(moved.is_empty(), "{moved:#?}");

    // The same question with another lease time is another question.
    let other =
        place.run(&["run", "profile.toml", "--out", "other", "--json", "--set", "strategy.ttl=1s"]).ended_with(0);
    let other: Value = serde_json::from_str(&other.out).expect("one object");
    let other = other["run_dir"].as_str().expect("it names its folder").to_owned();
    place.run(&["compare", "before", &other]).ended_with(5);
    place.run(&["compare", "before", &other, "--vary", "strategy.ttl"]).ended_with(0);
}
