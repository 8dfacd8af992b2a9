//! A gate as a page: the verdict, the tables, and the plots laid over each other. One file, no network.

use askama::Template;

use super::cells as own;
use crate::model::contrast::{Comparable, Outcome, Row, Side};
use crate::model::gate::{Gate, RuleOutcome, Ruling, Verdict};
use crate::render::contrast::cells;
use crate::render::origin;
use crate::render::plot::{self, Plot, overlay};

#[derive(Template)]
#[template(path = "gate.html")]
struct Page<'a> {
    gate: &'a Gate,
    style: String,
    class: &'static str,
    verdict: String,
    headline: String,
    forced: bool,
    warning: &'static str,
    rules: Vec<ShownRow>,
    differences: Vec<(&'static str, String)>,
    rows: Vec<ShownRow>,
    clean: Option<String>,
    notes: Vec<String>,
    plots: Vec<Plot>,
    course: String,
    sides: Vec<ShownSide<'a>>,
}

struct ShownRow {
    cells: Vec<String>,
    class: &'static str,
    verdict: String,
}

struct ShownSide<'a> {
    side: &'a Side,
    told: String,
    left_out: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

/// The page.
pub(super) fn render(gate: &Gate) -> String {
    let both: Vec<Side> = gate.base.iter().chain([&gate.head]).cloned().collect();
    let (rows, clean) = gate.timing.as_ref().map_or_else(Default::default, |it| cells::worth_a_line(&it.quantities));
    let plots = if gate.base.is_some() { [overlay::latency(&both), overlay::ordered(&both)] } else { [None, None] };
    Page {
        gate,
        style: plot::palette::style_sheet(),
        class: match gate.verdict {
            Verdict::Passed => "good",
            Verdict::Failed => "broken",
            Verdict::Undecided | Verdict::Incomparable | Verdict::Interrupted => "doubt",
        },
        verdict: own::verdict(gate.verdict),
        headline: own::headline(gate),
        forced: gate.timing.as_ref().is_some_and(|timing| timing.comparable == Comparable::Forced),
        warning: cells::FORCED,
        rules: gate.rules.iter().map(shown_rule).collect(),
        differences: gate
            .timing
            .iter()
            .flat_map(|timing| &timing.differences)
            .map(|it| (cells::weight(it.weight), cells::difference(it)))
            .collect(),
        rows: rows.into_iter().map(shown_row).collect(),
        clean: cells::clean_line(&clean),
        notes: gate.timing.as_ref().map_or_else(Vec::new, own::notes),
        plots: plots.into_iter().flatten().collect(),
        course: own::course(gate),
        sides: gate.base.iter().chain([&gate.head]).map(shown_side).collect(),
    }
    .render()
    .expect("the template formats text only, which cannot fail")
}

fn shown_rule(rule: &Ruling) -> ShownRow {
    ShownRow {
        cells: vec![rule.subject.clone(), rule.limit.clone(), own::value(rule), own::over(rule)],
        class: match rule.outcome {
            RuleOutcome::Held => "good",
            RuleOutcome::Broken => "broken",
            RuleOutcome::Unobserved => "doubt",
        },
        verdict: own::rule_verdict(rule.outcome),
    }
}

fn shown_row(row: &Row) -> ShownRow {
    let [base, head] = cells::sides(row);
    ShownRow {
        cells: vec![cells::label(row), base, head, cells::ratio(row), cells::interval(row), cells::p(row)],
        class: match row.outcome {
            Outcome::Same | Outcome::Better => "good",
            Outcome::Worse => "broken",
            Outcome::Undecided | Outcome::Incomparable => "doubt",
        },
        verdict: own::quantity_verdict(row),
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
