//! A member in a test: what it handled, what it told, how it ended.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use async_nats::jetstream;
use lease_group::{
    Group, GroupBuilder, HandlerError, JoinError, MemberError, MemberEvent, MemberHandle, Message, Observer,
    PartitionEvent, Session,
};
use tokio::task::{JoinHandle, spawn_local};

/// The lease of most tests.
pub(crate) const TTL: Duration = Duration::from_secs(1);

/// One handling.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handled {
    pub(crate) at: Instant,
    pub(crate) partition: u32,
    pub(crate) sequence: u64,
    pub(crate) epoch: u64,
}

#[derive(Clone, Default)]
struct Ear(Arc<Mutex<Vec<(u32, PartitionEvent)>>>, Arc<Mutex<Vec<MemberEvent>>>);

impl Observer for Ear {
    fn partition(&self, _: u64, partition: u32, event: &PartitionEvent) {
        self.0.lock().expect("nobody panics").push((partition, event.clone()));
    }

    fn member(&self, _: u64, event: &MemberEvent) {
        self.1.lock().expect("nobody panics").push(event.clone());
    }
}

pub(crate) struct Worker {
    pub(crate) handle: MemberHandle,
    handled: Rc<RefCell<Vec<Handled>>>,
    ear: Ear,
    task: JoinHandle<Result<(), MemberError>>,
}

/// The group of most tests: stream `S`, partitions at `s.p.<n>`.
pub(crate) fn group(url: &str, name: &str, partitions: u32) -> GroupBuilder {
    Group::builder(url).stream("S").name(name).subject_prefix("s.p").partitions(partitions).lease_ttl(TTL)
}

impl Worker {
    pub(crate) async fn join(group: GroupBuilder) -> Result<Self, JoinError> {
        let (ear, handled) = (Ear::default(), Rc::new(RefCell::new(Vec::new())));
        let member = group.observer(ear.clone()).build().expect("it is complete").join().await?;
        let (handle, list) = (member.handle(), Rc::clone(&handled));
        let task = spawn_local(member.run(async move |message: &Message| -> Result<(), HandlerError> {
            let (partition, sequence, epoch) = (message.partition, message.stream_sequence, message.epoch);
            list.borrow_mut().push(Handled { at: Instant::now(), partition, sequence, epoch });
            Ok(())
        }));
        Ok(Self { handle, handled, ear, task })
    }

    pub(crate) fn session(&self) -> Session {
        self.handle.session()
    }

    pub(crate) fn handled(&self) -> Vec<Handled> {
        self.handled.borrow().clone()
    }

    pub(crate) fn has_handled(&self, partition: u32, sequence: u64) -> bool {
        self.handled.borrow().iter().any(|done| done.partition == partition && done.sequence == sequence)
    }

    pub(crate) fn told(&self, is_it: impl Fn(u32, &PartitionEvent) -> bool) -> bool {
        self.ear.0.lock().expect("nobody panics").iter().any(|(partition, event)| is_it(*partition, event))
    }

    pub(crate) fn events(&self) -> Vec<(u32, PartitionEvent)> {
        self.ear.0.lock().expect("nobody panics").clone()
    }

    pub(crate) fn was_refused(&self) -> bool {
        self.ear.1.lock().expect("nobody panics").iter().any(|event| matches!(event, MemberEvent::Refused { .. }))
    }

    /// How it ended by itself.
    pub(crate) async fn ended(self) -> Result<(), MemberError> {
        let ended = tokio::time::timeout(Duration::from_secs(60), self.task).await;
        ended.expect("it ends").expect("it does not panic")
    }

    pub(crate) async fn leave(self) {
        self.handle.leave().await.expect("it leaves in good order");
        self.ended().await.expect("it leaves in good order");
    }
}

/// Waits for a condition.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < deadline, "waited too long for {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

pub(crate) async fn connect(url: &str) -> jetstream::Context {
    jetstream::new(async_nats::connect(url).await.expect("it lets the test in"))
}

/// Makes `S`.
pub(crate) async fn make_stream(jetstream: &jetstream::Context) {
    let config =
        jetstream::stream::Config { name: "S".to_owned(), subjects: vec!["s.>".to_owned()], ..Default::default() };
    jetstream.create_stream(config).await.expect("it is made");
}

/// Stores one message; answers its sequence.
pub(crate) async fn publish(jetstream: &jetstream::Context, partition: u32) -> u64 {
    let sent = jetstream.publish(format!("s.p.{partition}"), "x".into()).await.expect("it is sent");
    sent.await.expect("it is stored").sequence
}
