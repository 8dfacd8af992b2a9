//! `jetlag report`: renders a report again; and what `jetlag list` says of formats and metrics.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::list::Item;
use super::out::{errln, out, outln, sheet};
use super::{analyze, exit};
use crate::evidence;
use crate::metric;
use crate::model::comparison::Comparison;
use crate::model::gate::Gate;
use crate::model::report::{Report, RunState};
use crate::model::search::Search;
use crate::model::sweep::Sweep;
use crate::render::{self, Format, Image, comparison, gate, search, sweep};
use crate::search::SUSTAINABLE;

/// The names of the formats that are a file for each picture.
const PICTURES: [&str; 2] = [render::IMAGES, render::PIXELS];

/// Words of `jetlag report`.
#[derive(Debug, Args)]
pub(super) struct ReportArgs {
    /// Folder of a run, of several runs side by side, of a sweep, of a search or of a gate; or the report.json, comparison.json,
    /// sweep.json, search.json or gate.json in it.
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
    #[error("cannot read {}: {source}; name the folder of a run, or a report.json; `jetlag analyze` makes one from evidence", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}{}", path.display(), remedy(source))]
    Parse { path: PathBuf, source: render::Error },
    #[error("cannot make the folder {}: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("{0}")]
    Doubtful(String),
    #[error("{0} is a file for each picture: name a folder for them with --out")]
    Images(String),
    #[error("cannot draw {file}: {source}")]
    Pixels { file: String, source: render::NoPixels },
    #[error("'{name}' is a format of one run, and these are several: name one of their folders, or take {known}")]
    OfOneRun { name: String, known: String },
    #[error(transparent)]
    Write(#[from] evidence::Error),
}

/// What to do about a file that cannot be understood.
fn remedy(source: &render::Error) -> &'static str {
    match source {
        render::Error::NotJson(_) | render::Error::Malformed { .. } => {
            "; a report is made again from its evidence with `jetlag analyze`, a sweep with `jetlag sweep FILE --resume DIR`"
        }
        render::Error::Other { .. } => {
            "; name a report.json, comparison.json, sweep.json, search.json or gate.json, or the folder of one"
        }
        render::Error::Newer { .. } => "",
    }
}

/// Renders again.
pub(super) fn run(args: &ReportArgs) -> ExitCode {
    let known: Vec<_> = render::ALL.iter().map(|format| format.name).chain(PICTURES).collect();
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
        Error::OfOneRun { .. } | Error::Images(_) => exit::ARGUMENTS,
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
    Sweep(Box<Sweep>),
    Search(Box<Search>),
    Gate(Box<Gate>),
}

/// Reads a file, or what lies in a folder: the report of a run, else a sweep, several side by side, a search, or a gate.
fn read(path: &Path) -> Result<(PathBuf, Shown), Error> {
    let path = if path.is_dir() {
        let run = path.join(render::json::FORMAT.file);
        let others = [
            file(sweep::ALL, "json"),
            file(comparison::ALL, "json"),
            file(search::ALL, "json"),
            file(gate::ALL, "json"),
        ];
        let files = others.map(|name| path.join(name));
        std::iter::once(run.clone()).chain(files).find(|file| file.exists()).unwrap_or(run)
    } else {
        path.to_owned()
    };
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Read { path: path.clone(), source })?;
    let other = |parsed: &render::Error| matches!(parsed, render::Error::Other { .. });
    let run = || render::parse(&text).map(|it| Shown::Run(Box::new(it)));
    let gated = || match gate::parse(&text) {
        Err(one) if other(&one) => run(),
        gated => gated.map(|gated| Shown::Gate(Box::new(gated))),
    };
    let searched = || match search::parse(&text) {
        Err(one) if other(&one) => gated(),
        searched => searched.map(|searched| Shown::Search(Box::new(searched))),
    };
    let parsed = match (sweep::parse(&text), comparison::parse(&text)) {
        (Err(one), Err(two)) if other(&one) && other(&two) => searched(),
        (Err(one), several) if other(&one) => several.map(|several| Shown::Several(Box::new(several))),
        (sweep, _) => sweep.map(|sweep| Shown::Sweep(Box::new(sweep))),
    };
    match parsed {
        Ok(shown) => Ok((path, shown)),
        Err(source) => Err(Error::Parse { path, source }),
    }
}

