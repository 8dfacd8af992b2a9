//! `serial`: one durable pull consumer shared by all members, with at most one message unacknowledged.
//!
//! **How it works.** The server delivers the next message only when the last one has been acknowledged, whoever got
//! it. Members take turns; the others stand by.
//!
//! **Promises.** At least once and order per key, indeed one order over all keys. After a crash the message in hand is
//! delivered again when its ack wait has run out, and nothing overtakes it. A member starts a message only while its
//! ack wait cannot have run out, reckoned from its own pull: after a pause it leaves alone what has gone to somebody
//! else since.
//!
//! **Hazards.** A round trip a message is the speed limit, however many members there are. A crash stops everything,
//! all partitions, for up to the ack wait. It is not exclusive: a handler that takes longer than the ack wait, or a
//! member that is paused within one, works on while another gets the same message again, and then the next ones.
//!
//! **On a replicated stream.** The durable has the replicas and the storage of the stream, and the next message is
//! delivered when a majority knows of it: the round trip that limits the speed is longer by one between the servers.
//!
//! **When to choose it.** A few hundred messages a second at most, and order that must be right with the least
//! machinery; and as the floor that everything else is measured against.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Config};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::consumer::Consumer;
use super::pull::Puller;
use super::seat::Seat;
use super::settle::Settler;
use super::{About, Error, Site};
use crate::model::promise::Promises;
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "serial",
    summary: "one durable pull consumer, one message unacknowledged at most; order, one by one",
};

/// Settings of the serial consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Settings {
    /// After how long without an ack the message is delivered again: for so long a crash stops everything.
    pub ack_wait: Timespan,
    /// Where the consumer begins, how long it lives and where its state lies.
    #[serde(flatten)]
    pub consumer: Consumer,
}

impl Default for Settings {
    fn default() -> Self {
        Self { ack_wait: Timespan(Duration::from_secs(5)), consumer: Consumer::default() }
    }
}

impl Settings {
    /// Order without exclusion.
    #[must_use]
    pub fn promises(&self) -> Promises {
        let promises =
            Promises { at_least_once: true, order_per_key: true, exclusive: false, owners: false, fenced: false };
        self.consumer.limit(promises)
    }

    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        if self.ack_wait.0 < Duration::from_millis(500) {
            objections.push(("ack-wait", "ack-wait is below 500ms, and a pull is kept open for half of it".to_owned()));
        }
        self.consumer.object(&mut objections);
        objections
    }

    /// Makes the consumer that all members share.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn provision(&self, site: &Site<'_>) -> Result<(), Error> {
        let config = Config {
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.ack_wait.0,
            max_ack_pending: 1,
            max_deliver: -1,
            ..Config::default()
        };
        site.make_consumer(None, self.consumer.describe(site.group, config)?).await
    }

    /// Consumes as one member until told to leave: pulls stop, what is in hand is finished and acknowledged.
    ///
    /// # Errors
    /// When the journal cannot be written or the connection is closed for good.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let settler = Settler::begin(seat, &self.consumer, self.ack_wait).await?;
        let mut puller = Puller::one_at_a_time(seat, seat.group.clone(), self.ack_wait.0);
        puller.run(async |taken| settler.settle(taken).await).await?;
        settler.end().await;
        Ok(())
    }
}
