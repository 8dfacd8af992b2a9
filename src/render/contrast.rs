//! A contrast in every format: what `jetlag compare` says. Verdicts come with the document; nothing is judged here.

pub(in crate::render) mod cells;
pub(in crate::render) mod markdown;
mod page;
mod text;

#[cfg(test)]
mod tests;

pub use text::summary;

use super::json::{self, parse_as};
use super::{Audience, Error, Format};
use crate::model::contrast::{Contrast, SCHEMA};

/// All formats of a contrast, in the order shown.
pub const ALL: &[Format<Contrast>] = &[
    Format {
        name: "text",
        file: "contrast.txt",
        about: "The summary that the terminal shows",
        audience: Audience::People,
        render: text::plain,
    },
    Format {
        name: "markdown",
        file: "contrast.md",
        about: "For a pull request or an issue",
        audience: Audience::People,
        render: markdown::render,
    },
    Format {
        name: "html",
        file: "contrast.html",
        about: "For people, with plots: one file",
        audience: Audience::People,
        render: page::render,
    },
    Format {
        name: "json",
        file: "contrast.json",
        about: "Everything, for machines",
        audience: Audience::Programs,
        render: json::pretty,
    },
];

/// A contrast, read from the text of a `contrast.json`.
///
/// # Errors
/// When the text is something else, or was written by a newer jetlag.
pub fn parse(text: &str) -> Result<Contrast, Error> {
    parse_as(text, SCHEMA)
}
