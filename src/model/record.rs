//! What workers write down: one value a record of the journal.
//!
//! The layout on disk is `evidence::codec`'s; the meaning of each instant is METRICS.md, "One message".

use super::bank::Balance;
use super::time::MonoNs;

/// Which process wrote a journal: one *incarnation* of one publisher or member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
pub struct Author {
    /// What the process does.
    pub role: Role,
    /// Index of the publisher or member, from 0.
    pub index: u16,
    /// Which life of it, from 1.
    pub life: u16,
}

/// What a worker process does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Sends the load.
    Publisher,
    /// A member of the fleet.
    Consumer,
}

impl Author {
    /// The name of the publisher or member without its life: `p0`, `c3`.
    #[must_use]
    pub fn member(&self) -> String {
        let letter = match self.role {
            Role::Publisher => 'p',
            Role::Consumer => 'c',
        };
        format!("{letter}{}", self.index)
    }
}

impl std::fmt::Display for Author {
    /// `c3.2`: member 3, second incarnation. The name of the journal's folder, too.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.member(), self.life)
    }
}

impl std::str::FromStr for Author {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (member, life) = text.split_once('.')?;
            let role = match member.as_bytes().first()? {
                b'p' => Role::Publisher,
                b'c' => Role::Consumer,
                _ => return None,
            };
            Some(Self { role, index: member.get(1..)?.parse().ok()?, life: life.parse().ok()? })
        };
        parse().ok_or_else(|| format!("'{text}' names no incarnation: expected something like c3.2"))
    }
}

/// One record of a journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// A message that a publisher handed to the connection.
    Publish(Publish),
    /// A message that a member began to handle.
    Handling(Handling),
    /// Progress that the server confirmed.
    Commit(Commit),
    /// A change in what a member believes to own, or sees of others.
    Ownership(Ownership),
    /// Something in the life of the process.
    Life(Life),
    /// The application of a message to its account (workload `ledger`).
    Posting(Posting),
    /// A message that a member gave up.
    Term(Term),
}

impl Record {
    /// When the record was begun: the time that it is stored under.
    #[must_use]
    pub fn begun(&self) -> MonoNs {
        match self {
            Self::Publish(it) => it.sent,
            Self::Handling(it) => it.started,
            Self::Commit(it) => it.at,
            Self::Ownership(it) => it.at,
            Self::Life(it) => it.at,
            Self::Posting(it) => it.at,
            Self::Term(it) => it.at,
        }
    }

    /// The latest instant that it tells of what has happened.
    #[must_use]
    pub fn latest(&self) -> MonoNs {
        let ended = match self {
            Self::Publish(Publish { fate: Fate::Stored { at, .. } | Fate::Failed { at }, .. }) => Some(*at),
            Self::Handling(handling) => handling.finished.map(|finish| finish.at),
            Self::Posting(Posting { fate: PostingFate::Written { at, .. }, .. })
            | Self::Posting(Posting { fate: PostingFate::Refused { at } | PostingFate::Skipped { at }, .. }) => {
                Some(*at)
            }
            _ => None,
        };
        self.begun().max(ended.unwrap_or_default())
    }
}

/// One publish: written when it is sent, completed when its fate is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Key, 0 … keys − 1.
    pub key: u32,
    /// 1, 2, 3 … without holes per key.
    pub key_seq: u32,
    /// The partition the key hashes to.
    pub partition: u16,
    /// Index of the publisher.
    pub publisher: u16,
    /// When the schedule wanted it sent.
    pub intended: MonoNs,
    /// When sending became possible: the window had room and the line was not stopped.
    pub possible: MonoNs,
    /// When it was handed to the connection.
    pub sent: MonoNs,
    /// Size of the payload in bytes.
    pub bytes: u32,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Cut off before an answer: it may be stored.
    Unknown,
    /// The server confirmed storage.
    Stored {
        /// When the confirmation came.
        at: MonoNs,
        /// Sequence in the stream.
        stream_seq: u64,
        /// The server said that it had this message id already.
        duplicate: bool,
    },
    /// Known not to be stored.
    Failed {
        /// When that was known.
        at: MonoNs,
    },
}

