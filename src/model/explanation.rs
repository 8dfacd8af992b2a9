//! The explanation of one violation: what happened to its key and its partition around it, on one time line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::report::Violation;

/// Value of [`Explanation::schema`] that this version writes.
pub const SCHEMA: &str = "jetlag.explanation/1";

/// One violation, explained from the evidence of its run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Explanation {
    /// Name and version of this format: `jetlag.explanation/1`.
    pub schema: String,
    /// Id of the run.
    pub run: String,
    /// Profile of the run.
    pub profile: String,
    /// Variant of the profile, when it has variants.
    pub variant: Option<String>,
    /// Strategy.
    pub strategy: String,
    /// Number of the violation in the report's list `violations`, from 1.
    pub number: u32,
    /// How many that list has.
    pub of: u32,
    /// The violation, as the report has it.
    pub violation: Violation,
    /// What was looked at.
    pub view: View,
    /// What happened, the oldest first.
    pub events: Vec<Event>,
    /// Events left out behind the last of these.
    pub left_out_after: u64,
    /// What went wrong, a sentence each, as far as the evidence tells.
    pub told: Vec<String>,
    /// What is wrong with the evidence itself, a sentence each. Then something may be missing above.
    pub damage: Vec<String>,
}

/// How much of the history was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct View {
    /// So far before and behind the violation, in milliseconds; absent for the whole run. What happened to the messages
    /// concerned is shown wherever it lies.
    pub around_ms: Option<f64>,
    /// Most events that are shown; absent for all of them.
    pub events_max: Option<u32>,
}

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When, in milliseconds since the start of the run.
    pub at_ms: f64,
    /// When, in milliseconds from the violation: negative before it.
    pub offset_ms: f64,
    /// Who did it: an incarnation, or `driver`.
    pub who: String,
    /// What.
    pub what: Deed,
    /// Key, where it is about a message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<u32>,
    /// Sequence within the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_seq: Option<u32>,
    /// Stream sequence: of the message; of a commit, up to where it reaches; of a consumer, where it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stream_seq: Option<u64>,
    /// Sequence of the delivery in its consumer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumer_seq: Option<u32>,
    /// Delivery count, 1 for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered: Option<u8>,
    /// Epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u32>,
    /// What else is to be said; empty when nothing is.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// Whether it is about one of the messages that the violation is about.
    pub concerned: bool,
    /// Events left out right before this one.
    #[serde(default)]
    pub left_out: u64,
}

/// What can happen on the time line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Deed {
    /// A publisher handed a message to the connection.
    Sent,
    /// Its storage was confirmed.
    Stored,
    /// It was known not to be stored.
    NotStored,
    /// The read that brought a message returned.
    Received,
    /// A handler began.
    Started,
    /// A handler ended well.
    Finished,
    /// A handler ended, and not well.
    Failed,
    /// A handling from its start to its end, of a message that the violation is not about.
    Handled,
    /// A member gave a message up, or the server did.
    GivenUp,
    /// Progress was confirmed.
    Committed,
    /// An observer saw that the owner is gone.
    GoneObserved,
    /// A claim was confirmed.
    Granted,
    /// Renewals were confirmed, one or several on end.
    Renewed,
    /// The consumer of an epoch was opened.
    Opened,
    /// An owner gave its partition back.
    Released,
    /// An owner learned that its partition was lost.
    Lost,
    /// The deadline of an owner passed without a renewal.
    Expired,
    /// A fault struck.
    Fault,
    /// The effect of a fault was seen first.
    Observed,
    /// A fault that passes has passed.
    Healed,
    /// A paused process was continued.
    Resumed,
    /// A process was started.
    Spawned,
    /// A process ended.
    Exited,
    /// A worker connected to the server.
    Connected,
    /// The connection of a worker broke.
    Disconnected,
    /// A worker was told to stop.
    Stopping,
    /// The server had nobody to take an ack.
    AckRefused,
    /// The fence refused an effect.
    EffectRefused,
    /// A phase of the run began.
    Phase,
    /// The run was interrupted, or broken off.
    Stopped,
}

impl std::fmt::Display for Deed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Sent => "sent",
            Self::Stored => "stored",
            Self::NotStored => "not stored",
            Self::Received => "received",
            Self::Started => "started",
            Self::Finished => "finished",
            Self::Failed => "failed",
            Self::Handled => "handled",
            Self::GivenUp => "given up",
            Self::Committed => "committed",
            Self::GoneObserved => "saw it gone",
            Self::Granted => "granted",
            Self::Renewed => "renewed",
            Self::Opened => "opened",
            Self::Released => "released",
            Self::Lost => "lost it",
            Self::Expired => "expired",
            Self::Fault => "fault",
            Self::Observed => "observed",
            Self::Healed => "healed",
            Self::Resumed => "continued",
            Self::Spawned => "spawned",
            Self::Exited => "exited",
            Self::Connected => "connected",
            Self::Disconnected => "cut off",
            Self::Stopping => "stopping",
            Self::AckRefused => "ack refused",
            Self::EffectRefused => "fenced off",
            Self::Phase => "phase",
            Self::Stopped => "stopped",
        })
    }
}
