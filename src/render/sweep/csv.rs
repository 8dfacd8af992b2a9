//! `sweep.csv`: one row a run, with the values of the axes and the readings that matter.

use super::grid;
use super::quantity::{self, Quantity};
use crate::model::comparison::ComparedRun;
use crate::model::sweep::{Axis, Cell, Sweep};
use crate::render::csv::{number, table};

/// The table. The state stands in every row: figures of a run that cannot be trusted are there, and called that.
pub(super) fn render(sweep: &Sweep) -> String {
    let shown = columns(sweep);
    let fixed = ["sweep", "cell", "repeat", "run", "state", "strategy", "commit_mode", "promises_order"];
    let head = fixed.map(str::to_owned).into_iter().chain(sweep.axes.iter().map(axis));
    let head: Vec<String> = head.chain(shown.iter().map(Quantity::id)).collect();
    let rows = sweep.cells.iter().flat_map(|cell| {
        cell.runs.iter().enumerate().map(|(repeat, run)| row(sweep, cell, repeat + 1, run, &shown)).collect::<Vec<_>>()
    });
    table(std::iter::once(head).chain(rows))
}

/// Those that some run has, trusted or not.
fn columns(sweep: &Sweep) -> Vec<Quantity> {
    let mut shown = quantity::every(sweep);
    let runs = || sweep.cells.iter().flat_map(|cell| &cell.runs);
    shown.retain(|quantity| runs().any(|run| quantity.of_run(run).is_some()));
    shown
}

/// Its name, with the unit last where it has one.
fn axis(axis: &Axis) -> String {
    match axis.unit.as_deref() {
        None | Some("") => axis.name.clone(),
        Some(unit) => format!("{}_{unit}", axis.name),
    }
}

fn row(sweep: &Sweep, cell: &Cell, repeat: usize, run: &ComparedRun, shown: &[Quantity]) -> Vec<String> {
    let fixed = [
        sweep.name.clone(),
        cell.name.clone(),
        repeat.to_string(),
        run.path.clone(),
        run.state.to_string(),
        run.strategy.clone(),
        run.commit_mode.clone().unwrap_or_default(),
        run.promises.order_per_key.to_string(),
    ];
    let value = |axis: usize| {
        grid::at(sweep, cell, axis)
            .map_or_else(|| grid::label(sweep, cell, axis).to_owned(), |number| number.to_string())
    };
    let axes = (0..sweep.axes.len()).map(value);
    fixed.into_iter().chain(axes).chain(shown.iter().map(|quantity| number(quantity.of_run(run)))).collect()
}
