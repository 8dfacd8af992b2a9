//! The section `[gate]`: what `jetlag gate` asks of the runs of a profile.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

/// What `jetlag gate` asks of the runs; it changes nothing about them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Gate {
    /// What must hold, whatever the base does: `"gap.max@kill" = "< 3s"`, `"order_violations" = "= 0"`. Default: none.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", deserialize_with = "flat")]
    pub rules: BTreeMap<String, String>,
    /// From which share on a difference of a metric matters: `gap = "25%"`. Default: those of `jetlag compare`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub thresholds: BTreeMap<String, String>,
    /// What is held against the base, like "gap" or "end_to_end.p99". Default: what `jetlag compare` compares.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<String>,
    /// Repeats of a side before the first look. Default 6, or 3 when there are only rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_repeats: Option<u32>,
    /// Repeats of a side at most. Default 16, or 9 when there are only rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_repeats: Option<u32>,
}

impl Gate {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// `gap.max = "< 3s"` without quotes is a table in a table to TOML, and means the same.
fn flat<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let mut rules = BTreeMap::new();
    flatten("", toml::Table::deserialize(deserializer)?, &mut rules).map_err(serde::de::Error::custom)?;
    Ok(rules)
}

fn flatten(path: &str, table: toml::Table, rules: &mut BTreeMap<String, String>) -> Result<(), String> {
    for (key, value) in table {
        let path = if path.is_empty() { key } else { format!("{path}.{key}") };
        match value {
            toml::Value::String(limit) => drop(rules.insert(path, limit)),
            toml::Value::Table(table) => flatten(&path, table, rules)?,
            other => return Err(format!("the limit of {path} is {other}, expected text like \"< 3s\" or \"= 0\"")),
        }
    }
    Ok(())
}
