//! The summary of a gate for a terminal.

use super::cells as own;
use crate::model::contrast::{Comparable, Row};
use crate::model::gate::{Gate, Ruling, Timing, Verdict};
use crate::render::contrast::cells;
use crate::render::sheet::Sheet;

/// The summary. Colour repeats what words say; the caller decides it.
#[must_use]
pub fn summary(gate: &Gate, sheet: Sheet) -> String {
    let mut out = sheet.wrap(&format!("{}  {}", badge(gate.verdict, sheet), own::headline(gate)), "");
    for finding in &gate.findings {
        out.push_str(&sheet.wrap(finding, "  - "));
    }
    out.push('\n');
    for side in gate.base.iter().chain([&gate.head]) {
        out.push_str(&sheet.wrap(&format!("{}: {}", side.name, cells::side(side)), "  "));
    }
    out.push_str(&sheet.wrap(&own::course(gate), "  "));
    if !gate.rules.is_empty() {
        out.push('\n');
        let head = ["rule", "limit", "value", "of", "verdict"].map(str::to_owned);
        let cells = |rule: &Ruling| {
            let verdict = own::rule_verdict(rule.outcome);
            vec![rule.subject.clone(), rule.limit.clone(), own::value(rule), own::over(rule), verdict]
        };
        let rows: Vec<Vec<String>> = gate.rules.iter().map(cells).collect();
        out.push_str(&sheet.rows(&head, &rows, &[1, 2], &[]));
    }
    if let Some(timing) = &gate.timing {
        out.push('\n');
        out.push_str(&against(timing, sheet));
    }
    out
}

/// Without colour.
pub(super) fn plain(gate: &Gate) -> String {
    summary(gate, Sheet::FILE)
}

fn badge(verdict: Verdict, sheet: Sheet) -> String {
    let code = match verdict {
        Verdict::Passed => 32,
        Verdict::Failed => 31,
        Verdict::Undecided | Verdict::Incomparable | Verdict::Interrupted => 33,
    };
    let word = own::verdict(verdict);
    sheet.paint(&word, code)
}

fn against(timing: &Timing, sheet: Sheet) -> String {
    let mut out = String::new();
    if timing.comparable == Comparable::Forced {
        out.push_str(&sheet.wrap(cells::FORCED, "  ! "));
    }
    for difference in &timing.differences {
        let line = format!("{}: {}", cells::weight(difference.weight), cells::difference(difference));
        out.push_str(&sheet.wrap(&line, "  ~ "));
    }
    if timing.comparable == Comparable::No {
        out.push_str(&sheet.wrap(&format!("{}.", cells::REMEDY), "  "));
        return out;
    }
    let (rows, clean) = cells::worth_a_line(&timing.quantities);
    if !rows.is_empty() {
        let head = ["", "base", "head", "ratio", "interval", "verdict"].map(str::to_owned);
        let cells = |row: &Row| {
            // The name says the unit of a rate, and eighty columns are few.
            let [base, head] = cells::sides(row).map(|cell| cell.replace(" msg/s", ""));
            let verdict = own::quantity_verdict(row);
            vec![cells::label(row), base, head, cells::ratio(row), cells::interval(row), verdict]
        };
        let rows: Vec<Vec<String>> = rows.into_iter().map(cells).collect();
        out.push_str(&sheet.rows(&head, &rows, &[1, 2, 3, 4], &[]));
    }
    out.push_str(&cells::clean_line(&clean).map_or_else(String::new, |line| sheet.wrap(&line, "  ")));
    for note in own::notes(timing) {
        out.push_str(&sheet.wrap(&note, "  "));
    }
    out
}
