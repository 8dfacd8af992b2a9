//! Settings of consumers: what the profile says is what the server was told, and what the report makes of it.

use std::time::Duration;

use futures_util::StreamExt;
use jetlag::model::offer::Start;
use jetlag::model::report::RunState;
use jetlag::model::story::StoryEvent;
use jetlag::nats::Given;
use jetlag::strategy::{Site, Strategy};
use serde_json::{Value, json};

use crate::order::comparison;
use crate::place::{Place, Told};
use crate::server::{OwnServer, ask_at};

/// Every version that is pinned.
const VERSIONS: [&str; 5] = ["2.10.26", "2.11.11", "2.12.8", "2.14.6", "2.15.1"];

const SHORT: &str = r#"
[run]
warm-up = "100ms"
measure = "600ms"
drain = "20s"
[stream]
partitions = 2
[load]
rate = "100/s"
publishers = 1
keys = 10
[fleet]
members = 2
handler-time = "1ms"
"#;

/// What the server knows of the consumers of a stream. One of several may leave a question unanswered while they elect a
/// leader: it is asked again.
fn consumers(url: String, stream: &str) -> Vec<Value> {
    ask_at(Given { servers: url, ..Given::default() }, async |jetstream| {
        let subject = format!("$JS.API.CONSUMER.LIST.{stream}");
        let mut tries = 0;
        let answer = loop {
            let question = async_nats::Request::new().timeout(Some(Duration::from_secs(3)));
            match jetstream.client().send_request(subject.clone(), question).await {
                Err(error) if error.kind() == async_nats::RequestErrorKind::TimedOut && tries < 10 => tries += 1,
                answered => break answered.expect("it answers"),
            }
        };
        let list: Value = serde_json::from_slice(&answer.payload).expect("it answers in JSON");
        list["consumers"].as_array().expect("a list of consumers").clone()
    })
}

/// Name, settings, and what the server must say in the consumer's configuration.
type Case = (&'static str, String, Vec<(&'static str, Value)>);

/// Milliseconds in the server's unit.
fn ms(milliseconds: u64) -> Value {
    json!(milliseconds * 1_000_000)
}

