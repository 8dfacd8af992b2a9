//! The summary of a search for a terminal of eighty columns.

use super::words;
use crate::model::search::Search;
use crate::render::text::{indented, right, table, wrap};
use crate::render::{number, origin};

/// The summary. Colour repeats what words say; the caller decides it.
#[must_use]
pub fn summary(search: &Search, color: bool) -> String {
    let mut out = wrap(&format!("{}  {}", badge(search, color), words::headline(search)), "");
    out.push_str(&wrap(&format!("{}: {}", words::subject(search), search.question), ""));
    out.push('\n');
    for finding in search.findings.iter().skip(1) {
        out.push_str(&wrap(finding, "  - "));
    }
    if let Some(remedy) = &search.remedy {
        out.push_str(&wrap(remedy, "  ! "));
    }
    for (name, value) in words::terms(&search.terms).into_iter().take(2) {
        out.push_str(&wrap(&format!("{name}: {value}"), "  - "));
    }
    if !search.trials.is_empty() {
        out.push('\n');
        out.push_str(&trials(search));
    }
    if let Some(origin) = &search.origin {
        out.push_str("\nMake it again\n");
        out.push_str(&wrap(&format!("{} (seed {})", origin.command, origin.seed), "  "));
        out.push_str(&wrap(&format!("{}: {}", origin.started, origin::line(&origin.environment)), "  "));
    }
    out
}

/// Without colour.
pub(super) fn plain(search: &Search) -> String {
    summary(search, false)
}

fn badge(search: &Search, color: bool) -> String {
    let ending = words::ending(search);
    let code = match ending.class {
        "good" => 32,
        "broken" => 31,
        _ => 33,
    };
    let word = format!("{} {}", ending.mark, ending.word);
    if color { format!("\u{1b}[1;{code}m{word}\u{1b}[0m") } else { word }
}

/// A row a trial, and why those that were not sustained were not.
fn trials(search: &Search) -> String {
    let mut table = table();
    table.set_header(["trial"].into_iter().chain(words::FIGURES).chain(["verdict"]));
    for trial in &search.trials {
        let verdict = format!("{} {}", words::mark(trial.verdict), trial.verdict);
        table.add_row([trial.number.to_string()].into_iter().chain(words::figures(trial)).chain([verdict]));
    }
    right(&mut table, &[0, 1, 2, 3, 4, 5, 6]);
    let mut out = indented(&table);
    out.push_str(&wrap(words::LEGEND, "  "));
    for trial in search.trials.iter().filter(|trial| !trial.reasons.is_empty()) {
        out.push_str(&wrap(&words::why(trial), &format!("  {}  ", number::count(trial.number.into()))));
    }
    out
}
