//! The audit of the workload `ledger`: what became of the accounts, held against what they would hold in order.
//!
//! Where balances are kept in a store, the members' postings and the balances read back at the end are the evidence.
//! Where they are kept nowhere, each handling that succeeded is applied at its end, as if to one store of all members.

use std::collections::BTreeMap;

use hdrhistogram::Histogram;

use super::account::{self, Account, Step};
use super::findings::FaultFinding;
use super::rebalance::fault_at;
use super::timeline::Timeline;
use crate::model::bank::{self, Balance, Bank, FinalBalance, Store};
use crate::model::history::History;
use crate::model::record::{Author, Posting, PostingFate};
use crate::model::report::{AccountStep, AccountStory, Accounts, Ruling};
use crate::model::story::StoryEvent;
use crate::verdict::{Ledger, Message};

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

/// An account that something happened to.
struct Told {
    key: u32,
    partition: u16,
    messages: u64,
    account: Account,
    balance: Option<i64>,
    in_order: i64,
    overdrafts: u64,
    not_applied: u64,
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
        let waits = stored.iter().any(|message| message.first.is_none() && !message.lost);
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

impl Told {
    /// How badly it fared: how much happened to it, and how far its balance is from what it should be.
    fn weight(&self) -> (u64, u64) {
        let happened =
            self.overdrafts + self.account.doubly + self.not_applied + self.account.count(Ruling::Overwritten);
        (happened, self.balance.map_or(0, |balance| balance.abs_diff(self.in_order)))
    }

    fn tell(&self, timeline: &Timeline, faults: &[FaultFinding], seed: u64) -> AccountStory {
        let steps = &self.account.steps;
        let shown = account::worth_telling(steps);
        let step = |(step, left_out): (&Step, usize)| AccountStep {
            at_ms: timeline.ms(step.at),
            member: step.by.to_string(),
            key_seq: step.key_seq,
            amount: step.amount,
            balance: step.balance,
            balance_in_order: bank::balance(seed, self.key, step.key_seq),
            ruling: step.ruling,
            fault: fault_at(faults, step.at),
            left_out: left_out as u64,
        };
        let befores = std::iter::once(None).chain(shown.iter().copied().map(Some));
        let told = shown.iter().zip(befores);
        let told = told.map(|(&index, before): (&usize, Option<usize>)| {
            (&steps[index], index - before.map_or(0, |before| before + 1))
        });
        AccountStory {
            account: self.key,
            partition: self.partition,
            messages: self.messages,
            balance: self.balance,
            balance_in_order: self.in_order,
            overdrafts: self.overdrafts,
            doubly_applied: self.account.doubly,
            not_applied: self.not_applied,
            overwritten: self.account.count(Ruling::Overwritten),
            story: self.story(),
            left_out_after: shown.last().map_or(0, |last| steps.len() - last - 1) as u64,
            steps: told.map(step).collect(),
        }
    }

