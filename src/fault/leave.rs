//! `leave`: a member hands back what it owns, goes, and does not come back.
//!
//! **What it asks.** What does it cost to make a fleet smaller?
//!
//! **What to expect.** As for `terminate`: partitions are given back and taken by the others within milliseconds.
//! Nobody takes its place.

use rand_chacha::ChaCha8Rng;

use super::{About, Fleet, Form, Order, State, Target};

/// What the list shows.
pub const ABOUT: About =
    About { kind: "leave", summary: "leaves in good order and does not come back", targets: Form::MEMBERS };

/// Only a live member can be told.
pub(super) fn orders(target: Target, fleet: &Fleet, chance: &mut ChaCha8Rng) -> Result<Vec<Order>, String> {
    let members = fleet.choose(target, |state| state == State::Live, "alive", chance)?;
    Ok(members.into_iter().map(|member| Order::Leave { member }).collect())
}
