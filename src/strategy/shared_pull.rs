//! `shared-pull`: one durable pull consumer shared by all members, explicit acks. No order is promised.
//!
//! Whoever pulls next gets the next message, so two members work on one key at the same time; and what a dead member
//! had fetched comes again only after the ack wait, behind newer messages. An ack counts as committed when the server
//! has confirmed it: acks go out as requests, pipelined, and their replies are read beside the work.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use async_nats::{Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::desk::Delivery;
use super::seat::Seat;
use super::{About, Error, delivery};
use crate::clock;
use crate::model::promise::Promises;
use crate::model::record::{Commit, Reach, Record};
use crate::model::time::MonoNs;
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "shared-pull",
    summary: "one durable pull consumer for all members, explicit acks; no order promised",
};

/// Settings of the shared pull consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// After how long without an ack a message is delivered again.
    pub ack_wait: Timespan,
    /// Messages a pull asks for.
    pub batch: u32,
    /// Most messages delivered and not yet acknowledged, over all members; -1 for no limit.
    pub max_ack_pending: i64,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ack_wait: Timespan(Duration::from_secs(5)), batch: 100, max_ack_pending: -1 }
    }
}

impl Settings {
    /// At least once, nothing more.
    #[must_use]
    pub fn promises(&self) -> Promises {
        Promises { at_least_once: true, order_per_key: false, exclusive: false, owners: false }
    }

    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        if self.ack_wait.0 < Duration::from_millis(100) {
            objections.push(("ack-wait", "ack-wait is below 100ms".to_owned()));
        }
        if self.batch == 0 {
            objections.push(("batch", "batch is 0, and a pull asks for at least one message".to_owned()));
        }
        if self.max_ack_pending == 0 || self.max_ack_pending < -1 {
            objections.push(("max-ack-pending", "max-ack-pending is 1 or more, or -1 for no limit".to_owned()));
        }
        objections
    }

    /// Makes the durable that all members share.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn provision(
        &self,
        jetstream: &async_nats::jetstream::Context,
        stream: &str,
        group: &str,
    ) -> Result<(), Error> {
        let config = pull::Config {
            durable_name: Some(group.to_owned()),
            ack_policy: AckPolicy::Explicit,
            deliver_policy: DeliverPolicy::All,
            ack_wait: self.ack_wait.0,
            max_ack_pending: self.max_ack_pending,
            max_deliver: -1,
            ..pull::Config::default()
        };
        jetstream
            .create_consumer_on_stream(config, stream)
            .await
            .map_err(|error| Error::refused(format!("create the durable consumer '{group}'"), &error))?;
        Ok(())
    }

    /// Consumes as one member until told to leave: pulls stop, what is in hand is finished and acknowledged.
    ///
    /// # Errors
    /// When the journal cannot be written or the connection is closed for good.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let acks = Rc::new(Acks::new(seat));
        let replies = subscribe(seat, format!("{}.*", acks.inbox)).await?;
        let confirming = tokio::task::spawn_local(Acks::confirm(Rc::clone(&acks), replies));
        let worked = self.work(seat, &acks).await;
        if worked.is_ok() {
            acks.settle().await;
        }
        confirming.abort();
        worked
    }

    async fn work(&self, seat: &Seat, acks: &Acks) -> Result<(), Error> {
        let inbox = seat.client.new_inbox();
        let subscriber = subscribe(seat, inbox.clone()).await?;
        let batch = u64::from(self.batch);
        // The bound on what is in hand: two pulls can be open at once.
        let (taken, mut messages) = mpsc::channel(2 * self.batch as usize + 16);
        let reading = tokio::task::spawn_local(read(subscriber, taken));
        let mut open: u64 = 0;
        let mut leaving = false;
        loop {
            if !leaving && open <= batch / 2 {
                self.pull(seat, &inbox).await?;
                open += batch;
            }
            let next = tokio::select! {
                biased;
                () = seat.told_to_leave(), if !leaving => {
                    // The server forgets the open pulls when their inbox has no interest; what it sent before is still read.
                    leaving = true;
                    reading.abort();
                    continue;
                }
                next = tokio::time::timeout(3 * HEARTBEAT, messages.recv()) => next,
            };
            match next {
                Ok(Some((received, message))) => match message.status {
                    None => {
                        open = open.saturating_sub(1);
                        handle(seat, acks, received, &message).await?;
                    }
                    Some(StatusCode::IDLE_HEARTBEAT) => {}
                    // The pull has ended; the header tells how much of it was not used.
                    Some(StatusCode::TIMEOUT | StatusCode::REQUEST_TERMINATED | StatusCode::NOT_FOUND) => {
                        open = open.saturating_sub(unused(&message).unwrap_or(batch));
                    }
                    // No responders, or something newer: the pull is gone. A little patience, or a server that is
                    // down would be asked in a hot loop.
                    Some(_) => {
                        open = open.saturating_sub(batch);
                        tokio::time::sleep(PATIENCE).await;
                    }
                },
                Ok(None) if leaving => return Ok(()),
                Ok(None) => return Err(Error::Closed),
                // Neither message nor heartbeat: the pulls were lost with a connection.
                Err(_silence) if leaving => return Ok(()),
                Err(_silence) => open = 0,
            }
        }
    }

    async fn pull(&self, seat: &Seat, inbox: &str) -> Result<(), Error> {
        let request = pull::BatchConfig {
            batch: self.batch as usize,
            expires: Some(EXPIRY),
            idle_heartbeat: HEARTBEAT,
            ..pull::BatchConfig::default()
        };
        let request = serde_json::to_vec(&request).map_err(|error| Error::refused("encode a pull request", &error))?;
        let subject = format!("$JS.API.CONSUMER.MSG.NEXT.{}.{}", seat.stream, seat.group);
        seat.client
            .publish_with_reply(subject, inbox.to_owned(), request.into())
            .await
            .map_err(|error| Error::refused("pull messages", &error))
    }
}

