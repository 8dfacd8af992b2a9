//! What a group tells while it works, for logs, metrics and evidence.

use crate::record::Session;
use crate::state::{LostReason, Stopped};

/// Listens to a member. Called from the control thread and from the task that runs the handlers, in the order in which each of them
/// acts; it must not block.
pub trait Observer: Send + Sync {
    /// Something happened to a partition. `at_ns` is `CLOCK_MONOTONIC` in nanoseconds, taken when it was known.
    fn partition(&self, at_ns: u64, partition: u32, event: &PartitionEvent) {
        let _ = (at_ns, partition, event);
    }

    /// Something happened to the member. `at_ns` as above.
    fn member(&self, at_ns: u64, event: &MemberEvent) {
        let _ = (at_ns, event);
    }
}

/// Does not listen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silence;

impl Observer for Silence {}

/// How much was committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// Every message of the partition up to this stream sequence, inclusive.
    UpTo(u64),
    /// The message with this stream sequence.
    Exactly(u64),
}

/// What happens to a partition. A session's belief that it owns it goes from [`Granted`](Self::Granted) to the earliest of
/// [`Released`](Self::Released), [`Reopened`](Self::Reopened), [`Lost`](Self::Lost), the last told deadline and its death.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PartitionEvent {
    /// Seen from outside: the last owner is gone. His lease has expired on this member's clock, or he gave it back.
    ExpiryObserved {
        /// The epoch of the last owner.
        epoch: u64,
    },
    /// The record is not of this version: the partition is left alone.
    Unreadable {
        /// The revision of the record.
        revision: u64,
    },
    /// The claim was confirmed.
    Granted {
        /// The epoch.
        epoch: u64,
        /// The revision of the record.
        revision: u64,
        /// `CLOCK_MONOTONIC` nanoseconds; nothing is started from then on.
        deadline_ns: u64,
    },
    /// A renewal was confirmed; told before the deadline takes effect.
    Renewed {
        /// The epoch.
        epoch: u64,
        /// `CLOCK_MONOTONIC` nanoseconds; nothing is started from then on.
        deadline_ns: u64,
    },
    /// Nobody answers for the bucket, and the owner goes on all the same ([`ride_out`](crate::GroupBuilder::ride_out)); told before the
    /// deadline takes effect.
    Riding {
        /// The epoch.
        epoch: u64,
        /// `CLOCK_MONOTONIC` nanoseconds; nothing is started from then on.
        deadline_ns: u64,
    },
    /// The consumer of the epoch stands.
    Opened {
        /// The epoch.
        epoch: u64,
        /// The first stream sequence it may deliver.
        start_sequence: u64,
    },
    /// The consumer of the epoch could not be opened.
    OpenFailed {
        /// The epoch.
        epoch: u64,
        /// Why.
        reason: String,
    },
    /// Progress was confirmed by the server.
    Committed {
        /// The epoch that it was confirmed in.
        epoch: u64,
        /// How much.
        progress: Progress,
    },
    /// Stopped, drained, and about to be given back.
    Released {
        /// The epoch that ended.
        epoch: u64,
    },
    /// Stopped, to be claimed again under the next epoch: deliveries went missing, or could have.
    Reopened {
        /// The epoch that ended.
        epoch: u64,
        /// Why.
        reason: Stopped,
    },
    /// Lost.
    Lost {
        /// The epoch that ended.
        epoch: u64,
        /// Why.
        reason: LostReason,
    },
    /// The handler failed; it is tried again in place.
    HandlerFailed {
        /// The epoch.
        epoch: u64,
        /// The message.
        stream_sequence: u64,
        /// How often it was tried.
        attempt: u32,
        /// What the handler said.
        reason: String,
    },
}

/// One of a member's two connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connection {
    /// Leases, heartbeats, consumers.
    Control,
    /// Messages and acknowledgements.
    Data,
}

/// What happens to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MemberEvent {
    /// The session began.
    Joined {
        /// The session.
        session: Session,
    },
    /// A connection was made or made again.
    Connected(Connection),
    /// A connection was lost.
    Disconnected(Connection),
    /// The client dropped messages because they were not taken in time.
    SlowConsumer(Connection),
    /// The server said that something went wrong, a missing permission above all.
    Refused {
        /// On which connection.
        connection: Connection,
        /// In the server's words.
        reason: String,
    },
    /// A handler runs longer than allowed: the member does not take part until it returns.
    Stuck,
    /// It takes part again.
    Unstuck,
    /// There is a hint that another member is gone: what it owns is claimed early.
    Doubted {
        /// That member's session.
        session: Session,
    },
}
