//! `comparison.html`: the runs side by side, each with a link to its own report.

use askama::Template;

use super::matrix::{self, Layout};
use super::{SIDE_BY_SIDE_MAX, columns, findings, headline, page_of};
use crate::model::comparison::{ComparedGap, ComparedRun, Comparison};
use crate::model::reading::Stat;
use crate::render::html::state::{State, state};
use crate::render::number::ABSENT;
use crate::render::plot::{self, Plot, bars, bars::Bar};
use crate::render::{number, origin, summary};

#[derive(Template)]
#[template(path = "comparison.html")]
struct Page<'a> {
    comparison: &'a Comparison,
    style: String,
    state: State,
    headline: String,
    names: Vec<(&'a ComparedRun, State, String)>,
    rows: Vec<(String, Vec<String>)>,
    glance: Option<Glance>,
    notes: Vec<String>,
    environment: Vec<(&'static str, String)>,
    plots: Vec<Plot>,
}

/// Many runs, a row each.
struct Glance {
    /// Names of columns in parts, between which a line may end.
    head: Vec<Vec<String>>,
    /// Name, address of the report, and what stands under each head.
    rows: Vec<(String, String, Vec<String>)>,
    notes: Vec<String>,
}

fn glance(runs: &[ComparedRun]) -> Option<Glance> {
    let columns = matrix::of(runs, Layout::Wide);
    let cells = |run: &ComparedRun| columns.iter().map(|column| (column.cell)(run)).collect();
    (runs.len() > SIDE_BY_SIDE_MAX).then(|| Glance {
        head: columns.iter().map(|column| column.label.split_inclusive('_').map(str::to_owned).collect()).collect(),
        rows: runs.iter().map(|run| (matrix::name(run, runs), link(run), cells(run))).collect(),
        notes: matrix::notes(runs),
    })
}

/// The page.
pub(super) fn render(comparison: &Comparison) -> String {
    let runs = &comparison.rows;
    Page {
        comparison,
        style: plot::palette::style_sheet(),
        state: state(comparison.state),
        headline: headline(comparison),
        names: runs.iter().map(|run| (run, state(run.state), link(run))).collect(),
        rows: columns::of(runs)
            .into_iter()
            .map(|column| (column.label, runs.iter().map(&column.cell).collect()))
            .collect(),
        glance: glance(runs),
        notes: columns::notes(runs),
        environment: comparison.origin.as_ref().map_or_else(Vec::new, |origin| origin::details(&origin.environment)),
        plots: plots(runs),
    }
    .render()
    .expect("the template formats text only, which cannot fail")
}

/// The address of its report.
pub(in crate::render) fn link(run: &ComparedRun) -> String {
    // Segment by segment, because a space or a quote in a name must not end the address.
    page_of(run).split('/').map(encoded).collect::<Vec<String>>().join("/")
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

/// The pictures.
pub(super) fn plots(runs: &[ComparedRun]) -> Vec<Plot> {
    let of = |metric: &'static str, stats: &'static [Stat]| -> Vec<Bar> {
        let bar = |run: &ComparedRun| {
            let reading = summary::run_reading(&run.readings, &[metric], stats);
            Bar {
                name: findings::named(run),
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
                name: findings::named(run),
                value: times.map(|times| times as f64),
                label: times.map_or_else(String::new, |times| number::of(times, "time")),
            }
        })
        .collect();
    // By kind first: a kill is compared with a kill.
    let by_kind = |tell: fn(&ComparedGap) -> (Option<f64>, String)| -> Vec<Bar> {
        let bar = |kind: &str, run: &ComparedRun| {
            let gap = run.gaps.iter().find(|gap| gap.kind == kind);
            let (value, label) = gap.map_or_else(|| (None, ABSENT.to_owned()), tell);
            Bar { name: format!("{kind}: {}", findings::named(run)), value, label }
        };
        let kinds = columns::fault_kinds(runs);
        kinds.iter().flat_map(|kind| runs.iter().map(move |run| bar(kind, run))).collect()
    };
    let gaps = by_kind(|gap| {
        let cut = if gap.censored { " (window cut short)" } else { "" };
        (gap.affected_ms_max, format!("{}{cut}", number::ms_or_absent(gap.affected_ms_max)))
    });
    let stranded = by_kind(|gap| {
        let none = (gap.stranded_messages == Some(0)).then_some(0.0);
        (gap.stranded_ms_max.or(none), columns::stranded(gap).cell(number::ms))
    });
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
        bars::plot(
            "stranded",
            "Longest wait of what was in flight",
            "From the fault until the last message that was in flight then had been handled. Where nobody owns a \
             partition there is hardly a gap, and this is what a crash costs: less is better.",
            6,
            &stranded,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}
