//! Quantities as people write them in profiles: `"2s"`, `"256B"`, `"2000/s"`. A number without a unit is refused.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::SpanNs;

/// A length of time as text: `"250ms"`, `"2s"`, `"1m 30s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timespan(pub Duration);

/// A size as text: `"256B"`, `"1KiB"`, `"1MB"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(pub u64);

/// A rate of messages as text: `"2000/s"`, or `"max"` for a closed loop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rate {
    /// Open loop: so many messages a second.
    PerSecond(f64),
    /// Closed loop: as fast as the window allows.
    Max,
}

/// How many times as much, as text: `"5x"`, `"1.5x"`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Factor(pub f64);

impl FromStr for Factor {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.trim().strip_suffix('x').and_then(|number| number.trim().parse::<f64>().ok());
        number.filter(|factor| *factor > 0.0 && *factor <= Self::MOST).map(Self).ok_or_else(|| {
            format!("'{text}' is no factor: write a number with an x, like \"5x\", at most {}x", Self::MOST)
        })
    }
}

impl Factor {
    /// A greater one is a slip.
    const MOST: f64 = 1e6;
}

impl fmt::Display for Factor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x", self.0)
    }
}

/// An instant as text: RFC 3339 like `"2026-11-22T10:00:00Z"`, or a length of time before now like `"30s"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Since {
    /// That instant.
    At(jiff::Timestamp),
    /// So long before whenever it is asked.
    Ago(Timespan),
}

impl Since {
    /// Nanoseconds since 1970 of the instant that is meant, when it is `now`.
    #[must_use]
    pub fn unix_ns(self, now: jiff::Timestamp) -> i128 {
        match self {
            Self::At(instant) => instant.as_nanosecond(),
            Self::Ago(span) => now.as_nanosecond() - i128::try_from(span.0.as_nanos()).unwrap_or(i128::MAX),
        }
    }
}

impl FromStr for Since {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let instant = text.parse().map(Self::At).ok();
        instant.or_else(|| text.parse().map(Self::Ago).ok()).ok_or_else(|| {
            format!(
                "'{text}' is no instant: write \"2026-11-22T10:00:00Z\", or a length of time before now, like \"30s\""
            )
        })
    }
}

impl fmt::Display for Since {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(instant) => instant.fmt(f),
            Self::Ago(span) => span.fmt(f),
        }
    }
}

impl Timespan {
    /// In the unit of the journals.
    #[must_use]
    pub fn span(self) -> SpanNs {
        self.0.into()
    }
}

impl FromStr for Timespan {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        humantime::parse_duration(text)
            .map(Self)
            .map_err(|_| format!("'{text}' is no length of time: write a number with a unit, like \"250ms\" or \"2s\""))
    }
}

impl fmt::Display for Timespan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl FromStr for Size {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unit_is_there = text.trim_end().ends_with(|last: char| last.is_ascii_alphabetic());
        match text.parse::<bytesize::ByteSize>() {
            Ok(size) if unit_is_there => Ok(Self(size.as_u64())),
            _ => Err(format!("'{text}' is no size: write a number with a unit, like \"256B\" or \"1KiB\"")),
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (unit, name) in [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")] {
            if self.0 >= unit && self.0.is_multiple_of(unit) {
                return write!(f, "{}{name}", self.0 / unit);
            }
        }
        write!(f, "{}B", self.0)
    }
}

impl FromStr for Rate {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.trim() == "max" {
            return Ok(Self::Max);
        }
        text.trim()
            .strip_suffix("/s")
            .and_then(|number| number.trim().replace('_', "").parse::<f64>().ok())
            .filter(|rate| rate.is_finite() && *rate > 0.0)
            .map(Self::PerSecond)
            .ok_or_else(|| format!("'{text}' is no rate: write \"2000/s\", or \"max\" for as fast as it goes"))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PerSecond(rate) => write!(f, "{rate}/s"),
            Self::Max => f.write_str("max"),
        }
    }
}

/// Serde and schema by way of text, for each unit type.
macro_rules! as_text {
    ($type:ty, $name:literal, $pattern:literal, $about:literal) => {
        impl Serialize for $type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({ "type": "string", "pattern": $pattern, "description": $about })
            }
        }
    };
}

as_text!(Timespan, "Timespan", "^[0-9]", "A length of time with its unit, like \"250ms\" or \"2s\".");
as_text!(Factor, "Factor", "^[0-9.]+ *x$", "How many times as much, like \"5x\".");
as_text!(Size, "Size", "^[0-9].*[A-Za-z]$", "A size with its unit, like \"256B\" or \"1KiB\".");
as_text!(
    Since,
    "Since",
    "^[0-9].*[A-Za-z0-9]$",
    "An instant like \"2026-11-22T10:00:00Z\", or a length of time before now like \"30s\"."
);
as_text!(Rate, "Rate", "^(max|[0-9_.]+ */s)$", "Messages a second, like \"2000/s\", or \"max\".");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_without_a_unit_is_refused() {
        assert!("2".parse::<Timespan>().is_err());
        assert!("256".parse::<Size>().is_err());
        assert!("2000".parse::<Rate>().is_err());
        assert!("-3/s".parse::<Rate>().is_err());
        for text in ["5", "x", "0x", "-1x", "infx", "nanx", "1e9x"] {
            assert!(text.parse::<Factor>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_instant_is_a_date_or_a_span_before_now() {
        let now = "2026-11-22T10:00:30Z".parse().expect("a date");
        let of = |text: &str| text.parse::<Since>().map(|since| since.unix_ns(now));
        assert_eq!(of("30s"), of("2026-11-22T10:00:00Z"));
        assert_eq!(of("2026-11-22T11:00:00+01:00"), of("2026-11-22T10:00:00Z"));
        for text in ["", "yesterday", "2026-11-22", "30"] {
            assert!(of(text).is_err(), "{text}");
        }
        for text in ["30s", "2026-11-22T10:00:00Z"] {
            assert_eq!(text.parse::<Since>().expect("an instant").to_string(), text);
        }
    }

    #[test]
    fn what_is_printed_parses_again() {
        for text in ["2s", "250ms", "1m 30s"] {
            let span: Timespan = text.parse().expect("a length of time");
            assert_eq!(span.to_string().parse(), Ok(span));
        }
        for (text, bytes) in [("256B", 256), ("1KiB", 1024), ("3MiB", 3 << 20), ("1500B", 1500)] {
            assert_eq!(text.parse(), Ok(Size(bytes)));
            assert_eq!(Size(bytes).to_string(), text);
        }
        assert_eq!("1.5x".parse(), Ok(Factor(1.5)));
        assert_eq!(Factor(5.0).to_string(), "5x");
        assert_eq!("2000/s".parse(), Ok(Rate::PerSecond(2000.0)));
        assert_eq!(Rate::Max.to_string().parse(), Ok(Rate::Max));
    }
}
