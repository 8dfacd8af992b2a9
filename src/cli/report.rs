//! `jetlag report`: renders a report again; and what `jetlag list` says of formats and metrics.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::list::Item;
use super::out::{errln, out, outln};
use super::{analyze, exit, may_colour};
use crate::evidence;
use crate::metric;
use crate::model::comparison::Comparison;
use crate::model::report::{Report, RunState};
use crate::render::{self, Format, comparison};

/// Words of `jetlag report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder of a run or of several runs side by side, or the report.json or comparison.json in it.
    run: PathBuf,
    /// Print this format instead of writing the page (see `jetlag list formats`); several only with --out.
    #[arg(long, value_name = "NAME", value_delimiter = ',', conflicts_with = "json")]
    format: Vec<String>,
    /// Write each format as a file of its own into this folder, instead of printing it.
    #[arg(long, value_name = "DIR", requires = "format")]
    out: Option<PathBuf>,
    /// Write the page, and print one JSON object instead of its path.
    #[arg(long)]
    json: bool,
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
    #[error(
        "'{name}' is a format of one run, and these are several side by side: name one of their folders, or take {known}"
    )]
    OfOneRun { name: String, known: String },
    #[error(transparent)]
    Write(#[from] evidence::Error),
}

/// Renders again.
pub(super) fn run(args: &ReportArgs) -> ExitCode {
    let known: Vec<_> = render::ALL.iter().map(|format| format.name).collect();
    if let Some(name) = args.format.iter().find(|name| !known.contains(&name.as_str())) {
        errln!("error: there is no format '{name}'; there are {}", known.join(", "));
        return ExitCode::from(exit::ARGUMENTS);
    }
    if args.format.len() > 1 && args.out.is_none() {
        errln!("error: several formats are several files: name a folder for them with --out");
        return ExitCode::from(exit::ARGUMENTS);
    }
    let code = |error: &Error| match error {
        Error::Doubtful(_) => exit::INVALID,
        Error::OfOneRun { .. } => exit::ARGUMENTS,
        _ => exit::ENVIRONMENT,
    };
    match show(args) {
        Ok(()) => exit::GOOD,
        Err(error) => {
            exit::say(&error, code(&error), args.json);
            ExitCode::from(code(&error))
        }
    }
}

/// What can be rendered.
enum Shown {
    Run(Box<Report>),
    Several(Box<Comparison>),
}

/// Reads a file, or what lies in a folder: the report of a run, else several side by side.
fn read(path: &Path) -> Result<(PathBuf, Shown), Error> {
    let several = path.join(file(comparison::ALL, "json"));
    let path = match (path.is_dir(), path.join(render::json::FORMAT.file)) {
        (false, _) => path.to_owned(),
        (true, run) if !run.exists() && several.exists() => several,
        (true, run) => run,
    };
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let parsed = match comparison::parse(&text) {
        Err(render::Error::Other { .. }) => render::parse(&text).map(|report| Shown::Run(Box::new(report))),
        comparison => comparison.map(|comparison| Shown::Several(Box::new(comparison))),
    };
    match parsed {
        Ok(shown) => Ok((path, shown)),
        Err(source) => Err(Error::Parse { path, source }),
    }
}

fn show(args: &ReportArgs) -> Result<(), Error> {
    let colour = may_colour(&std::io::stdout());
    let (path, shown) = read(&args.run)?;
    match shown {
        Shown::Run(report) => {
            let formats = chosen(render::ALL, &args.format)?;
            if let Some(objection) = formats.iter().find_map(|format| format.objection(&report)) {
                return Err(Error::Doubtful(objection));
            }
            let summary = || render::text::summary(&report, colour);
            put(args, &path, render::ALL, &formats, &*report, report.state, summary)
        }
        Shown::Several(several) => {
            let formats = chosen(comparison::ALL, &args.format)?;
            let summary = || comparison::summary(&several, colour);
            put(args, &path, comparison::ALL, &formats, &*several, several.state, summary)
        }
    }
}

/// The formats of these names.
fn chosen<'a, T>(all: &'a [Format<T>], names: &[String]) -> Result<Vec<&'a Format<T>>, Error> {
    let of_name = |name: &String| {
        let known = || all.iter().map(|format| format.name).collect::<Vec<_>>().join(", ");
        all.iter()
            .find(|format| format.name == *name)
            .ok_or_else(|| Error::OfOneRun { name: name.clone(), known: known() })
    };
    names.iter().map(of_name).collect()
}

/// Writes the chosen formats into the folder, or prints the one that was chosen, or writes the page.
fn put<T>(
    args: &ReportArgs,
    path: &Path,
    all: &[Format<T>],
    chosen: &[&Format<T>],
    shown: &T,
    state: RunState,
    summary: impl Fn() -> String,
) -> Result<(), Error> {
    match (&args.out, chosen) {
        (Some(folder), chosen) => write(folder, chosen, shown)?,
        (None, []) => write_page(path, all, shown, state, args.json)?,
        // The terminal has colours.
        (None, [format, ..]) if format.name == render::text::FORMAT.name => out!("{}", summary()),
        (None, [format, ..]) => out!("{}", format.render(shown)),
    }
    Ok(())
}

/// Writes each format into the folder, which is made if need be, and prints the paths.
fn write<T>(folder: &Path, formats: &[&Format<T>], shown: &T) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
    for format in formats {
        let path = folder.join(format.file);
        evidence::write_atomic(&path, format.render(shown).as_bytes())?;
        outln!("{}", path.display());
    }
    Ok(())
}

/// Writes the page beside the file that it was read from, and says where.
fn write_page<T>(path: &Path, formats: &[Format<T>], shown: &T, state: RunState, json: bool) -> Result<(), Error> {
    let page = path.with_file_name(file(formats, render::html::FORMAT.name));
    evidence::write_atomic(&page, rendered(formats, render::html::FORMAT.name, shown).as_bytes())?;
    if json {
        let folder = path.parent().unwrap_or(Path::new(""));
        outln!("{}", analyze::object(state, folder, path, &page, 0));
    } else {
        outln!("{}", page.display());
    }
    Ok(())
}

fn rendered<T>(formats: &[Format<T>], name: &str, shown: &T) -> String {
    formats.iter().find(|format| format.name == name).map_or_else(String::new, |format| format.render(shown))
}

fn file<T>(formats: &[Format<T>], name: &str) -> &'static str {
    formats.iter().find(|format| format.name == name).map_or("", |format| format.file)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_runs_have_formats_of_a_run_and_no_others() {
        let of_a_run = |format: &Format<Comparison>| render::format(format.name).is_some();
        assert!(comparison::ALL.iter().all(of_a_run));
    }
}
