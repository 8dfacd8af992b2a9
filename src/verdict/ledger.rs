//! The ledger itself: all accounts and verdicts of a run.

use super::exclusion::Exclusion;
use super::message::Message;
use super::succession::Succession;
use crate::model::history::{History, Journal};
use crate::model::record::Handling;

/// What one handling is judged to be. Every handling gets exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// First handling of its message, right behind what was handled so far.
    InOrder,
    /// First handling, with a hole before it: order breaks here.
    Skipped,
    /// First handling, behind what was handled so far: a hole is filled late.
    Late,
    /// Repeated legally: uncommitted, in a contiguous replay.
    Redelivered,
    /// Repeated in any other way: state goes backwards.
    Regressed,
    /// Repeated because the stream holds a second copy of the message: charged to the publisher's side.
    ExtraCopy,
    /// Started, not handled: the handler failed or its process died.
    Aborted,
    /// Handled, and never attempted in this run, or not intact.
    Phantom,
}

impl Verdict {
    /// Whether it breaks order (`order_violations`).
    #[must_use]
    pub fn breaks_order(self) -> bool {
        matches!(self, Self::Skipped | Self::Late | Self::Regressed)
    }

    /// Whether it is a handling of a known message with success.
    #[must_use]
    pub fn is_handled(self) -> bool {
        !matches!(self, Self::Aborted | Self::Phantom)
    }
}

/// The line of one handling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of its message in [`Ledger::messages`]; `u32::MAX` when it is none of this run's.
    pub message: u32,
    /// Its verdict, by key (the contract).
    pub verdict: Verdict,
    /// Whether it is the first successful one of its message.
    pub first: bool,
    /// `skipped`: size of the hole. `late`, `redelivered`, `regressed`: how far behind the greatest rank handled.
    pub distance: u32,
}

/// Publisher side of the ledger, in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PublisherCounts {
    /// Handed to the connection at least once.
    pub attempted: u64,
    /// Confirmed stored.
    pub stored: u64,
    /// Known not stored.
    pub failed: u64,
    /// Cut off before an answer and never seen.
    pub unknown: u64,
    /// Cut off before an answer and found stored.
    pub surfaced: u64,
    /// Second stored copies.
    pub duplicate_stored: u64,
    /// Messages that stand in the stream behind one of their key with a greater sequence.
    pub publish_reordered: u64,
}

/// Verdicts of one sequence or a sum of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct OrderCounts {
    /// `in_order`.
    pub in_order: u64,
    /// `skipped`: holes.
    pub skipped: u64,
    /// Messages in these holes.
    pub hole_messages: u64,
    /// `late`.
    pub late: u64,
    /// `redelivered`.
    pub redelivered: u64,
    /// `regressed`.
    pub regressed: u64,
    /// Greatest distance of a `late` or `regressed` one, or size of a hole.
    pub distance_max: u64,
}

impl OrderCounts {
    /// `order_violations` = skipped + late + regressed.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.skipped + self.late + self.regressed
    }

    /// Verdicts given.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.in_order + self.redelivered + self.violations()
    }

    pub(super) fn join(&mut self, other: &Self) {
        self.in_order += other.in_order;
        self.skipped += other.skipped;
        self.hole_messages += other.hole_messages;
        self.late += other.late;
        self.redelivered += other.redelivered;
        self.regressed += other.regressed;
        self.distance_max = self.distance_max.max(other.distance_max);
    }

    pub(super) fn add(&mut self, verdict: Verdict, distance: u32) {
        self.add_many(verdict, 1, distance);
    }

    /// Adds `count` handlings with one verdict, the greatest of their distances. Holes are added one by one.
    pub(super) fn add_many(&mut self, verdict: Verdict, count: u64, distance: u32) {
        let distance = u64::from(distance);
        match verdict {
            Verdict::InOrder => self.in_order += count,
            Verdict::Skipped => {
                self.skipped += count;
                self.hole_messages += distance;
            }
            Verdict::Late => self.late += count,
            Verdict::Redelivered => self.redelivered += count,
            Verdict::Regressed => self.regressed += count,
            Verdict::ExtraCopy | Verdict::Aborted | Verdict::Phantom => {}
        }
        if verdict.breaks_order() && count > 0 {
            self.distance_max = self.distance_max.max(distance);
        }
    }
}

