//! A page for each strategy, generated from the docs of its module and from the schema of its settings.
//!
//! `UPDATE_DOCS=1 cargo test --test strategy_pages` writes them. A new strategy needs no more than the sections below.

#[path = "pages/made.rs"]
mod made;

use jetlag::profile;
use jetlag::strategy::{self, About, Strategy};
use made::{first_sentence, is_stale, paragraphs, root, section, settings};
use serde_json::Value;

/// What every page tells, in this order, each a paragraph of the module's docs.
const SECTIONS: [&str; 5] = ["How it works", "Promises", "Hazards", OF_STREAMS, "When to choose it"];

/// Told by those for whom it makes a difference.
const OF_STREAMS: &str = "On a replicated stream";

const AGAIN: &str = "UPDATE_DOCS=1 cargo test --test strategy_pages";

fn source(kind: &str) -> String {
    format!("src/strategy/{}.rs", kind.replace('-', "_"))
}

fn promises(kind: &str) -> String {
    let promises = Strategy::with_defaults(kind).map(|strategy| strategy.promises());
    promises.map_or_else(|| "what its settings say".to_owned(), |promises| promises.to_string())
}

fn page(schema: &Value, about: &About) -> String {
    let kind = about.kind;
    let source = source(kind);
    let paragraphs = paragraphs(&source);
    let first = first_sentence(&source, kind);
    let mut page = format!("# {kind}\n\n{first}\n\nWith its default settings it promises: {}.\n", promises(kind));
    for name in SECTIONS {
        match section(&paragraphs, name) {
            Some(text) => page.push_str(&format!("\n## {name}\n\n{text}\n")),
            None if name == OF_STREAMS => {}
            None => panic!("the docs of {source} lack the paragraph that begins with **{name}.**"),
        }
    }
    page.push_str(&format!("\n## Settings\n\n{}", settings(schema, "Strategy", kind)));
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

#[test]
fn every_strategy_has_a_page_that_says_what_its_module_and_its_settings_say() {
    let schema = profile::schema();
    let mut pages: Vec<_> =
        strategy::ALL.iter().map(|about| (format!("{}.md", about.kind), page(&schema, about))).collect();
    pages.push(("README.md".to_owned(), index()));
    let stale: Vec<&str> = pages
        .iter()
        .filter(|(name, text)| is_stale(&format!("docs/strategies/{name}"), text))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(stale.is_empty(), "stale in docs/strategies: {}; write them with `{AGAIN}`", stale.join(", "));
}

#[test]
fn no_page_is_left_of_a_strategy_that_is_gone() {
    for entry in std::fs::read_dir(root().join("docs/strategies")).expect("the folder of pages") {
        let name = entry.expect("an entry").file_name().into_string().expect("a plain name");
        let known = strategy::ALL.iter().any(|about| name == format!("{}.md", about.kind));
        assert!(known || name == "README.md", "docs/strategies/{name} is about no strategy");
    }
}
