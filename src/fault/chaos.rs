//! `chaos`: a mix of the other faults, drawn from the seed before the run begins.
//!
//! A run of chaos is a list of ordinary strikes, so it can be printed, replayed and judged like any other; each strike has
//! its own kind, and kinds are never pooled. Who is away when is played through here, so that every strike is legal when
//! its turn comes, never too many are away at once, and everything is healed before the end. The same guards are asked
//! again at the instant of the strike ([`super::Rule`]), of the fleet as it is by then: a machine may be slower than a plan.
//!
//! Kinds come in by themselves: it loops over the list of all there are. One that strikes a member and is told for how
//! long (`lasting`) passes by itself; which others heal, and how, is in `Part`.
//!
//! **What it asks.** Does everything that was promised hold under a quarter of an hour of anything?
//!
//! **What to expect.** Each strike is reported under its own kind, with its own gap. One run is one schedule: other
//! seeds are other runs.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::schedule::{Rule, Scene, Strike};
use super::{ALL, About, Form, Kind, Target, cut, step_down};
use crate::model::time::SpanNs;
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "chaos",
    summary: "a mix of the other faults, drawn from the seed, within guards; all is healed before the end",
    targets: &[Form::Random],
};

/// Whose leaders it asks to step down. A consumer's only by a fault of its own: most consumers lie on one node.
pub(super) const STEPS_DOWN: &[step_down::Of] = &[step_down::Of::Stream, step_down::Of::Bucket, step_down::Of::Meta];

/// How long a member that was started again, or goes on, counts as away: it has to find its place first.
const MEMBER_SETTLES: SpanNs = SpanNs(1_000_000_000);
/// The same for a server node.
const NODE_SETTLES: SpanNs = SpanNs(3_000_000_000);
/// A restart in good order is taken to last so long.
const RESTART_LASTS: SpanNs = SpanNs(1_000_000_000);
/// So many members may join before somebody has to leave.
const JOIN_MOST: u16 = 2;

/// Settings of chaos.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Which faults, and how often each beside the others, like { kill = 3, pause = 1 }. Default: all that are legal, equally often.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<BTreeMap<String, u32>>,
    /// Never more members than this are away at once. Default 1.
    pub max_down: u16,
    /// Never more servers than this are away at once; half of a cluster or more stops it. Default 1.
    pub max_servers_down: u16,
    /// What lasts, lasts at least so long. Default 500ms.
    pub shortest: Timespan,
    /// And at most so long. Default 5s.
    pub longest: Timespan,
    /// Nothing strikes within so long before the end of the measure phase, and everything is healed by then. Default 10s.
    pub calm: Timespan,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            weights: None,
            max_down: 1,
            max_servers_down: 1,
            shortest: Timespan(Duration::from_millis(500)),
            longest: Timespan(Duration::from_secs(5)),
            calm: Timespan(Duration::from_secs(10)),
        }
    }
}

impl Settings {
    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        let mut wrong = Vec::new();
        for name in self.weights.iter().flat_map(BTreeMap::keys) {
            if Kind::named(name).is_none_or(|kind| Part::of(&kind).is_none()) {
                let known: Vec<_> = all().map(|kind| kind.name()).collect();
                wrong.push(("weights", format!("chaos knows no \"{name}\": it mixes {}", known.join(", "))));
            }
        }
        if self.weights.as_ref().is_some_and(|weights| weights.values().all(|weight| *weight == 0)) {
            wrong.push(("weights", "no fault has a weight, so chaos does nothing".to_owned()));
        }
        if self.shortest.0 < Duration::from_millis(1) {
            wrong.push(("shortest", format!("`shortest` is {}, expected at least 1ms", self.shortest)));
        }
        if self.longest < self.shortest {
            wrong.push(("longest", format!("`longest` is {}, below `shortest` {}", self.longest, self.shortest)));
        }
        wrong
    }

    /// The kinds that it mixes, with their weights.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Kind, u32)> {
        all().filter_map(|kind| {
            let weight = match &self.weights {
                None => 1,
                Some(weights) => weights.get(kind.name()).copied().unwrap_or(0),
            };
            (weight > 0).then_some((kind, weight))
        })
    }
}

/// All kinds that chaos knows how to use.
fn all() -> impl Iterator<Item = Kind> {
    ALL.iter().filter_map(|about| Kind::named(about.kind)).filter(|kind| Part::of(kind).is_some())
}

/// How a kind behaves in chaos.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// A member dies, and is started again by a strike of its own.
    Kills,
    /// A member is restarted in good order.
    Restarts,
    /// A member is away, or not itself, for a while, and comes back by itself.
    Passes,
    /// A new member.
    Joins,
    /// A member goes for good.
    Leaves,
    /// A server node is away for a while, and is brought back by the same fault.
    Node,
    /// A lead is handed over.
    Moves,
}

