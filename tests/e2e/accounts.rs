//! The workload `ledger` on real stores: whose balances are right, whose are not, and that nothing of it stays behind.

use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::{Ruling, RunState};
use jetlag::model::story::{Phase, StoryEvent};
use rustix::process::Signal;

use crate::order::comparison;
use crate::place::{Place, Told};
use crate::server::OwnServer;

/// What all these runs have in common: a load of few accounts, and yet enough of them in each partition that the mistakes of
/// a crash cannot add up to nothing in all of them.
const BUSY: &str = r#"
[run]
warm-up = "300ms"
measure = "4s"
drain = "40s"
[stream]
partitions = 4
[load]
workload = "ledger"
rate = "200/s"
publishers = 1
keys = 32
[fleet]
members = 3
handler-time = "2ms"
"#;

/// A member hangs while messages are sent to it, and is killed before it wakes up.
const HANGS_AND_DIES: &str = r#"
[[fault]]
kind = "pause"
target = "c1"
at = "500ms"
lasting = "30s"
[[fault]]
kind = "kill"
target = "c1"
at = "1300ms"
"#;

fn wrong(told: &Told) -> f64 {
    told.count("wrong_balances")
}

/// Nothing is wrong with any account.
fn is_right(told: &Told) {
    for metric in ["overdrafts", "wrong_balances", "doubly_applied", "not_applied", "overwritten", "accounts_misstored"]
    {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    assert!(told.report.accounts.as_ref().is_some_and(|accounts| accounts.worst.is_empty()));
    assert_eq!(told.count("accounts"), 32.0, "every account was judged");
}

#[test]
fn the_group_keeps_every_balance_right_and_resume_and_a_shared_consumer_do_not() {
    let place = Place::new();
    place.profile(&format!(
        r#"{BUSY}{HANGS_AND_DIES}
[[variant]]
name = "safe"
set = {{ strategy = {{ kind = "lease-group", ttl = "500ms" }} }}
[[variant]]
name = "key-sequence"
set = {{ strategy = {{ kind = "key-sequence", ack-wait = "1s" }} }}
[[variant]]
name = "resume"
set = {{ strategy = {{ kind = "lease-group", ttl = "500ms", takeover = "resume", commit = "explicit", ack-wait = "2s" }} }}
[[variant]]
name = "shared"
set = {{ strategy = {{ kind = "shared-pull", ack-wait = "1s" }} }}
"#
    ));
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(1);
    let (compared, told) = comparison(&ended);
    let [safe, key_sequence, resume, shared] = told.try_into().expect("four runs");

    for told in [safe, key_sequence] {
        let told = told.is(RunState::Complete);
        is_right(&told);
        let took = told.reading("posting", Stat::P50, &Scope::Run).expect("there is a store");
        assert!(took > 0.0);
    }
    for told in [resume.is(RunState::Violated), shared.is(RunState::Complete)] {
        assert!(wrong(&told) > 0.0, "what came late was taken for a repeat");
        assert!(told.count("not_applied") > 0.0);
        assert!(told.count("overdrafts") > 0.0, "among many late messages there are deposits");
        assert_eq!(told.count("doubly_applied"), 0.0, "repeats are skipped");
        let worst = &told.report.accounts.as_ref().expect("there are accounts").worst;
        assert!(!worst.is_empty() && worst.len() <= 3);
        let steps: Vec<_> = worst.iter().flat_map(|story| &story.steps).collect();
        let has = |ruling| steps.iter().any(|step| step.ruling == ruling);
        assert!(has(Ruling::Early) && has(Ruling::Dropped), "{worst:#?}");
        assert!(steps.iter().all(|step| step.member.starts_with('c') && step.balance_in_order >= 0));
    }
    let said = compared.findings.join("\n");
    assert!(said.contains("every account was kept right by safe, key-sequence"), "{said}");
    place.wait_until_nobody_is_left();
}

#[test]
fn a_legal_replay_counts_twice_unless_repeats_are_skipped() {
    let place = Place::new();
    // Two crashes, each long after some checkpoint: what was handled since is handled again.
    place.profile(&format!(
        r#"{BUSY}
[strategy]
kind = "lease-group"
ttl = "3s"
commit-every = "1s"
[ledger]
store = "memory"
[[fault]]
kind = "kill"
target = "c1"
at = "1s"
[[fault]]
kind = "kill"
target = "c2"
at = "1470ms"
[[variant]]
name = "skip"
set = {{ "ledger.repeats" = "skip" }}
[[variant]]
name = "apply"
set = {{ "ledger.repeats" = "apply" }}
"#
    ));
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let [skip, apply] = comparison(&ended).1.try_into().expect("two runs");
    let (skip, apply) = (skip.is(RunState::Complete), apply.is(RunState::Complete));
    is_right(&skip);
    assert!(skip.count("taken_for_repeats") > 0.0);
    assert!(apply.count("doubly_applied") > 0.0);
    assert_eq!(apply.count("doubly_applied"), apply.count("redelivered"), "each repeat, and nothing else");
    assert!(wrong(&apply) > 0.0, "order was kept, and that is not enough");
    assert_eq!(apply.count("not_applied"), 0.0);
    assert!(
        !apply.report.readings.iter().any(|reading| reading.metric == "posting"),
        "there is no store that could take time"
    );
    place.wait_until_nobody_is_left();
}

#[test]
fn compare_and_set_loses_no_update_of_an_account_and_the_last_write_does() {
    let place = Place::new();
    // Three members on one account, and nothing else goes wrong.
    place.profile(&format!(
        r#"{BUSY}
[ledger]
repeats = "apply"
[strategy]
kind = "shared-pull"
batch = 1
[[variant]]
name = "set"
set = {{ "load.keys" = 1, "ledger.write" = "compare-and-set" }}
[[variant]]
name = "last"
set = {{ "load.keys" = 1, "ledger.write" = "last-write-wins" }}
"#
    ));
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let [set, last] = comparison(&ended).1.try_into().expect("two runs");
    let (set, last) = (set.is(RunState::Complete), last.is(RunState::Complete));
    assert!(set.count("write_conflicts") > 0.0, "they met");
    assert_eq!((set.count("overwritten"), set.count("not_applied")), (0.0, 0.0));
    assert!(last.count("overwritten") > 0.0);
    assert!(last.count("not_applied") > 0.0 && wrong(&last) > 0.0);
    assert_eq!(last.count("write_conflicts"), 0.0);
    place.wait_until_nobody_is_left();
}

#[test]
fn an_interrupted_run_removes_the_bucket_and_does_not_say_how_balances_ended() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    place.profile(BUSY);
    let url = server.url();
    let words =
        ["run", "profile.toml", "--out", "out", "--server", &url, "--set", "run.measure=5m", "--set", "run.warm-up=2s"];
    let mut live = place.start(place.jetlag(&words));
    live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
    assert!(server.streams().iter().any(|name| name.ends_with("-bank")), "{:?}", server.streams());
    live.signal(Signal::INT);
    let ended = live.end().ended_with(130);
    assert!(ended.err.contains("-bank"), "it says what it makes before it does: {}", ended.err);
    let told = ended.report().is(RunState::Interrupted);
    assert_eq!(told.reading("wrong_balances", Stat::Count, &Scope::Run), None, "nobody knows");
    assert!(
        place.story().iter().any(|line| matches!(line.event, StoryEvent::BalancesRead { accounts } if accounts > 0))
    );
    assert_eq!(server.streams(), [""; 0]);
    place.wait_until_nobody_is_left();
}

#[test]
fn what_a_dead_driver_left_of_the_accounts_is_cleaned_up() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    place.profile(BUSY);
    let url = server.url();
    let words = ["run", "profile.toml", "--out", "out", "--server", &url, "--set", "run.measure=5m"];
    let mut live = place.start(place.jetlag(&words));
    live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
    live.signal(Signal::KILL);
    live.end();
    place.wait_until_nobody_is_left();
    assert!(server.streams().iter().any(|name| name.ends_with("-bank")), "{:?}", server.streams());
    let folder = place.run_folder().expect("a run folder").to_string_lossy().into_owned();
    place.run(&["clean", &folder, "--server", &url]).ended_with(0);
    assert_eq!(server.streams(), [""; 0]);
}
