//! A sweep in every format: a grid of settings with what was measured at each point, as `jetlag sweep` leaves it.
//!
//! The engine adds runs to a sweep; what they say together (state, findings, the price of order) is computed here, from
//! the runs alone. Percentiles are never merged over repeats: what is shown is the median of the repeats, and their range.

mod csv;
mod findings;
mod grid;
mod markdown;
mod page;
mod pictures;
mod price;
pub(in crate::render) mod quantity;
mod table;
mod text;

#[cfg(test)]
mod planted;
#[cfg(test)]
mod tests;

use super::json::{self, parse_as};
use super::sheet::Sheet;
use super::{Audience, Error, Format, Image, comparison, number, origin, plot};
use crate::model::report::Report;
use crate::model::sweep::{SCHEMA, Sweep};

/// All formats of a sweep, in the order shown.
pub const ALL: &[Format<Sweep>] = &[
    Format {
        name: "json",
        file: "sweep.json",
        about: "Everything, for machines",
        audience: Audience::Programs,
        render: json::pretty,
    },
    Format {
        name: "html",
        file: "sweep.html",
        about: "The sweep for people, with plots: one file",
        audience: Audience::People,
        render: page::render,
    },
    Format {
        name: "text",
        file: "sweep.txt",
        about: "The summary that the terminal shows",
        audience: Audience::People,
        render: plain,
    },
    Format {
        name: "markdown",
        file: "sweep.md",
        about: "The table for pull requests and chats",
        audience: Audience::People,
        render: markdown::render,
    },
    Format {
        name: "csv",
        file: "sweep.csv",
        about: "One row a run, for spreadsheets and data frames",
        audience: Audience::Programs,
        render: csv::render,
    },
];

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
    sweep.price_of_order = match price::all(sweep).as_slice() {
        // Under several circumstances there is no one price.
        [one] => one.price,
        _ => None,
    };
    sweep.findings = findings::of(sweep);
}

/// The pictures of a sweep.
#[must_use]
pub fn images(sweep: &Sweep) -> Vec<Image> {
    plot::image::of(pictures::draw::all(sweep))
}

/// The summary for a terminal.
#[must_use]
pub fn summary(sweep: &Sweep, sheet: Sheet) -> String {
    text::summary(sweep, sheet)
}

fn plain(sweep: &Sweep) -> String {
    summary(sweep, Sheet::WIDE_FILE)
}

/// How the runs were made: `15 of 15 runs, 3 a cell, order abba`.
fn made(sweep: &Sweep) -> String {
    let (made, planned) = (number::count(sweep.made.into()), number::of(sweep.planned.into(), "run"));
    format!("{made} of {planned}, {} a cell, order {}", sweep.repeats, sweep.order)
}
