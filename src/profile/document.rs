//! The document: a profile as it is typed, section by section, with defaults for what is left out.
//!
//! The doc comments are what users read: they become the descriptions in `schemas/profile.schema.json`.

mod fleet;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::fleet::{Fleet, Handler, OnFailure, Work};
use crate::fault::{Kind, Target};
use crate::model::units::{Rate, Size, Timespan};
use crate::strategy::{Strategy, lease_group};

/// A jetlag profile: one question, and the run that answers it. The first comment line of the file is the question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Document {
    /// Phases, seed and repeats.
    pub run: Run,
    /// The server that jetlag starts, or the cluster. With `--server` only `nodes` is used.
    pub server: Server,
    /// The stream that is published to and consumed from.
    pub stream: Stream,
    /// What the publishers send.
    pub load: Load,
    /// The consumers.
    pub fleet: Fleet,
    /// The way of consuming that is measured: `kind` names it, the other keys are its own. Default: lease-group.
    pub strategy: Strategy,
    /// What makes a run invalid.
    pub limits: Limits,
    /// What strikes in the measure phase.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fault: Vec<Fault>,
    /// Several runs side by side: each is this profile with some keys set otherwise.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variant: Vec<Variant>,
}

/// Phases, seed and repeats.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Run {
    /// Load flows and nothing is measured yet. Default 3s.
    pub warm_up: Timespan,
    /// The measured phase; faults strike here. Default 30s.
    pub measure: Timespan,
    /// At most this long for what is stored to be handled after the load has ended. Default 30s.
    pub drain: Timespan,
    /// Seed of keys, arrivals and faults: the same seed gives the same schedule. Default 1.
    pub seed: u64,
    /// How often it is run, each time in a fresh stream. Default 1.
    pub repeat: u32,
}

/// The server that jetlag starts; not used with `--server`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Server {
    /// Exactly this version of nats-server, like "2.12.8". Default: the one that is found, else the pinned one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Number of nodes: 1, or 3 or 5 for a cluster. With `--server`: how many nodes your own cluster has. Default 1.
    pub nodes: u16,
}

/// The stream that is published to and consumed from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Stream {
    /// Number of partitions, 1 to 1024; a key always goes to the same one. Default 16.
    pub partitions: u16,
    /// Where messages are kept. Default "file".
    pub storage: Storage,
    /// Copies of each message: 1, 3 or 5, at most the number of nodes. Default 1.
    pub replicas: u16,
    /// For how long the server remembers message ids to drop duplicates, at least 100ms. Default 2m.
    pub duplicate_window: Timespan,
    /// Messages older than this are evicted. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Timespan>,
    /// The oldest messages are evicted above this size. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<Size>,
    /// The oldest messages are evicted above this number. Default: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_messages: Option<u64>,
}

/// Where a stream keeps its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Storage {
    /// On disk.
    File,
    /// In memory.
    Memory,
}

/// What the publishers send.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Load {
    /// Number of publisher processes. Default 2.
    pub publishers: u16,
    /// Messages a second over all publishers together, like "2000/s"; "max" for as fast as the window allows (a closed loop). Default "2000/s".
    pub rate: Rate,
    /// How the intended instants are spread over time. Default "poisson".
    pub arrivals: Arrivals,
    /// Size of a payload, header included, at least 64B. Default 256B.
    pub payload: Size,
    /// Most unacknowledged publishes a publisher may have, 1 to 8192. Default 256.
    pub window: u16,
    /// Number of keys, at least one a publisher; a key belongs to one publisher. Default 1000.
    pub keys: u32,
    /// Which key the next message has. Default "uniform".
    pub key_choice: KeyChoice,
    /// With key-choice "zipf": the n-th key has a share proportional to n^-exponent. Default 1.0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zipf_exponent: Option<f64>,
    /// With key-choice "hot": the share of the hot key, between 0 and 1. Default 0.5.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hot_share: Option<f64>,
    /// Whether messages carry an id, so that the server drops a second copy. Default true.
    pub message_id: bool,
}

