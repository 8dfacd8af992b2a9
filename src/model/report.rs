//! The report of one run: what `report.json` holds and every other format is rendered from.
//!
//! Times are milliseconds since the start of the run (`at_ms`) unless a name says otherwise.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::bank::Bank;
use super::explanation::Explanation;
use super::manifest::Environment;
use super::promise::Promises;
use super::reading::Reading;
use super::story::Phase;

/// Value of [`Report::schema`] that this version writes.
pub const SCHEMA: &str = "jetlag.report/1";

/// One run, measured and judged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Name and version of this format: `jetlag.report/1`.
    pub schema: String,
    /// How the run ended.
    pub state: RunState,
    /// Why, a sentence each; empty for `complete`.
    pub state_reasons: Vec<String>,
    /// What is worth knowing and decided nothing: faults that were skipped, members that were slow to leave.
    #[serde(default)]
    pub notes: Vec<String>,
    /// What was run.
    pub run: RunInfo,
    /// What the strategy promises.
    pub promises: Promises,
    /// What says which messages were stored; absent in files of earlier versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_truth: Option<StoredTruth>,
    /// Everything measured.
    pub readings: Vec<Reading>,
    /// The faults that struck, in order.
    pub faults: Vec<FaultReport>,
    /// What is known to go wrong, and how often it did; empty in files of earlier versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hazards: Vec<HazardFinding>,
    /// Evidence of what went wrong: the first hundred of each kind.
    pub violations: Vec<Violation>,
    /// How the first of each kind came about; their numbers are places in `violations`, from 1.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub explanations: Vec<Explanation>,
    /// The accounts, when the workload is the ledger.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accounts: Option<Accounts>,
    /// What the plots show.
    pub figures: Figures,
    /// Machine and versions.
    pub environment: Environment,
    /// The profile as it was run.
    pub settings: serde_json::Value,
}

/// How a run ended, in order of precedence (METRICS.md, "Health of the measurement").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RunState {
    /// The measurement cannot be trusted.
    Invalid,
    /// A promise was broken.
    Violated,
    /// The user stopped it.
    Interrupted,
    /// Whole and good.
    Complete,
}

impl std::fmt::Display for RunState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(match self {
            Self::Invalid => "invalid",
            Self::Violated => "violated",
            Self::Interrupted => "interrupted",
            Self::Complete => "complete",
        })
    }
}

/// What says which messages were stored, and in which order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StoredTruth {
    /// Whose word counts.
    pub source: TruthSource,
    /// Messages that were read back of the stream; absent when it was not read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<u64>,
    /// How far the stream was read, or why it was not: the end of a sentence.
    pub why: String,
}

/// Whose word counts for what was stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TruthSource {
    /// The stream's: it was read back at the end, to its end.
    Stream,
    /// The stream's as far as it was read back; beyond that, what publishers were told.
    StreamInPart,
    /// What publishers were told.
    Acknowledgements,
}

/// What was run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RunInfo {
    /// Id of the run.
    pub id: String,
    /// Profile.
    pub profile: String,
    /// The question that the profile answers.
    pub question: String,
    /// Variant of the profile, when it has variants.
    pub variant: Option<String>,
    /// Strategy.
    pub strategy: String,
    /// How its progress is committed: `checkpoint`, `explicit`; absent where nothing is.
    #[serde(default)]
    pub commit_mode: Option<String>,
    /// The command as typed, secrets left out.
    pub command: String,
    /// Seed.
    pub seed: u64,
    /// Wall clock at the start, RFC 3339.
    pub started: String,
    /// Number of partitions.
    pub partitions: u16,
    /// Members at the start.
    pub members: u16,
    /// Lease time in milliseconds, for strategies with leases.
    pub lease_ttl_ms: Option<f64>,
    /// Offered rate; absent for a closed loop (`max`).
    pub rate_per_s: Option<f64>,
    /// The phases as they happened.
    pub phases: Vec<PhaseSpan>,
}

/// One phase as it happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseSpan {
    /// Which.
    pub phase: Phase,
    /// From.
    pub from_ms: f64,
    /// To.
    pub to_ms: f64,
}

/// One fault and what it did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FaultReport {
    /// Its number in the schedule.
    pub id: u32,
    /// Kind.
    pub kind: String,
    /// Target as the profile names it.
    pub target: String,
    /// Incarnations struck (or started).
    pub struck: Vec<String>,
    /// When it struck (t0): the driver began to carry it out.
    pub at_ms: f64,
    /// When it had been delivered to all whom it struck: signals sent, orders given, connections cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_ms: Option<f64>,
    /// When its effect had been seen at all whom it struck: processes gone, ready or stopped, the first bytes held.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_ms: Option<f64>,
    /// When it had passed for all whom it struck: connections healed, handlers as fast as before, processes continued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed_ms: Option<f64>,
    /// End of its window: converged and caught up, or the next fault.
    pub window_end_ms: f64,
    /// The window was cut by the next fault or the end of the run.
    pub censored: bool,
    /// Per partition: what stood still.
    pub partitions: Vec<PartitionGap>,
}

