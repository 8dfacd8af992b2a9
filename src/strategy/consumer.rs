//! What a JetStream consumer can be told, whatever the strategy that makes it: where it begins, how long it lives, where
//! its state lies, and what counts as an acknowledgement.
//!
//! A strategy takes in those parts that leave its definition intact; [`ruled_out`](super::ruled_out::ruled_out) says why it leaves out
//! the others.

use std::time::Duration;

use async_nats::datetime;
use async_nats::jetstream::consumer::{AckPolicy, Config, DeliverPolicy, ReplayPolicy};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Error, Footing};
use crate::model::promise::Promises;
use crate::model::units::{Since, Size, Timespan};

/// Where a consumer begins, how long it lives and where its state lies.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct Consumer {
    /// Whether the server keeps the consumer when no member asks for messages. With `false` it is ephemeral: removed
    /// after `inactive-threshold`. Default true.
    pub durable: bool,
    /// With `durable = false`: for how long no member may ask before the server removes the consumer. Default 5s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inactive_threshold: Option<Timespan>,
    /// Where it begins: "all", "last", "new", { by-sequence = 100 }, { by-time = "2026-11-22T10:00:00Z" } or
    /// { by-time = "30s" } before it is made. What was stored before that is not offered. Default "all".
    pub deliver: Deliver,
    /// How fast what is stored comes: as fast as it goes, or at the pace at which it was stored. Default "instant".
    pub replay: Replay,
    /// Whether the server keeps the consumer's state in memory only, whatever the stream does. Default false.
    pub memory_storage: bool,
    /// Copies of the consumer's state: 1, 3 or 5, at most as many as of the stream. Default: as many as of the stream.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u16>,
    /// Whether a member waits for the server's confirmation of an ack before it takes the next message. Default false.
    pub double_ack: bool,
}

/// Where a consumer begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Deliver {
    /// At the first message of the stream.
    All,
    /// At the last message that is stored when the consumer is made.
    Last,
    /// With what is stored after the consumer is made.
    New,
    /// At this sequence of the stream.
    BySequence(u64),
    /// At the first message stored at this instant or later.
    ByTime(Since),
}

/// How fast what is stored comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Replay {
    /// As fast as it goes.
    Instant,
    /// At the pace at which it was stored.
    Original,
}

/// What counts as an acknowledgement, and what becomes of a message that gets none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct Redelivery {
    /// "explicit": each message by itself; "all": one ack covers all that was delivered before it, to any member;
    /// "none": what is delivered counts as done. Default "explicit".
    pub ack: Ack,
    /// How often a message is delivered at most, then the server drops it. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_deliver: Option<u32>,
    /// How long the server waits for an ack after the first delivery, the second, and so on; the last one repeats. The
    /// first one stands in for `ack-wait`. Default: `ack-wait`, every time.
    pub back_off: Vec<Timespan>,
}

/// What counts as an acknowledgement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ack {
    /// Each message by itself.
    Explicit,
    /// One covers all that was delivered before it.
    All,
    /// None: what is delivered counts as done.
    None,
}

/// When a member pulls, and how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", default)]
pub struct Pulling {
    /// For how long the server keeps a pull open that is not filled. Default 10s.
    pub max_wait: Timespan,
    /// The next pull goes out when so many of those asked for are still to come, or fewer. Default: half of `batch`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<u32>,
    /// A pull ends when its messages have this size together, full or not. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<Size>,
}

/// The server refuses shorter ones, or they make a hot loop.
const SHORTEST: Duration = Duration::from_millis(100);
/// An ephemeral consumer's, as the server's own default is.
const INACTIVE_THRESHOLD: Timespan = Timespan(Duration::from_secs(5));

impl Default for Consumer {
    fn default() -> Self {
        Self {
            durable: true,
            inactive_threshold: None,
            deliver: Deliver::All,
            replay: Replay::Instant,
            memory_storage: false,
            replicas: None,
            double_ack: false,
        }
    }
}

impl Default for Redelivery {
    fn default() -> Self {
        Self { ack: Ack::Explicit, max_deliver: None, back_off: Vec::new() }
    }
}

impl Default for Pulling {
    fn default() -> Self {
        Self { max_wait: Timespan(Duration::from_secs(10)), threshold: None, max_bytes: None }
    }
}

