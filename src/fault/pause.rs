//! `pause`: SIGSTOP, and SIGCONT after a while. To the others it looks like a crash; then the dead man speaks again.
//!
//! **What it asks.** What happens when a member hangs, as in a long garbage collection or a suspended virtual machine,
//! and goes on as if nothing had been?
//!
//! **What to expect.** Shorter than the lease: its partitions stand still for as long as the pause, and nobody takes
//! over. Longer: they are taken over after the lease time, and what the hanging member had in hand is stranded until it
//! wakes. Then it must notice by itself that others own its partitions; what it does before that shows as
//! `stale_handling`, and as `stale_effect` where handlers have a sink.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{About, Fleet, Form, Order, State, Target};
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About =
    About { kind: "pause", summary: "SIGSTOP for a while, then SIGCONT: a hang", targets: Form::MEMBERS };

/// Settings of a pause.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// For how long the process is stopped. Longer than the lease, its partitions are taken over meanwhile.
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

/// Whoever is paused already stays out of it: two pauses would end with the first.
pub(super) fn orders(
    settings: &Settings,
    target: Target,
    fleet: &Fleet,
    chance: &mut ChaCha8Rng,
) -> Result<Vec<Order>, String> {
    let lasting = settings.lasting.span();
    let members = fleet.choose(target, |state| state == State::Live, "alive", chance)?;
    Ok(members.into_iter().map(|member| Order::Pause { member, lasting }).collect())
}
