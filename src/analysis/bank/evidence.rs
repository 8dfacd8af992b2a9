//! What the evidence says of accounts: postings, written down or worked out, and the balances read back.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use crate::analysis::latency;
use crate::analysis::timeline::Timeline;
use crate::model::bank::{self, Balance, Bank, FinalBalance};
use crate::model::history::History;
use crate::model::record::{Author, Posting, PostingFate};
use crate::model::story::{StoryEvent, StoryLine};
use crate::verdict::Ledger;

/// Postings by account.
pub(super) type ByAccount = BTreeMap<u32, Vec<(Author, Posting)>>;

/// The postings that members wrote down, by account.
pub(super) fn written_down(history: &History) -> ByAccount {
    let mut by_account = ByAccount::new();
    for journal in &history.journals {
        for posting in &journal.postings {
            by_account.entry(posting.key).or_default().push((journal.author, *posting));
        }
    }
    by_account
}

/// What the handlings would have done to a store of all members, each at its end and all at once.
pub(super) fn worked_out(bank: Bank, seed: u64, history: &History, ledger: &Ledger) -> ByAccount {
    let mut ends: Vec<_> = ledger
        .lines(history)
        .filter(|(entry, ..)| entry.verdict.is_handled())
        .filter_map(|(_, journal, handling)| Some((handling.finished?.at, journal.author, handling)))
        .collect();
    // At the same nanosecond in the order of the evidence.
    ends.sort_by_key(|(at, ..)| *at);
    let mut by_account = ByAccount::new();
    let mut held: BTreeMap<u32, (Balance, u64)> = BTreeMap::new();
    for (revision, (at, author, handling)) in (1..).zip(ends) {
        let (before, held_revision) = held.get(&handling.key).copied().unwrap_or_default();
        let amount = bank::amount(seed, handling.key, handling.key_seq);
        let next = bank.apply(before, handling.key_seq, amount, at);
        if let Some(next) = next {
            held.insert(handling.key, (next, revision));
        }
        let fate = next.map_or(PostingFate::Skipped { at }, |_| PostingFate::Written { at, revision });
        let posting = Posting {
            at,
            key: handling.key,
            key_seq: handling.key_seq,
            partition: handling.partition,
            amount,
            held: before,
            held_revision,
            fate,
        };
        by_account.entry(handling.key).or_default().push((author, posting));
    }
    by_account
}

/// The balances that the driver read back; `None` when it did not get them all.
pub(super) fn last_balances(history: &History) -> Option<BTreeMap<u32, FinalBalance>> {
    let is_whole = |line: &StoryLine| matches!(line.event, StoryEvent::BalancesRead { .. });
    history.story.iter().any(is_whole).then(|| {
        let told = history.story.iter().filter_map(|line| match &line.event {
            StoryEvent::Balances { accounts } => Some(accounts),
            _ => None,
        });
        told.flatten().map(|balance| (balance.account, *balance)).collect()
    })
}

/// What the store holds of an account that it does not know.
pub(super) fn nothing_held(account: u32) -> FinalBalance {
    FinalBalance { account, held: Balance::default(), revision: 0 }
}

/// How long postings of the measure phase took, from the balance read to the new one confirmed.
pub(super) fn times(history: &History, timeline: &Timeline) -> Histogram<u64> {
    let mut times = latency::empty();
    for posting in history.journals.iter().flat_map(|journal| &journal.postings) {
        if let PostingFate::Written { at, .. } = posting.fate
            && timeline.measures(at)
        {
            times.saturating_record(at.since(posting.at).0);
        }
    }
    times
}
