//! The plan: everything that one run needs to know, checked.

use serde::{Deserialize, Serialize};

use super::document::{Arrivals, Storage};
use crate::fault;
use crate::model::time::SpanNs;
use crate::model::units::Rate;
use crate::strategy::Strategy;
pub use crate::strategy::desk::Handler;

/// One run to be made. It exists only if it can be run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Name of the profile.
    pub name: String,
    /// The question that the profile answers: its first comment line. May be empty in a user's own profile.
    pub question: String,
    /// Name of the variant, when the profile has variants.
    pub variant: Option<String>,
    /// Seed of keys, arrivals and faults.
    pub seed: u64,
    /// How often it is run, each time in a fresh stream. At least 1.
    pub repeat: u32,
    /// How long each phase lasts.
    pub phases: Phases,
    /// The server that jetlag starts, unless the user names one.
    pub server: Server,
    /// The stream.
    pub stream: Stream,
    /// The load.
    pub load: Load,
    /// The members.
    pub fleet: Fleet,
    /// The way of consuming that is measured.
    pub strategy: Strategy,
    /// What strikes in the measure phase.
    pub faults: Vec<fault::Spec>,
    /// What makes a run invalid.
    pub limits: Limits,
    /// The whole profile with every default filled in, for the manifest.
    pub settings: serde_json::Value,
}

/// How long each phase of a run lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Phases {
    /// Load flows and nothing is measured yet.
    pub warm_up: SpanNs,
    /// The measured phase. Not zero.
    pub measure: SpanNs,
    /// At most this long for what is stored to be handled after the load has ended.
    pub drain_max: SpanNs,
}

/// The server that jetlag starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Exactly this version of nats-server; `None` for the one that is found, else the pinned one.
    pub version: Option<String>,
    /// Number of nodes: 1, or 3 or 5 for a cluster.
    pub nodes: u16,
}

/// The stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Number of partitions, 1 to 1024.
    pub partitions: u16,
    /// Where messages are kept.
    pub storage: Storage,
    /// Copies of each message: 1, 3 or 5, at most the number of nodes.
    pub replicas: u16,
    /// For how long message ids are remembered; zero turns de-duplication off.
    pub duplicate_window: SpanNs,
    /// Messages older than this are evicted.
    pub max_age: Option<SpanNs>,
    /// The oldest messages are evicted above this size.
    pub max_bytes: Option<u64>,
    /// The oldest messages are evicted above this number.
    pub max_messages: Option<u64>,
}

/// The load: what the publishers send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// Number of publisher processes, at least 1.
    pub publishers: u16,
    /// Messages a second over all publishers together.
    pub rate: Rate,
    /// How the intended instants are spread.
    pub arrivals: Arrivals,
    /// Size of a payload, header included.
    pub payload_bytes: u32,
    /// Most unacknowledged publishes a publisher may have, 1 to 8192.
    pub window: u16,
    /// Number of keys, at least one a publisher.
    pub keys: u32,
    /// Which key the next message has.
    pub key_choice: KeyChoice,
    /// Whether messages carry an id for de-duplication.
    pub message_id: bool,
}

/// Which key the next message has.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyChoice {
    /// Every key equally often.
    Uniform,
    /// The n-th key with a share proportional to n^-exponent.
    Zipf {
        /// Greater than 0.
        exponent: f64,
    },
    /// One hot key has a share of its own, the others have the rest equally.
    Hot {
        /// Between 0 and 1.
        share: f64,
    },
}

/// The members at the start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fleet {
    /// How many, at least 1.
    pub members: u16,
    /// How long a message takes to be handled.
    pub handler: Handler,
}

/// What makes a run invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// `schedule_lag` p99 above this: the generator was too late to be believed.
    pub schedule_lag_p99: SpanNs,
}
