//! The clock: nanoseconds of `CLOCK_MONOTONIC`, the wall clock for people, and sleeping until an instant.
//!
//! Everything that is measured is measured on the monotonic clock, which all processes of one host share. The wall
//! clock is read once a run, beside it, so that a report can say when the run took place.

pub mod alarm;
pub mod burn;
pub mod trial;

use std::marker::PhantomData;

use rustix::time::{ClockId, clock_gettime};

use crate::model::time::MonoNs;

const NS_PER_S: u64 = 1_000_000_000;

/// The instant it is, in nanoseconds of the monotonic clock.
#[must_use]
pub fn now() -> MonoNs {
    let time = clock_gettime(ClockId::Monotonic);
    // The monotonic clock counts from boot: neither part is ever negative.
    MonoNs(time.tv_sec.cast_unsigned() * NS_PER_S + time.tv_nsec.cast_unsigned())
}

/// The wall clock as RFC 3339 in UTC, to the millisecond.
#[must_use]
pub fn wall_rfc3339() -> String {
    format!("{:.3}", jiff::Timestamp::now())
}

/// One instant on both clocks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// The wall clock, RFC 3339.
    pub wall: String,
    /// The monotonic clock.
    pub mono: MonoNs,
}

/// Reads both clocks at one instant, as nearly as two readings can be.
#[must_use]
pub fn anchor() -> Anchor {
    let before = now();
    let wall = jiff::Timestamp::now();
    let between = now().since(before).0 / 2;
    Anchor { wall: format!("{wall:.3}"), mono: MonoNs(before.0 + between) }
}

/// Sleeps on a plain thread until an instant of the monotonic clock, as sharply as the kernel can.
///
/// It belongs to the thread that made it, because the timer slack does (by default the kernel wakes a thread up to
/// 50 µs late to save power; a pacer must not lend it that). Dropping it gives the thread its default slack back.
#[derive(Debug)]
pub struct Sleeper {
    of_this_thread: PhantomData<*const ()>,
}

impl Sleeper {
    /// Prepares the calling thread. Where the kernel refuses, sleeping works all the same, less sharply.
    #[must_use]
    pub fn new() -> Self {
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
        Self { of_this_thread: PhantomData }
    }

    /// Sleeps until `instant`; returns at once when it has passed.
    #[cfg(target_os = "linux")]
    pub fn until(&self, instant: MonoNs) {
        let Some(request) = timespec(instant) else { return };
        // An absolute deadline makes a signal harmless: the same request is simply made again.
        while rustix::thread::clock_nanosleep_absolute(ClockId::Monotonic, &request) == Err(rustix::io::Errno::INTR) {}
    }

    /// Sleeps until `instant`; returns at once when it has passed.
    #[cfg(not(target_os = "linux"))]
    pub fn until(&self, instant: MonoNs) {
        std::thread::sleep(instant.since(now()).into());
    }
}

impl Default for Sleeper {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(target_os = "linux")]
impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = rustix::thread::set_current_timer_slack(None);
    }
}

/// `None` for an instant beyond what the kernel counts, which no schedule reaches.
#[cfg(target_os = "linux")]
fn timespec(instant: MonoNs) -> Option<rustix::time::Timespec> {
    Some(rustix::time::Timespec {
        tv_sec: i64::try_from(instant.0 / NS_PER_S).ok()?,
        tv_nsec: i64::try_from(instant.0 % NS_PER_S).ok()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::time::SpanNs;

    #[test]
    fn the_clock_never_goes_back() {
        let mut last = now();
        for _ in 0..1_000 {
            let next = now();
            assert!(next >= last);
            last = next;
        }
    }

    #[test]
    fn a_sleeper_never_wakes_early() {
        let sleeper = Sleeper::new();
        for micros in [0, 50, 250, 2_000] {
            let until = now() + SpanNs(micros * 1_000);
            sleeper.until(until);
            assert!(now() >= until);
        }
    }

    #[test]
    fn the_past_is_no_reason_to_sleep() {
        Sleeper::new().until(MonoNs(0));
    }

    #[test]
    fn the_anchor_lies_between_two_readings_and_its_wall_clock_parses() {
        let before = now();
        let anchor = anchor();
        assert!(before <= anchor.mono && anchor.mono <= now());
        assert!(anchor.wall.parse::<jiff::Timestamp>().is_ok(), "{}", anchor.wall);
        assert!(wall_rfc3339().ends_with('Z'));
    }
}
