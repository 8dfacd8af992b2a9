//! Planted accounts: what the audit must say of them.

use super::*;
use crate::analysis::study;
use crate::model::bank::{Balance, Repeats, Write};
use crate::model::record::Finish;
use crate::model::report::RunState;
use crate::model::story::StoryEvent;
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

/// The same six messages in a bucket: `c0.1` writes all of them, and the answer to the last is cut off. In the end the
/// bucket is read back, and holds so many of them.
fn in_a_bucket(holds: Option<u32>) -> BankFinding {
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
        let posting = Posting { at, key: 0, key_seq, partition: 0, amount, held, held_revision: revision - 1, fate };
        scenario.member(0).postings.push(posting);
        held = bank.apply(held, key_seq, amount, at).expect("it is the next one");
        if holds == Some(key_seq) {
            let last = FinalBalance { account: 0, held, revision };
            scenario.tell(ms(590), StoryEvent::Balances { accounts: vec![last] });
            scenario.tell(ms(591), StoryEvent::BalancesRead { accounts: 1 });
        }
    }
    let found = study(&scenario.told(2, ms(500), ms(600)));
    assert_eq!(found.health.state, RunState::Complete, "{:?}", found.health.reasons);
    found.bank.expect("there are accounts")
}

#[test]
fn a_write_whose_answer_was_cut_off_is_found_in_what_the_store_holds() {
    let found = in_a_bucket(Some(6));
    assert_eq!(found.ended.map(|ended| (ended.judged, ended.wrong, ended.not_applied)), Some((1, 0, 0)));
    assert_eq!((found.postings, found.posting.map(|times| times.len())), (6, Some(5)));

    let found = in_a_bucket(Some(5));
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
