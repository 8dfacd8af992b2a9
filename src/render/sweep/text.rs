//! The summary that a terminal shows.

use super::quantity::Quantity;
use super::{findings, table};
use crate::model::sweep::{Cell, Sweep};
use crate::render::{origin, text};

/// Columns that a terminal needs for the table.
const TABLE_WIDTH: usize = 100;
/// A name longer than this goes on in the next line.
const NAME_WIDTH: usize = 22;

/// Colour repeats what words say.
pub(super) fn summary(sweep: &Sweep, color: bool) -> String {
    let badge = text::badge(sweep.state, color);
    let mut out = text::wrap(&format!("{badge}  {}", findings::headline(sweep)), "");
    out.push_str(&text::wrap(&format!("{}: {}", sweep.name, sweep.question), ""));
    out.push('\n');
    for finding in &sweep.findings {
        out.push_str(&text::wrap(finding, "  - "));
    }
    out.push('\n');
    out.push_str(&cells(sweep));
    if let Some(origin) = &sweep.origin {
        out.push_str("\nMake it again\n");
        out.push_str(&text::wrap(&format!("{} (seed {})", origin.command, origin.seed), "  "));
        out.push_str(&text::wrap(&super::made(sweep), "  "));
        out.push_str(&text::wrap(&format!("{}: {}", origin.started, origin::line(&origin.environment)), "  "));
        for difference in &origin.differences {
            out.push_str(&text::wrap(difference, "  - "));
        }
    }
    out
}

fn cells(sweep: &Sweep) -> String {
    // As much as there is room for.
    let mut laid_out = (0..=2).rev().map(|kinds| laid_out(sweep, &table::few(sweep, kinds)));
    let fits = |table: &String| table.lines().all(|line| line.chars().count() <= TABLE_WIDTH);
    let table = laid_out.find(fits).unwrap_or_default();
    let left_out = sweep.cells.iter().filter_map(|cell| Some((cell, cell.left_out.as_ref()?)));
    let left_out = left_out.map(|(cell, why)| text::wrap(&format!("left out: {}: {why}", cell.name), "  "));
    std::iter::once(table).chain(left_out).collect()
}

fn laid_out(sweep: &Sweep, shown: &[Quantity]) -> String {
    let cell = |cell: &Cell, quantity: &Quantity| {
        let range = quantity.range(cell).map_or_else(String::new, |range| format!("\n{range}"));
        format!("{}{range}", quantity.cell(cell))
    };
    let label = |quantity: &Quantity| quantity.label().replace('_', " ");
    let head: Vec<String> = std::iter::once("cell".to_owned()).chain(shown.iter().map(label)).collect();
    let usual = format!("{} complete", sweep.repeats);
    let row = |of: &Cell| {
        let runs = Some(table::runs(of, sweep.repeats)).filter(|runs| *runs != usual);
        let runs = runs.map_or_else(String::new, |runs| format!("\n({})", folded(&runs)));
        let name = format!("{}{runs}", folded(&of.name));
        std::iter::once(name).chain(shown.iter().map(|quantity| cell(of, quantity))).collect()
    };
    let rows: Vec<Vec<String>> = sweep.cells.iter().filter(|cell| cell.left_out.is_none()).map(row).collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut table = text::table();
    table.set_width((TABLE_WIDTH - 2) as u16);
    table.set_header(&head).add_rows(&rows);
    text::narrow(&mut table, &head, &rows);
    text::right(&mut table, &(1..head.len()).collect::<Vec<usize>>());
    let runs = if sweep.repeats == 1 { "run" } else { "runs" };
    let usual = format!("{usual} {runs} a cell where nothing else is said");
    let notes = std::iter::once(usual).chain(table::notes(sweep, shown));
    let notes: Vec<String> = notes.map(|note| text::wrap(&note, "  ")).collect();
    format!("{}{}", text::indented(&table), notes.concat())
}

/// In lines no longer than a name may be; what has no space in it is broken anywhere.
fn folded(name: &str) -> String {
    let mut lines: Vec<String> = vec![String::new()];
    for word in name.split_whitespace() {
        let letters: Vec<char> = word.chars().collect();
        for piece in letters.chunks(NAME_WIDTH) {
            let piece: String = piece.iter().collect();
            let line = lines.last_mut().expect("there is one from the start");
            if line.is_empty() {
                *line = piece;
            } else if line.chars().count() + 1 + piece.chars().count() <= NAME_WIDTH {
                line.push(' ');
                line.push_str(&piece);
            } else {
                lines.push(piece);
            }
        }
    }
    lines.join("\n")
}
