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
        Column { label: "order_violations".to_owned(), cell: Box::new(violations) },
        reading("lost", "lost", &[]),
        reading("redelivered", "redelivered", &[]),
        Column {
            label: "overlap".to_owned(),
            cell: Box::new(|run| summary::overlaps(&run.readings).map_or_else(|| ABSENT.to_owned(), number::count)),
        },
    ];
    columns.extend(gap_columns(runs));
    columns.extend(cpu_columns(runs));
    columns.retain(|column| runs.iter().any(|run| (column.cell)(run) != ABSENT));
    columns
}

fn gap_columns(runs: &[ComparedRun]) -> Vec<Column> {
    let mut kinds: Vec<String> = Vec::new();
    for gap in runs.iter().flat_map(|run| &run.gaps) {
        if !kinds.contains(&gap.kind) {
            kinds.push(gap.kind.clone());
        }
    }
    kinds
        .into_iter()
        .map(|kind| Column {
            label: format!("gap after {kind}, p50 · max"),
            cell: Box::new(move |run| {
                let gap = run.gaps.iter().find(|gap| gap.kind == kind);
                match gap.and_then(|gap| Some((gap.affected_ms_p50?, gap.affected_ms_max?))) {
                    Some((p50, max)) => format!("{} · {}", number::ms(p50), number::ms(max)),
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

/// The sum, and what it is made of where there is any.
fn violations(run: &ComparedRun) -> String {
    let Some(all) = summary::order_violations(&run.readings) else { return ABSENT.to_owned() };
    let parts: Vec<String> = ["skipped", "late", "regressed"]
        .iter()
        .filter_map(|kind| Some((kind, summary::run_count(&run.readings, kind)?)))
        .filter(|(_, number)| *number > 0)
        .map(|(kind, times)| format!("{} {kind}", number::count(times)))
        .collect();
    if all == 0 || parts.is_empty() {
        return number::count(all);
    }
    format!("{} ({})", number::count(all), parts.join(", "))
}

fn yes_or_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