/// What one fault did to one partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PartitionGap {
    /// Partition.
    pub partition: u16,
    /// Owned by a struck member, or changed owner in the window; else a bystander.
    pub affected: bool,
    /// Longest silence in the window; absent when nothing waited (unobserved).
    pub gap_ms: Option<f64>,
    /// The same figure over an equal window before the fault.
    pub gap_before_ms: Option<f64>,
    /// Mean interval between arrivals in the window.
    pub arrival_interval_ms: Option<f64>,
    /// Phases of the takeover; absent for a bystander. A phase without evidence is absent, never 0.
    pub phases: Option<TakeoverPhases>,
}

/// The phases of one takeover: they add up to the time from the fault to the first handling.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TakeoverPhases {
    /// Fault → first record that the owner is gone.
    pub detect_ms: Option<f64>,
    /// → the new grant.
    pub claim_ms: Option<f64>,
    /// → first delivery received.
    pub resume_ms: Option<f64>,
    /// → first never-handled message started.
    pub first_handled_ms: Option<f64>,
}

/// How often one known hazard was seen (`docs/hazards.md`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HazardFinding {
    /// Its number in the list.
    pub number: u8,
    /// Its id.
    pub id: String,
    /// What happens.
    pub about: String,
    /// How often; absent when it was not looked for.
    pub count: Option<u64>,
    /// Whether the strategy had promised that it would not happen.
    pub promised: bool,
    /// The metrics that count it; `violations` of these kinds are its evidence.
    pub metrics: Vec<String>,
}

/// Evidence of one thing that went wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// Metric id of its kind: `skipped`, `late`, `regressed`, `lost`, `phantom`, `overlap`, `stale_handling`, ….
    pub kind: String,
    /// Whether the strategy had promised that it would not happen.
    pub promised: bool,
    /// When.
    pub at_ms: f64,
    /// Partition.
    pub partition: u16,
    /// Key, where it is about one.
    pub key: Option<u32>,
    /// Sequence within the key.
    pub key_seq: Option<u32>,
    /// Stream sequence.
    pub stream_seq: Option<u64>,
    /// The incarnations concerned.
    pub members: Vec<String>,
    /// The epochs concerned, beside `members`.
    pub epochs: Vec<u32>,
    /// Distance or size of the hole, in messages.
    pub distance: Option<u64>,
    /// The fault in whose window it fell.
    pub fault: Option<u32>,
    /// One sentence that tells it.
    pub story: String,
}

/// The accounts of the workload `ledger`. Their numbers are among the readings.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Accounts {
    /// Where the balances were kept.
    pub bank: Bank,
    /// The three accounts that fared worst, the worst first; empty when all fared well.
    pub worst: Vec<AccountStory>,
}

/// What became of one account.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountStory {
    /// The account: its key.
    pub account: u32,
    /// Its partition.
    pub partition: u16,
    /// Its messages that are stored.
    pub messages: u64,
    /// What the store held in the end; absent when that is not known.
    pub balance: Option<i64>,
    /// What it would hold had each message been applied once.
    pub balance_in_order: i64,
    /// How often it was left below zero.
    pub overdrafts: u64,
    /// Applications beyond the first of a message.
    pub doubly_applied: u64,
    /// Messages that are not in the balance.
    pub not_applied: u64,
    /// Writes that another one, which had not seen them, went over.
    pub overwritten: u64,
    /// One sentence that tells it.
    pub story: String,
    /// What was done to the account, in the order of the store: around the first trouble of each kind.
    pub steps: Vec<AccountStep>,
    /// Steps left out behind the last of these.
    pub left_out_after: u64,
}

/// One message that was applied to an account, or was not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AccountStep {
    /// When it was in the store, or was left out of it.
    pub at_ms: f64,
    /// The incarnation that did it.
    pub member: String,
    /// Sequence of the message in its key.
    pub key_seq: u32,
    /// Its amount: a deposit is positive, a withdrawal negative.
    pub amount: i32,
    /// The balance afterwards.
    pub balance: i64,
    /// The balance after this message in order.
    pub balance_in_order: i64,
    /// What it is judged to be.
    pub ruling: Ruling,
    /// The fault in whose window it fell.
    pub fault: Option<u32>,
    /// Steps left out right before this one.
    pub left_out: u64,
}

