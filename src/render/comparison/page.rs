//! `comparison.html`: the runs side by side, each with a link to its own report.

use askama::Template;

use super::{columns, headline};
use crate::model::comparison::{ComparedRun, Comparison};
use crate::model::reading::Stat;
use crate::render::html::state::{State, state};
use crate::render::plot::{self, Plot, bars, bars::Bar};
use crate::render::{number, summary};

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    comparison: &'a Comparison,
    style: String,
    state: State,
    headline: String,
    names: Vec<(&'a ComparedRun, State, String)>,
    rows: Vec<(String, Vec<String>)>,
    note: &'static str,
    plots: Vec<Plot>,
}

/// The page.
pub(super) fn render(comparison: &Comparison) -> String {
    let runs = &comparison.rows;
    Page {
        comparison,
        style: plot::palette::style_sheet(),
        state: state(comparison.state),
        headline: headline(comparison),
        names: runs.iter().map(|run| (run, state(run.state), link(&run.path))).collect(),
        rows: columns::of(runs)
            .into_iter()
            .map(|column| (column.label, runs.iter().map(&column.cell).collect()))
            .collect(),
        note: columns::NOTE,
        plots: plots(runs),
    }
    .render()
    .expect("the template formats text only, which cannot fail")
}

/// Where the report of a run lies, seen from the comparison.
fn link(path: &str) -> String {
    let folder = path.trim_end_matches('/');
    // Segment by segment, because a space or a quote in a name must not end the address.
    let folder: Vec<String> = folder.split('/').map(encoded).collect();
    format!("{}/report.html", folder.join("/"))
}

fn encoded(segment: &str) -> String {
    let mut out = String::with_capacity(segment.len());
    for byte in segment.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

fn plots(runs: &[ComparedRun]) -> Vec<Plot> {
    let of = |metric: &'static str, stats: &'static [Stat]| -> Vec<Bar> {
        let bar = |run: &ComparedRun| {
            let reading = summary::run_reading(&run.readings, &[metric], stats);
            Bar {
                name: run.name.clone(),
                value: reading.and_then(|reading| reading.value),
                label: reading.map_or_else(String::new, |reading| number::with_unit(reading.value, &reading.unit)),
            }
        };
        runs.iter().map(bar).collect()
    };
    let broken: Vec<Bar> = runs
        .iter()
        .map(|run| {
            let times = summary::order_violations(&run.readings);
            Bar {
                name: run.name.clone(),
                value: times.map(|times| times as f64),
                label: times.map_or_else(String::new, |times| number::of(times, "time")),
            }
        })
        .collect();
    // By kind first: a kill is compared with a kill.
    let gap = |kind: &str, run: &ComparedRun| {
        let gap = run.gaps.iter().find(|gap| gap.kind == kind);
        let value = gap.and_then(|gap| gap.affected_ms_max);
        Bar { name: format!("{kind}: {}", run.name), value, label: number::ms_or_absent(value) }
    };
    let kinds = columns::fault_kinds(runs);
    let gaps: Vec<Bar> = kinds.iter().flat_map(|kind| runs.iter().map(move |run| gap(kind, run))).collect();
    [
        bars::plot(
            "ordered",
            "Handled in order",
            "Messages a second with the verdict in_order: more is better.",
            3,
            &of("ordered_per_s", &[]),
        ),
        bars::plot(
            "handled",
            "Handled at all",
            "Messages a second, in order or not: more is better.",
            2,
            &of("handled_per_s", &[]),
        ),
        bars::plot(
            "broken",
            "Order violations",
            "Skipped, late and regressed: none is right where order is promised.",
            5,
            &broken,
        ),
        bars::plot(
            "latency",
            "End-to-end latency, p99",
            "From intended to handled: less is better.",
            4,
            &of("end_to_end", &[Stat::P99]),
        ),
        bars::plot(
            "gaps",
            "Longest gap of affected partitions",
            "By kind of fault; kinds are never pooled: less is better.",
            6,
            &gaps,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
