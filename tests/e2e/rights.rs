//! Restricted users: what a strategy needs is listed whole, and what is missing is named before anything is made.

use jetlag::model::report::RunState;
use jetlag::nats::{Given, Secret};
use jetlag::profile;
use jetlag::strategy;
use jetlag::strategy::rights::{Act, Names, Right, permissions};

use crate::place::Place;
use crate::processes::wait_for;
use crate::server::OwnServer;

/// A short run of a strategy, or of something else that needs rights of its own: accounts in a bucket, publishers that
/// nobody answers, a consumer that gives messages up. The safe group with acks needs the most of all its settings.
fn profile_of(what: &str) -> String {
    let (kind, own, members, load) = match what {
        "lease-group" => {
            (what, "ttl = \"500ms\"\ncommit = \"explicit\"\nsink = \"fenced\"\nhints = [\"probe\"]", 2, "")
        }
        "pushed" => {
            ("lease-group", "ttl = \"500ms\"\ncommit = \"ack-all\"\ndeliver-by = \"push\"", 2, "payload = \"32KiB\"\n")
        }
        "ordered" => (what, "start = \"all\"", 1, ""),
        "core-queue" => (what, "", 2, ""),
        "ledger" => ("shared-pull", "ack-wait = \"1s\"", 2, "workload = \"ledger\"\n"),
        "probes" => ("core-queue", "", 2, "publish = \"core\"\n"),
        "flow" => ("queue-group", "ack-wait = \"1s\"\nflow-control = true", 2, "payload = \"16KiB\"\n"),
        "drops" => ("shared-pull", "ack-wait = \"1s\"\nmax-deliver = 5", 2, ""),
        _ => (what, "ack-wait = \"1s\"", 2, ""),
    };
    let leave = if members == 1 { "" } else { "[[fault]]\nkind = \"kill\"\ntarget = \"c1\"\nat = \"300ms\"\n" };
    format!(
        "[run]\nwarm-up = \"100ms\"\nmeasure = \"1s\"\ndrain = \"20s\"\n[stream]\npartitions = 2\n[load]\nrate = \"150/s\"\n\
         publishers = 1\nkeys = 10\n{load}[fleet]\nmembers = {members}\n[strategy]\nkind = \"{kind}\"\n{own}\n{leave}"
    )
}

fn rights_of(kind: &str) -> Vec<Right> {
    rights_in("$JS.API", kind)
}

fn rights_in(api: &str, kind: &str) -> Vec<Right> {
    let text = format!("# hm?\n{}", profile_of(kind));
    let loaded = profile::parse("rights", "rights.toml", &text, &[]).unwrap_or_else(|problems| panic!("{problems}"));
    let names = Names { api, stream: "S", group: "G", subject: "jetlag.1.p.0" };
    loaded.plans()[0].rights(&names)
}

/// A server with a user who may do everything, and users `few0`, `few1` … with these permissions.
fn server(place: &Place, few: &[String]) -> OwnServer {
    server_of(place, "", few)
}

fn server_of(place: &Place, jetstream: &str, few: &[String]) -> OwnServer {
    let users: String = few
        .iter()
        .enumerate()
        .map(|(number, permissions)| format!("{{ user: few{number}, password: few, {permissions} }}\n"))
        .collect();
    let users = format!("authorization {{ users: [ {{ user: root, password: root }}\n{users} ] }}\n");
    let given =
        Given { user: Some("root".into()), password: Some(Secret::from("root".to_owned())), ..Given::default() };
    OwnServer::start_named(place, "own-server", jetstream, &users, given)
}

#[test]
fn every_strategy_runs_as_a_user_who_has_the_listed_rights_and_no_others() {
    // What a program of the user's own needs, the user knows. Behind the strategies: what else a profile can ask for.
    let strategies = strategy::ALL.iter().map(|about| about.kind).filter(|kind| *kind != "external");
    let kinds: Vec<_> = strategies.chain(["ledger", "probes", "drops", "flow", "pushed"]).collect();
    let place = Place::new();
    let few: Vec<_> = kinds.iter().map(|kind| permissions(&rights_of(kind))).collect();
    let server = server(&place, &few);
    for (number, kind) in kinds.iter().enumerate() {
        place.profile(&profile_of(kind));
        let url = server.url().replace("nats://", &format!("nats://few{number}:few@"));
        let ended = place.run(&["run", "profile.toml", "--out", "out", "--server", &url]);
        assert!(!server.log().contains("Violation"), "{kind} did something that is not listed:\n{}", server.log());
        let told = ended.ended_with(0).report().is(RunState::Complete);
        assert!(told.count("handled") > 50.0, "{kind}");
        assert!(!told.report.promises.at_least_once || told.count("lost") == 0.0, "{kind}");
        assert_eq!(server.streams(), [""; 0], "{kind}: it may remove what it made");
    }
    place.wait_until_nobody_is_left();
}

#[test]
fn each_right_that_is_missing_is_named_before_anything_is_made() {
    for kind in ["lease-group", "key-sequence", "pinned"] {
        let place = Place::new();
        let rights = rights_of(kind);
        let without = |missing: &Right| {
            let others: Vec<_> = rights.iter().filter(|right| right.grant != missing.grant).cloned().collect();
            match missing.act {
                Act::Publish => permissions(&others),
                // A list with nothing in it allows everything.
                Act::Subscribe => format!("permissions {{ subscribe {{ deny: \"{}\" }} }}", missing.grant),
            }
        };
        let few: Vec<_> = rights.iter().map(without).collect();
        let server = server(&place, &few);
        place.profile(&profile_of(kind));
        for (number, right) in rights.iter().enumerate() {
            let url = server.url().replace("nats://", &format!("nats://few{number}:few@"));
            let ended = place.run(&["run", "profile.toml", "--out", "out", "--server", &url]).ended_with(3);
            let act = if right.act == Act::Publish { "publish" } else { "subscribe" };
            let told = format!("to {act} to {} (to {})", right.grant, right.why);
            assert!(ended.err.contains(&told), "{kind}: {told}\n{}", ended.err);
            assert!(ended.err.contains("permissions {") && ended.err.contains("lacks a right"), "{}", ended.err);
            assert!(place.run_folder().is_none(), "{kind}: there was no run");
        }
        assert_eq!(server.streams(), [""; 0]);
        place.wait_until_nobody_is_left();
    }
}

