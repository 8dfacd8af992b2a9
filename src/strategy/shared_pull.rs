//! `shared-pull`: one durable pull consumer shared by all members, explicit acks. No order is promised.
//!
//! **How it works.** Every member pulls from the same durable, `batch` messages at a time, and acknowledges each when it has
//! handled it. The server answers the open pulls in turn. Acks go out as requests, and their replies are read beside the work,
//! or waited for (`double-ack`): an ack counts when the server has confirmed it.
//!
//! **Promises.** At least once: what is not acknowledged within the ack wait is delivered again, to anybody who pulls.
//! Settings take that away: with `ack` other than "explicit", with `max-deliver`, and with a consumer that may be gone with
//! its position (`durable = false`, `memory-storage`), messages may be lost.
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

use async_nats::jetstream::consumer::Config;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::consumer::{Ack, Consumer, Pulling, Redelivery, object_to_pending};
use super::inbox::Taken;
use super::messages;
use super::pull::Puller;
use super::seat::Seat;
use super::settle::Settler;
use super::{About, Error, Site};
use crate::model::promise::Promises;
use crate::model::units::Timespan;
use crate::nats::link;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "shared-pull",
    summary: "one durable pull consumer for all members, explicit acks; no order promised",
};

/// Settings of the shared pull consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Settings {
    /// After how long without an ack a message is delivered again.
    pub ack_wait: Timespan,
    /// Messages a pull asks for. A member has up to one and a half times as many in hand: with acks, what it has in hand must be handled within the ack wait, so more than the default is for handlers that take much less than a millisecond.
    pub batch: u32,
    /// Most messages delivered and not yet acknowledged, over all members; -1 for no limit.
    pub max_ack_pending: i64,
    /// How messages and acks travel between members and server. Default "library".
    #[serde(skip_serializing_if = "Path::is_library")]
    pub path: Path,
    /// With path "plain": for so many acks the server is asked for one confirmation, which stands for all of them, because it takes them in order; 1 to 1000. Above 1 the ack of the last message in hand is held back for a millisecond, in case another one comes. Default 1.
    #[serde(skip_serializing_if = "is_one")]
    pub confirm_every: u32,
    /// When a member pulls.
    #[serde(flatten)]
    pub pulling: Pulling,
    /// What counts as an ack.
    #[serde(flatten)]
    pub redelivery: Redelivery,
    /// Where the consumer begins, how long it lives and where its state lies.
    #[serde(flatten)]
    pub consumer: Consumer,
}

/// How messages and acks travel between members and server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// Through the client library's connection, with a pull loop of jetlag's own.
    #[default]
    Library,
    /// Through a small client of jetlag's own, which costs a fraction of the processor time. For one server on this machine that asks for neither TLS nor a login; where that is not so, as "library", and the report says so.
    Plain,
    /// Through the client library's own stream of messages, `messages()`: what its users get.
    Messages,
}

impl Path {
    /// The connection that it needs.
    #[must_use]
    pub fn link(self) -> link::Path {
        match self {
            Self::Plain => link::Path::Plain,
            Self::Library | Self::Messages => link::Path::Library,
        }
    }

    fn is_library(&self) -> bool {
        *self == Self::Library
    }
}

fn is_one(number: &u32) -> bool {
    *number == 1
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ack_wait: Timespan(Duration::from_secs(5)),
            batch: 100,
            max_ack_pending: -1,
            path: Path::Library,
            confirm_every: 1,
            pulling: Pulling::default(),
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
        self.pulling.object(self.batch, &mut objections);
        self.consumer.object(&mut objections);
        object_to_pending(self.max_ack_pending, &mut objections);
        if !(1..=1000).contains(&self.confirm_every) {
            objections.push(("confirm-every", format!("confirm-every is {}, expected 1 to 1000", self.confirm_every)));
        } else if self.confirm_every > 1 && (self.path != Path::Plain || self.consumer.double_ack) {
            let text = "confirm-every above 1 needs path \"plain\" and no double-ack: the client library may connect again in between";
            objections.push(("confirm-every", text.to_owned()));
        }
        if self.path == Path::Messages {
            for (key, is_set) in
                [("threshold", self.pulling.threshold.is_some()), ("max-bytes", self.pulling.max_bytes.is_some())]
            {
                if is_set {
                    objections.push((
                        key,
                        format!(
                            "with path \"messages\" the client library decides when to pull, so `{key}` has no effect"
                        ),
                    ));
                }
            }
        }
        objections
    }

    /// Makes the consumer that all members share.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn provision(&self, site: &Site<'_>) -> Result<(), Error> {
        let config = self.redelivery.describe(self.ack_wait, self.max_ack_pending, Config::default());
        site.make_consumer(None, self.consumer.describe(site.group, config)?).await
    }

    /// Consumes as one member until told to leave: pulls stop, what is in hand is finished and acknowledged.
    ///
    /// # Errors
    /// When the journal cannot be written or the connection is closed for good.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let every = (self.batch / 2, self.confirm_every);
        let settler = Settler::begin_as(seat, &self.consumer, &self.redelivery, self.ack_wait, every).await?;
        let settle = async |taken: &Taken| settler.settle(taken).await;
        if self.path == Path::Messages {
            messages::hand_over(seat, &seat.group, self.batch, self.pulling.max_wait.0, settle).await?;
        } else {
            Puller::new(seat, seat.group.clone(), self.batch, &self.pulling)
                .run_with(|hand| settler.settle_at_once(hand), settle)
                .await?;
        }
        settler.end().await;
        Ok(())
    }

    /// Whether a member can give a message back, or up.
    pub(super) fn acknowledges(&self) -> bool {
        self.redelivery.ack != Ack::None
    }
}
