//! The summary of a contrast for a terminal.

use super::cells;
use crate::model::contrast::{Comparable, Contrast, Outcome, Pair, Row};
use crate::render::sheet::Sheet;

/// The summary. Colour repeats what words say; the caller decides it.
#[must_use]
pub fn summary(contrast: &Contrast, sheet: Sheet) -> String {
    let mut out = sheet.wrap(&format!("{}  {}", badge(contrast.outcome, sheet), cells::headline(contrast)), "");
    out.push('\n');
    let widest = contrast.sides.iter().map(|side| side.name.chars().count()).max().unwrap_or(0);
    for side in &contrast.sides {
        let name = format!("{}{}", side.name, " ".repeat(widest - side.name.chars().count()));
        out.push_str(&sheet.wrap(&cells::side(side), &format!("  {name}  ")));
        for line in cells::left_out(side) {
            out.push_str(&sheet.wrap(&line, "    ! "));
        }
    }
    for pair in &contrast.pairs {
        out.push_str(&about(pair, contrast.confidence, sheet));
    }
    out
}

/// Without colour.
pub(super) fn plain(contrast: &Contrast) -> String {
    summary(contrast, Sheet::FILE)
}

fn badge(outcome: Outcome, sheet: Sheet) -> String {
    let code = match outcome {
        Outcome::Same | Outcome::Better => 32,
        Outcome::Undecided | Outcome::Incomparable => 33,
        Outcome::Worse => 31,
    };
    let word = cells::verdict(outcome);
    sheet.paint(&word, code)
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

fn about(pair: &Pair, confidence: f64, sheet: Sheet) -> String {
    let mut out = sheet.wrap(&format!("{} against {}", pair.side, pair.base), "\n");
    if pair.comparable == Comparable::Forced {
        out.push_str(&sheet.wrap(cells::FORCED, "  ! "));
    }
    for finding in &pair.findings {
        out.push_str(&sheet.wrap(finding, "  - "));
    }
    for difference in &pair.differences {
        let line = format!("{}: {}", cells::weight(difference.weight), cells::difference(difference));
        out.push_str(&sheet.wrap(&line, "  ~ "));
    }
    if pair.comparable == Comparable::No {
        out.push_str(&sheet.wrap(&format!("{}.", cells::REMEDY), "  "));
        return out;
    }
    out.push('\n');
    let (rows, clean) = cells::shown(pair);
    if !rows.is_empty() {
        let (base, side) = (heading(&pair.base), heading(&pair.side));
        let head = ["", &base, &side, "ratio", "interval", "verdict"].map(str::to_owned);
        let cells = |row: &Row| {
            // The name says the unit of a rate, and eighty columns are few.
            let [base, other] = cells::sides(row).map(|cell| cell.replace(" msg/s", ""));
            let figures = [cells::label(row), base, other, cells::ratio(row), cells::interval(row)];
            figures.into_iter().chain([cells::verdict(row.outcome)]).collect::<Vec<String>>()
        };
        let rows: Vec<Vec<String>> = rows.into_iter().map(cells).collect();
        out.push_str(&sheet.rows(&head, &rows, &[1, 2, 3, 4], &[5]));
    }
    out.push_str(&cells::clean_line(&clean).map_or_else(String::new, |line| sheet.wrap(&line, "  ")));
    for note in cells::notes(pair, confidence) {
        out.push_str(&sheet.wrap(&note, "  "));
    }
    out
}