/// Settings that cannot work: the key, and what is wrong with it.
pub(super) type Objections = Vec<(&'static str, String)>;

impl Consumer {
    /// The same with the defaults written out that depend on other keys.
    #[must_use]
    pub fn filled(&self) -> Self {
        let inactive_threshold = (!self.durable).then(|| self.inactive_threshold.unwrap_or(INACTIVE_THRESHOLD));
        Self { inactive_threshold, ..self.clone() }
    }

    /// What is left of `promises`: a consumer that may be gone with its position keeps nothing from being lost.
    pub(super) fn limit(&self, promises: Promises) -> Promises {
        let survives_a_server = !self.memory_storage || self.replicas.is_some_and(|replicas| replicas > 1);
        Promises { at_least_once: promises.at_least_once && self.durable && survives_a_server, ..promises }
    }

    pub(super) fn object(&self, objections: &mut Objections) {
        if let Some(threshold) = self.inactive_threshold {
            if self.durable {
                let text = "inactive-threshold has no effect on a durable consumer: set durable = false";
                objections.push(("inactive-threshold", text.to_owned()));
            } else if threshold.0 < SHORTEST {
                objections.push(("inactive-threshold", "inactive-threshold is below 100ms".to_owned()));
            }
        }
        if self.deliver == Deliver::BySequence(0) {
            objections.push(("deliver", "deliver begins at sequence 0, and the first one of a stream is 1".to_owned()));
        }
        if let Some(replicas) = self.replicas
            && !matches!(replicas, 1 | 3 | 5)
        {
            objections.push(("replicas", format!("replicas is {replicas}, expected 1, 3 or 5")));
        }
    }

    /// Tells `config` all of it; the consumer is called `name`.
    ///
    /// # Errors
    /// When the instant to begin at is none that the client library can say.
    pub(super) fn describe(&self, name: &str, config: Config) -> Result<Config, Error> {
        let unsayable = |error: async_nats::Error| Error::refused("say where the consumer begins", &error);
        let deliver_policy = match self.deliver {
            Deliver::All => DeliverPolicy::All,
            Deliver::Last => DeliverPolicy::Last,
            Deliver::New => DeliverPolicy::New,
            Deliver::BySequence(start_sequence) => DeliverPolicy::ByStartSequence { start_sequence },
            Deliver::ByTime(since) => {
                let start_time = datetime::from_nanos(since.unix_ns(jiff::Timestamp::now())).map_err(unsayable)?;
                DeliverPolicy::ByStartTime { start_time }
            }
        };
        Ok(Config {
            name: Some(name.to_owned()),
            durable_name: self.durable.then(|| name.to_owned()),
            inactive_threshold: self.filled().inactive_threshold.map(|threshold| threshold.0).unwrap_or_default(),
            deliver_policy,
            replay_policy: match self.replay {
                Replay::Instant => ReplayPolicy::Instant,
                Replay::Original => ReplayPolicy::Original,
            },
            memory_storage: self.memory_storage,
            num_replicas: self.replicas.map(usize::from).unwrap_or_default(),
            ..config
        })
    }
}

impl Redelivery {
    /// What is left of `promises`. An ack of everything covers what another member holds, and what a member that died
    /// has left: the next messages overtake that, and the ack of one of them covers it.
    pub(super) fn limit(&self, promises: Promises) -> Promises {
        let at_least_once = promises.at_least_once && self.ack == Ack::Explicit && self.max_deliver.is_none();
        Promises { at_least_once, ..promises }
    }
    /// How a durable of all members stands on the stream that is acknowledged so.
    pub(super) fn footing(&self) -> Footing {
        Footing {
            acknowledges: self.ack != Ack::None,
            acknowledges_each: self.ack == Ack::Explicit,
            ..Footing::DURABLE
        }
    }

    pub(super) fn object(&self, ack_wait: Timespan, double_ack: bool, objections: &mut Objections) {
        if ack_wait.0 < SHORTEST {
            objections.push(("ack-wait", "ack-wait is below 100ms".to_owned()));
        }
        if self.max_deliver == Some(0) {
            objections.push(("max-deliver", "max-deliver is 0, so nothing would be delivered".to_owned()));
        }
        if let Some(short) = self.back_off.iter().find(|span| span.0 < SHORTEST) {
            objections.push(("back-off", format!("back-off has a span of {short}, which is below 100ms")));
        }
        if let Some(most) = self.max_deliver
            && self.back_off.len() as u64 > u64::from(most)
        {
            let text = format!("back-off has {} spans for {most} deliveries (max-deliver)", self.back_off.len());
            objections.push(("back-off", text));
        }
        if self.ack == Ack::None {
            let without = |key| format!("{key} has no effect with ack \"none\": what is delivered counts as done");
            for (key, is_set) in [
                ("double-ack", double_ack),
                ("max-deliver", self.max_deliver.is_some()),
                ("back-off", !self.back_off.is_empty()),
            ] {
                if is_set {
                    objections.push((key, without(key)));
                }
            }
        }
    }

    /// Tells `config` all of it.
    pub(super) fn describe(&self, ack_wait: Timespan, max_ack_pending: i64, config: Config) -> Config {
        let acknowledges = self.ack != Ack::None;
        Config {
            ack_policy: match self.ack {
                Ack::Explicit => AckPolicy::Explicit,
                Ack::All => AckPolicy::All,
                Ack::None => AckPolicy::None,
            },
            // With a back-off the server takes its first span; without acks it knows neither.
            ack_wait: if acknowledges { self.back_off.first().unwrap_or(&ack_wait).0 } else { Duration::ZERO },
            max_ack_pending: if acknowledges { max_ack_pending } else { 0 },
            max_deliver: self.max_deliver.map_or(-1, i64::from),
            backoff: self.back_off.iter().map(|span| span.0).collect(),
            ..config
        }
    }

    /// The longest that the server waits for an ack.
    pub(super) fn longest_wait(&self, ack_wait: Timespan) -> Duration {
        self.back_off.iter().max().unwrap_or(&ack_wait).0
    }
}

impl Pulling {
    pub(super) fn object(&self, batch: u32, objections: &mut Objections) {
        if batch == 0 {
            objections.push(("batch", "batch is 0, and a pull asks for at least one message".to_owned()));
        }
        if self.max_wait.0 < SHORTEST {
            let text = "max-wait is below 100ms: members would do little else than pull";
            objections.push(("max-wait", text.to_owned()));
        }
        if let Some(threshold) = self.threshold
            && threshold >= batch.max(1)
        {
            let text = format!("threshold is {threshold}, and a pull asks for {batch} (batch): it must be less");
            objections.push(("threshold", text));
        }
        if let Some(bytes) = self.max_bytes
            && bytes.0 > i32::MAX as u64
        {
            objections.push(("max-bytes", format!("max-bytes is {bytes}, expected at most 2147483647B")));
        }
    }
}

/// Most messages unacknowledged, where -1 stands for no limit.
pub(super) fn object_to_pending(max_ack_pending: i64, objections: &mut Objections) {
    if max_ack_pending == 0 || max_ack_pending < -1 {
        objections.push(("max-ack-pending", "max-ack-pending is 1 or more, or -1 for no limit".to_owned()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Promises =
        Promises { at_least_once: true, order_per_key: true, exclusive: false, owners: false, fenced: false };

    #[test]
    fn what_may_be_gone_with_its_position_promises_nothing_about_loss() {
        let keeps = |consumer: Consumer| consumer.limit(ALL).at_least_once;
        assert!(keeps(Consumer::default()));
        assert!(!keeps(Consumer { durable: false, ..Consumer::default() }));
        assert!(!keeps(Consumer { memory_storage: true, ..Consumer::default() }));
        assert!(keeps(Consumer { memory_storage: true, replicas: Some(3), ..Consumer::default() }));
        assert!(keeps(Consumer { deliver: Deliver::New, ..Consumer::default() }), "what is not offered is not lost");
        let acks = |ack, max_deliver| Redelivery { ack, max_deliver, ..Redelivery::default() }.limit(ALL).at_least_once;
        assert!(acks(Ack::Explicit, None));
        assert!(!acks(Ack::All, None) && !acks(Ack::None, None) && !acks(Ack::Explicit, Some(3)));
    }

    #[test]
    fn settings_that_need_acks_are_refused_without_them() {
        let redelivery = Redelivery { ack: Ack::None, max_deliver: Some(2), back_off: vec![INACTIVE_THRESHOLD] };
        let mut objections = Vec::new();
        redelivery.object(INACTIVE_THRESHOLD, true, &mut objections);
        let keys: Vec<_> = objections.iter().map(|(key, _)| *key).collect();
        assert_eq!(keys, ["double-ack", "max-deliver", "back-off"]);
    }
}
