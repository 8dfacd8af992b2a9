//! `key-sequence`: one durable pull consumer shared by all members, and the last handled sequence of each key in a
//! key-value bucket.
//!
//! **How it works.** Every message carries the sequence of its key. A member looks up the last one handled of that
//! key. If the message is the next one, it is handled, the sequence is stored by compare-and-set, and the message is
//! acknowledged. If it comes too early, it is given back, to be delivered again after `delay`. If it was handled before,
//! it is acknowledged unhandled.
//!
//! **Promises.** At least once and order per key: n + 1 is started only after n has been handled and its sequence
//! stored. A member that crashes in between leaves a message that is handled again: a repeat, but in order.
//!
//! **Hazards.** Two more round trips a message. What a dead member held blocks its keys until the ack wait runs out, and
//! meanwhile each later message of them comes again every `delay`, to be given back again. A hole in the sequence (a
//! publish that failed for good) stops its key for ever. It is not exclusive: a member that is paused between the
//! look-up and the handler goes on when it wakes, whatever has happened since.
//!
//! **On a replicated stream.** The durable has the replicas and the storage of the stream, and every delivery waits until a
//! majority knows of it. The bucket has as many replicas as the stream, in files, so every stored sequence takes a round trip
//! between the servers. Look-ups are answered by its leader alone: another replica may lag behind, and a message that was
//! handled would be taken for the next one. While the bucket elects a leader, for seconds, nothing is handled.
//!
//! **When to choose it.** The resource whose state is written has a version anyway, and can be written only if the
//! version is the expected one: then the look-up and the store are the write itself.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Config};
use async_nats::jetstream::kv;
use async_nats::jetstream::stream::LastRawMessageErrorKind;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::consumer::{Consumer, Deliver, Pulling, object_to_pending};
use super::desk::Outcome;
use super::inbox::Taken;
use super::pull::Puller;
use super::seat::Seat;
use super::settle::Settler;
use super::{About, Error, Footing, Site};
use crate::clock;
use crate::model::payload;
use crate::model::promise::Promises;
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "key-sequence",
    summary: "shared pull consumer, last sequence of each key in a key-value bucket by compare-and-set; order per key",
};

/// A durable like any other, but n + 1 waits for n.
pub(super) const FOOTING: Footing = Footing { stops_at_holes: true, ..Footing::DURABLE };

/// How long one request to the bucket may take. After that the message is left for its redelivery.
const REQUEST_WITHIN: Duration = Duration::from_secs(2);

/// Settings of the shared consumer and of what comes too early.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Settings {
    /// After how long without an ack a message is delivered again.
    pub ack_wait: Timespan,
    /// Messages a pull asks for. What a member has pulled and not yet handled makes later ones of its keys come early.
    pub batch: u32,
    /// Most messages delivered and not yet acknowledged, over all members; -1 for no limit.
    pub max_ack_pending: i64,
    /// After how long a message that came too early is delivered again.
    pub delay: Timespan,
    /// When a member pulls.
    #[serde(flatten)]
    pub pulling: Pulling,
    /// Where the consumer begins, how long it lives and where its state lies.
    #[serde(flatten)]
    pub consumer: Consumer,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ack_wait: Timespan(Duration::from_secs(5)),
            batch: 10,
            max_ack_pending: 1000,
            delay: Timespan(Duration::from_millis(50)),
            pulling: Pulling::default(),
            consumer: Consumer::default(),
        }
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
        if self.ack_wait.0 < Duration::from_millis(100) {
            objections.push(("ack-wait", "ack-wait is below 100ms".to_owned()));
        }
        self.pulling.object(self.batch, &mut objections);
        self.consumer.object(&mut objections);
        object_to_pending(self.max_ack_pending, &mut objections);
        if self.consumer.deliver != Deliver::All {
            let text = "deliver must be \"all\": each key waits for its first message, which would never come";
            objections.push(("deliver", text.to_owned()));
        }
        if self.delay.0 < Duration::from_millis(1) {
            objections.push(("delay", "delay is below 1ms: early messages would be sent in a hot loop".to_owned()));
        }
        objections
    }

    /// Makes the bucket and the consumer that all members share.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn provision(&self, site: &Site<'_>) -> Result<(), Error> {
        let bucket = kv::Config {
            bucket: site.group.to_owned(),
            history: 1,
            num_replicas: site.replicas,
            ..kv::Config::default()
        };
        site.jetstream
            .create_key_value(bucket)
            .await
            .map_err(|error| Error::refused(format!("make the bucket '{}'", site.group), &error))?;
        let config = Config {
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.ack_wait.0,
            max_ack_pending: self.max_ack_pending,
            max_deliver: -1,
            ..Config::default()
        };
        site.make_consumer(None, self.consumer.describe(site.group, config)?).await
    }

    /// Consumes as one member until told to leave: pulls stop, what is in hand is finished and acknowledged.
    ///
    /// # Errors
    /// When the bucket cannot be opened, the journal cannot be written or the connection is closed for good.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let last = Last::open(seat).await?;
        let settler = Settler::begin(seat, &self.consumer, self.ack_wait).await?;
        let mut puller = Puller::new(seat, seat.group.clone(), self.batch, &self.pulling);
        puller.run(async |taken| self.take(&last, &settler, taken).await).await?;
        settler.end().await;
        Ok(())
    }

    async fn take(&self, last: &Last, settler: &Settler<'_>, taken: &Taken) -> Result<(), Error> {
        // Taken before the look-up: what it finds was true at some instant after this.
        let started = clock::now();
        let Ok(header) = payload::decode(taken.message.payload()) else {
            // Not of this run, or damaged: the desk writes it down as such, and nothing waits for it.
            settler.handle(taken, started).await?;
            return settler.done(taken).await;
        };
        // A bucket that does not answer leaves the message to its redelivery.
        let Some(found) = last.of(header.key).await else { return Ok(()) };
        match judge(found.sequence, header.key_seq) {
            Turn::Passed => settler.done(taken).await,
            Turn::Early => settler.not_yet(taken, self.delay.0).await,
            Turn::Now => match settler.handle(taken, started).await? {
                Outcome::Failed => settler.failed(taken).await,
                Outcome::Done if last.advance(header.key, header.key_seq, found.revision).await => {
                    settler.done(taken).await
                }
                Outcome::Done => Ok(()),
            },
        }
    }
}

