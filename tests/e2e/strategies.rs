//! Every strategy there is, held to what it promises: a graceful leave, a crash with a restart, one copy and three.

use jetlag::model::reading::Scope;
use jetlag::model::report::RunState;
use jetlag::strategy::{self, Strategy};

use crate::order::comparison;
use crate::place::{Ended, Place, Told};
use crate::server::OwnServer;

/// What must be known of a strategy in order to try it.
pub(crate) struct Row {
    pub(crate) kind: &'static str,
    /// Its settings, as a profile has them. Waits are short, so that what a crash leaves behind comes again soon.
    own: &'static str,
    /// Of a stream with three replicas: how many its consumers have, and whether they are in memory.
    pub(crate) consumers: Option<(usize, bool)>,
    /// Of a stream with three replicas: how many its bucket has.
    pub(crate) bucket: Option<usize>,
}

/// A durable with the replicas and the storage of the stream.
const LIKE_THE_STREAM: Option<(usize, bool)> = Some((3, false));
/// In memory, on one server.
const PRIVATE: Option<(usize, bool)> = Some((1, true));

/// In which strategies differ. A strategy without a row fails the tests below.
const ROWS: &[Row] = &[
    Row { kind: "lease-group", own: "ttl = \"500ms\"", consumers: PRIVATE, bucket: Some(3) },
    Row { kind: "shared-pull", own: "ack-wait = \"1s\"", consumers: LIKE_THE_STREAM, bucket: None },
    Row { kind: "queue-group", own: "ack-wait = \"1s\"", consumers: LIKE_THE_STREAM, bucket: None },
    Row { kind: "serial", own: "ack-wait = \"1s\"", consumers: LIKE_THE_STREAM, bucket: None },
    Row { kind: "ordered", own: "start = \"all\"", consumers: PRIVATE, bucket: None },
    Row { kind: "pinned", own: "ack-wait = \"1s\", pin-ttl = \"500ms\"", consumers: LIKE_THE_STREAM, bucket: None },
    Row { kind: "core-queue", own: "", consumers: None, bucket: None },
    Row { kind: "external", own: EXTERNAL, consumers: LIKE_THE_STREAM, bucket: None },
    Row { kind: "key-sequence", own: "ack-wait = \"1s\"", consumers: LIKE_THE_STREAM, bucket: Some(3) },
];

/// The rows of all strategies.
pub(crate) fn rows() -> Vec<&'static Row> {
    let of = |about: &strategy::About| ROWS.iter().find(|row| row.kind == about.kind).ok_or(about.kind);
    let rows: Result<Vec<_>, _> = strategy::ALL.iter().map(of).collect();
    rows.unwrap_or_else(|kind| panic!("tests/e2e/strategies.rs has no row for the strategy {kind}"))
}

impl Row {
    /// The strategy with its settings, as a profile has it in one line.
    pub(crate) fn strategy(&self) -> String {
        let Self { kind, own, .. } = self;
        let own = if own.is_empty() { String::new() } else { format!(", {own}") };
        format!("{{ kind = \"{kind}\"{own} }}")
    }

    /// Whether one member is all there can be.
    fn is_alone(&self) -> bool {
        Strategy::with_defaults(self.kind).and_then(|strategy| strategy.members_max()) == Some(1)
    }
}

/// The fixture, as a profile names it.
pub(crate) const MEMBER: &str =
    concat!("command = [\"python3\", \"", env!("CARGO_MANIFEST_DIR"), "/tests/e2e/fixtures/member.py\"]");

/// The fixture shares one durable as `shared-pull` does, so that is what is promised of it.
const EXTERNAL: &str = concat!(
    "promises = { at-least-once = true }, command = [\"python3\", \"",
    env!("CARGO_MANIFEST_DIR"),
    "/tests/e2e/fixtures/member.py\"]"
);

/// What strikes a group, and what strikes where one member is all there can be.
pub(crate) struct Faults {
    pub(crate) group: &'static str,
    pub(crate) alone: &'static str,
}

/// Writes a profile with a variant for each of `rows`; `own` are keys of `[run]` and sections of the test's own. Members
/// are busy most of the time, so that whoever is struck has something in hand.
pub(crate) fn profile(place: &Place, rows: &[&Row], own: &str, faults: &Faults) {
    let mut profile = format!(
        r#"
[load]
rate = "150/s"
publishers = 1
keys = 12
[fleet]
members = 3
handler = "exponential"
handler-time = "15ms"
[run]
warm-up = "100ms"
drain = "60s"
{own}
"#
    );
    for row in rows {
        let (members, fault) = if row.is_alone() { (1, faults.alone) } else { (3, faults.group) };
        let (kind, strategy) = (row.kind, row.strategy());
        profile += &format!(
            "[[variant]]\nname = \"{kind}\"\n[variant.set]\nstrategy = {strategy}\n\
             \"fleet.members\" = {members}\nfault = [{fault}]\n"
        );
    }
    place.profile(&profile);
}

