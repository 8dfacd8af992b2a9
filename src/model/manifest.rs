//! What was run, where and how: written before the first process starts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bank::Bank;
use super::promise::Promises;
use super::time::{MonoNs, SpanNs};

/// `manifest.json` of a run folder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Format of the manifest and the journals beside it: [`FORMAT`].
    pub format: u32,
    /// Id of the run: it is in every stream, bucket and payload that the run makes.
    pub run_id: String,
    /// The same id as it travels in payloads.
    pub run_tag: u64,
    /// Name of the profile.
    pub profile: String,
    /// The question that the profile answers.
    pub question: String,
    /// Name of the variant, when the profile has variants.
    pub variant: Option<String>,
    /// The strategy, by the name of the strategy room.
    pub strategy: String,
    /// How its progress is committed: `checkpoint`, `explicit`; `None` where nothing is.
    #[serde(default)]
    pub commit_mode: Option<String>,
    /// What the strategy promises with these settings.
    pub promises: Promises,
    /// What the confirmation of a publish says. Runs from before there was a choice confirmed storage.
    #[serde(default)]
    pub confirmation: Confirmation,
    /// The command line as typed, secrets left out.
    pub command: String,
    /// Seed of schedule, keys, arrivals and faults.
    pub seed: u64,
    /// Wall clock at the start, RFC 3339.
    pub started_wall: String,
    /// Monotonic clock at the same instant: the zero of every time in the report.
    pub started_mono: MonoNs,
    /// Number of partitions.
    pub partitions: u16,
    /// Number of keys.
    pub keys: u32,
    /// Members of the fleet at the start.
    pub members: u16,
    /// Lease time, for strategies with leases.
    pub lease_ttl: Option<SpanNs>,
    /// Offered rate in messages a second over all publishers; `None` for `max` (a closed loop).
    pub rate_per_s: Option<f64>,
    /// Where the balances are kept, when the workload is the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bank: Option<Bank>,
    /// Whose connections ran through jetlag's relay, because a cut may strike them: names, and `members` for all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub relayed: Vec<String>,
    /// `schedule_lag` p99 above this makes the run invalid.
    pub schedule_lag_limit: SpanNs,
    /// The whole profile as it was run, as in the profile file.
    pub settings: serde_json::Value,
    /// Machine and versions.
    pub environment: Environment,
}

/// What the confirmation of a publish says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// The stream has stored the message.
    #[default]
    Stored,
    /// The server has read the message. No stream stores it.
    Sent,
    /// The server has read the message. A stream may have stored it: only a delivery proves that.
    SentToStream,
}

/// Version of the run folder's format. Newer ones are refused, older ones are read for ever.
pub const FORMAT: u32 = 1;

/// The machine and the versions that a figure depends on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Version of jetlag.
    pub jetlag_version: String,
    /// Commit that jetlag was built from, where it is known; `-dirty` when something was changed since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jetlag_commit: Option<String>,
    /// Version of nats-server.
    pub server_version: String,
    /// Whether jetlag started the server itself.
    pub server_embedded: bool,
    /// Number of server nodes.
    pub server_nodes: u32,
    /// Operating system and version.
    pub os: String,
    /// Kernel version.
    pub kernel: String,
    /// Processor.
    pub cpu: String,
    /// Number of logical cores.
    pub cores: u32,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Profile jetlag was compiled with: `release` or `debug`.
    pub build: String,
}
