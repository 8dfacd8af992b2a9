//! Accounts: what became of balances, when the workload is the ledger. Else none of these has a reading.

use super::Metric;
use super::Pen;
use crate::analysis::{BankFinding, Findings};
use crate::model::reading::{Better, Scope, Stat};

/// The family.
pub(super) const METRICS: &[Metric] = &[
    Metric {
        id: "accounts",
        unit: "count",
        better: Better::None,
        about: "ledger: accounts with at least one stored message",
        read: |found, pen| count(found, pen, |bank| (bank.accounts, bank.accounts)),
    },
    Metric {
        id: "accounts_misstored",
        unit: "count",
        better: Better::Lower,
        about: "ledger: accounts whose messages are not stored in order without a hole: left out of the judgement",
        read: |found, pen| count(found, pen, |bank| (bank.misstored, bank.accounts)),
    },
    Metric {
        id: "overdrafts",
        unit: "count",
        better: Better::Lower,
        about: "ledger: applications that left their account below zero",
        read: |found, pen| count(found, pen, |bank| (bank.overdrafts, bank.postings)),
    },
    Metric {
        id: "accounts_overdrawn",
        unit: "count",
        better: Better::Lower,
        about: "ledger: accounts that were below zero at least once",
        read: |found, pen| count(found, pen, |bank| (bank.overdrawn, bank.accounts - bank.misstored)),
    },
    Metric {
        id: "wrong_balances",
        unit: "count",
        better: Better::Lower,
        about: "ledger: accounts that hold in the end something else than the sum of their messages",
        read: |found, pen| ended(found, pen, |ended| (ended.wrong, ended.judged)),
    },
    Metric {
        id: "doubly_applied",
        unit: "count",
        better: Better::Lower,
        about: "ledger: applications beyond the first of a message",
        read: |found, pen| count(found, pen, |bank| (bank.doubly_applied, bank.postings)),
    },
    Metric {
        id: "not_applied",
        unit: "count",
        better: Better::Lower,
        about: "ledger: stored messages that are not in the last balance of their account",
        read: |found, pen| ended(found, pen, |ended| (ended.not_applied, ended.messages)),
    },
    Metric {
        id: "overwritten",
        unit: "count",
        better: Better::Lower,
        about: "ledger: balances that somebody wrote over who had not seen them",
        read: |found, pen| count(found, pen, |bank| (bank.overwritten, bank.postings)),
    },
    Metric {
        id: "taken_for_repeats",
        unit: "count",
        better: Better::None,
        about: "ledger: handlings that were not applied, because a later or the same message had been",
        read: |found, pen| count(found, pen, |bank| (bank.skipped, bank.postings + bank.skipped)),
    },
    Metric {
        id: "write_conflicts",
        unit: "count",
        better: Better::None,
        about: "ledger: writes refused because the account had been written since it was read, and then tried again",
        read: |found, pen| count(found, pen, |bank| (bank.conflicts, bank.postings + bank.conflicts)),
    },
    Metric {
        id: "posting",
        unit: "ms",
        better: Better::Lower,
        about: "ledger: time from a balance read to the new one confirmed; where balances are kept in a store",
        read: |found, pen| {
            if let Some(times) = found.bank.as_ref().and_then(|bank| bank.posting.as_ref()) {
                pen.histogram(&Scope::Run, times, false);
            }
        },
    },
];

fn count(found: &Findings, pen: &mut Pen<'_>, read: fn(&BankFinding) -> (u64, u64)) {
    if let Some(bank) = &found.bank {
        let (count, of) = read(bank);
        pen.count(Scope::Run, count, of);
    }
}

/// How the accounts ended: absent when the run did not get there, or the balances could not be read back.
fn ended(found: &Findings, pen: &mut Pen<'_>, read: fn(&crate::analysis::Ended) -> (u64, u64)) {
    if let Some(bank) = &found.bank {
        let (count, of) = bank.ended.as_ref().map_or((None, 0), |ended| {
            let (count, of) = read(ended);
            (Some(count as f64), of)
        });
        pen.write(Scope::Run, Stat::Count, count, of).censored = bank.ended.is_none_or(|ended| ended.censored);
    }
}
