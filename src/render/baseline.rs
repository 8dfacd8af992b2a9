//! A baseline as text: its file, and what `jetlag baseline show` says of it.

use super::json::parse_as;
use super::sheet::Sheet;
use super::{Error, number, origin};
use crate::model::baseline::{Baseline, SCHEMA};

/// The text of its file: on one line, because it is committed and indentation would double it.
#[must_use]
pub fn file(baseline: &Baseline) -> String {
    let mut text = serde_json::to_string(baseline).expect("every map in our formats has text as keys");
    text.push('\n');
    text
}

/// A baseline, read from the text of its file.
///
/// # Errors
/// When the text is something else, or was written by a newer jetlag.
pub fn parse(text: &str) -> Result<Baseline, Error> {
    parse_as(text, SCHEMA)
}

/// What it is: one line for a list.
#[must_use]
pub fn line(baseline: &Baseline) -> String {
    let repeats = number::of(baseline.runs.len() as u64, "repeat");
    let what = baseline.runs.first().map_or_else(String::new, |run| {
        let variant = run.run.variant.as_ref().map_or_else(String::new, |variant| format!(" / {variant}"));
        format!("{}{variant}, {}, ", run.run.profile, run.run.strategy)
    });
    format!("{what}{repeats}, saved {}", baseline.saved)
}

/// Everything that is worth knowing before something is held against it.
#[must_use]
pub fn summary(baseline: &Baseline, sheet: Sheet) -> String {
    let mut out = sheet.wrap(&format!("{}: {}", baseline.name, line(baseline)), "");
    out.push_str(&baseline.note.as_ref().map_or_else(String::new, |note| sheet.wrap(note, "  ")));
    if let Some(first) = baseline.runs.first() {
        out.push_str(&sheet.wrap(&format!("{} (seed {})", first.run.command, first.run.seed), "  "));
        out.push_str(&sheet.wrap(&origin::line(&first.environment), "  "));
    }
    for run in &baseline.runs {
        out.push_str(&sheet.wrap(&format!("{}, {}", run.run.started, run.run.id), "  - "));
    }
    out
}
