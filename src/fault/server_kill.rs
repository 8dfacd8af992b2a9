//! `server-kill`: SIGKILL to a nats-server, which is started again after a while, on the same store and ports.
//!
//! **What it asks.** What is lost, and for how long does everything stand still, when a server crashes?
//!
//! **What to expect.** An `outage` of at least the time that it is away, or on several nodes until another leads: nats-
//! server takes four to nine seconds to elect. Whether what it had confirmed survives depends on storage, replicas and
//! how it syncs: what it lost is `lost_by_server` and charged to it, what it offers again after it had confirmed the
//! ack is `forgotten_by_server`.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::node::Deed;
use super::{About, Fleet, Form, Order, Target};
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "server-kill",
    summary: "SIGKILL to a server, which starts again after a while on the same store",
    targets: Form::NODES,
};

/// Settings of a server kill.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// For how long the server is gone.
    pub lasting: Timespan,
}

impl Default for Settings {
    fn default() -> Self {
        Self { lasting: Timespan(Duration::from_secs(2)) }
    }
}

impl Settings {
    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        if self.lasting.0 < Duration::from_millis(1) {
            return vec![("lasting", format!("an absence of {} is none: at least 1ms", self.lasting))];
        }
        Vec::new()
    }
}

/// Only a node that is up: one that recovers would count as two faults in one.
pub(super) fn orders(
    settings: &Settings,
    target: Target,
    fleet: &Fleet,
    chance: &mut ChaCha8Rng,
) -> Result<Vec<Order>, String> {
    let node = fleet.choose_node(target, chance)?;
    Ok(vec![Order::Node { node, deed: Deed::Kill { lasting: settings.lasting.span() } }])
}
