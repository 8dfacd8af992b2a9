//! Hazards of JetStream consumers that a setting of jetlag exposes, each met on a real server: what the documents warn of
//! is not taken on trust. Through jetlag where a run shows it, else by the client library against the server itself.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::{AckKind, Context, Message, stream};
use async_nats::{Client, Subscriber};
use futures_util::StreamExt;
use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};

use crate::order::comparison;
use crate::place::{Place, Told};
use crate::road::Road;
use crate::server::OwnServer;

const OLDEST: &str = "2.10.26";
const NEWEST: &str = "2.15.1";
const STREAM: &str = "S";
const DURABLE: &str = "C";
/// Long enough that a message which is still to come would have come.
const QUIET: Duration = Duration::from_millis(400);
/// A bound on a broken machine, not an expectation.
const PATIENCE: Duration = Duration::from_secs(30);

const SHORT: &str = r#"
[run]
warm-up = "200ms"
measure = "3s"
drain = "30s"
[stream]
partitions = 2
[load]
rate = "200/s"
publishers = 1
keys = 10
[fleet]
members = 2
handler-time = "2ms"
"#;

/// A stream with `count` messages and a durable that gives out at most `max_ack_pending` of them at once.
async fn consumer(
    jetstream: &Context,
    count: u64,
    ack_policy: AckPolicy,
    ack_wait: Duration,
    max_ack_pending: i64,
) -> PullConsumer {
    let config = stream::Config { name: STREAM.to_owned(), subjects: vec!["s".to_owned()], ..Default::default() };
    let stream = jetstream.create_stream(config).await.expect("a stream");
    publish(jetstream, count).await;
    let durable_name = Some(DURABLE.to_owned());
    let config = pull::Config { durable_name, ack_policy, ack_wait, max_ack_pending, ..Default::default() };
    stream.create_consumer(config).await.expect("a consumer")
}

async fn publish(jetstream: &Context, count: u64) {
    for _ in 0..count {
        jetstream.publish("s", "x".into()).await.expect("sent").await.expect("stored");
    }
}

fn sequence(message: &Message) -> u64 {
    message.info().expect("a delivery").stream_sequence
}

/// The messages of one pull, as long as more come.
async fn fetch(consumer: &PullConsumer, most: usize) -> Vec<Message> {
    let fetching = consumer.fetch().max_messages(most).expires(QUIET).messages().await.expect("a pull");
    fetching.map(|message| message.expect("a message")).collect().await
}

/// The sequences of what comes until `count` have come, each acknowledged.
async fn acknowledged(consumer: &PullConsumer, count: usize) -> Vec<u64> {
    let mut sequences = Vec::new();
    let gathering = async {
        while sequences.len() < count {
            for message in fetch(consumer, count - sequences.len()).await {
                sequences.push(sequence(&message));
                message.ack().await.expect("sent");
            }
        }
    };
    tokio::time::timeout(PATIENCE, gathering).await.expect("they come");
    sequences
}

/// Runs a question on a server of each version, oldest and newest.
fn on_servers(question: impl AsyncFn(&str, &OwnServer, Context)) {
    for version in [OLDEST, NEWEST] {
        let place = Place::new();
        let server = OwnServer::start_version(&place, version);
        server.ask(async |jetstream| question(version, &server, jetstream).await);
    }
}

fn runs(place: &Place, own: &str, code: i32) -> Vec<Told> {
    place.profile(&format!("{SHORT}{own}"));
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(code);
    let told = comparison(&ended).1;
    place.wait_until_nobody_is_left();
    told
}

// Takeover of a shared consumer.

#[test]
fn what_a_dead_member_held_comes_after_newer_messages_and_with_one_unacknowledged_it_does_not() {
    let place = Place::new();
    // Slow enough that a batch is in hand when its member dies.
    let kill = "[[fault]]\nkind = \"kill\"\ntarget = \"c0\"\nat = \"1s\"\n";
    let variants = r#"
[[variant]]
name = "many"
set = { "strategy" = { kind = "shared-pull", ack-wait = "2s" }, "fleet.handler-time" = "12ms" }
[[variant]]
name = "one"
set = { "strategy" = { kind = "serial", ack-wait = "2s" } }
"#;
    let told = runs(&place, &format!("{kill}{variants}"), 0);
    let [many, one] = &told[..] else { panic!("two runs") };
    assert!(many.count("late") > 0.0, "what the dead one held comes when newer messages have been handled");
    assert_eq!((one.count("order_violations"), one.count("lost"), many.count("lost")), (0.0, 0.0, 0.0));
}

