//! The audit of the workload `ledger`: what became of the accounts, held against what they would hold in order.
//!
//! Where balances are kept in a store, the members' postings and the balances read back at the end are the evidence.
//! Where they are kept nowhere, each handling that succeeded is applied at its end, as if to one store of all members.

mod evidence;
mod told;

#[cfg(test)]
mod planted;

use hdrhistogram::Histogram;

use super::account::Account;
use super::findings::FaultFinding;
use super::timeline::Timeline;
use crate::model::bank::{self, Bank, FinalBalance, Store};
use crate::model::history::History;
use crate::model::record::{Author, Posting, PostingFate};
use crate::model::report::{AccountStory, Accounts, Ruling};
use crate::verdict::{Ledger, Message};
use evidence::{last_balances, nothing_held, times, worked_out, written_down};
use told::Told;

/// As many accounts are told as a story.
const TOLD: usize = 3;

/// What became of the accounts.
#[derive(Clone, Debug)]
pub struct BankFinding {
    /// Where the balances were kept.
    pub bank: Bank,
    /// Accounts with at least one stored message.
    pub accounts: u64,
    /// Of these, those whose messages are not stored in order without a hole: the publisher's fault or the server's. They are
    /// left out of everything below.
    pub misstored: u64,
    /// Applications that are or were in the store.
    pub postings: u64,
    /// Applications that left their account below zero.
    pub overdrafts: u64,
    /// Accounts that this happened to.
    pub overdrawn: u64,
    /// Applications beyond the first of a message.
    pub doubly_applied: u64,
    /// Writes that another one, which had not seen them, went over.
    pub overwritten: u64,
    /// Messages taken for repeats, rightly or not.
    pub skipped: u64,
    /// Writes that the store refused because the account had been written since it was read.
    pub conflicts: u64,
    /// How the accounts ended, where that can be told.
    pub ended: Option<Ended>,
    /// Time from the balance read to the new one confirmed, of postings in the measure phase; where there is a store.
    pub posting: Option<Histogram<u64>>,
    /// The worst accounts, the worst first.
    pub worst: Vec<AccountStory>,
}

/// How the accounts ended: known when the run drained, and the balances were read back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Accounts judged.
    pub judged: u64,
    /// Messages of these.
    pub messages: u64,
    /// Accounts that hold something else than the sum of their messages.
    pub wrong: u64,
    /// Messages that are not in the last balance.
    pub not_applied: u64,
    /// Some accounts still waited for messages when the drain was cut, and are left out.
    pub censored: bool,
}

impl BankFinding {
    /// The accounts in the words of the report.
    #[must_use]
    pub fn told(&self) -> Accounts {
        Accounts { bank: self.bank, worst: self.worst.clone() }
    }
}

/// Audits the accounts of a run; `None` when its workload has none.
pub(super) fn audit(
    history: &History,
    timeline: &Timeline,
    ledger: &Ledger,
    faults: &[FaultFinding],
) -> Option<BankFinding> {
    let bank = history.manifest.bank?;
    let seed = history.manifest.seed;
    let postings = match bank.store {
        Store::Kv => written_down(history),
        Store::Memory => worked_out(bank, seed, history, ledger),
    };
    let last = last_balances(history);
    let mut audit = Audit {
        found: BankFinding::empty(bank),
        judges_ends: timeline.reached_end_of_drain() && (bank.store == Store::Memory || last.is_some()),
        ended: Ended::default(),
        told: Vec::new(),
        seed,
    };
    for messages in ledger.messages.chunk_by(|left, right| left.key == right.key) {
        let key = messages[0].key;
        let of_key = postings.get(&key).map_or(&[][..], Vec::as_slice);
        let last = last.as_ref().map(|last| last.get(&key).copied().unwrap_or_else(|| nothing_held(key)));
        audit.account(messages, of_key, last.as_ref());
    }
    let mut found = audit.found;
    found.ended = audit.judges_ends.then_some(audit.ended);
    found.posting = (bank.store == Store::Kv).then(|| times(history, timeline));
    audit.told.sort_by_key(|told| std::cmp::Reverse(told.weight()));
    found.worst = audit.told.iter().take(TOLD).map(|told| told.tell(timeline, faults, seed)).collect();
    Some(found)
}

/// The audit under way.
struct Audit {
    found: BankFinding,
    /// Whether it can be said how the accounts ended.
    judges_ends: bool,
    ended: Ended,
    /// Accounts that something happened to.
    told: Vec<Told>,
    seed: u64,
}

impl Audit {
    fn account(&mut self, messages: &[Message], postings: &[(Author, Posting)], last: Option<&FinalBalance>) {
        let stored: Vec<&Message> = messages.iter().filter(|message| message.is_stored()).collect();
        let Some(first) = stored.first() else { return };
        let found = &mut self.found;
        found.accounts += 1;
        if stored.iter().any(|message| message.rank != message.key_seq) {
            found.misstored += 1;
            return;
        }
        let account = Account::of(postings, last);
        let overdrafts = account.steps.iter().filter(|step| step.overdraws()).count() as u64;
        found.postings += account.steps.iter().filter(|step| step.is_written()).count() as u64;
        found.overdrafts += overdrafts;
        found.overdrawn += u64::from(overdrafts > 0);
        found.doubly_applied += account.doubly;
        found.overwritten += account.count(Ruling::Overwritten);
        found.skipped += account.count(Ruling::Repeat) + account.count(Ruling::Dropped);
        found.conflicts +=
            postings.iter().filter(|(_, posting)| matches!(posting.fate, PostingFate::Refused { .. })).count() as u64;

        let in_order = bank::balance(self.seed, first.key, u32::try_from(stored.len()).unwrap_or(u32::MAX));
        let waits = stored.iter().any(|message| message.is_unhandled() && !message.lost);
        let mut told = Told {
            key: first.key,
            partition: first.partition,
            messages: stored.len() as u64,
            balance: None,
            in_order,
            overdrafts,
            not_applied: 0,
            account,
        };
        if self.judges_ends && !waits {
            let balance = match self.found.bank.store {
                Store::Kv => last.map_or(0, |last| last.held.balance),
                Store::Memory => told.account.balance(),
            };
            let is_missing = |message: &&&Message| told.account.applied.binary_search(&message.key_seq).is_err();
            told.not_applied = stored.iter().filter(is_missing).count() as u64;
            told.balance = Some(balance);
            self.ended.judged += 1;
            self.ended.messages += stored.len() as u64;
            self.ended.wrong += u64::from(balance != in_order);
            self.ended.not_applied += told.not_applied;
        }
        self.ended.censored |= self.judges_ends && waits;
        if told.weight().0 > 0 || told.balance.is_some_and(|balance| balance != in_order) {
            self.told.push(told);
        }
    }
}

impl BankFinding {
    fn empty(bank: Bank) -> Self {
        Self {
            bank,
            accounts: 0,
            misstored: 0,
            postings: 0,
            overdrafts: 0,
            overdrawn: 0,
            doubly_applied: 0,
            overwritten: 0,
            skipped: 0,
            conflicts: 0,
            ended: None,
            posting: None,
            worst: Vec::new(),
        }
    }
}
