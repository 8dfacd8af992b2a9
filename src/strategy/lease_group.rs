//! `lease-group`: a Kafka-like partitioned consumer group with leases in a key-value bucket (PROTOCOL.md).

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::About;
use crate::model::promise::Promises;
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "lease-group",
    summary: "one owner a partition by leases in a key-value bucket; order per key across crashes",
};

/// Settings of the lease group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Lease time: a crashed owner's partitions are claimed after it.
    pub ttl: Timespan,
    /// How progress is committed.
    pub commit: Commit,
    /// With `commit = "checkpoint"`: how often.
    pub commit_every: Timespan,
    /// How a partition is taken over: `safe`, or the blog's `resume`, kept to be measured.
    pub takeover: Takeover,
    /// With `takeover = "resume"`: the durable's ack wait.
    pub ack_wait: Timespan,
    /// Messages a pull asks for.
    pub batch: u32,
    /// A handler that takes longer stops the renewal of its member's lease.
    pub max_handling: Timespan,
}

/// How progress is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Commit {
    /// As a checkpoint in the lease record, every `commit-every`.
    Checkpoint,
    /// Every message is acknowledged.
    Explicit,
}

/// How a partition is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Takeover {
    /// A private consumer named by epoch, opened at the committed position after the older ones are deleted.
    Safe,
    /// The next owner resumes the partition's shared durable.
    Resume,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ttl: Timespan(Duration::from_secs(2)),
            commit: Commit::Checkpoint,
            commit_every: Timespan(Duration::from_millis(100)),
            takeover: Takeover::Safe,
            ack_wait: Timespan(Duration::from_secs(120)),
            batch: 500,
            max_handling: Timespan(Duration::from_secs(300)),
        }
    }
}

impl Settings {
    /// `resume` is held to what its source claims for it: nothing lost, order per key.
    #[must_use]
    pub fn promises(&self) -> Promises {
        Promises { at_least_once: true, order_per_key: true, exclusive: self.takeover == Takeover::Safe, owners: true }
    }

    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        if self.ttl.0 < Duration::from_millis(100) {
            objections
                .push(("ttl", format!("a lease of {} is shorter than a renewal takes: at least 100ms", self.ttl)));
        }
        let most = self.ttl.0 / 3;
        if self.commit == Commit::Checkpoint && (self.commit_every.0.is_zero() || self.commit_every.0 > most) {
            let most = Timespan(Duration::from_millis(u64::try_from(most.as_millis()).unwrap_or(u64::MAX)));
            let text = "commit-every must be above 0 and at most a third of the ttl, because commits renew the lease";
            objections.push(("commit-every", format!("{text}: at most {most}")));
        }
        if self.takeover == Takeover::Resume && self.commit == Commit::Checkpoint {
            let text =
                "takeover \"resume\" shares a durable, which knows nothing of checkpoints: use commit \"explicit\"";
            objections.push(("takeover", text.to_owned()));
        }
        if self.takeover == Takeover::Resume && self.ack_wait.0 < Duration::from_millis(100) {
            objections.push(("ack-wait", "ack-wait is below 100ms".to_owned()));
        }
        if self.batch == 0 {
            objections.push(("batch", "batch is 0, and a pull asks for at least one message".to_owned()));
        }
        if self.max_handling.0.is_zero() {
            objections.push(("max-handling", "max-handling is 0, so no message could be handled".to_owned()));
        }
        objections
    }
}
