//! A page for each strategy, generated from the docs of its module and from the schema of its settings.
//!
//! `UPDATE_DOCS=1 cargo test --test strategy_pages` writes them. A new strategy needs no more than the sections below.

use std::path::{Path, PathBuf};

use jetlag::profile;
use jetlag::strategy::{self, About, Strategy};
use serde_json::Value;

/// What every page tells, in this order, each a paragraph of the module's docs.
const SECTIONS: [&str; 5] = ["How it works", "Promises", "Hazards", OF_STREAMS, "When to choose it"];

/// Told by those for whom it makes a difference.
const OF_STREAMS: &str = "On a replicated stream";

const AGAIN: &str = "UPDATE_DOCS=1 cargo test --test strategy_pages";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn source(kind: &str) -> String {
    format!("src/strategy/{}.rs", kind.replace('-', "_"))
}

/// The paragraphs of a module's docs, without the slashes.
fn paragraphs(kind: &str) -> Vec<String> {
    let path = source(kind);
    let text = std::fs::read_to_string(root().join(&path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let docs: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    docs.join("\n").split("\n\n").map(str::to_owned).collect()
}

/// One of the [`SECTIONS`], which begins with its name in bold.
fn section(paragraphs: &[String], name: &str) -> Option<String> {
    let head = format!("**{name}.**");
    paragraphs.iter().find_map(|paragraph| Some(paragraph.strip_prefix(&head)?.trim_start().to_owned()))
}

/// The schema of one strategy's settings.
fn settings(schema: &Value, kind: &str) -> Vec<(String, Value)> {
    let kinds = schema["$defs"]["Strategy"]["oneOf"].as_array().expect("strategies are told apart by kind");
    let found = kinds.iter().find(|variant| variant["properties"]["kind"]["const"] == kind);
    let found = found.unwrap_or_else(|| panic!("the schema of profiles lacks the strategy {kind}"));
    let properties = found["properties"].as_object().expect("it has settings");
    properties.iter().filter(|(name, _)| *name != "kind").map(|(name, of)| (name.clone(), of.clone())).collect()
}

/// A value as one types it; what has no default must be said.
fn default(of: &Value) -> String {
    match of.get("default") {
        None => "none: it must be said".to_owned(),
        Some(Value::Null) => "–".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

/// What a setting means, in one line, with the words that it may be.
fn meaning(schema: &Value, of: &Value) -> String {
    let text = of["description"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let alternatives = of.get("anyOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = std::iter::once(of).chain(alternatives).filter_map(|of| of["$ref"].as_str());
    let words = named.filter_map(|name| schema["$defs"][name.rsplit('/').next()?]["oneOf"].as_array()).flatten();
    let words: Vec<String> = words
        .filter_map(|word| Some(format!("`\"{}\"`: {}", word["const"].as_str()?, word["description"].as_str()?)))
        .collect();
    let text = [vec![text], words].concat().join(" ");
    text.replace('|', "\\|")
}

fn promises(kind: &str) -> String {
    let promises = Strategy::with_defaults(kind).map(|strategy| strategy.promises());
    promises.map_or_else(|| "what its settings say".to_owned(), |promises| promises.to_string())
}

fn page(schema: &Value, about: &About) -> String {
    let kind = about.kind;
    let paragraphs = paragraphs(kind);
    let name = format!("`{kind}`: ");
    let first = paragraphs.first().and_then(|first| first.strip_prefix(&name));
    let first = first.unwrap_or_else(|| panic!("the docs of {} do not begin with {name}", source(kind)));
    let mut letters = first.chars();
    let first: String = letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect();
    let mut page = format!("# {kind}\n\n{first}\n\nWith its default settings it promises: {}.\n", promises(kind));
    for name in SECTIONS {
        match section(&paragraphs, name) {
            Some(text) => page.push_str(&format!("\n## {name}\n\n{text}\n")),
            None if name == OF_STREAMS => {}
            None => panic!("the docs of {} lack the paragraph that begins with **{name}.**", source(kind)),
        }
    }
    page.push_str("\n## Settings\n\n");
    let settings = settings(schema, kind);
    if settings.is_empty() {
        page.push_str("None.\n");
    } else {
        page.push_str("| key | default | |\n|---|---|---|\n");
    }
    for (key, of) in settings {
        page.push_str(&format!("| `{key}` | {} | {} |\n", default(&of), meaning(schema, &of)));
    }
    let source = source(kind);
    page + &format!(
        "\n---\n\n[All strategies](README.md). Generated from [`{source}`](../../{source}) and the schema of profiles:\n`{AGAIN}`.\n"
    )
}

fn index() -> String {
    let mut index = "# Strategies\n\nThe ways of consuming that jetlag measures, each with how it works, what it promises, its hazards, and \
        when to choose\nit. What a promise means: [metrics](../metrics.md#what-a-strategy-promises). How they compare: \
        `jetlag run strategies`.\n\n| strategy | what it is | promises by default |\n|---|---|---|\n"
        .to_owned();
    for about in strategy::ALL {
        let kind = about.kind;
        index.push_str(&format!("| [`{kind}`]({kind}.md) | {} | {} |\n", about.summary, promises(kind)));
    }
    index + &format!("\n---\n\nGenerated (`{AGAIN}`).\n")
}

fn folder() -> PathBuf {
    root().join("docs/strategies")
}

/// Holds `expected` against the committed file, or writes that.
fn stale(name: &str, expected: &str) -> bool {
    let path = folder().join(name);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(folder()).expect("docs/ can be written");
        std::fs::write(&path, expected).expect("docs/strategies/ can be written");
    }
    std::fs::read_to_string(path).unwrap_or_default() != expected
}

#[test]
fn every_strategy_has_a_page_that_says_what_its_module_and_its_settings_say() {
    let schema = profile::schema();
    let mut pages: Vec<_> =
        strategy::ALL.iter().map(|about| (format!("{}.md", about.kind), page(&schema, about))).collect();
    pages.push(("README.md".to_owned(), index()));
    let stale: Vec<&str> =
        pages.iter().filter(|(name, text)| stale(name, text)).map(|(name, _)| name.as_str()).collect();
    assert!(stale.is_empty(), "stale in docs/strategies: {}; write them with `{AGAIN}`", stale.join(", "));
}

#[test]
fn no_page_is_left_of_a_strategy_that_is_gone() {
    for entry in std::fs::read_dir(folder()).expect("the folder of pages") {
        let name = entry.expect("an entry").file_name().into_string().expect("a plain name");
        let known = strategy::ALL.iter().any(|about| name == format!("{}.md", about.kind));
        assert!(known || name == "README.md", "docs/strategies/{name} is about no strategy");
    }
}
