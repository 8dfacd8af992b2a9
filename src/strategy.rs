//! The strategies: the ways of consuming that are measured.
//!
//! A plug room: this door holds the trait-like enum and the one list of what there is; `strategy/` one file a kind.

pub mod accounts;
mod acks;
pub mod consumer;
pub mod core_queue;
pub mod desk;
pub mod effects;
pub mod external;
pub mod footing;
pub mod handler;
mod inbox;
pub mod key_sequence;
pub mod lease_group;
mod messages;
pub mod ordered;
pub mod pinned;
mod pull;
pub mod queue_group;
pub mod rights;
pub mod ruled_out;
pub mod seat;
pub mod serial;
mod settle;
pub mod shared_pull;
pub mod site;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::promise::Promises;
use crate::model::time::SpanNs;
use crate::nats::link::Path;
pub use footing::Footing;

use consumer::{Ack, Consumer, Deliver, Pulling};
use handler::OnFailure;
use seat::Seat;
pub use site::Site;

/// A strategy with its settings, as a profile's `[strategy]` table holds it: `kind` names it, the rest is its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Strategy {
    /// Leases in a key-value bucket, one owner a partition.
    LeaseGroup(lease_group::Settings),
    /// One durable pull consumer shared by all members.
    SharedPull(shared_pull::Settings),
    /// One durable push consumer with a deliver group.
    QueueGroup(queue_group::Settings),
    /// One durable pull consumer, one message at a time.
    Serial(serial::Settings),
    /// One ordered consumer in one process.
    Ordered(ordered::Settings),
    /// A durable a partition, to each of which the server pins one client.
    Pinned(pinned::Settings),
    /// One durable pull consumer, and the last handled sequence of each key in a bucket.
    KeySequence(key_sequence::Settings),
    /// A queue group of core NATS: at most once.
    CoreQueue(core_queue::Settings),
    /// A program of the user's own.
    External(external::Settings),
}

/// What `jetlag list strategies` shows of one.
pub struct About {
    /// Name in profiles.
    pub kind: &'static str,
    /// One line.
    pub summary: &'static str,
}

/// All there are, in the order shown.
pub const ALL: &[About] = &[
    lease_group::ABOUT,
    shared_pull::ABOUT,
    queue_group::ABOUT,
    serial::ABOUT,
    ordered::ABOUT,
    pinned::ABOUT,
    key_sequence::ABOUT,
    core_queue::ABOUT,
    external::ABOUT,
];

impl Strategy {
    /// The strategy of that name with every setting at its default; `None` when there is none of that name, or when it has
    /// a setting that must be given.
    #[must_use]
    pub fn with_defaults(kind: &str) -> Option<Self> {
        let strategy: Option<Self> = serde_json::from_value(serde_json::json!({ "kind": kind })).ok();
        strategy.filter(|strategy| strategy.objections().is_empty())
    }

