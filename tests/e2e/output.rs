//! The output helper of the group itself, without jetlag around it: a fence that somebody else raises, batches, and the server's own
//! events as hints.

use std::cell::{Cell, RefCell};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use futures_util::TryStreamExt as _;
use jetlag::nats::{Given, Secret};
use lease_group::fence::Fence;
use lease_group::{
    Effect, Group, GroupBuilder, HandlerError, Hints, MemberEvent, Message, Observer, OutputError, Session, Sink,
};

use crate::place::Place;
use crate::server::OwnServer;

/// The most that anything here may take.
const WITHIN: Duration = Duration::from_secs(60);

async fn streams(client: &async_nats::Client, allow_atomic_publish: bool) -> jetstream::Context {
    let jetstream = jetstream::new(client.clone());
    for (name, subject, allow_atomic_publish) in
        [("ORDERS", "orders.p.*", false), ("BILLS", "bills.>", allow_atomic_publish)]
    {
        let config = stream::Config {
            name: name.to_owned(),
            subjects: vec![subject.to_owned()],
            allow_atomic_publish,
            ..Default::default()
        };
        jetstream.create_stream(config).await.expect("a stream");
    }
    jetstream
}

async fn order(jetstream: &jetstream::Context) {
    jetstream.publish("orders.p.0", "order".into()).await.expect("sent").await.expect("stored");
}

