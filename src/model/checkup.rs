//! The check-up: what `jetlag doctor` measured on this machine, and what that means for runs made here.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::manifest::Environment;

/// Value of [`Checkup::schema`] that this version writes.
pub const SCHEMA: &str = "jetlag.checkup/1";

/// One check-up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Checkup {
    /// Name and version of this format: `jetlag.checkup/1`.
    pub schema: String,
    /// Whether runs can be made here, and be believed.
    pub fitness: Fitness,
    /// What was found, a subject after the other.
    pub findings: Vec<Finding>,
    /// The machine and this build.
    pub environment: Environment,
    /// What the findings were drawn from.
    pub measured: Measured,
    /// What `jetlag doctor` ended with: 0 when runs can be made, 3 when not.
    pub exit_code: u8,
}

/// Whether runs can be made on a machine, and be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Fitness {
    /// Nothing stands in the way.
    Fit,
    /// Runs can be made; the warnings say what their figures suffer from.
    Limited,
    /// No run can be made.
    Unfit,
}

/// What was found of one subject.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What it is about.
    pub subject: Subject,
    /// How grave it is.
    pub level: Level,
    /// What was found, in a sentence.
    pub found: String,
    /// What follows from it for runs made here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consequence: Option<String>,
    /// What can be done about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

/// What a finding is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Subject {
    /// nats-server: the one that runs use, and which versions can be had.
    Server,
    /// This program itself.
    Build,
    /// Processors: how many, how fast they are allowed to be, who else uses them.
    Processor,
    /// The clock, and how late a sleeper wakes.
    Clock,
    /// How many files a process may open.
    Files,
    /// The disk under the run folder, where the server's store lies.
    Disk,
    /// The way to the server and back.
    Network,
    /// What jetlag's own publishers reach here.
    Generator,
}

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// As it should be.
    Good,
    /// Good to know.
    Note,
    /// Figures suffer from it.
    Warning,
    /// No run can be made.
    Failure,
}

/// What was measured. What could not be is absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// The server that runs use.
    pub server: Option<ServerSeen>,
    /// Why there is none.
    pub server_trouble: Option<String>,
    /// Versions that `server.version` can name: here already, or to be fetched.
    pub versions: Vec<VersionSeen>,
    /// The processors.
    pub processor: ProcessorSeen,
    /// The clock.
    pub clock: ClockSeen,
    /// How many files a process may open.
    pub files: Option<FileLimit>,
    /// The disk under the run folder.
    pub disk: Option<DiskSeen>,
    /// Why nothing can be written there.
    pub disk_trouble: Option<String>,
    /// A byte over TCP on 127.0.0.1 and back.
    pub loopback: Option<RoundTrip>,
    /// A question to JetStream on the user's own server and its answer.
    pub own_server: Option<RoundTrip>,
    /// What the publishers reach.
    pub generator: Option<GeneratorSeen>,
    /// Why that is not known.
    pub generator_trouble: Option<String>,
}

/// A server that runs use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServerSeen {
    /// Its version.
    pub version: String,
    /// Where it is: a path, or the address of the user's own.
    pub place: String,
    /// How it was found.
    pub source: ServerSource,
    /// Whether JetStream answers; of a user's own server only.
    pub jetstream: Option<bool>,
}

/// How a server was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServerSource {
    /// `JETLAG_NATS_SERVER` names it.
    Named,
    /// On the search path.
    Path,
    /// In the cache.
    Cache,
    /// It was fetched just now.
    Fetched,
    /// The user's own (`--server`).
    Own,
}

/// A version of nats-server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VersionSeen {
    /// The version.
    pub version: String,
    /// Whether it is in the cache already.
    pub cached: bool,
}

/// The processors, as far as the environment does not tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessorSeen {
    /// What decides how fast they run, each kind once; empty where the system does not tell.
    pub governors: Vec<String>,
    /// Whether this is a virtual machine; absent where the system does not tell.
    pub is_virtual: Option<bool>,
    /// The share of all processor time that others used meanwhile, from 0 to 1.
    pub used_by_others: Option<f64>,
    /// The share that the host of a virtual machine took away meanwhile, from 0 to 1.
    pub stolen: Option<f64>,
}

/// The clock, and what waits for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClockSeen {
    /// What the kernel counts time with.
    pub source: Option<String>,
    /// What one reading of the clock costs, in nanoseconds.
    pub reading_ns: Option<f64>,
    /// How late a sleeper wakes: the median, in milliseconds.
    pub late_p50_ms: Option<f64>,
    /// And the 99th percentile.
    pub late_p99_ms: Option<f64>,
}

/// How many files a process may open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FileLimit {
    /// The limit that holds; absent for none.
    pub soft: Option<u64>,
    /// Up to where it may be raised; absent for any height.
    pub hard: Option<u64>,
}

/// A disk.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DiskSeen {
    /// The folder.
    pub path: String,
    /// Room left, in bytes.
    pub free_bytes: u64,
    /// Whether it is memory in truth (tmpfs).
    pub is_memory: bool,
    /// Until 4 KiB are on the disk (write and fdatasync): the median, in milliseconds.
    pub sync_p50_ms: f64,
    /// And the 99th percentile.
    pub sync_p99_ms: f64,
    /// What can be written in a second, one sync at the end included, in bytes.
    pub written_per_s_bytes: f64,
}

/// There and back.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RoundTrip {
    /// The median, in milliseconds.
    pub p50_ms: f64,
    /// The 99th percentile, in milliseconds.
    pub p99_ms: f64,
}

/// What jetlag's own publishers reach: two short runs with one publisher and one consumer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GeneratorSeen {
    /// Messages stored a second, as fast as it goes.
    pub stored_per_s: f64,
    /// The rate that was then asked for, a second; absent when the second run was not made.
    pub paced_per_s: Option<f64>,
    /// How late messages were sent at that rate: the 99th percentile of `schedule_lag`, in milliseconds.
    pub schedule_lag_p99_ms: Option<f64>,
}
