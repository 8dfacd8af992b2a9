//! `otava.csv`: a header and one row, for the change detection of Apache Otava over a table with a row a run.

use super::csv::{number, table};
use super::tracked::{followed, name, observed};
use super::{Audience, Format, moment};
use crate::model::report::Report;

/// This format.
pub const FORMAT: Format = Format {
    name: "otava",
    file: "otava.csv",
    about: "One row a run, for change detection with Apache Otava",
    audience: Audience::Trackers,
    render,
};

fn render(report: &Report) -> String {
    let (run, environment) = (&report.run, &report.environment);
    let time = moment::at(report, 0.0).map_or_else(|| run.started.clone(), |started| format!("{started:.0}"));
    let mut columns: Vec<(String, String)> = [
        ("time", time),
        ("run", run.id.clone()),
        ("state", report.state.to_string()),
        ("profile", run.profile.clone()),
        ("variant", run.variant.clone().unwrap_or_default()),
        ("strategy", run.strategy.clone()),
        ("jetlag", environment.jetlag_version.clone()),
        ("nats_server", environment.server_version.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into();
    // Unobserved figures keep their column, so that rows of one profile stand below one header.
    columns.extend(followed(report).map(|reading| (name(reading), number(observed(reading)))));
    let (header, row) = columns.into_iter().unzip();
    table([header, row])
}