fn group(url: &str) -> GroupBuilder {
    let group = Group::builder(url).stream("ORDERS").name("billing").subject_prefix("orders.p").partitions(1);
    group.lease_ttl(Duration::from_secs(2)).sink(Sink::new("BILLS", "bills.fence"))
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Whoever raises a later fence ends the epoch at its next effect; what a batch holds is stored whole or not at all.
#[test]
fn a_later_fence_refuses_single_effects_and_whole_batches() {
    for atomic in [false, true] {
        let place = Place::new();
        let server = OwnServer::start(&place);
        let url = server.url();
        runtime().block_on(async {
            let client = async_nats::connect(&url).await.expect("a connection");
            let jetstream = streams(&client, atomic).await;
            order(&jetstream).await;
            let member = group(&url).build().expect("a group").join().await.expect("it joins");
            let handle = member.handle();
            let (epochs, refused) = (RefCell::new(Vec::new()), Cell::new(0));
            let run = member.run(async |message: &Message| -> Result<(), HandlerError> {
                let output = message.output().expect("there is a sink");
                let bills =
                    || (0..3).map(|number| Effect::new("bills.p", format!("{} {number}", message.epoch))).collect();
                epochs.borrow_mut().push(message.epoch);
                output.write_all(bills()).await.expect("nobody else has a fence yet");
                if message.epoch == 1 {
                    let later = Fence { epoch: 2, session: Session::random() };
                    let stored = jetstream.publish("bills.fence.0", later.encode().into()).await.expect("sent");
                    stored.await.expect("stored");
                    for error in [output.write_all(bills()).await, output.write(Effect::new("bills.p", "late")).await] {
                        assert_eq!(error, Err(OutputError::Fenced { partition: 0, epoch: 1 }));
                        refused.set(refused.get() + 1);
                    }
                }
                // What a handler makes of a refusal does not matter: the message is not handled.
                Ok(())
            });
            let leave = async {
                while epochs.borrow().len() < 2 {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                handle.leave().await
            };
            let both = tokio::time::timeout(WITHIN, async { tokio::join!(run, leave) }).await.expect("in time");
            both.0.expect("it leaves");
            assert_eq!(refused.get(), 2);
            assert_eq!(*epochs.borrow(), [1, 3], "epoch 2 meets a fence of its own number, and of somebody else");
            let stored = jetstream.get_stream("BILLS").await.expect("it is there").cached_info().state.messages;
            assert_eq!(stored, 3 + 3 + 3, "two batches and three fences");
        });
    }
}

#[derive(Clone, Default)]
struct Doubts(Arc<Mutex<Vec<Session>>>);

impl Observer for Doubts {
    fn member(&self, _at_ns: u64, event: &MemberEvent) {
        if let MemberEvent::Doubted { session } = event {
            self.0.lock().expect("nobody panicked").push(*session);
        }
    }
}

/// Returns when two members watch the group's bucket and nothing waits to be sent to either.
async fn both_watches_are_current(jetstream: &jetstream::Context) {
    loop {
        let bucket = jetstream.get_stream("KV_billing").await.expect("it is there");
        let watches: Vec<_> = bucket.consumers().try_collect().await.expect("it answers");
        if watches.len() == 2 && watches.iter().all(|watch| watch.num_pending == 0) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Names the server for [`a_member_that_the_next_test_kills`].
const MEMBER_OF: &str = "JETLAG_TEST_MEMBER_OF";

fn as_user(user: &str) -> async_nats::ConnectOptions {
    async_nats::ConnectOptions::new().user_and_password(user.to_owned(), user.to_owned())
}

/// A member whose lease lasts longer than any test, and that hears of the others by the server's events alone.
fn listening(url: &str, doubts: Doubts) -> Group {
    let hints = Hints::probe(Duration::from_secs(10)).and_system_events(url, as_user("sys"));
    let group = group(url).connect_options(as_user("app")).lease_ttl(Duration::from_secs(600)).hints(hints);
    group.observer(doubts).build().expect("a group")
}

/// A process of its own, started by the next test, is what can be killed. Without that it has nothing to do.
#[test]
fn a_member_that_the_next_test_kills() {
    let Ok(url) = std::env::var(MEMBER_OF) else { return };
    runtime().block_on(async {
        let member = listening(&url, Doubts::default()).join().await.expect("it joins");
        let run = member.run(async |_: &Message| -> Result<(), HandlerError> { Ok(()) });
        // Should the test itself be killed, nobody else ends this.
        let _ = tokio::time::timeout(WITHIN, run).await;
    });
}

#[test]
fn the_servers_own_events_tell_who_is_gone() {
    let place = Place::new();
    let accounts = "accounts { SYS { users: [ { user: sys, password: sys } ] }\n\
                    APP { jetstream: enabled, users: [ { user: app, password: app } ] } }\nsystem_account: SYS\n";
    let given = Given { user: Some("app".into()), password: Some(Secret::from("app".to_owned())), ..Given::default() };
    let server = OwnServer::start_for(&place, accounts, given);
    let url = server.url();
    runtime().block_on(async {
        let client = as_user("app").connect(&url).await.expect("a connection");
        let jetstream = streams(&client, false).await;
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        command.args(["--exact", "output::a_member_that_the_next_test_kills"]).env(MEMBER_OF, &url);
        place.at_home(&mut command);
        let mut owner = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
        let fenced = async {
            let bills = jetstream.get_stream("BILLS").await.expect("it is there");
            while bills.get_last_raw_message_by_subject("bills.fence.0").await.is_err() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(WITHIN, fenced).await.expect("the first member owns the partition");
        let doubts = Doubts::default();
        let member = listening(&url, doubts.clone()).join().await.expect("it joins");
        let handle = member.handle();
        // It must have seen whose lease it is: its watch, too, has been sent all that stands in the bucket. Should the last of it still be
        // on its way, a probe tells ten seconds later.
        tokio::time::timeout(WITHIN, both_watches_are_current(&jetstream)).await.expect("both watch the bucket");
        owner.kill().expect("it is ours");
        owner.wait().expect("it ends");
        order(&jetstream).await;
        let epochs = RefCell::new(Vec::new());
        let run = member.run(async |message: &Message| -> Result<(), HandlerError> {
            epochs.borrow_mut().push(message.epoch);
            Ok(())
        });
        let leave = async {
            while epochs.borrow().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            handle.leave().await
        };
        let both = tokio::time::timeout(WITHIN, async { tokio::join!(run, leave) }).await;
        both.expect("long before the lease ends").0.expect("it leaves");
        assert_eq!(doubts.0.lock().expect("nobody panicked").len(), 1);
        assert_eq!(*epochs.borrow(), [2]);
    });
}
