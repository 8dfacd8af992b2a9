//! `report.md`: the summary for a pull request or a chat.

use super::number;
use super::{Audience, Format, accounts, faults, summary};
use crate::model::report::Report;

/// This format.
pub const FORMAT: Format = Format {
    name: "markdown",
    file: "report.md",
    about: "The summary for pull requests and chats",
    audience: Audience::People,
    render,
};

fn render(report: &Report) -> String {
    let verdict = summary::verdict(report);
    let run = &report.run;
    let mut out = format!("## {}: {}\n\n", report.state, inline(&verdict.headline));
    for reason in report.state_reasons.iter().chain(&report.notes) {
        out.push_str(&format!("- {}\n", inline(reason)));
    }
    if !(report.state_reasons.is_empty() && report.notes.is_empty()) {
        out.push('\n');
    }
    let variant = run.variant.as_ref().map_or_else(String::new, |variant| format!(" / {variant}"));
    out.push_str(&format!(
        "**{}{variant}**, {}: {}\n\n",
        inline(&run.profile),
        inline(&run.strategy),
        inline(&run.question)
    ));
    out.push_str(&verdict.caveat.map_or_else(String::new, |caveat| format!("**{caveat}:** ")));
    for sentence in &verdict.sentences {
        out.push_str(&format!("{}\n", inline(sentence)));
    }
    out.push_str(&verdict.caveat.map_or_else(String::new, |caveat| format!("\n**{caveat}**\n")));
    out.push_str("\n| figure | value | |\n|---|---:|---|\n");
    for figure in summary::key_figures(report) {
        let value = format!("{} {}", figure.value, figure.unit);
        let value = value.trim_end();
        out.push_str(&format!("| `{}` | {} | {} |\n", code(&figure.name), inline(value), inline(&figure.note)));
    }
    gaps(report, &mut out);
    if !report.violations.is_empty() {
        out.push_str("\n<details><summary>What went wrong</summary>\n\n");
        for violation in report.violations.iter().take(20) {
            out.push_str(&format!(
                "- {} **{}** {}\n",
                number::instant(violation.at_ms),
                inline(&violation.kind),
                inline(&violation.story)
            ));
        }
        out.push_str("\n</details>\n");
    }
    worst_accounts(report, &mut out);
    let environment = &report.environment;
    out.push_str(&format!(
        "\n`{}` · seed {} · jetlag {} · nats-server {} · {} · {} cores\n",
        code(&run.command),
        run.seed,
        inline(&environment.jetlag_version),
        inline(&environment.server_version),
        inline(&environment.cpu),
        environment.cores
    ));
    out
}

fn worst_accounts(report: &Report, out: &mut String) {
    for story in report.accounts.iter().flat_map(|accounts| &accounts.worst) {
        out.push_str(&format!("\n<details><summary>{}</summary>\n\n", inline(&accounts::head(story))));
        out.push_str(&format!("| {} | |\n|---:|---|---:|---:|---:|---:|---|\n", accounts::COLUMNS.join(" | ")));
        for step in &story.steps {
            let (cells, said) = accounts::step(step);
            if let Some(left_out) = accounts::left_out(step.left_out) {
                out.push_str(&format!("| {}{left_out} |\n", "| ".repeat(cells.len())));
            }
            let cells: Vec<String> = cells.iter().map(|cell| inline(cell)).collect();
            out.push_str(&format!("| {} | {said} |\n", cells.join(" | ")));
        }
        out.push_str(&accounts::left_out(story.left_out_after).map_or_else(String::new, |told| format!("\n{told}\n")));
        out.push_str("\n</details>\n");
    }
}

fn gaps(report: &Report, out: &mut String) {
    let rows = faults::by_kind(report);
    if rows.is_empty() {
        return;
    }
    out.push_str("\n| gap after | faults | affected p50 | p99 | max | stranded | bystanders max | before max |\n");
    out.push_str("|---|---:|---:|---:|---:|---:|---:|---:|\n");
    for row in rows {
        let mark = if row.censored { " (cut short)" } else { "" };
        let cell = number::ms_or_absent;
        let affected = [row.affected.p50, row.affected.p99, row.affected.max].map(cell).join(" | ");
        let others = [row.bystanders.max, row.before.max].map(cell).join(" | ");
        let stranded = row.stranded.cell(number::ms);
        out.push_str(&format!(
            "| {}{mark} | {} | {affected} | {stranded} | {others} |\n",
            inline(&row.kind),
            row.faults
        ));
    }
    out.push_str(&format!("\n{}.\n", faults::STRANDED_NOTE));
}

/// Text of others inside a line or a cell: nothing in it may end the cell or start markup.
pub(super) fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' | '#' => out.extend(['\\', letter]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' | '\r' => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}

/// The same inside a code span, where only its end and the cell's must not appear.
pub(super) fn code(text: &str) -> String {
    text.replace('`', "'").replace('|', "¦").replace(['\n', '\r'], " ")
}
