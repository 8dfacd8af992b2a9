//! The grid as one reads it: which axes are numbers, and which cells stand in a line along one of them.

use std::collections::BTreeMap;

use super::quantity;
use crate::model::comparison::ComparedRun;
use crate::model::sweep::{Axis, Cell, Sweep};
use crate::render::number::ABSENT;

/// Cells that differ in one axis only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    /// Their values in the other axes; empty when there are no others.
    pub name: String,
    /// Place of each among the cells, in the order of the axis.
    pub cells: Vec<usize>,
}

/// The lines along an axis, in the order of the grid.
pub(super) fn lines(sweep: &Sweep, along: usize) -> Vec<Line> {
    let others: Vec<usize> = (0..sweep.axes.len()).filter(|axis| *axis != along).collect();
    let mut lines = gathered(sweep, &others);
    for line in &mut lines {
        line.cells.sort_by_key(|cell| sweep.cells[*cell].at.get(along).copied());
    }
    lines
}

/// The cells that agree in all of these axes, in the order of the grid.
pub(super) fn gathered(sweep: &Sweep, axes: &[usize]) -> Vec<Line> {
    let mut places: BTreeMap<Vec<Option<usize>>, usize> = BTreeMap::new();
    let mut lines: Vec<Line> = Vec::new();
    for (index, cell) in sweep.cells.iter().enumerate() {
        let key: Vec<Option<usize>> = axes.iter().map(|axis| cell.at.get(*axis).copied()).collect();
        let place = *places.entry(key).or_insert(lines.len());
        if place == lines.len() {
            lines.push(Line { name: name(sweep, cell, axes), cells: Vec::new() });
        }
        lines[place].cells.push(index);
    }
    lines
}

/// A cell in a sentence: its values in all axes that vary; its own name where none does.
pub(super) fn name_of(sweep: &Sweep, cell: &Cell) -> String {
    let axes: Vec<usize> = (0..sweep.axes.len()).collect();
    Some(name(sweep, cell, &axes)).filter(|name| !name.is_empty()).unwrap_or_else(|| cell.name.clone())
}

/// The values of a cell in these axes, as far as they vary. A number alone tells nothing: the last part of its axis' name stands
/// with it.
fn name(sweep: &Sweep, cell: &Cell, axes: &[usize]) -> String {
    let varied = axes.iter().filter(|axis| sweep.axes.get(**axis).is_some_and(|axis| axis.values.len() > 1));
    let value = |axis: &usize| {
        let (label, of) = (label(sweep, cell, *axis), &sweep.axes[*axis]);
        let what = of.name.rsplit('.').next().unwrap_or(&of.name);
        if of.unit.is_some() { format!("{what} {label}") } else { label.to_owned() }
    };
    varied.map(value).collect::<Vec<String>>().join(", ")
}

/// The value of a cell in an axis, as shown.
pub(super) fn label<'a>(sweep: &'a Sweep, cell: &Cell, axis: usize) -> &'a str {
    let value = cell.at.get(axis).and_then(|at| sweep.axes.get(axis)?.values.get(*at));
    value.map_or(ABSENT, |value| &value.label)
}

/// The same as a number; none in an axis of words.
pub(super) fn at(sweep: &Sweep, cell: &Cell, axis: usize) -> Option<f64> {
    let axis_of = sweep.axes.get(axis)?;
    axis_of.unit.as_ref()?;
    axis_of.values.get(*cell.at.get(axis)?)?.number.filter(|number| number.is_finite())
}

/// The axes whose values are numbers, two at least.
pub(super) fn numeric(sweep: &Sweep) -> Vec<usize> {
    let is_number = |axis: &Axis| {
        let numbers: Vec<f64> =
            axis.values.iter().filter_map(|value| value.number).filter(|it| it.is_finite()).collect();
        axis.unit.is_some()
            && numbers.len() == axis.values.len()
            && numbers.iter().any(|number| Some(number) != numbers.first())
    };
    (0..sweep.axes.len()).filter(|axis| is_number(&sweep.axes[*axis])).collect()
}

/// Whether an axis is the time for which a lease is granted.
pub(super) fn is_lease_time(axis: &Axis) -> bool {
    let name = axis.name.to_lowercase();
    axis.unit.as_deref() == Some("s") && (name.ends_with("ttl") || name.contains("lease"))
}

/// The axes along which the way of consuming changes; all others say under which circumstances.
pub(super) fn ways(sweep: &Sweep) -> Vec<usize> {
    let way = |cell: &usize| sweep.cells[*cell].runs.iter().find(|run| quantity::is_taken(run)).map(way);
    let changes = |axis: &usize| {
        lines(sweep, *axis).iter().any(|line| {
            let ways: Vec<_> = line.cells.iter().filter_map(way).collect();
            ways.iter().any(|way| Some(way) != ways.first())
        })
    };
    (0..sweep.axes.len()).filter(changes).collect()
}

/// Strategy and commit mode.
fn way(run: &ComparedRun) -> (&str, Option<&str>) {
    (&run.strategy, run.commit_mode.as_deref())
}
