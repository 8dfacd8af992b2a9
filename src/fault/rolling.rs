//! `rolling`: one after the other is restarted in good order, each when the one before is well again: a deployment.
//!
//! **What it asks.** What does a deployment cost that restarts everybody, one after the other?
//!
//! **What to expect.** The gaps of so many restarts, and partitions that move more than once: compare `moved` with
//! `moved_least`. Of servers: an `outage` for each node that led something.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::node::Condition;
use super::{About, Fleet, Form, Order, State};
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "rolling",
    summary: "members, or servers, are restarted one after the other, each when the one before is well again",
    targets: &[Form::All],
};

/// Settings of a rolling restart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Who is restarted: the members, or the servers. Default "members".
    pub of: Of,
    /// How long one that is well again is left alone before the next one's turn. Default 3s.
    pub rest: Timespan,
}

impl Default for Settings {
    fn default() -> Self {
        Self { of: Of::Members, rest: Timespan(Duration::from_secs(3)) }
    }
}

/// Who is restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Of {
    /// The members that live when it begins.
    Members,
    /// The server nodes.
    Servers,
}

/// Everybody in order of number, as they are when it begins.
pub(super) fn orders(settings: &Settings, fleet: &Fleet) -> Result<Vec<Order>, String> {
    let (of, rest) = (settings.of, settings.rest.span());
    let turns: Vec<u16> = match of {
        Of::Members => {
            let live = fleet.members.iter().filter(|member| member.state == State::Live);
            live.map(|member| member.index).collect()
        }
        Of::Servers => {
            let up = fleet.nodes.iter().filter(|node| node.condition == Condition::Up);
            up.map(|node| node.number).collect()
        }
    };
    if turns.is_empty() {
        Err("nobody is there to be restarted".to_owned())
    } else {
        Ok(vec![Order::Roll { of, turns, rest }])
    }
}
