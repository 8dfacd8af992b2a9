//! One row a cell: what every format shows of a cell, and how to read it.

use super::quantity::{self, Quantity};
use crate::model::reading::Stat;
use crate::model::report::RunState;
use crate::model::sweep::{Cell, Sweep};
use crate::render::faults;
use crate::render::html::state::{State, state};

/// What a terminal has room for, with the gaps after so many kinds of fault.
pub(super) fn few(sweep: &Sweep, kinds_max: usize) -> Vec<Quantity> {
    let mut kinds = 0;
    let mut has_room = |quantity: &Quantity| match quantity {
        Quantity::Gap(_) => {
            kinds += 1;
            kinds <= kinds_max
        }
        Quantity::Rate(id) => *id == "ordered_per_s",
        Quantity::Latency(stat) => *stat == Stat::P99,
        Quantity::Count(id) => matches!(*id, "order_violations" | "lost"),
        Quantity::Stranded(_) | Quantity::Cpu(_) => false,
    };
    quantity::all(sweep).into_iter().filter(|quantity| has_room(quantity)).collect()
}

/// What became of a cell's runs: `3 complete`, `2 complete, 1 invalid`, `not run yet`.
pub(super) fn runs(cell: &Cell, repeats: u32) -> String {
    if cell.left_out.is_some() && cell.runs.is_empty() {
        return "left out".to_owned();
    }
    if cell.runs.is_empty() {
        return "not run yet".to_owned();
    }
    let count = |state: RunState| cell.runs.iter().filter(|run| run.state == state).count();
    let mut told: Vec<String> = [RunState::Complete, RunState::Violated, RunState::Invalid, RunState::Interrupted]
        .into_iter()
        .filter(|state| count(*state) > 0)
        .map(|state| format!("{} {state}", count(state)))
        .collect();
    let to_come = (repeats as usize).saturating_sub(cell.runs.len());
    if to_come > 0 && cell.left_out.is_none() {
        told.push(format!("{to_come} to come"));
    }
    told.join(", ")
}

/// The sign of a cell: of the worst of its runs; none when it has none.
pub(super) fn sign(cell: &Cell) -> Option<State> {
    let worst = [RunState::Invalid, RunState::Violated, RunState::Interrupted, RunState::Complete]
        .into_iter()
        .find(|state| cell.runs.iter().any(|run| run.state == *state));
    worst.map(state)
}

/// How to read the cells.
pub(super) fn notes(sweep: &Sweep, shown: &[Quantity]) -> Vec<String> {
    let mut notes = Vec::new();
    let several = sweep.cells.iter().any(|cell| cell.runs.len() > 1);
    if several {
        notes.push(
            "each figure: the median of the repeats, and from the least to the greatest of them; percentiles are those of \
             each repeat and are never merged"
                .to_owned(),
        );
        if shown.iter().any(Quantity::must_not_be) {
            let never: Vec<String> = shown.iter().filter(|it| it.must_not_be()).map(Quantity::label).collect();
            notes.push(format!("{}: the worst repeat", never.join(", ")));
        }
    }
    if shown.iter().any(|quantity| matches!(quantity, Quantity::Gap(_))) {
        notes.push("gap: the longest of an affected partition in each repeat".to_owned());
    }
    if shown.iter().any(|quantity| matches!(quantity, Quantity::Stranded(_))) {
        notes.push(faults::STRANDED_NOTE.to_owned());
    }
    if shown.iter().any(|quantity| sweep.cells.iter().any(|cell| quantity.is_censored(cell))) {
        notes.push(format!("* {}", faults::CENSORED_NOTE));
    }
    if sweep.cells.iter().flat_map(|cell| &cell.runs).any(|run| !quantity::is_taken(run)) {
        notes.push("runs that are invalid or were interrupted give no figures".to_owned());
    }
    notes
}
