//! `jetlag report`: renders a report again; and what `jetlag list` says of formats and metrics.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::list::Item;
use super::{exit, may_colour};
use crate::evidence;
use crate::model::report::Report;
use crate::{metric, render};

/// Words of `jetlag report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder of a run, or a report.json.
    run: PathBuf,
    /// Print this format instead of writing report.html (see `jetlag list formats`); several only with --out.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    format: Vec<String>,
    /// Write each format as a file of its own into this folder, instead of printing it.
    #[arg(long, value_name = "DIR", requires = "format")]
    out: Option<PathBuf>,
}

/// What can go wrong with rendering again.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("cannot read {}: {source}; name a run folder, or a report.json; `jetlag analyze` makes one from evidence", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Parse { path: PathBuf, source: render::Error },
    #[error("cannot make the folder {}: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Doubtful(String),
    #[error(transparent)]
    Write(#[from] evidence::Error),
}

/// Renders again.
pub(super) fn run(args: &ReportArgs) -> ExitCode {
    let formats = match args.format.iter().map(|name| render::format(name).ok_or(name)).collect::<Result<Vec<_>, _>>() {
        Ok(formats) if formats.len() > 1 && args.out.is_none() => {
            eprintln!("error: several formats are several files: name a folder for them with --out");
            return ExitCode::from(exit::ARGUMENTS);
        }
        Ok(formats) => formats,
        Err(name) => {
            let known: Vec<_> = render::ALL.iter().map(|format| format.name).collect();
            eprintln!("error: there is no format '{name}'; there are {}", known.join(", "));
            return ExitCode::from(exit::ARGUMENTS);
        }
    };
    match render(args, &formats) {
        Ok(()) => exit::GOOD,
        Err(error @ Error::Doubtful(_)) => {
            exit::say(&error, exit::DOUBTFUL, false);
            ExitCode::from(exit::DOUBTFUL)
        }
        Err(error) => exit::environment(&error, false),
    }
}

fn render(args: &ReportArgs, formats: &[&render::Format]) -> Result<(), Error> {
    let path = if args.run.is_dir() { args.run.join(render::json::FORMAT.file) } else { args.run.clone() };
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let report = render::parse(&text).map_err(|source| Error::Parse { path: path.clone(), source })?;
    if let Some(objection) = formats.iter().find_map(|format| format.objection(&report)) {
        return Err(Error::Doubtful(objection));
    }
    match (&args.out, formats) {
        (Some(folder), formats) => write(folder, formats, &report)?,
        (None, []) => {
            let html = path.with_file_name(render::html::FORMAT.file);
            evidence::write_atomic(&html, render::html::FORMAT.render(&report).as_bytes())?;
            println!("{}", html.display());
        }
        (None, [format, ..]) if format.name == render::text::FORMAT.name => {
            print!("{}", render::text::summary(&report, may_colour(&std::io::stdout())));
        }
        (None, [format, ..]) => print!("{}", format.render(&report)),
    }
    Ok(())
}

/// Writes each format into the folder, which is made if need be, and prints the paths.
fn write(folder: &Path, formats: &[&render::Format], report: &Report) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
    for format in formats {
        let path = folder.join(format.file);
        evidence::write_atomic(&path, format.render(report).as_bytes())?;
        println!("{}", path.display());
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
