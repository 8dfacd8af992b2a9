//! The quantities that runs are compared by: one list, for the terminal and the page.

use crate::model::comparison::ComparedRun;
use crate::model::reading::{Scope, Stat};
use crate::render::number::{self, ABSENT};
use crate::render::summary;

/// One quantity.
pub(super) struct Column {
    /// Its name.
    pub label: String,
    /// Its value in one run.
    pub cell: Box<dyn Fn(&ComparedRun) -> String>,
}

/// How to read the cells of the gaps.
pub(super) const NOTE: &str = "Gaps are those of affected partitions: median · greatest.";

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
        reading("lost", "lost", &[]),
        reading("redelivered", "redelivered", &[]),
        Column {
            label: "overlap".to_owned(),
            cell: Box::new(|run| summary::overlaps(&run.readings).map_or_else(|| ABSENT.to_owned(), number::count)),
        },
    ]);
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

fn gap_columns(runs: &[ComparedRun]) -> Vec<Column> {
    fault_kinds(runs)
        .into_iter()
        .map(|kind| Column {
            label: format!("gap after {kind}, ms"),
            cell: Box::new(move |run| {
                let gap = run.gaps.iter().find(|gap| gap.kind == kind);
                match gap.and_then(|gap| Some((gap.affected_ms_p50?, gap.affected_ms_max?))) {
                    Some((p50, max)) => format!("{} · {}", number::plain(p50), number::plain(max)),
                    None => ABSENT.to_owned(),
                }
            }),
        })
        .collect()
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
        .take(5)
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