impl Part {
    /// `None` for what chaos does not use: a termination is the first half of a restart, and the mixes themselves.
    fn of(kind: &Kind) -> Option<Self> {
        match kind {
            Kind::Kill => Some(Self::Kills),
            Kind::Restart => Some(Self::Restarts),
            Kind::Join => Some(Self::Joins),
            Kind::Leave => Some(Self::Leaves),
            Kind::StepDown(_) => Some(Self::Moves),
            Kind::Terminate | Kind::Rolling(_) | Kind::Chaos(_) => None,
            _ if kind.strikes_servers() => Some(Self::Node),
            // Whatever else strikes a member and says for how long.
            _ => (kind.admits(Target::Member(0)) && kind.lasting().is_some()).then_some(Self::Passes),
        }
    }
}

/// Whom a strike takes away for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Takes {
    pub(super) member: bool,
    pub(super) node: bool,
}

/// Whom a strike of this kind takes away.
pub(super) fn takes_away(kind: &Kind) -> Takes {
    let part = Part::of(kind);
    Takes {
        member: matches!(part, Some(Part::Kills | Part::Restarts | Part::Passes)),
        node: matches!(part, Some(Part::Node)),
    }
}

impl Kind {
    /// The kind of this name with its default settings.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        serde_json::from_value::<Self>(serde_json::json!({ "kind": name })).ok().map(|kind| kind.filled())
    }

    /// The same, for this long.
    fn made_to_last(&self, length: SpanNs) -> Self {
        let Ok(Value::Object(mut written)) = serde_json::to_value(self) else { return self.clone() };
        if let Some(lasting) = written.get_mut(LENGTH) {
            *lasting = Timespan(length.into()).to_string().into();
        }
        serde_json::from_value(Value::Object(written)).unwrap_or_else(|_| self.clone())
    }
}

/// The key that says for how long something lasts.
const LENGTH: &str = "lasting";

/// A member as it is played through.
#[derive(Clone, Copy, Debug)]
struct Actor {
    index: u16,
    /// Away until then.
    away_until: SpanNs,
}

/// Who is there and who is away while the schedule is drawn.
struct Stage<'a> {
    settings: &'a Settings,
    scene: &'a Scene,
    members: Vec<Actor>,
    next_member: u16,
    /// When each server node that is away is back.
    nodes: Vec<SpanNs>,
    /// By then everything is healed.
    healed_by: SpanNs,
}

/// The strikes of a chaos that may strike at each of `instants`, which rise.
pub(super) fn strikes(settings: &Settings, instants: &[SpanNs], scene: &Scene, chance: &mut ChaCha8Rng) -> Vec<Strike> {
    let actor = |index| Actor { index, away_until: SpanNs(0) };
    let mut stage = Stage {
        settings,
        scene,
        members: (0..scene.members).map(actor).collect(),
        next_member: scene.members,
        nodes: Vec::new(),
        healed_by: SpanNs(scene.measure.0.saturating_sub(settings.calm.span().0)),
    };
    let mut strikes = Vec::new();
    let mix: Vec<(Kind, Part, u32)> =
        settings.kinds().filter_map(|(kind, weight)| Part::of(&kind).map(|part| (kind, part, weight))).collect();
    for &at in instants {
        let legal: Vec<_> = mix.iter().filter(|(kind, part, _)| stage.admits(kind, *part, at)).collect();
        let all: u64 = legal.iter().map(|(.., weight)| u64::from(*weight)).sum();
        if all == 0 {
            continue;
        }
        let mut drawn = chance.random_range(0..all);
        let chosen = legal.into_iter().find(|(.., weight)| match drawn.checked_sub((*weight).into()) {
            Some(rest) => {
                drawn = rest;
                false
            }
            None => true,
        });
        if let Some((kind, part, _)) = chosen {
            stage.play(kind, *part, at, chance, &mut strikes);
        }
    }
    strikes
}

