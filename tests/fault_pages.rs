//! A page for each kind of fault, generated from the docs of its module and from the schema of its settings.
//!
//! `UPDATE_DOCS=1 cargo test --test fault_pages` writes them. A new fault needs no more than the sections below.

#[path = "pages/made.rs"]
mod made;

use jetlag::fault::{self, About};
use jetlag::profile;
use made::{first_sentence, is_stale, paragraphs, root, section, settings, table};
use serde_json::Value;

/// What every page tells, in this order, each a paragraph of the module's docs.
const SECTIONS: [&str; 2] = ["What it asks", "What to expect"];

const AGAIN: &str = "UPDATE_DOCS=1 cargo test --test fault_pages";

fn targets(about: &About) -> String {
    about.targets.iter().map(|target| format!("`{target}`")).collect::<Vec<_>>().join(", ")
}

fn page(schema: &Value, about: &About) -> String {
    let kind = about.kind;
    let source = format!("src/fault/{}.rs", kind.replace('-', "_"));
    let paragraphs = paragraphs(&source);
    let mut page = format!("# {kind}\n\n{}\n", first_sentence(&source, kind));
    for name in SECTIONS {
        let text = section(&paragraphs, name);
        let text =
            text.unwrap_or_else(|| panic!("the docs of {source} lack the paragraph that begins with **{name}.**"));
        page.push_str(&format!("\n## {name}\n\n{text}\n"));
    }
    page.push_str(&format!("\n## Whom it strikes\n\n`target` may be: {}.\n", targets(about)));
    page.push_str(&format!("\n## Settings\n\n{}", settings(schema, "Fault", kind)));
    page + &format!(
        "\n---\n\n[All faults](README.md), [how they are scheduled](../profiles.md#faults). Generated from [`{source}`](../../{source}) \
         and the schema of profiles:\n`{AGAIN}`.\n"
    )
}

fn index(schema: &Value) -> String {
    let mut index = "# Faults\n\nWhat may strike while messages flow, each with what it asks and what to expect. How a report shows them: \
        [reading a report](../reading-a-report.md#4-how-long-partitions-stood-still).\n\n| fault | what happens | whom |\n|---|---|---|\n"
        .to_owned();
    for about in fault::ALL {
        let kind = about.kind;
        index.push_str(&format!("| [`{kind}`]({kind}.md) | {} | {} |\n", about.summary, targets(about)));
    }
    let when = schema["$defs"]["Fault"]["properties"].as_object().expect("every fault has a time");
    index.push_str(&format!(
        "\n## Whom and when\n\nEvery `[[fault]]` has these settings, beside its own.\n\n{}",
        table(schema, when.iter(), &schema["$defs"]["Fault"]["required"])
    ));
    index + &format!("\n---\n\nGenerated (`{AGAIN}`).\n")
}

#[test]
fn every_fault_has_a_page_that_says_what_its_module_and_its_settings_say() {
    let schema = profile::schema();
    let mut pages: Vec<_> =
        fault::ALL.iter().map(|about| (format!("{}.md", about.kind), page(&schema, about))).collect();
    pages.push(("README.md".to_owned(), index(&schema)));
    let stale: Vec<&str> = pages
        .iter()
        .filter(|(name, text)| is_stale(&format!("docs/faults/{name}"), text))
        .map(|(name, _)| name.as_str())
        .collect();
    assert!(stale.is_empty(), "stale in docs/faults: {}; write them with `{AGAIN}`", stale.join(", "));
}

#[test]
fn no_page_is_left_of_a_fault_that_is_gone() {
    for entry in std::fs::read_dir(root().join("docs/faults")).expect("the folder of pages") {
        let name = entry.expect("an entry").file_name().into_string().expect("a plain name");
        let known = fault::ALL.iter().any(|about| name == format!("{}.md", about.kind));
        assert!(known || name == "README.md", "docs/faults/{name} is about no fault");
    }
}
