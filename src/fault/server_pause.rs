//! `server-pause`: SIGSTOP to a nats-server, and SIGCONT after a while. Its connections stay open, and nobody answers on them.
//!
//! **What it asks.** What do clients do when a server hangs and its connections stay open?
//!
//! **What to expect.** As for `server-kill`, and worse to notice: nothing is refused, nothing answers. Clients find out
//! by their own pings and timeouts, and a lease that cannot be renewed runs out. `outage` is the length of it, and
//! nothing that was stored is lost.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::node::Deed;
use super::{About, Fleet, Form, Order, Target};
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "server-pause",
    summary: "SIGSTOP to a server for a while, then SIGCONT: connections stay open and nobody answers",
    targets: Form::NODES,
};

/// Settings of a server pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// For how long the server is stopped. Longer than an election, 4 to 9 seconds, others lead what it led.
    pub lasting: Timespan,
}

impl Default for Settings {
    fn default() -> Self {
        Self { lasting: Timespan(Duration::from_secs(3)) }
    }
}

impl Settings {
    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        if self.lasting.0 < Duration::from_millis(1) {
            return vec![("lasting", format!("a pause of {} is none: at least 1ms", self.lasting))];
        }
        Vec::new()
    }
}

/// Only a node that is up.
pub(super) fn orders(
    settings: &Settings,
    target: Target,
    fleet: &Fleet,
    chance: &mut ChaCha8Rng,
) -> Result<Vec<Order>, String> {
    let node = fleet.choose_node(target, chance)?;
    Ok(vec![Order::Node { node, deed: Deed::Pause { lasting: settings.lasting.span() } }])
}
