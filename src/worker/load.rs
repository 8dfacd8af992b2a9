//! What is sent when: the open-loop schedule and the choice of keys. Pure, from the seed.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, Exp1, Zipf};

use crate::model::time::SpanNs;
use crate::profile::document::Arrivals;
use crate::profile::plan::{KeyChoice, Load};

/// One publisher's part of the load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Index of the publisher.
    pub index: u16,
    /// How many there are.
    pub publishers: u16,
}

impl Share {
    /// How many of `keys` belong to this publisher: key k is publisher (k mod publishers)'s.
    #[must_use]
    pub fn keys(self, keys: u32) -> u32 {
        let (index, publishers) = (u32::from(self.index), u32::from(self.publishers));
        (keys + publishers - 1 - index.min(keys + publishers - 1)) / publishers
    }

    /// The key of rank `rank` (0 …) among this publisher's own.
    #[must_use]
    pub fn key(self, rank: u32) -> u32 {
        u32::from(self.index) + rank * u32::from(self.publishers)
    }

    /// How many messages of the backlog this publisher sends, in proportion to its part of the rate; all shares together are
    /// the whole backlog.
    #[must_use]
    pub fn backlog(self, load: &Load) -> u64 {
        let up_to = |publishers: u16| {
            let fractions = (0..publishers).map(|index| Self { index, ..self }.fraction(load));
            (load.backlog as f64 * fractions.sum::<f64>()).round() as u64
        };
        up_to(self.index + 1) - up_to(self.index)
    }

    /// The fraction of the whole rate that this publisher sends. Even, but for a hot key: its publisher carries it.
    #[must_use]
    pub fn fraction(self, load: &Load) -> f64 {
        let even = 1.0 / f64::from(self.publishers);
        match load.key_choice {
            KeyChoice::Hot { share } if self.index == 0 => share + (1.0 - share) * even,
            KeyChoice::Hot { share } => (1.0 - share) * even,
            KeyChoice::Uniform | KeyChoice::Zipf { .. } => even,
        }
    }
}

/// The instants at which messages are wanted, as offsets from the start of the load: rising, without end.
#[derive(Debug)]
pub struct Schedule {
    random: ChaCha8Rng,
    arrivals: Arrivals,
    mean_ns: f64,
    next_ns: f64,
}

impl Schedule {
    /// Arrivals at `rate_per_s`, Poisson or uniform.
    #[must_use]
    pub fn new(arrivals: Arrivals, rate_per_s: f64, seed: u64, share: Share) -> Self {
        let mut random = seeded(seed, share, 1);
        let mean_ns = 1e9 / rate_per_s;
        // Publishers with uniform arrivals start at random places in their interval, or they would send in step.
        let next_ns = mean_ns * random.random::<f64>();
        Self { random, arrivals, mean_ns, next_ns }
    }

    /// The next instant, which stays the next until [`advance`](Self::advance).
    #[must_use]
    pub fn peek(&self) -> SpanNs {
        SpanNs(self.next_ns as u64)
    }

    /// Goes on to the one after.
    pub fn advance(&mut self) {
        let gap = match self.arrivals {
            Arrivals::Uniform => 1.0,
            Arrivals::Poisson => Distribution::<f64>::sample(&Exp1, &mut self.random),
        };
        self.next_ns += gap * self.mean_ns;
    }
}

/// The keys of one publisher, and how far each has come.
#[derive(Debug)]
pub struct Keys {
    random: ChaCha8Rng,
    share: Share,
    /// `key_seq` of the last message, by rank.
    last: Vec<u32>,
    choice: Choice,
}

#[derive(Debug)]
enum Choice {
    Uniform,
    Zipf(Zipf<f64>),
    Hot { share_of_mine: f64 },
}

impl Keys {
    /// The keys of `share`. `None` when no key belongs to it.
    #[must_use]
    pub fn new(load: &Load, seed: u64, share: Share) -> Option<Self> {
        let own = share.keys(load.keys);
        let choice = match load.key_choice {
            KeyChoice::Uniform => Choice::Uniform,
            KeyChoice::Zipf { exponent } => Choice::Zipf(Zipf::new(f64::from(own), exponent).ok()?),
            KeyChoice::Hot { share: hot } if share.index == 0 => {
                Choice::Hot { share_of_mine: hot / share.fraction(load) }
            }
            KeyChoice::Hot { .. } => Choice::Uniform,
        };
        (own > 0).then(|| Self { random: seeded(seed, share, 2), share, last: vec![0; own as usize], choice })
    }

