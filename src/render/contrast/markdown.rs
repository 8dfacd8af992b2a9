//! A contrast as Markdown, for a pull request or an issue: the verdict first, the evidence folded away.

use super::cells;
use crate::model::contrast::{Comparable, Contrast, Pair};
use crate::render::origin;

/// The whole text.
pub(super) fn render(contrast: &Contrast) -> String {
    let mut out = format!("## {}: {}\n", cells::verdict(contrast.outcome), escaped(&cells::headline(contrast)));
    for pair in &contrast.pairs {
        out.push_str(&about(pair, contrast.confidence));
    }
    out.push_str("\n<details><summary>What was compared</summary>\n\n");
    for side in &contrast.sides {
        out.push_str(&format!("- **{}**: {}", escaped(&side.name), escaped(&cells::side(side))));
        out.push_str(&format!(
            "; `{}` (seed {}); {}\n",
            side.command.replace('`', "'"),
            side.seed,
            escaped(&origin::line(&side.environment))
        ));
        for line in cells::left_out(side) {
            out.push_str(&format!("  - {}\n", escaped(&line)));
        }
    }
    out.push_str("\n</details>\n");
    out
}

fn about(pair: &Pair, confidence: f64) -> String {
    let mut out = format!("\n### {} against {}\n\n", escaped(&pair.side), escaped(&pair.base));
    if pair.comparable == Comparable::Forced {
        out.push_str(&format!("> **{}.**\n\n", cells::FORCED));
    }
    for finding in &pair.findings {
        out.push_str(&format!("- {}\n", escaped(finding)));
    }
    for difference in &pair.differences {
        out.push_str(&format!("- {}: {}\n", cells::weight(difference.weight), escaped(&cells::difference(difference))));
    }
    if pair.comparable == Comparable::No {
        out.push_str(&format!("\n{}.\n", cells::REMEDY));
        return out;
    }
    let (rows, clean) = cells::shown(pair);
    if !rows.is_empty() {
        let (base, side) = (escaped(&pair.base), escaped(&pair.side));
        out.push_str(&format!(
            "\n| | {base} | {side} | ratio | interval | p | verdict |\n|---|--:|--:|--:|--:|--:|---|\n"
        ));
        for row in rows {
            let [base, other] = cells::sides(row);
            let figures = [cells::label(row), base, other, cells::ratio(row), cells::interval(row), cells::p(row)];
            let cells: Vec<String> =
                figures.into_iter().chain([cells::row_verdict(row)]).map(|cell| escaped(&cell)).collect();
            out.push_str(&format!("| {} |\n", cells.join(" | ")));
        }
    }
    out.push_str(&cells::clean_line(&clean).map_or_else(String::new, |line| format!("\n{}\n", escaped(&line))));
    let notes: Vec<String> = cells::notes(pair, confidence).iter().map(|note| escaped(note)).collect();
    if !notes.is_empty() {
        out.push_str(&format!("\n<sub>{}.</sub>\n", notes.join("; ")));
    }
    out
}

/// Names of others inside Markdown.
pub(in crate::render) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '|' | '*' | '_' | '`' | '[' | ']' | '\\' => out.extend(['\\', letter]),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\n' => out.push(' '),
            letter => out.push(letter),
        }
    }
    out
}
