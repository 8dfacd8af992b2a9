//! A reading: one measured value, keyed by metric id. Reports hold a list of them, never a field a metric.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One measured value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Reading {
    /// Id of the metric, as `jetlag list metrics` shows it.
    pub metric: String,
    /// Which statistic of it.
    pub stat: Stat,
    /// The value, in `unit`. Absent when it was not observed: never 0 in its place.
    pub value: Option<f64>,
    /// Unit: `ms`, `msg/s`, `count`, `s`, `MiB`, `ratio`, ….
    pub unit: String,
    /// Which direction is good.
    pub better: Better,
    /// What it is about.
    pub scope: Scope,
    /// How many observations stand behind it.
    pub n: u64,
    /// Whether it was cut short (a window ended by the next fault, a message not handled by the end).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub censored: bool,
    /// The distribution behind it: HDR histogram, V2 + deflate, base64; values in nanoseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub histogram: Option<String>,
}

/// A statistic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stat {
    /// How many.
    Count,
    /// The one value there is.
    Value,
    /// Arithmetic mean.
    Mean,
    /// Least.
    Min,
    /// Median.
    P50,
    /// 90th percentile.
    P90,
    /// 99th percentile.
    P99,
    /// 99.9th percentile.
    P999,
    /// Greatest.
    Max,
}

impl fmt::Display for Stat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Count => "count",
            Self::Value => "value",
            Self::Mean => "mean",
            Self::Min => "min",
            Self::P50 => "p50",
            Self::P90 => "p90",
            Self::P99 => "p99",
            Self::P999 => "p99.9",
            Self::Max => "max",
        })
    }
}

/// Which direction of a metric is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Better {
    /// More is better.
    Higher,
    /// Less is better.
    Lower,
    /// It tells what happened, it does not judge.
    None,
}

impl fmt::Display for Better {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::None => "none",
        })
    }
}

/// What a reading is about. Written as text: `run`, `partition:7`, `member:c1`, `process:server-0`, `fault:3`, `fault-kind:kill`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The whole run.
    Run,
    /// One partition.
    Partition(u16),
    /// One member, all its incarnations.
    Member(String),
    /// One process, or one kind of process.
    Process(String),
    /// One fault of the schedule, by number.
    Fault(u32),
    /// All faults of a kind.
    FaultKind(String),
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Run => f.write_str("run"),
            Self::Partition(partition) => write!(f, "partition:{partition}"),
            Self::Member(member) => write!(f, "member:{member}"),
            Self::Process(process) => write!(f, "process:{process}"),
            Self::Fault(id) => write!(f, "fault:{id}"),
            Self::FaultKind(kind) => write!(f, "fault-kind:{kind}"),
        }
    }
}

impl FromStr for Scope {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || format!("'{text}' is no scope");
        if text == "run" {
            return Ok(Self::Run);
        }
        let (kind, name) = text.split_once(':').ok_or_else(unknown)?;
        match kind {
            "partition" => name.parse().map(Self::Partition).map_err(|_| unknown()),
            "member" => Ok(Self::Member(name.to_owned())),
            "process" => Ok(Self::Process(name.to_owned())),
            "fault" => name.parse().map(Self::Fault).map_err(|_| unknown()),
            "fault-kind" => Ok(Self::FaultKind(name.to_owned())),
            _ => Err(unknown()),
        }
    }
}

impl Serialize for Scope {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Scope {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<'de, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Scope {
    fn schema_name() -> Cow<'static, str> {
        "Scope".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^(run|partition:[0-9]+|fault:[0-9]+|(member|process|fault-kind):.+)$",
            "description": "What a reading is about."
        })
    }
}
