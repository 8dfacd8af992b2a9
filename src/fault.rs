//! The faults: what may strike, and the seeded schedule of when and whom.
//!
//! A plug room: this door holds the kinds and the one list of what there is; `fault/` one file a kind. Everything
//! here is a decision, nothing a deed: a strike becomes [`Order`]s, and the driver carries them out.

pub mod chaos;
pub mod cut;
pub mod fleet;
pub mod join;
pub mod kill;
pub mod leave;
pub mod node;
pub mod pause;
pub mod restart;
pub mod rolling;
pub mod schedule;
pub mod server_kill;
pub mod server_pause;
pub mod server_restart;
pub mod slow;
pub mod step_down;
pub mod target;
pub mod terminate;

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::time::SpanNs;
pub use cut::{Cut, Relayed};
pub use fleet::{Client, Fleet, Member, State};
pub use node::{Condition, Deed, Node};
pub use schedule::{Rule, Scene, Strike, schedule};
pub use slow::Slowness;
pub use target::{Form, Target};

/// What strikes, with its settings, as a profile's `[[fault]]` table holds it: `kind` names it, the rest is its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Kind {
    /// SIGKILL: a crash. Nothing is said to anybody.
    Kill,
    /// SIGTERM: the member stops in good order and may be restarted.
    Terminate,
    /// A dead member is started again; a live one is told to stop first.
    Restart,
    /// One more member joins.
    Join,
    /// A member leaves in good order and does not come back.
    Leave,
    /// SIGSTOP, and SIGCONT after a while: a hang.
    Pause(pause::Settings),
    /// SIGTERM to a server, which starts again at once.
    ServerRestart,
    /// SIGKILL to a server, which starts again after a while.
    ServerKill(server_kill::Settings),
    /// SIGSTOP to a server, and SIGCONT after a while.
    ServerPause(server_pause::Settings),
    /// A leader hands its lead to another node.
    StepDown(step_down::Settings),
    /// One after the other is restarted.
    Rolling(rolling::Settings),
    /// A mix of the others, drawn from the seed.
    Chaos(chaos::Settings),
    /// The network between one process and the servers fails for a while.
    Cut(cut::Settings),
    /// The handler of a member takes longer for a while.
    Slow(slow::Settings),
}

/// What `jetlag list faults` shows of one.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Name in profiles.
    pub kind: &'static str,
    /// One line.
    pub summary: &'static str,
    /// Whom it may strike.
    pub targets: &'static [Form],
}

/// All there are, in the order shown.
pub const ALL: &[About] = &[
    kill::ABOUT,
    terminate::ABOUT,
    restart::ABOUT,
    join::ABOUT,
    leave::ABOUT,
    pause::ABOUT,
    cut::ABOUT,
    slow::ABOUT,
    server_restart::ABOUT,
    server_kill::ABOUT,
    server_pause::ABOUT,
    step_down::ABOUT,
    rolling::ABOUT,
    chaos::ABOUT,
];

