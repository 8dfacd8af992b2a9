//! One account of the workload `ledger`: what was applied to it, in the order of the store, and what is in it for good.
//!
//! Every write names the revision that it was worked out from, so the writes form a tree. What the last one goes back to
//! is in the balance; a write beside that line was overwritten by somebody who had not seen it.

use std::collections::{BTreeMap, BTreeSet};

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

/// Steps told before the first trouble, and after it.
const AROUND_FIRST: (usize, usize) = (3, 5);
/// The same for the first trouble of each further kind.
const AROUND_OTHERS: (usize, usize) = (1, 2);

/// The numbers of the steps that tell the story, rising: around the first trouble, and the first of each kind.
pub(super) fn worth_telling(steps: &[Step]) -> BTreeSet<usize> {
    let kinds = [Ruling::Early, Ruling::Late, Ruling::Again, Ruling::Overwritten, Ruling::Dropped];
    let of_kind = kinds.iter().map(|kind| steps.iter().position(|step| step.ruling == *kind));
    let others = of_kind.chain([steps.iter().position(Step::overdraws)]);
    let first = (steps.iter().position(Step::is_trouble), AROUND_FIRST);
    let around = std::iter::once(first).chain(others.map(|at| (at, AROUND_OTHERS)));
    let around = around.filter_map(|(at, (before, after))| Some(at?.saturating_sub(before)..=at? + after));
    around.flatten().filter(|index| *index < steps.len()).collect()
}

