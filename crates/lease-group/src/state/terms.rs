//! What one member agreed to, and the words that go in and out of the state machine.

use std::time::Duration;

use crate::clock::Moment;
use crate::record::{Lease, Session};

/// The terms on which one session holds partitions.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Terms {
    /// This session.
    pub session: Session,
    /// Its label.
    pub worker: String,
    /// How long others wait for it.
    pub ttl: Duration,
    /// How often progress is committed with the lease; `None`: only along with renewals and on release.
    pub commit_every: Option<Duration>,
    /// A handler that runs longer loses the partition.
    pub max_handling: Duration,
    /// How long after its last confirmed write an owner may go on while nobody answers for the bucket. Only where all effects go to a
    /// fenced sink; otherwise `None`: it stops at its deadline.
    pub ride_out: Option<Duration>,
}

impl Terms {
    /// The instant after which nothing may be started on a lease written at `sent`: 0.85 of the time to live, so that rounding,
    /// a check just passed and clock rates that differ fit into the rest.
    #[must_use]
    pub fn deadline(&self, sent: Moment) -> Moment {
        sent.plus(self.ttl / 20 * 17)
    }

    /// How long after a write was sent the next renewal is due.
    #[must_use]
    pub fn renew_every(&self) -> Duration {
        self.ttl / 3
    }

    /// How long to wait before a claim or a doubtful read is tried again.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.ttl / 20
    }

    /// How long to wait before the next claim, after so many openings in a row have failed: twice as long each time, at most a
    /// quarter of the time to live: what was only an election is over soon.
    #[must_use]
    pub fn retry_after_failures(&self, failures: u32) -> Duration {
        (self.retry_after() * 2_u32.pow(failures.saturating_sub(1).min(5))).min(self.ttl / 4)
    }
}

/// How a compare-and-set ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Wrote {
    /// Stored as this revision.
    Stored(u64),
    /// Refused: the record is not at the expected revision.
    Conflict,
    /// Nobody knows: it may have been stored, may be stored yet, or never.
    Unknown,
}

/// Why the data side stopped an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stopped {
    /// It was told to.
    Asked,
    /// The consumer sequence jumped, or the stream sequence went back: deliveries were lost on the way.
    Gap,
    /// The consumer delivered more than arrived, and nothing followed that would have shown it.
    TailLost,
    /// The data connection was renewed: what was in flight is gone.
    Reconnected,
    /// Not even heartbeats arrive.
    Silent,
    /// The consumer is gone (404, 409 or 503).
    ConsumerGone,
    /// An acknowledgement was refused or never answered.
    AckRefused,
    /// The check before a handler, or before an acknowledgement, found the deadline passed.
    DeadlinePassed,
    /// An effect was refused: another fence stands.
    Fenced,
}

impl Stopped {
    /// Whether the lease itself is untouched, and a new epoch at the next message mends it.
    #[must_use]
    pub const fn mends(self) -> bool {
        matches!(self, Self::Gap | Self::TailLost | Self::Reconnected | Self::Silent)
    }
}

