//! The terminal summary: the verdict first, then what matters, in eighty columns and without need of colour.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::number;
use super::{Audience, Format, accounts, faults, hazards, origin, summary};
use crate::model::report::{Report, RunState};

/// This format.
pub const FORMAT: Format = Format {
    name: "text",
    file: "report.txt",
    about: "The summary that the terminal shows",
    audience: Audience::People,
    render,
};

const WIDTH: usize = 80;

fn render(report: &Report) -> String {
    summary(report, false)
}

/// The summary of one run. Colour repeats what words say; the caller decides it (`NO_COLOR`).
#[must_use]
pub fn summary(report: &Report, color: bool) -> String {
    let verdict = summary::verdict(report);
    let run = &report.run;
    let variant = run.variant.as_ref().map_or_else(String::new, |variant| format!(" / {variant}"));
    let mut out = String::new();
    let state = badge(report.state, color);
    out.push_str(&wrap(&format!("{state}  {}", verdict.headline), ""));
    for reason in report.state_reasons.iter().chain(&report.notes) {
        out.push_str(&wrap(reason, "  - "));
    }
    out.push('\n');
    out.push_str(&wrap(&format!("{}{variant}, {}: {}", run.profile, run.strategy, run.question), ""));
    let mut caveat = verdict.caveat.map_or_else(String::new, |caveat| format!("{caveat}: "));
    for sentence in &verdict.sentences {
        out.push_str(&wrap(&format!("{}{sentence}", std::mem::take(&mut caveat)), ""));
    }
    out.push('\n');
    out.push_str(&verdict.caveat.map_or_else(String::new, |caveat| wrap(caveat, "  ! ")));
    out.push_str(&figures(report));
    out.push_str(&gaps(report));
    out.push_str(&each_fault(report));
    out.push_str(&hazards::sentence(report).map_or_else(String::new, |told| format!("\n{}", wrap(&told, ""))));
    out.push_str(&violations(report));
    out.push_str(&worst_accounts(report));
    out.push_str("\nMake it again\n");
    out.push_str(&wrap(&format!("{} (seed {})", run.command, run.seed), "  "));
    out.push_str(&wrap(&format!("{}: {}", run.started, origin::line(&report.environment)), "  "));
    out
}

/// The state as a word with a mark.
pub(super) fn badge(state: RunState, color: bool) -> String {
    let (mark, code) = match state {
        RunState::Complete => ("✔", 32),
        RunState::Violated => ("✘", 31),
        RunState::Invalid => ("!", 33),
        RunState::Interrupted => ("■", 33),
    };
    let word = format!("{mark} {state}");
    if color { format!("\u{1b}[1;{code}m{word}\u{1b}[0m") } else { word }
}

fn figures(report: &Report) -> String {
    let figures = summary::key_figures(report);
    if figures.is_empty() {
        return "No figures: the run recorded too little.\n".to_owned();
    }
    let mut table = table();
    for figure in figures {
        table.add_row(vec![figure.name, figure.value, figure.unit, figure.note]);
    }
    right(&mut table, &[1]);
    indented(&table)
}

fn gaps(report: &Report) -> String {
    let rows = faults::by_kind(report);
    if rows.is_empty() {
        return String::new();
    }
    let cell = number::ms_or_absent;
    let mut cut = false;
    let mut table = table();
    table.set_header(vec!["gap after", "faults", "affected p50", "max", "stranded", "bystanders", "before"]);
    for row in rows {
        cut |= row.censored;
        let mark = if row.censored { " *" } else { "" };
        table.add_row(vec![
            format!("{}{mark}", row.kind),
            row.faults.to_string(),
            cell(row.affected.p50),
            cell(row.affected.max),
            row.stranded.cell(number::ms),
            cell(row.bystanders.max),
            cell(row.before.max),
        ]);
    }
    right(&mut table, &[1, 2, 3, 4, 5, 6]);
    // The name of a fault is one word.
    if let Some(kinds) = table.column_mut(0) {
        kinds.set_constraint(ColumnConstraint::ContentWidth);
    }
    let cut = if cut { wrap(faults::CENSORED_NOTE, "  * ") } else { String::new() };
    let stranded = wrap(faults::STRANDED_NOTE, "  ");
    let lease = report.run.lease_ttl_ms.map_or_else(String::new, |ttl| format!("  lease time {}\n", number::ms(ttl)));
    format!("\n{}{cut}{stranded}{lease}", indented(&table))
}

