//! The pictures of a report: inline SVG, drawn with plotters, coloured by the style sheet.
//!
//! A picture is drawn in pixels of an 1100 wide sheet. Colours are roles ([`palette::Ink`]), so that one drawing
//! serves the light and the dark theme. The pictures that run over time share one time axis ([`timeline`]), so that
//! an instant stands at the same place in all of them.

pub(super) mod against;
pub(super) mod axis;
pub(super) mod backlog;
pub(super) mod bars;
pub(super) mod canvas;
pub(super) mod chart;
pub(super) mod clusters;
pub(super) mod forest;
pub(super) mod gaps;
pub(super) mod image;
pub(super) mod knee;
pub(super) mod latency;
pub(super) mod marker;
pub(super) mod overlay;
pub(super) mod owners;
pub(super) mod ownership;
pub(super) mod palette;
pub(super) mod percentiles;
pub(super) mod phases;
pub(super) mod png;
pub(super) mod resources;
pub(super) mod rows;
pub(super) mod throughput;
pub(super) mod timeline;
pub(super) mod tradeoff;

use std::borrow::Cow;

use canvas::Canvas;
use palette::Ink;
use timeline::Timeline;

use crate::model::report::Report;

/// The pictures of a run, in the order of a page. A picture without data is left out.
pub(super) fn all(report: &Report) -> Vec<Plot> {
    let timeline = Timeline::of(report);
    [
        ownership::plot(report, &timeline),
        gaps::plot(report),
        phases::plot(report),
        throughput::plot(report, &timeline),
        latency::plot(report, &timeline),
        percentiles::plot(report),
        backlog::plot(report, &timeline),
        resources::cpu(report, &timeline),
        resources::memory(report, &timeline),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// One picture, ready to stand in a page.
pub(super) struct Plot {
    /// Anchor in the page.
    pub id: Cow<'static, str>,
    /// What it shows.
    pub title: Cow<'static, str>,
    /// How to read it, a sentence or two.
    pub caption: String,
    /// The `<svg>` element.
    pub svg: String,
    /// The keys of the picture.
    pub legend: Vec<Key>,
}

/// One key of a legend: a swatch and its meaning.
pub(super) struct Key {
    /// The swatch: a small `<svg>` element.
    pub swatch: String,
    /// Its meaning.
    pub label: String,
}

/// A piece of line.
fn line_swatch(ink: Ink, width: f64) -> String {
    swatch(|canvas| canvas.line(&[(0.0, 6.0), (28.0, 6.0)], ink, width))
}

/// A cross.
fn mark_swatch() -> String {
    swatch(|canvas| chart::cross(canvas, (14.0, 6.0), 4.0, ""))
}

/// A filled box.
fn box_swatch(inks: &[Ink]) -> String {
    swatch(|canvas| {
        for ink in inks {
            canvas.rect((2.0, 0.5), (26.0, 11.5), *ink);
        }
    })
}

/// Any small drawing of 28 by 12 pixels. It is decoration: its label says what it means.
fn swatch(draw: impl FnOnce(&mut Canvas)) -> String {
    let mut canvas = Canvas::new(28.0, 12.0);
    draw(&mut canvas);
    canvas.finish_decoration()
}
