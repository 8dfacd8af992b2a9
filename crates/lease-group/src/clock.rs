//! The two clocks: one to decide by, one to tell by.
//!
//! Deadlines and expiries are decided on `CLOCK_BOOTTIME`, which goes on while the machine is suspended: a lease ends for a
//! laptop that slept too. Events are told on `CLOCK_MONOTONIC`, which other processes of the host can compare. No wall clock
//! decides anything.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// An instant in nanoseconds of the deciding clock (`CLOCK_BOOTTIME`). The pure core only compares and adds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Moment(u64);

impl Moment {
    /// An instant that many nanoseconds after the clock's zero.
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        Self(ns)
    }

    /// Nanoseconds since the clock's zero.
    #[must_use]
    pub const fn as_ns(self) -> u64 {
        self.0
    }

    /// Now, on `CLOCK_BOOTTIME`.
    #[must_use]
    pub fn now() -> Self {
        Self(read_ns(ClockId::Boottime))
    }

    /// This instant and `duration` more, at most the end of time.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration.as_nanos().try_into().unwrap_or(u64::MAX)))
    }

    /// The time since `earlier`, zero if that is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// Now in nanoseconds of `CLOCK_MONOTONIC`: the clock of every event and every [`Message`](crate::Message) instant.
#[must_use]
pub fn monotonic_ns() -> u64 {
    read_ns(ClockId::Monotonic)
}

/// A deciding instant in the telling clock's nanoseconds. The offset between the two changes only while the machine is suspended.
pub(crate) fn told_ns(moment: Moment) -> u64 {
    let offset = i128::from(monotonic_ns()) - i128::from(Moment::now().as_ns());
    (i128::from(moment.as_ns()) + offset).clamp(0, i128::from(u64::MAX)) as u64
}

/// Wall time in milliseconds since 1970, for the informational fields of records only.
pub(crate) fn wall_ms() -> u64 {
    read_ns(ClockId::Realtime) / 1_000_000
}

fn read_ns(clock: ClockId) -> u64 {
    let time = clock_gettime(clock);
    // Both fields are non-negative for these clocks on every system since 1970.
    (time.tv_sec as u64).saturating_mul(1_000_000_000).saturating_add(time.tv_nsec as u64)
}