/// An unacknowledged message that comes due while only a dead client's pull waits goes to the end of the queue.
#[test]
fn a_pull_that_nobody_listens_to_any_more_turns_the_order_of_redelivery() {
    on_servers(async |version, server, jetstream| {
        let wait = Duration::from_secs(1);
        let consumer = consumer(&jetstream, 8, AckPolicy::Explicit, wait, 512).await;
        let dead = async_nats::connect(server.url()).await.expect("it lets everybody in");
        let inbox = dead.new_inbox();
        let mut messages = dead.subscribe(inbox.clone()).await.expect("it may");
        ask(&dead, &inbox, 8).await;
        let held = taken(&mut messages, 8).await;
        assert_eq!(held, [1, 2, 3, 4, 5, 6, 7, 8]);
        // One more pull, which the server keeps when the client is gone.
        ask(&dead, &inbox, 100).await;
        dead.flush().await.expect("sent");
        tokio::time::sleep(QUIET).await;
        drop(messages);
        drop(dead);
        tokio::time::sleep(wait + QUIET).await;
        let order = acknowledged(&consumer, 8).await;
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, held, "nothing is lost: {version}");
        assert_ne!(order, held, "the order of redelivery can be relied on after all: {version}");
    });
}

/// Asks for `batch` messages as a member of jetlag's does, without the library's care.
async fn ask(client: &Client, inbox: &str, batch: u32) {
    let request = format!("{{\"batch\": {batch}, \"expires\": 60000000000}}");
    let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{DURABLE}");
    client.publish_with_reply(subject, inbox.to_owned(), request.into()).await.expect("sent");
    client.flush().await.expect("sent");
}

/// The sequences of the next `count` deliveries.
async fn taken(messages: &mut Subscriber, count: usize) -> Vec<u64> {
    let mut sequences = Vec::new();
    while sequences.len() < count {
        let next = tokio::time::timeout(PATIENCE, messages.next()).await;
        let message = next.expect("it comes").expect("the connection lives");
        let Some(reply) = message.reply.filter(|_| message.status.is_none()) else { continue };
        sequences.push(lease_group::Delivery::parse(&reply).expect("a delivery").stream_sequence);
    }
    sequences
}

// One member at work.

#[test]
fn what_is_given_back_comes_behind_newer_messages_unless_only_one_may_be_out() {
    on_servers(async |version, _, jetstream| {
        for (most, expected) in [(512, [1, 2, 3, 4, 2]), (1, [1, 2, 2, 3, 4])] {
            let consumer = consumer(&jetstream, 4, AckPolicy::Explicit, PATIENCE, most).await;
            let mut order = Vec::new();
            while order.len() < 5 {
                for message in fetch(&consumer, 4).await {
                    let again = order.contains(&sequence(&message));
                    order.push(sequence(&message));
                    let answer = if sequence(&message) == 2 && !again { AckKind::Nak(None) } else { AckKind::Ack };
                    message.ack_with(answer).await.expect("sent");
                }
            }
            assert_eq!(order, expected, "{version}, at most {most}");
            jetstream.delete_stream(STREAM).await.expect("it goes");
        }
    });
}

#[test]
fn a_delay_puts_what_is_given_back_behind_even_more() {
    let place = Place::new();
    let told = runs(
        &place,
        r#"
[[variant]]
name = "at-once"
set = { "strategy.kind" = "shared-pull", "fleet.fail-share" = 0.1, "fleet.on-failure" = "nak" }
[[variant]]
name = "later"
set = { "strategy.kind" = "shared-pull", "fleet.fail-share" = 0.1, "fleet.on-failure" = "nak-delay", "fleet.nak-delay" = "700ms" }
"#,
        0,
    );
    let [at_once, later] = &told[..] else { panic!("two runs") };
    assert!(later.count("late") > at_once.count("late"), "more messages of a key pass in the meantime");
    assert_eq!((at_once.count("lost"), later.count("lost")), (0.0, 0.0));
}

/// Deliveries that a broken connection swallows leave a hole; newer messages come at once, because the pull lives on.
#[test]
fn a_reconnect_leaves_a_hole_that_is_filled_after_newer_messages() {
    on_servers(async |version, server, jetstream| {
        let wait = Duration::from_secs(10);
        drop(consumer(&jetstream, 4, AckPolicy::Explicit, wait, 512).await);
        let road = Road::to(server);
        let client = async_nats::connect(road.url()).await.expect("the road leads there");
        let inbox = client.new_inbox();
        let mut messages = client.subscribe(inbox.clone()).await.expect("it may");
        ask(&client, &inbox, 100).await;
        assert_eq!(taken(&mut messages, 4).await, [1, 2, 3, 4]);
        road.swallow();
        publish(&jetstream, 4).await;
        tokio::time::sleep(QUIET).await;
        road.cut();
        let connected = async {
            while client.connection_state() != async_nats::connection::State::Connected || road.is_shut() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            client.flush().await.expect("it is back");
        };
        tokio::time::timeout(PATIENCE, connected).await.expect("it comes back");
        // The server knows the subscription again when it has answered.
        let _ = client.request("$JS.API.INFO", "".into()).await;
        publish(&jetstream, 2).await;
        let next = taken(&mut messages, 2).await;
        assert_eq!(next, [9, 10], "{version}: the old pull lives on, and 5 to 8 are not missed by anybody");
    });
}

// Acknowledgements.

