//! `github-benchmark-*.json`: what the workflow step `benchmark-action/github-action-benchmark` keeps and charts.
//!
//! That tool takes the direction from its setting `tool`, for a whole file, so there is one format a direction:
//! `customBiggerIsBetter` and `customSmallerIsBetter`.

use serde::Serialize;

use super::json::pretty;
use super::tracked::{headlines, name, observed, workload};
use super::{Audience, Format};
use crate::model::reading::{Better, Reading};
use crate::model::report::Report;

/// Figures of which more is better.
pub const BIGGER: Format = Format {
    name: "github-benchmark-bigger",
    file: "github-benchmark-bigger.json",
    about: "github-action-benchmark, customBiggerIsBetter",
    audience: Audience::Trackers,
    render: |report| render(report, Better::Higher),
};

/// Figures of which less is better.
pub const SMALLER: Format = Format {
    name: "github-benchmark-smaller",
    file: "github-benchmark-smaller.json",
    about: "github-action-benchmark, customSmallerIsBetter",
    audience: Audience::Trackers,
    render: |report| render(report, Better::Lower),
};

#[derive(Serialize)]
struct Entry<'a> {
    name: String,
    unit: &'a str,
    value: f64,
    extra: String,
}

fn render(report: &Report, better: Better) -> String {
    let of_that_direction = headlines(report).filter(|reading| reading.better == better);
    pretty(&of_that_direction.filter_map(|reading| entry(report, reading)).collect::<Vec<_>>())
}

fn entry<'a>(report: &Report, reading: &'a Reading) -> Option<Entry<'a>> {
    let (run, environment) = (&report.run, &report.environment);
    Some(Entry {
        // Variants of a profile go into one chart page, so the name says which it is.
        name: format!("{}: {}", workload(report), name(reading)),
        unit: &reading.unit,
        value: observed(reading)?,
        extra: format!(
            "{} with {} members on {} partitions\nn: {}\nrun: {} ({})\nnats-server {}, {} cores",
            run.strategy,
            run.members,
            run.partitions,
            reading.n,
            run.id,
            report.state,
            environment.server_version,
            environment.cores
        ),
    })
}
