//! What a study found, as one plain struct, and its translation into the words of the report.

use super::bank::BankFinding;
use super::health::Health;
use super::instants::Instants;
use super::latency::Latencies;
use super::liveness::Liveness;
use super::timeline::{Timeline, round_ms};
use crate::model::explanation::Explanation;
use crate::model::history::History;
use crate::model::manifest::Environment;
use crate::model::promise::Promises;
use crate::model::report::{FaultReport, Figures, PartitionGap, RunInfo, StoredTruth, TakeoverPhases, Violation};
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::stream::{Account, SuccessionCounts};
use crate::verdict::{Effects, OrderCounts, PartitionCounts, PublisherCounts};

/// Everything that was found in one run.
#[derive(Clone, Debug)]
pub struct Findings {
    /// What was run.
    pub run: RunInfo,
    /// What the strategy promises.
    pub promises: Promises,
    /// Machine and versions.
    pub environment: Environment,
    /// The profile as it was run.
    pub settings: serde_json::Value,
    /// Offered load followed the system (`rate = "max"`): latency is queueing there.
    pub closed_loop: bool,
    /// When it began, its phases, its end.
    pub timeline: Timeline,
    /// Publisher side of the ledger.
    pub publisher: PublisherCounts,
    /// Verdicts by key: the contract.
    pub order: OrderCounts,
    /// Verdicts with each partition as one sequence.
    pub partition_order: OrderCounts,
    /// Accounts by partition.
    pub partitions: Vec<PartitionCounts>,
    /// Handlings with success of messages of this run.
    pub handled: u64,
    /// The same by member, all its incarnations: name and number.
    pub handled_by_member: Vec<(String, u64)>,
    /// Repeats of what a server had confirmed as acknowledged and forgot when its process ended.
    pub forgotten_by_server: u64,
    /// Starts without success.
    pub aborted: u64,
    /// Handled, and never attempted or not intact.
    pub phantom: u64,
    /// Repeats that a second stored copy caused.
    pub extra_copies: u64,
    /// Handled in a partition that is not the one its key hashes to.
    pub misrouted: u64,
    /// Stored before the place where the consumers begin.
    pub not_offered: u64,
    /// Stored, offered and never handled, because a member or the server gave it up.
    pub dropped: u64,
    /// Acks that the server had nobody to take.
    pub acks_refused: u64,
    /// Stored and never handled by the end of the evidence, though offered and not given up.
    pub unhandled: u64,
    /// Of these, `lost` when loss can be judged; the rest still waited when the drain was cut.
    pub lost: u64,
    /// Removed by the stream's own limits before anybody had handled them; `None` where that cannot happen.
    pub evicted: Option<u64>,
    /// Stored, and not in the stream at the end; `None` when that was not looked for.
    pub lost_by_server: Option<u64>,
    /// What was the truth of what was stored.
    pub truth: Option<StoredTruth>,
    /// Whether loss can be judged: the run drained and came to its end.
    pub loss_judged: bool,
    /// Exclusion, in numbers.
    pub exclusion: ExclusionCounts,
    /// Succession, in numbers.
    pub succession: SuccessionCounts,
    /// Partitions that nobody owned, or that stood still, for long.
    pub liveness: Liveness,
    /// Latencies of the measure phase.
    pub latencies: Latencies,
    /// Flow over the measure phase.
    pub flow: MeasuredFlow,
    /// The faults that struck, in order.
    pub faults: Vec<FaultFinding>,
    /// What the kinds of processes used.
    pub processes: Vec<ProcessUse>,
    /// Evidence of what went wrong: the first hundred of each kind.
    pub violations: Vec<Violation>,
    /// How the first of each kind came about.
    pub explanations: Vec<Explanation>,
    /// The accounts, when the workload is the ledger.
    pub bank: Option<BankFinding>,
    /// What the plots show.
    pub figures: Figures,
    /// How the run ended and why; what else is worth knowing.
    pub health: Health,
}

