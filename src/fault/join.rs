//! `join`: one more member.
//!
//! **What it asks.** What does a newcomer cost, and when does it carry its share?
//!
//! **What to expect.** As for a `restart`: some partitions move, each with a gap of milliseconds, and the others notice
//! nothing. `converged` says when everybody had their share.

use super::{About, Fleet, Form, Order};

/// What the list shows.
pub const ABOUT: About = About { kind: "join", summary: "one more member joins", targets: &[Form::New] };

/// It gets the next index; indices of members that left are not used again.
pub(super) fn orders(fleet: &Fleet) -> Result<Vec<Order>, String> {
    let member = fleet.next_index();
    if member == u16::MAX { Err("there is no free member index".to_owned()) } else { Ok(vec![Order::Join { member }]) }
}
