//! What the followed ledger counts, and the same of a ledger over the whole evidence: the two must be equal.

use serde::{Deserialize, Serialize};

use super::super::ledger::{Ledger, OrderCounts, PartitionCounts, PublisherCounts};

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
}

impl Account {
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
        }
    }
}
