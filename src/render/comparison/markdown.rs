//! `comparison.md`: the runs side by side for a README, a pull request or a chat.

use super::matrix::{self, Layout};
use super::{headline, origin};
use crate::model::comparison::Comparison;
use crate::render::markdown::{code, inline};

/// The text.
pub(super) fn render(comparison: &Comparison) -> String {
    let runs = &comparison.rows;
    let mut out = format!("## {}: {}\n\n", comparison.state, inline(&headline(comparison)));
    out.push_str(&format!("**{}**: {}\n\n", inline(&comparison.profile), inline(&comparison.question)));
    for finding in &comparison.findings {
        out.push_str(&format!("- {}\n", inline(finding)));
    }
    let columns = matrix::of(runs, Layout::Wide);
    let head: Vec<String> = columns.iter().map(|column| inline(&column.label)).collect();
    out.push_str(&format!("\n| | {} |\n|---|---{}|\n", head.join(" | "), "|---:".repeat(columns.len() - 1)));
    for run in runs {
        let cells: Vec<String> = columns.iter().map(|column| inline(&(column.cell)(run))).collect();
        out.push_str(&format!("| {} | {} |\n", inline(&matrix::name(run, runs)), cells.join(" | ")));
    }
    let notes: Vec<String> = matrix::notes(runs).iter().map(|note| format!("{}.", inline(note))).collect();
    out.push_str(&format!("\n{}\n", notes.join(" ")));
    if let Some(origin) = &comparison.origin {
        let line = inline(&origin::line(&origin.environment));
        let command = code(&origin.command);
        out.push_str(&format!("\n`{command}` · seed {} · {} · {line}\n", origin.seed, origin.started));
        for difference in &origin.differences {
            out.push_str(&format!("- {}\n", inline(difference)));
        }
    }
    out
}
