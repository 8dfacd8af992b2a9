//! The terminal summary: the verdict first, then what matters, in the columns that there are and without need of colour.

use super::number;
use super::sheet::{Sheet, indented, right};
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

fn render(report: &Report) -> String {
    summary(report, Sheet::FILE)
}

/// The summary of one run. Colour repeats what words say; the caller decides it (`NO_COLOR`).
#[must_use]
pub fn summary(report: &Report, sheet: Sheet) -> String {
    let verdict = summary::verdict(report);
    let run = &report.run;
    let variant = run.variant.as_ref().map_or_else(String::new, |variant| format!(" / {variant}"));
    let mut out = String::new();
    let state = badge(report.state, sheet);
    out.push_str(&sheet.wrap(&format!("{state}  {}", verdict.headline), ""));
    for reason in report.state_reasons.iter().chain(&report.notes) {
        out.push_str(&sheet.wrap(reason, "  - "));
    }
    out.push('\n');
    out.push_str(&sheet.wrap(&format!("{}{variant}, {}: {}", run.profile, run.strategy, run.question), ""));
    let mut caveat = verdict.caveat.map_or_else(String::new, |caveat| format!("{caveat}: "));
    for sentence in &verdict.sentences {
        out.push_str(&sheet.wrap(&format!("{}{sentence}", std::mem::take(&mut caveat)), ""));
    }
    out.push('\n');
    out.push_str(&verdict.caveat.map_or_else(String::new, |caveat| sheet.wrap(caveat, "  ! ")));
    out.push_str(&figures(report, sheet));
    out.push_str(&gaps(report, sheet));
    out.push_str(&each_fault(report, sheet));
    out.push_str(&hazards::sentence(report).map_or_else(String::new, |told| format!("\n{}", sheet.wrap(&told, ""))));
    out.push_str(&violations(report, sheet));
    out.push_str(&worst_accounts(report, sheet));
    out.push_str("\nMake it again\n");
    out.push_str(&sheet.wrap(&format!("{} (seed {})", run.command, run.seed), "  "));
    out.push_str(&sheet.wrap(&format!("{}: {}", run.started, origin::line(&report.environment)), "  "));
    out
}

/// The state as a word with a mark.
pub(super) fn badge(state: RunState, sheet: Sheet) -> String {
    let (mark, code) = match state {
        RunState::Complete => ("✔", 32),
        RunState::Violated => ("✘", 31),
        RunState::Invalid => ("!", 33),
        RunState::Interrupted => ("■", 33),
    };
    let word = format!("{mark} {state}");
    sheet.paint(&word, code)
}

fn figures(report: &Report, sheet: Sheet) -> String {
    let figures = summary::key_figures(report);
    if figures.is_empty() {
        return "No figures: the run recorded too little.\n".to_owned();
    }
    let mut table = sheet.table();
    for figure in figures {
        table.add_row(vec![figure.name, figure.value, figure.unit, figure.note]);
    }
    right(&mut table, &[1]);
    indented(&table)
}

fn gaps(report: &Report, sheet: Sheet) -> String {
    let kinds = faults::by_kind(report);
    if kinds.is_empty() {
        return String::new();
    }
    let cell = number::ms_or_absent;
    let mut cut = false;
    let head = ["gap after", "faults", "affected p50", "max", "stranded", "bystanders", "before"].map(str::to_owned);
    let mut rows = Vec::new();
    for row in kinds {
        cut |= row.censored;
        let mark = if row.censored { " *" } else { "" };
        rows.push(vec![
            format!("{}{mark}", row.kind),
            row.faults.to_string(),
            cell(row.affected.p50),
            cell(row.affected.max),
            row.stranded.cell(number::ms),
            cell(row.bystanders.max),
            cell(row.before.max),
        ]);
    }
    // The name of a fault is one word.
    let table = sheet.rows(&head, &rows, &[1, 2, 3, 4, 5, 6], &[0]);
    let cut = if cut { sheet.wrap(faults::CENSORED_NOTE, "  * ") } else { String::new() };
    let stranded = sheet.wrap(faults::STRANDED_NOTE, "  ");
    let lease = report.run.lease_ttl_ms.map_or_else(String::new, |ttl| format!("  lease time {}\n", number::ms(ttl)));
    format!("\n{table}{cut}{stranded}{lease}")
}

fn each_fault(report: &Report, sheet: Sheet) -> String {
    const SHOWN: usize = 12;
    if report.faults.is_empty() {
        return String::new();
    }
    let mut out = "\nFaults\n".to_owned();
    for fault in report.faults.iter().take(SHOWN) {
        out.push_str(&sheet.wrap(&faults::line(fault, &report.readings), &format!("  {:>2}  ", fault.id)));
    }
    out.push_str(&more(report.faults.len(), SHOWN));
    out
}

fn violations(report: &Report, sheet: Sheet) -> String {
    const SHOWN: usize = 5;
    if report.violations.is_empty() {
        return String::new();
    }
    let mut out = "\nWhat went wrong (evidence, first of all)\n".to_owned();
    for violation in report.violations.iter().take(SHOWN) {
        let leave = if violation.promised { "" } else { " (not promised)" };
        let line = format!("{} {}{leave}: {}", number::instant(violation.at_ms), violation.kind, violation.story);
        out.push_str(&sheet.wrap(&line, "  - "));
    }
    out.push_str(&more(report.violations.len(), SHOWN));
    out
}

fn worst_accounts(report: &Report, sheet: Sheet) -> String {
    const SHOWN: usize = 14;
    let worst = report.accounts.as_ref().map_or(&[][..], |accounts| &accounts.worst);
    if worst.is_empty() {
        return String::new();
    }
    let mut out = "\nThe worst accounts\n".to_owned();
    for story in worst {
        out.push_str(&sheet.wrap(&accounts::head(story), "  - "));
        let mut table = sheet.table();
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
    out + &sheet.wrap(accounts::STEPS_NOTE, "  ")
}

fn more(all: usize, shown: usize) -> String {
    if all > shown { format!("      and {} more in the report\n", all - shown) } else { String::new() }
}