/// What one application to an account is judged to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// Applied, right behind the one before.
    InOrder,
    /// Applied before one of its predecessors.
    Early,
    /// Applied behind one of its successors.
    Late,
    /// Applied once more.
    Again,
    /// Written, and gone: somebody who had not seen it wrote over it.
    Overwritten,
    /// Not applied, because it had been.
    Repeat,
    /// Not applied, because it was taken for a repeat, and it was none.
    Dropped,
}

/// What the plots show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Figures {
    /// By the second.
    pub throughput: Vec<ThroughputPoint>,
    /// By the second of the intended instant.
    pub latency: Vec<LatencyPoint>,
    /// Distribution of `end_to_end` in the measure phase: (percentile 0–100, milliseconds), rising.
    pub latency_distribution: Vec<(f64, f64)>,
    /// Who owned which partition when.
    pub ownership: Vec<OwnershipSpan>,
    /// Stretches in which messages of a partition waited and nobody handled them, longest first, then cut.
    pub silences: Vec<Silence>,
    /// Messages stored and not yet handled, sampled.
    pub backlog: Vec<BacklogPoint>,
    /// What the processes used.
    pub resources: Vec<ResourceSeries>,
}

/// One second of flow, or several in a run so long that there would be too many.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ThroughputPoint {
    /// Start of the second.
    pub at_ms: f64,
    /// How many seconds are counted together.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub seconds: u32,
    /// Messages whose intended instant fell here.
    pub offered: u64,
    /// Messages whose storage was confirmed here.
    pub stored: u64,
    /// Handlings finished here.
    pub handled: u64,
    /// Of these, with the verdict `in_order`.
    pub ordered: u64,
    /// Order violations here.
    pub violations: u64,
}

/// One second of latency, or several in a run so long that there would be too many: then the median and the percentile are
/// those of the worst of them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyPoint {
    /// Start of the second.
    pub at_ms: f64,
    /// How many seconds are told together.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub seconds: u32,
    /// Observations.
    pub n: u64,
    /// Median of `end_to_end`.
    pub p50_ms: f64,
    /// 99th percentile.
    pub p99_ms: f64,
    /// Greatest.
    pub max_ms: f64,
    /// Number of the first of `bins`. Bin n holds what took 10^(n/10) µs or more, and less than 10^((n+1)/10) µs.
    #[serde(default)]
    pub bin_first: u16,
    /// Observations by their length: ten bins a decade, from `bin_first` on. Empty in reports of older versions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bins: Vec<u64>,
}

impl LatencyPoint {
    /// How many bins a decade has.
    pub const BINS_A_DECADE: u16 = 10;
}

impl ThroughputPoint {
    /// How many seconds it is about; 1 unless it says more.
    #[must_use]
    pub fn span_s(&self) -> f64 {
        f64::from(self.seconds.max(1))
    }
}

impl LatencyPoint {
    /// How many seconds it is about; 1 unless it says more.
    #[must_use]
    pub fn span_s(&self) -> f64 {
        f64::from(self.seconds.max(1))
    }
}

fn one() -> u32 {
    1
}

fn is_one(seconds: &u32) -> bool {
    *seconds <= 1
}

/// A belief: one incarnation thinks that it owns one partition.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OwnershipSpan {
    /// Partition.
    pub partition: u16,
    /// Incarnation.
    pub owner: String,
    /// Epoch.
    pub epoch: u32,
    /// From the grant.
    pub from_ms: f64,
    /// To the end of the belief.
    pub to_ms: f64,
    /// How it ended.
    pub end: OwnershipEnd,
}

/// How a belief ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OwnershipEnd {
    /// Given back.
    Released,
    /// Known to be lost.
    Lost,
    /// The deadline passed.
    Expired,
    /// The process died.
    Died,
    /// Still held at the end of the evidence.
    Open,
}

/// A stretch in which messages of a partition waited and nobody handled them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Silence {
    /// Partition.
    pub partition: u16,
    /// From.
    pub from_ms: f64,
    /// To: the start of a never-handled message.
    pub to_ms: f64,
    /// The fault in whose window it began.
    pub fault: Option<u32>,
}

/// Backlog at one instant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BacklogPoint {
    /// When.
    pub at_ms: f64,
    /// Messages stored and not yet handled.
    pub messages: u64,
}

/// What one process used over time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourceSeries {
    /// Process: `server-0`, `driver`, `p0.1`, `c3.2`.
    pub process: String,
    /// Samples.
    pub points: Vec<ResourcePoint>,
}

/// One sample.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResourcePoint {
    /// When.
    pub at_ms: f64,
    /// CPU since the sample before, in percent of one core.
    pub cpu_percent: f64,
    /// Resident memory, MiB.
    pub memory_mib: f64,
}
