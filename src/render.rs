//! Output formats: a report in, text out.
//!
//! A plug room: this door holds the shape of a format and the one list of what there is; `render/` one file a
//! kind. Everything here is a pure function of [`Report`]: it measures nothing, judges nothing and writes no file.

pub mod baseline;
pub mod bencher;
pub mod benchstat;
pub mod checkup;
pub mod comparison;
pub mod contrast;
pub mod csv;
pub mod explain;
pub mod gate;
pub mod github_benchmark;
mod hazards;
pub mod hlog;
pub mod html;
pub mod json;
pub mod junit;
pub mod live;
pub mod markdown;
pub mod openmessaging;
pub mod openmetrics;
pub mod otava;
pub mod schema;
pub mod search;
pub mod sheet;
pub mod sweep;
pub mod text;

mod accounts;
mod distribution;
mod faults;
mod moment;
mod number;
mod origin;
mod plot;
mod repeats;
mod summary;
mod tracked;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

pub use plot::image::Image;
pub use plot::png::{NoPixels, pixels};

use thiserror::Error;

use crate::model::report::{Report, RunState, SCHEMA};

/// One way of showing a report, or whatever else has formats.
pub struct Format<T = Report> {
    /// Name on the command line.
    pub name: &'static str,
    /// Name of the file in a run folder.
    pub file: &'static str,
    /// One line.
    pub about: &'static str,
    /// Who reads it.
    pub audience: Audience,
    render: fn(&T) -> String,
}

/// Who reads a format, and so what it owes its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// People: the verdict comes first, and doubtful figures are called that wherever they stand.
    People,
    /// Programs that take one run: its state is a field of what they read.
    Programs,
    /// Tools that keep figures from run to run. They have no place for a doubt, so they get no doubtful figure.
    Trackers,
}

impl<T> Format<T> {
    /// It, in this format.
    #[must_use]
    pub fn render(&self, shown: &T) -> String {
        (self.render)(shown)
    }
}

impl Format<Report> {
    /// Why `report` must not be written in this format, and what to do instead; none when it may.
    #[must_use]
    pub fn objection(&self, report: &Report) -> Option<String> {
        let doubtful = matches!(report.state, RunState::Invalid | RunState::Interrupted);
        (doubtful && self.audience == Audience::Trackers).then(|| {
            format!(
                "run {} is {} ({}), and '{}' is read by a tool that compares it with other runs: measure again, or \
                 take a format that says so: csv, json",
                report.run.id,
                report.state,
                report.state_reasons.join("; "),
                self.name
            )
        })
    }
}

/// All there are, in the order shown.
pub const ALL: &[Format] = &[
    json::FORMAT,
    html::FORMAT,
    text::FORMAT,
    markdown::FORMAT,
    csv::FORMAT,
    hlog::FORMAT,
    junit::FORMAT,
    openmetrics::FORMAT,
    github_benchmark::BIGGER,
    github_benchmark::SMALLER,
    bencher::FORMAT,
    benchstat::FORMAT,
    otava::FORMAT,
    openmessaging::FORMAT,
];

/// The format of that name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    ALL.iter().find(|format| format.name == name)
}

/// The name under which the pictures of a page are asked for, each as a file of its own.
pub const IMAGES: &str = "svg";

/// The same as pixels, for chats that show no SVG.
pub const PIXELS: &str = "png";

/// The pictures of a report.
#[must_use]
pub fn images(report: &Report) -> Vec<Image> {
    plot::image::of(plot::all(report))
}

/// Why a file is no report that can be read.
#[derive(Debug, Error)]
pub enum Error {
    /// It says that it is something else, or nothing.
    #[error("this is no {expected} file: its field `schema` is {found}")]
    Other {
        /// What was asked for.
        expected: &'static str,
        /// What it says instead.
        found: String,
    },
    /// A later jetlag wrote it.
    #[error(
        "this file is in the format {found}, and this jetlag reads up to {known}: \
         it was written by a newer jetlag, read it with that one"
    )]
    Newer {
        /// What it says.
        found: String,
        /// The newest that is known here.
        known: &'static str,
    },
    /// It is not what it says that it is.
    #[error("this file says that it is {schema}, and is not: {source}")]
    Malformed {
        /// What it says.
        schema: String,
        /// What is wrong and where.
        source: serde_json::Error,
    },
    /// It is no JSON object at all.
    #[error("this file is no JSON object: {0}")]
    NotJson(#[source] serde_json::Error),
}

/// A report, read from the text of a `report.json`. Older formats load for ever, newer ones are refused.
///
/// # Errors
/// When the text is something else, or was written by a newer jetlag.
pub fn parse(text: &str) -> Result<Report, Error> {
    json::parse_as(text, SCHEMA)
}
