//! A contrast as a page: verdicts, tables, and the plots laid over each other. One file, no network.

use askama::Template;

use super::cells;
use crate::model::contrast::{Comparable, Contrast, Outcome, Pair, Side};
use crate::render::plot::{self, Plot, forest, overlay};
use crate::render::{number, origin};

#[derive(Template)]
#[template(path = "contrast.html")]
struct Page<'a> {
    contrast: &'a Contrast,
    style: String,
    class: &'static str,
    mark: &'static str,
    headline: String,
    sides: Vec<ShownSide<'a>>,
    pairs: Vec<ShownPair<'a>>,
    plots: Vec<Plot>,
}

struct ShownSide<'a> {
    side: &'a Side,
    told: String,
    left_out: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

struct ShownPair<'a> {
    pair: &'a Pair,
    warning: Option<&'static str>,
    remedy: Option<&'static str>,
    differences: Vec<(&'static str, String)>,
    rows: Vec<ShownRow>,
    clean: Option<String>,
    notes: Vec<String>,
}

struct ShownRow {
    label: String,
    sides: [String; 2],
    ratio: String,
    interval: String,
    p: String,
    class: &'static str,
    verdict: String,
    repeats: String,
    threshold: String,
}

/// The page.
pub(super) fn render(contrast: &Contrast) -> String {
    Page {
        contrast,
        style: plot::palette::style_sheet(),
        class: class(contrast.outcome),
        mark: cells::mark(contrast.outcome),
        headline: cells::headline(contrast),
        sides: contrast.sides.iter().map(shown_side).collect(),
        pairs: contrast.pairs.iter().map(|pair| shown_pair(pair, contrast.confidence)).collect(),
        plots: [forest::plot(&contrast.pairs), overlay::latency(&contrast.sides), overlay::ordered(&contrast.sides)]
            .into_iter()
            .flatten()
            .collect(),
    }
    .render()
    .expect("the template formats text only, which cannot fail")
}

/// The class of an outcome in the style sheet.
fn class(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Same | Outcome::Better => "good",
        Outcome::Worse => "broken",
        Outcome::Undecided | Outcome::Incomparable => "doubt",
    }
}

fn shown_side(side: &Side) -> ShownSide<'_> {
    ShownSide {
        side,
        told: cells::side(side),
        left_out: cells::left_out(side),
        environment: origin::details(&side.environment),
    }
}

fn shown_pair(pair: &Pair, confidence: f64) -> ShownPair<'_> {
    let (rows, clean) = cells::shown(pair);
    let row = |row: &crate::model::contrast::Row| ShownRow {
        label: cells::label(row),
        sides: cells::sides(row),
        ratio: cells::ratio(row),
        interval: cells::interval(row),
        p: cells::p(row),
        class: class(row.outcome),
        verdict: cells::verdict(row.outcome),
        repeats: row.repeats_needed.map_or_else(String::new, |repeats| repeats.to_string()),
        threshold: row.threshold.map_or_else(
            || "any rise".to_owned(),
            |threshold| {
                let absolute = number::with_unit(Some(threshold.absolute), &row.unit);
                format!("{:.0} %, {absolute}", threshold.relative * 100.0)
            },
        ),
    };
    ShownPair {
        pair,
        warning: (pair.comparable == Comparable::Forced).then_some(cells::FORCED),
        remedy: (pair.comparable == Comparable::No).then_some(cells::REMEDY),
        differences: pair.differences.iter().map(|it| (cells::weight(it.weight), cells::difference(it))).collect(),
        rows: rows.into_iter().map(row).collect(),
        clean: cells::clean_line(&clean),
        notes: cells::notes(pair, confidence),
    }
}
