//! What the followed ledger counts, and the same of a ledger over the whole evidence: the two must be equal.

use serde::{Deserialize, Serialize};

use super::super::ledger::{Ledger, OrderCounts, PartitionCounts, PublisherCounts};
use super::super::succession::Succession;

/// All counts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Publisher side.
    pub publisher: PublisherCounts,
    /// Verdicts by key, over the run.
    pub order: OrderCounts,
    /// Verdicts by partition, over the run.
    pub partition_order: OrderCounts,
    /// Repeats that a second stored copy caused.
    pub extra_copies: u64,
    /// Repeats of what a server had confirmed as acknowledged and forgot when its process ended.
    pub forgotten_by_server: u64,
    /// Starts without success.
    pub aborted: u64,
    /// Handled, and never attempted or not intact.
    pub phantom: u64,
    /// Stored before the place where the consumers begin.
    pub not_offered: u64,
    /// Stored, offered and never handled, because a member or the server gave it up.
    pub dropped: u64,
    /// Stored and never handled, though offered and not given up.
    pub unhandled: u64,
    /// Of these, lost.
    pub lost: u64,
    /// Handled in a partition that is not the one its key hashes to.
    pub misrouted: u64,
    /// Records that name a partition which the run does not have.
    pub misplaced: u64,
    /// `overlap`.
    pub overlap: u64,
    /// Overlaps that a stale tail explains.
    pub overlap_stale_tail: u64,
    /// `dual_ownership`.
    pub dual_ownership: u64,
    /// `stale_handling`.
    pub stale_handling: u64,
    /// `stale_tail`.
    pub stale_tail: u64,
    /// By partition.
    pub partitions: Vec<PartitionCounts>,
    /// What was wrong between two epochs, and within one.
    pub succession: SuccessionCounts,
    /// Removed by the stream's own limits before anybody had handled them; `None` where that cannot happen.
    pub evicted: Option<u64>,
    /// Stored, and not in the stream when it was read back; `None` when that was not looked for.
    pub lost_by_server: Option<u64>,
    /// Of these, before anybody had handled them.
    pub perished: u64,
    /// Never handled and not lost, because nobody knew that they were stored before the stream was read back.
    pub hidden: u64,
}

/// Succession, in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SuccessionCounts {
    /// `epoch_rewind`.
    pub epoch_rewind: u64,
    /// `bad_rewind`.
    pub bad_rewind: u64,
    /// `delivery_gap`.
    pub delivery_gap: u64,
    /// `ghost_delivery`.
    pub ghost_delivery: u64,
    /// `stale_commit`.
    pub stale_commit: u64,
    /// `commit_ahead`, in messages.
    pub commit_ahead: u64,
    /// `skipped_start`, in messages.
    pub skipped_start: u64,
    /// The same in consumers that were opened.
    pub skipped_openings: u64,
}

impl SuccessionCounts {
    /// The counts of what was found.
    #[must_use]
    pub fn of(found: &Succession) -> Self {
        Self {
            epoch_rewind: found.epoch_rewinds.len() as u64,
            bad_rewind: found.bad_rewinds.len() as u64,
            delivery_gap: found.delivery_gaps.len() as u64,
            ghost_delivery: found.ghost_deliveries.len() as u64,
            stale_commit: found.stale_commits.len() as u64,
            commit_ahead: found.commits_ahead.len() as u64,
            skipped_start: found.skipped_starts.iter().map(|start| u64::from(start.messages)).sum(),
            skipped_openings: found.skipped_starts.len() as u64,
        }
    }
}

impl Account {
    /// Handlings with success of messages of this run.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.order.handled() + self.extra_copies
    }

    /// The counts of a ledger.
    #[must_use]
    pub fn of(ledger: &Ledger) -> Self {
        let found = &ledger.exclusion;
        Self {
            publisher: ledger.publisher,
            order: ledger.order,
            partition_order: ledger.partition_order,
            extra_copies: ledger.extra_copies,
            forgotten_by_server: ledger.forgotten_by_server,
            aborted: ledger.aborted,
            phantom: ledger.phantom,
            not_offered: ledger.not_offered,
            dropped: ledger.dropped,
            unhandled: ledger.unhandled,
            lost: ledger.lost,
            misrouted: ledger.misrouted,
            misplaced: ledger.misplaced,
            overlap: found.overlap.iter().sum(),
            overlap_stale_tail: found.overlap_stale_tail,
            dual_ownership: found.dual_ownership.len() as u64,
            stale_handling: found.stale_handling.len() as u64,
            stale_tail: found.stale_tail.len() as u64,
            partitions: ledger.partitions.clone(),
            succession: SuccessionCounts::of(&ledger.succession),
            evicted: ledger.evicted,
            lost_by_server: ledger.lost_by_server,
            perished: ledger.perished,
            hidden: ledger.hidden(),
        }
    }
}
