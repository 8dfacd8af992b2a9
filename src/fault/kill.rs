//! `kill`: SIGKILL, a crash. The member says nothing to anybody; its lease runs out.
//!
//! **What it asks.** For how long do the partitions of a crashed member stand still, and is anything lost, overtaken,
//! or handled again that must not be?
//!
//! **What to expect.** With a lease, a gap a little below its time on the partitions of the dead member, because the
//! lease had been renewed some time before; with `hints`, tens of milliseconds. What was handled and not yet committed
//! is handled again, in order. A strategy without owners hardly stands still: other messages flow, and those that the
//! dead member held wait for the ack wait. They show as *stranded*.

use rand_chacha::ChaCha8Rng;

use super::{About, Fleet, Form, Order, State, Target};

/// What the list shows.
pub const ABOUT: About =
    About { kind: "kill", summary: "SIGKILL: a crash, nothing is said to anybody", targets: Form::MEMBERS };

/// A paused process dies of SIGKILL, too.
pub(super) fn orders(target: Target, fleet: &Fleet, chance: &mut ChaCha8Rng) -> Result<Vec<Order>, String> {
    let running = |state| matches!(state, State::Live | State::Paused);
    let members = fleet.choose(target, running, "running", chance)?;
    Ok(members.into_iter().map(|member| Order::Kill { member }).collect())
}
