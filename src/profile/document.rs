//! The document: a profile as it is typed, section by section, with defaults for what is left out.
//!
//! The doc comments are what users read: they become the descriptions in `schemas/profile.schema.json`.

mod fleet;
mod gate;
mod search;

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::fleet::{Fleet, Handler, OnFailure, Work};
pub use self::gate::Gate;
pub use self::search::Search;
use crate::fault::{Kind, Target};
use crate::model::bank::{Bank, Repeats, Store, Workload, Write};
use crate::model::units::{Rate, Size, Timespan};
use crate::nats::link::Path;
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
    /// Accounts and their balances, with the workload "ledger".
    #[serde(skip_serializing_if = "Ledger::is_empty")]
    pub ledger: Ledger,
    /// The consumers.
    pub fleet: Fleet,
    /// The way of consuming that is measured: `kind` names it, the other keys are its own. Default: lease-group.
    pub strategy: Strategy,
    /// What makes a run invalid.
    pub limits: Limits,
    /// What `jetlag search` looks for.
    #[serde(skip_serializing_if = "Search::is_empty")]
    pub search: Search,
    /// What `jetlag gate` asks of the runs; it changes nothing about them.
    #[serde(skip_serializing_if = "Gate::is_empty")]
    pub gate: Gate,
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
    /// How long reading the stream back at the end may take: what it holds is then the truth of what was stored. Only with `retention = "limits"`;
    /// "0s" leaves it unread, and what publishers were told is the truth. What is not read within that time is judged by what publishers were told. Default 10s.
    #[serde(skip_serializing_if = "is_usual_read_back")]
    pub read_back: Timespan,
    /// Which of the evidence is kept: all of it, or only what lies around violations, so that a run of a day needs no more disk than one of a few minutes. Default "all".
    #[serde(skip_serializing_if = "Keep::is_all")]
    pub keep_evidence: Keep,
    /// Seed of keys, arrivals and faults: the same seed gives the same schedule. Default 1.
    pub seed: u64,
    /// How often it is run, each time in a fresh stream. Default 1.
    pub repeat: u32,
}

/// Which of a run's evidence is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// All of it.
    #[default]
    All,
    /// Journals are read while they are written, and what was verified of them is removed, but for what lies around violations.
    Violations,
}

impl Keep {
    /// As the profile says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Violations => "violations",
        }
    }

    fn is_all(&self) -> bool {
        *self == Self::All
    }
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
    /// What keeps a message: the stream's limits alone, or that somebody still has to acknowledge it. Default "limits".
    pub retention: Retention,
    /// What gives way when a limit is reached: the oldest messages, or the new one, which is refused. Default "old".
    pub discard: Discard,
    /// Who finds the partition of a key: the publisher, or the server by a subject transform. Default "client".
    pub routing: Routing,
    /// Whether stored blocks are compressed; with storage "file" only. Default "none".
    pub compression: Compression,
    /// For how long the server remembers message ids to drop duplicates, at least 100ms. Default 2m.
    pub duplicate_window: Timespan,
    /// Messages older than this are evicted. Default: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Timespan>,
    /// Most bytes in the stream; see `discard`. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<Size>,
    /// Most messages in the stream; see `discard`. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_messages: Option<u64>,
    /// Most messages of a subject, which is a partition; the oldest of them are evicted. Default: no limit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_messages_per_subject: Option<u64>,
    /// With discard "new": a partition that has its `max-messages-per-subject` refuses more, too. Default false.
    pub discard_new_per_subject: bool,
    /// Messages larger than this, headers included, are refused. Default: what the server takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_message_size: Option<Size>,
}

/// What keeps a message in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Retention {
    /// The stream's limits alone.
    Limits,
    /// That some consumer has not acknowledged it.
    Interest,
    /// That the one consumer of its subject has not acknowledged it.
    WorkQueue,
}

/// What gives way when a limit of the stream is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Discard {
    /// The oldest messages are evicted.
    Old,
    /// The new message is refused.
    New,
}

/// Who finds the partition of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Routing {
    /// The publisher hashes the key and publishes to the partition's subject.
    Client,
    /// The publisher publishes to the key's subject, and the stream's subject transform maps it.
    Server,
}

/// How stored blocks are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// Not at all.
    None,
    /// With S2, a faster relative of Snappy.
    S2,
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
    /// How a message is published, and what confirms it. Default "windowed".
    pub publish: Publish,
    /// How messages travel to the server. Default "library".
    #[serde(skip_serializing_if = "Path::is_library")]
    pub path: Path,
    /// With publish "windowed" and "core": most unconfirmed messages a publisher may have, 1 to 8192. Default 256.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<u16>,
    /// With publish "windowed": what is done about a message that is refused or not answered. Default "stop-the-line".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// With publish "atomic-batch": most messages of a batch, 1 to 1000. With "fast-batch": most messages between two acknowledgements, 1 to 500. Default 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch: Option<u16>,
    /// So many messages are published, over all publishers and as fast as they can, before the consumers are made and the members start. They belong to no phase. Default 0.
    pub backlog: u64,
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
    /// Whether messages carry an id, so that the server drops a second copy. Default true; with publish "core" nothing is sent twice, and it has no effect.
    pub message_id: bool,
    /// What the messages are about: with "ledger" keys are accounts, and section `[ledger]` says how they are kept. Default "plain".
    pub workload: Workload,
}

