//! The driver's own journal: what it did to whom and what it saw, one JSON line an event.

use serde::{Deserialize, Serialize};

use super::bank::FinalBalance;
use super::effect::EffectRun;
use super::gone::Gone;
use super::stored::Extent;
use super::time::MonoNs;

/// One line of `journals/driver.jsonl`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StoryLine {
    /// When, on the driver's clock.
    pub at: MonoNs,
    /// What.
    #[serde(flatten)]
    pub event: StoryEvent,
}

/// What the driver does and sees. A process is named by its incarnation (`c3.2`, `p0.1`), or `server-0`, `driver`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum StoryEvent {
    /// A phase began.
    Phase {
        /// Which.
        phase: Phase,
    },
    /// A process was started.
    Spawned {
        /// Its name.
        process: String,
        /// Its process id.
        pid: u32,
    },
    /// A worker reported that it is ready to work.
    Ready {
        /// Its name.
        process: String,
    },
    /// A fault struck: the signal was sent or the order given.
    Fault {
        /// Its number in the schedule, from 0.
        id: u32,
        /// Its kind, by the name of the fault room.
        kind: String,
        /// The target as the profile names it.
        target: String,
        /// The incarnations that were struck (for a join or restart: the one that was started).
        struck: Vec<String>,
    },
    /// What a fault does was delivered to one whom it struck: the signal was sent, the order given, the connection cut.
    Delivered {
        /// Number of the fault.
        id: u32,
        /// The incarnation.
        process: String,
    },
    /// The effect of a fault on one whom it struck was seen first.
    Observed {
        /// Number of the fault.
        id: u32,
        /// The incarnation.
        process: String,
        /// What was seen, in words.
        what: String,
    },
    /// A fault that passes has passed: the connection is healed, the handler is as fast as it was.
    Healed {
        /// Number of the fault.
        id: u32,
        /// The incarnation that was struck.
        process: String,
    },
    /// A paused process was continued.
    Resumed {
        /// Number of the fault that paused it.
        id: u32,
        /// The incarnation.
        process: String,
    },
    /// A fault could not be done.
    FaultSkipped {
        /// Its number in the schedule.
        id: u32,
        /// Its kind.
        kind: String,
        /// Why.
        reason: String,
    },
    /// A process ended.
    Exited {
        /// Its name.
        process: String,
        /// Exit code, when it exited.
        code: Option<i32>,
        /// Signal, when one ended it.
        signal: Option<i32>,
        /// Whether the driver had ordered it.
        ordered: bool,
        /// Its last words, when it left any.
        message: Option<String>,
    },
    /// A member has something to say about what it met: a line of its program that it did not understand, say.
    Remark {
        /// The member's incarnation.
        process: String,
        /// A sentence.
        text: String,
    },
    /// The server refused a process a right, for the first time since it was started or since it began to work.
    Refused {
        /// The incarnation.
        process: String,
        /// In the server's words.
        reason: String,
    },
    /// The program of the user's own that a member ran ended, and not well after it was asked to.
    ProgramEnded {
        /// The member's incarnation.
        process: String,
        /// Exit code, when it exited.
        code: Option<i32>,
        /// Signal, when one ended it.
        signal: Option<i32>,
        /// Whether the driver had ordered the member to end.
        ordered: bool,
        /// What it said at last, and why it was ended.
        message: String,
    },
    /// A reading of what a process used so far.
    Sample {
        /// Its name.
        process: String,
        /// CPU time so far, nanoseconds.
        cpu_ns: u64,
        /// Resident memory, bytes.
        memory_bytes: u64,
    },
    /// Something that makes the run invalid.
    Damage {
        /// A sentence.
        reason: String,
    },
    /// Something to know that does not make the run invalid.
    Note {
        /// A sentence.
        text: String,
    },
    /// A consumer was made that does not begin at the first message.
    Starts {
        /// The partition that it is of; absent when it is of all of them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        partition: Option<u16>,
        /// First stream sequence that it delivers.
        stream_seq: u64,
    },
    /// The server delivers a message no more: it was delivered as often as the consumer allows (`max-deliver`).
    Dropped {
        /// Its sequence in the stream.
        stream_seq: u64,
        /// How often it was delivered.
        deliveries: u64,
    },
    /// The drain ended at its bound, and not because everything stored had been handled.
    DrainCut {
        /// Messages that still waited, as the driver saw it.
        waiting: u64,
    },
    /// What was gone from the stream when the work ended. Told where the stream's limits may evict messages.
    Gone {
        /// The sequences.
        gone: Gone,
    },
    /// Balances that the store held after the last member had ended (workload `ledger`): some of them, a line at a time.
    Balances {
        /// The accounts.
        accounts: Vec<FinalBalance>,
    },
    /// All balances that the store held have been told.
    BalancesRead {
        /// How many there are.
        accounts: u64,
    },
    /// Effects that the sink held after the last member had ended: some of their runs, a line at a time, in the order of the sink.
    Effects {
        /// The runs.
        runs: Vec<EffectRun>,
    },
    /// All effects that the sink held have been told.
    EffectsRead {
        /// How many there are.
        effects: u64,
    },
    /// The stream was read back after the last member had ended: as far as it is told here, what it held is in `stored.bin`.
    StreamRead {
        /// How far.
        extent: Extent,
    },
    /// The stream was not read back: what publishers were told counts.
    StreamNotRead {
        /// Why, as the end of a sentence.
        reason: String,
    },
    /// Something was seen to go wrong while the run went on. The verdict comes from the whole evidence.
    Sighted {
        /// Metric id of its kind.
        kind: String,
        /// Whether the strategy had promised that it would not happen, and it is certain that it did.
        promised: bool,
        /// What was seen, in words.
        text: String,
    },
    /// The run ends before its time because a broken promise was seen, as the user had asked.
    StoppedAtViolation {
        /// Metric id of its kind.
        kind: String,
        /// What was seen, in words.
        text: String,
    },
    /// Something happened that made going on pointless: the run ends before its time.
    BrokenOff,
    /// The user asked to stop.
    Interrupted,
    /// The run is over: nothing more is recorded.
    End,
}

/// The phases of a run, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Stream, bucket, processes are made.
    Provision,
    /// Load flows and nothing is measured yet.
    WarmUp,
    /// The measured phase; faults strike here.
    Measure,
    /// The load has ended, what is stored is handled.
    Drain,
}