fn each_fault(report: &Report) -> String {
    const SHOWN: usize = 12;
    if report.faults.is_empty() {
        return String::new();
    }
    let mut out = "\nFaults\n".to_owned();
    for fault in report.faults.iter().take(SHOWN) {
        out.push_str(&wrap(&faults::line(fault, &report.readings), &format!("  {:>2}  ", fault.id)));
    }
    out.push_str(&more(report.faults.len(), SHOWN));
    out
}

fn violations(report: &Report) -> String {
    const SHOWN: usize = 5;
    if report.violations.is_empty() {
        return String::new();
    }
    let mut out = "\nWhat went wrong (evidence, first of all)\n".to_owned();
    for violation in report.violations.iter().take(SHOWN) {
        let leave = if violation.promised { "" } else { " (not promised)" };
        let line = format!("{} {}{leave}: {}", number::instant(violation.at_ms), violation.kind, violation.story);
        out.push_str(&wrap(&line, "  - "));
    }
    out.push_str(&more(report.violations.len(), SHOWN));
    out
}

fn worst_accounts(report: &Report) -> String {
    const SHOWN: usize = 14;
    let worst = report.accounts.as_ref().map_or(&[][..], |accounts| &accounts.worst);
    if worst.is_empty() {
        return String::new();
    }
    let mut out = "\nThe worst accounts\n".to_owned();
    for story in worst {
        out.push_str(&wrap(&accounts::head(story), "  - "));
        let mut table = table();
        table.set_header(accounts::COLUMNS.iter().copied().chain([""]));
        for step in story.steps.iter().take(SHOWN) {
            let (cells, said) = accounts::step(step);
            if let Some(left_out) = accounts::left_out(step.left_out) {
                table.add_row([[""; 6].as_slice(), &[left_out.as_str()]].concat());
            }
            table.add_row(cells.into_iter().chain([said]));
        }
        right(&mut table, &[0, 2, 3, 4, 5]);
        out.push_str(&indented(&table));
        out.push_str(&more(story.steps.len(), SHOWN));
    }
    out + &wrap(accounts::STEPS_NOTE, "  ")
}

fn more(all: usize, shown: usize) -> String {
    if all > shown { format!("      and {} more in the report\n", all - shown) } else { String::new() }
}

/// A table without lines, that never grows wider than the terminal.
pub(super) fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH as u16 - 2);
    table
}

/// One space between columns, and none narrower than a word of its head or a line of its cells.
pub(super) fn narrow(table: &mut Table, head: &[String], rows: &[Vec<String>]) {
    for (index, column) in table.column_iter_mut().enumerate() {
        let words = head.get(index).into_iter().flat_map(|label| label.split_whitespace());
        let lines = rows.iter().filter_map(|row| row.get(index)).flat_map(|cell| cell.lines());
        let widest = words.chain(lines).map(shown).max().unwrap_or_default();
        column.set_padding((0, 1));
        let width = Width::Fixed(u16::try_from(widest + 1).unwrap_or(u16::MAX));
        column.set_constraint(ColumnConstraint::LowerBoundary(width));
    }
}

/// Columns of numbers stand right.
pub(super) fn right(table: &mut Table, columns: &[usize]) {
    for column in columns {
        if let Some(column) = table.column_mut(*column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
}

/// With a margin, and nothing trailing.
pub(super) fn indented(table: &Table) -> String {
    table.trim_fmt().lines().map(|line| format!(" {line}\n")).collect()
}

/// Wrapped at the terminal's width; later lines stand under the first word.
pub(super) fn wrap(text: &str, lead: &str) -> String {
    let indent = " ".repeat(lead.chars().count());
    let mut out = String::new();
    let mut line = lead.to_owned();
    let mut words_in_line = 0;
    for word in text.split_whitespace() {
        let needed = shown(&line) + usize::from(words_in_line > 0) + shown(word);
        if words_in_line > 0 && needed > WIDTH {
            out.push_str(line.trim_end());
            out.push('\n');
            line.clone_from(&indent);
            words_in_line = 0;
        }
        if words_in_line > 0 {
            line.push(' ');
        }
        line.push_str(word);
        words_in_line += 1;
    }
    out.push_str(line.trim_end());
    out.push('\n');
    out
}

/// Columns that a text takes: escape sequences take none.
fn shown(text: &str) -> usize {
    let mut columns = 0;
    let mut escaped = false;
    for letter in text.chars() {
        match letter {
            '\u{1b}' => escaped = true,
            'm' if escaped => escaped = false,
            _ if !escaped => columns += 1,
            _ => {}
        }
    }
    columns
}
