//! The accounts of the workload `ledger` in words: what became of them, and the worst ones step by step.
//! Every format for people tells them from here.

use super::{number, summary};
use crate::model::bank::{Bank, Repeats, Store, Write};
use crate::model::reading::Reading;
use crate::model::report::{AccountStep, AccountStory, Report, Ruling};

/// Above the table of an account.
pub(super) const COLUMNS: [&str; 6] = ["at", "member", "message", "amount", "balance", "in order"];

/// Fits under every table of steps.
pub(super) const STEPS_NOTE: &str = "in order: the balance after that message when each one is applied once, in order";

/// What became of the accounts in one sentence; none when the workload has none.
pub(super) fn sentence(report: &Report) -> Option<String> {
    let bank = report.accounts.as_ref()?.bank;
    let readings = &report.readings;
    let count = |metric: &str| summary::run_count(readings, metric);
    let accounts = number::of(count("accounts")?, "account");
    let parts: Vec<String> = [
        ("overdrafts", "overdraft"),
        ("doubly_applied", "message applied again"),
        ("not_applied", "message not applied"),
        ("overwritten", "balance written over unseen"),
    ]
    .into_iter()
    .filter_map(|(metric, noun)| Some(counted(count(metric).filter(|times| *times > 0)?, noun)))
    .collect();
    let happened = if parts.is_empty() { "no overdraft".to_owned() } else { parts.join(", ") };
    let end = match count("wrong_balances") {
        Some(0) => "every balance was right in the end".to_owned(),
        Some(1) => "1 balance was wrong in the end".to_owned(),
        Some(wrong) => format!("{} were wrong in the end", number::of(wrong, "balance")),
        None => "how the balances ended is not known".to_owned(),
    };
    Some(format!("{accounts} ({}): {happened}; {end}.", kept(bank)))
}

/// `1 message applied again`, `2 messages applied again`.
fn counted(count: u64, noun: &str) -> String {
    match noun.split_once(' ') {
        Some((first, rest)) => format!("{} {rest}", number::of(count, first)),
        None => number::of(count, noun),
    }
}

/// How the accounts are kept, in a few words.
pub(super) fn kept(bank: Bank) -> String {
    let write = match (bank.store, bank.write) {
        (Store::Memory, _) => "worked out from the handlings",
        (Store::Kv, Write::CompareAndSet) => "in a bucket, by compare-and-set",
        (Store::Kv, Write::LastWriteWins) => "in a bucket, the last write wins",
    };
    let repeats = match bank.repeats {
        Repeats::Skip => "repeats are skipped",
        Repeats::Apply => "repeats are applied",
    };
    format!("{write}, {repeats}")
}

/// Whether anything went wrong with an account; none when there are none.
pub(super) fn is_sound(readings: &[Reading]) -> Option<bool> {
    summary::run_count(readings, "accounts")?;
    let wrong = ["overdrafts", "wrong_balances", "doubly_applied", "not_applied", "overwritten"];
    Some(wrong.iter().all(|metric| summary::run_count(readings, metric).is_none_or(|times| times == 0)))
}

/// Head of an account's story.
pub(super) fn head(story: &AccountStory) -> String {
    format!(
        "account {} (partition {}, {}): {}",
        story.account,
        story.partition,
        number::of(story.messages, "message"),
        story.story
    )
}

/// The cells of one step, below [`COLUMNS`]; and what is to be said of it.
pub(super) fn step(step: &AccountStep) -> ([String; 6], String) {
    let sign = if step.amount < 0 { "" } else { "+" };
    let cells = [
        number::instant(step.at_ms),
        step.member.clone(),
        step.key_seq.to_string(),
        format!("{sign}{}", step.amount),
        step.balance.to_string(),
        step.balance_in_order.to_string(),
    ];
    let overdrawn = (step.balance < 0 && !is_skipped(step.ruling)).then_some("overdrawn");
    let said = [word(step.ruling), overdrawn].into_iter().flatten().collect::<Vec<&str>>().join(", ");
    let fault = step.fault.filter(|_| is_odd(step)).map_or_else(String::new, |fault| format!(" (fault {fault})"));
    (cells, said + &fault)
}

/// Whether a step is not what happens in order.
pub(super) fn is_odd(step: &AccountStep) -> bool {
    !matches!(step.ruling, Ruling::InOrder | Ruling::Repeat) || (step.balance < 0 && !is_skipped(step.ruling))
}

fn is_skipped(ruling: Ruling) -> bool {
    matches!(ruling, Ruling::Repeat | Ruling::Dropped)
}

fn word(ruling: Ruling) -> Option<&'static str> {
    Some(match ruling {
        Ruling::InOrder => return None,
        Ruling::Early => "too early",
        Ruling::Late => "too late",
        Ruling::Again => "applied again",
        Ruling::Overwritten => "written over, unseen",
        Ruling::Repeat => "a repeat, skipped",
        Ruling::Dropped => "too late, dropped as a repeat",
    })
}

/// What stands where steps are left out; none where there are none.
pub(super) fn left_out(steps: u64) -> Option<String> {
    (steps > 0).then(|| format!("… {} left out", number::of(steps, "step")))
}