    /// Key and `key_seq` of the next message.
    pub fn draw(&mut self) -> (u32, u32) {
        let own = self.last.len();
        let rank = match &self.choice {
            Choice::Uniform => self.random.random_range(0..own),
            Choice::Zipf(zipf) => (zipf.sample(&mut self.random) as usize).clamp(1, own) - 1,
            Choice::Hot { share_of_mine } if self.random.random::<f64>() < *share_of_mine => 0,
            Choice::Hot { .. } => self.random.random_range(0..own),
        };
        self.last[rank] += 1;
        (self.share.key(u32::try_from(rank).unwrap_or(u32::MAX)), self.last[rank])
    }
}

/// A generator of its own for each publisher and purpose, so that changing one leaves the others as they were.
fn seeded(seed: u64, share: Share, purpose: u64) -> ChaCha8Rng {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(u64::from(share.index) << 8 | purpose);
    random
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::bank::Workload;
    use crate::model::units::Rate;
    use crate::nats::link::Path;
    use crate::profile::plan::Way;
    use proptest::prelude::*;

    fn load(key_choice: KeyChoice) -> Load {
        Load {
            publishers: 1,
            rate: Rate::Max,
            arrivals: Arrivals::Poisson,
            payload_bytes: 256,
            way: Way::Sync,
            backlog: 1_000_003,
            keys: 100,
            key_choice,
            message_id: true,
            path: Path::Library,
            workload: Workload::Plain,
        }
    }

    proptest! {
        #[test]
        fn every_key_belongs_to_exactly_one_publisher(keys in 1_u32..500, publishers in 1_u16..20) {
            let mut owners = vec![0; keys as usize];
            for index in 0..publishers {
                let share = Share { index, publishers };
                for rank in 0..share.keys(keys) {
                    owners[share.key(rank) as usize] += 1;
                }
            }
            prop_assert!(owners.iter().all(|owners| *owners == 1));
        }

        #[test]
        fn the_shares_of_a_backlog_are_the_whole_of_it(publishers in 1_u16..20, hot: bool) {
            let choice = if hot { KeyChoice::Hot { share: 0.3 } } else { KeyChoice::Uniform };
            let load = Load { publishers, ..load(choice) };
            let shares = (0..publishers).map(|index| Share { index, publishers }.backlog(&load));
            prop_assert_eq!(shares.sum::<u64>(), load.backlog);
        }

        #[test]
        fn the_schedule_rises_and_keeps_its_rate(seed: u64, poisson: bool) {
            let arrivals = if poisson { Arrivals::Poisson } else { Arrivals::Uniform };
            let mut schedule = Schedule::new(arrivals, 1000.0, seed, Share { index: 0, publishers: 1 });
            let mut last = SpanNs(0);
            for _ in 0..10_000 {
                prop_assert!(schedule.peek() >= last);
                last = schedule.peek();
                schedule.advance();
            }
            // 10 000 Poisson arrivals: six standard deviations are 6 %.
            prop_assert!((last.as_s() - 10.0).abs() < 0.6, "10 000 messages at 1000/s took {} s", last.as_s());
        }

        #[test]
        fn key_seqs_have_no_holes(seed: u64, choice in 0..3) {
            let choice = [KeyChoice::Uniform, KeyChoice::Zipf { exponent: 1.0 }, KeyChoice::Hot { share: 0.3 }][choice as usize];
            let mut keys = Keys::new(&load(choice), seed, Share { index: 0, publishers: 3 }).expect("it has keys");
            let mut last = std::collections::BTreeMap::new();
            for _ in 0..1000 {
                let (key, key_seq) = keys.draw();
                prop_assert_eq!(key % 3, 0);
                let before = last.insert(key, key_seq).unwrap_or(0);
                prop_assert_eq!(key_seq, before + 1);
            }
        }
    }

    #[test]
    fn the_same_seed_gives_the_same_load() {
        let share = Share { index: 1, publishers: 2 };
        let draw = || {
            let mut keys = Keys::new(&load(KeyChoice::Zipf { exponent: 1.0 }), 7, share).expect("it has keys");
            (0..100).map(|_| keys.draw()).collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }

    #[test]
    fn a_hot_key_gets_its_share_of_the_whole() {
        let load = load(KeyChoice::Hot { share: 0.5 });
        let share = Share { index: 0, publishers: 4 };
        let mut keys = Keys::new(&load, 1, share).expect("it has keys");
        let hot = (0..10_000).filter(|_| keys.draw().0 == 0).count();
        let of_the_whole = hot as f64 / 10_000.0 * share.fraction(&load);
        assert!((of_the_whole - 0.5).abs() < 0.03, "the hot key got {of_the_whole} of the load");
        let all: f64 = (0..4).map(|index| Share { index, publishers: 4 }.fraction(&load)).sum();
        assert!((all - 1.0).abs() < 1e-9);
    }
}
