//! Several runs side by side: variants of one profile, or repeats, made by one command.
//!
//! It lays runs next to each other and says what can be seen at a glance. Whether a difference is more than noise
//! is not decided here.

mod columns;
mod findings;
mod markdown;
mod matrix;
mod page;

pub(super) use findings::{price, price_of_order};
pub(super) use page::link;

use super::json::{self, parse_as};
use super::sheet::Sheet;
use super::{Audience, Error, Format, Image, faults, html, origin, plot, text};
use crate::model::comparison::{ComparedGap, ComparedRun, Comparison, SCHEMA};
use crate::model::reading::{Reading, Scope};
use crate::model::report::{Report, RunState};

/// All formats of a comparison, in the order shown.
pub const ALL: &[Format<Comparison>] = &[
    Format {
        name: "json",
        file: "comparison.json",
        about: "Everything, for machines",
        audience: Audience::Programs,
        render: json::pretty,
    },
    Format {
        name: "html",
        file: "comparison.html",
        about: "The comparison for people",
        audience: Audience::People,
        render: page::render,
    },
    Format {
        name: "text",
        file: "comparison.txt",
        about: "The summary that the terminal shows",
        audience: Audience::People,
        render: plain,
    },
    Format {
        name: "markdown",
        file: "comparison.md",
        about: "The table for pull requests and chats",
        audience: Audience::People,
        render: markdown::render,
    },
];

/// Lays runs side by side: each with its name, its folder relative to the comparison, and its report.
#[must_use]
pub fn compare(runs: &[(&str, &str, &Report)]) -> Comparison {
    let rows: Vec<ComparedRun> = runs.iter().map(|(name, path, report)| row(name, path, report)).collect();
    let first = runs.first().map(|(.., report)| &report.run);
    let price_of_order = price_of_order(&rows);
    Comparison {
        schema: SCHEMA.to_owned(),
        profile: first.map_or_else(String::new, |run| run.profile.clone()),
        question: first.map_or_else(String::new, |run| run.question.clone()),
        state: worst(rows.iter().map(|row| row.state)),
        origin: origin::of_all(runs),
        findings: findings::of(&rows, price_of_order.as_ref()),
        price_of_order,
        rows,
    }
}

/// A comparison, read from the text of a `comparison.json`.
///
/// # Errors
/// When the text is something else, or was written by a newer jetlag.
pub fn parse(text: &str) -> Result<Comparison, Error> {
    parse_as(text, SCHEMA)
}

/// The pictures of a comparison.
#[must_use]
pub fn images(comparison: &Comparison) -> Vec<Image> {
    plot::image::of(page::plots(&comparison.rows))
}

/// The summary for a terminal, side by side for few runs, a row a run for many.
#[must_use]
pub fn summary(comparison: &Comparison, sheet: Sheet) -> String {
    let mut out = sheet.wrap(&format!("{}  {}", text::badge(comparison.state, sheet), headline(comparison)), "");
    out.push_str(&sheet.wrap(&format!("{}: {}", comparison.profile, comparison.question), ""));
    out.push('\n');
    for finding in &comparison.findings {
        out.push_str(&sheet.wrap(finding, "  - "));
    }
    out.push('\n');
    out.push_str(&if comparison.rows.len() <= SIDE_BY_SIDE_MAX {
        side_by_side(comparison, sheet)
    } else {
        table(comparison, sheet)
    });
    if let Some(origin) = &comparison.origin {
        out.push_str("\nMake it again\n");
        out.push_str(&sheet.wrap(&format!("{} (seed {})", origin.command, origin.seed), "  "));
        out.push_str(&sheet.wrap(&format!("{}: {}", origin.started, origin::line(&origin.environment)), "  "));
        for difference in &origin.differences {
            out.push_str(&sheet.wrap(difference, "  - "));
        }
    }
    out
}

/// So many runs at most stand side by side with everything that is known of them. Of more, each has a row.
const SIDE_BY_SIDE_MAX: usize = 3;

