//! What a handler does, as far as a benchmark plays it: how long it takes, at what, and on which messages it fails.
//!
//! Decisions only; the desk carries them out.

use rand::{Rng, RngExt};
use rand_distr::{Distribution, Exp1};
use serde::{Deserialize, Serialize};

use crate::model::time::SpanNs;

/// What a handler does.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Handler {
    /// How long a message takes.
    pub time: Time,
    /// What it does for so long.
    pub work: Work,
    /// On which messages it fails, where it does.
    pub failing: Option<Failing>,
    /// How often the server is told that a message is being handled, where it is.
    pub in_progress_every: Option<SpanNs>,
}

/// How long a message takes to be handled.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Time {
    /// No time at all.
    None,
    /// Always this long.
    Fixed(SpanNs),
    /// Exponentially distributed with this mean.
    Exponential(SpanNs),
    /// Mostly `usual`, and `slow` for a share of them.
    Bimodal {
        /// What most take.
        usual: SpanNs,
        /// What the others take.
        slow: SpanNs,
        /// Share of the others, between 0 and 1.
        share: f64,
    },
}

/// What a handler does for as long as it takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Work {
    /// It waits, as for a database.
    #[default]
    Wait,
    /// It keeps a core busy, in a thread of its own.
    Cpu,
}

/// On which messages a handler fails, how often, and what becomes of them.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Failing {
    /// Share of the messages, between 0 and 1.
    pub share: f64,
    /// How often it fails on one of them before it succeeds; 0 for ever.
    pub times: u32,
    /// What the member does with a message that its handler failed on.
    pub then: OnFailure,
    /// Draws the messages: the seed of the run, so that every strategy meets the same ones.
    pub seed: u64,
}

/// What a member does with a message that its handler failed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// It gives the message back, to be delivered again at once.
    Nak,
    /// It gives the message back, to be delivered again after this.
    NakDelay(SpanNs),
    /// It tells the server to deliver the message no more.
    Term,
    /// It does nothing: the message comes again after the ack wait.
    NoAck,
    /// It tries again in place, until the handler succeeds.
    Retry,
}

impl Handler {
    /// A handler that takes `time`, waiting, and never fails.
    #[must_use]
    pub fn taking(time: Time) -> Self {
        Self { time, work: Work::Wait, failing: None, in_progress_every: None }
    }

    /// What a member does when this handler fails, if it ever does.
    #[must_use]
    pub fn on_failure(&self) -> Option<OnFailure> {
        self.failing.map(|failing| failing.then)
    }
}

impl Time {
    /// How long it takes this time.
    pub(super) fn draw(self, random: &mut impl Rng) -> Option<SpanNs> {
        match self {
            Self::None => None,
            Self::Fixed(time) => Some(time),
            Self::Exponential(mean) => {
                let draw: f64 = Exp1.sample(random);
                Some(SpanNs((draw * mean.0 as f64) as u64))
            }
            Self::Bimodal { usual, slow, share } => Some(if random.random_bool(share) { slow } else { usual }),
        }
    }
}

impl Failing {
    /// Whether the handler fails on message `key_seq` of `key` when it tries for the `attempt`-th time, from 1.
    ///
    /// The same messages in every run of a seed, whoever gets them, so that strategies can be compared.
    #[must_use]
    pub fn fails(&self, key: u32, key_seq: u32, attempt: u64) -> bool {
        let still = self.times == 0 || self.then == OnFailure::Term || attempt <= u64::from(self.times);
        still && unit(self.seed, key, key_seq) < self.share
    }
}

/// A number from 0 to 1 that belongs to a message. The mixer of SplitMix64: cheap, and even enough for a share.
fn unit(seed: u64, key: u32, key_seq: u32) -> f64 {
    let mut mixed = seed ^ (u64::from(key) << 32 | u64::from(key_seq)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_share_of_messages_that_fail_is_the_one_asked_for_whatever_the_seed() {
        for seed in [0, 1, 7, u64::MAX] {
            for share in [0.01, 0.2, 1.0] {
                let failing = Failing { share, times: 1, then: OnFailure::Nak, seed };
                let of_key = |key| (1..=1000).filter(|&key_seq| failing.fails(key, key_seq, 1)).count();
                let found = (0..100).map(of_key).sum::<usize>() as f64 / 100_000.0;
                assert!((found - share).abs() < 0.005, "{found} of {share} with seed {seed}");
            }
        }
    }

    #[test]
    fn a_message_fails_as_often_as_asked_and_then_succeeds() {
        let failing = Failing { share: 1.0, times: 2, then: OnFailure::Nak, seed: 1 };
        let tries = |failing: Failing| (1..=4).map(|attempt| failing.fails(3, 5, attempt)).collect::<Vec<_>>();
        assert_eq!(tries(failing), [true, true, false, false]);
        assert_eq!(tries(Failing { times: 0, ..failing }), [true; 4], "for ever");
        assert_eq!(tries(Failing { share: 0.0, ..failing }), [false; 4]);
    }

    #[test]
    fn most_messages_take_the_usual_time_and_a_share_the_slow_one() {
        let time = Time::Bimodal { usual: SpanNs(1), slow: SpanNs(100), share: 0.1 };
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let slow = (0..10_000).filter(|_| time.draw(&mut random) == Some(SpanNs(100))).count();
        assert!((900..1_100).contains(&slow), "{slow}");
    }
}
