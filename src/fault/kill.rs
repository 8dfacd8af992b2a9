//! `kill`: SIGKILL, a crash. The member says nothing to anybody; its lease runs out.

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
