//! The fleet as a fault sees it: a plain snapshot, and the choice of whom to strike.

use std::collections::BTreeSet;
use std::fmt;

use rand::RngExt;
use rand_chacha::ChaCha8Rng;

use super::node::{Condition, Node};
use super::target::Target;
use crate::model::time::MonoNs;

/// The members and who owns what, at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fleet {
    /// Everyone who ever was a member, in order of index.
    pub members: Vec<Member>,
    /// The member that owns each partition, as far as the driver knows. Empty for strategies without owners.
    pub owners: Vec<Option<u16>>,
    /// The server nodes, in order of number. Empty on a server of the user's own.
    pub nodes: Vec<Node>,
    /// Number of publishers.
    pub publishers: u16,
    /// Whose connection is cut.
    pub cut: BTreeSet<Client>,
    /// Members whose handler is slow.
    pub slow: BTreeSet<u16>,
}

/// A process that has a connection, whatever its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Client {
    /// The member with this index.
    Member(u16),
    /// The publisher with this index.
    Publisher(u16),
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Member(index) => write!(f, "c{index}"),
            Self::Publisher(index) => write!(f, "p{index}"),
        }
    }
}

/// One member.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its index.
    pub index: u16,
    /// Which life of it, from 1.
    pub life: u16,
    /// What it is doing.
    pub state: State,
}

/// What a member is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Its process runs.
    Live,
    /// Its process is stopped by SIGSTOP.
    Paused,
    /// It was told to stop and is still finishing, or waits for its next life.
    Stopping,
    /// Its process is gone.
    Dead {
        /// Since when.
        since: MonoNs,
    },
    /// It left for good.
    Left,
}

impl State {
    /// As an adjective, for the reason why a fault was skipped.
    fn adjective(self) -> &'static str {
        match self {
            Self::Live => "alive",
            Self::Paused => "paused",
            Self::Stopping => "stopping",
            Self::Dead { .. } => "dead",
            Self::Left => "gone for good",
        }
    }
}

impl Fleet {
    /// The index that the next member to join gets.
    #[must_use]
    pub fn next_index(&self) -> u16 {
        self.members.iter().map(|member| member.index.saturating_add(1)).max().unwrap_or(0)
    }

    /// The members that `target` means, each of them in a state that `can` admits; `wanted` says which states these are.
    pub(super) fn choose(
        &self,
        target: Target,
        can: fn(State) -> bool,
        wanted: &str,
        chance: &mut ChaCha8Rng,
    ) -> Result<Vec<u16>, String> {
        self.choose_of(target, can, |_| true, wanted, chance)
    }

    /// As [`choose`](Self::choose); `random` and `all` mean only those that `may` be struck. One that is named need not be
    /// among them.
    pub(super) fn choose_of(
        &self,
        target: Target,
        can: fn(State) -> bool,
        may: impl Fn(&Member) -> bool,
        wanted: &str,
        chance: &mut ChaCha8Rng,
    ) -> Result<Vec<u16>, String> {
        let able = self.members.iter().filter(|member| can(member.state) && may(member));
        let candidates: Vec<u16> = able.map(|member| member.index).collect();
        match target {
            Target::Random | Target::All if candidates.is_empty() => Err(format!("no member is {wanted}")),
            Target::Random => Ok(vec![candidates[chance.random_range(0..candidates.len())]]),
            Target::All => Ok(candidates),
            _ => {
                let member = self.named(target)?;
                if can(member.state) {
                    Ok(vec![member.index])
                } else {
                    Err(format!("c{} is {}, not {wanted}", member.index, member.state.adjective()))
                }
            }
        }
    }

    /// The one member that `target` names.
    pub(super) fn named(&self, target: Target) -> Result<Member, String> {
        let index = match target {
            Target::Member(index) => index,
            Target::OwnerOf(partition) => self
                .owners
                .get(usize::from(partition))
                .copied()
                .flatten()
                .ok_or_else(|| format!("partition {partition} has no owner"))?,
            _ => return Err(format!("'{target}' names no member")),
        };
        let member = self.members.iter().find(|member| member.index == index);
        member.copied().ok_or_else(|| format!("there is no member c{index}"))
    }

    /// The one node that `target` means, which must be up.
    pub(super) fn choose_node(&self, target: Target, chance: &mut ChaCha8Rng) -> Result<u16, String> {
        if let Target::Node(number) = target {
            let node = self.nodes.iter().find(|node| node.number == number);
            let node = node.ok_or_else(|| format!("there is no server-{number}"))?;
            return match node.condition {
                Condition::Up => Ok(number),
                other => Err(format!("server-{number} is {}, not up", other.adjective())),
            };
        }
        let known = self.nodes.iter().any(|node| node.leads);
        if matches!(target, Target::Leader | Target::Follower) && !known {
            return Err("the stream has no leader now".to_owned());
        }
        let meant = |node: &&Node| match target {
            Target::Leader => node.leads,
            Target::Follower => !node.leads,
            _ => true,
        };
        let is_up = |node: &&Node| node.condition == Condition::Up;
        let candidates: Vec<u16> = self.nodes.iter().filter(meant).filter(is_up).map(|node| node.number).collect();
        if candidates.is_empty() {
            return Err(format!("no server that '{target}' means is up"));
        }
        Ok(candidates[chance.random_range(0..candidates.len())])
    }

    /// How many members are away: paused, stopping, or dead. Who left for good is no member any more.
    #[must_use]
    pub fn members_away(&self) -> usize {
        let away = |member: &&Member| !matches!(member.state, State::Live | State::Left);
        self.members.iter().filter(away).count()
    }

    /// How many nodes are not up.
    #[must_use]
    pub fn nodes_away(&self) -> usize {
        self.nodes.iter().filter(|node| node.condition != Condition::Up).count()
    }
}
