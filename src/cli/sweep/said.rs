//! What is said of a sweep: its plan before it begins, and a line for each run.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::model::comparison::ComparedRun;
use crate::model::reading::{Scope, Stat};
use crate::profile::sweep::estimate::Estimate;
use crate::profile::sweep::{Grid, Turn};

/// The plan for people: cells, order, time.
pub(super) fn text(grid: &Grid, wanted: &[bool]) -> String {
    let mut text = format!("{}: {}\n\n", grid.name, grid.question);
    for axis in &grid.axes {
        let labels: Vec<&str> = axis.values.iter().map(|value| value.label.as_str()).collect();
        let _ = writeln!(text, "axis {}: {}", axis.name, labels.join(" | "));
    }
    let _ = writeln!(text, "\ncells");
    for (number, cell) in grid.cells.iter().enumerate() {
        let why = match &cell.what {
            Err(reason) => format!("  left out: {reason}"),
            Ok(_) if !wanted.get(number).copied().unwrap_or(true) => "  not asked for (--only)".to_owned(),
            Ok(_) => String::new(),
        };
        let _ = writeln!(text, "  {:>3}  {}{why}", number + 1, cell.name);
    }
    let turns = turns(grid, wanted);
    let _ = writeln!(text, "\norder ({}, {} a cell)", grid.order.name(), runs(grid.repeats as usize));
    for repeat in 1..=grid.repeats {
        let of_round = turns.iter().filter(|turn| turn.repeat == repeat).map(|turn| (turn.cell + 1).to_string());
        let _ = writeln!(text, "  repeat {repeat}: cells {}", of_round.collect::<Vec<_>>().join(" "));
    }
    let _ = writeln!(text, "\n{}, about {}; nothing was started", runs(turns.len()), span(estimate(grid, &turns)));
    text
}

/// The plan as an object.
pub(super) fn as_json(grid: &Grid, wanted: &[bool]) -> serde_json::Value {
    let turns = turns(grid, wanted);
    let cell = |(number, cell): (usize, &crate::profile::sweep::Cell)| {
        json!({
            "name": cell.name,
            "folder": cell.folder(number),
            "left_out": cell.what.as_ref().err(),
            "wanted": wanted.get(number),
        })
    };
    let turn = |turn: &Turn| json!({ "cell": grid.cells.get(turn.cell).map(|cell| &cell.name), "repeat": turn.repeat });
    json!({
        "sweep": grid.name,
        "question": grid.question,
        "axes": grid.axes,
        "order": grid.order.name(),
        "repeats": grid.repeats,
        "cells": grid.cells.iter().enumerate().map(cell).collect::<Vec<_>>(),
        "turns": turns.iter().map(turn).collect::<Vec<_>>(),
        "estimate_s": estimate(grid, &turns).as_secs(),
        "exit_code": 0,
    })
}

fn turns(grid: &Grid, wanted: &[bool]) -> Vec<Turn> {
    let is_wanted = |turn: &Turn| wanted.get(turn.cell).copied().unwrap_or(true);
    grid.turns().into_iter().filter(is_wanted).collect()
}

fn estimate(grid: &Grid, turns: &[Turn]) -> Duration {
    let phases = turns.iter().filter_map(|turn| Some((turn.cell, grid.plan(*turn)?.phases)));
    Estimate::default().of_all(phases)
}

/// A run in one line: `complete · ordered 51 200/s · p99 12.1 ms · gap max 2040 ms · violations 0`.
pub(super) fn line(run: &ComparedRun) -> String {
    let reading = |metric: &str, stat: Stat| {
        let mut of_run = run.readings.iter().filter(|reading| reading.scope == Scope::Run);
        of_run.find(|reading| reading.metric == metric && reading.stat == stat)?.value
    };
    let mut parts = vec![run.state.to_string()];
    if let Some(rate) = reading("ordered_per_s", Stat::Value) {
        parts.push(format!("ordered {rate:.0}/s"));
    }
    if let Some(p99) = reading("end_to_end", Stat::P99) {
        parts.push(format!("end to end p99 {p99:.1} ms"));
    }
    if let Some(gap) = run.gaps.iter().filter_map(|gap| gap.affected_ms_max).reduce(f64::max) {
        parts.push(format!("gap max {gap:.0} ms"));
    }
    if let Some(violations) = reading("order_violations", Stat::Count) {
        parts.push(format!("order violations {violations:.0}"));
    }
    if let Some(lost) = reading("lost", Stat::Count).filter(|lost| *lost > 0.0) {
        parts.push(format!("lost {lost:.0}"));
    }
    let mut line = parts.join(" · ");
    if let Some(reason) = run.state_reasons.first() {
        let _ = write!(line, " ({reason})");
    }
    line
}

/// `1 run`, `3 runs`.
pub(super) fn runs(count: usize) -> String {
    if count == 1 { "1 run".to_owned() } else { format!("{count} runs") }
}

/// A length of time for people: `45s`, `12m 30s`.
pub(super) fn span(span: Duration) -> String {
    humantime::format_duration(Duration::from_secs(span.as_secs())).to_string()
}

/// The words that make the same sweep of the same file, to be typed again.
pub(super) fn same_words(sets: &[String], repeats: Option<u32>) -> String {
    let sets = sets.iter().map(|set| format!(" --set '{}'", set.replace('\'', r"'\''")));
    let repeats = repeats.map(|repeats| format!(" --repeats {repeats}"));
    sets.chain(repeats).collect()
}
