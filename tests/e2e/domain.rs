//! JetStream domains: every request of every strategy goes to the domain that was named, also through a leaf node.

use jetlag::model::report::RunState;
use jetlag::nats::Given;
use jetlag::strategy;

use crate::order::comparison;
use crate::place::Place;
use crate::processes::wait_for;
use crate::server::OwnServer;
use crate::strategies::rows;

fn given() -> Given {
    Given { domain: Some("hub".to_owned()), ..Given::default() }
}

/// One short run of every strategy, with a member that leaves: pins and leases are given back.
fn profile(kinds: &[&str]) -> String {
    let mut profile = String::from(
        "[run]\nwarm-up = \"100ms\"\nmeasure = \"700ms\"\ndrain = \"20s\"\n[stream]\npartitions = 2\n[load]\nrate = \"150/s\"\n\
         publishers = 1\nkeys = 10\n[fleet]\nmembers = 2\nhandler-time = \"1ms\"\n",
    );
    for &kind in kinds {
        let row = rows().into_iter().find(|row| row.kind == kind).expect("every strategy has a row");
        let strategy = row.strategy();
        let rest = match kind {
            "lease-group" => "",
            "ordered" => "\"fleet.members\" = 1\n",
            _ => "fault = [{ kind = \"leave\", target = \"c1\", at = \"300ms\" }]\n",
        };
        profile += &format!("[[variant]]\nname = \"{kind}\"\n[variant.set]\nstrategy = {strategy}\n{rest}");
    }
    profile
}

#[test]
fn every_strategy_works_in_a_domain_that_is_named() {
    let place = Place::new();
    let kinds: Vec<_> = strategy::ALL.iter().map(|about| about.kind).collect();
    place.profile(&profile(&kinds));
    let server = OwnServer::start_named(&place, "own-server", "domain: hub", "", given());
    let ended =
        place.run(&["run", "profile.toml", "--out", "out", "--server", &server.url(), "--domain", "hub"]).ended_with(0);
    for told in comparison(&ended).1 {
        let told = told.is(RunState::Complete);
        assert!(told.count("handled") > 50.0);
        assert_eq!(told.count("lost"), 0.0);
    }
    assert_eq!(server.streams(), [""; 0], "it removes what it made");
    place.wait_until_nobody_is_left();
}

#[test]
fn a_stream_behind_a_leaf_node_is_reached_by_its_domain() {
    let place = Place::new();
    place.profile(&profile(&["lease-group", "shared-pull", "key-sequence"]));
    let leafs = "leafnodes { listen: \"127.0.0.1:-1\" }";
    let hub = OwnServer::start_named(&place, "hub", "domain: hub", leafs, given());
    let port = hub.port_for("leafnode");
    let remote = format!("leafnodes {{ remotes: [ {{ url: \"nats-leaf://127.0.0.1:{port}\" }} ] }}");
    let leaf = OwnServer::start_named(&place, "leaf", "domain: leaf", &remote, given());
    // What is asked at the leaf is answered by the hub as soon as the two are connected.
    wait_for("the leaf to reach the hub", || leaf.reaches_jetstream().then_some(()));
    let words = ["run", "profile.toml", "--out", "out", "--server", &leaf.url(), "--domain", "hub", "--keep"];
    let ended = place.run(&words).ended_with(0);
    for told in comparison(&ended).1 {
        let told = told.is(RunState::Complete);
        assert!(told.count("handled") > 50.0);
        assert_eq!(told.count("lost"), 0.0);
    }
    // Three streams and two buckets lie in the hub, and nothing in the leaf.
    assert_eq!(hub.streams().len(), 5, "{:?}", hub.streams());
    assert_eq!(leaf.streams_of("leaf"), [""; 0]);
    place.wait_until_nobody_is_left();
}

#[test]
fn a_domain_that_is_not_there_is_told_before_a_run_begins() {
    let place = Place::new();
    place.profile(&profile(&["shared-pull"]));
    let server = OwnServer::start(&place);
    let words = ["run", "profile.toml", "--out", "out", "--server", &server.url(), "--domain", "nowhere"];
    let ended = place.run(&words).ended_with(3);
    assert!(ended.err.contains("domain") && ended.err.contains("nowhere"), "{}", ended.err);
    place.wait_until_nobody_is_left();
}
