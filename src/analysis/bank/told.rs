//! An account that something happened to, and its story.

use crate::analysis::account::{self, Account, Step};
use crate::analysis::findings::FaultFinding;
use crate::analysis::rebalance::fault_at;
use crate::analysis::timeline::Timeline;
use crate::model::bank;
use crate::model::report::{AccountStep, AccountStory, Ruling};

/// An account that something happened to.
pub(super) struct Told {
    pub(super) key: u32,
    pub(super) partition: u16,
    pub(super) messages: u64,
    pub(super) account: Account,
    pub(super) balance: Option<i64>,
    pub(super) in_order: i64,
    pub(super) overdrafts: u64,
    pub(super) not_applied: u64,
}

impl Told {
    /// How badly it fared: how much happened to it, and how far its balance is from what it should be.
    pub(super) fn weight(&self) -> (u64, u64) {
        let happened =
            self.overdrafts + self.account.doubly + self.not_applied + self.account.count(Ruling::Overwritten);
        (happened, self.balance.map_or(0, |balance| balance.abs_diff(self.in_order)))
    }

    /// The account as a story.
    pub(super) fn tell(&self, timeline: &Timeline, faults: &[FaultFinding], seed: u64) -> AccountStory {
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