fn show(args: &ReportArgs) -> Result<(), Error> {
    let sheet = sheet();
    let (path, shown) = read(&args.run)?;
    match shown {
        Shown::Run(report) => {
            let formats = chosen(render::ALL, &args.format)?;
            if let Some(objection) = formats.iter().find_map(|format| format.objection(&report)) {
                return Err(Error::Doubtful(objection));
            }
            let pages = Pages { all: render::ALL, formats, images: render::images, state: report.state };
            pages.put(args, &path, &report, || render::text::summary(&report, sheet))
        }
        Shown::Several(several) => {
            let formats = chosen(comparison::ALL, &args.format)?;
            let pages = Pages { all: comparison::ALL, formats, images: comparison::images, state: several.state };
            pages.put(args, &path, &several, || comparison::summary(&several, sheet))
        }
        Shown::Sweep(of) => {
            let formats = chosen(sweep::ALL, &args.format)?;
            let pages = Pages { all: sweep::ALL, formats, images: sweep::images, state: of.state };
            pages.put(args, &path, &of, || sweep::summary(&of, sheet))
        }
        Shown::Search(searched) => {
            let formats = chosen(search::ALL, &args.format)?;
            let state = searched.state();
            let pages = Pages { all: search::ALL, formats, images: search::images, state };
            pages.put(args, &path, &searched, || search::summary(&searched, sheet))
        }
        Shown::Gate(gated) => {
            let formats = chosen(gate::ALL, &args.format)?;
            let images = |_: &Gate| Vec::new();
            let pages = Pages { all: gate::ALL, formats, images, state: gated.verdict.state() };
            pages.put(args, &path, &gated, || gate::summary(&gated, sheet))
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
    names.iter().filter(|name| !PICTURES.contains(&name.as_str())).map(of_name).collect()
}

/// How something is shown.
struct Pages<T: 'static> {
    /// All its formats.
    all: &'static [Format<T>],
    /// Those that were asked for.
    formats: Vec<&'static Format<T>>,
    /// Its pictures.
    images: fn(&T) -> Vec<Image>,
    /// Its state.
    state: RunState,
}

impl<T> Pages<T> {
    /// Writes what was chosen into the folder, or prints the one format that was chosen, or writes the page.
    fn put(&self, args: &ReportArgs, path: &Path, shown: &T, summary: impl Fn() -> String) -> Result<(), Error> {
        let wants = |name: &str| args.format.iter().any(|wanted| wanted == name);
        match (&args.out, self.formats.as_slice()) {
            (Some(folder), formats) => {
                let mut files: Vec<(String, Vec<u8>)> =
                    formats.iter().map(|format| (format.file.to_owned(), format.render(shown).into_bytes())).collect();
                let images = if PICTURES.into_iter().any(wants) { (self.images)(shown) } else { Vec::new() };
                for image in images {
                    if wants(render::PIXELS) {
                        let pixels = render::pixels(&image);
                        let (file, bytes) =
                            pixels.map_err(|source| Error::Pixels { file: image.file.clone(), source })?;
                        files.push((file, bytes));
                    }
                    if wants(render::IMAGES) {
                        files.push((image.file, image.svg.into_bytes()));
                    }
                }
                write(folder, files)?;
            }
            (None, _) if let Some(name) = PICTURES.into_iter().find(|name| wants(name)) => {
                return Err(Error::Images(name.to_owned()));
            }
            (None, []) => write_page(path, self.all, shown, self.state, args.json)?,
            // The terminal has colours.
            (None, [format, ..]) if format.name == render::text::FORMAT.name => out!("{}", summary()),
            (None, [format, ..]) => out!("{}", format.render(shown)),
        }
        Ok(())
    }
}

/// Writes files into the folder, which is made if need be, and prints their paths.
fn write(folder: &Path, files: Vec<(String, Vec<u8>)>) -> Result<(), Error> {
    std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
    for (file, content) in files {
        let path = folder.join(file);
        evidence::write_atomic(&path, &content)?;
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
    metric::all().chain([&SUSTAINABLE]).map(item).collect()
}

/// What `jetlag list formats` shows.
pub(super) fn formats() -> Vec<Item> {
    let item = |format: &Format| Item::new(format.name, format.about).with("file", format.file.to_owned());
    let images = Item::new(render::IMAGES, "The pictures, each a file of its own, for a README: only with --out");
    let pixels = Item::new(render::PIXELS, "The pictures as pixels, for a chat: only with --out");
    let pictures = [images.with("file", "NAME.svg".to_owned()), pixels.with("file", "NAME.png".to_owned())];
    render::ALL.iter().map(item).chain(pictures).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_runs_have_formats_of_a_run_and_no_others() {
        let of_a_run = |format: &Format<Comparison>| render::format(format.name).is_some();
        assert!(comparison::ALL.iter().all(of_a_run));
        assert!(sweep::ALL.iter().all(|format| render::format(format.name).is_some()));
    }
}
