//! The bank: what the messages of the workload `ledger` say, and what becomes of it in an account.
//!
//! A key is an account, and a message of it carries an amount: a deposit, or a withdrawal. Amounts are a pure function of
//! seed, key and `key_seq`, so publisher, member and analysis agree on them without a word. They come in threes: two
//! deposits, then a withdrawal of both but for a small rest. So in order no balance is ever below zero, and a withdrawal
//! that comes before one of its deposits, or twice, overdraws: the rest is smaller than any deposit.
//!
//! Pure: the store itself is the room `strategy`'s.

use std::ops::RangeInclusive;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::MonoNs;

/// What the messages are about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Workload {
    /// Nothing: they are handled, and that is all.
    #[default]
    Plain,
    /// Keys are accounts, messages are deposits and withdrawals, and members apply them: section `[ledger]`.
    Ledger,
}

/// Where the balances are kept, and how a message is applied to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub struct Bank {
    /// Where balances are kept.
    pub store: Store,
    /// How a balance is written.
    pub write: Write,
    /// What is done with a message at or below the last one applied to its account.
    pub repeats: Repeats,
}

/// Where balances are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Store {
    /// In a key-value bucket of the run: a handler reads the balance and writes it back.
    #[default]
    Kv,
    /// Nowhere while the run lasts: the report works the balances out, as if each handling that succeeded had been applied
    /// at its end to a store that all members share.
    Memory,
}

/// How a balance is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Write {
    /// Only if nobody has written since it was read; else it is read and worked out again.
    #[default]
    CompareAndSet,
    /// Over whatever is there.
    LastWriteWins,
}

/// What is done with a message at or below the last one applied to its account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Repeats {
    /// It is taken for a repeat and not applied. One that comes late for the first time is not applied either.
    #[default]
    Skip,
    /// It is applied, whatever was applied before.
    Apply,
}

/// What the store holds of one account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Balance {
    /// The sum of what was applied.
    pub balance: i64,
    /// The greatest `key_seq` applied.
    pub sequence: u32,
    /// Tells one write from another that leaves the same: when the answer is cut off, it says whose write it was.
    pub mark: u16,
}

/// What the store held of one account at the end of the run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FinalBalance {
    /// The account: its key.
    pub account: u32,
    /// What the store held.
    #[serde(flatten)]
    pub held: Balance,
    /// Revision of that in the store.
    pub revision: u64,
}

impl Balance {
    /// The balance after one more message.
    #[must_use]
    pub fn after(self, key_seq: u32, amount: i32, at: MonoNs) -> Self {
        Self {
            balance: self.balance.saturating_add(amount.into()),
            sequence: self.sequence.max(key_seq),
            mark: (splitmix(at.0) >> 48) as u16,
        }
    }
}

impl Bank {
    /// What applying message `key_seq` with its `amount` at an instant makes of `held`; `None` when it is skipped.
    #[must_use]
    pub fn apply(&self, held: Balance, key_seq: u32, amount: i32, at: MonoNs) -> Option<Balance> {
        let is_repeat = self.repeats == Repeats::Skip && key_seq <= held.sequence;
        (!is_repeat).then(|| held.after(key_seq, amount, at))
    }

    /// Name of the bucket of the group, where balances are kept in one.
    #[must_use]
    pub fn bucket(&self, group: &str) -> Option<String> {
        (self.store == Store::Kv).then(|| bucket(group))
    }
}

/// Name of the bucket that a group keeps balances in.
#[must_use]
pub fn bucket(group: &str) -> String {
    format!("{group}-bank")
}

/// What a deposit may be.
const DEPOSITS: RangeInclusive<u32> = 40..=100;
/// What a withdrawal may leave: less than any deposit.
const LEFT: RangeInclusive<u32> = 0..=9;

/// The amount of message `key_seq` (1, 2, 3 …) of `key`: a deposit is positive, a withdrawal negative. 0 for sequence 0,
/// which no message has.
#[must_use]
pub fn amount(seed: u64, key: u32, key_seq: u32) -> i32 {
    let Some(index) = key_seq.checked_sub(1) else { return 0 };
    let three = Three::of(seed, key, index / 3);
    match index % 3 {
        0 => three.first,
        1 => three.second,
        _ => three.left - three.before - three.first - three.second,
    }
}

/// The balance of `key` when its messages 1 to `key_seq` have been applied in order, each once: never below zero.
#[must_use]
pub fn balance(seed: u64, key: u32, key_seq: u32) -> i64 {
    let Some(index) = key_seq.checked_sub(1) else { return 0 };
    let three = Three::of(seed, key, index / 3);
    i64::from(match index % 3 {
        0 => three.before + three.first,
        1 => three.before + three.first + three.second,
        _ => three.left,
    })
}

/// Two deposits and a withdrawal.
struct Three {
    /// The balance before them.
    before: i32,
    first: i32,
    second: i32,
    /// The balance after them.
    left: i32,
}

