//! `ordered`: one ordered consumer in one process; it acknowledges nothing.
//!
//! **How it works.** The consumer is ephemeral and private, and the server sends everything in stream order, as fast as
//! it is read. The client checks the sequence of what comes, and opens another consumer behind the last message it saw
//! when one is missing (ADR-17). This is the ordered consumer of the client library, async-nats.
//!
//! **Promises.** Order, over all keys. The position lives in the process: who crashes or leaves has lost it. With `start
//! = "all"` the next life begins at the start of the stream, so that everything is handled at least once, and again
//! after each restart. With `start = "new"` the next life begins with what comes next, and what came in between is
//! never handled: nothing is promised then.
//!
//! **Hazards.** There is no group: every further process would get every message as well, so a profile with more than
//! one member is refused. A crash means a standstill until somebody starts the process again, and then a replay that
//! grows with the stream. Nothing tells the server what was handled.
//!
//! **On a replicated stream.** The consumer is in memory on one server. If that dies, the library opens another behind the
//! last message that it saw.
//!
//! **When to choose it.** To build a view in memory from the whole stream, or to tail one; where one process is fast enough.

use std::time::Duration;

use async_nats::jetstream::consumer::{DeliverPolicy, pull};
use futures_util::StreamExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::inbox::Taken;
use super::seat::Seat;
use super::{About, Error, Footing};
use crate::clock;
use crate::model::promise::Promises;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "ordered",
    summary: "one ordered consumer in one process, no acks; a restart begins at the start of the stream",
};

/// Each life opens a consumer of its own, and again whenever something is missing; nothing is acknowledged.
pub(super) const FOOTING: Footing = Footing {
    stands_before_load: false,
    is_replaced: true,
    overlaps: true,
    begins_later: true,
    acknowledges: false,
    acknowledges_each: true,
    stops_at_holes: false,
    hears_what_is_published: false,
};

/// How long one request to the server may take.
const REQUEST_WITHIN: Duration = Duration::from_secs(5);
/// Wait before a consumer is opened again that could not be opened.
const PATIENCE: Duration = Duration::from_millis(250);
/// Messages read ahead of the handler.
const ROOM: usize = 256;

/// Settings of the ordered consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Where each life of the process begins.
    pub start: Start,
}

/// Where a consumer without a memory begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Start {
    /// At the start of the stream.
    All,
    /// With what is stored from now on.
    New,
}

impl Default for Settings {
    fn default() -> Self {
        Self { start: Start::All }
    }
}

impl Settings {
    /// What begins at the start again misses nothing and keeps order, with repeats; what does not promises nothing.
    #[must_use]
    pub fn promises(&self) -> Promises {
        let all = self.start == Start::All;
        Promises { at_least_once: all, order_per_key: all, exclusive: false, owners: false, fenced: false }
    }

    /// Consumes as the only member until told to leave: what is being handled is finished.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let (taken, mut messages) = mpsc::channel(ROOM);
        let reading = tokio::task::spawn_local(Reader::new(self.start, seat).read(taken));
        let outcome = loop {
            let next = tokio::select! {
                biased;
                () = seat.told_to_leave() => break Ok(()),
                next = messages.recv() => next,
            };
            let Some(taken): Option<Taken> = next else { break Err(Error::Closed) };
            if let Err(error) = seat.desk.handle(&taken.delivery(clock::now())).await {
                break Err(error.into());
            }
        };
        reading.abort();
        outcome
    }
}

/// Reads beside the work.
struct Reader {
    jetstream: async_nats::jetstream::Context,
    stream: String,
    start: Start,
    /// To be told when the first consumer stands.
    member: super::seat::Start,
    /// The last message that was read.
    last: Option<u64>,
}

impl Reader {
    fn new(start: Start, seat: &Seat) -> Self {
        let jetstream = seat.access.jetstream(seat.client.clone(), REQUEST_WITHIN);
        Self { jetstream, stream: seat.stream.clone(), start, member: seat.start.clone(), last: None }
    }

    /// Reads until nobody listens. The library opens the consumer again by itself; where it gives up, as after a
    /// server's longer absence, this does.
    async fn read(mut self, taken: mpsc::Sender<Taken>) {
        while !taken.is_closed() {
            if let Some(mut messages) = self.open().await {
                self.member.able();
                while let Some(Ok(message)) = messages.next().await {
                    let Some(message) = Taken::new(clock::now(), message.message.into()) else { continue };
                    self.last = Some(message.info.stream_sequence);
                    if taken.send(message).await.is_err() {
                        return;
                    }
                }
            }
            tokio::time::sleep(PATIENCE).await;
        }
    }

    async fn open(&self) -> Option<pull::Ordered> {
        let deliver_policy = match (self.last, self.start) {
            (Some(last), _) => DeliverPolicy::ByStartSequence { start_sequence: last + 1 },
            (None, Start::All) => DeliverPolicy::All,
            (None, Start::New) => DeliverPolicy::New,
        };
        let config = pull::OrderedConfig { deliver_policy, ..pull::OrderedConfig::default() };
        let consumer = self.jetstream.create_consumer_on_stream(config, &self.stream).await.ok()?;
        consumer.messages().await.ok()
    }
}