fn side_by_side(comparison: &Comparison, sheet: Sheet) -> String {
    let runs = &comparison.rows;
    let row = |label: &str, cell: &dyn Fn(&ComparedRun) -> String| {
        std::iter::once(label.to_owned()).chain(runs.iter().map(cell)).collect::<Vec<String>>()
    };
    let head = row("", &|run| run.name.clone());
    let mut rows = vec![row("strategy", &|run| run.strategy.clone()), row("state", &|run| run.state.to_string())];
    rows.extend(columns::of(runs).iter().map(|column| row(&column.label, &column.cell)));
    let table = sheet.rows(&head, &rows, &(1..=runs.len()).collect::<Vec<usize>>(), &[]);
    let notes = columns::notes(runs).into_iter().map(|note| sheet.wrap(&note, "  "));
    let pages = runs.iter().map(|run| sheet.wrap(&format!("report of {}: {}", run.name, page_of(run)), "  "));
    std::iter::once(table).chain(notes).chain(pages).collect()
}

/// One row a run. Everything that is known of each is in the page and in its report.
fn table(comparison: &Comparison, sheet: Sheet) -> String {
    let runs = &comparison.rows;
    let columns = matrix::of(runs, matrix::Layout::Stacked);
    // The parts of a metric's name stand one below the other, and so do promises.
    let label = |column: &columns::Column| column.label.replace('_', " ");
    let head: Vec<String> = std::iter::once(String::new()).chain(columns.iter().map(label)).collect();
    let row = |run: &ComparedRun| {
        let cells = columns.iter().map(|column| (column.cell)(run).replace(", ", ",\n"));
        std::iter::once(matrix::name_and_state(run, runs)).chain(cells).collect()
    };
    let rows: Vec<Vec<String>> = runs.iter().map(row).collect();
    let notes = matrix::notes(runs).into_iter().map(|note| sheet.wrap(&note, "  "));
    let pages = sheet.wrap("report of each: NAME/report.html", "  ");
    std::iter::once(sheet.tables(&head, &rows, &(2..head.len()).collect::<Vec<usize>>()))
        .chain(notes)
        .chain([pages])
        .collect()
}

/// Where the report of a run lies, seen from the comparison.
fn page_of(run: &ComparedRun) -> String {
    format!("{}/{}", run.path.trim_end_matches('/'), html::FORMAT.file)
}

fn plain(comparison: &Comparison) -> String {
    summary(comparison, if comparison.rows.len() <= SIDE_BY_SIDE_MAX { Sheet::FILE } else { Sheet::WIDE_FILE })
}

fn headline(comparison: &Comparison) -> String {
    if comparison.rows.is_empty() { "No run to compare.".to_owned() } else { findings::headline(&comparison.rows) }
}

/// One run as it stands beside others.
pub(super) fn row(name: &str, path: &str, report: &Report) -> ComparedRun {
    let of_run = |reading: &&Reading| {
        reading.scope == Scope::Run
            || (reading.metric == "cpu_per_million" && matches!(reading.scope, Scope::Process(_)))
    };
    let gap = |row: faults::GapRow| ComparedGap {
        faults: u32::try_from(row.faults).unwrap_or(u32::MAX),
        affected_ms_p50: row.affected.p50,
        affected_ms_max: row.affected.max,
        bystanders_ms_max: row.bystanders.max,
        stranded_ms_max: row.stranded.ms_max,
        stranded_messages: row.stranded.messages,
        censored: row.censored,
        kind: row.kind,
    };
    ComparedRun {
        name: name.to_owned(),
        strategy: report.run.strategy.clone(),
        commit_mode: report.run.commit_mode.clone(),
        path: path.to_owned(),
        state: report.state,
        state_reasons: report.state_reasons.clone(),
        promises: report.promises,
        readings: report
            .readings
            .iter()
            .filter(of_run)
            .map(|kept| Reading { histogram: None, ..kept.clone() })
            .collect(),
        gaps: faults::by_kind(report).into_iter().map(gap).collect(),
        members: Some(report.run.members),
        faults: report.faults.iter().map(|fault| format!("{} {}", fault.kind, fault.target)).collect(),
    }
}

/// In the precedence of METRICS.md. Nothing compared is nothing to trust.
pub(super) fn worst(states: impl Iterator<Item = RunState>) -> RunState {
    let states: Vec<RunState> = states.collect();
    [RunState::Invalid, RunState::Violated, RunState::Interrupted, RunState::Complete]
        .into_iter()
        .find(|state| states.contains(state))
        .unwrap_or(RunState::Invalid)
}
