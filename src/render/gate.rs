//! A gate in every format: what `jetlag gate` says. The verdict comes with the document; nothing is judged here.

mod cells;
mod junit;
mod markdown;
mod page;
mod text;

#[cfg(test)]
mod tests;

pub use text::summary;

use super::json::{self, parse_as};
use super::{Audience, Error, Format};
use crate::model::gate::{Gate, SCHEMA};

/// All formats of a gate, in the order shown.
pub const ALL: &[Format<Gate>] = &[
    Format {
        name: "text",
        file: "gate.txt",
        about: "The summary that the terminal shows",
        audience: Audience::People,
        render: text::plain,
    },
    Format {
        name: "markdown",
        file: "gate.md",
        about: "For a pull request: the verdict first, the rest folded",
        audience: Audience::People,
        render: markdown::render,
    },
    Format {
        name: "html",
        file: "gate.html",
        about: "For people: one file",
        audience: Audience::People,
        render: page::render,
    },
    Format {
        name: "junit",
        file: "gate.xml",
        about: "Rules and quantities as test cases, for CI",
        audience: Audience::Programs,
        render: junit::render,
    },
    Format {
        name: "json",
        file: "gate.json",
        about: "Everything, for machines (schemas/gate.schema.json)",
        audience: Audience::Programs,
        render: json::pretty,
    },
];

/// The format of that name.
#[must_use]
pub fn format(name: &str) -> Option<&'static Format<Gate>> {
    ALL.iter().find(|format| format.name == name)
}

/// A gate, read from the text of a `gate.json`.
///
/// # Errors
/// When the text is something else, or was written by a newer jetlag.
pub fn parse(text: &str) -> Result<Gate, Error> {
    parse_as(text, SCHEMA)
}
