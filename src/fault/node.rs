//! A server node as a fault sees it.

use crate::model::time::SpanNs;

/// One node of jetlag's own servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its number, from 0.
    pub number: u16,
    /// What it is doing.
    pub condition: Condition,
    /// Whether it leads the run's stream. A single server leads all it has.
    pub leads: bool,
}

/// What a node is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It answers, and its copies are up to date.
    Up,
    /// Its process is stopped by SIGSTOP.
    Paused,
    /// Its process is ending, or gone, because a fault ended it.
    Down,
    /// It runs again, and does not answer yet or has copies that are not up to date.
    Recovering,
}

impl Condition {
    /// For the reason why a fault was skipped.
    pub(super) fn adjective(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Paused => "paused",
            Self::Down => "down",
            Self::Recovering => "recovering",
        }
    }
}

/// What the driver does to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Send SIGKILL, and start it again after a while.
    Kill {
        /// After how long.
        lasting: SpanNs,
    },
    /// Send SIGTERM, and start it again as soon as it has ended.
    Restart,
    /// Send SIGSTOP, and SIGCONT after a while.
    Pause {
        /// After how long.
        lasting: SpanNs,
    },
}
