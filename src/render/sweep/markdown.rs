//! `sweep.md`: the table and what it says, for a README, a pull request or a chat.

use super::quantity::Quantity;
use super::{findings, grid, quantity, table};
use crate::model::sweep::{Cell, Sweep};
use crate::render::markdown::{code, inline};
use crate::render::origin;

/// The text.
pub(super) fn render(sweep: &Sweep) -> String {
    let mut out = format!("## {}: {}\n\n", sweep.state, inline(&findings::headline(sweep)));
    out.push_str(&format!("**{}**: {}\n\n", inline(&sweep.name), inline(&sweep.question)));
    for finding in &sweep.findings {
        out.push_str(&format!("- {}\n", inline(finding)));
    }
    let shown = quantity::all(sweep);
    let axes = || sweep.axes.iter().map(|axis| inline(&axis.name));
    let head: Vec<String> =
        axes().chain(["runs".to_owned()]).chain(shown.iter().map(|quantity| inline(&quantity.label()))).collect();
    let rule = "---|".repeat(sweep.axes.len() + 1) + &"---:|".repeat(shown.len());
    out.push_str(&format!("\n| {} |\n|{rule}\n", head.join(" | ")));
    for cell in &sweep.cells {
        out.push_str(&format!("| {} |\n", row(sweep, cell, &shown).join(" | ")));
    }
    let notes: Vec<String> = table::notes(sweep, &shown).iter().map(|note| format!("{}.", inline(note))).collect();
    if !notes.is_empty() {
        out.push_str(&format!("\n{}\n", notes.join(" ")));
    }
    if let Some(origin) = &sweep.origin {
        let line = inline(&origin::line(&origin.environment));
        let (command, made) = (code(&origin.command), inline(&super::made(sweep)));
        out.push_str(&format!("\n`{command}` · seed {} · {made} · {} · {line}\n", origin.seed, origin.started));
        for difference in &origin.differences {
            out.push_str(&format!("- {}\n", inline(difference)));
        }
    }
    out
}

fn row(sweep: &Sweep, cell: &Cell, shown: &[Quantity]) -> Vec<String> {
    let values = (0..sweep.axes.len()).map(|axis| inline(grid::label(sweep, cell, axis)));
    if let Some(why) = &cell.left_out {
        let empty = shown.iter().map(|_| String::new());
        return values.chain([inline(&format!("left out: {why}"))]).chain(empty).collect();
    }
    let figures = shown.iter().map(|quantity| {
        let range = quantity.range(cell).map_or_else(String::new, |range| format!(" ({range})"));
        inline(&format!("{}{range}", quantity.cell(cell)))
    });
    values.chain([inline(&table::runs(cell, sweep.repeats))]).chain(figures).collect()
}
