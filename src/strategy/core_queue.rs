//! `core-queue`: a queue group of core NATS, without JetStream. Nothing is promised: at most once.
//!
//! **How it works.** Every member subscribes to the subjects of all partitions in one queue group, and the server sends
//! each message to one of them, chosen at random, as soon as it has read it. Nobody acknowledges anything. With
//! `load.publish = "core"` the messages go to subjects that no stream listens to, so that a run shows what is left when
//! nothing is persisted; with any other way to publish the stream stores them as well, and the group hears them as they
//! come in.
//!
//! **Promises.** None. What nobody was given is counted as lost and breaks no promise; so is order.
//!
//! **Hazards.** A message whose member has died, or that nobody listened to, is gone. A crash loses what the member had
//! been sent and not yet handled: up to what its buffers hold. A paused member goes on being sent its share, until the
//! server takes it for a slow consumer and closes its connection. Two members work on one key at the same time. Nothing
//! can be replayed. A client that reads too slowly drops messages, which makes the run invalid.
//!
//! **When to choose it.** What is worth nothing a moment later, such as samples and presence; or to learn the price of
//! persistence on a machine of one's own.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::desk::Delivery;
use super::footing::Footing;
use super::inbox::{Inbox, partition_of};
use super::seat::Seat;
use super::{About, Error};
use crate::clock;
use crate::model::promise::Promises;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "core-queue",
    summary: "a queue group of core NATS, no stream and no acks: at most once, nothing promised",
};

/// There is no consumer on the stream: whatever the stream does with messages, the group hears them as they come in. It
/// hears the subjects that are published to, not those that the server maps them to.
pub const FOOTING: Footing = Footing { hears_what_is_published: true, ..Footing::DURABLE };

/// Messages taken in and not yet handled; the rest waits in the connection.
const ROOM: usize = 1024;

/// Settings of the queue group: there are none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {}

impl Settings {
    /// Nothing.
    #[must_use]
    pub fn promises(&self) -> Promises {
        Promises::default()
    }

    /// Consumes as one member until told to leave: the subscription ends, and what was sent before that is handled.
    ///
    /// # Errors
    /// When the journal cannot be written or the connection is closed for good.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let subjects = format!("{}.*", seat.subject_prefix);
        let mut inbox = Inbox::open(seat, subjects, Some(seat.group.clone()), ROOM).await?;
        // Nobody keeps what comes before the server knows of the subscription.
        seat.client.flush().await.map_err(|error| Error::refused("subscribe to the partitions", &error))?;
        seat.start.asked();
        while let Some((received, message)) = inbox.next().await {
            let partition = partition_of(message.subject_bytes());
            let delivery = Delivery {
                payload: message.payload(),
                partition,
                epoch: 0,
                stream_seq: 0,
                consumer_seq: 0,
                delivered: 1,
                received,
                started: clock::now(),
            };
            seat.desk.handle(&delivery).await?;
        }
        if *seat.leave.borrow() { Ok(()) } else { Err(Error::Closed) }
    }
}