    /// Name in profiles and reports.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::LeaseGroup(_) => lease_group::ABOUT.kind,
            Self::SharedPull(_) => shared_pull::ABOUT.kind,
            Self::QueueGroup(_) => queue_group::ABOUT.kind,
            Self::Serial(_) => serial::ABOUT.kind,
            Self::Ordered(_) => ordered::ABOUT.kind,
            Self::Pinned(_) => pinned::ABOUT.kind,
            Self::KeySequence(_) => key_sequence::ABOUT.kind,
            Self::CoreQueue(_) => core_queue::ABOUT.kind,
            Self::External(_) => external::ABOUT.kind,
        }
    }

    /// What it promises with these settings.
    #[must_use]
    pub fn promises(&self) -> Promises {
        match self {
            Self::LeaseGroup(settings) => settings.promises(),
            Self::SharedPull(settings) => settings.promises(),
            Self::QueueGroup(settings) => settings.promises(),
            Self::Serial(settings) => settings.promises(),
            Self::Ordered(settings) => settings.promises(),
            Self::Pinned(settings) => settings.promises(),
            Self::KeySequence(settings) => settings.promises(),
            Self::CoreQueue(settings) => settings.promises(),
            Self::External(settings) => settings.promises(),
        }
    }

    /// Settings that cannot work: the key, and what is wrong with it. Profiles with any are refused.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::LeaseGroup(settings) => settings.objections(),
            Self::SharedPull(settings) => settings.objections(),
            Self::QueueGroup(settings) => settings.objections(),
            Self::Serial(settings) => settings.objections(),
            Self::Ordered(_) | Self::CoreQueue(_) => Vec::new(),
            Self::Pinned(settings) => settings.objections(),
            Self::KeySequence(settings) => settings.objections(),
            Self::External(settings) => settings.objections(),
        }
    }

    /// How its consumers stand on the stream.
    #[must_use]
    pub fn footing(&self) -> Footing {
        let footing = match self {
            Self::LeaseGroup(settings) => settings.footing(),
            Self::Ordered(_) => ordered::FOOTING,
            Self::KeySequence(_) => key_sequence::FOOTING,
            Self::CoreQueue(_) => core_queue::FOOTING,
            // What its consumers need is its own affair.
            Self::External(_) => Footing::DURABLE,
            Self::SharedPull(shared_pull::Settings { redelivery, .. })
            | Self::QueueGroup(queue_group::Settings { redelivery, .. }) => redelivery.footing(),
            Self::Serial(_) | Self::Pinned(_) => Footing::DURABLE,
        };
        let begins_later = self.consumer().is_some_and(|consumer| consumer.deliver != Deliver::All);
        Footing { begins_later: footing.begins_later || begins_later, ..footing }
    }

    /// Most members that make sense, where there is such a number.
    #[must_use]
    pub fn members_max(&self) -> Option<u16> {
        match self {
            // There is no group: each member would get every message.
            Self::Ordered(_) => Some(1),
            _ => None,
        }
    }

    /// In how many lanes messages are handled beside each other: a message waits for those before it in its lane only.
    #[must_use]
    pub fn lanes(&self, members: u16, partitions: u16) -> u16 {
        match self {
            Self::LeaseGroup(_) | Self::Pinned(_) => partitions,
            Self::Serial(_) | Self::Ordered(_) => 1,
            Self::SharedPull(_)
            | Self::QueueGroup(_)
            | Self::KeySequence(_)
            | Self::CoreQueue(_)
            | Self::External(_) => members,
        }
    }

    /// How progress is committed, where it is: runs are compared at equal commit mode.
    #[must_use]
    pub fn commit_mode(&self) -> Option<&'static str> {
        match self {
            Self::LeaseGroup(settings) => Some(settings.commit.name()),
            Self::SharedPull(shared_pull::Settings { redelivery, .. })
            | Self::QueueGroup(queue_group::Settings { redelivery, .. }) => match redelivery.ack {
                Ack::Explicit => Some(lease_group::Commit::Explicit.name()),
                Ack::All => Some("all"),
                Ack::None => None,
            },
            Self::KeySequence(_) | Self::Serial(_) | Self::Pinned(_) => Some(lease_group::Commit::Explicit.name()),
            Self::Ordered(_) | Self::CoreQueue(_) | Self::External(_) => None,
        }
    }

    /// The same with the defaults written out that depend on other keys.
    #[must_use]
    pub fn filled(&self) -> Self {
        let mut filled = self.clone();
        if let Some(consumer) = filled.consumer_mut() {
            *consumer = consumer.filled();
        }
        filled
    }

    /// The same on a stream of so many copies: a consumer that is told nothing else has as many.
    #[must_use]
    pub fn on_copies(&self, copies: u16) -> Self {
        let mut strategy = self.clone();
        if let Some(consumer) = strategy.consumer_mut() {
            consumer.replicas.get_or_insert(copies);
        }
        strategy
    }

    /// Where its consumers begin and how they live, where it says so.
    #[must_use]
    pub fn consumer(&self) -> Option<&Consumer> {
        match self {
            Self::SharedPull(settings) => Some(&settings.consumer),
            Self::QueueGroup(settings) => Some(&settings.consumer),
            Self::Serial(settings) => Some(&settings.consumer),
            Self::Pinned(settings) => Some(&settings.consumer),
            Self::KeySequence(settings) => Some(&settings.consumer),
            _ => None,
        }
    }

    fn consumer_mut(&mut self) -> Option<&mut Consumer> {
        match self {
            Self::SharedPull(settings) => Some(&mut settings.consumer),
            Self::QueueGroup(settings) => Some(&mut settings.consumer),
            Self::Serial(settings) => Some(&mut settings.consumer),
            Self::Pinned(settings) => Some(&mut settings.consumer),
            Self::KeySequence(settings) => Some(&mut settings.consumer),
            _ => None,
        }
    }

    /// When and how much its members pull, where it says so.
    #[must_use]
    pub fn pulling(&self) -> Option<&Pulling> {
        match self {
            Self::SharedPull(settings) => Some(&settings.pulling),
            Self::KeySequence(settings) => Some(&settings.pulling),
            _ => None,
        }
    }

    /// How messages travel between its members and the server.
    #[must_use]
    pub fn path(&self) -> Path {
        match self {
            Self::SharedPull(settings) => settings.path.link(),
            _ => Path::Library,
        }
    }

    /// After how long what was delivered and not acknowledged has come again for the last time, or has been given up; for
    /// ever, where there is no limit, is one time.
    #[must_use]
    pub fn redelivers_within(&self) -> Duration {
        match self {
            Self::SharedPull(shared_pull::Settings { redelivery, ack_wait, .. })
            | Self::QueueGroup(queue_group::Settings { redelivery, ack_wait, .. }) => {
                let times = if redelivery.ack == Ack::None { 0 } else { redelivery.max_deliver.unwrap_or(1) };
                redelivery.longest_wait(*ack_wait).saturating_mul(times)
            }
            Self::Serial(serial::Settings { ack_wait, .. })
            | Self::Pinned(pinned::Settings { ack_wait, .. })
            | Self::KeySequence(key_sequence::Settings { ack_wait, .. }) => ack_wait.0,
            Self::LeaseGroup(_) | Self::Ordered(_) | Self::CoreQueue(_) => Duration::ZERO,
            // What its consumers wait for, the user knows.
            Self::External(_) => Duration::from_secs(24 * 3600),
        }
    }

    /// Whether messages that are stored may be kept from the members: not offered, or given up by the server.
    #[must_use]
    pub fn withholds(&self) -> bool {
        self.max_deliver().is_some() || self.consumer().is_some_and(|consumer| consumer.deliver != Deliver::All)
    }

    /// How often the server delivers a message at most, where there is a limit.
    #[must_use]
    pub fn max_deliver(&self) -> Option<u32> {
        match self {
            Self::SharedPull(settings) => settings.redelivery.max_deliver,
            Self::QueueGroup(settings) => settings.redelivery.max_deliver,
            _ => None,
        }
    }

    /// Why its members cannot say anything to the server about a message that they are handling; `None` when they can.
    #[must_use]
    pub fn is_silent_because(&self) -> Option<&'static str> {
        match self {
            Self::LeaseGroup(_) => Some("the group tries a message again in place: nothing may overtake it"),
            Self::Ordered(_) => Some("an ordered consumer acknowledges nothing"),
            Self::CoreQueue(_) => Some("core NATS knows no acknowledgements"),
            Self::External(_) => Some("what becomes of a message is the program's own affair"),
            Self::SharedPull(settings) => (!settings.acknowledges()).then_some(WITHOUT_ACKS),
            Self::QueueGroup(settings) => (!settings.acknowledges()).then_some(WITHOUT_ACKS),
            Self::Serial(_) | Self::Pinned(_) | Self::KeySequence(_) => None,
        }
    }

    /// Why its members cannot do so with a message that the handler failed on; `None` when they can.
    #[must_use]
    pub fn cannot_because(&self, deed: OnFailure) -> Option<&'static str> {
        match (self, deed) {
            (_, OnFailure::Retry) => None,
            // Without acks nothing comes again: doing nothing leaves it unhandled.
            (Self::SharedPull(_) | Self::QueueGroup(_), OnFailure::NoAck) => None,
            (Self::KeySequence(_), OnFailure::Term) => {
                Some("a message that is given up leaves a hole at which its key stands still for ever")
            }
            _ => self.is_silent_because(),
        }
    }

    /// Lease time, where there are leases.
    #[must_use]
    pub fn lease_ttl(&self) -> Option<SpanNs> {
        match self {
            Self::LeaseGroup(settings) => Some(settings.ttl.span()),
            _ => None,
        }
    }

    /// What is missing on this machine for it, looked for before anything is made.
    ///
    /// # Errors
    /// When something is.
    pub fn look_for_what_is_needed(&self) -> Result<(), Error> {
        match self {
            Self::External(settings) => settings.look_for_what_is_needed(),
            _ => Ok(()),
        }
    }

    /// Whether members run a program of the user's own: then it is the program that faults strike.
    #[must_use]
    pub fn runs_a_program(&self) -> bool {
        matches!(self, Self::External(_))
    }

    /// Makes what the members share, before the first of them starts.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn provision(&self, site: &Site<'_>) -> Result<(), Error> {
        match self {
            // The first member makes the bucket.
            Self::LeaseGroup(settings) => settings.provision(site).await,
            // Each life makes a consumer of its own.
            Self::Ordered(_) => Ok(()),
            // The server makes a group of those who subscribe.
            Self::CoreQueue(_) => Ok(()),
            // The program makes what it needs; what lies on the stream goes with it.
            Self::External(_) => Ok(()),
            Self::SharedPull(settings) => settings.provision(site).await,
            Self::QueueGroup(settings) => settings.provision(site).await,
            Self::Serial(settings) => settings.provision(site).await,
            Self::Pinned(settings) => settings.provision(site).await,
            Self::KeySequence(settings) => settings.provision(site).await,
        }
    }

    /// Where members write what handling a message causes.
    #[must_use]
    pub fn sink(&self) -> effects::Sink {
        match self {
            Self::LeaseGroup(settings) => settings.sink,
            _ => effects::Sink::None,
        }
    }

    /// Whether members listen to the servers' system account: only servers of jetlag's own let them.
    #[must_use]
    pub fn hears_the_system(&self) -> bool {
        matches!(self, Self::LeaseGroup(settings) if settings.hears_the_system())
    }

    /// Consumes as one member until told to leave.
    ///
    /// # Errors
    /// When the member cannot go on.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        match self {
            Self::LeaseGroup(settings) => settings.consume(seat).await,
            Self::SharedPull(settings) => settings.consume(seat).await,
            Self::QueueGroup(settings) => settings.consume(seat).await,
            Self::Serial(settings) => settings.consume(seat).await,
            Self::Ordered(settings) => settings.consume(seat).await,
            Self::Pinned(settings) => settings.consume(seat).await,
            Self::KeySequence(settings) => settings.consume(seat).await,
            Self::CoreQueue(settings) => settings.consume(seat).await,
            Self::External(settings) => settings.consume(seat).await,
        }
    }

    /// Name of the key-value bucket that a group makes, where the strategy has one.
    #[must_use]
    pub fn bucket(&self, group: &str) -> Option<String> {
        match self {
            Self::LeaseGroup(_) | Self::KeySequence(_) => Some(group.to_owned()),
            _ => None,
        }
    }
}

