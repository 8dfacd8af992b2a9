//! One row a run: what one asks of every way to consume, for comparisons of many.

use super::columns::{self, Column};
use crate::model::comparison::{ComparedGap, ComparedRun};
use crate::model::reading::Stat;
use crate::model::report::RunState;
use crate::render::number::{self, ABSENT};
use crate::render::sheet::Sheet;
use crate::render::{faults, summary, text};

/// How a gap and what was stranded stand to each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Layout {
    /// In columns of their own.
    Wide,
    /// One above the other in one cell.
    Stacked,
}

/// More kinds of fault than this find no room.
const KINDS_MAX: usize = 3;

/// The mark of a run that was not struck like the first.
const OTHERWISE: &str = "†";

/// The columns behind the name of the run.
pub(super) fn of(runs: &[ComparedRun], layout: Layout) -> Vec<Column> {
    let column =
        |label: &str, cell: fn(&ComparedRun) -> String| Column { label: label.to_owned(), cell: Box::new(cell) };
    let mut columns = vec![
        column("promises", promises),
        column("ordered_per_s", |run| {
            let rate = summary::run_value(&run.readings, &["ordered_per_s"], &[]);
            rate.map_or_else(|| ABSENT.to_owned(), number::plain)
        }),
        column("end_to_end p99", |run| {
            number::ms_or_absent(summary::run_value(&run.readings, &["end_to_end"], &[Stat::P99]))
        }),
    ];
    for kind in kinds(runs) {
        columns.extend(after(kind, layout));
    }
    columns.extend([
        column("order_violations", |run| {
            summary::order_violations(&run.readings).map_or_else(|| ABSENT.to_owned(), number::count)
        }),
        column("redelivered", |run| {
            summary::run_count(&run.readings, "redelivered").map_or_else(|| ABSENT.to_owned(), number::count)
        }),
        column("lost", columns::lost),
    ]);
    // Where cells are stacked it stands below the name.
    if layout == Layout::Wide && runs.iter().any(|run| run.state != RunState::Complete) {
        columns.push(column("state", |run| run.state.to_string()));
    }
    columns
}

/// The name of a run with its strategy, where the name does not begin with it, and the mark.
pub(super) fn name(run: &ComparedRun, runs: &[ComparedRun]) -> String {
    let strategy = if run.name.starts_with(&run.strategy) { String::new() } else { format!(" ({})", run.strategy) };
    let mark = if otherwise(run, runs).is_some() { format!(" {OTHERWISE}") } else { String::new() };
    format!("{}{strategy}{mark}", run.name)
}

/// The same with its state below, when that is not the good one.
pub(super) fn name_and_state(run: &ComparedRun, runs: &[ComparedRun]) -> String {
    let state = if run.state == RunState::Complete {
        String::new()
    } else {
        format!("\n{}", text::badge(run.state, Sheet::FILE))
    };
    format!("{}{state}", name(run, runs).replace(" (", "\n("))
}

/// How to read the cells.
pub(super) fn notes(runs: &[ComparedRun]) -> Vec<String> {
    let mut notes = Vec::new();
    let kinds = kinds(runs);
    if !kinds.is_empty() {
        notes.push("gap: the longest of an affected partition".to_owned());
        notes.push(faults::STRANDED_NOTE.to_owned());
    }
    let shown = |gap: &ComparedGap| gap.censored && kinds.contains(&gap.kind);
    if runs.iter().flat_map(|run| &run.gaps).any(shown) {
        notes.push(format!("* {}", faults::CENSORED_NOTE));
    }
    let otherwise = |run: &ComparedRun| Some(format!("{OTHERWISE} {}: {}", run.name, otherwise(run, runs)?));
    notes.extend(runs.iter().filter_map(otherwise));
    notes
}

fn promises(run: &ComparedRun) -> String {
    run.promises.to_string()
}

