//! Servers are struck: clients come back, nothing is lost, and the report says what it cost.

use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::RunState;
use jetlag::model::story::StoryEvent;
use serde_json::Value;

use crate::place::{Place, Told};
use crate::server::OwnServer;

fn profile(measure: &str, nodes: u16, strategy: &str, faults: &str) -> String {
    format!(
        "[run]\nwarm-up = \"500ms\"\nmeasure = \"{measure}\"\ndrain = \"40s\"\n[server]\nnodes = {nodes}\n[stream]\n\
         partitions = 4\nreplicas = {nodes}\n[load]\nrate = \"200/s\"\nkeys = 50\n[fleet]\nmembers = 2\n[strategy]\n\
         {strategy}\n{faults}"
    )
}

/// A group whose lease outlives an election.
const GROUP: &str = "kind = \"lease-group\"\nttl = \"2s\"";

fn fault(kind: &str, at: &str, more: &str) -> String {
    format!("[[fault]]\nkind = \"{kind}\"\nat = \"{at}\"\n{more}\n")
}

/// Runs it to a good end, with order kept and nothing lost.
fn run(place: &Place, profile: &str) -> Told {
    place.profile(profile);
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report().is(RunState::Complete);
    for metric in ["lost", "order_violations", "overlap", "dual_ownership", "stale_handling", "phantom"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    assert!(told.count("stored") > 100.0);
    assert_eq!(told.count("publish_reordered"), 0.0);
    place.wait_until_nobody_is_left();
    told
}

/// What struck whom.
fn struck(told: &Told) -> Vec<(&str, &str)> {
    let faults = told.report.faults.iter();
    faults.map(|fault| (fault.kind.as_str(), fault.struck.first().map_or("", String::as_str))).collect()
}

fn outage(told: &Told, kind: &str) -> f64 {
    told.reading("outage", Stat::Max, &Scope::FaultKind(kind.to_owned())).expect("something was to be handled")
}

#[test]
fn a_single_server_that_is_killed_restarted_and_paused_loses_nothing() {
    let place = Place::new();
    let faults = [
        fault("server-kill", "1s", "lasting = \"800ms\""),
        fault("server-restart", "4s", ""),
        fault("server-pause", "6s", "lasting = \"1200ms\""),
    ];
    let told = run(&place, &profile("9s", 1, GROUP, &faults.concat()));
    let expected = [("server-kill", "server-0"), ("server-restart", "server-0"), ("server-pause", "server-0")];
    assert_eq!(struck(&told), expected);
    // Nothing can be handled while the server is away, whatever the machine; but the first message of a partition that is
    // wanted meanwhile comes a moment after the strike.
    assert!(outage(&told, "server-kill") >= 500.0, "{}", outage(&told, "server-kill"));
    assert!(outage(&told, "server-pause") >= 900.0, "{}", outage(&told, "server-pause"));
    assert!(told.report.faults.iter().all(|fault| fault.partitions.iter().all(|partition| partition.affected)));
    assert!(told.count("forgotten_by_server") >= 0.0);

    let story = place.story();
    let exits: Vec<_> = story
        .iter()
        .filter_map(|line| match &line.event {
            StoryEvent::Exited { process, code, signal, ordered, .. } if process == "server-0" => {
                Some((*code, *signal, *ordered))
            }
            _ => None,
        })
        .collect();
    assert_eq!(exits, [(None, Some(9), true), (Some(0), None, true)], "nobody died unasked");
    let ready = |line: &&jetlag::model::story::StoryLine| matches!(&line.event, StoryEvent::Ready { process } if process == "server-0");
    assert_eq!(story.iter().filter(ready).count(), 3, "it got well three times");
    let shown = place.run(&["report", told.folder.to_str().expect("plain"), "--format", "text"]).ended_with(0);
    assert!(shown.out.contains("outage"), "{}", shown.out);
}

#[test]
fn three_nodes_survive_the_death_of_the_one_that_leads() {
    let place = Place::new();
    let told =
        run(&place, &profile("11s", 3, GROUP, &fault("server-kill", "1s", "target = \"leader\"\nlasting = \"1s\"")));
    let [fault] = told.report.faults.as_slice() else { panic!("{:?}", told.report.faults) };
    assert_eq!(fault.target, "leader");
    assert!(fault.struck[0].starts_with("server-"), "{:?}", fault.struck);
    assert!(outage(&told, "server-kill") > 0.0);
}

#[test]
fn leads_are_handed_over_and_a_follower_restarts_without_a_loss() {
    let place = Place::new();
    let faults = [
        fault("step-down", "500ms", ""),
        fault("step-down", "2s", "of = \"bucket\""),
        fault("step-down", "3500ms", "of = \"meta\""),
        fault("server-restart", "5s", "target = \"follower\""),
    ];
    let told = run(&place, &profile("8s", 3, GROUP, &faults.concat()));
    let kinds: Vec<_> = struck(&told).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["step-down", "step-down", "step-down", "server-restart"], "{:?}", told.report.notes);
    assert!(struck(&told).iter().all(|(_, who)| who.starts_with("server-")), "{:?}", struck(&told));
    // Three step-downs are a distribution, and not one number.
    let all = Scope::FaultKind("step-down".to_owned());
    let of_all =
        told.report.readings.iter().find(|it| it.metric == "outage" && it.scope == all && it.stat == Stat::Max);
    assert_eq!(of_all.map(|reading| reading.n), Some(12), "four partitions, three times");
    // The password of the system account is nowhere but where the server reads it.
    let secret = std::fs::read_to_string(told.folder.join("server/0/nats-server.conf")).expect("it is there");
    let secret: Value = serde_json::from_str(&secret).expect("it is JSON");
    let secret = secret.pointer("/accounts/$SYS/users/0/password").and_then(Value::as_str).expect("there is one");
    for file in ["manifest.json", "report.json", "journals/driver.jsonl"] {
        let text = std::fs::read_to_string(told.folder.join(file)).expect("it is there");
        assert!(!text.contains(secret), "{file}");
    }
}

