//! The quantities that runs are compared by: one list, for the terminal and the page.

use crate::model::comparison::{ComparedGap, ComparedRun};
use crate::model::reading::{Scope, Stat};
use crate::render::faults::{self, Stranded};
use crate::render::number::{self, ABSENT};
use crate::render::summary;

/// One quantity.
pub(super) struct Column {
    /// Its name.
    pub label: String,
    /// Its value in one run.
    pub cell: Box<dyn Fn(&ComparedRun) -> String>,
}

/// How to read the cells.
pub(super) fn notes(runs: &[ComparedRun]) -> Vec<String> {
    let gaps: Vec<&ComparedGap> = runs.iter().flat_map(|run| &run.gaps).collect();
    let mut notes = Vec::new();
    if !gaps.is_empty() {
        notes.push("gap: median · greatest of the affected partitions".to_owned());
        notes.push(faults::STRANDED_NOTE.to_owned());
    }
    if gaps.iter().any(|gap| gap.censored) {
        notes.push(format!("* {}", faults::CENSORED_NOTE));
    }
    notes
}

/// What was in flight at the faults of a kind.
pub(super) fn stranded(gap: &ComparedGap) -> Stranded {
    Stranded { ms_max: gap.stranded_ms_max, messages: gap.stranded_messages }
}

/// Those that at least one of the runs has.
pub(super) fn of(runs: &[ComparedRun]) -> Vec<Column> {
    let reading = |label: &str, metric: &'static str, stats: &'static [Stat]| Column {
        label: label.to_owned(),
        cell: Box::new(move |run| {
            summary::run_reading(&run.readings, &[metric], stats)
                .map_or_else(|| ABSENT.to_owned(), |reading| number::with_unit(reading.value, &reading.unit))
        }),
    };
    let mut columns = vec![
        Column { label: "promises order".to_owned(), cell: Box::new(|run| yes_or_no(run.promises.order_per_key)) },
        reading("ordered_per_s", "ordered_per_s", &[]),
        reading("handled_per_s", "handled_per_s", &[]),
        reading("end_to_end p50", "end_to_end", &[Stat::P50]),
        reading("end_to_end p99", "end_to_end", &[Stat::P99]),
        Column {
            label: "order_violations".to_owned(),
            cell: Box::new(|run| {
                summary::order_violations(&run.readings).map_or_else(|| ABSENT.to_owned(), number::count)
            }),
        },
    ];
    columns.extend(kinds_of_violation(runs));
    columns.extend([
        Column { label: "lost".to_owned(), cell: Box::new(lost) },
        Column { label: "unhandled".to_owned(), cell: Box::new(unhandled) },
        reading("redelivered", "redelivered", &[]),
        Column {
            label: "overlap".to_owned(),
            cell: Box::new(|run| summary::overlaps(&run.readings).map_or_else(|| ABSENT.to_owned(), number::count)),
        },
    ]);
    columns.extend(
        ["overdrafts", "wrong_balances", "doubly_applied", "not_applied", "overwritten"]
            .map(|metric| reading(metric, metric, &[])),
    );
    columns.extend(gap_columns(runs));
    columns.extend(cpu_columns(runs));
    columns.retain(|column| runs.iter().any(|run| (column.cell)(run) != ABSENT));
    columns
}

/// The kinds of fault that struck, in order of first appearance.
pub(super) fn fault_kinds(runs: &[ComparedRun]) -> Vec<String> {
    let mut kinds: Vec<String> = Vec::new();
    for gap in runs.iter().flat_map(|run| &run.gaps) {
        if !kinds.contains(&gap.kind) {
            kinds.push(gap.kind.clone());
        }
    }
    kinds
}

/// Gap and stranded, side by side for each kind: neither tells the story without the other.
fn gap_columns(runs: &[ComparedRun]) -> Vec<Column> {
    let column = |label: &str, kind: &str, tell: fn(&ComparedGap) -> String| {
        let kind = kind.to_owned();
        Column {
            label: format!("{label} after {kind}, ms"),
            cell: Box::new(move |run| {
                run.gaps.iter().find(|gap| gap.kind == kind).map_or_else(|| ABSENT.to_owned(), tell)
            }),
        }
    };
    let gap = |gap: &ComparedGap| match (gap.affected_ms_p50, gap.affected_ms_max) {
        (Some(p50), Some(max)) => {
            let mark = if gap.censored { " *" } else { "" };
            format!("{} · {}{mark}", number::plain(p50), number::plain(max))
        }
        _ => ABSENT.to_owned(),
    };
    let told = |gap: &ComparedGap| stranded(gap).cell(number::plain);
    let both = |kind: &String| [column("gap", kind, gap), column("stranded", kind, told)];
    fault_kinds(runs).iter().flat_map(both).collect()
}

/// How many messages were lost, or that nobody judged it.
pub(super) fn lost(run: &ComparedRun) -> String {
    match (summary::run_count(&run.readings, "lost"), summary::loss_not_judged(run.state, &run.readings)) {
        (Some(messages), _) => number::count(messages),
        (None, Some(_)) => "not judged".to_owned(),
        (None, None) => ABSENT.to_owned(),
    }
}

/// Only beside a loss that was not judged: else it says the same.
fn unhandled(run: &ComparedRun) -> String {
    let unhandled =
        summary::loss_not_judged(run.state, &run.readings).and_then(|_| summary::run_count(&run.readings, "unhandled"));
    unhandled.map_or_else(|| ABSENT.to_owned(), number::count)
}

fn cpu_columns(runs: &[ComparedRun]) -> Vec<Column> {
    let mut scopes: Vec<Scope> = Vec::new();
    for reading in runs.iter().flat_map(|run| summary::cpu_readings(&run.readings)) {
        if !scopes.contains(&reading.scope) {
            scopes.push(reading.scope.clone());
        }
    }
    scopes
        .into_iter()
        .map(|scope| Column {
            label: match &scope {
                Scope::Process(process) => format!("cpu_per_million {process}"),
                _ => "cpu_per_million".to_owned(),
            },
            cell: Box::new(move |run| {
                summary::cpu_readings(&run.readings)
                    .find(|reading| reading.scope == scope)
                    .map_or_else(|| ABSENT.to_owned(), |reading| number::with_unit(reading.value, &reading.unit))
            }),
        })
        .collect()
}

/// What the violations are made of, where there are any.
fn kinds_of_violation(runs: &[ComparedRun]) -> impl Iterator<Item = Column> {
    ["skipped", "late", "regressed"]
        .into_iter()
        .filter(|kind| runs.iter().any(|run| summary::run_count(&run.readings, kind).is_some_and(|times| times > 0)))
        .map(|kind| Column {
            label: format!("· {kind}"),
            cell: Box::new(move |run| {
                summary::run_count(&run.readings, kind).map_or_else(|| ABSENT.to_owned(), number::count)
            }),
        })
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