    /// What happened to it in one sentence.
    fn story(&self) -> String {
        let messages = |count: u64| if count == 1 { "1 message".to_owned() } else { format!("{count} messages") };
        let overwritten = self.account.count(Ruling::Overwritten);
        let parts: Vec<String> = [
            (self.overdrafts, format!("it was left below zero {} ×", self.overdrafts)),
            (self.account.doubly, format!("{} applied again", messages(self.account.doubly))),
            (self.not_applied, format!("{} not applied", messages(self.not_applied))),
            (overwritten, format!("{overwritten} × somebody wrote over what he had not seen")),
        ]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(_, told)| told)
        .collect();
        let end = match self.balance {
            Some(balance) if balance == self.in_order => format!("in the end it holds {balance}, as it should"),
            Some(balance) => format!("in the end it holds {balance} and should hold {}", self.in_order),
            None => format!("what it holds in the end is not known; it should be {}", self.in_order),
        };
        parts.into_iter().chain([end]).collect::<Vec<String>>().join("; ")
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

type ByAccount = BTreeMap<u32, Vec<(Author, Posting)>>;

/// The postings that members wrote down, by account.
fn written_down(history: &History) -> ByAccount {
    let mut by_account = ByAccount::new();
    for journal in &history.journals {
        for posting in &journal.postings {
            by_account.entry(posting.key).or_default().push((journal.author, *posting));
        }
    }
    by_account
}

/// What the handlings would have done to a store of all members, each at its end and all at once.
fn worked_out(bank: Bank, seed: u64, history: &History, ledger: &Ledger) -> ByAccount {
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
        let next = bank.apply(before, handling.key_seq, amount);
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
fn last_balances(history: &History) -> Option<BTreeMap<u32, FinalBalance>> {
    let is_whole = |line: &crate::model::story::StoryLine| matches!(line.event, StoryEvent::BalancesRead { .. });
    history.story.iter().any(is_whole).then(|| {
        let told = history.story.iter().filter_map(|line| match &line.event {
            StoryEvent::Balances { accounts } => Some(accounts),
            _ => None,
        });
        told.flatten().map(|balance| (balance.account, *balance)).collect()
    })
}

fn nothing_held(account: u32) -> FinalBalance {
    FinalBalance { account, held: Balance::default(), revision: 0 }
}

/// How long postings of the measure phase took, from the balance read to the new one confirmed.
fn times(history: &History, timeline: &Timeline) -> Histogram<u64> {
    let mut times = super::latency::empty();
    for posting in history.journals.iter().flat_map(|journal| &journal.postings) {
        if let PostingFate::Written { at, .. } = posting.fate
            && timeline.measures(at)
        {
            times.saturating_record(at.since(posting.at).0);
        }
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::study;
    use crate::model::bank::{Repeats, Write};
    use crate::model::record::Finish;
    use crate::model::report::RunState;
    use crate::model::time::SpanNs;
    use crate::verdict::scenario::{Scenario, ms};

    const CAREFUL: Bank = Bank { store: Store::Memory, write: Write::CompareAndSet, repeats: Repeats::Skip };
    const NAIVE: Bank = Bank { store: Store::Memory, write: Write::LastWriteWins, repeats: Repeats::Apply };

    /// One account whose first six messages are stored, and handled in the order `handled`, one every 10 ms.
    fn one_account(bank: Bank, handled: &[u32]) -> Scenario {
        let mut scenario = Scenario::shared(1, 1);
        scenario.history.manifest.bank = Some(bank);
        for key_seq in 1..=6 {
            scenario.stored(0, key_seq, ms(u64::from(key_seq)));
        }
        for (number, key_seq) in (1..).zip(handled) {
            scenario.handled(number as u16 % 2, 0, *key_seq, ms(10 * number));
        }
        scenario
    }

    fn found(bank: Bank, handled: &[u32]) -> BankFinding {
        study(&one_account(bank, handled).told(2, ms(500), ms(600))).bank.expect("there are accounts")
    }

    /// Overdrafts, doubly applied, not applied, wrong balances.
    fn told(bank: Bank, handled: &[u32]) -> (u64, u64, u64, u64) {
        let found = found(bank, handled);
        let ended = found.ended.expect("the run drained");
        assert_eq!((ended.judged, ended.messages, ended.censored), (1, 6, false));
        (found.overdrafts, found.doubly_applied, ended.not_applied, ended.wrong)
    }

    #[test]
    fn in_order_nothing_is_wrong_whoever_handles() {
        for bank in [CAREFUL, NAIVE] {
            assert_eq!(told(bank, &[1, 2, 3, 4, 5, 6]), (0, 0, 0, 0));
        }
        assert!(found(CAREFUL, &[1, 2, 3, 4, 5, 6]).worst.is_empty());
    }

    #[test]
    fn a_legal_replay_is_harmless_only_where_repeats_are_skipped() {
        let handled = [1, 2, 3, 2, 3, 4, 5, 6];
        assert_eq!(told(CAREFUL, &handled), (0, 0, 0, 0));
        let (overdrafts, doubly, not_applied, wrong) = told(NAIVE, &handled);
        assert_eq!((doubly, not_applied, wrong), (2, 0, 1));
        assert!(overdrafts > 0, "the withdrawal came twice, and its deposits did not");
        assert_eq!(found(CAREFUL, &handled).skipped, 2);
    }

    #[test]
    fn what_comes_late_is_lost_where_repeats_are_skipped_and_overdraws_where_not() {
        let handled = [1, 3, 2, 4, 5, 6];
        let (overdrafts, doubly, not_applied, wrong) = told(CAREFUL, &handled);
        assert_eq!((doubly, not_applied, wrong), (0, 1, 1));
        assert!(overdrafts > 0);
        assert_eq!(told(NAIVE, &handled), (1, 0, 0, 0), "in the end the sum is right, and in between it was not");
    }

    #[test]
    fn the_worst_accounts_are_told_step_by_step() {
        let found = found(CAREFUL, &[1, 3, 2, 4, 5, 6]);
        let [story] = found.worst.as_slice() else { panic!("{:?}", found.worst) };
        assert_eq!((story.account, story.messages, story.not_applied, story.left_out_after), (0, 6, 1, 0));
        assert!(story.steps.iter().all(|step| step.left_out == 0));
        assert_eq!(story.balance_in_order, bank::balance(1, 0, 6));
        assert_eq!(story.balance, Some(story.balance_in_order - i64::from(bank::amount(1, 0, 2))));
        let rulings: Vec<Ruling> = story.steps.iter().map(|step| step.ruling).collect();
        let (in_order, expected) = (Ruling::InOrder, [Ruling::InOrder, Ruling::Early, Ruling::Dropped]);
        assert_eq!(rulings, [&expected[..], &[in_order, in_order, in_order]].concat());
        let early = &story.steps[1];
        assert_eq!((early.at_ms, early.member.as_str(), early.key_seq), (20.1, "c0.1", 3));
        assert!(early.balance < 0 && early.amount < 0 && early.balance_in_order >= 0);
        assert!(story.story.starts_with("it was left below zero"), "{}", story.story);
    }

    #[test]
    fn a_handling_that_did_not_end_is_not_applied() {
        let mut scenario = one_account(CAREFUL, &[1, 2, 3, 4, 5]);
        scenario.handling(0, 0, 6, ms(100), None);
        scenario.handling(0, 0, 6, ms(110), Some(Finish { at: ms(111), ok: false }));
        scenario.handled(1, 0, 6, ms(120));
        let found = study(&scenario.told(2, ms(500), ms(600))).bank.expect("there are accounts");
        assert_eq!((found.postings, found.skipped, found.ended.map(|ended| ended.wrong)), (6, 0, Some(0)));
    }

    #[test]
    fn who_begins_in_order_may_still_apply_in_another() {
        let mut scenario = one_account(CAREFUL, &[1]);
        scenario.handling(0, 0, 2, ms(20), Some(Finish { at: ms(40), ok: true }));
        scenario.handling(1, 0, 3, ms(25), Some(Finish { at: ms(26), ok: true }));
        for key_seq in 4..=6 {
            scenario.handled(0, 0, key_seq, ms(50 + u64::from(key_seq)));
        }
        let found = study(&scenario.told(2, ms(500), ms(600)));
        assert_eq!(found.order.violations(), 0, "order is judged by starts");
        let bank = found.bank.expect("there are accounts");
        assert_eq!((bank.overdrafts > 0, bank.ended.map(|ended| ended.wrong)), (true, Some(1)));
    }

    #[test]
    fn what_the_publisher_did_is_charged_to_nobody_else() {
        let mut scenario = one_account(CAREFUL, &[1, 2, 3, 4, 5, 6]);
        scenario.publish(0, 7, ms(7), crate::model::record::Fate::Failed { at: ms(8) });
        scenario.stored(0, 8, ms(9));
        scenario.handled(0, 0, 8, ms(100));
        let found = study(&scenario.told(2, ms(500), ms(600))).bank.expect("there are accounts");
        assert_eq!((found.accounts, found.misstored, found.postings), (1, 1, 0));
        assert_eq!(found.ended.map(|ended| (ended.judged, ended.wrong)), Some((0, 0)));
    }

    #[test]
    fn a_run_that_was_broken_off_does_not_say_how_balances_ended() {
        let mut scenario = one_account(CAREFUL, &[1, 3]);
        scenario.tell(ms(400), StoryEvent::BrokenOff);
        let found = study(&scenario.told(2, ms(500), ms(600))).bank.expect("there are accounts");
        assert_eq!((found.overdrafts, found.ended), (1, None));
        assert_eq!(found.worst[0].balance, None);
    }

    #[test]
    fn who_still_waits_when_the_drain_is_cut_is_left_out() {
        let mut scenario = one_account(CAREFUL, &[1, 2, 3, 4, 5]);
        // The last handler was busy up to the cut.
        scenario.handling(1, 0, 5, ms(60), Some(Finish { at: ms(595), ok: true }));
        scenario.tell(ms(598), StoryEvent::DrainCut { waiting: 1 });
        let found = study(&scenario.told(2, ms(500), ms(600))).bank.expect("there are accounts");
        assert_eq!(found.ended.map(|ended| (ended.judged, ended.censored)), Some((0, true)));
    }

    /// The same six messages in a bucket: `c0.1` writes all of them but the last, whose answer is cut off.
    fn in_a_bucket(last: Option<FinalBalance>) -> BankFinding {
        let bank = Bank { store: Store::Kv, ..CAREFUL };
        let mut scenario = one_account(bank, &[1, 2, 3, 4, 5]);
        scenario.handling(0, 0, 6, ms(60), None);
        scenario.handled(1, 0, 6, ms(100));
        let mut held = Balance::default();
        for key_seq in 1..=6 {
            let (at, amount) = (ms(u64::from(key_seq) * 10), bank::amount(1, 0, key_seq));
            let revision = u64::from(key_seq);
            let written = PostingFate::Written { at: at + SpanNs(300_000), revision };
            let fate = if key_seq == 6 { PostingFate::Unknown } else { written };
            let posting =
                Posting { at, key: 0, key_seq, partition: 0, amount, held, held_revision: revision - 1, fate };
            scenario.member(0).postings.push(posting);
            held = bank.apply(held, key_seq, amount).expect("it is the next one");
        }
        if let Some(last) = last {
            scenario.tell(ms(590), StoryEvent::Balances { accounts: vec![last] });
            scenario.tell(ms(591), StoryEvent::BalancesRead { accounts: 1 });
        }
        let found = study(&scenario.told(2, ms(500), ms(600)));
        assert_eq!(found.health.state, RunState::Complete, "{:?}", found.health.reasons);
        found.bank.expect("there are accounts")
    }

    #[test]
    fn a_write_whose_answer_was_cut_off_is_found_in_what_the_store_holds() {
        let whole = Balance { balance: bank::balance(1, 0, 6), sequence: 6 };
        let found = in_a_bucket(Some(FinalBalance { account: 0, held: whole, revision: 6 }));
        assert_eq!(found.ended.map(|ended| (ended.judged, ended.wrong, ended.not_applied)), Some((1, 0, 0)));
        assert_eq!((found.postings, found.posting.map(|times| times.len())), (6, Some(5)));

        let without = Balance { balance: bank::balance(1, 0, 5), sequence: 5 };
        let found = in_a_bucket(Some(FinalBalance { account: 0, held: without, revision: 5 }));
        assert_eq!(found.ended.map(|ended| (ended.judged, ended.wrong, ended.not_applied)), Some((1, 1, 1)));
    }

    #[test]
    fn balances_that_were_not_read_back_are_not_known() {
        assert_eq!(in_a_bucket(None).ended, None);
    }

    #[test]
    fn a_run_without_accounts_says_nothing_of_them() {
        assert!(study(&crate::analysis::planted::killed()).bank.is_none());
    }
}
