//! How good the clock is here: what reading it costs, and how late a sleeper wakes.

use super::{Sleeper, now};
use crate::model::time::SpanNs;

/// Enough readings for their cost to be told from one of them.
const READINGS: u32 = 100_000;

/// What one reading of the clock costs, in nanoseconds.
#[must_use]
pub fn reading_ns() -> f64 {
    let before = now();
    for _ in 0..READINGS {
        std::hint::black_box(now());
    }
    now().since(before).0 as f64 / f64::from(READINGS)
}

/// How late a [`Sleeper`] wakes, `times` times, when it sleeps for `each`. It blocks this thread all the while.
#[must_use]
pub fn lateness(times: usize, each: SpanNs) -> Vec<SpanNs> {
    let sleeper = Sleeper::new();
    let wake = |_| {
        let until = now() + each;
        sleeper.until(until);
        now().since(until)
    };
    (0..times).map(wake).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_costs_something_and_each_sleep_is_told() {
        assert!(reading_ns() > 0.0);
        assert_eq!(lateness(5, SpanNs(10_000)).len(), 5);
    }
}
