//! `queue-group`: one durable push consumer with a deliver group, explicit acks. No order is promised.
//!
//! **How it works.** The server pushes each message to one member of the group, chosen at random, as long as fewer than
//! `max-ack-pending` are unacknowledged. Members do nothing but subscribe. The server sends idle heartbeats, to one
//! member at random too, so that silence proves nothing to a member. There is no flow control: the server accepts it
//! together with a deliver group (2.15), but one member, at random, would answer for all. So `max-ack-pending` is the
//! only brake, and it must have a limit.
//!
//! **Promises.** At least once: what is not acknowledged within the ack wait is pushed again, to anybody.
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

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, push};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::acks::Acks;
use super::inbox::{Inbox, Taken};
use super::seat::Seat;
use super::{About, Error, Site};
use crate::clock;
use crate::model::promise::Promises;
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "queue-group",
    summary: "one push consumer with a deliver group, explicit acks, idle heartbeat; no order promised",
};

/// Settings of the push consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// After how long without an ack a message is delivered again.
    pub ack_wait: Timespan,
    /// Most messages delivered and not yet acknowledged, over all members.
    pub max_ack_pending: u32,
    /// How often the server says that it is there while it has nothing to push.
    pub idle_heartbeat: Timespan,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ack_wait: Timespan(Duration::from_secs(5)),
            max_ack_pending: 1000,
            idle_heartbeat: Timespan(Duration::from_secs(1)),
        }
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
        // A member must be able to hold them all.
        if !(1..=65_536).contains(&self.max_ack_pending) {
            let text = "max-ack-pending is 1 to 65536: without flow control it is the only brake";
            objections.push(("max-ack-pending", text.to_owned()));
        }
        if self.idle_heartbeat.0 < Duration::from_millis(100) {
            objections.push(("idle-heartbeat", "idle-heartbeat is below 100ms, which the server refuses".to_owned()));
        }
        objections
    }

    /// Makes the durable that pushes to the group.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn provision(&self, site: &Site<'_>) -> Result<(), Error> {
        site.make_consumer(push::Config {
            durable_name: Some(site.group.to_owned()),
            deliver_subject: deliver_subject(site.group),
            deliver_group: Some(site.group.to_owned()),
            ack_policy: AckPolicy::Explicit,
            deliver_policy: DeliverPolicy::All,
            ack_wait: self.ack_wait.0,
            max_ack_pending: i64::from(self.max_ack_pending),
            max_deliver: -1,
            idle_heartbeat: self.idle_heartbeat.0,
            ..push::Config::default()
        })
        .await
    }

    /// Consumes as one member until told to leave: the subscription ends, what was pushed before is finished and
    /// acknowledged.
    ///
    /// # Errors
    /// When the journal cannot be written or the connection is closed for good.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let acks = Acks::begin(seat, self.ack_wait.0).await?;
        let room = self.max_ack_pending as usize + 16;
        let group = Some(seat.group.clone());
        let mut inbox = Inbox::open(seat, deliver_subject(&seat.group), group, room).await?;
        seat.start.asked();
        while let Some((received, message)) = inbox.next().await {
            // Heartbeats have a status and no ack subject.
            let Some(taken) = Taken::new(received, message) else { continue };
            seat.desk.handle(&taken.delivery(clock::now())).await?;
            acks.ack(&taken).await?;
        }
        if !*seat.leave.borrow() {
            return Err(Error::Closed);
        }
        acks.settle().await;
        Ok(())
    }
}

/// Where the server pushes to: an inbox, because every user may subscribe to these, also one with few rights.
fn deliver_subject(group: &str) -> String {
    format!("_INBOX.{group}.deliver")
}
