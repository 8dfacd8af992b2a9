//! A gate as Markdown, for a pull request on GitHub or GitLab: the verdict and what is behind it, the rest folded away.

use super::cells as own;
use crate::model::contrast::{Comparable, Outcome, Row, Side};
use crate::model::gate::{Gate, RuleOutcome, Ruling, Timing, Verdict};
use crate::render::contrast::cells;
use crate::render::contrast::markdown::escaped;
use crate::render::origin;

/// The whole text.
pub(super) fn render(gate: &Gate) -> String {
    let mut out = format!("## {}: {}\n\n", own::verdict(gate.verdict), escaped(&own::headline(gate)));
    for finding in &gate.findings {
        out.push_str(&format!("- {}\n", escaped(finding)));
    }
    let broken: Vec<&Ruling> = gate.rules.iter().filter(|rule| rule.outcome != RuleOutcome::Held).collect();
    out.push_str(&rules(&broken));
    if let Some(timing) = &gate.timing {
        out.push_str(&against(timing));
        let notable = |row: &&Row| matches!(row.outcome, Outcome::Worse | Outcome::Undecided);
        out.push_str(&quantities(&timing.quantities.iter().filter(notable).collect::<Vec<_>>()));
    }
    let held: Vec<&Ruling> = gate.rules.iter().filter(|rule| rule.outcome == RuleOutcome::Held).collect();
    if !held.is_empty() {
        out.push_str(&folded(&format!("Rules that hold: {}", held.len()), &rules(&held)));
    }
    if let Some(timing) = &gate.timing {
        out.push_str(&good(timing));
    }
    out.push_str(&folded("What was measured, and how to do it again", &origin_of(gate)));
    out
}

/// A part that is opened by those who want to know. The empty lines are what makes Markdown inside work on both hosts.
fn folded(title: &str, body: &str) -> String {
    format!("\n<details><summary>{title}</summary>\n\n{}\n\n</details>\n", body.trim())
}

fn rules(rules: &[&Ruling]) -> String {
    if rules.is_empty() {
        return String::new();
    }
    let mut out = "\n| rule | limit | value | of | verdict |\n|---|--:|--:|---|---|\n".to_owned();
    for rule in rules {
        let verdict = own::rule_verdict(rule.outcome);
        let cells = [rule.subject.clone(), rule.limit.clone(), own::value(rule), own::over(rule), verdict];
        out.push_str(&format!("| {} |\n", cells.map(|cell| escaped(&cell)).join(" | ")));
    }
    out
}

fn against(timing: &Timing) -> String {
    let mut out = String::new();
    if timing.comparable == Comparable::Forced {
        out.push_str(&format!("\n> **{}.**\n", cells::FORCED));
    }
    let unasked = timing.differences.iter().filter(|it| it.weight == crate::model::contrast::Weight::Unasked);
    for difference in unasked {
        out.push_str(&format!("- {}: {}\n", cells::weight(difference.weight), escaped(&cells::difference(difference))));
    }
    if timing.comparable == Comparable::No {
        out.push_str(&format!("\n{}.\n", cells::REMEDY));
    }
    out
}

fn quantities(rows: &[&Row]) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut out = "\n| | base | head | ratio | interval | p | verdict |\n|---|--:|--:|--:|--:|--:|---|\n".to_owned();
    for row in rows {
        let [base, head] = cells::sides(row);
        let figures = [cells::label(row), base, head, cells::ratio(row), cells::interval(row), cells::p(row)];
        let verdict = own::quantity_verdict(row);
        let cells: Vec<String> = figures.iter().chain([&verdict]).map(|cell| escaped(cell)).collect();
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    out
}

/// What is not worse.
fn good(timing: &Timing) -> String {
    if timing.comparable == Comparable::No {
        return String::new();
    }
    let (rows, clean) = cells::worth_a_line(&timing.quantities);
    let good: Vec<&Row> =
        rows.into_iter().filter(|row| matches!(row.outcome, Outcome::Same | Outcome::Better)).collect();
    let mut body = quantities(&good);
    body.push_str(&cells::clean_line(&clean).map_or_else(String::new, |line| format!("\n{}\n", escaped(&line))));
    let notes: Vec<String> = own::notes(timing).iter().map(|note| escaped(note)).collect();
    body.push_str(&format!("\n<sub>{}.</sub>\n", notes.join("; ")));
    folded(&format!("Not worse: {}", good.len() + clean.len()), &body)
}

fn origin_of(gate: &Gate) -> String {
    let mut out = format!("{}.\n\n", escaped(&capital(&own::course(gate))));
    for (place, side) in gate.base.iter().map(|base| ("base", base)).chain([("head", &gate.head)]) {
        out.push_str(&about(place, side));
    }
    if let Some(timing) = &gate.timing {
        for difference in timing.differences.iter().filter(|it| it.weight != crate::model::contrast::Weight::Unasked) {
            out.push_str(&format!(
                "- {}: {}\n",
                cells::weight(difference.weight),
                escaped(&cells::difference(difference))
            ));
        }
    }
    out.push_str(&format!("\n```sh\n{}\n```\n", gate.command.replace("```", "'''")));
    if gate.verdict == Verdict::Undecided || gate.verdict == Verdict::Interrupted {
        out.push_str("\nRun it again where the machine is quieter, or with more repeats (`--max-repeats`).\n");
    }
    out
}

fn about(place: &str, side: &Side) -> String {
    let mut out = format!(
        "- **{place}** {}: {}; seed {}; {}\n",
        escaped(&side.name),
        escaped(&cells::side(side)),
        side.seed,
        escaped(&origin::line(&side.environment))
    );
    for line in cells::left_out(side) {
        out.push_str(&format!("  - {}\n", escaped(&line)));
    }
    out
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