/// One handling: written when the handler begins, completed when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handling {
    /// Key, as the payload says.
    pub key: u32,
    /// Sequence within the key, as the payload says.
    pub key_seq: u32,
    /// Partition that it was delivered in.
    pub partition: u16,
    /// Publisher, as the payload says.
    pub publisher: u16,
    /// Epoch of the grant under which it is handled; 0 where the strategy has none.
    pub epoch: u32,
    /// Sequence in the stream; 0 where there is none (core NATS).
    pub stream_seq: u64,
    /// Sequence of the delivery in its consumer; 0 where there is none.
    pub consumer_seq: u32,
    /// Delivery count, 1 for the first; 255 for more.
    pub delivered: u8,
    /// The payload's checksum is right and it belongs to this run.
    pub intact: bool,
    /// When the schedule wanted it sent, as the payload says.
    pub intended: MonoNs,
    /// When the read that brought it returned.
    pub received: MonoNs,
    /// When the handler began (the instant of the ownership check).
    pub started: MonoNs,
    /// When and how the handler ended; `None` when the process died first.
    pub finished: Option<Finish>,
}

/// The end of a handling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finish {
    /// When.
    pub at: MonoNs,
    /// Whether the handler succeeded.
    pub ok: bool,
}

/// Progress that the server confirmed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commit {
    /// When the confirmation came.
    pub at: MonoNs,
    /// Partition.
    pub partition: u16,
    /// Epoch under which it was committed; 0 where the strategy has none.
    pub epoch: u32,
    /// Stream sequence.
    pub stream_seq: u64,
    /// Whether it covers all below it.
    pub reach: Reach,
}

/// A message that a member gave up: the server confirmed that it delivers it no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Term {
    /// When the confirmation came.
    pub at: MonoNs,
    /// Key, as the payload says.
    pub key: u32,
    /// Sequence within the key, as the payload says.
    pub key_seq: u32,
    /// Partition.
    pub partition: u16,
    /// Stream sequence.
    pub stream_seq: u64,
}

/// How far a commit reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Everything of the partition at or below the sequence.
    UpTo,
    /// That message only.
    Exact,
}

/// What a member believes to own, or sees of another's ownership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ownership {
    /// When it became known to the member.
    pub at: MonoNs,
    /// Partition.
    pub partition: u16,
    /// Epoch that it is about; for `GoneObserved` the epoch that is gone.
    pub epoch: u32,
    /// What happened.
    pub change: OwnershipChange,
}

/// What happened to an ownership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OwnershipChange {
    /// First record that the owner is gone: its lease expired or its release was seen. Ends the phase `detect`.
    GoneObserved,
    /// The claim was confirmed. Ends the phase `claim`.
    Granted {
        /// Until when the member believes it, unless renewed.
        deadline: MonoNs,
    },
    /// A renewal was confirmed.
    Renewed {
        /// Until when the member believes it, unless renewed again.
        deadline: MonoNs,
    },
    /// The consumer was opened.
    Opened {
        /// First stream sequence that it may deliver.
        start_seq: u64,
    },
    /// Given back in good order.
    Released,
    /// Known to be lost: refused, deleted, past its deadline.
    Lost,
}

/// Something in the life of a worker process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Life {
    /// When.
    pub at: MonoNs,
    /// What.
    pub event: LifeEvent,
}

/// What can happen to a worker process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LifeEvent {
    /// `main` was reached.
    Born,
    /// Connected to the server.
    Connected,
    /// The connection broke.
    Disconnected,
    /// Ready to work.
    Ready,
    /// Told to stop, finishing.
    Stopping,
    /// Stopped in good order.
    Stopped,
    /// The client library dropped messages because the process read too slowly: the run is invalid.
    SlowConsumer,
    /// The server had nobody to take an ack: the consumer is gone, or its leader is.
    AckRefused,
    /// The fence refused an effect: a later owner had put up its own.
    EffectRefused,
}

/// The application of a message's amount to its account in the store: written before the store is, completed when it is
/// known what became of that. One that is tried again is another record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// When the balance had been read.
    pub at: MonoNs,
    /// The account: the message's key.
    pub key: u32,
    /// Sequence of the message within the key.
    pub key_seq: u32,
    /// Partition that the message was delivered in.
    pub partition: u16,
    /// What the message says: a deposit is positive, a withdrawal negative.
    pub amount: i32,
    /// The balance that was read, with the greatest sequence applied to it.
    pub held: Balance,
    /// Revision at which that was read; 0 for an account that the store did not hold.
    pub held_revision: u64,
    /// What became of it.
    pub fate: PostingFate,
}

/// What became of a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PostingFate {
    /// Cut off before an answer: it may be in the store.
    Unknown,
    /// The store confirmed the new balance.
    Written {
        /// When the confirmation came.
        at: MonoNs,
        /// Revision of the new balance.
        revision: u64,
    },
    /// The store refused it, because the account had been written in between.
    Refused {
        /// When that was known.
        at: MonoNs,
    },
    /// Nothing was written: the message was taken for a repeat.
    Skipped {
        /// When that was decided.
        at: MonoNs,
    },
}
