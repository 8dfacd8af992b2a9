//! `queue-group`: one durable push consumer with a deliver group, explicit acks. No order is promised.
//!
//! **How it works.** The server pushes each message to one member of the group, chosen at random, as long as fewer than
//! `max-ack-pending` are unacknowledged. Members do nothing but subscribe. The server sends idle heartbeats, to one
//! member at random too, so that silence proves nothing to a member. With `flow-control` it asks now and then, after 2 MiB
//! at the latest, whether what it pushed has arrived, and pushes nothing more before it is told so. It accepts that
//! together with a deliver group (2.10 to 2.15 do), but it asks one member, at random, and that answers for all: a slow
//! member that was not asked is not waited for, and one that is asked and paused holds up everybody, until an idle
//! heartbeat takes the question to another. So `max-ack-pending` is the brake that counts, and it must have a limit.
//! Where nothing is acknowledged it does not exist: then flow control is all there is.
//!
//! **Promises.** At least once: what is not acknowledged within the ack wait is pushed again, to anybody. Settings take
//! that away: `ack` other than "explicit", `max-deliver`, and a consumer that may be gone with its position.
//!
//! **Hazards.** Two members work on one key at the same time, so the slower of them is overtaken. A paused member goes
//! on being sent its share until the unacknowledged fill the limit, and a crashed one takes up to all of them with it:
//! they come again after the ack wait, behind newer ones. Every message is pushed whether its member is busy or not:
//! work waits in one member's buffer while another has nothing to do.
//!
//! **On a replicated stream.** The durable has the replicas and the storage of the stream. Every delivery waits until a
//! majority knows of it; acks are spread more lazily, so that when the durable's leader dies, some that were confirmed
//! are forgotten, and their messages come again.
//!
//! **When to choose it.** Events whose order does not matter, with handlers that all take about as long; `shared-pull`
//! does the same with less waiting in the wrong place.

use std::time::Duration;

use async_nats::jetstream::consumer::Config;
use async_nats::{StatusCode, Subject};
use bytes::Bytes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::consumer::{Ack, Consumer, Redelivery};
use super::inbox::{Inbox, Taken};
use super::seat::Seat;
use super::settle::Settler;
use super::{About, Error, Site};
use crate::model::promise::Promises;
use crate::model::units::Timespan;
use crate::nats::link::Message;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "queue-group",
    summary: "one push consumer with a deliver group, explicit acks, idle heartbeat; no order promised",
};

/// Settings of the push consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Settings {
    /// After how long without an ack a message is delivered again.
    pub ack_wait: Timespan,
    /// Most messages delivered and not yet acknowledged, over all members.
    pub max_ack_pending: u32,
    /// How often the server says that it is there while it has nothing to push.
    pub idle_heartbeat: Timespan,
    /// Whether the server asks now and then if what it pushed has arrived, and waits for the answer. Default false.
    pub flow_control: bool,
    /// What counts as an ack.
    #[serde(flatten)]
    pub redelivery: Redelivery,
    /// Where the consumer begins, how long it lives and where its state lies.
    #[serde(flatten)]
    pub consumer: Consumer,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ack_wait: Timespan(Duration::from_secs(5)),
            max_ack_pending: 1000,
            idle_heartbeat: Timespan(Duration::from_secs(1)),
            flow_control: false,
            redelivery: Redelivery::default(),
            consumer: Consumer::default(),
        }
    }
}

impl Settings {
    /// At least once, nothing more.
    #[must_use]
    pub fn promises(&self) -> Promises {
        let promises =
            Promises { at_least_once: true, order_per_key: false, exclusive: false, owners: false, fenced: false };
        self.redelivery.limit(self.consumer.limit(promises))
    }

    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        self.redelivery.object(self.ack_wait, self.consumer.double_ack, &mut objections);
        self.consumer.object(&mut objections);
        // A member must be able to hold them all.
        if !(1..=65_536).contains(&self.max_ack_pending) {
            let text = "max-ack-pending is 1 to 65536: it is the only brake that holds for a group";
            objections.push(("max-ack-pending", text.to_owned()));
        }
        if self.idle_heartbeat.0 < Duration::from_millis(100) {
            objections.push(("idle-heartbeat", "idle-heartbeat is below 100ms, which the server refuses".to_owned()));
        }
        objections
    }

    /// Makes the consumer that pushes to the group.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn provision(&self, site: &Site<'_>) -> Result<(), Error> {
        let config = Config {
            deliver_subject: Some(deliver_subject(site.group)),
            deliver_group: Some(site.group.to_owned()),
            idle_heartbeat: self.idle_heartbeat.0,
            flow_control: self.flow_control,
            ..Config::default()
        };
        let config = self.redelivery.describe(self.ack_wait, self.max_ack_pending.into(), config);
        site.make_consumer(None, self.consumer.describe(site.group, config)?).await
    }

    /// Consumes as one member until told to leave: the subscription ends, what was pushed before is finished and
    /// acknowledged.
    ///
    /// # Errors
    /// When the journal cannot be written or the connection is closed for good.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let every = self.max_ack_pending / 4;
        let settler = Settler::begin_as(seat, &self.consumer, &self.redelivery, self.ack_wait, (every, 1)).await?;
        let room = self.max_ack_pending as usize + 16;
        let group = Some(seat.group.clone());
        let mut inbox = Inbox::open(seat, deliver_subject(&seat.group), group, room).await?;
        seat.start.asked();
        while let Some((received, message)) = inbox.next().await {
            if let Some(question) = flow_question(&message) {
                answer(seat, question).await?;
                continue;
            }
            // Heartbeats have a status and no ack subject.
            let Some(mut taken) = Taken::new(received, message) else { continue };
            taken.is_last = inbox.is_empty();
            settler.settle(&taken).await?;
        }
        if !*seat.leave.borrow() {
            return Err(Error::Closed);
        }
        settler.end().await;
        Ok(())
    }

    /// Whether a member can give a message back, or up.
    pub(super) fn acknowledges(&self) -> bool {
        self.redelivery.ack != Ack::None
    }
}

/// Where the server wants to hear that all before this was taken in: a request of flow control, or a heartbeat that says
/// that the consumer stands still for want of such an answer (ADR-15).
fn flow_question(message: &Message) -> Option<Subject> {
    if message.status() != Some(StatusCode::IDLE_HEARTBEAT) {
        return None;
    }
    let stalled = || message.headers()?.get("Nats-Consumer-Stalled").map(|to| Subject::from(to.as_str()));
    message.reply().map(Subject::from).or_else(stalled)
}

async fn answer(seat: &Seat, question: Subject) -> Result<(), Error> {
    let answered = seat.client.publish(question, Bytes::new()).await;
    answered.map_err(|error| Error::refused("answer a question of flow control", &error))
}

/// Where the server pushes to: an inbox, because every user may subscribe to these, also one with few rights.
fn deliver_subject(group: &str) -> String {
    format!("_INBOX.{group}.deliver")
}
