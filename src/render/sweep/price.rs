//! What order costs: `handled_per_s` of `shared-pull` ÷ `ordered_per_s` of what promises order, under the same circumstances.

use super::grid;
use super::quantity::{ORDERED, Quantity, is_taken};
use crate::model::comparison::{ComparedRun, PriceOfOrder};
use crate::model::report::RunState;
use crate::model::sweep::{Cell, Sweep};
use crate::render::comparison;
use crate::render::repeats::Repeats;

/// What order costs in cells that differ in nothing but the way of consuming.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Prices {
    /// The circumstances; empty when the grid varies nothing else.
    pub under: String,
    /// As METRICS.md defines it.
    pub price: Option<PriceOfOrder>,
    /// What each way pays that promises order.
    pub ways: Vec<Paid>,
}

/// What one cell pays.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Paid {
    /// Its place among the cells.
    pub cell: usize,
    /// Against the best that `shared-pull` handles, for each repeat.
    pub best: Repeats,
    /// The median against `shared-pull` in the same commit mode, where that was run.
    pub equal_commit_mode: Option<f64>,
}

/// All there are; none where `shared-pull` was not run beside something that promises order.
pub(super) fn all(sweep: &Sweep) -> Vec<Prices> {
    let ways = grid::ways(sweep);
    let rest: Vec<usize> = (0..sweep.axes.len()).filter(|axis| !ways.contains(axis)).collect();
    grid::gathered(sweep, &rest).iter().filter_map(|line| prices(sweep, line)).collect()
}

fn prices(sweep: &Sweep, line: &grid::Line) -> Option<Prices> {
    let cells = || line.cells.iter().map(|index| (*index, &sweep.cells[*index]));
    let handled = Quantity::Rate("handled_per_s");
    let unordered: Vec<(Option<&str>, f64)> = cells()
        .filter_map(|(_, cell)| {
            let run = taken(cell).filter(|run| run.strategy == "shared-pull")?;
            let rate = handled.value(cell).filter(|rate| *rate > 0.0)?;
            Some((run.commit_mode.as_deref(), rate))
        })
        .collect();
    let best = unordered.iter().map(|(_, rate)| *rate).max_by(f64::total_cmp)?;
    let paid = |(index, cell): (usize, &Cell)| {
        let run = taken(cell).filter(|run| run.promises.order_per_key && run.state == RunState::Complete)?;
        let rate = ORDERED.value(cell).filter(|rate| *rate > 0.0)?;
        let equal = unordered.iter().filter(|(mode, _)| *mode == run.commit_mode.as_deref());
        let equal = equal.map(|(_, unordered)| unordered / rate).max_by(f64::total_cmp);
        let rates = ORDERED.of(cell);
        let best = Repeats::of(rates.values().iter().filter(|rate| **rate > 0.0).map(|rate| best / rate));
        Some(Paid { cell: index, best, equal_commit_mode: equal })
    };
    let ways: Vec<Paid> = cells().filter_map(paid).collect();
    let runs: Vec<ComparedRun> = cells().flat_map(|(_, cell)| cell.runs.clone()).collect();
    let price = comparison::price_of_order(&runs);
    (!ways.is_empty()).then(|| Prices { under: line.name.clone(), price, ways })
}

/// A run of the cell that speaks for it: one that broke its promise, where there is one.
fn taken(cell: &Cell) -> Option<&ComparedRun> {
    let mut taken: Vec<&ComparedRun> = cell.runs.iter().filter(|run| is_taken(run)).collect();
    taken.sort_by_key(|run| run.state != RunState::Violated);
    taken.first().copied()
}
