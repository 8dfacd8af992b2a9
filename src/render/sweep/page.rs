//! `sweep.html`: what the sweep says, its pictures, and a row a cell with links to the reports of its runs.

use askama::Template;

use super::quantity::{self, Quantity};
use super::{findings, grid, pictures, table};
use crate::model::sweep::{Cell, Sweep};
use crate::render::comparison::link;
use crate::render::html::state::{State, state};
use crate::render::origin;
use crate::render::plot::{self, Plot};

#[derive(Template)]
#[template(path = "sweep.html")]
struct Page<'a> {
    sweep: &'a Sweep,
    style: String,
    state: State,
    headline: String,
    made: String,
    /// Names of quantities in parts, between which a line may end.
    head: Vec<Vec<String>>,
    rows: Vec<Row<'a>>,
    notes: Vec<String>,
    environment: Vec<(&'static str, String)>,
    plots: Vec<Plot>,
}

/// One cell.
struct Row<'a> {
    cell: &'a Cell,
    /// Its value in each axis.
    values: Vec<&'a str>,
    sign: Option<State>,
    told: String,
    /// The runs: address of the report, number and sign of each.
    runs: Vec<(String, usize, State)>,
    /// Each quantity with its range.
    figures: Vec<(String, Option<String>)>,
}

/// The page.
pub(super) fn render(sweep: &Sweep) -> String {
    let shown = quantity::all(sweep);
    Page {
        sweep,
        style: plot::palette::style_sheet(),
        state: state(sweep.state),
        headline: findings::headline(sweep),
        made: super::made(sweep),
        head: shown.iter().map(|quantity| parts(&quantity.label())).collect(),
        rows: sweep.cells.iter().map(|cell| row(sweep, cell, &shown)).collect(),
        notes: table::notes(sweep, &shown),
        environment: sweep.origin.as_ref().map_or_else(Vec::new, |origin| origin::details(&origin.environment)),
        plots: pictures::draw::all(sweep),
    }
    .render()
    .expect("the template formats text only, which cannot fail")
}

fn parts(label: &str) -> Vec<String> {
    label.split_inclusive('_').map(str::to_owned).collect()
}

fn row<'a>(sweep: &'a Sweep, cell: &'a Cell, shown: &[Quantity]) -> Row<'a> {
    Row {
        cell,
        values: (0..sweep.axes.len()).map(|axis| grid::label(sweep, cell, axis)).collect(),
        sign: table::sign(cell),
        told: table::runs(cell, sweep.repeats),
        runs: cell.runs.iter().enumerate().map(|(index, run)| (link(run), index + 1, state(run.state))).collect(),
        figures: shown.iter().map(|quantity| (quantity.cell(cell), quantity.range(cell))).collect(),
    }
}
