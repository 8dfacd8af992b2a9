//! What driver and worker say to each other: JSON lines over the worker's standard input and output.
//!
//! Driver and worker never import each other; they meet here and in the evidence. Secrets travel in the assignment,
//! through a pipe, so that no process list shows them.

use std::collections::BTreeSet;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::fault::Slowness;
use crate::model::bank::Bank;
use crate::model::record::Author;
use crate::model::time::MonoNs;
use crate::nats::Access;
use crate::profile::plan::{Handler, Load};
use crate::strategy::Strategy;

/// What the driver says, one a line. The first is always [`Order::Assign`]; end of input means: the driver is gone, end.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// Who the worker is and what it shall do.
    Assign(Box<Assignment>),
    /// Publisher: send its share of the backlog as fast as it can be, say [`Word::Filled`] when all of it is settled. Sent
    /// once at most, before [`Order::Begin`].
    Fill,
    /// Publisher: the schedule's zero. Sent once, when all are ready.
    Begin {
        /// Instant of the first interval's start.
        at: MonoNs,
    },
    /// Publisher: send nothing more, settle what is unacknowledged, say [`Word::Done`], end.
    Cease {
        /// Messages intended after this are not sent.
        at: MonoNs,
    },
    /// Consumer: leave in good order, say [`Word::Done`], end.
    Leave,
    /// Consumer: from the next message on the handler is slow, or as fast as it is. Answered by [`Word::Paced`].
    Pace {
        /// Number of the fault.
        id: u32,
        /// How slow; absent when it is no more.
        slowness: Option<Slowness>,
    },
}

/// Who a worker is and what it shall do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assignment {
    /// Which incarnation it is.
    pub author: Author,
    /// The folder of journals.
    pub journals: PathBuf,
    /// Id of the run in payloads and journals.
    pub run_tag: u64,
    /// Seed of the run.
    pub seed: u64,
    /// How to reach the server.
    pub access: Access,
    /// How to reach it as a user of the system account, for members that listen to it.
    #[serde(default)]
    pub system: Option<Access>,
    /// The stream.
    pub stream: String,
    /// Partition p's subject is `<subject_prefix>.<p>`.
    pub subject_prefix: String,
    /// Where the server finds the partition: a key is published to `<key_prefix>.k<key>`.
    pub key_prefix: Option<String>,
    /// Number of partitions.
    pub partitions: u16,
    /// Number of members at the start.
    pub members: u16,
    /// What it does.
    pub job: Job,
}

/// What a worker does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "job", rename_all = "kebab-case")]
pub enum Job {
    /// Sends its share of the load.
    Publish {
        /// The whole load.
        load: Load,
    },
    /// Is a member of the group.
    Consume {
        /// Name of the group.
        group: String,
        /// The way of consuming.
        strategy: Box<Strategy>,
        /// What a handler does.
        handler: Handler,
        /// Where it applies what messages say, with the workload `ledger`.
        bank: Option<Bank>,
    },
}

/// What a worker says, one a line.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "kebab-case")]
pub enum Word {
    /// Connected and able to work.
    Ready,
    /// Publisher: the backlog is stored.
    Filled,
    /// The partitions that it believes to own have changed.
    Owns {
        /// All of them.
        partitions: BTreeSet<u16>,
    },
    /// The handler is as slow as it was told to be.
    Paced {
        /// Number of the fault.
        id: u32,
        /// Since when.
        at: MonoNs,
        /// Whether it is slow.
        slow: bool,
    },
    /// Something worth knowing, a sentence.
    Remark {
        /// The sentence.
        text: String,
    },
    /// The server refused it a right, for the first time since it was started or since it began to work.
    Refused {
        /// In the server's words.
        reason: String,
    },
    /// The program that it runs has ended, and not well after it was asked to; the process ends in good order.
    ProgramEnded {
        /// Exit code, when it exited.
        code: Option<i32>,
        /// Signal, when one ended it.
        signal: Option<i32>,
        /// What it said at last, and why it was ended.
        message: String,
    },
    /// The job is done; the process ends. It says what it has used: nobody can look any more when it is gone.
    Done {
        /// Processor time of all its threads, in nanoseconds.
        cpu_ns: u64,
        /// Resident memory.
        memory_bytes: u64,
    },
    /// It cannot go on; the process ends.
    Failed {
        /// A sentence that names the thing and the remedy.
        message: String,
    },
}
