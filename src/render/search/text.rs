//! The summary of a search for a terminal.

use super::words;
use crate::model::search::{Search, Trial};
use crate::render::sheet::Sheet;
use crate::render::{number, origin};

/// The summary. Colour repeats what words say; the caller decides it.
#[must_use]
pub fn summary(search: &Search, sheet: Sheet) -> String {
    let mut out = sheet.wrap(&format!("{}  {}", badge(search, sheet), words::headline(search)), "");
    out.push_str(&sheet.wrap(&format!("{}: {}", words::subject(search), search.question), ""));
    out.push('\n');
    for finding in search.findings.iter().skip(1) {
        out.push_str(&sheet.wrap(finding, "  - "));
    }
    if let Some(remedy) = &search.remedy {
        out.push_str(&sheet.wrap(remedy, "  ! "));
    }
    for (name, value) in words::terms(&search.terms).into_iter().take(2) {
        out.push_str(&sheet.wrap(&format!("{name}: {value}"), "  - "));
    }
    if !search.trials.is_empty() {
        out.push('\n');
        out.push_str(&trials(search, sheet));
    }
    if let Some(origin) = &search.origin {
        out.push_str("\nMake it again\n");
        out.push_str(&sheet.wrap(&format!("{} (seed {})", origin.command, origin.seed), "  "));
        out.push_str(&sheet.wrap(&format!("{}: {}", origin.started, origin::line(&origin.environment)), "  "));
    }
    out
}

/// Without colour.
pub(super) fn plain(search: &Search) -> String {
    summary(search, Sheet::FILE)
}

fn badge(search: &Search, sheet: Sheet) -> String {
    let ending = words::ending(search);
    let code = match ending.class {
        "good" => 32,
        "broken" => 31,
        _ => 33,
    };
    let word = format!("{} {}", ending.mark, ending.word);
    sheet.paint(&word, code)
}

/// A row a trial, and why those that were not sustained were not.
fn trials(search: &Search, sheet: Sheet) -> String {
    let head = ["trial"].into_iter().chain(words::FIGURES).chain(["verdict"]);
    let head: Vec<String> = head.map(str::to_owned).collect();
    let cells = |trial: &Trial| {
        let verdict = format!("{} {}", words::mark(trial.verdict), trial.verdict);
        [trial.number.to_string()].into_iter().chain(words::figures(trial)).chain([verdict]).collect::<Vec<String>>()
    };
    let rows: Vec<Vec<String>> = search.trials.iter().map(cells).collect();
    let mut out = sheet.rows(&head, &rows, &[0, 1, 2, 3, 4, 5, 6], &[]);
    out.push_str(&sheet.wrap(words::LEGEND, "  "));
    for trial in search.trials.iter().filter(|trial| !trial.reasons.is_empty()) {
        out.push_str(&sheet.wrap(&words::why(trial), &format!("  {}  ", number::count(trial.number.into()))));
    }
    out
}
