//! Handlers: how long they take, at what, and what becomes of the messages on which they fail.

use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::RunState;

use crate::order::comparison;
use crate::place::{Place, Told};

const SHORT: &str = r#"
[run]
warm-up = "100ms"
measure = "1500ms"
drain = "30s"
[stream]
partitions = 2
[load]
rate = "100/s"
publishers = 1
keys = 10
[fleet]
members = 2
"#;

/// Runs one variant a line of `variants`: its name, and what it sets.
fn runs(variants: &[(&str, &str)]) -> Vec<Told> {
    let place = Place::new();
    let mut profile = SHORT.to_owned();
    for (name, set) in variants {
        profile += &format!("[[variant]]\nname = \"{name}\"\n[variant.set]\n{set}\n");
    }
    place.profile(&profile);
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    place.wait_until_nobody_is_left();
    let (_, told) = comparison(&ended);
    assert_eq!(told.len(), variants.len());
    told.into_iter().map(|told| told.is(RunState::Complete)).collect()
}

fn quantile(told: &Told, metric: &str, stat: Stat) -> f64 {
    told.reading(metric, stat, &Scope::Run).expect("it was measured")
}

#[test]
fn handlers_take_as_long_as_the_profile_says_and_at_what_it_says() {
    let told = runs(&[
        (
            "bimodal",
            "\"fleet.handler\" = \"bimodal\"\n\"fleet.handler-time\" = \"1ms\"\n\"fleet.slow-time\" = \"30ms\"\n\
             \"fleet.slow-share\" = 0.2",
        ),
        ("none", "\"fleet.handler\" = \"none\""),
        ("wait", "\"fleet.handler-time\" = \"4ms\""),
        ("cpu", "\"fleet.handler-time\" = \"4ms\"\n\"fleet.handler-work\" = \"cpu\""),
    ]);
    let [bimodal, none, wait, cpu] = &told[..] else { panic!("four runs") };
    assert!(quantile(bimodal, "handling", Stat::P50) < 30.0, "most are fast");
    assert!(quantile(bimodal, "handling", Stat::P99) >= 30.0, "a fifth is slow");
    assert!(quantile(none, "handling", Stat::P50) < quantile(wait, "handling", Stat::P50));
    assert!(quantile(wait, "handling", Stat::P50) >= 4.0);
    assert!(quantile(cpu, "handling", Stat::P50) >= 4.0);
    // Four milliseconds of a core each are four thousand seconds a million.
    let consumers = Scope::Process("consumers".to_owned());
    let burnt = cpu.reading("cpu_per_million", Stat::Value, &consumers).expect("it was sampled");
    let waited = wait.reading("cpu_per_million", Stat::Value, &consumers).expect("it was sampled");
    assert!(burnt - waited > 2_000.0, "{burnt} s a million against {waited}");
}

#[test]
fn what_fails_comes_again_and_is_handled_in_the_end_however_it_is_given_back() {
    let of = |kind: &str, share: f64, failure: &str| {
        format!("strategy = {{ kind = \"{kind}\", ack-wait = \"1s\" }}\n\"fleet.fail-share\" = {share}\n{failure}")
    };
    let with = |kind: &str, failure: &str| of(kind, 0.2, failure);
    let seldom = |kind: &str, failure: &str| of(kind, 0.05, failure);
    let twice = "\"fleet.fail-times\" = 2\n";
    let cases = [
        ("retry", with("shared-pull", twice)),
        ("nak", with("shared-pull", &format!("{twice}\"fleet.on-failure\" = \"nak\""))),
        ("nak-delay", with("shared-pull", "\"fleet.on-failure\" = \"nak-delay\"\n\"fleet.nak-delay\" = \"300ms\"")),
        ("no-ack", with("shared-pull", "\"fleet.on-failure\" = \"no-ack\"")),
        ("queue-nak", with("queue-group", "\"fleet.on-failure\" = \"nak\"")),
        ("serial-nak", seldom("serial", "\"fleet.on-failure\" = \"nak\"")),
        ("pinned-nak", seldom("pinned", "\"fleet.on-failure\" = \"nak\"")),
        ("key-sequence-nak", with("key-sequence", "\"fleet.on-failure\" = \"nak\"")),
        (
            "lease-group",
            format!("strategy = {{ kind = \"lease-group\", ttl = \"1s\" }}\n\"fleet.fail-share\" = 0.2\n{twice}"),
        ),
        ("ordered", "strategy = { kind = \"ordered\" }\n\"fleet.members\" = 1\n\"fleet.fail-share\" = 0.2".to_owned()),
    ];
    let variants: Vec<_> = cases.iter().map(|(name, set)| (*name, set.as_str())).collect();
    for (told, (name, _)) in runs(&variants).iter().zip(&cases) {
        let times = if ["retry", "nak", "lease-group"].contains(name) { 2.0 } else { 1.0 };
        assert!(told.count("aborted") >= times, "{name}: some handlers failed");
        assert_eq!((told.count("lost"), told.count("unhandled")), (0.0, 0.0), "{name}");
        if told.report.promises.order_per_key {
            assert_eq!(told.count("order_violations"), 0.0, "{name}");
        }
    }
}

