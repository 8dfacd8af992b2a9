//! What `strategy/footing.rs` says of streams is so: each refused combination, made by hand on a real server.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::jetstream::stream::{Config, RetentionPolicy};
use async_nats::jetstream::{Context, ErrorCode};
use futures_util::{StreamExt, TryStreamExt};

use crate::place::Place;
use crate::processes::wait_for;
use crate::server::OwnServer;

const PATIENCE: Duration = Duration::from_secs(30);

const CONSUMER_ACK_NONE_ON_WORK_QUEUE: u64 = 10084;
const CONSUMER_OVERLAPS: u64 = 10100;
const CONSUMER_BEGINS_LATER: u64 = 10101;

async fn stream(jetstream: &Context, retention: RetentionPolicy) {
    let config = Config { name: "S".to_owned(), subjects: vec!["s.*".to_owned()], retention, ..Config::default() };
    jetstream.create_stream(config).await.expect("a stream");
}

async fn publish(jetstream: &Context, count: usize) {
    for _ in 0..count {
        jetstream.publish("s.0", "x".into()).await.expect("it goes out").await.expect("it is taken");
    }
}

async fn messages(jetstream: &Context) -> u64 {
    jetstream.get_stream("S").await.expect("it is there").cached_info().state.messages
}

/// The server drops messages a little after their last consumer has gone.
async fn until_nothing_is_left(jetstream: &Context) {
    let empty = async {
        while messages(jetstream).await > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, empty).await.expect("the server drops them");
}

async fn consumer(jetstream: &Context, config: pull::Config) -> Result<(), u64> {
    match jetstream.create_consumer_on_stream(config, "S").await {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            async_nats::jetstream::stream::ConsumerErrorKind::JetStream(reply) => Err(reply.error_code().0),
            other => panic!("{other:?}"),
        },
    }
}

fn durable(name: &str, ack_policy: AckPolicy) -> pull::Config {
    pull::Config { durable_name: Some(name.to_owned()), ack_policy, ..pull::Config::default() }
}

fn on_a_server(test: impl AsyncFnOnce(Context)) {
    let place = Place::new();
    OwnServer::start(&place).ask(test);
}

#[test]
fn deleting_the_only_consumer_drops_what_it_had_not_delivered_under_interest_retention() {
    on_a_server(async |jetstream| {
        stream(&jetstream, RetentionPolicy::Interest).await;
        consumer(&jetstream, durable("owner", AckPolicy::Explicit)).await.expect("a consumer");
        publish(&jetstream, 5).await;
        assert_eq!(messages(&jetstream).await, 5);
        jetstream.delete_consumer_from_stream("owner", "S").await.expect("deleted, as a takeover does");
        // The next owner would find nothing.
        until_nothing_is_left(&jetstream).await;
    });
}

#[test]
fn what_is_published_before_a_consumer_stands_is_dropped_under_interest_retention() {
    on_a_server(async |jetstream| {
        stream(&jetstream, RetentionPolicy::Interest).await;
        publish(&jetstream, 3).await;
        assert_eq!(messages(&jetstream).await, 0, "stored was confirmed, and nothing is there");
    });
}

#[test]
fn without_acks_a_message_is_dropped_when_it_is_delivered_under_interest_retention() {
    on_a_server(async |jetstream| {
        stream(&jetstream, RetentionPolicy::Interest).await;
        consumer(&jetstream, durable("owner", AckPolicy::None)).await.expect("a consumer");
        publish(&jetstream, 3).await;
        let owner: async_nats::jetstream::consumer::Consumer<pull::Config> =
            jetstream.get_consumer_from_stream("owner", "S").await.expect("it is there");
        let mut delivered = owner.fetch().max_messages(3).messages().await.expect("a pull");
        for _ in 0..3 {
            delivered.next().await.expect("one more").expect("a message");
        }
        // A member that crashes now has lost them.
        until_nothing_is_left(&jetstream).await;
    });
}

#[test]
fn a_work_queue_refuses_what_leases_and_ordered_consumers_need() {
    on_a_server(async |jetstream| {
        stream(&jetstream, RetentionPolicy::WorkQueue).await;
        publish(&jetstream, 3).await;
        assert_eq!(consumer(&jetstream, durable("none", AckPolicy::None)).await, Err(CONSUMER_ACK_NONE_ON_WORK_QUEUE));
        let later = pull::Config {
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: 2 },
            ..durable("later", AckPolicy::Explicit)
        };
        assert_eq!(consumer(&jetstream, later).await, Err(CONSUMER_BEGINS_LATER));
        let of_partition =
            |name: &str| pull::Config { filter_subject: "s.0".to_owned(), ..durable(name, AckPolicy::Explicit) };
        consumer(&jetstream, of_partition("epoch-1")).await.expect("the first one stands");
        assert_eq!(consumer(&jetstream, of_partition("epoch-2")).await, Err(CONSUMER_OVERLAPS));
        assert_eq!(messages(&jetstream).await, 3, "nothing of this lost a message");
    });
}

/// Why `key-sequence` is refused where limits evict: here the test takes one message out of the stream by hand.
#[test]
fn a_message_that_is_gone_stops_its_key_for_ever_where_the_next_one_is_waited_for() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    place.profile(
        "[run]\nwarm-up = \"100ms\"\nmeasure = \"2s\"\ndrain = \"10s\"\n[stream]\npartitions = 1\n[load]\nrate = \"100/s\"\n\
         publishers = 1\nkeys = 1\n[fleet]\nmembers = 1\nhandler-time = \"30ms\"\n[strategy]\nkind = \"key-sequence\"\n",
    );
    let url = server.url();
    let live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &url]));
    // More come than are handled, so that the one at the end has not been handled yet.
    let taken = wait_for("a backlog", || {
        server.ask(async |jetstream| {
            let names: Vec<String> = jetstream.stream_names().try_collect().await.ok()?;
            let name = names.iter().find(|name| !name.starts_with("KV_"))?;
            let stream = jetstream.get_stream(name).await.ok()?;
            let last = stream.cached_info().state.last_sequence;
            (last > 60 && stream.delete_message(last).await.ok()?).then_some(last)
        })
    });
    let ended = live.end();
    let told = ended.report();
    assert!(told.count("unhandled") > 1.0, "message {taken} was taken, and those behind it wait for it");
    assert_ne!(ended.code, Some(0), "{:?}", told.report.state_reasons);
    place.wait_until_nobody_is_left();
}

/// The server lets a client set a limit a subject that refuses only together with both of its conditions.
#[test]
fn a_server_refuses_to_refuse_by_subject_without_a_limit_a_subject() {
    on_a_server(async |jetstream| {
        for (discard, max_messages_per_subject) in [
            (async_nats::jetstream::stream::DiscardPolicy::Old, 5),
            (async_nats::jetstream::stream::DiscardPolicy::New, -1),
        ] {
            let config = Config {
                name: "S".to_owned(),
                subjects: vec!["s.*".to_owned()],
                discard,
                max_messages_per_subject,
                discard_new_per_subject: true,
                ..Config::default()
            };
            let refused = jetstream.create_stream(config).await.expect_err("it cannot work");
            let code = match refused.kind() {
                async_nats::jetstream::context::CreateStreamErrorKind::JetStream(reply) => reply.error_code(),
                other => panic!("{other:?}"),
            };
            assert_eq!(code, ErrorCode::STREAM_INVALID_CONFIG, "{refused}");
        }
    });
}
