//! `jetlag report`: renders a report again; and what `jetlag list` says of formats and metrics.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::list::Item;
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
    /// Print this format instead of writing the page (see `jetlag list formats`).
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    format: Option<String>,
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
    #[error(transparent)]
    Write(#[from] evidence::Error),
}

/// Renders again.
pub(super) fn run(args: &ReportArgs) -> ExitCode {
    let known: Vec<_> = render::ALL.iter().map(|format| format.name).collect();
    if let Some(name) = args.format.as_deref().filter(|name| !known.contains(name)) {
        eprintln!("error: there is no format '{name}'; there are {}", known.join(", "));
        return ExitCode::from(exit::ARGUMENTS);
    }
    match show(args) {
        Ok(()) => exit::GOOD,
        Err(error) => exit::environment(&error, args.json),
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
    let text = render::text::FORMAT.name;
    match (&shown, args.format.as_deref()) {
        (Shown::Run(report), Some(name)) if name == text => print!("{}", render::text::summary(report, colour)),
        (Shown::Several(several), Some(name)) if name == text => print!("{}", comparison::summary(several, colour)),
        (Shown::Run(report), Some(name)) => print!("{}", rendered(render::ALL, name, report)),
        (Shown::Several(several), Some(name)) => print!("{}", rendered(comparison::ALL, name, several)),
        (Shown::Run(report), None) => write_page(&path, render::ALL, report, report.state, args.json)?,
        (Shown::Several(several), None) => write_page(&path, comparison::ALL, several, several.state, args.json)?,
    }
    Ok(())
}

/// Writes the page beside the file that it was read from, and says where.
fn write_page<T>(path: &Path, formats: &[Format<T>], shown: &T, state: RunState, json: bool) -> Result<(), Error> {
    let page = path.with_file_name(file(formats, render::html::FORMAT.name));
    evidence::write_atomic(&page, rendered(formats, render::html::FORMAT.name, shown).as_bytes())?;
    if json {
        let folder = path.parent().unwrap_or(Path::new(""));
        println!("{}", analyze::object(state, folder, path, &page, 0));
    } else {
        println!("{}", page.display());
    }
    Ok(())
}

/// The formats of a run and of several have the same names.
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
    fn whatever_can_be_shown_has_the_same_formats() {
        let of_runs: Vec<_> = render::ALL.iter().map(|format| format.name).collect();
        let of_several: Vec<_> = comparison::ALL.iter().map(|format| format.name).collect();
        assert_eq!(of_runs, of_several);
    }
}