#[test]
fn an_ack_of_everything_covers_what_another_member_holds_and_what_a_dead_one_has_left() {
    on_servers(async |version, _, jetstream| {
        let mut consumer = consumer(&jetstream, 8, AckPolicy::All, PATIENCE, 512).await;
        let (mine, yours) = (fetch(&consumer, 4).await, fetch(&consumer, 4).await);
        assert_eq!((mine.len(), yours.len()), (4, 4));
        yours[3].ack().await.expect("sent");
        let settled = async {
            while consumer.info().await.expect("it answers").num_ack_pending > 0 {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, settled).await.expect("nothing is pending any more");
        let floor = consumer.cached_info().ack_floor.stream_sequence;
        assert_eq!(floor, 8, "{version}: mine were never handled, and never come again");
    });

    // The same in a fleet: what the dead one held is passed over, even where it is the only member and starts again.
    let place = Place::new();
    let told = runs(
        &place,
        r#"
[strategy]
kind = "shared-pull"
ack-wait = "2s"
[[fault]]
kind = "kill"
target = "c0"
at = "1s"
[[fault]]
kind = "restart"
target = "c0"
at = "1500ms"
[[variant]]
name = "each"
set = { "strategy.ack" = "explicit", "fleet.handler-time" = "12ms" }
[[variant]]
name = "all"
set = { "strategy.ack" = "all", "fleet.handler-time" = "12ms", "run.drain" = "7s" }
[[variant]]
name = "all-alone"
set = { "strategy.ack" = "all", "fleet.members" = 1, "fleet.handler-time" = "6ms", "run.drain" = "7s" }
[[variant]]
name = "none"
set = { "strategy.ack" = "none", "fleet.handler-time" = "12ms", "run.drain" = "7s" }
"#,
        0,
    );
    let [each, all, alone, none] = &told[..] else { panic!("four runs") };
    assert_eq!(each.count("lost"), 0.0);
    assert!(each.report.promises.at_least_once);
    for (told, name) in [(all, "all"), (alone, "all, one member"), (none, "none")] {
        assert!(told.count("lost") > 0.0, "{name}: what the dead one held is gone");
        assert!(!told.report.promises.at_least_once, "{name} promises nothing of the kind");
    }
}

#[test]
fn the_librarys_double_ack_is_content_with_a_consumer_that_is_gone_and_a_request_is_not() {
    on_servers(async |version, _, jetstream| {
        let consumer = consumer(&jetstream, 2, AckPolicy::Explicit, PATIENCE, 512).await;
        let messages = fetch(&consumer, 2).await;
        jetstream.delete_consumer_from_stream(DURABLE, STREAM).await.expect("it goes");
        messages[0].double_ack().await.unwrap_or_else(|error| panic!("{version}: it has learnt to tell: {error}"));
        let ack_to = messages[1].reply.clone().expect("a reply subject");
        let asked = jetstream.client().request(ack_to, "+ACK".into()).await;
        let refused = asked.expect_err("nobody takes it");
        assert_eq!(refused.kind(), async_nats::RequestErrorKind::NoResponders, "{version}");
    });
}

#[test]
fn an_ack_that_nobody_took_is_no_commit_and_is_counted() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    // The member is in a handler when the consumer goes.
    place.profile(&format!(
        "{SHORT}[strategy]\nkind = \"shared-pull\"\ndouble-ack = true\n[[variant]]\nname = \"one\"\n\
         set = {{ \"fleet.handler-time\" = \"300ms\", \"load.rate\" = \"20/s\", \"run.drain\" = \"4s\" }}\n"
    ));
    let url = server.url();
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &url]));
    live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
    std::thread::sleep(QUIET);
    let stream = server.streams().into_iter().find(|name| name.starts_with("jetlag-")).expect("the run's stream");
    server.ask(async |jetstream| {
        jetstream.delete_consumer_from_stream(&stream, &stream).await.expect("it goes");
    });
    let told = live.end().ended_with(1).report().is(RunState::Violated);
    assert!(told.count("acks_refused") > 0.0, "the server had nobody to take them");
    told.gives_a_reason_with(&["promised at least once"]);
}

// Consumers that do not last.

#[test]
fn an_ephemeral_consumer_is_gone_with_its_position_when_all_members_are_away_for_long() {
    let place = Place::new();
    // Newer servers begin to count when the ack wait of what the dead ones held is over.
    let told = runs(
        &place,
        r#"
[[fault]]
kind = "kill"
target = "all"
at = "500ms"
[[fault]]
kind = "restart"
target = "c0"
at = "5500ms"
[[variant]]
name = "durable"
set = { "strategy" = { kind = "shared-pull", ack-wait = "500ms" }, "run.measure" = "6s" }
[[variant]]
name = "ephemeral"
set = { "strategy" = { kind = "shared-pull", ack-wait = "500ms", durable = false, inactive-threshold = "500ms" }, "run.measure" = "6s", "run.drain" = "5s" }
"#,
        0,
    );
    let [durable, ephemeral] = &told[..] else { panic!("two runs") };
    assert_eq!(durable.count("lost"), 0.0);
    assert!(ephemeral.count("lost") > 0.0, "nobody makes it again, and nobody would know where to begin");
    assert!(!ephemeral.report.promises.at_least_once);
}
