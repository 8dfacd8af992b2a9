//! Succession: what was wrong where one epoch of a partition ended and the next began, and in the steps within one.
//!
//! These are hazards of takeovers (`docs/hazards.md`). What follows from them for the order of a key, or for a message, has
//! its verdict in the ledger already; here stands how it came about.

use std::collections::HashMap;

use super::deed::Deed;
use super::grants::Grants;
use super::grouped;
use super::ledger::Ledger;
use super::partitions::{NEVER, Partitions, Slot};
use crate::model::history::{History, Journal};
use crate::model::record::{Commit, Handling, Ownership, OwnershipChange, Reach};
use crate::model::time::MonoNs;

/// What was found. Handlings are named by their number in [`Ledger::entries`], messages by theirs in [`Ledger::messages`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Succession {
    /// `epoch_rewind`: handled in an epoch that had handled it, or a later message of its partition, before.
    pub epoch_rewinds: Vec<u32>,
    /// `bad_rewind`: a replay at the beginning of an epoch that leaves out what had been handled before it.
    pub bad_rewinds: Vec<u32>,
    /// `delivery_gap`: handled although the delivery before it, in the same epoch, never came.
    pub delivery_gaps: Vec<u32>,
    /// `ghost_delivery`: handled, and delivered to a session after a later epoch had been granted.
    pub ghost_deliveries: Vec<u32>,
    /// `stale_commit`: progress that the server confirmed to a session for what it had begun after a later epoch was granted.
    pub stale_commits: Vec<Place>,
    /// `commit_ahead`: messages that a confirmed commit covered before anybody had handled them.
    pub commits_ahead: Vec<u32>,
    /// `skipped_start`: consumers that were opened behind messages that nobody had handled by then.
    pub skipped_starts: Vec<SkippedStart>,
}

/// A record that is no handling: number of the journal, number of the record among those of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The journal.
    pub journal: u32,
    /// The record.
    pub record: u32,
}

/// A consumer that was opened too far ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SkippedStart {
    /// The record of its opening, among the ownership records.
    pub opened: Place,
    /// How many messages it passed over that no opening before it had.
    pub messages: u32,
}

/// Judges succession from handlings that are grouped by partition and sorted by start within it.
pub(super) fn succession(
    history: &History,
    ledger: &Ledger,
    grants: &Grants,
    partitions: &Partitions,
    by_partition: &[Deed],
) -> Succession {
    let mut found = Succession::default();
    for (index, journal) in (0..).zip(&history.journals) {
        deliveries(index, journal, ledger, grants, &mut found);
    }
    for deeds in grouped::slices(by_partition, |deed| deed.partition.into()) {
        replays(deeds, partitions, &mut found);
    }
    commits_ahead(history, partitions, &mut found);
    skipped_starts(history, partitions, &mut found);
    found
}

/// What one session was given, in the order in which it was: gaps, what came too late, what it committed all the same.
fn deliveries(index: u32, journal: &Journal, ledger: &Ledger, grants: &Grants, found: &mut Succession) {
    let first = ledger.offsets.get(index as usize).copied().unwrap_or_default();
    let mut last: HashMap<u16, (u32, u32)> = HashMap::new();
    // What it began in an epoch that was over: partition, stream sequence.
    let mut stale: HashMap<(u16, u64), MonoNs> = HashMap::new();
    for (id, handling) in (first..).zip(&journal.handlings).filter(|(_, handling)| handling.epoch != 0) {
        if follows_a_gap(handling, &mut last) {
            found.delivery_gaps.push(id);
        }
        if let Some(granted) = grants.superseded(handling.partition, handling.epoch) {
            if granted < handling.received {
                found.ghost_deliveries.push(id);
            }
            if granted < handling.started {
                let begun = stale.entry((handling.partition, handling.stream_seq)).or_insert(handling.started);
                *begun = handling.started.min(*begun);
            }
        }
    }
    let is_stale = |commit: &Commit| {
        let begun = stale.get(&(commit.partition, commit.stream_seq));
        begun.is_some_and(|begun| *begun < commit.at)
    };
    let commits = (0..).zip(&journal.commits).filter(|(_, commit)| is_stale(commit));
    found.stale_commits.extend(commits.map(|(record, _)| Place { journal: index, record }));
}

