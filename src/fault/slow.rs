//! `slow`: a member's handler takes longer for a while: a database that is slow for one of them.
//!
//! **What it asks.** What do others suffer when one member is slow, and who takes its work?
//!
//! **What to expect.** Nobody takes over, because the member lives and renews: latency and backlog of its partitions
//! grow for as long as it is slow. Where all members share one consumer the others handle more, and only what the slow
//! one has in hand is late.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{About, Fleet, Form, Order, State, Target};
use crate::model::time::SpanNs;
use crate::model::units::{Factor, Timespan};

/// What the list shows.
pub const ABOUT: About =
    About { kind: "slow", summary: "the handler takes longer for a while", targets: Form::MEMBERS };

/// A longer time to handle one message is a slip of a unit.
const LONGEST: Duration = Duration::from_secs(3600);

/// Settings of a slow handler.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Every message takes so many times its time: "5x". Default 5x, unless there is a `to`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<Factor>,
    /// Instead of `by`: every message takes this long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timespan>,
    /// For how long. Default 5s.
    pub lasting: Timespan,
}

impl Default for Settings {
    fn default() -> Self {
        Self { by: None, to: None, lasting: Timespan(Duration::from_secs(5)) }
    }
}

/// How slow a handler is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Slowness {
    /// It takes so many times the time that it would.
    By(f64),
    /// It takes this long, whatever it would.
    To(SpanNs),
}

impl Slowness {
    /// The time that a message takes which would take `usual`.
    #[must_use]
    pub fn of(self, usual: Option<SpanNs>) -> Option<SpanNs> {
        match self {
            Self::By(factor) => usual.map(|usual| SpanNs((usual.0 as f64 * factor) as u64)),
            Self::To(span) => Some(span),
        }
    }
}

impl Settings {
    /// How slow.
    #[must_use]
    pub fn slowness(&self) -> Slowness {
        match (self.by, self.to) {
            (None, Some(to)) => Slowness::To(to.span()),
            (by, _) => Slowness::By(by.unwrap_or(Factor(5.0)).0),
        }
    }

    /// The same with the default written out that depends on `to`.
    #[must_use]
    pub fn filled(&self) -> Self {
        Self { by: self.by.or_else(|| self.to.is_none().then_some(Factor(5.0))), ..self.clone() }
    }

    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        if self.by.is_some() && self.to.is_some() {
            objections.push(("to", "the slow handler has both `by` and `to`".to_owned()));
        }
        if let Some(by) = self.by.filter(|by| by.0 <= 1.0) {
            objections.push(("by", format!("`by` is {by}, which is not slower: more than 1x")));
        }
        if let Some(to) = self.to.filter(|to| to.0 > LONGEST) {
            objections.push(("to", format!("`to` is {to}, expected at most 1h")));
        }
        if self.lasting.0 < Duration::from_millis(1) {
            objections.push(("lasting", format!("slow for {} is not slow: at least 1ms", self.lasting)));
        } else if self.lasting.0 > LONGEST {
            objections.push(("lasting", format!("`lasting` is {}, expected at most 1h", self.lasting)));
        }
        objections
    }
}

/// Only who lives and is not slow already: it would be fast again when the first ends.
pub(super) fn orders(
    settings: &Settings,
    target: Target,
    fleet: &Fleet,
    chance: &mut ChaCha8Rng,
) -> Result<Vec<Order>, String> {
    let (slowness, lasting) = (settings.slowness(), settings.lasting.span());
    let usual = |member: &super::Member| !fleet.slow.contains(&member.index);
    let members = fleet.choose_of(target, |state| state == State::Live, usual, "alive and not slow", chance)?;
    if let Some(index) = members.iter().find(|index| fleet.slow.contains(index)) {
        return Err(format!("c{index} is slow already"));
    }
    Ok(members.into_iter().map(|member| Order::Slow { member, slowness, lasting }).collect())
}