#[test]
fn what_a_profile_says_of_a_consumer_is_what_the_server_was_told() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    let fleeting = "durable = false, inactive-threshold = \"45s\", memory-storage = true";
    let fleeting_told = [("inactive_threshold", ms(45_000)), ("mem_storage", json!(true))];
    let cases: Vec<Case> = vec![
        (
            "shared-plain",
            "kind = \"shared-pull\"".to_owned(),
            vec![
                ("durable_name", json!("*")),
                ("ack_policy", json!("explicit")),
                ("deliver_policy", json!("all")),
                ("replay_policy", json!("instant")),
                ("max_deliver", json!(-1)),
            ],
        ),
        (
            "shared-fleeting",
            format!("kind = \"shared-pull\", ack = \"all\", replay = \"original\", {fleeting}"),
            [
                &fleeting_told[..],
                &[("durable_name", Value::Null), ("ack_policy", json!("all")), ("replay_policy", json!("original"))],
            ]
            .concat(),
        ),
        (
            "shared-none",
            "kind = \"shared-pull\", ack = \"none\", deliver = \"new\", replicas = 1".to_owned(),
            vec![("ack_policy", json!("none")), ("deliver_policy", json!("new")), ("num_replicas", json!(1))],
        ),
        (
            "shared-limits",
            "kind = \"shared-pull\", max-deliver = 5, back-off = [\"200ms\", \"1s\"], max-ack-pending = 50, \
             double-ack = true, deliver = { by-time = \"1h\" }"
                .to_owned(),
            vec![
                ("max_deliver", json!(5)),
                ("backoff", json!([200_000_000, 1_000_000_000])),
                ("ack_wait", ms(200)),
                ("max_ack_pending", json!(50)),
                ("deliver_policy", json!("by_start_time")),
            ],
        ),
        (
            "queue-plain",
            "kind = \"queue-group\", ack-wait = \"3s\", max-ack-pending = 64, idle-heartbeat = \"500ms\"".to_owned(),
            vec![
                ("ack_wait", ms(3_000)),
                ("max_ack_pending", json!(64)),
                ("idle_heartbeat", ms(500)),
                ("deliver_group", json!("*")),
                ("flow_control", Value::Null),
            ],
        ),
        (
            "queue-fleeting",
            format!("kind = \"queue-group\", flow-control = true, ack = \"all\", deliver = \"last\", {fleeting}"),
            [
                &fleeting_told[..],
                &[("flow_control", json!(true)), ("ack_policy", json!("all")), ("deliver_policy", json!("last"))],
            ]
            .concat(),
        ),
        (
            "queue-limits",
            "kind = \"queue-group\", max-deliver = 4, back-off = [\"300ms\"], double-ack = true, replay = \"original\""
                .to_owned(),
            vec![
                ("max_deliver", json!(4)),
                ("backoff", json!([300_000_000])),
                ("ack_wait", ms(300)),
                ("replay_policy", json!("original")),
            ],
        ),
        (
            "serial",
            format!("kind = \"serial\", double-ack = true, deliver = {{ by-sequence = 1 }}, {fleeting}"),
            [
                &fleeting_told[..],
                &[
                    ("max_ack_pending", json!(1)),
                    ("opt_start_seq", json!(1)),
                    ("deliver_policy", json!("by_start_sequence")),
                ],
            ]
            .concat(),
        ),
        (
            "pinned",
            format!("kind = \"pinned\", deliver = \"new\", double-ack = true, replicas = 1, {fleeting}"),
            [&fleeting_told[..], &[("deliver_policy", json!("new")), ("num_replicas", json!(1))]].concat(),
        ),
        (
            "key-sequence",
            format!("kind = \"key-sequence\", replay = \"original\", double-ack = true, max-wait = \"1s\", {fleeting}"),
            [&fleeting_told[..], &[("replay_policy", json!("original"))]].concat(),
        ),
    ];
    let mut profile = SHORT.to_owned();
    for (name, settings, _) in &cases {
        profile += &format!("[[variant]]\nname = \"{name}\"\nset = {{ strategy = {{ {settings} }} }}\n");
    }
    place.profile(&profile);
    let url = server.url();
    let ended = place.run(&["run", "profile.toml", "--out", "out", "--keep", "--server", &url]).ended_with(0);
    let (_, told) = comparison(&ended);
    assert_eq!(told.len(), cases.len());
    for (told, (name, _, expected)) in told.into_iter().zip(cases) {
        let told = told.is(RunState::Complete);
        assert_eq!((told.count("lost"), told.count("stored") > 20.0), (0.0, true), "{name}");
        let found = consumers(server.url(), &format!("jetlag-{}", told.report.run.id));
        assert_eq!(found.len(), if name == "pinned" { 2 } else { 1 }, "{name}: {found:#?}");
        for consumer in found {
            for (key, value) in &expected {
                let said = consumer["config"].get(*key).cloned().unwrap_or(Value::Null);
                let fits = if *value == json!("*") { said.is_string() } else { said == *value };
                assert!(fits, "{name}: {key} is {said}, expected {value}\n{consumer:#}");
            }
        }
    }
    place.wait_until_nobody_is_left();
}

/// Runs a profile on a server of the test's own, and returns what its members asked for in their pulls.
fn pulls(place: &Place, own: &str) -> (Told, Vec<Value>) {
    let server = OwnServer::start(place);
    place.profile(&format!("{SHORT}{own}"));
    let url = server.url();
    // The driver pulls, too, when it reads the stream back.
    let words = ["run", "profile.toml", "--out", "out", "--server", &url, "--set", "run.read-back=0s"];
    let live = place.start(place.jetlag(&words));
    let ended = std::thread::scope(|scope| {
        let (done, told_to_end) = tokio::sync::oneshot::channel::<()>();
        let server = &server;
        let listening = scope.spawn(move || {
            server.ask(async |jetstream| {
                let asked = jetstream.client().subscribe("$JS.API.CONSUMER.MSG.NEXT.>").await.expect("it may");
                // The driver tries the right to pull with a message that says nothing.
                let asked = asked.filter(|pull| std::future::ready(!pull.payload.is_empty())).take_until(told_to_end);
                asked.map(|pull| serde_json::from_slice(&pull.payload).expect("JSON")).collect::<Vec<Value>>().await
            })
        });
        let ended = live.end();
        done.send(()).expect("it listens");
        (ended, listening.join().expect("it listened"))
    });
    (ended.0.ended_with(0).report().is(RunState::Complete), ended.1)
}

#[test]
fn pulls_ask_for_what_the_profile_says() {
    let place = Place::new();
    let own = "[strategy]\nkind = \"shared-pull\"\nbatch = 10\nmax-wait = \"700ms\"\nmax-bytes = \"16KiB\"\n";
    let (told, asked) = pulls(&place, own);
    assert_eq!(told.count("lost"), 0.0);
    for pull in &asked {
        assert_eq!((&pull["batch"], &pull["max_bytes"], &pull["expires"]), (&json!(10), &json!(16384), &ms(700)));
    }
    assert!(asked.len() as f64 >= told.count("handled") / 10.0, "{} pulls", asked.len());
}