/// How the intended instants are spread over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// Independent of each other, as from many users: exponential gaps.
    Poisson,
    /// Equal gaps.
    Uniform,
}

/// Which key the next message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum KeyChoice {
    /// Every key equally often.
    Uniform,
    /// A few keys often, most of them seldom: `zipf-exponent`.
    Zipf,
    /// One key has `hot-share` of all messages, the others have the rest.
    Hot,
}

/// What makes a run invalid.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Limits {
    /// `schedule_lag` p99 above this: the generator was too late to be believed. Default 50ms.
    pub schedule_lag_p99: Timespan,
}

/// One fault: `kind`, `target`, and either `at` or `every`. Times count from the start of the measure phase.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(extend("unevaluatedProperties" = false))]
pub struct Fault {
    /// What strikes.
    #[serde(flatten)]
    pub kind: Kind,
    /// Whom it strikes: "c2", "owner-of:3", "random" or "all". Default "random"; a join has "new".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// Strikes once, then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Timespan>,
    /// Strikes again and again, so far apart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Timespan>,
    /// With `every`: the first strike. Default: after one `every`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timespan>,
    /// With `every`: no strike at or after this. Default: the end of the measure phase.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<Timespan>,
    /// With `every`: at most so many strikes. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub times: Option<u32>,
    /// Each strike comes later by a random span below this, from the seed. Default 0s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter: Option<Timespan>,
}

/// One of several runs side by side.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Variant {
    /// Its name in reports.
    pub name: String,
    /// What is set otherwise: `{ "strategy.takeover" = "resume" }`.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, serde_json::Value>")]
    pub set: toml::Table,
}

impl Document {
    /// The same with the defaults written out that depend on other keys.
    #[must_use]
    pub fn filled(&self) -> Self {
        let mut filled = self.clone();
        let load = &mut filled.load;
        load.zipf_exponent = (load.key_choice == KeyChoice::Zipf).then(|| load.zipf_exponent());
        load.hot_share = (load.key_choice == KeyChoice::Hot).then(|| load.hot_share());
        filled.fleet = self.fleet.filled();
        filled.strategy = self.strategy.filled();
        for fault in &mut filled.fault {
            fault.target = Some(fault.target());
        }
        filled
    }
}

impl Load {
    /// The exponent, said or not.
    pub(super) fn zipf_exponent(&self) -> f64 {
        self.zipf_exponent.unwrap_or(1.0)
    }

    /// The hot key's share, said or not.
    pub(super) fn hot_share(&self) -> f64 {
        self.hot_share.unwrap_or(0.5)
    }
}

/// Seconds, for the defaults below.
const fn seconds(seconds: u64) -> Timespan {
    Timespan(Duration::from_secs(seconds))
}

impl Default for Document {
    fn default() -> Self {
        Self {
            run: Run::default(),
            server: Server::default(),
            stream: Stream::default(),
            load: Load::default(),
            fleet: Fleet::default(),
            strategy: Strategy::LeaseGroup(lease_group::Settings::default()),
            limits: Limits::default(),
            fault: Vec::new(),
            variant: Vec::new(),
        }
    }
}

impl Default for Run {
    fn default() -> Self {
        Self { warm_up: seconds(3), measure: seconds(30), drain: seconds(30), seed: 1, repeat: 1 }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self { version: None, nodes: 1 }
    }
}

impl Default for Stream {
    fn default() -> Self {
        Self {
            partitions: 16,
            storage: Storage::File,
            replicas: 1,
            duplicate_window: seconds(120),
            max_age: None,
            max_bytes: None,
            max_messages: None,
        }
    }
}

impl Default for Load {
    fn default() -> Self {
        Self {
            publishers: 2,
            rate: Rate::PerSecond(2000.0),
            arrivals: Arrivals::Poisson,
            payload: Size(256),
            window: 256,
            keys: 1000,
            key_choice: KeyChoice::Uniform,
            zipf_exponent: None,
            hot_share: None,
            message_id: true,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { schedule_lag_p99: Timespan(Duration::from_millis(50)) }
    }
}