#[test]
fn a_consumers_lead_is_handed_over_where_consumers_have_copies() {
    let place = Place::new();
    let strategy = "kind = \"shared-pull\"\nack-wait = \"2s\"";
    place.profile(&profile("3s", 3, strategy, &fault("step-down", "1s", "of = \"consumer\"")));
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report().is(RunState::Complete);
    assert_eq!(told.count("lost"), 0.0);
    assert_eq!(struck(&told).len(), 1, "{:?}", told.report.notes);
}

#[test]
fn servers_roll_one_after_the_other() {
    let place = Place::new();
    let told = run(&place, &profile("8s", 3, GROUP, &fault("rolling", "500ms", "of = \"servers\"\nrest = \"500ms\"")));
    rolled_from(&told, "server-0");
}

#[test]
fn members_roll_one_after_the_other() {
    let place = Place::new();
    let told = run(&place, &profile("4s", 1, GROUP, &fault("rolling", "500ms", "rest = \"500ms\"")));
    rolled_from(&told, "c0.1");
}

/// Each turn is a fault of its own, with a number of its own, and the first one is `first`.
fn rolled_from(told: &Told, first: &str) {
    let rolled: Vec<_> = struck(told).into_iter().map(|(_, who)| who).collect();
    assert!(rolled.starts_with(&[first]), "{rolled:?}: {:?}", told.report.notes);
    let ids: std::collections::BTreeSet<_> = told.report.faults.iter().map(|fault| fault.id).collect();
    assert_eq!(ids.len(), rolled.len());
}

#[test]
fn chaos_is_what_its_schedule_says_and_everything_is_healed() {
    let place = Place::new();
    let chaos = "[[fault]]\nkind = \"chaos\"\nfrom = \"300ms\"\nevery = \"1500ms\"\nshortest = \"200ms\"\nlongest = \"1s\"\n\
                 calm = \"2s\"\n";
    let text = profile("12s", 1, "kind = \"lease-group\"\nttl = \"1s\"", chaos);
    let told = run(&place, &text);
    assert_eq!(told.report.run.seed, 1);
    let shown = place.run(&["profile", "schedule", "profile.toml", "--json"]).ended_with(0);
    let shown: Value = serde_json::from_str(&shown.out).expect("one object");
    let planned: Vec<_> = shown["plans"][0]["strikes"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|strike| (strike["id"].as_u64(), strike["kind"].as_str().unwrap_or_default().to_owned()))
        .collect();
    assert!(planned.len() > 3, "{planned:?}");
    let story = place.story();
    let told: Vec<_> = story
        .iter()
        .filter_map(|line| match &line.event {
            StoryEvent::Fault { id, kind, .. } | StoryEvent::FaultSkipped { id, kind, .. } => {
                Some((Some(u64::from(*id)), kind.clone()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, planned);
}

#[test]
fn a_server_of_the_users_own_is_not_struck() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    place.profile(&profile("1s", 1, GROUP, &fault("server-kill", "500ms", "")));
    let ended = place.run(&["run", "profile.toml", "--out", "out", "--server", &server.url()]).ended_with(3);
    assert!(ended.err.contains("a server-kill cannot strike a server of yours"), "{}", ended.err);
}
