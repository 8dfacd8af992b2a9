//! The summary of a contrast for a terminal of eighty columns.

use comfy_table::ColumnConstraint;

use super::cells;
use crate::model::contrast::{Comparable, Contrast, Outcome, Pair};
use crate::render::text::{indented, right, table, wrap};

/// The summary. Colour repeats what words say; the caller decides it.
#[must_use]
pub fn summary(contrast: &Contrast, color: bool) -> String {
    let mut out = wrap(&format!("{}  {}", badge(contrast.outcome, color), cells::headline(contrast)), "");
    out.push('\n');
    let widest = contrast.sides.iter().map(|side| side.name.chars().count()).max().unwrap_or(0);
    for side in &contrast.sides {
        let name = format!("{}{}", side.name, " ".repeat(widest - side.name.chars().count()));
        out.push_str(&wrap(&cells::side(side), &format!("  {name}  ")));
        for line in cells::left_out(side) {
            out.push_str(&wrap(&line, "    ! "));
        }
    }
    for pair in &contrast.pairs {
        out.push_str(&about(pair, contrast.confidence));
    }
    out
}

/// Without colour.
pub(super) fn plain(contrast: &Contrast) -> String {
    summary(contrast, false)
}

fn badge(outcome: Outcome, color: bool) -> String {
    let code = match outcome {
        Outcome::Same | Outcome::Better => 32,
        Outcome::Undecided | Outcome::Incomparable => 33,
        Outcome::Worse => 31,
    };
    let word = cells::verdict(outcome);
    if color { format!("\u{1b}[1;{code}m{word}\u{1b}[0m") } else { word }
}

/// The end of a long name: folders of runs begin with their date, and differ at the end.
fn heading(name: &str) -> String {
    const MOST: usize = 11;
    let length = name.chars().count();
    if length <= MOST {
        name.to_owned()
    } else {
        std::iter::once('…').chain(name.chars().skip(length + 1 - MOST)).collect()
    }
}

fn about(pair: &Pair, confidence: f64) -> String {
    let mut out = wrap(&format!("{} against {}", pair.side, pair.base), "\n");
    if pair.comparable == Comparable::Forced {
        out.push_str(&wrap(cells::FORCED, "  ! "));
    }
    for finding in &pair.findings {
        out.push_str(&wrap(finding, "  - "));
    }
    for difference in &pair.differences {
        let line = format!("{}: {}", cells::weight(difference.weight), cells::difference(difference));
        out.push_str(&wrap(&line, "  ~ "));
    }
    if pair.comparable == Comparable::No {
        out.push_str(&wrap(&format!("{}.", cells::REMEDY), "  "));
        return out;
    }
    out.push('\n');
    let (rows, clean) = cells::shown(pair);
    if !rows.is_empty() {
        let mut table = table();
        table.set_header(["", &heading(&pair.base), &heading(&pair.side), "ratio", "interval", "verdict"]);
        for row in rows {
            // The name says the unit of a rate, and eighty columns are few.
            let [base, other] = cells::sides(row).map(|cell| cell.replace(" msg/s", ""));
            let figures = [cells::label(row), base, other, cells::ratio(row), cells::interval(row)];
            table.add_row(figures.into_iter().chain([cells::verdict(row.outcome)]));
        }
        if let Some(verdicts) = table.column_mut(5) {
            verdicts.set_constraint(ColumnConstraint::ContentWidth);
        }
        right(&mut table, &[1, 2, 3, 4]);
        out.push_str(&indented(&table));
    }
    out.push_str(&cells::clean_line(&clean).map_or_else(String::new, |line| wrap(&line, "  ")));
    for note in cells::notes(pair, confidence) {
        out.push_str(&wrap(&note, "  "));
    }
    out
}