#[test]
fn the_same_messages_fail_whatever_the_strategy() {
    let told = runs(&[
        (
            "shared",
            "strategy = { kind = \"shared-pull\" }\n\"fleet.fail-share\" = 0.2\n\"load.arrivals\" = \"uniform\"",
        ),
        (
            "leases",
            "strategy = { kind = \"lease-group\" }\n\"fleet.fail-share\" = 0.2\n\"load.arrivals\" = \"uniform\"",
        ),
    ]);
    let [shared, leases] = &told[..] else { panic!("two runs") };
    assert_eq!(shared.count("stored"), leases.count("stored"), "the same load");
    assert!(shared.count("aborted") > 0.0);
    assert_eq!(shared.count("aborted"), leases.count("aborted"), "each fails once");
}

#[test]
fn what_is_given_up_is_dropped_and_neither_lost_nor_waited_for() {
    let shared = "\"fleet.fail-share\" = 0.2\nstrategy = { kind = \"shared-pull\" }\n";
    let queue = "\"fleet.fail-share\" = 0.2\nstrategy = { kind = \"queue-group\" }\n";
    let for_ever = "\"fleet.fail-times\" = 0\n\"strategy.max-deliver\" = 2\n";
    let cases = [
        // Name, settings, how often the handler fails on a message before it is given up.
        ("term", format!("{shared}\"fleet.on-failure\" = \"term\""), 1.0),
        ("queue-term", format!("{queue}\"fleet.on-failure\" = \"term\"\n\"strategy.double-ack\" = true"), 1.0),
        ("max-deliver", format!("{shared}{for_ever}\"fleet.on-failure\" = \"nak\""), 2.0),
        (
            "back-off",
            format!("{queue}{for_ever}\"fleet.on-failure\" = \"no-ack\"\n\"strategy.back-off\" = [\"1500ms\"]"),
            2.0,
        ),
    ];
    let variants: Vec<_> = cases.iter().map(|(name, set, _)| (*name, set.as_str())).collect();
    for (told, (name, _, times)) in runs(&variants).iter().zip(&cases) {
        assert!(!told.report.promises.at_least_once, "{name}");
        let dropped = told.count("dropped");
        assert!(dropped > 0.0, "{name}");
        assert_eq!(told.count("aborted"), times * dropped, "{name}");
        assert_eq!((told.count("lost"), told.count("unhandled")), (0.0, 0.0), "{name}");
        assert!(told.count("handled") >= told.count("stored") - dropped, "{name}");
        assert!(told.report.notes.iter().any(|note| note.contains("given up")), "{name}: {:?}", told.report.notes);
    }
}

/// +WPI is about the message in hand. What waits behind it in the member's buffer grows old.
#[test]
fn telling_that_a_message_is_in_progress_saves_that_one_and_not_those_behind_it() {
    let slow = "strategy = { kind = \"shared-pull\", ack-wait = \"1200ms\", batch = BATCH, threshold = 0 }\n\
                \"load.rate\" = \"4/s\"\n\"fleet.handler-time\" = \"1500ms\"\n";
    let telling = "\"fleet.in-progress-every\" = \"150ms\"\n";
    let of = |batch: &str, telling: &str| format!("{}{telling}", slow.replace("BATCH", batch));
    let told = runs(&[
        ("silent", &of("1", "")),
        ("telling", &of("1", telling)),
        ("telling-with-a-buffer", &of("20", telling)),
    ]);
    let [silent, telling, buffered] = &told[..] else { panic!("three runs") };
    let repeats = |told: &Told| told.count("handled") - told.count("stored");
    // Another member gets the message while the first one still works on it.
    assert!(repeats(silent) > 0.0, "a handler that is slower than the ack wait");
    assert_eq!(repeats(telling), 0.0, "the message in hand is safe");
    assert!(repeats(buffered) > 0.0, "those behind it are not");
    for told in &told {
        assert_eq!(told.count("lost"), 0.0);
    }
}