/// What happened in one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct PartitionCounts {
    /// Stored messages, surfaced ones included.
    pub stored: u64,
    /// Stored and never handled, though offered and not given up.
    pub unhandled: u64,
    /// Of these, lost.
    pub lost: u64,
    /// Verdicts by key (the contract) of the handlings in this partition.
    pub by_key: OrderCounts,
    /// Verdicts with the whole partition as one sequence.
    pub by_partition: OrderCounts,
}

/// All accounts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// One account a message, sorted by key and sequence within it.
    pub messages: Vec<Message>,
    /// One line a handling, in the order of journals and of records within them.
    pub entries: Vec<Entry>,
    /// Publisher side.
    pub publisher: PublisherCounts,
    /// Extra copies: (number of the message, stream sequence), sorted.
    pub copies: Vec<(u32, u64)>,
    /// Messages counted in `publish_reordered`, by number.
    pub reordered: Vec<u32>,
    /// Verdicts by key, over the run.
    pub order: OrderCounts,
    /// Verdicts by partition, over the run.
    pub partition_order: OrderCounts,
    /// Repeats that a second stored copy caused.
    pub extra_copies: u64,
    /// Repeats of what a server had confirmed as acknowledged and forgot when its process ended: charged to the server.
    pub forgotten_by_server: u64,
    /// Starts without success.
    pub aborted: u64,
    /// Handled, and never attempted or not intact.
    pub phantom: u64,
    /// Stored before the place where the consumers begin.
    pub not_offered: u64,
    /// Stored, offered and never handled, because a member or the server gave it up.
    pub dropped: u64,
    /// Stored and never handled by the end of the evidence, though offered and not given up.
    pub unhandled: u64,
    /// Of these, lost: all of them, unless the drain was cut while the fleet still worked its way to them.
    pub lost: u64,
    /// Stored, and removed by the stream's own limits before anybody had handled it; `None` where that cannot happen.
    pub evicted: Option<u64>,
    /// Stored, and not in the stream when it was read back at the end; `None` when it was not read, or limits may have removed them.
    pub lost_by_server: Option<u64>,
    /// Of these, before anybody had handled them.
    pub perished: u64,
    /// Handled in a partition that is not the one its key hashes to.
    pub misrouted: u64,
    /// Records that name a partition which the run does not have.
    pub misplaced: u64,
    /// By partition; longer than the manifest says when records name absurd ones.
    pub partitions: Vec<PartitionCounts>,
    /// Exclusion.
    pub exclusion: Exclusion,
    /// Succession.
    pub succession: Succession,
    /// Number of the first handling of each journal.
    pub(super) offsets: Vec<u32>,
}

impl Ledger {
    /// Handlings with success of messages of this run.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.order.handled() + self.extra_copies
    }

    /// Messages that nobody knew to be stored before the stream was read back, so that no drain waited for them.
    #[must_use]
    pub fn hidden(&self) -> u64 {
        let is_hidden = |message: &&Message| message.found && message.is_unhandled() && !message.lost;
        self.messages.iter().filter(is_hidden).count() as u64
    }

    /// The journal and the record behind a line of the ledger. `history` must be the one that was judged.
    #[must_use]
    pub fn source<'a>(&self, history: &'a History, entry: u32) -> Option<(&'a Journal, &'a Handling)> {
        let index = self.offsets.partition_point(|&offset| offset <= entry).checked_sub(1)?;
        let journal = history.journals.get(index)?;
        Some((journal, journal.handlings.get((entry - self.offsets[index]) as usize)?))
    }

    /// All lines with their journal and record, in order.
    pub fn lines<'a>(&'a self, history: &'a History) -> impl Iterator<Item = (&'a Entry, &'a Journal, &'a Handling)> {
        let sources = history.journals.iter().flat_map(|journal| journal.handlings.iter().map(move |h| (journal, h)));
        self.entries.iter().zip(sources).map(|(entry, (journal, handling))| (entry, journal, handling))
    }

    /// The message of a line, when it is one of this run's.
    #[must_use]
    pub fn message_of(&self, entry: &Entry) -> Option<&Message> {
        self.messages.get(entry.message as usize)
    }
}
