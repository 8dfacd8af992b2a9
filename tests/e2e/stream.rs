//! Every setting of `[stream]` reaches a real server, and the report says what is to be expected of it.

use async_nats::jetstream::stream::{
    Compression, Config, DiscardPolicy, RetentionPolicy, State, StorageType, SubjectTransform,
};
use jetlag::model::report::RunState;

use crate::order::comparison;
use crate::place::{Place, Told};
use crate::server::OwnServer;

/// A setting, what the server must say of the stream, and what the report must.
struct Case {
    stream: &'static str,
    /// Further sections; the strategy is among them.
    rest: &'static str,
    shows: fn(&Config) -> bool,
    told: fn(&Told, &State),
}

const SHARED: &str = "[strategy]\nkind = \"shared-pull\"\n";
const GROUP: &str = "[strategy]\nkind = \"lease-group\"\nttl = \"1s\"\n";
/// So slow, and with so little in hand, that the limits get there first.
const SLOW: &str = "[strategy]\nkind = \"lease-group\"\nttl = \"1s\"\nbatch = 1\n";

fn run(place: &Place, server: &OwnServer, case: &Case) {
    let slow = if case.rest == SLOW { "30ms" } else { "1ms" };
    place.profile(&format!(
        "[run]\nwarm-up = \"100ms\"\nmeasure = \"1s\"\ndrain = \"20s\"\n[load]\nrate = \"300/s\"\nkeys = 20\npublishers = 1\n\
         [fleet]\nmembers = 2\nhandler-time = \"{slow}\"\n[stream]\npartitions = 4\n{}\n{}",
        case.stream, case.rest
    ));
    let ended = place.run(&["run", "profile.toml", "--out", "out", "--keep", "--server", &server.url()]).ended_with(0);
    let told = ended.report().is(RunState::Complete);
    let (config, state) = server.stream_called(&format!("jetlag-{}", told.report.run.id));
    assert!((case.shows)(&config), "{}: {config:#?}", case.stream);
    assert!(told.count("handled") > 0.0, "{}", case.stream);
    assert_eq!((told.count("lost"), told.count("misrouted")), (0.0, 0.0), "{}", case.stream);
    (case.told)(&told, &state);
    let run = told.folder.to_string_lossy().into_owned();
    place.run(&["clean", &run, "--server", &server.url()]).ended_with(0);
    std::fs::remove_dir_all(place.path().join("out")).expect("it is there");
}

fn run_all(cases: &[Case]) {
    let place = Place::new();
    let server = OwnServer::start(&place);
    for case in cases {
        run(&place, &server, case);
    }
    place.wait_until_nobody_is_left();
}

/// Everything that was published was stored, and everything stored was handled.
fn all_is_handled(told: &Told, _: &State) {
    assert_eq!((told.count("failed"), told.count("unhandled")), (0.0, 0.0));
    assert!(told.count("stored") > 100.0);
}

/// What the limits took is told apart from what was lost, and breaks no order.
fn some_was_evicted(told: &Told, state: &State) {
    assert!(told.count("evicted") > 0.0, "{state:?}");
    assert!(told.count("handled") < told.count("stored"));
    assert_eq!((told.count("unhandled"), told.count("order_violations")), (0.0, 0.0));
    assert!(told.report.state_reasons.is_empty(), "{:?}", told.report.state_reasons);
}

