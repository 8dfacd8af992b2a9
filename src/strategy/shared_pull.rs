//! `shared-pull`: one durable pull consumer shared by all members, explicit acks. No order is promised.
//!
//! **How it works.** Every member pulls from the same durable, `batch` messages at a time, and acknowledges each when it has
//! handled it. The server answers the open pulls in turn. Acks go out as requests, pipelined, and their replies are read
//! beside the work: an ack counts when the server has confirmed it.
//!
//! **Promises.** At least once: what is not acknowledged within the ack wait is delivered again, to anybody who pulls.
//!
//! **Hazards.** Neighbours of one key go to different members, which work on them at the same time, and the slower one is
//! overtaken. What a dead member had fetched comes again only when the ack wait has run out, behind newer messages: the
//! partitions never stand still, but those messages wait (`stranded`). A paused member's open pulls go on being
//! answered. A handler that takes longer than the ack wait, with all that is fetched before it, is handled twice.
//!
//! **On a replicated stream.** The durable has the replicas and the storage of the stream. Every delivery waits until a
//! majority knows of it; acks are spread more lazily, so that when the durable's leader dies, some that were confirmed
//! are forgotten, and their messages come again.
//!
//! **When to choose it.** Jobs that do not depend on each other: nothing spreads work over members more evenly, and
//! nothing is simpler to run.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, pull};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::acks::Acks;
use super::pull::Puller;
use super::seat::Seat;
use super::{About, Error, Site};
use crate::clock;
use crate::model::promise::Promises;
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
    pub async fn provision(&self, site: &Site<'_>) -> Result<(), Error> {
        site.make_consumer(pull::Config {
            durable_name: Some(site.group.to_owned()),
            ack_policy: AckPolicy::Explicit,
            deliver_policy: DeliverPolicy::All,
            ack_wait: self.ack_wait.0,
            max_ack_pending: self.max_ack_pending,
            max_deliver: -1,
            ..pull::Config::default()
        })
        .await
    }

    /// Consumes as one member until told to leave: pulls stop, what is in hand is finished and acknowledged.
    ///
    /// # Errors
    /// When the journal cannot be written or the connection is closed for good.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let acks = Acks::begin(seat, self.ack_wait.0).await?;
        let mut puller = Puller::new(seat, seat.group.clone(), self.batch);
        puller
            .run(async |taken| {
                seat.desk.handle(&taken.delivery(clock::now())).await?;
                acks.ack(&taken).await
            })
            .await?;
        acks.settle().await;
        Ok(())
    }
}