impl Kind {
    /// What the list shows of it.
    #[must_use]
    pub fn about(&self) -> &'static About {
        match self {
            Self::Kill => &kill::ABOUT,
            Self::Terminate => &terminate::ABOUT,
            Self::Restart => &restart::ABOUT,
            Self::Join => &join::ABOUT,
            Self::Leave => &leave::ABOUT,
            Self::Pause(_) => &pause::ABOUT,
            Self::ServerRestart => &server_restart::ABOUT,
            Self::ServerKill(_) => &server_kill::ABOUT,
            Self::ServerPause(_) => &server_pause::ABOUT,
            Self::StepDown(_) => &step_down::ABOUT,
            Self::Rolling(_) => &rolling::ABOUT,
            Self::Chaos(_) => &chaos::ABOUT,
            Self::Cut(_) => &cut::ABOUT,
            Self::Slow(_) => &slow::ABOUT,
        }
    }

    /// Name in profiles and reports.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.about().kind
    }

    /// Whom it strikes when the profile does not say.
    #[must_use]
    pub fn default_target(&self) -> Target {
        let usual = [Target::Random, Target::New, Target::Leader, Target::All];
        usual.into_iter().find(|target| self.admits(*target)).unwrap_or(Target::Random)
    }

    /// Whether it strikes servers, so that these must be jetlag's own. For `chaos`: whether it may.
    #[must_use]
    pub fn strikes_servers(&self) -> bool {
        match self {
            Self::ServerRestart | Self::ServerKill(_) | Self::ServerPause(_) => true,
            Self::Rolling(settings) => settings.of == rolling::Of::Servers,
            Self::Chaos(settings) => settings.kinds().any(|(kind, _)| kind.strikes_servers()),
            _ => false,
        }
    }

    /// Whether it cuts connections, so that these must run through the relay. For `chaos`: whether it may.
    #[must_use]
    pub fn cuts(&self) -> bool {
        match self {
            Self::Cut(_) => true,
            Self::Chaos(settings) => settings.kinds().any(|(kind, _)| kind.cuts()),
            _ => false,
        }
    }

    /// Whether it ends a server's process, and with that what the server keeps in memory. For `chaos`: whether it may.
    #[must_use]
    pub fn ends_servers(&self) -> bool {
        match self {
            Self::Chaos(settings) => settings.kinds().any(|(kind, _)| kind.ends_servers()),
            Self::ServerPause(_) => false,
            _ => self.strikes_servers(),
        }
    }

    /// Whose leaders may be asked to step down by it.
    #[must_use]
    pub fn steps_down(&self) -> Vec<step_down::Of> {
        match self {
            Self::StepDown(settings) => vec![settings.of],
            Self::Chaos(settings) if settings.kinds().any(|(kind, _)| matches!(kind, Self::StepDown(_))) => {
                chaos::STEPS_DOWN.to_vec()
            }
            _ => Vec::new(),
        }
    }

    /// Settings that cannot work: the key, and what is wrong with it. Profiles with any are refused.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Pause(settings) => settings.objections(),
            Self::Cut(settings) => settings.objections(),
            Self::Slow(settings) => settings.objections(),
            Self::ServerKill(settings) => settings.objections(),
            Self::ServerPause(settings) => settings.objections(),
            Self::Chaos(settings) => settings.objections(),
            _ => Vec::new(),
        }
    }

    /// For how long one strike lasts, where its end is part of it: afterwards what it did is undone.
    #[must_use]
    pub fn lasting(&self) -> Option<SpanNs> {
        match self {
            Self::Pause(settings) => Some(settings.lasting.span()),
            Self::Cut(settings) => Some(settings.lasting()),
            Self::Slow(settings) => Some(settings.lasting.span()),
            Self::ServerKill(settings) => Some(settings.lasting.span()),
            Self::ServerPause(settings) => Some(settings.lasting.span()),
            _ => None,
        }
    }

    /// The same with the defaults written out that depend on other keys.
    #[must_use]
    pub fn filled(&self) -> Self {
        match self {
            Self::Cut(settings) => Self::Cut(settings.filled()),
            Self::Slow(settings) => Self::Slow(settings.filled()),
            other => other.clone(),
        }
    }

    /// Whether it may strike such a target.
    #[must_use]
    pub fn admits(&self, target: Target) -> bool {
        self.about().targets.contains(&target.form())
    }
}

/// One fault of a plan: what, whom, when.
#[derive(Clone, Debug, PartialEq)]
pub struct Spec {
    /// What strikes.
    pub kind: Kind,
    /// Whom.
    pub target: Target,
    /// When.
    pub when: When,
}

/// When a fault strikes, counted from the start of the measure phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct When {
    /// The first strike.
    pub first: SpanNs,
    /// How it goes on.
    pub again: Option<Again>,
    /// Each strike comes later by a random span below this, from the seed.
    pub jitter: SpanNs,
}

/// The repetition of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Again {
    /// From one strike to the next, jitter left out. Not zero.
    pub every: SpanNs,
    /// No strike at or after this.
    pub until: SpanNs,
    /// Most strikes there are.
    pub times: Option<u32>,
}