/// Accounts and their balances, with the workload "ledger".
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Ledger {
    /// Where balances are kept. Default "kv".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<Store>,
    /// With store "kv": how a balance is written. Default "compare-and-set".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub write: Option<Write>,
    /// What a handler does with a message at or below the last one applied to its account. Default "skip".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
}

/// How a message is published, and what confirms it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Publish {
    /// To JetStream, up to `window` messages at a time, each acknowledged by itself.
    Windowed,
    /// To JetStream, one message at a time.
    Sync,
    /// To JetStream, what is due in one batch that is stored whole or not at all; one batch at a time. nats-server 2.12.1, or 2.12.0 without message ids.
    AtomicBatch,
    /// To JetStream by fast ingest: an endless batch, acknowledged every so many messages. nats-server 2.14.
    FastBatch,
    /// By core NATS, without acknowledgement: a stream may or may not have stored it.
    Core,
}

impl Publish {
    /// As the profile says it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Windowed => "windowed",
            Self::Sync => "sync",
            Self::AtomicBatch => "atomic-batch",
            Self::FastBatch => "fast-batch",
            Self::Core => "core",
        }
    }
}

/// What is done about a message that is refused or not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// Nothing more is sent until it and all behind it are sent again, in order.
    StopTheLine,
    /// It is sent again by itself, behind what was sent meanwhile: messages of a key change places, which is there to be measured.
    PerMessage,
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
    /// Whom it strikes: "c2", "owner-of:3", "random" or "all", and for a cut "p0". Default "random"; a join has "new". Faults of servers: "node:2", "leader", "follower" or "random".
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
        if load.workload == Workload::Ledger {
            filled.ledger = filled.ledger.filled();
        }
        load.window = load.has_window().then(|| load.window());
        load.retry = (load.publish == Publish::Windowed).then(|| load.retry());
        load.batch = load.has_batch().then(|| load.batch());
        filled.fleet = self.fleet.filled();
        filled.strategy = self.strategy.filled();
        for fault in &mut filled.fault {
            fault.target = Some(fault.target());
            fault.kind = fault.kind.filled();
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

    /// Whether `window` says something.
    pub(super) fn has_window(&self) -> bool {
        matches!(self.publish, Publish::Windowed | Publish::Core)
    }

    /// Whether `batch` says something.
    pub(super) fn has_batch(&self) -> bool {
        matches!(self.publish, Publish::AtomicBatch | Publish::FastBatch)
    }

    /// The window, said or not.
    pub(super) fn window(&self) -> u16 {
        self.window.unwrap_or(256)
    }

    /// What is done about a failed publish, said or not.
    pub(super) fn retry(&self) -> Retry {
        self.retry.unwrap_or(Retry::StopTheLine)
    }

    /// The size of a batch, said or not.
    pub(super) fn batch(&self) -> u16 {
        self.batch.unwrap_or(100)
    }
}

impl Ledger {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn filled(&self) -> Self {
        let bank = self.bank();
        let write = (bank.store == Store::Kv).then_some(bank.write);
        Self { store: Some(bank.store), write, repeats: Some(bank.repeats) }
    }

    /// What it means, said or not.
    pub(super) fn bank(&self) -> Bank {
        Bank {
            store: self.store.unwrap_or_default(),
            write: self.write.unwrap_or_default(),
            repeats: self.repeats.unwrap_or_default(),
        }
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
            ledger: Ledger::default(),
            fleet: Fleet::default(),
            strategy: Strategy::LeaseGroup(lease_group::Settings::default()),
            limits: Limits::default(),
            search: Search::default(),
            gate: Gate::default(),
            fault: Vec::new(),
            variant: Vec::new(),
        }
    }
}

/// How long reading back takes at most, unless the profile says otherwise: some million messages.
const READ_BACK: Timespan = Timespan(std::time::Duration::from_secs(10));

/// Left out of what is written: runs from before there was a choice differ in nothing else.
fn is_usual_read_back(span: &Timespan) -> bool {
    *span == READ_BACK
}

impl Default for Run {
    fn default() -> Self {
        Self {
            warm_up: seconds(3),
            measure: seconds(30),
            drain: seconds(30),
            read_back: READ_BACK,
            keep_evidence: Keep::All,
            seed: 1,
            repeat: 1,
        }
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
            retention: Retention::Limits,
            discard: Discard::Old,
            routing: Routing::Client,
            compression: Compression::None,
            duplicate_window: seconds(120),
            max_age: None,
            max_bytes: None,
            max_messages: None,
            max_messages_per_subject: None,
            discard_new_per_subject: false,
            max_message_size: None,
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
            publish: Publish::Windowed,
            window: None,
            retry: None,
            batch: None,
            backlog: 0,
            keys: 1000,
            key_choice: KeyChoice::Uniform,
            zipf_exponent: None,
            hot_share: None,
            message_id: true,
            path: Path::Library,
            workload: Workload::Plain,
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { schedule_lag_p99: Timespan(Duration::from_millis(50)) }
    }
}
