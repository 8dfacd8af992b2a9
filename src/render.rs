//! Output formats: a report in, text out.
//!
//! A plug room: this door holds the shape of a format and the one list of what there is; `render/` one file a
//! kind. Everything here is a pure function of [`Report`]: it measures nothing, judges nothing and writes no file.

pub mod baseline;
pub mod comparison;
pub mod contrast;
pub mod html;
pub mod json;
pub mod markdown;
pub mod schema;
pub mod text;

mod faults;
mod number;
mod origin;
mod plot;
mod summary;

#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use thiserror::Error;

use crate::model::report::{Report, SCHEMA};

/// One way of showing a report, or whatever else has formats.
pub struct Format<T = Report> {
    /// Name on the command line.
    pub name: &'static str,
    /// Name of the file in a run folder.
    pub file: &'static str,
    /// One line.
    pub about: &'static str,
    render: fn(&T) -> String,
}

impl<T> Format<T> {
    /// It, in this format.
    #[must_use]
    pub fn render(&self, shown: &T) -> String {
        (self.render)(shown)
    }
}

/// All there are, in the order shown.
pub const ALL: &[Format] = &[json::FORMAT, html::FORMAT, text::FORMAT, markdown::FORMAT];

/// The format of that name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format> {
    ALL.iter().find(|format| format.name == name)
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
