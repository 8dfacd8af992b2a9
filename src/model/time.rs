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

/// In the unit that suits it, with three digits at most before whole ones: `1 µs`, `81.3 ms`, `2,310 ms`, `2 s`, `12.3 s`.
impl fmt::Display for SpanNs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SECOND: u64 = 1_000_000_000;
        let (nanoseconds, unit) = match self.0 {
            0 => return f.write_str("0 ms"),
            span if span < 1_000 => (1.0, "ns"),
            span if span < 1_000_000 => (1e3, "µs"),
            span if span < 10 * SECOND && !span.is_multiple_of(SECOND) => (1e6, "ms"),
            _ => (1e9, "s"),
        };
        let value = self.0 as f64 / nanoseconds;
        let decimals = match value {
            whole if whole >= 99.95 => 0,
            tens if tens >= 9.995 => 1,
            _ => 2,
        };
        let text = format!("{value:.decimals$}");
        let text = if decimals == 0 { &text } else { text.trim_end_matches('0').trim_end_matches('.') };
        match text.len().checked_sub(3).filter(|head| decimals == 0 && *head > 0).map(|head| text.split_at(head)) {
            Some((thousands, rest)) => write!(f, "{thousands},{rest} {unit}"),
            None => write!(f, "{text} {unit}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_told_in_the_unit_that_suits_it() {
        for (ns, text) in [
            (0, "0 ms"),
            (640, "640 ns"),
            (1_000, "1 µs"),
            (1_500, "1.5 µs"),
            (500_000, "500 µs"),
            (1_000_000, "1 ms"),
            (81_340_000, "81.3 ms"),
            (50_000_000, "50 ms"),
            (1_000_000_000, "1 s"),
            (2_310_400_000, "2,310 ms"),
            (12_345_000_000, "12.3 s"),
            (60_000_000_000, "60 s"),
            (3_600_000_000_000, "3,600 s"),
        ] {
            assert_eq!(SpanNs(ns).to_string(), text);
        }
    }
}
