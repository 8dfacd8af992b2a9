//! Chance, from one seed, and how long a request takes by it.

use std::time::Duration;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub(super) struct Dice(u64);

impl Dice {
    /// Every simulation of one seed throws the same.
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    pub(super) fn within(&mut self, least: Duration, most: Duration) -> Duration {
        least + Duration::from_nanos(self.below((most.saturating_sub(least)).as_nanos() as u64))
    }

    /// One way: 0.2 to 1 ms, and 2 to 20 ms once in a hundred.
    pub(super) fn latency(&mut self) -> Duration {
        let us = if self.below(100) == 0 { 2_000 + self.below(18_000) } else { 200 + self.below(800) };
        Duration::from_micros(us)
    }
}
