//! `pinned`: a priority group with a pinned client, one durable a partition (nats-server 2.11, ADR-42).
//!
//! **How it works.** Every member pulls from every partition's durable. The server pins one of those who pull, sends
//! messages to it alone, and pins another when it has not pulled for `pin-ttl`. So that one member does not get every
//! pin, each begins with each partition a little later than at once. A member that leaves gives its pins back.
//!
//! **Promises.** A pin is no lock: when it moves, what the last member held stays with it, and comes to the next one
//! when the ack wait has run out, behind newer messages. Only `max-ack-pending = 1`, the default, keeps order: nothing
//! is delivered before the last message of the partition is acknowledged, and a member starts a message only while its
//! ack wait cannot have run out. With more than that nothing but at least once is promised.
//!
//! **Hazards.** Pins do not spread: who was pinned stays pinned, and a member that joins gets nothing until a pin moves.
//! A crash is noticed after `pin-ttl`, and its message comes again after `ack-wait`: the longer of the two is the gap.
//! A handler slower than `pin-ttl` loses its pin without need. It is not exclusive: a member that is paused while it
//! handles a message works on when others have got it and its successors.
//!
//! **On a replicated stream.** Each durable has the replicas and the storage of the stream, and elects a leader of its own
//! when it is made, some 60 ms each; every delivery waits until a majority knows of it. There are as many of these small
//! clusters as partitions.
//!
//! **When to choose it.** Failover without leases and without a bucket, where a round trip a message and partition is
//! fast enough, or order is not needed.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Config, PriorityPolicy};
use futures_util::future;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::consumer::{Consumer, Pulling};
use super::pull::Puller;
use super::seat::Seat;
use super::settle::Settler;
use super::{About, Error, Site};
use crate::model::promise::Promises;
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "pinned",
    summary: "a durable a partition, the server pins one client to each (2.11 and newer); order, one by one a partition",
};

/// The only priority group.
const GROUP: &str = "jetlag";
/// Members begin with a partition at different instants within this.
const SPREAD_MS: u16 = 300;
/// How long giving back a pin may take.
const UNPIN_WITHIN: Duration = Duration::from_secs(1);

/// Settings of the pinned consumers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Settings {
    /// A member that has not pulled for so long loses its pin.
    pub pin_ttl: Timespan,
    /// After how long without an ack a message is delivered again.
    pub ack_wait: Timespan,
    /// Most messages of a partition delivered and not yet acknowledged. Order is promised with 1 only.
    pub max_ack_pending: u32,
    /// Messages a pull asks for, where more than one may be unacknowledged.
    pub batch: u32,
    /// Where the consumers begin, how long they live and where their state lies.
    #[serde(flatten)]
    pub consumer: Consumer,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pin_ttl: Timespan(Duration::from_secs(2)),
            ack_wait: Timespan(Duration::from_secs(5)),
            max_ack_pending: 1,
            batch: 100,
            consumer: Consumer::default(),
        }
    }
}

impl Settings {
    /// Order only where one message at a time is delivered.
    #[must_use]
    pub fn promises(&self) -> Promises {
        let order_per_key = self.max_ack_pending == 1;
        self.consumer.limit(Promises {
            at_least_once: true,
            order_per_key,
            exclusive: false,
            owners: false,
            fenced: false,
        })
    }

    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        if self.pin_ttl.0 < Duration::from_millis(500) {
            objections.push(("pin-ttl", "pin-ttl is below 500ms, and a pull is kept open for half of it".to_owned()));
        }
        if self.ack_wait.0 < Duration::from_millis(500) {
            objections.push(("ack-wait", "ack-wait is below 500ms, and a pull is kept open for half of it".to_owned()));
        }
        if self.max_ack_pending == 0 {
            objections.push(("max-ack-pending", "max-ack-pending is 0, so nothing would be delivered".to_owned()));
        }
        if self.batch == 0 {
            objections.push(("batch", "batch is 0, and a pull asks for at least one message".to_owned()));
        }
        self.consumer.object(&mut objections);
        objections
    }

    /// Makes a durable for each partition.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn provision(&self, site: &Site<'_>) -> Result<(), Error> {
        for partition in 0..site.partitions {
            let config = Config {
                filter_subject: format!("{}.{partition}", site.subject_prefix),
                ack_policy: AckPolicy::Explicit,
                ack_wait: self.ack_wait.0,
                max_ack_pending: i64::from(self.max_ack_pending),
                max_deliver: -1,
                priority_policy: PriorityPolicy::PinnedClient,
                priority_groups: vec![GROUP.to_owned()],
                priority_timeout: self.pin_ttl.0,
                ..Config::default()
            };
            let config = self.consumer.describe(&durable(site.group, partition), config)?;
            site.make_consumer(Some(partition), config).await?;
        }
        Ok(())
    }

    /// Consumes as one member until told to leave: pulls stop, what is in hand is finished and acknowledged, and pins
    /// are given back.
    ///
    /// # Errors
    /// When the journal cannot be written or the connection is closed for good.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let settler = Settler::begin(seat, &self.consumer, self.ack_wait).await?;
        let partitions = (0..seat.partitions).map(|partition| self.consume_partition(seat, &settler, partition));
        let pinned: Vec<bool> = future::try_join_all(partitions).await?;
        settler.end().await;
        let held = (0..seat.partitions).zip(pinned).filter(|(_, pinned)| *pinned);
        // What is not given back in time is taken away after the pin's time.
        let unpinning = future::join_all(held.map(|(partition, _)| unpin(seat, partition)));
        let _ = tokio::time::timeout(UNPIN_WITHIN, unpinning).await;
        Ok(())
    }

    /// Returns whether the partition's pin was held to the end.
    async fn consume_partition(&self, seat: &Seat, settler: &Settler<'_>, partition: u16) -> Result<bool, Error> {
        let consumer = durable(&seat.group, partition);
        let puller = match self.max_ack_pending {
            1 => Puller::one_at_a_time(seat, consumer, self.ack_wait.0),
            most => Puller::new(seat, consumer, self.batch.min(most), &Pulling::default()),
        };
        let mut puller = puller.in_group(GROUP, self.pin_ttl.0 / 2);
        let later = super::partition(&format!("{}.{partition}", seat.member), SPREAD_MS);
        let later = tokio::time::sleep(Duration::from_millis(later.into()));
        tokio::select! {
            () = seat.told_to_leave() => return Ok(false),
            () = later => {}
        }
        puller.run(async |taken| settler.settle(taken).await).await?;
        Ok(puller.is_pinned())
    }
}

fn durable(group: &str, partition: u16) -> String {
    format!("{group}-p{partition}")
}

async fn unpin(seat: &Seat, partition: u16) {
    let subject =
        format!("{}.CONSUMER.UNPIN.{}.{}", seat.access.api_prefix(), seat.stream, durable(&seat.group, partition));
    let _ = seat.client.request(subject, format!("{{\"group\": \"{GROUP}\"}}").into()).await;
}
