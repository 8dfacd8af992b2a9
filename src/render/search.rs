//! A search in every format: what `jetlag search` says. Verdicts come with the document; nothing is judged here.

mod markdown;
mod page;
mod text;
mod words;

#[cfg(test)]
mod tests;

pub use text::summary;

use super::json::{self, parse_as};
use super::{Audience, Error, Format, Image, plot};
use crate::model::search::{SCHEMA, Search};

/// All formats of a search, in the order shown.
pub const ALL: &[Format<Search>] = &[
    Format {
        name: "json",
        file: "search.json",
        about: "Everything, for machines",
        audience: Audience::Programs,
        render: json::pretty,
    },
    Format {
        name: "html",
        file: "search.html",
        about: "For people, with the curve up to the knee: one file",
        audience: Audience::People,
        render: page::render,
    },
    Format {
        name: "text",
        file: "search.txt",
        about: "The summary that the terminal shows",
        audience: Audience::People,
        render: text::plain,
    },
    Format {
        name: "markdown",
        file: "search.md",
        about: "For a pull request or an issue",
        audience: Audience::People,
        render: markdown::render,
    },
];

/// The pictures of a search.
#[must_use]
pub fn images(search: &Search) -> Vec<Image> {
    plot::image::of(page::plots(search))
}

/// A search, read from the text of a `search.json`.
///
/// # Errors
/// When the text is something else, or was written by a newer jetlag.
pub fn parse(text: &str) -> Result<Search, Error> {
    parse_as(text, SCHEMA)
}