/// Holds each run to its promises. Complete says that none was broken and that the measurement can be trusted.
pub(crate) fn keep_their_promises(rows: &[&Row], ended: &Ended) -> Vec<Told> {
    let (compared, told) = comparison(ended);
    let names: Vec<_> = compared.rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, rows.iter().map(|row| row.kind).collect::<Vec<_>>());
    let held = |(Row { kind, .. }, told): (&&Row, Told)| {
        let told = told.is(RunState::Complete);
        assert!(told.count("stored") > 100.0, "{kind}");
        assert!(told.report.faults.iter().all(|fault| !fault.struck.is_empty()), "{kind}: every fault struck");
        if told.report.promises.at_least_once {
            assert_eq!((told.count("lost"), told.count("unhandled")), (0.0, 0.0), "{kind}: all is delivered");
        }
        if told.report.promises.order_per_key {
            assert_eq!(told.count("order_violations"), 0.0, "{kind}");
        }
        told
    };
    rows.iter().zip(told).map(held).collect()
}

fn run(rows: &[&Row], measure: &str, faults: &Faults) -> Vec<Told> {
    let place = Place::new();
    profile(&place, rows, &format!("measure = \"{measure}\"\n[stream]\npartitions = 4"), faults);
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let told = keep_their_promises(rows, &ended);
    place.wait_until_nobody_is_left();
    told
}

/// Also where no delivery is promised: a member that leaves in good order finishes what it was given.
#[test]
fn no_strategy_loses_a_message_when_a_member_leaves() {
    let faults = Faults {
        group: r#"{ kind = "leave", target = "c1", at = "600ms" }"#,
        alone: r#"{ kind = "restart", target = "c0", at = "600ms" }"#,
    };
    let rows = rows();
    for (row, told) in rows.iter().zip(run(&rows, "1500ms", &faults)) {
        assert_eq!(told.count("lost"), 0.0, "{}", row.kind);
    }
}

#[test]
fn every_strategy_survives_a_crash_as_it_promises() {
    let faults = Faults {
        group: r#"{ kind = "kill", target = "c1", at = "500ms" }, { kind = "restart", target = "c1", at = "1500ms" }"#,
        alone: r#"{ kind = "kill", target = "c0", at = "500ms" }, { kind = "restart", target = "c0", at = "1s" }"#,
    };
    let told = run(&rows(), "2500ms", &faults);
    let in_hand = |told: &Told| {
        told.report.readings.iter().any(|reading| {
            let is_it = reading.metric == "stranded_messages" && reading.scope == Scope::Fault(0);
            is_it && reading.value.is_some_and(|messages| messages > 0.0)
        })
    };
    assert!(told.iter().any(in_hand), "the crashes took something with them");
}

/// Order without leases: what went to somebody else while a member was paused is left alone when it wakes.
#[test]
fn who_promises_order_without_exclusion_keeps_it_through_a_pause() {
    let pause = r#"{ kind = "pause", target = "c1", at = "500ms", lasting = "2500ms" }"#;
    let without_exclusion = |row: &&Row| {
        let promises = Strategy::with_defaults(row.kind).map(|strategy| strategy.promises());
        promises.is_some_and(|promises| promises.order_per_key && !promises.exclusive) && !row.is_alone()
    };
    let rows: Vec<_> = rows().into_iter().filter(without_exclusion).collect();
    assert!(!rows.is_empty());
    run(&rows, "4s", &Faults { group: pause, alone: pause });
}

#[test]
fn a_server_too_old_for_a_strategy_is_refused_with_what_it_is_and_what_is_needed() {
    let place = Place::new();
    let server = OwnServer::start_version(&place, "2.10.26");
    let refused = |ended: &Ended| {
        for words in ["pinned", "2.10.26", "2.11"] {
            assert!(ended.err.contains(words), "it does not say {words:?}: {}", ended.err);
        }
        assert_eq!(ended.out, "", "there was nothing to report");
        assert!(place.run_folder().is_none(), "nothing was made");
    };
    place.profile("[strategy]\nkind = \"pinned\"\n");
    refused(&place.run(&["run", "profile.toml", "--out", "out", "--server", &server.url()]).ended_with(3));
    assert_eq!(server.streams(), [""; 0], "nothing was made");
    // Where the profile names the version, it is the profile that cannot be.
    place.profile("[server]\nversion = \"2.10.26\"\n[strategy]\nkind = \"pinned\"\n");
    refused(&place.run(&["run", "profile.toml", "--out", "out"]).ended_with(2));
    place.wait_until_nobody_is_left();
}
