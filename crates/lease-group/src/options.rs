//! How a group commits and takes over.

use std::time::Duration;

/// When a message counts as done for whoever comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Commit {
    /// Nothing is acknowledged; the last handled sequence is written with the lease. After a crash the successor repeats at most what
    /// was handled in one interval. Several times faster than [`Explicit`](Self::Explicit) when there is a backlog.
    Checkpoint {
        /// The interval. 100 ms by default.
        every: Duration,
    },
    /// Every message is acknowledged, and the acknowledgement is confirmed: after a crash at most the few that were on their way are
    /// repeated.
    Explicit,
}

impl Default for Commit {
    fn default() -> Self {
        Self::Checkpoint { every: Duration::from_millis(100) }
    }
}

/// What a new owner does with what the last one left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takeover {
    /// A consumer of its own under a new epoch, from behind the last committed message; the old ones are deleted.
    #[default]
    Safe,
    /// **Breaks order.** The same durable consumer goes from owner to owner, so what the last one had not acknowledged comes again
    /// only after `ack_wait`, behind newer messages. It is kept to be measured.
    Resume {
        /// How long the server waits for an acknowledgement. Two minutes in the original.
        ack_wait: Duration,
    },
}

/// Where the private consumers of [`Takeover::Safe`] keep their state. None of it is needed after a crash: the lease knows where to
/// begin. So the cheapest place is the default, and the others are there to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsumerStorage {
    /// In memory.
    Memory,
    /// Where the stream keeps its messages.
    Stream,
}

impl Takeover {
    /// [`Resume`](Self::Resume) with the original's two minutes.
    #[must_use]
    pub const fn resume() -> Self {
        Self::Resume { ack_wait: Duration::from_secs(120) }
    }
}
