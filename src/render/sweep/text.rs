//! The summary that a terminal shows.

use super::quantity::Quantity;
use super::{findings, table};
use crate::model::sweep::{Cell, Sweep};
use crate::render::sheet::Sheet;
use crate::render::{origin, text};

/// A name longer than this goes on in the next line.
const NAME_WIDTH: usize = 22;

/// Colour repeats what words say.
pub(super) fn summary(sweep: &Sweep, sheet: Sheet) -> String {
    let badge = text::badge(sweep.state, sheet);
    let mut out = sheet.wrap(&format!("{badge}  {}", findings::headline(sweep)), "");
    out.push_str(&sheet.wrap(&format!("{}: {}", sweep.name, sweep.question), ""));
    out.push('\n');
    for finding in &sweep.findings {
        out.push_str(&sheet.wrap(finding, "  - "));
    }
    out.push('\n');
    out.push_str(&cells(sweep, sheet));
    if let Some(origin) = &sweep.origin {
        out.push_str("\nMake it again\n");
        out.push_str(&sheet.wrap(&format!("{} (seed {})", origin.command, origin.seed), "  "));
        out.push_str(&sheet.wrap(&super::made(sweep), "  "));
        out.push_str(&sheet.wrap(&format!("{}: {}", origin.started, origin::line(&origin.environment)), "  "));
        for difference in &origin.differences {
            out.push_str(&sheet.wrap(difference, "  - "));
        }
    }
    out
}

fn cells(sweep: &Sweep, sheet: Sheet) -> String {
    // As much as there is room for; the least of it in several tables where there is little.
    let (fewest, more) = (table::few(sweep, 0), [2, 1].map(|kinds| table::few(sweep, kinds)));
    let roomy = more.into_iter().find(|shown| {
        let (head, rows) = rows(sweep, shown);
        sheet.holds(&head, &rows)
    });
    let table = laid_out(sweep, &roomy.unwrap_or(fewest), sheet);
    let left_out = sweep.cells.iter().filter_map(|cell| Some((cell, cell.left_out.as_ref()?)));
    let left_out = left_out.map(|(cell, why)| sheet.wrap(&format!("left out: {}: {why}", cell.name), "  "));
    std::iter::once(table).chain(left_out).collect()
}

/// The head, and a row a cell that was measured.
fn rows(sweep: &Sweep, shown: &[Quantity]) -> (Vec<String>, Vec<Vec<String>>) {
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
    (head, rows)
}

fn laid_out(sweep: &Sweep, shown: &[Quantity], sheet: Sheet) -> String {
    let (head, rows) = rows(sweep, shown);
    if rows.is_empty() {
        return String::new();
    }
    let runs = if sweep.repeats == 1 { "run" } else { "runs" };
    let usual = format!("{} complete {runs} a cell where nothing else is said", sweep.repeats);
    let notes = std::iter::once(usual).chain(table::notes(sweep, shown));
    let notes: Vec<String> = notes.map(|note| sheet.wrap(&note, "  ")).collect();
    format!("{}{}", sheet.tables(&head, &rows, &(1..head.len()).collect::<Vec<usize>>()), notes.concat())
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