#[test]
fn what_keeps_a_message_is_as_the_profile_says() {
    run_all(&[
        Case {
            stream: "retention = \"interest\"",
            rest: SHARED,
            shows: |config| config.retention == RetentionPolicy::Interest,
            told: |told, state| {
                all_is_handled(told, state);
                assert_eq!(state.messages, 0, "everybody has acknowledged everything");
            },
        },
        Case {
            stream: "retention = \"work-queue\"",
            rest: SHARED,
            shows: |config| config.retention == RetentionPolicy::WorkQueue,
            told: |told, state| {
                all_is_handled(told, state);
                assert_eq!(state.messages, 0, "what is acknowledged is gone");
            },
        },
        Case {
            stream: "retention = \"work-queue\"",
            rest: "[strategy]\nkind = \"lease-group\"\nttl = \"1s\"\ntakeover = \"resume\"\ncommit = \"explicit\"\n",
            shows: |config| config.retention == RetentionPolicy::WorkQueue,
            told: all_is_handled,
        },
        Case {
            stream: "storage = \"memory\"\nduplicate-window = \"7s\"\nmax-message-size = \"1KiB\"",
            rest: GROUP,
            shows: |config| {
                config.storage == StorageType::Memory
                    && config.duplicate_window.as_secs() == 7
                    && config.max_message_size == 1024
            },
            told: |told, state| {
                all_is_handled(told, state);
                assert_eq!(state.messages as f64, told.count("stored"), "limits retention keeps what was handled");
            },
        },
        Case {
            stream: "compression = \"s2\"",
            rest: GROUP,
            shows: |config| config.compression == Some(Compression::S2),
            told: all_is_handled,
        },
    ]);
}

#[test]
fn limits_that_evict_take_what_a_slow_fleet_has_not_reached_and_that_is_no_loss() {
    run_all(&[
        Case {
            stream: "max-messages = 30",
            rest: SLOW,
            shows: |config| config.max_messages == 30 && config.discard == DiscardPolicy::Old,
            told: some_was_evicted,
        },
        Case {
            stream: "max-bytes = \"12KiB\"",
            rest: SLOW,
            shows: |config| config.max_bytes == 12 * 1024,
            told: some_was_evicted,
        },
        Case {
            stream: "max-age = \"300ms\"\nduplicate-window = \"200ms\"",
            rest: SLOW,
            shows: |config| config.max_age.as_millis() == 300,
            told: some_was_evicted,
        },
        Case {
            stream: "max-messages-per-subject = 5",
            rest: SLOW,
            shows: |config| config.max_messages_per_subject == 5,
            told: |told, state| {
                some_was_evicted(told, state);
                assert!(state.messages <= 4 * 5, "{state:?}");
            },
        },
    ]);
}

#[test]
fn limits_that_refuse_make_publishes_fail_and_lose_nothing() {
    run_all(&[
        Case {
            stream: "discard = \"new\"\nmax-messages = 100",
            rest: SHARED,
            shows: |config| config.discard == DiscardPolicy::New && !config.discard_new_per_subject,
            told: |told, _| {
                assert_eq!(told.count("stored"), 100.0);
                assert!(told.count("failed") > 0.0);
            },
        },
        Case {
            stream: "discard = \"new\"\nmax-messages-per-subject = 20\ndiscard-new-per-subject = true",
            rest: SHARED,
            shows: |config| config.discard_new_per_subject && config.max_messages_per_subject == 20,
            told: |told, state| {
                assert!(state.messages <= 4 * 20, "{state:?}");
                assert!(told.count("failed") > 0.0);
            },
        },
        // A queue that empties lets the publishers go on.
        Case {
            stream: "retention = \"work-queue\"\ndiscard = \"new\"\nmax-messages = 50",
            rest: SHARED,
            shows: |config| config.discard == DiscardPolicy::New && config.max_messages == 50,
            told: |told, _| assert!(told.count("stored") > 50.0),
        },
    ]);
}

#[test]
fn the_server_finds_the_same_partition_as_the_publisher() {
    run_all(&[Case {
        stream: "routing = \"server\"",
        rest: GROUP,
        shows: |config| {
            let transform = config.subject_transform.as_ref().expect("it has one");
            transform.destination.ends_with(".p.{{partition(4,1)}}") && config.subjects == [transform.source.as_str()]
        },
        told: |told, state| {
            all_is_handled(told, state);
            assert_eq!(told.count("order_violations"), 0.0);
        },
    }]);
}

