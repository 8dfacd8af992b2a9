//! `restart`: a dead member is started again, a live one is stopped in good order first.
//!
//! **What it asks.** What does it cost when a member comes back and takes its share again?
//!
//! **What to expect.** Partitions move to it from the others, in good order: each stands still for milliseconds, and
//! the report says whether more of them moved than had to. It is a new life of the same member (`c1.2`).

use super::{About, Fleet, Form, Member, Order, State, Target};

/// What the list shows.
pub const ABOUT: About = About {
    kind: "restart",
    summary: "starts a dead member again (random: the last that died); a live one is stopped first",
    targets: Form::MEMBERS,
};

/// `random` follows a crash: it takes the member that died last. `all` brings every dead one back, and when nobody is
/// dead it restarts the whole fleet.
pub(super) fn orders(target: Target, fleet: &Fleet) -> Result<Vec<Order>, String> {
    let dead = || {
        fleet.members.iter().filter_map(|member| match member.state {
            State::Dead { since } => Some((since, member.index)),
            _ => None,
        })
    };
    match target {
        Target::Random => {
            let (_, member) = dead().max().ok_or("no member is dead")?;
            Ok(vec![Order::Start { member }])
        }
        Target::All if dead().next().is_some() => Ok(dead().map(|(_, member)| Order::Start { member }).collect()),
        Target::All => {
            let orders: Vec<_> = fleet.members.iter().filter_map(|member| one(*member).ok()).collect();
            if orders.is_empty() { Err("no member is alive or dead".to_owned()) } else { Ok(orders) }
        }
        _ => Ok(vec![one(fleet.named(target)?)?]),
    }
}

/// What restarts this member.
fn one(Member { index: member, state, .. }: Member) -> Result<Order, String> {
    match state {
        State::Dead { .. } => Ok(Order::Start { member }),
        State::Live => Ok(Order::Restart { member }),
        State::Paused => Err(format!("c{member} is paused and would not hear the signal")),
        State::Stopping => Err(format!("c{member} is stopping already")),
        State::Left => Err(format!("c{member} is gone for good")),
    }
}