/// Whether the delivery before this one is missing. One that failed is handled again under its own sequence.
fn follows_a_gap(handling: &Handling, last: &mut HashMap<u16, (u32, u32)>) -> bool {
    if handling.consumer_seq == 0 {
        return false;
    }
    let before = last.insert(handling.partition, (handling.epoch, handling.consumer_seq));
    before.is_some_and(|(epoch, seq)| epoch == handling.epoch && handling.consumer_seq > seq.saturating_add(1))
}

/// Replays: within an epoch nothing goes backwards, and what an epoch repeats at its beginning it repeats whole.
fn replays(deeds: &[Deed], partitions: &Partitions, found: &mut Succession) {
    let Some(messages) = deeds.first().and_then(|deed| partitions.get(deed.partition)) else { return };
    let mut high = 0;
    // By epoch: the last rank that it handled, and how far the others had come when it began.
    let mut epochs: HashMap<u32, (u32, u32)> = HashMap::new();
    for deed in deeds.iter().filter(|deed| deed.ok && deed.rank > 0 && !deed.extra && !deed.elsewhere) {
        let rank = deed.rank;
        match epochs.get_mut(&deed.epoch) {
            // Handled outside any epoch: it is done, and that is all.
            None if deed.epoch == 0 => {}
            None => {
                if rank > high && messages.handled_between(high, rank) {
                    found.bad_rewinds.push(deed.id);
                }
                epochs.insert(deed.epoch, (rank, high));
            }
            Some((last, reached)) => {
                if rank <= *last {
                    found.epoch_rewinds.push(deed.id);
                } else if rank <= *reached && messages.handled_between(*last, rank) {
                    found.bad_rewinds.push(deed.id);
                }
                *last = rank;
            }
        }
        high = high.max(rank);
    }
}

/// Messages whose first successful handling ended after a commit that covers them, or that never had one.
fn commits_ahead(history: &History, partitions: &Partitions, found: &mut Succession) {
    let mut covered: Vec<Option<Vec<MonoNs>>> = vec![None; partitions.0.len()];
    let mut up_to: Vec<Option<Vec<MonoNs>>> = vec![None; partitions.0.len()];
    for commit in history.journals.iter().flat_map(|journal| &journal.commits) {
        let Some(messages) = partitions.get(commit.partition) else { continue };
        let (table, at) = match commit.reach {
            Reach::Exact => (&mut covered, messages.at(commit.stream_seq)),
            Reach::UpTo => (&mut up_to, messages.below(commit.stream_seq.saturating_add(1)).checked_sub(1)),
        };
        let Some(at) = at else { continue };
        let table = table[usize::from(commit.partition)].get_or_insert_with(|| vec![NEVER; messages.0.len()]);
        table[at] = table[at].min(commit.at);
    }
    for ((messages, exact), up_to) in partitions.0.iter().zip(covered).zip(up_to) {
        if exact.is_none() && up_to.is_none() {
            continue;
        }
        let mut earliest = NEVER;
        for (at, message) in messages.0.iter().enumerate().rev() {
            earliest = up_to.as_ref().map_or(NEVER, |table| table[at]).min(earliest);
            let covered = exact.as_ref().map_or(NEVER, |table| table[at]).min(earliest);
            if covered < message.done && covered != NEVER && message.due {
                found.commits_ahead.push(message.id);
            }
        }
    }
    found.commits_ahead.sort_unstable();
}

/// Consumers that were opened behind messages whose first successful handling had not ended by then.
fn skipped_starts(history: &History, partitions: &Partitions, found: &mut Succession) {
    let mut passed: Vec<usize> = vec![0; partitions.0.len()];
    let mut openings: Vec<(&Ownership, u64, Place)> = Vec::new();
    for (index, journal) in (0..).zip(&history.journals) {
        for (record, ownership) in (0..).zip(&journal.ownership) {
            if let OwnershipChange::Opened { start_seq } = ownership.change {
                openings.push((ownership, start_seq, Place { journal: index, record }));
            }
        }
    }
    openings.sort_by_key(|(ownership, ..)| ownership.at);
    for (ownership, start_seq, opened) in openings {
        let Some(messages) = partitions.get(ownership.partition) else { continue };
        let passed = &mut passed[usize::from(ownership.partition)];
        let below = messages.below(start_seq);
        let open = |message: &&Slot| message.due && message.done > ownership.at;
        let count = messages.0.get(*passed..below).map_or(0, |rest| rest.iter().filter(open).count());
        if count > 0 {
            found.skipped_starts.push(SkippedStart { opened, messages: u32::try_from(count).unwrap_or(u32::MAX) });
        }
        *passed = below.max(*passed);
    }
}