#[test]
fn the_oldest_server_knows_every_setting() {
    let place = Place::new();
    place.profile(
        "[run]\nwarm-up = \"100ms\"\nmeasure = \"1s\"\n[server]\nversion = \"2.10.26\"\n[load]\nrate = \"200/s\"\nkeys = 20\n\
         [stream]\npartitions = 4\nretention = \"work-queue\"\nrouting = \"server\"\ncompression = \"s2\"\ndiscard = \"new\"\n\
         max-messages = 10000\nmax-messages-per-subject = 5000\ndiscard-new-per-subject = true\nmax-message-size = \"1KiB\"\n\
         [strategy]\nkind = \"shared-pull\"\n",
    );
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report().is(RunState::Complete);
    assert!(told.count("handled") > 50.0);
    assert_eq!((told.count("lost"), told.count("misrouted"), told.count("failed")), (0.0, 0.0, 0.0));
    assert!(told.report.environment.server_version.contains("2.10.26"), "{}", told.report.environment.server_version);
    place.wait_until_nobody_is_left();
}

/// What `Strategy::footing` lets pass works: each strategy on each retention that it does not object to.
#[test]
fn every_strategy_works_on_every_retention_that_is_not_refused_to_it() {
    let place = Place::new();
    let mut profile = String::from(
        "[run]\nwarm-up = \"100ms\"\nmeasure = \"600ms\"\ndrain = \"20s\"\n[stream]\npartitions = 2\n[load]\nrate = \"150/s\"\n\
         publishers = 1\nkeys = 10\n[fleet]\nmembers = 2\nhandler-time = \"1ms\"\n",
    );
    let mut names = Vec::new();
    for kind in ["shared-pull", "queue-group", "serial", "pinned", "key-sequence"] {
        for retention in ["interest", "work-queue"] {
            names.push(format!("{kind}-{retention}"));
            profile += &format!(
                "[[variant]]\nname = \"{kind}-{retention}\"\n[variant.set]\nstrategy = {{ kind = \"{kind}\", ack-wait = \"1s\" }}\n\
                 \"stream.retention\" = \"{retention}\"\n"
            );
        }
    }
    place.profile(&profile);
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let (compared, told) = comparison(&ended);
    assert_eq!(compared.rows.iter().map(|row| row.name.as_str()).collect::<Vec<_>>(), names);
    for (name, told) in names.iter().zip(told) {
        let told = told.is(RunState::Complete);
        assert!(told.count("stored") > 50.0, "{name}");
        assert_eq!((told.count("lost"), told.count("unhandled")), (0.0, 0.0), "{name}");
    }
    place.wait_until_nobody_is_left();
}

/// `routing = "client"` and `routing = "server"` agree because both hash alike; here on names that no run has, too.
#[test]
fn the_partitioner_is_the_servers_for_any_name_and_number_of_partitions() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    let numbered = (0..150).map(|key| format!("k{key}"));
    let odd = ["a", "foo", "user-42", "order-000001", "日本", "ÄÖÜ", "x_y", "$", "0"].map(str::to_owned);
    let names: Vec<String> = numbered.chain(odd).collect();
    server.ask(async |jetstream| {
        for partitions in [1_u16, 2, 3, 7, 16, 64, 1024] {
            let transform = SubjectTransform {
                source: "key.*".to_owned(),
                destination: format!("p.{{{{partition({partitions},1)}}}}"),
            };
            let config = Config {
                name: "KEYS".to_owned(),
                subjects: vec!["key.*".to_owned()],
                subject_transform: Some(transform),
                ..Config::default()
            };
            let stream = jetstream.create_stream(config).await.expect("a stream");
            for name in &names {
                let sent = jetstream.publish(format!("key.{name}"), "".into()).await.expect("it goes out");
                let stored = sent.await.expect("it is stored").sequence;
                let message = stream.get_raw_message(stored).await.expect("it is there");
                let expected = format!("p.{}", jetlag::strategy::partition(name, partitions));
                assert_eq!(message.subject.as_str(), expected, "{name} of {partitions}");
            }
            jetstream.delete_stream("KEYS").await.expect("it is ours");
        }
    });
}
