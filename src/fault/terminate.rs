//! `terminate`: SIGTERM. The member stops in good order, as under a deployment, and may be restarted.
//!
//! **What it asks.** What does it cost to stop a member in good order?
//!
//! **What to expect.** What is in hand is finished and committed, and partitions are given back: their gap is
//! milliseconds, far below the lease. The member stays away until a `restart` brings it back. A gap near the lease time
//! means that it did not give back what it owned.

use rand_chacha::ChaCha8Rng;

use super::{About, Fleet, Form, Order, State, Target};

/// What the list shows.
pub const ABOUT: About =
    About { kind: "terminate", summary: "SIGTERM: stops in good order, may be restarted", targets: Form::MEMBERS };

/// A paused process would answer only after its pause, so it is left alone.
pub(super) fn orders(target: Target, fleet: &Fleet, chance: &mut ChaCha8Rng) -> Result<Vec<Order>, String> {
    let members = fleet.choose(target, |state| state == State::Live, "alive", chance)?;
    Ok(members.into_iter().map(|member| Order::Terminate { member }).collect())
}