/// Why nothing can be said to the server where it wants no acks.
const WITHOUT_ACKS: &str = "with ack \"none\" what is delivered counts as done";

/// Why a member cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The desk failed: the run is invalid.
    #[error(transparent)]
    Desk(#[from] desk::Error),
    /// The server refused something.
    #[error("cannot {deed}: {reason}")]
    Refused {
        /// What was tried.
        deed: String,
        /// What came back.
        reason: String,
    },
    /// The connection is closed for good.
    #[error("the connection to the server is closed for good")]
    Closed,
}

impl Error {
    pub(crate) fn refused(deed: impl Into<String>, reason: &impl std::fmt::Display) -> Self {
        Self::Refused { deed: deed.into(), reason: reason.to_string() }
    }
}

/// The partition that a key of this name belongs to, of `partitions`: equal to the server's `{{partition(n,…)}}`.
#[must_use]
pub fn partition(key_name: &str, partitions: u16) -> u16 {
    let partition = ::lease_group::partitioner::partition(key_name.as_bytes(), u32::from(partitions));
    u16::try_from(partition).expect("a partition is less than their number, which fits")
}

/// The name of a key by its number: what is hashed, and the last token of its subject where the server finds the partition.
#[must_use]
pub fn key_name(key: u32) -> String {
    format!("k{key}")
}

/// The partition of a key by its number.
#[must_use]
pub fn partition_of(key: u32, partitions: u16) -> u16 {
    partition(&key_name(key), partitions)
}
