//! A profile with every default filled in, as TOML that means the same.

use serde::Serialize;

use super::document::{Document, Fault, Fleet, Gate, Ledger, Limits, Load, Run, Search, Server, Stream, Variant};
use super::load::Loaded;
use crate::strategy::Strategy;

/// The profile as it is run: the question, then every key with its value.
///
/// Sections in which variants differ are spelled out whole in each variant and left out above, so that nothing depends
/// on what one variant filled in for another.
#[must_use]
pub fn show(profile: &Loaded) -> String {
    let documents: Vec<Document> = profile.documents.iter().map(|(_, document)| document.filled()).collect();
    let Some(first) = documents.first() else { return String::new() };
    let tables: Vec<toml::Table> = documents.iter().map(table).collect();
    let same = |section: &str| tables.iter().all(|table| table.get(section) == tables[0].get(section));
    let variants: Vec<Variant> = profile
        .documents
        .iter()
        .zip(&tables)
        .filter_map(|((name, _), table)| {
            let differing = table.iter().filter(|(section, _)| !same(section));
            let mut set: toml::Table = differing.map(|(section, value)| (section.clone(), value.clone())).collect();
            if !same("fault") && !set.contains_key("fault") {
                set.insert("fault".to_owned(), toml::Value::Array(Vec::new()));
            }
            Some(Variant { name: name.clone()?, set })
        })
        .collect();
    let shown = Shown {
        run: same("run").then_some(&first.run),
        server: same("server").then_some(&first.server),
        stream: same("stream").then_some(&first.stream),
        load: same("load").then_some(&first.load),
        ledger: (same("ledger") && first.ledger != Ledger::default()).then_some(&first.ledger),
        fleet: same("fleet").then_some(&first.fleet),
        strategy: same("strategy").then_some(&first.strategy),
        limits: same("limits").then_some(&first.limits),
        search: (same("search") && first.search != Search::default()).then_some(&first.search),
        gate: (same("gate") && first.gate != Gate::default()).then_some(&first.gate),
        fault: if same("fault") { &first.fault } else { &[] },
        variant: &variants,
    };
    let question = if profile.question.is_empty() { String::new() } else { format!("# {}\n\n", profile.question) };
    let body = toml::to_string(&shown).expect("a document is TOML");
    format!("{question}{body}")
}

/// A document without the sections in which variants differ.
#[derive(Serialize)]
struct Shown<'d> {
    #[serde(skip_serializing_if = "Option::is_none")]
    run: Option<&'d Run>,
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<&'d Server>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<&'d Stream>,
    #[serde(skip_serializing_if = "Option::is_none")]
    load: Option<&'d Load>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ledger: Option<&'d Ledger>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fleet: Option<&'d Fleet>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strategy: Option<&'d Strategy>,
    #[serde(skip_serializing_if = "Option::is_none")]
    limits: Option<&'d Limits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    search: Option<&'d Search>,
    gate: Option<&'d Gate>,
    #[serde(skip_serializing_if = "<[Fault]>::is_empty")]
    fault: &'d [Fault],
    #[serde(skip_serializing_if = "<[Variant]>::is_empty")]
    variant: &'d [Variant],
}

fn table(document: &Document) -> toml::Table {
    toml::Table::try_from(document).expect("a document is TOML")
}