/// Why a partition was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LostReason {
    /// A compare-and-set was refused, or another's record was seen.
    Superseded,
    /// The deadline passed without a confirmed renewal.
    DeadlinePassed,
    /// The consumer was deleted under the owner: somebody may have taken over.
    ConsumerGone,
    /// The server refused an acknowledgement.
    AckRefused,
    /// The consumer could not be opened.
    OpenFailed,
    /// An effect was refused, because a successor has put up its fence.
    Fenced,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// The record was seen, by watch or by reading; without a lease, the key was deleted or emptied.
    Seen {
        /// The revision of what was seen.
        revision: u64,
        /// What stood there.
        lease: Option<Lease>,
    },
    /// The record cannot be read: hands off.
    Unreadable {
        /// Its revision.
        revision: u64,
    },
    /// There is a hint that this session is gone. It may be false: it only permits to claim early what the record last seen says that
    /// the session holds, at exactly that revision. Only the fence stops the session if it lives.
    Hint {
        /// The session that seems to be gone.
        gone: Session,
    },
    /// What was asked of the bucket at `asked` was not answered, although the connection stands.
    Unled {
        /// When it was asked.
        asked: Moment,
    },
    /// The view of the bucket is current again, after it was not for a while.
    Sighted,
    /// Whether this session should have the partition.
    Wish(bool),
    /// The compare-and-set in flight ended.
    Wrote(Wrote),
    /// The record was read from its leader: revision 0 and no lease when there is none; `None` when reading failed.
    ReadBack(Option<(u64, Option<Lease>)>),
    /// The consumer of this epoch stands and starts at `start`.
    Opened {
        /// The epoch that was opened.
        epoch: u64,
        /// The first stream sequence it may deliver.
        start: u64,
    },
    /// It could not be opened.
    OpenFailed {
        /// The epoch that was not opened.
        epoch: u64,
    },
    /// The data side has stopped this epoch: no handler runs, the buffer is dropped.
    Ended {
        /// The epoch it had run.
        epoch: u64,
        /// The last handled stream sequence, exactly.
        handled: u64,
        /// Why.
        why: Stopped,
    },
    /// Time went on.
    Tick {
        /// The last handled stream sequence, as far as the data side has told.
        handled: u64,
        /// Since when a handler runs, if one does.
        busy_since: Option<Moment>,
    },
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Command {
    /// Compare-and-set the record; answer with [`Input::Wrote`].
    Write {
        /// The revision it must have, 0: none.
        expected: u64,
        /// The new record.
        lease: Lease,
    },
    /// Read the record from its leader after a while; answer with [`Input::ReadBack`].
    Read {
        /// The pause before it.
        after: Duration,
    },
    /// Fence, clear away older epochs and create the consumer; answer with [`Input::Opened`] or [`Input::OpenFailed`].
    Open {
        /// The epoch to open.
        epoch: u64,
        /// The last handled stream sequence.
        checkpoint: u64,
    },
    /// Hand the epoch to the data side.
    Run {
        /// The epoch.
        epoch: u64,
        /// The first stream sequence.
        start: u64,
        /// Nothing is started after it.
        deadline: Moment,
    },
    /// Let the data side go on until then.
    Extend {
        /// The new deadline.
        deadline: Moment,
    },
    /// Stop pulling, finish the message in hand, discard the rest; answer with [`Input::Ended`].
    Drain,
    /// Start nothing more; answer with [`Input::Ended`].
    Drop,
    /// Tell the observer.
    Tell(Told),
}

/// What an observer is told about one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Told {
    /// The last owner is gone: his lease expired here, he gave it back, or a hint says so.
    Vacant {
        /// The epoch of the last owner.
        epoch: u64,
    },
    /// The record cannot be read, so the partition is left alone.
    Unreadable {
        /// The revision of the record.
        revision: u64,
    },
    /// The claim was confirmed.
    Granted {
        /// The new epoch.
        epoch: u64,
        /// The revision of the record.
        revision: u64,
        /// Nothing is started after it.
        deadline: Moment,
    },
    /// The renewal was confirmed.
    Renewed {
        /// The epoch.
        epoch: u64,
        /// The new deadline.
        deadline: Moment,
    },
    /// Nobody answers for the bucket, and the owner goes on.
    Riding {
        /// The epoch.
        epoch: u64,
        /// The new deadline.
        deadline: Moment,
    },
    /// The consumer stands.
    Opened {
        /// The epoch.
        epoch: u64,
        /// The first stream sequence it may deliver.
        start: u64,
    },
    /// Progress was confirmed with the lease.
    Committed {
        /// The epoch.
        epoch: u64,
        /// Everything up to here, inclusive.
        up_to: u64,
    },
    /// The session stopped and is about to give the partition back: it starts nothing more.
    Released {
        /// The epoch that ended.
        epoch: u64,
    },
    /// The session stopped this epoch and claims the next, to start over behind the last handled message.
    Reopened {
        /// The epoch that ended.
        epoch: u64,
        /// Why.
        why: Stopped,
    },
    /// The partition was lost.
    Lost {
        /// The epoch that ended.
        epoch: u64,
        /// Why.
        reason: LostReason,
    },
}