impl Stage<'_> {
    fn rule(&self) -> Rule {
        Rule::Within { members: self.settings.max_down, nodes: self.settings.max_servers_down }
    }

    fn here(&self, at: SpanNs) -> Vec<usize> {
        (0..self.members.len()).filter(|place| self.members[*place].away_until <= at).collect()
    }

    /// Whether a strike of this kind is legal now.
    fn admits(&self, kind: &Kind, part: Part, at: SpanNs) -> bool {
        let shortest = self.settings.shortest.span();
        let ends_by = |length: SpanNs, settles: SpanNs| later(later(at, length), settles) <= self.healed_by;
        let here = self.here(at).len();
        let away = self.members.len() - here;
        let may_take = away < usize::from(self.settings.max_down) && here > 0;
        match part {
            // jetlag cannot do either to a program of the user's own.
            Part::Passes if self.scene.programs && matches!(kind, Kind::Cut(_) | Kind::Slow(_)) => false,
            Part::Kills | Part::Passes => may_take && ends_by(shortest, MEMBER_SETTLES),
            Part::Restarts => may_take && ends_by(RESTART_LASTS, MEMBER_SETTLES),
            Part::Joins => {
                let most = self.scene.members.saturating_add(JOIN_MOST);
                self.scene.grows && self.members.len() < usize::from(most) && ends_by(SpanNs(0), MEMBER_SETTLES)
            }
            Part::Leaves => {
                // So many stay that, whoever else is struck, somebody is there.
                let least = usize::from(self.settings.max_down.max(self.scene.members.saturating_sub(1))).max(1);
                self.scene.grows && here > 0 && self.members.len() > least && ends_by(SpanNs(0), MEMBER_SETTLES)
            }
            Part::Node => {
                let lasts = if kind.lasting().is_some() { shortest } else { RESTART_LASTS };
                let away = self.nodes.iter().filter(|until| **until > at).count();
                let limit = usize::from(self.settings.max_servers_down.min(self.scene.nodes));
                away < limit && ends_by(lasts, NODE_SETTLES)
            }
            Part::Moves => self.scene.replicas > 1 && ends_by(SpanNs(0), NODE_SETTLES),
        }
    }

    /// Adds the strike, and what heals it, and remembers who is away for how long.
    fn play(&mut self, kind: &Kind, part: Part, at: SpanNs, chance: &mut ChaCha8Rng, strikes: &mut Vec<Strike>) {
        let rule = self.rule();
        let strike = |at, kind, target, rule| Strike { id: 0, at, kind, target, rule };
        match part {
            Part::Kills | Part::Passes | Part::Restarts => {
                let here = self.here(at);
                let place = here[chance.random_range(0..here.len())];
                let target = Target::Member(self.members[place].index);
                let length = match part {
                    Part::Restarts => RESTART_LASTS,
                    _ => self.length(at, MEMBER_SETTLES, chance),
                };
                strikes.push(strike(at, varied(kind, chance).made_to_last(length), target, rule));
                if part == Part::Kills {
                    strikes.push(strike(later(at, length), Kind::Restart, target, Rule::Heals));
                }
                self.members[place].away_until = later(later(at, length), MEMBER_SETTLES);
            }
            Part::Joins => {
                strikes.push(strike(at, kind.clone(), Target::New, rule));
                self.members.push(Actor { index: self.next_member, away_until: later(at, MEMBER_SETTLES) });
                self.next_member = self.next_member.saturating_add(1);
            }
            Part::Leaves => {
                let here = self.here(at);
                let actor = self.members.remove(here[chance.random_range(0..here.len())]);
                strikes.push(strike(at, kind.clone(), Target::Member(actor.index), rule));
            }
            Part::Node => {
                let length = match kind.lasting() {
                    Some(_) => self.length(at, NODE_SETTLES, chance),
                    None => RESTART_LASTS,
                };
                // Which node leads is known at that instant only, so none is named here.
                let targets: &[Target] = if self.scene.nodes > 1 {
                    &[Target::Leader, Target::Follower, Target::Random]
                } else {
                    &[Target::Random]
                };
                let target = targets[chance.random_range(0..targets.len())];
                strikes.push(strike(at, kind.made_to_last(length), target, rule));
                self.nodes.retain(|until| *until > at);
                self.nodes.push(later(later(at, length), NODE_SETTLES));
            }
            Part::Moves => {
                let has = |of: &&step_down::Of| **of != step_down::Of::Bucket || self.scene.bucket;
                let of: Vec<_> = STEPS_DOWN.iter().filter(has).collect();
                let of = *of[chance.random_range(0..of.len())];
                let kind = Kind::StepDown(step_down::Settings { of });
                strikes.push(strike(at, kind, Target::Leader, rule));
            }
        }
    }

    /// How long something lasts that must be over, and settled, in time.
    fn length(&self, at: SpanNs, settles: SpanNs, chance: &mut ChaCha8Rng) -> SpanNs {
        let shortest = self.settings.shortest.span().0;
        let latest = self.healed_by.0.saturating_sub(later(at, settles).0);
        let longest = self.settings.longest.span().0.min(latest).max(shortest);
        // Whole milliseconds: that is how it is printed.
        let ms = chance.random_range(shortest / 1_000_000..=longest / 1_000_000);
        SpanNs(ms * 1_000_000).max(SpanNs(1_000_000))
    }
}

fn later(at: SpanNs, span: SpanNs) -> SpanNs {
    SpanNs(at.0.saturating_add(span.0))
}

/// A cut is another one each time.
fn varied(kind: &Kind, chance: &mut ChaCha8Rng) -> Kind {
    let Kind::Cut(_) = kind else { return kind.clone() };
    let ways = [cut::How::Stall, cut::How::Delay, cut::How::Throttle, cut::How::Reset, cut::How::OneWay];
    let direction = [cut::Direction::ToServer, cut::Direction::FromServer][chance.random_range(0..2_usize)];
    let how = ways[chance.random_range(0..ways.len())];
    let direction = (how == cut::How::OneWay).then_some(direction);
    Kind::Cut(cut::Settings { how, direction, ..cut::Settings::default() }).filled()
}
