//! `cut`: something happens to the network between one process and the servers, and is mended after a while.
//!
//! The process and the servers are well. The connection runs through a relay of jetlag's own, which does it.
//!
//! **What it asks.** What does a member or a publisher do when the network fails and nobody dies?
//!
//! **What to expect.** Shorter than the lease: the messages of the cut member wait. Longer: its partitions are taken
//! over, as after a crash, and it must have stopped by itself. A publisher that is cut off is held up (`blocked`), and
//! may not know what became of a message (`unknown`). [Profiles](../profiles.md#faults) tell the ways to cut apart, and
//! what the relay costs.

use std::collections::BTreeSet;
use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::fleet::Client;
use super::{About, Fleet, Form, Order, Spec, State, Target};
use crate::model::time::SpanNs;
use crate::model::units::{Size, Timespan};

/// What the list shows.
pub const ABOUT: About = About {
    kind: "cut",
    summary: "the connection stalls, is late, slow, reset or deaf one way for a while: the network fails",
    targets: &[Form::Member, Form::OwnerOf, Form::Random, Form::All, Form::Publisher],
};

/// No delay and no cut is longer: what is meant to last for ever is a slip of a unit.
const LONGEST: Duration = Duration::from_secs(3600);
/// A slower connection could not even greet.
const RATE_LEAST: u64 = 256;

/// Settings of a cut.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// What happens to the connection. Default "stall".
    pub how: How,
    /// For how long, until the connection is healed. Default 3s; with how "reset" 0s: it is cut once and may come back at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lasting: Option<Timespan>,
    /// With how "delay": so much later all bytes arrive, each way. Default 50ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<Timespan>,
    /// With how "delay": and later by a random span below this, without overtaking. Default 0s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_jitter: Option<Timespan>,
    /// With how "throttle": most bytes a second, each way. Default 64KiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<Size>,
    /// With how "one-way": which way nothing arrives. Default "to-server".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub direction: Option<Direction>,
}

/// What happens to a connection.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// No byte moves, either way, and nobody is told; when it is healed, all of them arrive.
    #[default]
    Stall,
    /// Bytes arrive later.
    Delay,
    /// Few bytes a second pass.
    Throttle,
    /// Connections are reset (TCP RST), new ones too until it is healed.
    Reset,
    /// What goes one way is lost. A connection that lost something is reset when it is healed.
    OneWay,
}

/// Which way bytes go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the process to the server.
    #[default]
    ToServer,
    /// From the server to the process.
    FromServer,
}

/// A cut with all its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "kebab-case")]
pub enum Cut {
    /// No byte moves.
    Stall,
    /// Bytes arrive later, each way.
    Delay {
        /// By so much.
        delay: SpanNs,
        /// And by a random span below this.
        jitter: SpanNs,
    },
    /// Few bytes pass.
    Throttle {
        /// So many a second, each way.
        bytes_per_s: u64,
    },
    /// Connections are reset.
    Reset,
    /// What goes this way is lost.
    OneWay {
        /// Which way.
        direction: Direction,
    },
}

impl Settings {
    /// For how long, said or not.
    #[must_use]
    pub fn lasting(&self) -> SpanNs {
        let usual = Duration::from_secs(if self.how == How::Reset { 0 } else { 3 });
        self.lasting.unwrap_or(Timespan(usual)).span()
    }

    /// The cut that these mean.
    #[must_use]
    pub fn cut(&self) -> Cut {
        match self.how {
            How::Stall => Cut::Stall,
            How::Delay => Cut::Delay { delay: self.delay().span(), jitter: self.delay_jitter().span() },
            How::Throttle => Cut::Throttle { bytes_per_s: self.rate().0 },
            How::Reset => Cut::Reset,
            How::OneWay => Cut::OneWay { direction: self.direction.unwrap_or_default() },
        }
    }

    fn delay(&self) -> Timespan {
        self.delay.unwrap_or(Timespan(Duration::from_millis(50)))
    }

    fn delay_jitter(&self) -> Timespan {
        self.delay_jitter.unwrap_or(Timespan(Duration::ZERO))
    }

    fn rate(&self) -> Size {
        self.rate.unwrap_or(Size(64 << 10))
    }