/// Exclusion, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExclusionCounts {
    /// `overlap`, stale tails left out.
    pub overlap: u64,
    /// Overlaps that a stale tail explains.
    pub overlap_stale_tail: u64,
    /// `dual_ownership`.
    pub dual_ownership: u64,
    /// `stale_handling`.
    pub stale_handling: u64,
    /// `stale_tail`.
    pub stale_tail: u64,
    /// What the sink held; `None` when there is none, or it was not read whole.
    pub effects: Option<EffectCounts>,
}

/// Effects, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EffectCounts {
    /// `effects_stored`.
    pub stored: u64,
    /// `effects_refused`.
    pub refused: u64,
    /// `stale_effect`.
    pub stale: u64,
}

impl ExclusionCounts {
    pub(super) fn of(account: &Account, effects: Option<EffectCounts>) -> Self {
        Self {
            overlap: account.overlap,
            overlap_stale_tail: account.overlap_stale_tail,
            dual_ownership: account.dual_ownership,
            stale_handling: account.stale_handling,
            stale_tail: account.stale_tail,
            effects,
        }
    }
}

impl EffectCounts {
    pub(super) fn of(effects: &Effects) -> Self {
        Self { stored: effects.stored, refused: effects.refused, stale: effects.stale_effects() }
    }
}

/// Flow over the measure phase. A rate is absent when there was no such phase.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MeasuredFlow {
    /// Messages whose intended instant is in it.
    pub offered: u64,
    /// Messages whose storage was confirmed in it.
    pub stored: u64,
    /// Handlings that ended with success in it.
    pub handled: u64,
    /// Of these, first handlings: messages.
    pub handled_messages: u64,
    /// Of these, with the verdict `in_order`.
    pub ordered: u64,
    /// `offered` a second.
    pub offered_per_s: Option<f64>,
    /// `stored` a second.
    pub stored_per_s: Option<f64>,
    /// `handled` a second.
    pub handled_per_s: Option<f64>,
    /// `ordered` a second: the headline.
    pub ordered_per_s: Option<f64>,
}

/// What one fault did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultFinding {
    /// Its number in the schedule.
    pub id: u32,
    /// Kind.
    pub kind: String,
    /// Target as the profile names it.
    pub target: String,
    /// Incarnations struck (or started).
    pub struck: Vec<String>,
    /// t0.
    pub at: MonoNs,
    /// When it was delivered, seen to take effect, and over.
    pub instants: Instants,
    /// End of the window: it has passed, converged, nothing stranded, caught up; or the limit (next fault, end of the work).
    pub window_end: MonoNs,
    /// Beginning of the window before the fault that it is compared with.
    pub before_from: MonoNs,
    /// The window was cut at the limit.
    pub censored: bool,
    /// t0 → ownership settled. Absent: not within the window, or the strategy has no owners.
    pub converged: Option<SpanNs>,
    /// t0 → backlog back at its level.
    pub catch_up: Option<SpanNs>,
    /// Messages in flight at t0.
    pub stranded_messages: u64,
    /// Of these, never handled.
    pub stranded_unhandled: u64,
    /// t0 → the last of these that was handled at all is handled.
    pub stranded: Option<SpanNs>,
    /// Partitions that changed owner; absent without owners.
    pub moved: Option<u64>,
    /// The least number that had to; absent without owners.
    pub moved_least: Option<u64>,
    /// Repeats in affected partitions within the window.
    pub takeover_redelivered: u64,
    /// By partition.
    pub partitions: Vec<PartitionFinding>,
}