#[test]
fn the_next_pull_goes_out_when_as_few_messages_are_still_to_come_as_the_profile_says() {
    // One member, and fewer messages than one pull asks for.
    let own = "[strategy]\nkind = \"shared-pull\"\nbatch = 1000\nmax-wait = \"10m\"\n";
    for (threshold, expected) in [(0, 1), (999, 2)] {
        let place = Place::new();
        let variant = format!("set = {{ \"fleet.members\" = 1, \"strategy.threshold\" = {threshold} }}");
        let (told, asked) = pulls(&place, &format!("{own}[[variant]]\nname = \"one\"\n{variant}\n"));
        assert!(told.count("handled") > 1.0);
        assert_eq!(asked.len(), expected, "with threshold {threshold}: {asked:#?}");
    }
}

#[test]
fn a_pull_that_bytes_end_is_followed_by_another() {
    let place = Place::new();
    // Two messages of 1 KiB fit.
    let own = "[strategy]\nkind = \"shared-pull\"\nmax-bytes = \"2500B\"\n[[variant]]\nname = \"one\"\nset = { \"load.payload\" = \"1KiB\" }\n";
    place.profile(&format!("{SHORT}{own}"));
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let told = ended.report().is(RunState::Complete);
    assert_eq!(told.count("lost"), 0.0);
    assert!(told.count("handled") > 20.0);
    place.wait_until_nobody_is_left();
}

/// What a strategy's consumers begin with on a stream of ten messages, by version of the server.
fn starts(server: &OwnServer, name: &str, kind: &str, deliver: Value) -> (Vec<Start>, Option<u64>) {
    let strategy: Strategy = serde_json::from_value(json!({ "kind": kind, "deliver": deliver })).expect("a strategy");
    server.ask(async |jetstream| {
        let config = async_nats::jetstream::stream::Config {
            name: name.to_owned(),
            subjects: vec![format!("{name}.p.*")],
            ..Default::default()
        };
        let stream = jetstream.create_stream(config).await.expect("a stream");
        for number in 0..10_u8 {
            if number == 6 {
                // So that an instant lies between the sixth and the seventh.
                tokio::time::sleep(Duration::from_millis(1500)).await;
            }
            let subject = format!("{name}.p.{}", number % 2);
            jetstream.publish(subject, "x".into()).await.expect("sent").await.expect("stored");
        }
        let prefix = format!("{name}.p");
        let site = Site {
            jetstream: &jetstream,
            stream: name,
            group: "group",
            subject_prefix: &prefix,
            partitions: 2,
            replicas: 1,
            starts: Default::default(),
        };
        strategy.provision(&site).await.expect("a consumer");
        let starts = site.starts.into_inner();
        // Nothing was deleted, so what is pending for all partitions stands at the end of the stream.
        let info = stream.consumer_info("group").await.ok();
        (starts, info.map(|info| 10 - info.num_pending + 1))
    })
}

#[test]
fn where_a_consumer_begins_is_told_as_every_server_has_it() {
    for version in VERSIONS {
        let place = Place::new();
        let server = OwnServer::start_version(&place, version);
        for (name, deliver, first) in [
            ("ALL", json!("all"), 1),
            ("LAST", json!("last"), 10),
            ("NEW", json!("new"), 11),
            ("SEQUENCE", json!({ "by-sequence": 4 }), 4),
            ("AGO", json!({ "by-time": "1s" }), 7),
            ("LONG-AGO", json!({ "by-time": "1970-01-02T00:00:00Z" }), 1),
        ] {
            let (starts, pending_from) = starts(&server, name, "shared-pull", deliver);
            let told: Vec<_> = starts.iter().map(|start| start.stream_seq).collect();
            assert_eq!(pending_from, Some(first), "{version} {name}");
            let expected = if name == "ALL" { vec![] } else { vec![first] };
            assert_eq!(told, expected, "{version} {name}");
        }
        if version == "2.10.26" {
            continue;
        }
        // Messages 9 and 10 are the last ones of their partitions.
        let (starts, _) = starts(&server, "PINNED", "pinned", json!("last"));
        let expected =
            [(0, 9), (1, 10)].map(|(partition, stream_seq)| Start { partition: Some(partition), stream_seq });
        assert_eq!(starts, expected, "{version}");
    }
}

