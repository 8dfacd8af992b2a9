//! The summary of a gate for a terminal of eighty columns.

use super::cells as own;
use crate::model::contrast::Comparable;
use crate::model::gate::{Gate, Timing, Verdict};
use crate::render::contrast::cells;
use crate::render::text::{indented, right, table, wrap};

/// The summary. Colour repeats what words say; the caller decides it.
#[must_use]
pub fn summary(gate: &Gate, color: bool) -> String {
    let mut out = wrap(&format!("{}  {}", badge(gate.verdict, color), own::headline(gate)), "");
    for finding in &gate.findings {
        out.push_str(&wrap(finding, "  - "));
    }
    out.push('\n');
    for side in gate.base.iter().chain([&gate.head]) {
        out.push_str(&wrap(&format!("{}: {}", side.name, cells::side(side)), "  "));
    }
    out.push_str(&wrap(&own::course(gate), "  "));
    if !gate.rules.is_empty() {
        out.push('\n');
        let mut table = table();
        table.set_header(["rule", "limit", "value", "of", "verdict"]);
        for rule in &gate.rules {
            let verdict = own::rule_verdict(rule.outcome);
            table.add_row([rule.subject.clone(), rule.limit.clone(), own::value(rule), own::over(rule), verdict]);
        }
        right(&mut table, &[1, 2]);
        out.push_str(&indented(&table));
    }
    if let Some(timing) = &gate.timing {
        out.push('\n');
        out.push_str(&against(timing));
    }
    out
}

/// Without colour.
pub(super) fn plain(gate: &Gate) -> String {
    summary(gate, false)
}

fn badge(verdict: Verdict, color: bool) -> String {
    let code = match verdict {
        Verdict::Passed => 32,
        Verdict::Failed => 31,
        Verdict::Undecided | Verdict::Incomparable | Verdict::Interrupted => 33,
    };
    let word = own::verdict(verdict);
    if color { format!("\u{1b}[1;{code}m{word}\u{1b}[0m") } else { word }
}

fn against(timing: &Timing) -> String {
    let mut out = String::new();
    if timing.comparable == Comparable::Forced {
        out.push_str(&wrap(cells::FORCED, "  ! "));
    }
    for difference in &timing.differences {
        let line = format!("{}: {}", cells::weight(difference.weight), cells::difference(difference));
        out.push_str(&wrap(&line, "  ~ "));
    }
    if timing.comparable == Comparable::No {
        out.push_str(&wrap(&format!("{}.", cells::REMEDY), "  "));
        return out;
    }
    let (rows, clean) = cells::worth_a_line(&timing.quantities);
    if !rows.is_empty() {
        let mut table = table();
        table.set_header(["", "base", "head", "ratio", "interval", "verdict"]);
        for row in rows {
            // The name says the unit of a rate, and eighty columns are few.
            let [base, head] = cells::sides(row).map(|cell| cell.replace(" msg/s", ""));
            let verdict = own::quantity_verdict(row);
            table.add_row([cells::label(row), base, head, cells::ratio(row), cells::interval(row), verdict]);
        }
        right(&mut table, &[1, 2, 3, 4]);
        out.push_str(&indented(&table));
    }
    out.push_str(&cells::clean_line(&clean).map_or_else(String::new, |line| wrap(&line, "  ")));
    for note in own::notes(timing) {
        out.push_str(&wrap(&note, "  "));
    }
    out
}