/// What the store holds after a write.
fn after(posting: &Posting) -> Balance {
    posting.held.after(posting.key_seq, posting.amount, posting.at)
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
            && let Some(place) = open.iter().position(|&index| {
                let posting = &postings[index].1;
                after(posting) == held && posting.held_revision < revision
            })
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
    let mut seen = BTreeSet::new();
    let judged = order.into_iter().map(|((revision, is_skipped, _), index)| {
        let (by, posting) = &postings[index];
        let highest = seen.last().copied().unwrap_or(0_u32);
        let ruling = if is_skipped {
            if seen.contains(&posting.key_seq) { Ruling::Repeat } else { Ruling::Dropped }
        } else if in_store.binary_search(&revision).is_err() {
            Ruling::Overwritten
        } else if !seen.insert(posting.key_seq) {
            Ruling::Again
        } else if posting.key_seq.checked_sub(1) == Some(highest) {
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::bank::{self, Bank, Repeats, Store, Write};
    use crate::model::record::Role;

    const SEED: u64 = 1;

    /// A store as it really is: its balance, its revision, and every message that went into the balance.
    #[derive(Clone, Default)]
    struct Truth {
        held: Balance,
        revision: u64,
        line: Vec<u32>,
        overdrafts: u64,
        /// Writes that were in it at some time.
        landed: u64,
    }

    /// Members that read and write one account in any interleaving, as `events` say; answers may be lost on the way.
    fn played(bank: Bank, events: &[(bool, u8, u8)]) -> (Vec<(Author, Posting)>, Truth) {
        let mut postings = Vec::new();
        let mut store = Truth::default();
        let mut under_way: Vec<(usize, Balance, Truth)> = Vec::new();
        for (time, (begins, which, luck)) in (1..).zip(events) {
            let at = MonoNs(time);
            let author = Author { role: Role::Consumer, index: u16::from(which % 3), life: 1 };
            if *begins {
                let key_seq = u32::from(which % 7) + 1;
                let amount = bank::amount(SEED, 0, key_seq);
                let next = bank.apply(store.held, key_seq, amount, at);
                let fate = if next.is_some() { PostingFate::Unknown } else { PostingFate::Skipped { at } };
                let (held, held_revision) = (store.held, store.revision);
                let posting = Posting { at, key: 0, key_seq, partition: 0, amount, held, held_revision, fate };
                if let Some(next) = next {
                    under_way.push((postings.len(), next, store.clone()));
                }
                postings.push((author, posting));
            } else if !under_way.is_empty() {
                let (index, next, read) = under_way.swap_remove(usize::from(*which) % under_way.len());
                let lands = bank.write == Write::LastWriteWins || read.revision == store.revision;
                let is_heard = luck % 3 > 0;
                let posting: &mut Posting = &mut postings[index].1;
                if lands {
                    let line = read.line.into_iter().chain([posting.key_seq]).collect();
                    let overdrafts = store.overdrafts + u64::from(next.balance < 0);
                    store =
                        Truth { held: next, revision: store.revision + 1, line, overdrafts, landed: store.landed + 1 };
                }
                posting.fate = match (is_heard, lands) {
                    (false, _) => PostingFate::Unknown,
                    (true, true) => PostingFate::Written { at, revision: store.revision },
                    (true, false) => PostingFate::Refused { at },
                };
            }
        }
        (postings, store)
    }

    proptest! {
        /// Held against a store that remembers what went into it.
        #[test]
        fn an_account_is_what_really_happened_to_it(
            events in prop::collection::vec(any::<(bool, u8, u8)>(), 0..60),
            write in prop::sample::select(vec![Write::CompareAndSet, Write::LastWriteWins]),
            repeats in prop::sample::select(vec![Repeats::Skip, Repeats::Apply]),
        ) {
            let (postings, truth) = played(Bank { store: Store::Kv, write, repeats }, &events);
            let last = FinalBalance { account: 0, held: truth.held, revision: truth.revision };
            let found = Account::of(&postings, Some(&last));
            let mut line = truth.line.clone();
            line.sort_unstable();
            line.dedup();
            prop_assert_eq!(found.balance(), truth.held.balance);
            prop_assert_eq!(found.doubly, (truth.line.len() - line.len()) as u64);
            prop_assert_eq!(&found.applied, &line);
            let overdrafts = found.steps.iter().filter(|step| step.overdraws()).count() as u64;
            if write == Write::CompareAndSet {
                prop_assert_eq!(overdrafts, truth.overdrafts);
                prop_assert_eq!(found.count(Ruling::Overwritten), 0, "nobody writes over what he has not seen");
            } else {
                prop_assert!(overdrafts <= truth.overdrafts, "what nobody heard or read of is not seen");
            }
            let overwritten = truth.landed - truth.line.len() as u64;
            if postings.iter().all(|(_, posting)| posting.fate != PostingFate::Unknown) {
                prop_assert_eq!(found.count(Ruling::Overwritten), overwritten);
                prop_assert_eq!(overdrafts, truth.overdrafts);
            }
            prop_assert!(found.count(Ruling::Overwritten) <= overwritten);
            if repeats == Repeats::Skip {
                prop_assert_eq!(found.doubly, 0);
            }
        }

        #[test]
        fn no_evidence_makes_it_panic(
            torn in prop::collection::vec(any::<(u32, i32, i64, u32, u16, u64, u64, u8)>(), 0..20),
            last in prop::option::of(any::<(i64, u32, u16, u64)>()),
        ) {
            let author = Author { role: Role::Consumer, index: 0, life: 1 };
            let postings: Vec<(Author, Posting)> = torn.into_iter().map(|(key_seq, amount, balance, sequence, mark, held_revision, revision, fate)| {
                let at = MonoNs(u64::from(fate));
                let fate = match fate % 4 {
                    0 => PostingFate::Unknown,
                    1 => PostingFate::Skipped { at },
                    2 => PostingFate::Refused { at },
                    _ => PostingFate::Written { at, revision },
                };
                let held = Balance { balance, sequence, mark };
                (author, Posting { at, key: 0, key_seq, partition: 0, amount, held, held_revision, fate })
            }).collect();
            let last = last.map(|(balance, sequence, mark, revision)| {
                FinalBalance { account: 0, held: Balance { balance, sequence, mark }, revision }
            });
            let _ = Account::of(&postings, last.as_ref());
        }
    }
}
