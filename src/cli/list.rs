//! `jetlag list`: what there is of profiles, sweeps, strategies, faults, hazards, metrics and formats.

use clap::{Args, ValueEnum};
use serde_json::json;

use crate::metric::hazard::{self, Hazard};
use crate::strategy::{self, Strategy};
use crate::{fault, profile};

/// `jetlag list …`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// What to list; everything when nothing is said.
    #[arg(value_enum)]
    pub what: Option<What>,
    /// Print one JSON object instead.
    #[arg(long)]
    pub json: bool,
}

/// What can be listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// The built-in profiles and the questions they answer.
    Profiles,
    /// The built-in sweeps and the questions they answer.
    Sweeps,
    /// The ways of consuming.
    Strategies,
    /// What may strike.
    Faults,
    /// What is known to go wrong, and is looked for.
    Hazards,
    /// What is measured.
    Metrics,
    /// What a report can be written as.
    Formats,
}

impl What {
    fn name(self) -> &'static str {
        match self {
            Self::Profiles => "profiles",
            Self::Sweeps => "sweeps",
            Self::Strategies => "strategies",
            Self::Faults => "faults",
            Self::Hazards => "hazards",
            Self::Metrics => "metrics",
            Self::Formats => "formats",
        }
    }
}

/// One line of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The name to type.
    pub name: String,
    /// What it is.
    pub summary: String,
    /// More, by name: a metric's unit, a fault's targets.
    pub more: Vec<(&'static str, String)>,
}

impl Item {
    /// An item with a name and a summary.
    #[must_use]
    pub fn new(name: &str, summary: &str) -> Self {
        Self { name: name.to_owned(), summary: summary.to_owned(), more: Vec::new() }
    }

    /// The same with one thing more.
    #[must_use]
    pub fn with(mut self, what: &'static str, text: String) -> Self {
        self.more.push((what, text));
        self
    }
}

/// The text of a list. Rooms that this file does not know hand in their items.
#[must_use]
pub fn run(args: &ListArgs, metrics: &[Item], formats: &[Item]) -> String {
    let items = |what: What| match what {
        What::Profiles => questions(profile::builtin::ALL),
        What::Sweeps => questions(profile::sweep::builtin::ALL),
        What::Strategies => strategies(),
        What::Faults => faults(),
        What::Hazards => hazards(),
        What::Metrics => metrics.to_vec(),
        What::Formats => formats.to_vec(),
    };
    let lists: Vec<(&'static str, Vec<Item>)> = match args.what {
        Some(what) => vec![(what.name(), items(what))],
        None => What::value_variants().iter().map(|what| (what.name(), items(*what))).collect(),
    };
    match lists.as_slice() {
        lists if args.json => as_json(lists),
        [(_, items)] => as_text(items),
        lists => lists.iter().map(|(name, items)| format!("{name}\n\n{}\n", as_text(items))).collect(),
    }
}

fn questions(builtins: &[profile::builtin::Builtin]) -> Vec<Item> {
    builtins.iter().map(|builtin| Item::new(builtin.name, builtin.question())).collect()
}

/// What is told of a strategy holds for its default settings.
fn strategies() -> Vec<Item> {
    let item = |about: &strategy::About| {
        let item = Item::new(about.kind, about.summary);
        let Some(strategy) = Strategy::with_defaults(about.kind) else { return item };
        let item = item.with("promises", strategy.promises().to_string());
        match strategy.members_max() {
            Some(most) => item.with("members_max", most.to_string()),
            None => item,
        }
    };
    strategy::ALL.iter().map(item).collect()
}

fn faults() -> Vec<Item> {
    let item = |about: &fault::About| {
        let targets: Vec<_> = about.targets.iter().map(ToString::to_string).collect();
        Item::new(about.kind, about.summary).with("targets", targets.join(", "))
    };
    fault::ALL.iter().map(item).collect()
}

fn hazards() -> Vec<Item> {
    let item = |hazard: &Hazard| {
        let item = Item::new(hazard.id, hazard.about).with("counted by", hazard.metrics.join(", "));
        match hazard.breaks {
            Some(promise) => item.with("breaks", promise.words().to_owned()),
            None => item,
        }
    };
    hazard::ALL.iter().map(item).collect()
}

/// Names in one column, the rest beside it.
fn as_text(items: &[Item]) -> String {
    let widest = items.iter().map(|item| item.name.chars().count()).max().unwrap_or(0);
    let line = |item: &Item| {
        let more: String = item.more.iter().map(|(what, text)| format!("; {what}: {text}")).collect();
        format!("{:widest$}  {}{more}\n", item.name, item.summary)
    };
    items.iter().map(line).collect()
}

fn as_json(lists: &[(&'static str, Vec<Item>)]) -> String {
    let item = |item: &Item| {
        let mut object = serde_json::Map::new();
        object.insert("name".to_owned(), item.name.clone().into());
        object.insert("summary".to_owned(), item.summary.clone().into());
        object.extend(item.more.iter().map(|(what, text)| ((*what).to_owned(), text.clone().into())));
        serde_json::Value::Object(object)
    };
    let object: serde_json::Map<String, serde_json::Value> = lists
        .iter()
        .map(|(name, items)| ((*name).to_owned(), items.iter().map(item).collect::<Vec<_>>().into()))
        .collect();
    format!("{}\n", json!(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(what: What, json: bool) -> String {
        run(&ListArgs { what: Some(what), json }, &[Item::new("gap", "how long").with("unit", "ms".to_owned())], &[])
    }

    #[test]
    fn every_item_has_a_line_of_its_own_and_a_summary() {
        for (what, names) in [
            (What::Profiles, profile::builtin::ALL.iter().map(|it| it.name).collect::<Vec<_>>()),
            (What::Sweeps, profile::sweep::builtin::ALL.iter().map(|it| it.name).collect()),
            (What::Strategies, strategy::ALL.iter().map(|it| it.kind).collect()),
            (What::Faults, fault::ALL.iter().map(|it| it.kind).collect()),
            (What::Hazards, hazard::ALL.iter().map(|it| it.id).collect()),
            (What::Metrics, vec!["gap"]),
        ] {
            let text = listed(what, false);
            let firsts: Vec<_> = text.lines().filter_map(|line| line.split("  ").next()).map(str::trim).collect();
            assert_eq!(firsts, names);
            assert!(text.lines().all(|line| line.len() > 20 || what == What::Metrics), "{text}");
        }
    }

    #[test]
    fn a_strategy_is_listed_with_what_it_promises_and_how_many_members_it_takes() {
        let text = listed(What::Strategies, true);
        let lists: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        let strategies = lists["strategies"].as_array().expect("a list");
        let of = |name: &str| strategies.iter().find(|item| item["name"] == name).expect("it is listed");
        assert_eq!(of("lease-group")["promises"], "at least once, order per key, exclusive");
        assert_eq!(of("ordered")["members_max"], "1");
        assert_eq!(of("lease-group").get("members_max"), None);
    }

    #[test]
    fn everything_is_listed_when_nothing_is_said() {
        let text = run(&ListArgs { what: None, json: false }, &[], &[]);
        for name in ["quick", "shared-pull", "kill"] {
            assert!(text.contains(name), "{text}");
        }
    }

    #[test]
    fn json_is_one_object_named_after_the_list() {
        assert_eq!(
            listed(What::Metrics, true),
            "{\"metrics\":[{\"name\":\"gap\",\"summary\":\"how long\",\"unit\":\"ms\"}]}\n"
        );
        assert_eq!(listed(What::Formats, true), "{\"formats\":[]}\n");
    }
}