    /// The same with the defaults written out that depend on `how`.
    #[must_use]
    pub fn filled(&self) -> Self {
        Self {
            how: self.how,
            lasting: Some(Timespan(self.lasting().into())),
            delay: (self.how == How::Delay).then(|| self.delay()),
            delay_jitter: (self.how == How::Delay).then(|| self.delay_jitter()),
            rate: (self.how == How::Throttle).then(|| self.rate()),
            direction: (self.how == How::OneWay).then(|| self.direction.unwrap_or_default()),
        }
    }

    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        let typed = [
            ("delay", self.delay.is_some(), How::Delay, "delay"),
            ("delay-jitter", self.delay_jitter.is_some(), How::Delay, "delay"),
            ("rate", self.rate.is_some(), How::Throttle, "throttle"),
            ("direction", self.direction.is_some(), How::OneWay, "one-way"),
        ];
        for (key, is_typed, how, name) in typed {
            if is_typed && self.how != how {
                objections.push((key, format!("`{key}` has no effect without `how = \"{name}\"`")));
            }
        }
        if let Some(lasting) = self.lasting {
            if lasting.0 < Duration::from_millis(1) && self.how != How::Reset {
                objections.push(("lasting", format!("a cut for {lasting} is none: at least 1ms")));
            } else if lasting.0 > LONGEST {
                objections.push(("lasting", format!("`lasting` is {lasting}, expected at most 1h")));
            }
        }
        if self.how == How::Delay {
            for (key, span) in [("delay", self.delay()), ("delay-jitter", self.delay_jitter())] {
                if span.0 > LONGEST {
                    objections.push((key, format!("`{key}` is {span}, expected at most 1h")));
                }
            }
            if self.delay().0.is_zero() && self.delay_jitter().0.is_zero() {
                objections.push(("delay", "a delay of nothing is none: give `delay` or `delay-jitter`".to_owned()));
            }
        }
        if self.how == How::Throttle && self.rate().0 < RATE_LEAST {
            objections.push(("rate", format!("`rate` is {}, expected at least {RATE_LEAST}B a second", self.rate())));
        }
        objections
    }
}

/// Only who lives and is not cut already: two cuts would end with the first. `random` and `all` mean members.
pub(super) fn orders(
    settings: &Settings,
    target: Target,
    fleet: &Fleet,
    chance: &mut ChaCha8Rng,
) -> Result<Vec<Order>, String> {
    let (cut, lasting) = (settings.cut(), settings.lasting());
    let clients = match target {
        Target::Publisher(index) if index < fleet.publishers => vec![Client::Publisher(index)],
        Target::Publisher(index) => return Err(format!("there is no publisher p{index}")),
        _ => {
            let whole = |member: &super::Member| !fleet.cut.contains(&Client::Member(member.index));
            fleet
                .choose_of(target, |state| state == State::Live, whole, "alive and not cut", chance)?
                .into_iter()
                .map(Client::Member)
                .collect()
        }
    };
    if let Some(client) = clients.iter().find(|client| fleet.cut.contains(client)) {
        return Err(format!("{client} is cut already"));
    }
    Ok(clients.into_iter().map(|client| Order::Cut { client, cut, lasting }).collect())
}

/// Whose connections run through the relay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Relayed {
    /// Every member, also those that join.
    pub all_members: bool,
    /// These.
    pub clients: BTreeSet<Client>,
}

impl Relayed {
    /// Those whom a cut of these faults can strike, and nobody else: what runs through a relay is measured with it.
    #[must_use]
    pub fn by(faults: &[Spec]) -> Self {
        let mut relayed = Self::default();
        for target in faults.iter().filter(|fault| fault.kind.cuts()).map(|fault| fault.target) {
            match target {
                Target::Member(index) => drop(relayed.clients.insert(Client::Member(index))),
                Target::Publisher(index) => drop(relayed.clients.insert(Client::Publisher(index))),
                _ => relayed.all_members = true,
            }
        }
        relayed
    }

    /// Whether nobody's does.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.all_members && self.clients.is_empty()
    }

    /// Whether that of `client` does.
    #[must_use]
    pub fn includes(&self, client: Client) -> bool {
        (self.all_members && matches!(client, Client::Member(_))) || self.clients.contains(&client)
    }

    /// For the manifest: names, and `members` for all of them.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let named = self.clients.iter().filter(|client| !self.all_members || matches!(client, Client::Publisher(_)));
        self.all_members.then(|| "members".to_owned()).into_iter().chain(named.map(Client::to_string)).collect()
    }
}
