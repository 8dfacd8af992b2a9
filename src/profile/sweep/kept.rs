//! What a sweep's folder keeps of its plan, so that the rest can be made later, and made of the same things. Pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Grid, Order};

/// Value of [`Kept::schema`] that this version writes.
pub const SCHEMA: &str = "jetlag.sweep-plan/1";
/// How many changes are told one by one.
const TOLD_MAX: usize = 10;

/// `sweep-plan.json`: what was to be measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Name and version of this format: `jetlag.sweep-plan/1`.
    pub schema: String,
    /// Name of the sweep.
    pub name: String,
    /// In which order the runs are made.
    pub order: Order,
    /// From which a shuffled order is drawn.
    pub seed: u64,
    /// How often each cell is run.
    pub repeats: u32,
    /// The cells, in the order of the grid.
    pub cells: Vec<KeptCell>,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptCell {
    /// Its name.
    pub name: String,
    /// Its profile with every default filled in; absent when it is left out.
    pub settings: Option<Value>,
}

impl Kept {
    /// What is kept of a grid.
    #[must_use]
    pub fn of(grid: &Grid) -> Self {
        let cell = |(number, cell): (usize, &super::Cell)| KeptCell {
            name: cell.name.clone(),
            settings: grid.settings(number),
        };
        Self {
            schema: SCHEMA.to_owned(),
            name: grid.name.clone(),
            order: grid.order,
            seed: grid.seed,
            repeats: grid.repeats,
            cells: grid.cells.iter().enumerate().map(cell).collect(),
        }
    }

    /// In what `now` differs from this, a sentence each; empty when `now` goes on where this ended. More repeats are no
    /// difference: those that are there stay the same.
    #[must_use]
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let mut changes = Vec::new();
        let mut tell = |what: &str, then: String, now: String| {
            if then != now {
                changes.push(format!("{what} was {then}, and is {now}"));
            }
        };
        tell("the order", self.order.name().to_owned(), now.order.name().to_owned());
        if self.order == Order::Shuffled {
            tell("the seed of the order", self.seed.to_string(), now.seed.to_string());
        }
        if now.repeats < self.repeats {
            tell("the number of repeats", self.repeats.to_string(), now.repeats.to_string());
        }
        let names = |kept: &Self| kept.cells.iter().map(|cell| cell.name.clone()).collect::<Vec<_>>();
        let (then_names, now_names) = (names(self), names(now));
        if then_names == now_names {
            for (then, now) in self.cells.iter().zip(&now.cells) {
                cell_changes(then, now, &mut tell);
            }
        } else {
            let list = |names: &[String]| names.iter().map(|name| format!("({name})")).collect::<Vec<_>>().join(" ");
            tell("the grid", list(&then_names), list(&now_names));
        }
        let more = changes.len().saturating_sub(TOLD_MAX);
        changes.truncate(TOLD_MAX);
        if more > 0 {
            changes.push(format!("and {more} more differ"));
        }
        changes
    }
}

fn cell_changes(then: &KeptCell, now: &KeptCell, tell: &mut impl FnMut(&str, String, String)) {
    match (&then.settings, &now.settings) {
        (Some(old), Some(new)) => {
            let (mut old_keys, mut new_keys) = (Vec::new(), Vec::new());
            leaves("", old, &mut old_keys);
            leaves("", new, &mut new_keys);
            let of = |keys: &[(String, String)], key: &str| {
                keys.iter().find(|(known, _)| known == key).map_or("not there".to_owned(), |(_, value)| value.clone())
            };
            let mut all: Vec<&String> = old_keys.iter().chain(&new_keys).map(|(key, _)| key).collect();
            all.sort_unstable();
            all.dedup();
            for key in all {
                tell(&format!("{key} of ({})", then.name), of(&old_keys, key), of(&new_keys, key));
            }
        }
        (old, new) => {
            let told = |settings: &Option<Value>| if settings.is_some() { "run" } else { "left out" }.to_owned();
            tell(&format!("the cell ({})", then.name), told(old), told(new));
        }
    }
}

/// Every value in a tree with its dotted path.
fn leaves(path: &str, value: &Value, into: &mut Vec<(String, String)>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| leaves(&below(key), value, into)),
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(at, value)| leaves(&below(&at.to_string()), value, into));
        }
        other => into.push((path.to_owned(), other.to_string())),
    }
}
