//! `report.html`: one file that explains itself, needs no network and opens from disk.

pub(super) mod state;
mod view;

use askama::Template as _;

use super::{Audience, Format};
use crate::model::report::Report;

/// This format.
pub const FORMAT: Format = Format {
    name: "html",
    file: "report.html",
    about: "The report for people: one file, no network",
    audience: Audience::People,
    render,
};

fn render(report: &Report) -> String {
    view::Page::of(report).render().expect("the template formats text only, which cannot fail")
}