/// How long the server keeps a pull open.
const EXPIRY: Duration = Duration::from_secs(10);
/// How often the server says that a pull is still open.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Wait before a pull is tried again that nobody answered.
const PATIENCE: Duration = Duration::from_millis(50);
/// How long a leaving member waits for the confirmation of its last acks.
const SETTLE: Duration = Duration::from_secs(2);

async fn subscribe(seat: &Seat, subject: String) -> Result<Subscriber, Error> {
    seat.client.subscribe(subject).await.map_err(|error| Error::refused("subscribe to an inbox", &error))
}

/// Stamps what arrives as it arrives, also while a message is being handled.
async fn read(mut subscriber: Subscriber, taken: mpsc::Sender<(MonoNs, Message)>) {
    while let Some(message) = subscriber.next().await {
        if taken.send((clock::now(), message)).await.is_err() {
            return;
        }
    }
}

async fn handle(seat: &Seat, acks: &Acks, received: MonoNs, message: &Message) -> Result<(), Error> {
    let Some((reply, info)) = message.reply.as_ref().and_then(|reply| Some((reply, delivery::parse(reply)?))) else {
        return Ok(());
    };
    let partition = message.subject.rsplit('.').next().and_then(|last| last.parse().ok()).unwrap_or(u16::MAX);
    seat.desk
        .handle(&Delivery {
            payload: &message.payload,
            partition,
            epoch: 0,
            stream_seq: info.stream_seq,
            consumer_seq: info.consumer_seq,
            delivered: info.delivered,
            received,
            started: clock::now(),
        })
        .await?;
    acks.send(reply.clone(), partition, info.stream_seq).await
}

fn unused(message: &Message) -> Option<u64> {
    message.headers.as_ref()?.get("Nats-Pending-Messages")?.as_str().parse().ok()
}

/// Acks that were sent and wait for the server's confirmation.
struct Acks {
    client: async_nats::Client,
    notebook: super::desk::Notebook,
    inbox: String,
    /// Partition by stream sequence.
    waiting: RefCell<HashMap<u64, u16>>,
}

impl Acks {
    fn new(seat: &Seat) -> Self {
        Self {
            client: seat.client.clone(),
            notebook: seat.desk.notebook().clone(),
            inbox: seat.client.new_inbox(),
            waiting: RefCell::default(),
        }
    }

    async fn send(&self, ack: async_nats::Subject, partition: u16, stream_seq: u64) -> Result<(), Error> {
        self.waiting.borrow_mut().insert(stream_seq, partition);
        let reply = format!("{}.{stream_seq}", self.inbox);
        self.client
            .publish_with_reply(ack, reply, Bytes::from_static(b"+ACK"))
            .await
            .map_err(|error| Error::refused("acknowledge a message", &error))
    }

    /// Journals each confirmed ack as a commit. Acks that nobody answers stay uncommitted.
    async fn confirm(acks: Rc<Self>, mut replies: Subscriber) {
        while let Some(reply) = replies.next().await {
            let stream_seq = reply.subject.rsplit('.').next().and_then(|token| token.parse::<u64>().ok());
            let Some((stream_seq, partition)) = stream_seq.and_then(|seq| acks.waiting.borrow_mut().remove_entry(&seq))
            else {
                continue;
            };
            if reply.status.is_some_and(|status| status != StatusCode::OK) {
                continue;
            }
            let commit = Commit { at: clock::now(), partition, epoch: 0, stream_seq, reach: Reach::Exact };
            if acks.notebook.append(Record::Commit(commit)).is_err() {
                // The next handling meets the same error and reports it.
                return;
            }
        }
    }

    /// Waits until all are confirmed, for a bounded time.
    async fn settle(&self) {
        let all_confirmed = async {
            while !self.waiting.borrow().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(SETTLE, all_confirmed).await;
    }
}