/// What to do with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It was handled before.
    Passed,
    /// It is the next one.
    Now,
    /// Another one comes first.
    Early,
}

fn judge(last: u32, sequence: u32) -> Turn {
    match sequence.checked_sub(last) {
        None | Some(0) => Turn::Passed,
        Some(1) => Turn::Now,
        Some(_) => Turn::Early,
    }
}

/// The last handled sequence of each key.
struct Last {
    bucket: kv::Store,
}

/// What the bucket holds of a key; both are 0 where it holds nothing.
#[derive(Clone, Copy, Debug, Default)]
struct Found {
    sequence: u32,
    revision: u64,
}

impl Last {
    async fn open(seat: &Seat) -> Result<Self, Error> {
        let jetstream = seat.access.jetstream(seat.client.clone(), REQUEST_WITHIN);
        let bucket = jetstream
            .get_key_value(&seat.group)
            .await
            .map_err(|error| Error::refused(format!("open the bucket '{}'", seat.group), &error))?;
        Ok(Self { bucket })
    }

    /// `None` when the bucket does not answer with a sequence. Asks the leader: a direct get, as of `Store::entry`, may be
    /// answered by a replica that is behind.
    async fn of(&self, key: u32) -> Option<Found> {
        let subject = format!("{}{}", self.bucket.prefix, name(key));
        let asked = self.bucket.stream.get_last_raw_message_by_subject(&subject);
        match tokio::time::timeout(REQUEST_WITHIN, asked).await.ok()? {
            Ok(message) => {
                let sequence = std::str::from_utf8(&message.payload).ok()?.parse().ok()?;
                Some(Found { sequence, revision: message.sequence })
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Some(Found::default()),
            Err(_) => None,
        }
    }

    /// Stores that `sequence` was handled. Returns whether the bucket says so now: if another member was faster with
    /// the same message, that is as good.
    async fn advance(&self, key: u32, sequence: u32, revision: u64) -> bool {
        let stored = self.bucket.update(name(key), sequence.to_string().into(), revision);
        match tokio::time::timeout(REQUEST_WITHIN, stored).await {
            Ok(Ok(_)) => true,
            _ => self.of(key).await.is_some_and(|found| found.sequence >= sequence),
        }
    }
}

fn name(key: u32) -> String {
    format!("k.{key}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_next_one_is_handled() {
        for (last, sequence, turn) in [
            (0, 1, Turn::Now),
            (0, 2, Turn::Early),
            (4, 5, Turn::Now),
            (4, 4, Turn::Passed),
            (4, 1, Turn::Passed),
            (4, 9, Turn::Early),
        ] {
            assert_eq!(judge(last, sequence), turn, "{sequence} after {last}");
        }
    }
}
