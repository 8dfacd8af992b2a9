//! A search as Markdown, for a pull request or an issue: the answer first, the trials folded away.

use super::words;
use crate::model::search::Search;
use crate::render::origin;

/// The whole text.
pub(super) fn render(search: &Search) -> String {
    let ending = words::ending(search);
    let mut out = format!("## {} {}: {}\n\n", ending.mark, ending.word, escaped(words::headline(search)));
    out.push_str(&format!("{}: {}\n\n", escaped(&words::subject(search)), escaped(&search.question)));
    for finding in search.findings.iter().skip(1).chain(&search.remedy) {
        out.push_str(&format!("- {}\n", escaped(finding)));
    }
    for (name, value) in words::terms(&search.terms) {
        out.push_str(&format!("- {name}: {value}\n"));
    }
    out.push_str("\n<details><summary>Trials</summary>\n\n");
    out.push_str(&format!("| trial | {} | verdict | why |\n", words::FIGURES.join(" | ")));
    out.push_str("|---:|---:|---:|---:|---:|---:|---:|---|---|\n");
    for trial in &search.trials {
        let verdict = format!("{} {}", words::mark(trial.verdict), trial.verdict);
        let figures = words::figures(trial).join(" | ");
        out.push_str(&format!("| {} | {figures} | {verdict} | {} |\n", trial.number, escaped(&words::why(trial))));
    }
    out.push_str(&format!("\n{}\n\n</details>\n", words::LEGEND));
    if let Some(origin) = &search.origin {
        out.push_str(&format!(
            "\n`{}` (seed {}); {}\n",
            origin.command.replace('`', "'"),
            origin.seed,
            escaped(&origin::line(&origin.environment))
        ));
    }
    out
}

/// Text of others that is no markup.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;").replace(['\n', '\r'], " ")
}