/// What one fault did to one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartitionFinding {
    /// Partition.
    pub partition: u16,
    /// Affected, or a bystander.
    pub affected: bool,
    /// Longest silence in the window; absent when nothing was there to wait.
    pub gap: Option<SpanNs>,
    /// The same over the window before the fault.
    pub gap_before: Option<SpanNs>,
    /// Longest stretch in the window in which an offered message waited, stored or not, and nothing new was handled; only
    /// for faults of servers.
    pub outage: Option<SpanNs>,
    /// Mean interval between arrivals in the window.
    pub arrival_interval: Option<SpanNs>,
    /// Phases of the takeover; absent for bystanders and without owners.
    pub phases: Option<Phases>,
}

/// Phases of a takeover, each from the end of the one before. Absent: no evidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// t0 → first record that the owner is gone.
    pub detect: Option<SpanNs>,
    /// → the new grant.
    pub claim: Option<SpanNs>,
    /// → first delivery received.
    pub resume: Option<SpanNs>,
    /// → first never-handled message started.
    pub first_handled: Option<SpanNs>,
}

/// What one kind of process used.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessUse {
    /// `server`, `publishers`, `consumers`, `driver`.
    pub kind: &'static str,
    /// How many of the kind were sampled.
    pub processes: u64,
    /// Processor time in the measure phase, all of the kind.
    pub cpu: SpanNs,
    /// The same a million handled messages; absent when none was.
    pub cpu_s_per_million: Option<f64>,
    /// Greatest resident memory of one of the kind.
    pub memory_max_bytes: u64,
}

/// What was run, in the words of the report.
pub(super) fn run(history: &History, timeline: &Timeline) -> RunInfo {
    let manifest = &history.manifest;
    RunInfo {
        id: manifest.run_id.clone(),
        profile: manifest.profile.clone(),
        question: manifest.question.clone(),
        variant: manifest.variant.clone(),
        strategy: manifest.strategy.clone(),
        commit_mode: manifest.commit_mode.clone(),
        command: manifest.command.clone(),
        seed: manifest.seed,
        started: manifest.started_wall.clone(),
        partitions: manifest.partitions,
        members: manifest.members,
        lease_ttl_ms: manifest.lease_ttl.map(round_ms),
        rate_per_s: manifest.rate_per_s,
        phases: timeline.phase_spans(),
    }
}

/// What was run.
#[must_use]
pub fn run_info(findings: &Findings) -> RunInfo {
    findings.run.clone()
}

/// What the plots show.
#[must_use]
pub fn figures(findings: &Findings) -> Figures {
    findings.figures.clone()
}

/// Evidence of what went wrong.
#[must_use]
pub fn violations(findings: &Findings) -> Vec<Violation> {
    findings.violations.clone()
}

/// The faults in the words of the report.
#[must_use]
pub fn faults(findings: &Findings) -> Vec<FaultReport> {
    let timeline = &findings.timeline;
    let of_partition = |found: &PartitionFinding| PartitionGap {
        partition: found.partition,
        affected: found.affected,
        gap_ms: found.gap.map(round_ms),
        gap_before_ms: found.gap_before.map(round_ms),
        arrival_interval_ms: found.arrival_interval.map(round_ms),
        phases: found.phases.map(|phases| TakeoverPhases {
            detect_ms: phases.detect.map(round_ms),
            claim_ms: phases.claim.map(round_ms),
            resume_ms: phases.resume.map(round_ms),
            first_handled_ms: phases.first_handled.map(round_ms),
        }),
    };
    findings
        .faults
        .iter()
        .map(|fault| FaultReport {
            id: fault.id,
            kind: fault.kind.clone(),
            target: fault.target.clone(),
            struck: fault.struck.clone(),
            at_ms: timeline.ms(fault.at),
            delivered_ms: fault.instants.delivered.map(|at| timeline.ms(at)),
            observed_ms: fault.instants.observed.map(|at| timeline.ms(at)),
            passed_ms: fault.instants.passed.map(|at| timeline.ms(at)),
            window_end_ms: timeline.ms(fault.window_end),
            censored: fault.censored,
            partitions: fault.partitions.iter().map(of_partition).collect(),
        })
        .collect()
}