/// What the driver has to do for one strike.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    /// Send SIGKILL.
    Kill {
        /// Index of the member.
        member: u16,
    },
    /// Send SIGTERM.
    Terminate {
        /// Index of the member.
        member: u16,
    },
    /// Start a dead member: a new life of it.
    Start {
        /// Index of the member.
        member: u16,
    },
    /// Send SIGTERM to a live member, and when it is gone start its next life.
    Restart {
        /// Index of the member.
        member: u16,
    },
    /// Start a member that was not there before.
    Join {
        /// Index that it gets.
        member: u16,
    },
    /// Tell a member to leave in good order.
    Leave {
        /// Index of the member.
        member: u16,
    },
    /// Send SIGSTOP, and SIGCONT after `lasting`.
    Pause {
        /// Index of the member.
        member: u16,
        /// For how long.
        lasting: SpanNs,
    },
    /// Do something to a server node.
    Node {
        /// Its number.
        node: u16,
        /// What.
        deed: Deed,
    },
    /// Ask a leader to hand its lead over.
    StepDown {
        /// Whose leader.
        of: step_down::Of,
        /// Chooses among several of them.
        draw: u64,
    },
    /// Restart one after the other, each when the one before is well again.
    Roll {
        /// Who they are.
        of: rolling::Of,
        /// Their numbers, in order.
        turns: Vec<u16>,
        /// How long each is left alone when it is well again.
        rest: SpanNs,
    },
    /// Cut the connection, and heal it after `lasting`.
    Cut {
        /// Whose.
        client: Client,
        /// What happens to it.
        cut: Cut,
        /// For how long.
        lasting: SpanNs,
    },
    /// Tell a member that its handler is slower, and after `lasting` that it is not any more.
    Slow {
        /// Index of the member.
        member: u16,
        /// How slow.
        slowness: Slowness,
        /// For how long.
        lasting: SpanNs,
    },
}

impl Order {
    /// Whom it is for, when it is for a process with a connection.
    #[must_use]
    pub fn client(&self) -> Option<Client> {
        match *self {
            Self::Cut { client, .. } => Some(client),
            Self::Kill { member }
            | Self::Terminate { member }
            | Self::Start { member }
            | Self::Restart { member }
            | Self::Join { member }
            | Self::Leave { member }
            | Self::Pause { member, .. }
            | Self::Slow { member, .. } => Some(Client::Member(member)),
            Self::Node { .. } | Self::StepDown { .. } | Self::Roll { .. } => None,
        }
    }
}

/// What `strike` means for the fleet as it is now, or why it must be skipped.
///
/// The same strike, fleet and seed give the same orders; each strike draws from a stream of its own, so a skipped one
/// changes nothing for those after it.
///
/// # Errors
/// A sentence that says why nothing can be struck: the target is dead, the partition has no owner, nobody is left.
pub fn resolve(strike: &Strike, fleet: &Fleet, seed: u64) -> Result<Vec<Order>, String> {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    chance.set_stream(1 + u64::from(strike.id));
    strike.rule.admits(strike, fleet)?;
    match &strike.kind {
        Kind::Kill => kill::orders(strike.target, fleet, &mut chance),
        Kind::Terminate => terminate::orders(strike.target, fleet, &mut chance),
        Kind::Restart => restart::orders(strike.target, fleet),
        Kind::Join => join::orders(fleet),
        Kind::Leave => leave::orders(strike.target, fleet, &mut chance),
        Kind::Pause(settings) => pause::orders(settings, strike.target, fleet, &mut chance),
        Kind::ServerRestart => server_restart::orders(strike.target, fleet, &mut chance),
        Kind::ServerKill(settings) => server_kill::orders(settings, strike.target, fleet, &mut chance),
        Kind::ServerPause(settings) => server_pause::orders(settings, strike.target, fleet, &mut chance),
        Kind::StepDown(settings) => Ok(step_down::orders(settings, &mut chance)),
        Kind::Rolling(settings) => rolling::orders(settings, fleet),
        Kind::Chaos(_) => Err("chaos is a schedule of other faults, and no fault by itself".to_owned()),
        Kind::Cut(settings) => cut::orders(settings, strike.target, fleet, &mut chance),
        Kind::Slow(settings) => slow::orders(settings, strike.target, fleet, &mut chance),
    }
}

#[cfg(test)]
mod tests;
