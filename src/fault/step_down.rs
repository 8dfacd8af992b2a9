//! `step-down`: the leader of a replicated group is asked to hand its lead to another node. Nobody dies.
//!
//! **What it asks.** What does it cost when a leader hands over, as before a planned restart of its node?
//!
//! **What to expect.** Far less than an election after a crash, because the next leader is named: the `outage` is a
//! fraction of a second. A single server has no leader to step down, and a profile that asks for it is refused.

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{About, Form, Order};

/// What the list shows.
pub const ABOUT: About = About {
    kind: "step-down",
    summary: "the leader of the stream, a consumer, the lease bucket or the cluster (meta) hands its lead over",
    targets: &[Form::Leader],
};

/// Settings of a step-down.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Whose leader: of the stream, of one of its consumers by the seed, of the strategy's bucket, or of the whole cluster. Default "stream".
    pub of: Of,
}

/// Whose leader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// Of the run's stream.
    #[default]
    Stream,
    /// Of one of its consumers that lies on several nodes.
    Consumer,
    /// Of the bucket that holds the leases.
    Bucket,
    /// Of the cluster: it decides where streams and consumers lie. A step-down of it needs the system account.
    Meta,
}

/// Which consumer it is, is drawn here and chosen among those that there are by then.
pub(super) fn orders(settings: &Settings, chance: &mut ChaCha8Rng) -> Vec<Order> {
    vec![Order::StepDown { of: settings.of, draw: chance.random() }]
}
