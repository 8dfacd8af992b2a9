//! The explanation for the terminal: one event a line, as wide as it is as far as names allow.

use super::{COLUMNS, RIGHT, cells, head, left_out, run, view};
use crate::model::explanation::Explanation;
use crate::model::report::Violation;
use crate::render::number;
use crate::render::sheet::Sheet;

/// The last column is never squeezed below this.
const DETAIL_MIN: usize = 12;

/// The explanation as the terminal shows it. Colour repeats what marks say; the caller decides it (`NO_COLOR`).
#[must_use]
pub fn summary(explanation: &Explanation, sheet: Sheet) -> String {
    let mut out = sheet.wrap(&head(explanation), "");
    out.push_str(&sheet.wrap(&explanation.violation.story, "  "));
    out.push('\n');
    out.push_str(&sheet.wrap(&view(explanation), ""));
    out.push('\n');
    out.push_str(&time_line(explanation, sheet));
    out.push_str("\nWhat went wrong\n");
    for sentence in &explanation.told {
        out.push_str(&sheet.wrap(sentence, "  "));
    }
    for damage in &explanation.damage {
        out.push_str(&sheet.wrap(&format!("the evidence is damaged: {damage}"), "  ! "));
    }
    out.push('\n');
    out.push_str(&sheet.wrap(&run(explanation), ""));
    out
}

fn time_line(explanation: &Explanation, sheet: Sheet) -> String {
    let rows: Vec<[String; 9]> = explanation.events.iter().map(cells).collect();
    let widths: Vec<usize> = (0..COLUMNS.len() - 1)
        .map(|column| {
            let widest = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
            // A column without a word in it is left out with its head.
            if widest == 0 { 0 } else { widest.max(COLUMNS[column].chars().count()) }
        })
        .collect();
    let lead: usize = 2 + widths.iter().filter(|width| **width > 0).map(|width| width + 1).sum::<usize>();
    let room = sheet.columns().saturating_sub(lead).max(DETAIL_MIN);
    let mut out = line("  ", &COLUMNS.map(str::to_owned), &widths);
    for (event, row) in explanation.events.iter().zip(&rows) {
        out.push_str(&left_out(event.left_out).map_or_else(String::new, |told| format!("  {told}\n")));
        let mut detail = pieces(&row[8], room).into_iter();
        let mut first = row.clone();
        first[8] = detail.next().unwrap_or_default();
        let mark = if event.concerned { "> " } else { "  " };
        let text = line(mark, &first, &widths);
        out.push_str(&if event.offset_ms == 0.0 {
            format!(
                "{}
",
                sheet.bold(text.trim_end())
            )
        } else {
            text
        });
        for piece in detail {
            out.push_str(&format!("{}{piece}\n", " ".repeat(lead)));
        }
    }
    out + &left_out(explanation.left_out_after).map_or_else(String::new, |told| format!("  {told}\n"))
}

/// One line of the table, with nothing trailing.
fn line(mark: &str, row: &[String; 9], widths: &[usize]) -> String {
    let mut out = mark.to_owned();
    for (column, &width) in widths.iter().enumerate().filter(|(_, width)| **width > 0) {
        let cell = &row[column];
        let text = if RIGHT.contains(&column) { format!("{cell:>width$} ") } else { format!("{cell:<width$} ") };
        out.push_str(&text);
    }
    out.push_str(&row[8]);
    format!("{}\n", out.trim_end())
}

/// Cut between words where it must be.
fn pieces(text: &str, room: usize) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match pieces.last_mut() {
            Some(last) if last.chars().count() + 1 + word.chars().count() <= room => {
                last.push(' ');
                last.push_str(word);
            }
            _ => pieces.push(word.to_owned()),
        }
    }
    pieces
}

/// What can be explained, by kind, each with its number in the report.
#[must_use]
pub fn list(violations: &[Violation], sheet: Sheet) -> String {
    let mut kinds: Vec<&str> = Vec::new();
    for violation in violations {
        if !kinds.contains(&violation.kind.as_str()) {
            kinds.push(&violation.kind);
        }
    }
    let width = violations.len().to_string().len();
    let mut out = String::new();
    for kind in kinds {
        let of_kind = (1..).zip(violations).filter(|(_, violation)| violation.kind == kind);
        let leave = if violations.iter().any(|it| it.kind == kind && it.promised) { "" } else { ", not promised" };
        out.push_str(&format!("{kind} ({}{leave})\n", number::count(of_kind.clone().count() as u64)));
        for (place, violation) in of_kind {
            let told = format!("{}  {}", number::instant(violation.at_ms), violation.story);
            out.push_str(&sheet.wrap(&told, &format!("  {place:>width$}  ")));
        }
        out.push('\n');
    }
    out
}
