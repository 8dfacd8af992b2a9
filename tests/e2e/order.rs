//! Ways of consuming side by side, struck by the same faults: who keeps order and who does not.

use jetlag::model::comparison::Comparison;
use jetlag::model::report::RunState;
use serde_json::Value;

use crate::place::{Ended, Place, Told};

/// The comparison that a run with variants made, after it was held against its schema.
pub(crate) fn comparison(ended: &Ended) -> (Comparison, Vec<Told>) {
    let page = ended.page();
    assert!(page.ends_with("comparison.html"), "{}", page.display());
    let folder = page.parent().expect("it lies in a folder");
    let text = std::fs::read_to_string(folder.join("comparison.json")).expect("it is there");
    let schema = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/comparison.schema.json"));
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    assert!(validator.is_valid(&serde_json::from_str(&text).expect("it is JSON")), "{text}");
    let compared = jetlag::render::comparison::parse(&text).expect("it is a comparison");
    let told = compared.rows.iter().map(|row| Told::read(&folder.join(&row.path))).collect();
    (compared, told)
}

#[test]
fn resuming_the_dead_owners_durable_breaks_order_and_the_safe_takeover_does_not() {
    let place = Place::new();
    // One message takes long enough, and more come than one member can handle, so that a pulled batch is in hand when
    // its owner dies; it comes again after the ack wait, behind what the next owner has handled by then.
    place.profile(
        r#"
[run]
warm-up = "500ms"
measure = "6s"
drain = "40s"
[stream]
partitions = 4
[load]
rate = "300/s"
keys = 20
[fleet]
members = 2
handler-time = "5ms"
[strategy]
kind = "lease-group"
ttl = "1s"
commit = "explicit"
ack-wait = "3s"
[[fault]]
kind = "kill"
target = "owner-of:0"
at = "2s"
[[variant]]
name = "safe"
set = { "strategy.takeover" = "safe" }
[[variant]]
name = "resume"
set = { "strategy.takeover" = "resume" }
"#,
    );
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(1);
    let (compared, told) = comparison(&ended);
    assert_eq!(compared.state, RunState::Violated, "the worst of the two");
    assert_eq!(compared.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), ["safe", "resume"]);
    let [safe, resume] = told.try_into().expect("two runs");

    let safe = safe.is(RunState::Complete);
    assert_eq!((safe.count("order_violations"), safe.count("lost")), (0.0, 0.0));

    let resume = resume.is(RunState::Violated);
    assert!(resume.count("order_violations") > 0.0);
    resume.gives_a_reason_with(&["promised order per key"]);
    let evidence = resume.report.violations.iter().find(|violation| violation.promised).expect("evidence is shown");
    assert_eq!(evidence.fault, Some(0), "it fell in the window of the crash: {evidence:?}");
    assert_eq!(safe.report.faults[0].kind, resume.report.faults[0].kind);
    place.wait_until_nobody_is_left();
}

#[test]
fn a_shared_consumer_breaks_order_and_the_group_does_not_and_the_price_is_told() {
    let place = Place::new();
    place.profile(
        r#"
[run]
warm-up = "500ms"
measure = "5s"
drain = "40s"
[stream]
partitions = 4
[load]
rate = "500/s"
keys = 20
[fleet]
members = 3
handler-time = "1ms"
[[fault]]
kind = "kill"
target = "c1"
at = "1s"
[[fault]]
kind = "restart"
target = "c1"
at = "3s"
[[variant]]
name = "group"
set = { strategy = { kind = "lease-group", ttl = "1s", commit = "explicit" } }
[[variant]]
name = "shared"
set = { strategy = { kind = "shared-pull", ack-wait = "2s" } }
"#,
    );
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let (compared, told) = comparison(&ended);
    let [group, shared] = told.try_into().expect("two runs");
    let (group, shared) = (group.is(RunState::Complete), shared.is(RunState::Complete));
    assert_eq!(group.count("order_violations"), 0.0);
    assert!(shared.count("order_violations") > 0.0, "it promises no order, and keeps none");
    assert_eq!((group.count("lost"), shared.count("lost")), (0.0, 0.0), "both promise that nothing is lost");
    assert!(compared.price_of_order.is_some_and(|price| price.best_modes > 0.0), "{:?}", compared.price_of_order);
    assert!(!compared.findings.is_empty());
    place.wait_until_nobody_is_left();
}
