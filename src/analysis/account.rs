//! One account of the workload `ledger`: what was applied to it, in the order of the store, and what is in it for good.
//!
//! Every write names the revision that it was worked out from, so the writes form a tree. What the last one goes back to
//! is in the balance; a write beside that line was overwritten by somebody who had not seen it.

use std::collections::BTreeMap;

use crate::model::bank::{Balance, FinalBalance};
use crate::model::record::{Author, Posting, PostingFate};
use crate::model::report::Ruling;
use crate::model::time::MonoNs;

/// One application of a message to the account, done or left undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// When it was known to be in the store, or left out of it. For one whose answer was cut off: when it was tried.
    pub(super) at: MonoNs,
    /// Who did it.
    pub(super) by: Author,
    /// Sequence of the message in its key.
    pub(super) key_seq: u32,
    /// What the message says.
    pub(super) amount: i32,
    /// The balance afterwards.
    pub(super) balance: i64,
    /// What it is judged to be.
    pub(super) ruling: Ruling,
}

impl Step {
    /// Whether it left the account below zero.
    pub(super) fn overdraws(&self) -> bool {
        self.is_written() && self.balance < 0
    }

    /// Whether it was written to the store.
    pub(super) fn is_written(&self) -> bool {
        !matches!(self.ruling, Ruling::Repeat | Ruling::Dropped)
    }

    /// Whether it is not what happens in order, each message once.
    pub(super) fn is_trouble(&self) -> bool {
        self.overdraws() || !matches!(self.ruling, Ruling::InOrder | Ruling::Repeat)
    }
}

/// What was done to one account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Account {
    /// In the order of the store.
    pub(super) steps: Vec<Step>,
    /// The messages that are in the last balance, each once, rising.
    pub(super) applied: Vec<u32>,
    /// Messages that are in it more than once, each time but the first.
    pub(super) doubly: u64,
}

/// A write whose revision is known.
#[derive(Clone, Copy)]
struct Written {
    posting: usize,
    revision: u64,
}

impl Account {
    /// Puts together what `postings`, of one account, did. `last` is what the store held in the end, when it is known.
    pub(super) fn of(postings: &[(Author, Posting)], last: Option<&FinalBalance>) -> Self {
        let writes = writes(postings, last);
        let in_store = in_store(postings, &writes, last);
        let mut applied: Vec<u32> =
            in_store.iter().map(|revision| postings[writes[revision].posting].1.key_seq).collect();
        applied.sort_unstable();
        let all = applied.len();
        applied.dedup();
        let doubly = (all - applied.len()) as u64;
        Self { steps: steps(postings, &writes, &in_store), applied, doubly }
    }

    /// The last balance that the evidence gives.
    pub(super) fn balance(&self) -> i64 {
        let in_store = |step: &&Step| step.is_written() && step.ruling != Ruling::Overwritten;
        self.steps.iter().rfind(in_store).map_or(0, |step| step.balance)
    }

    /// How many steps have a ruling.
    pub(super) fn count(&self, ruling: Ruling) -> u64 {
        self.steps.iter().filter(|step| step.ruling == ruling).count() as u64
    }
}

/// What the store holds after a write.
fn after(posting: &Posting) -> Balance {
    let balance = posting.held.balance.saturating_add(posting.amount.into());
    Balance { balance, sequence: posting.held.sequence.max(posting.key_seq) }
}

/// The writes by revision. One whose answer was cut off is in the store when somebody read what it wrote: a balance at a
/// revision that no other write had.
fn writes(postings: &[(Author, Posting)], last: Option<&FinalBalance>) -> BTreeMap<u64, Written> {
    let mut writes = BTreeMap::new();
    let mut open = Vec::new();
    for (index, (_, posting)) in postings.iter().enumerate() {
        match posting.fate {
            PostingFate::Written { revision, .. } => {
                writes.insert(revision, Written { posting: index, revision });
            }
            PostingFate::Unknown => open.push(index),
            PostingFate::Refused { .. } | PostingFate::Skipped { .. } => {}
        }
    }
    let read = postings.iter().map(|(_, posting)| (posting.held_revision, posting.held));
    let mut seen: Vec<(u64, Balance)> = read.chain(last.map(|last| (last.revision, last.held))).collect();
    seen.sort_unstable_by_key(|(revision, _)| *revision);
    seen.dedup_by_key(|(revision, _)| *revision);
    for (revision, held) in seen.into_iter().filter(|(revision, _)| *revision > 0) {
        if !writes.contains_key(&revision)
            && let Some(place) = open.iter().position(|&index| after(&postings[index].1) == held)
        {
            writes.insert(revision, Written { posting: open.swap_remove(place), revision });
        }
    }
    writes
}

/// The revisions whose writes are in the last balance: the last one, and what each goes back to.
fn in_store(postings: &[(Author, Posting)], writes: &BTreeMap<u64, Written>, last: Option<&FinalBalance>) -> Vec<u64> {
    let newest = writes.last_key_value().map(|(revision, _)| *revision);
    let mut next = last.map(|last| last.revision).filter(|revision| writes.contains_key(revision)).or(newest);
    let mut line = Vec::new();
    while let Some(write) = next.and_then(|revision| writes.get(&revision)) {
        line.push(write.revision);
        // A torn record may name itself or a later one.
        next = Some(postings[write.posting].1.held_revision).filter(|held| *held < write.revision);
    }
    line.reverse();
    line
}

/// Everything that was done, in the order of the store, judged.
fn steps(postings: &[(Author, Posting)], writes: &BTreeMap<u64, Written>, in_store: &[u64]) -> Vec<Step> {
    // What was left undone stands behind the balance that it was decided by.
    let written = writes.values().map(|write| ((write.revision, false, MonoNs(0)), write.posting));
    let skipped = postings.iter().enumerate().filter_map(|(index, (_, posting))| match posting.fate {
        PostingFate::Skipped { at } => Some(((posting.held_revision, true, at), index)),
        _ => None,
    });
    let mut order: Vec<_> = written.chain(skipped).collect();
    order.sort_unstable();
    let mut seen = std::collections::BTreeSet::new();
    let judged = order.into_iter().map(|((revision, is_skipped, _), index)| {
        let (by, posting) = &postings[index];
        let highest = seen.last().copied().unwrap_or(0_u32);
        let ruling = if is_skipped {
            if seen.contains(&posting.key_seq) { Ruling::Repeat } else { Ruling::Dropped }
        } else if in_store.binary_search(&revision).is_err() {
            Ruling::Overwritten
        } else if !seen.insert(posting.key_seq) {
            Ruling::Again
        } else if posting.key_seq == highest + 1 {
            Ruling::InOrder
        } else if posting.key_seq > highest {
            Ruling::Early
        } else {
            Ruling::Late
        };
        let at = match posting.fate {
            PostingFate::Written { at, .. } | PostingFate::Skipped { at } => at,
            PostingFate::Unknown | PostingFate::Refused { .. } => posting.at,
        };
        let balance = if is_skipped { posting.held.balance } else { after(posting).balance };
        Step { at, by: *by, key_seq: posting.key_seq, amount: posting.amount, balance, ruling }
    });
    judged.collect()
}
