//! A sweep in every format: a grid of settings with what was measured at each point, as `jetlag sweep` leaves it.
//!
//! The engine adds runs to a sweep; what they say together (state, findings, the price of order) is computed here, from
//! the runs alone. Percentiles are never merged over repeats: what is shown is the median of the repeats, and their range.

use super::json::{self, parse_as};
use super::{Audience, Error, Format, comparison, origin};
use crate::model::report::Report;
use crate::model::sweep::{SCHEMA, Sweep};

/// All formats of a sweep, in the order shown.
pub const ALL: &[Format<Sweep>] = &[Format {
    name: "json",
    file: "sweep.json",
    about: "Everything, for machines",
    audience: Audience::Programs,
    render: json::pretty,
}];

/// A sweep, read from the text of a `sweep.json`.
///
/// # Errors
/// When the text is something else, or was written by a newer jetlag.
pub fn parse(text: &str) -> Result<Sweep, Error> {
    parse_as(text, SCHEMA)
}

/// Puts a run into its cell, the last one there. `path` is its folder seen from the sweep. A cell that is not in the grid takes
/// nothing. [`finish`] must follow before anything is shown.
pub fn add(sweep: &mut Sweep, cell: usize, name: &str, path: &str, report: &Report) {
    let Some(into) = sweep.cells.get_mut(cell) else { return };
    into.runs.push(comparison::row(name, path, report));
    let cell = into.name.clone();
    match &mut sweep.origin {
        None => sweep.origin = origin::of_all(&[(name, path, report)]),
        Some(origin) => {
            // Repeats of a cell differ in the same: it is told once.
            for told in origin::elsewhere(&cell, &report.environment, &origin.environment) {
                if !origin.differences.contains(&told) {
                    origin.differences.push(told);
                }
            }
        }
    }
}

/// Computes what the runs say together: how many there are, the worst state, the findings, the price of order.
pub fn finish(sweep: &mut Sweep) {
    let runs = || sweep.cells.iter().flat_map(|cell| &cell.runs);
    let made = runs().count();
    sweep.state = comparison::worst(runs().map(|run| run.state));
    sweep.made = u32::try_from(made).unwrap_or(u32::MAX);
}

/// The summary for a terminal. Colour repeats what words say; the caller decides it.
#[must_use]
pub fn summary(sweep: &Sweep, color: bool) -> String {
    format!("{}  {}\n", super::text::badge(sweep.state, color), sweep.name)
}
