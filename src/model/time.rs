//! Time as jetlag counts it: nanoseconds of one monotonic clock, never a bare integer.

use std::fmt;
use std::ops::{Add, Sub};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// An instant: nanoseconds of `CLOCK_MONOTONIC`, comparable between all processes of one host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct MonoNs(pub u64);

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SpanNs(pub u64);

impl MonoNs {
    /// The span from `earlier` to `self`; zero when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> SpanNs {
        SpanNs(self.0.saturating_sub(earlier.0))
    }
}

impl Add<SpanNs> for MonoNs {
    type Output = Self;
    fn add(self, span: SpanNs) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}

impl Sub<SpanNs> for MonoNs {
    type Output = Self;
    fn sub(self, span: SpanNs) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}

impl SpanNs {
    /// In milliseconds, for people and plots.
    #[must_use]
    pub fn as_ms(self) -> f64 {
        self.0 as f64 / 1e6
    }

    /// In seconds, for people and plots.
    #[must_use]
    pub fn as_s(self) -> f64 {
        self.0 as f64 / 1e9
    }
}

impl From<Duration> for SpanNs {
    fn from(duration: Duration) -> Self {
        Self(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
    }
}

impl From<SpanNs> for Duration {
    fn from(span: SpanNs) -> Self {
        Self::from_nanos(span.0)
    }
}

impl fmt::Display for SpanNs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ns if ns < 10_000 => write!(f, "{ns} ns"),
            ns if ns < 10_000_000 => write!(f, "{:.0} µs", ns as f64 / 1e3),
            ns if ns < 10_000_000_000 => write!(f, "{:.0} ms", ns as f64 / 1e6),
            ns => write!(f, "{:.1} s", ns as f64 / 1e9),
        }
    }
}