impl Three {
    fn of(seed: u64, key: u32, number: u32) -> Self {
        let bits = mixed(seed, key, number);
        Self {
            before: number.checked_sub(1).map_or(0, |number| left(mixed(seed, key, number))),
            first: within(&DEPOSITS, bits as u16),
            second: within(&DEPOSITS, (bits >> 16) as u16),
            left: left(bits),
        }
    }
}

fn left(bits: u64) -> i32 {
    within(&LEFT, (bits >> 32) as u16)
}

fn within(range: &RangeInclusive<u32>, bits: u16) -> i32 {
    let width = range.end() - range.start() + 1;
    i32::try_from(range.start() + u32::from(bits) % width).expect("amounts are small")
}

/// Sixty-four well mixed bits for a three of messages: splitmix64 over seed, key and number.
fn mixed(seed: u64, key: u32, number: u32) -> u64 {
    splitmix(splitmix(seed) ^ (u64::from(key) << 32 | u64::from(number)))
}

fn splitmix(state: u64) -> u64 {
    let mut bits = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NAIVE: Bank = Bank { store: Store::Memory, write: Write::LastWriteWins, repeats: Repeats::Apply };
    const CAREFUL: Bank = Bank { store: Store::Kv, write: Write::CompareAndSet, repeats: Repeats::Skip };

    /// What `sequences`, applied one after the other, make of an account: the last balance, and the least on the way.
    fn applied(bank: Bank, seed: u64, key: u32, sequences: &[u32]) -> (i64, i64) {
        let mut held = Balance::default();
        let mut least = 0;
        for &key_seq in sequences {
            held = bank.apply(held, key_seq, amount(seed, key, key_seq), MonoNs(1)).unwrap_or(held);
            least = least.min(held.balance);
        }
        (held.balance, least)
    }

    proptest! {
        #[test]
        fn in_order_no_balance_is_ever_below_zero(seed: u64, key: u32, messages in 1u32..200) {
            let sequences: Vec<u32> = (1..=messages).collect();
            for bank in [NAIVE, CAREFUL] {
                prop_assert_eq!(applied(bank, seed, key, &sequences), (balance(seed, key, messages), 0));
            }
            prop_assert!(balance(seed, key, messages) >= 0);
        }

        #[test]
        fn a_message_applied_twice_makes_a_wrong_balance_and_a_withdrawal_overdraws_at_once(
            seed: u64, key: u32, messages in 1u32..100, twice in 1u32..100,
        ) {
            let twice = twice.min(messages);
            let mut sequences: Vec<u32> = (1..=messages).collect();
            sequences.insert(twice as usize, twice);
            let (last, least) = applied(NAIVE, seed, key, &sequences);
            prop_assert_ne!(last, balance(seed, key, messages));
            prop_assert_eq!(least < 0, twice % 3 == 0);
            prop_assert_eq!(applied(CAREFUL, seed, key, &sequences), (balance(seed, key, messages), 0));
        }

        #[test]
        fn a_message_left_out_makes_a_wrong_balance(seed: u64, key: u32, messages in 1u32..100, out in 1u32..100) {
            let out = out.min(messages);
            let sequences: Vec<u32> = (1..=messages).filter(|key_seq| *key_seq != out).collect();
            prop_assert_ne!(applied(NAIVE, seed, key, &sequences).0, balance(seed, key, messages));
        }

        #[test]
        fn a_withdrawal_before_a_deposit_of_its_own_overdraws(seed: u64, key: u32, threes in 0u32..60, early in 1usize..3) {
            let mut sequences: Vec<u32> = (1..=3 * threes + 3).collect();
            let at = sequences.len() - 1;
            sequences[at - early..].rotate_right(1);
            let (last, least) = applied(NAIVE, seed, key, &sequences);
            prop_assert!(least < 0);
            prop_assert_eq!(last, balance(seed, key, 3 * threes + 3), "every one is applied in the end");
        }

        #[test]
        fn who_skips_repeats_never_applies_what_comes_late(seed: u64, key: u32, messages in 2u32..100, at in 0usize..100) {
            let mut sequences: Vec<u32> = (1..=messages).collect();
            let at = at.min(sequences.len() - 2);
            sequences.swap(at, at + 1);
            prop_assert_ne!(applied(CAREFUL, seed, key, &sequences).0, balance(seed, key, messages));
        }
    }

    #[test]
    fn amounts_are_what_they_were_for_every_version() {
        // Old evidence is judged by the same function: it must not change.
        let amounts: Vec<i32> = (1..=6).map(|key_seq| amount(1, 0, key_seq)).collect();
        assert_eq!(amounts, AMOUNTS);
        assert_eq!((amount(1, 0, 0), balance(1, 0, 0)), (0, 0));
    }

    const AMOUNTS: [i32; 6] = [75, 86, -157, 46, 75, -116];
}