/// The kinds of fault that take somebody away; those that bring somebody only where there is nothing else.
fn kinds(runs: &[ComparedRun]) -> Vec<String> {
    let all = columns::fault_kinds(runs);
    let takes = |kind: &&String| !["restart", "join"].contains(&kind.as_str());
    let mut kinds: Vec<String> = all.iter().filter(takes).cloned().collect();
    if kinds.is_empty() {
        kinds = all;
    }
    kinds.truncate(KINDS_MAX);
    kinds
}

fn after(kind: String, layout: Layout) -> Vec<Column> {
    let column = |label: String, tell: fn(&ComparedGap) -> String| {
        let kind = kind.clone();
        let of_kind = move |run: &ComparedRun| {
            run.gaps.iter().find(|gap| gap.kind == kind).map_or_else(|| ABSENT.to_owned(), tell)
        };
        Column { label, cell: Box::new(of_kind) }
    };
    match layout {
        Layout::Wide => {
            vec![column(format!("gap after {kind}"), gap), column(format!("stranded after {kind}"), stranded)]
        }
        Layout::Stacked => vec![column(format!("gap after {kind} (stranded)"), |of_kind| {
            format!("{}\n({})", gap(of_kind), stranded(of_kind))
        })],
    }
}

fn gap(gap: &ComparedGap) -> String {
    let mark = if gap.censored && gap.affected_ms_max.is_some() { " *" } else { "" };
    format!("{}{mark}", number::ms_or_absent(gap.affected_ms_max))
}

fn stranded(gap: &ComparedGap) -> String {
    columns::stranded(gap).cell(number::ms)
}

/// In what a run was held otherwise than the first one; `None` when it was not, or nobody wrote it down.
fn otherwise(run: &ComparedRun, runs: &[ComparedRun]) -> Option<String> {
    let first = runs.first()?;
    let mut told = Vec::new();
    if let (Some(members), Some(usual)) = (run.members, first.members)
        && members != usual
    {
        told.push(format!("{} instead of {usual}", number::of(members.into(), "member")));
    }
    if run.members.is_some() && run.faults != first.faults {
        let mut faults = run.faults.clone();
        faults.sort();
        faults.dedup();
        let faults = if faults.is_empty() { "nothing".to_owned() } else { faults.join(", ") };
        told.push(format!("struck by {faults}"));
    }
    (!told.is_empty()).then(|| told.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::comparison::compare;
    use crate::render::sample;

    fn runs() -> Vec<ComparedRun> {
        let (mut alone, shared) = (sample::quick(), sample::shared());
        alone.run.members = 1;
        alone.faults.iter_mut().for_each(|fault| fault.target = "c0".to_owned());
        compare(&[("safe", "a", &sample::quick()), ("shared-pull", "b", &shared), ("ordered", "c", &alone)]).rows
    }

    #[test]
    fn a_run_that_was_struck_otherwise_is_marked_and_explained() {
        let runs = runs();
        assert_eq!(name(&runs[0], &runs), "safe (lease-group)");
        assert!(name(&runs[2], &runs).ends_with('†'));
        let notes = notes(&runs).join("\n");
        assert!(notes.contains("† ordered: 1 member instead of 4, struck by"), "{notes}");
        assert!(notes.contains("kill c0"), "{notes}");
    }

    #[test]
    fn what_was_not_observed_is_absent_and_not_nought() {
        let mut runs = runs();
        runs[0].gaps.clear();
        runs[0].readings.clear();
        let first: Vec<String> = of(&runs, Layout::Wide).iter().map(|column| (column.cell)(&runs[0])).collect();
        assert_eq!(first[0], "at least once, order per key, exclusive");
        assert!(first[1..].iter().all(|cell| cell == ABSENT), "{first:?}");
    }

    #[test]
    fn who_comes_back_is_left_out_beside_who_was_taken_away() {
        let labels = |layout| of(&runs(), layout).into_iter().map(|column| column.label).collect::<Vec<String>>();
        let wide = labels(Layout::Wide);
        assert!(wide.contains(&"gap after kill".to_owned()), "{wide:?}");
        assert!(!wide.iter().any(|label| label.contains("restart") || label.contains("join")), "{wide:?}");
        assert!(labels(Layout::Stacked).len() < wide.len());
    }
}