#[test]
fn what_stands_before_the_start_is_not_offered_and_the_run_is_whole() {
    let place = Place::new();
    // The consumer begins behind the end of the stream, so that the first messages of the load stand before it.
    place.profile(&format!("{SHORT}[strategy]\nkind = \"serial\"\ndeliver = {{ by-sequence = 21 }}\n"));
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let told = ended.report().is(RunState::Complete);
    let first = place.story().into_iter().find_map(|line| match line.event {
        StoryEvent::Starts { partition: None, stream_seq } => Some(stream_seq),
        _ => None,
    });
    assert_eq!(first, Some(21), "the driver tells where the consumer begins");
    assert_eq!(told.count("not_offered"), 20.0);
    assert_eq!(told.count("handled"), told.count("stored") - 20.0);
    for metric in ["lost", "unhandled", "order_violations"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    place.wait_until_nobody_is_left();
}

#[test]
fn every_server_takes_flow_control_together_with_a_group() {
    for version in VERSIONS {
        let place = Place::new();
        // Without acks nothing else holds the server back, and it asks after every few kilobytes.
        let own = "[strategy]\nkind = \"queue-group\"\nflow-control = true\nack = \"none\"\n";
        place.profile(&format!("{SHORT}{own}[[variant]]\nname = \"big\"\nset = {{ \"load.payload\" = \"64KiB\" }}\n"));
        let version = format!("server.version={version}");
        let ended = place.run(&["run", "profile.toml", "--out", "out", "--set", &version]).ended_with(0);
        let told = ended.report().is(RunState::Complete);
        assert_eq!(told.count("lost"), 0.0, "{version}: a member that gave no answer would be sent nothing more");
        place.wait_until_nobody_is_left();
    }
}

#[test]
fn the_consumers_of_a_lease_group_may_lie_on_three_disks() {
    let place = Place::new();
    let profile = r#"
[run]
warm-up = "500ms"
measure = "10s"
drain = "20s"
[server]
nodes = 3
[stream]
partitions = 4
replicas = 3
[load]
rate = "100/s"
publishers = 1
keys = 20
[fleet]
members = 2
[strategy]
kind = "lease-group"
ttl = "3s"
consumer-storage = "file"
consumer-replicas = 3
[[fault]]
kind = "leave"
target = "c1"
at = "1s"
"#;
    place.profile(profile);
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]));
    live.wait_for("the fault", |event| matches!(event, StoryEvent::Fault { .. }));
    let folder = place.run_folder().expect("the run has a folder");
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
    let manifest: Value = serde_json::from_str(&manifest).expect("it is JSON");
    let stream = format!("jetlag-{}", manifest["run_id"].as_str().expect("an id"));
    // The servers are jetlag's own: their address is in their configuration.
    let server = std::fs::read_to_string(folder.join("server/0/nats-server.conf")).expect("a configuration");
    let server: Value = serde_json::from_str(&server).expect("it is JSON");
    let found = consumers(format!("nats://127.0.0.1:{}", server["port"]), &stream);
    assert!(!found.is_empty());
    for consumer in found {
        let config = &consumer["config"];
        assert_eq!((&config["num_replicas"], config.get("mem_storage")), (&json!(3), None), "{consumer:#}");
    }
    let told = live.end().ended_with(0).report().is(RunState::Complete);
    assert_eq!((told.count("lost"), told.count("order_violations")), (0.0, 0.0));
    place.wait_until_nobody_is_left();
}

/// What was stored before the consumer is made is offered as far as the profile says, and the rest is not lost.
#[test]
fn of_a_backlog_consumers_offer_what_their_deliver_policy_says() {
    let place = Place::new();
    let policies = [
        ("all", "\"all\"", 0.0),
        ("last", "\"last\"", 299.0),
        ("new", "\"new\"", 300.0),
        ("by-sequence", "{ by-sequence = 101 }", 100.0),
        ("by-time", "{ by-time = \"1h\" }", 0.0),
    ];
    let mut profile = SHORT.replace("keys = 10\n", "keys = 10\nbacklog = 300\n");
    for (name, deliver, _) in policies {
        profile += &format!(
            "[[variant]]\nname = \"{name}\"\nset = {{ strategy = {{ kind = \"shared-pull\", deliver = {deliver} }} }}\n"
        );
    }
    place.profile(&profile);
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    for ((name, _, expected), told) in policies.into_iter().zip(comparison(&ended).1) {
        let told = told.is(RunState::Complete);
        let not_offered = told.report.readings.iter().find(|reading| reading.metric == "not_offered");
        assert_eq!(not_offered.map_or(0.0, |reading| reading.value.unwrap_or_default()), expected, "{name}");
        assert_eq!(told.count("handled"), told.count("stored") - expected, "{name}");
        assert_eq!((told.count("lost"), told.count("unhandled")), (0.0, 0.0), "{name}");
    }
    place.wait_until_nobody_is_left();
}
