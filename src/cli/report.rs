//! `jetlag report`: renders a report again; and what `jetlag list` says of formats and metrics.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::list::Item;
use super::{exit, may_colour};
use crate::evidence;
use crate::{metric, render};

/// Words of `jetlag report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder of a run, or a report.json.
    run: PathBuf,
    /// Print this format instead of writing report.html (see `jetlag list formats`).
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
}

/// What can go wrong with rendering again.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read {}: {source}; name a run folder, or a report.json; `jetlag analyze` makes one from evidence", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Parse { path: PathBuf, source: render::Error },
    #[error(transparent)]
    Write(#[from] evidence::Error),
}

/// Renders again.
pub(super) fn run(args: &ReportArgs) -> ExitCode {
    match args.format.as_deref().map(|name| render::format(name).ok_or(name)) {
        Some(Err(name)) => {
            let known: Vec<_> = render::ALL.iter().map(|format| format.name).collect();
            eprintln!("error: there is no format '{name}'; there are {}", known.join(", "));
            ExitCode::from(exit::ARGUMENTS)
        }
        format => match render(args, format.and_then(Result::ok)) {
            Ok(()) => exit::GOOD,
            Err(error) => exit::environment(&error, false),
        },
    }
}

fn render(args: &ReportArgs, format: Option<&render::Format>) -> Result<(), Error> {
    let path = if args.run.is_dir() { args.run.join(render::json::FORMAT.file) } else { args.run.clone() };
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let report = render::parse(&text).map_err(|source| Error::Parse { path: path.clone(), source })?;
    match format {
        Some(format) if format.name == render::text::FORMAT.name => {
            print!("{}", render::text::summary(&report, may_colour(&std::io::stdout())));
        }
        Some(format) => print!("{}", format.render(&report)),
        None => {
            let html = path.with_file_name(render::html::FORMAT.file);
            evidence::write_atomic(&html, render::html::FORMAT.render(&report).as_bytes())?;
            println!("{}", html.display());
        }
    }
    Ok(())
}

/// What `jetlag list metrics` shows.
pub(super) fn metrics() -> Vec<Item> {
    let better = |metric: &metric::Metric| serde_json::to_value(metric.better).ok()?.as_str().map(str::to_owned);
    let item = |metric: &metric::Metric| {
        Item::new(metric.id, metric.about)
            .with("unit", metric.unit.to_owned())
            .with("better", better(metric).unwrap_or_default())
    };
    metric::all().map(item).collect()
}

/// What `jetlag list formats` shows.
pub(super) fn formats() -> Vec<Item> {
    render::ALL.iter().map(|format| Item::new(format.name, format.about).with("file", format.file.to_owned())).collect()
}
