//! Every strategy there is, held to what it promises: a graceful leave, and a crash with a restart.

use jetlag::model::report::RunState;
use jetlag::strategy;

use crate::order::comparison;
use crate::place::Place;

/// The fixture shares one durable as `shared-pull` does, so that is what is promised of it.
const EXTERNAL: &str = concat!(
    "promises = { at-least-once = true }, command = [\"python3\", \"",
    env!("CARGO_MANIFEST_DIR"),
    "/tests/e2e/fixtures/member.py\"]"
);

/// What strikes a group, and what strikes where one member is all there can be.
struct Faults {
    group: &'static str,
    alone: &'static str,
}

/// Runs every strategy through `faults`, one after the other, and holds each to its promises.
fn every_strategy_keeps_its_promises(phases: &str, faults: &Faults) {
    let kinds: Vec<_> = strategy::ALL.iter().map(|about| about.kind).collect();
    strategies_keep_their_promises(&kinds, phases, faults);
}

fn strategies_keep_their_promises(kinds: &[&str], phases: &str, faults: &Faults) {
    let place = Place::new();
    let mut profile = format!(
        r#"
[run]
warm-up = "100ms"
drain = "20s"
{phases}
[stream]
partitions = 4
[load]
rate = "150/s"
publishers = 1
keys = 12
[fleet]
members = 3
handler-time = "2ms"
"#
    );
    for &kind in kinds {
        let own = match kind {
            "lease-group" => "ttl = \"500ms\"",
            "ordered" => "start = \"all\"",
            "pinned" => "ack-wait = \"1s\", pin-ttl = \"500ms\"",
            "external" => EXTERNAL,
            _ => "ack-wait = \"1s\"",
        };
        let (members, fault) = if kind == "ordered" { (1, faults.alone) } else { (3, faults.group) };
        profile += &format!(
            "[[variant]]\nname = \"{kind}\"\n[variant.set]\nstrategy = {{ kind = \"{kind}\", {own} }}\n\
             \"fleet.members\" = {members}\nfault = [{fault}]\n"
        );
    }
    place.profile(&profile);

    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let (compared, told) = comparison(&ended);
    let names: Vec<_> = compared.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, kinds);
    for (kind, told) in names.into_iter().zip(told) {
        // Complete says that no promise was broken and that the measurement can be trusted.
        let told = told.is(RunState::Complete);
        assert!(told.count("stored") > 100.0, "{kind}");
        assert_eq!(told.count("lost"), 0.0, "{kind}");
        assert!(told.report.faults.iter().all(|fault| !fault.struck.is_empty()), "{kind}: every fault struck");
        if told.report.promises.order_per_key {
            assert_eq!(told.count("order_violations"), 0.0, "{kind}");
        }
    }
    place.wait_until_nobody_is_left();
}

#[test]
fn no_strategy_loses_a_message_when_a_member_leaves() {
    let faults = Faults {
        group: r#"{ kind = "leave", target = "c1", at = "600ms" }"#,
        alone: r#"{ kind = "restart", target = "c0", at = "600ms" }"#,
    };
    every_strategy_keeps_its_promises("measure = \"1500ms\"", &faults);
}

#[test]
fn every_strategy_survives_a_crash_as_it_promises() {
    let faults = Faults {
        group: r#"{ kind = "kill", target = "c1", at = "500ms" }, { kind = "restart", target = "c1", at = "1500ms" }"#,
        alone: r#"{ kind = "kill", target = "c0", at = "500ms" }, { kind = "restart", target = "c0", at = "1s" }"#,
    };
    every_strategy_keeps_its_promises("measure = \"2500ms\"", &faults);
}

/// Order without leases: what went to somebody else while a member was paused is left alone when it wakes.
#[test]
fn who_promises_order_without_exclusion_keeps_it_through_a_pause() {
    let pause = r#"{ kind = "pause", target = "c1", at = "500ms", lasting = "2500ms" }"#;
    let faults = Faults { group: pause, alone: pause };
    strategies_keep_their_promises(&["serial", "pinned", "key-sequence"], "measure = \"4s\"", &faults);
}