/// A server that is in the domain looks at the rights after it has mapped the domain's subjects to its own.
#[test]
fn a_server_of_the_domain_wants_the_plain_rights_and_says_so() {
    let kinds = ["lease-group", "key-sequence", "pinned"];
    let place = Place::new();
    let plain = kinds.iter().map(|kind| permissions(&rights_of(kind)));
    let prefixed = permissions(&rights_in("$JS.hub.API", "lease-group"));
    let few: Vec<_> = plain.chain([prefixed]).collect();
    let server = server_of(&place, "domain: hub", &few);
    let run = |number: usize, kind: &str| {
        place.profile(&profile_of(kind));
        let url = server.url().replace("nats://", &format!("nats://few{number}:few@"));
        place.run(&["run", "profile.toml", "--out", "out", "--server", &url, "--domain", "hub"])
    };
    for (number, kind) in kinds.iter().enumerate() {
        let ended = run(number, kind);
        assert!(!server.log().contains("Violation"), "{kind} did something that is not listed:\n{}", server.log());
        assert_eq!(ended.ended_with(0).report().is(RunState::Complete).count("lost"), 0.0, "{kind}");
    }
    let ended = run(kinds.len(), "lease-group").ended_with(3);
    assert!(ended.err.contains("to publish to $JS.API.STREAM.CREATE.* (to make the run's stream)"), "{}", ended.err);
    place.wait_until_nobody_is_left();
}

/// A server of another domain passes them on as they are.
#[test]
fn a_leaf_node_wants_the_rights_of_the_domain_behind_it() {
    let kinds = ["lease-group", "key-sequence", "pinned"];
    let place = Place::new();
    let in_hub = Given { domain: Some("hub".to_owned()), ..Given::default() };
    let leafs = "leafnodes { listen: \"127.0.0.1:-1\" }";
    let hub = OwnServer::start_named(&place, "hub", "domain: hub", leafs, in_hub.clone());
    let port = hub.port_for("leafnode");
    let few: String = kinds
        .iter()
        .enumerate()
        .map(|(number, kind)| {
            format!("{{ user: few{number}, password: few, {} }}\n", permissions(&rights_in("$JS.hub.API", kind)))
        })
        .collect();
    let configuration = format!(
        "leafnodes {{ remotes: [ {{ url: \"nats-leaf://127.0.0.1:{port}\" }} ] }}\n\
         authorization {{ users: [ {{ user: root, password: root }}\n{few} ] }}\n"
    );
    let root = Given { user: Some("root".into()), password: Some(Secret::from("root".to_owned())), ..in_hub };
    let leaf = OwnServer::start_named(&place, "leaf", "domain: leaf", &configuration, root);
    wait_for("the leaf to reach the hub", || leaf.reaches_jetstream().then_some(()));
    for (number, kind) in kinds.iter().enumerate() {
        place.profile(&profile_of(kind));
        let url = leaf.url().replace("nats://", &format!("nats://few{number}:few@"));
        let words = ["run", "profile.toml", "--out", "out", "--server", &url, "--domain", "hub"];
        let ended = place.run(&words);
        assert!(!leaf.log().contains("Violation"), "{kind} did something that is not listed:\n{}", leaf.log());
        assert_eq!(ended.ended_with(0).report().is(RunState::Complete).count("lost"), 0.0, "{kind}");
    }
    place.wait_until_nobody_is_left();
}

#[test]
fn an_account_that_has_no_room_for_the_bucket_says_so_before_the_load_begins() {
    let place = Place::new();
    let account = "accounts { A: { jetstream: { max_streams: 1 }, users: [ { user: few, password: few } ] } }\n";
    let given = Given { user: Some("few".into()), password: Some(Secret::from("few".to_owned())), ..Given::default() };
    let server = OwnServer::start_for(&place, account, given);
    let url = server.url().replace("nats://", "nats://few:few@");
    place.profile(&profile_of("shared-pull"));
    place.run(&["run", "profile.toml", "--out", "out", "--server", &url]).ended_with(0);
    place.profile(&profile_of("lease-group"));
    let ended = place.run(&["run", "profile.toml", "--out", "out2", "--server", &url]).ended_with(3);
    assert!(ended.err.contains("maximum number of streams reached"), "{}", ended.err);
    assert_eq!(server.streams(), [""; 0], "the stream that was made is removed");
    place.wait_until_nobody_is_left();
}

/// The rights are tried by publishing; a stream of the user's own that takes everything must not keep any of that.
#[test]
fn trying_rights_leaves_nothing_in_a_stream_that_takes_everything() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    server.make_stream("MINE", "jetlag.>");
    place.profile(&profile_of("shared-pull"));
    let ended = place.run(&["run", "profile.toml", "--out", "out", "--server", &server.url()]).ended_with(3);
    assert!(ended.err.contains("overlap"), "{}", ended.err);
    assert_eq!(server.stream_called("MINE").1.last_sequence, 0);
    place.wait_until_nobody_is_left();
}
