//! `server-restart`: SIGTERM to a nats-server, which is started again as soon as it has ended, on the same store and ports.
//!
//! **What it asks.** What does it cost to restart a server in good order?
//!
//! **What to expect.** Nothing is stored or handled until the server is back, or until another node leads: `outage`
//! says how long. Publishers are held up, and what was stored stays. Only servers that jetlag started can be struck.

use rand_chacha::ChaCha8Rng;

use super::node::Deed;
use super::{About, Fleet, Form, Order, Target};

/// What the list shows.
pub const ABOUT: About = About {
    kind: "server-restart",
    summary: "SIGTERM to a server, which starts again at once on the same store",
    targets: Form::NODES,
};

/// Only a node that is up.
pub(super) fn orders(target: Target, fleet: &Fleet, chance: &mut ChaCha8Rng) -> Result<Vec<Order>, String> {
    let node = fleet.choose_node(target, chance)?;
    Ok(vec![Order::Node { node, deed: Deed::Restart }])
}
