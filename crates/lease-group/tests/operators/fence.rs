//! The fence on three copies: which refusal means what, and what writing under it costs. `--nocapture` shows the figures.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, stream};
use async_nats::{HeaderMap, header};
use futures_util::future::join_all;
use lease_group::fence::{Answer, Fence};
use lease_group::{Effect, HandlerError, Message, Output, OutputError, Session, Sink};

use crate::server::cluster;
use crate::worker::{connect, group, publish, until};

/// Effects of one kind of writing.
const EFFECTS: usize = 200;

async fn make(jetstream: &jetstream::Context, name: &str, subject: &str) {
    let config = stream::Config {
        name: name.to_owned(),
        subjects: vec![subject.to_owned()],
        num_replicas: 3,
        allow_atomic_publish: name == "SINK",
        ..Default::default()
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(error) = jetstream.create_stream(config.clone()).await {
        assert!(Instant::now() < deadline, "{name} was not made: {error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// What the helper does, without its turns.
async fn write(client: &async_nats::Client, fence: Option<u64>) -> Answer {
    let mut headers = HeaderMap::new();
    if let Some(fence) = fence {
        headers.insert(header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, fence.to_string().as_str());
        headers.insert("Nats-Expected-Last-Subject-Sequence-Subject", "sink.fence.0");
    }
    let request = async_nats::Request::new().headers(headers).payload("x".into());
    Answer::read(&client.send_request("sink.raw", request).await.expect("it answers").payload)
}

fn effects() -> Vec<Effect> {
    (0..EFFECTS).map(|number| Effect::new("sink.effect", number.to_string())).collect()
}

fn tell(what: &str, since: Instant) {
    println!("{what}: {:.0} µs an effect", since.elapsed().as_secs_f64() * 1e6 / EFFECTS as f64);
}

#[test]
fn on_three_copies_who_is_in_the_way_waits_and_who_is_fenced_ends() {
    crate::run(async {
        let nodes = cluster();
        let servers = nodes.iter().map(|node| node.url.clone()).collect::<Vec<_>>().join(",");
        let jetstream = connect(&nodes[0].url).await;
        make(&jetstream, "S", "s.>").await;
        make(&jetstream, "SINK", "sink.>").await;
        let client = async_nats::connect(&nodes[0].url).await.expect("it lets the test in");

        let found: Rc<RefCell<Option<Output>>> = Rc::default();
        let group =
            group(&servers, "fenced", 1).lease_ttl(Duration::from_secs(5)).sink(Sink::new("SINK", "sink.fence"));
        let member = group.build().expect("it is complete").join().await.expect("it joins");
        let slot = Rc::clone(&found);
        let run = tokio::task::spawn_local(member.run(async move |message: &Message| -> Result<(), HandlerError> {
            slot.replace(message.output().cloned());
            Ok(())
        }));
        publish(&jetstream, 0).await;
        until("it handles", || found.borrow().is_some()).await;
        let output = found.borrow().clone().expect("there is a sink");
        let sink = jetstream.get_stream("SINK").await.expect("it is there");
        let fence = sink.get_last_raw_message_by_subject("sink.fence.0").await.expect("there is a fence").sequence;

        let since = Instant::now();
        for _ in 0..EFFECTS {
            assert!(matches!(write(&client, None).await, Answer::Stored(_)));
        }
        tell("one after the other, without a fence", since);
        let since = Instant::now();
        let answers = join_all((0..EFFECTS).map(|_| write(&client, None))).await;
        assert!(answers.iter().all(|answer| matches!(answer, Answer::Stored(_))));
        tell("all at once, without a fence", since);
        // One expectation of a subject is looked at at a time: the others are in the way, and none of them is superseded.
        let answers = join_all((0..EFFECTS).map(|_| write(&client, Some(fence)))).await;
        let count = |wanted: fn(&Answer) -> bool| answers.iter().filter(|answer| wanted(answer)).count();
        let (stored, busy) =
            (count(|answer| matches!(answer, Answer::Stored(_))), count(|answer| matches!(answer, Answer::Retry)));
        println!("{EFFECTS} at once under one fence: {stored} stored, {busy} to be sent again (10164)");
        assert_eq!(stored + busy, EFFECTS, "{answers:?}");
        assert!(stored > 0 && busy > 0, "{stored} and {busy}");

        let since = Instant::now();
        let written = join_all(effects().into_iter().map(|effect| output.write(effect))).await;
        assert!(written.iter().all(Result::is_ok), "{written:?}");
        tell("`write`, one after the other", since);
        let since = Instant::now();
        output.write_all(effects()).await.expect("it is stored");
        tell(&format!("`write_all` of {EFFECTS}, one batch"), since);
        let since = Instant::now();
        for effects in effects().chunks(10) {
            output.write_all(effects.to_vec()).await.expect("it is stored");
        }
        tell("`write_all` of 10, batches", since);

        let later = Fence { epoch: 99, session: Session::random() };
        jetstream.publish("sink.fence.0", later.encode().into()).await.expect("sent").await.expect("stored");
        assert_eq!(write(&client, Some(fence)).await, Answer::Fenced);
        let refused = Err(OutputError::Fenced { partition: 0, epoch: 1 });
        assert_eq!(output.write_all(effects()).await, refused);
        assert_eq!(output.write(Effect::new("sink.effect", "late")).await, refused);
        let stored = sink.get_info().await.expect("it answers").state.messages;
        let expected = 2 * EFFECTS + (EFFECTS - busy) + 3 * EFFECTS + 2;
        assert_eq!(stored, expected as u64, "two fences, and nothing of what was refused");
        run.abort();
    });
}
