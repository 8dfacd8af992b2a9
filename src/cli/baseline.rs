//! `jetlag baseline`: keeps runs under a name, for later ones to be held against.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use serde_json::json;

use super::out::{errln, out, outln, sheet};
use super::source::{self, Shelf};
use super::{compare, exit};
use crate::contrast::{self, Group};
use crate::evidence;
use crate::model::baseline::{Baseline, SCHEMA};
use crate::model::report::RunState;
use crate::render;

/// `jetlag baseline …`.
#[derive(Debug, Subcommand)]
pub(super) enum BaselineCommand {
    /// Keep runs under a name. All must be complete, and repeats of each other.
    Save(SaveArgs),
    /// List what is kept.
    List(ListArgs),
    /// Show what one is made of.
    Show(ShowArgs),
    /// Remove one.
    Rm(RmArgs),
}

/// Words of `jetlag baseline save`.
#[derive(Debug, Args)]
pub(super) struct SaveArgs {
    /// Its name: letters, digits, '.', '_' and '-'.
    name: String,
    /// Run folders, folders of repeats, report.json files.
    #[arg(required = true, value_name = "RUNS")]
    runs: Vec<String>,
    /// Replace the one of that name.
    #[arg(long)]
    replace: bool,
    /// Why it is saved, or replaced.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    shelf: Shelf,
}

/// Words of `jetlag baseline list`.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    shelf: Shelf,
}

/// Words of `jetlag baseline show`.
#[derive(Debug, Args)]
pub(super) struct ShowArgs {
    /// Its name.
    name: String,
    /// Print its file instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    shelf: Shelf,
}

/// Words of `jetlag baseline rm`.
#[derive(Debug, Args)]
pub(super) struct RmArgs {
    /// Its name.
    name: String,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    shelf: Shelf,
}

/// What can go wrong with baselines.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Contrast(#[from] contrast::Error),
    #[error(transparent)]
    Write(#[from] evidence::Error),
    #[error("only complete runs become a baseline: {}; leave them out, or run them again", .0.join("; "))]
    NotComplete(Vec<String>),
    #[error("{} is there already; --replace puts the new one in its place", .0.display())]
    Exists(PathBuf),
    #[error("there is no baseline {name} in {}; `jetlag baseline list` shows what there is", shelf.display())]
    Missing { name: String, shelf: PathBuf },
    #[error("cannot {deed} {}: {source}", path.display())]
    Io { deed: &'static str, path: PathBuf, source: std::io::Error },
}

impl Error {
    fn code(&self) -> u8 {
        match self {
            Self::Source(source::Error::Name(_)) | Self::Exists(_) => exit::ARGUMENTS,
            Self::Contrast(error) => compare::of_contrast(error),
            Self::NotComplete(_) => exit::INVALID,
            Self::Source(_) | Self::Write(_) | Self::Missing { .. } | Self::Io { .. } => exit::ENVIRONMENT,
        }
    }
}

/// Does what was asked.
pub(super) fn run(command: &BaselineCommand) -> ExitCode {
    let (done, json) = match command {
        BaselineCommand::Save(args) => (save(args), args.json),
        BaselineCommand::List(args) => (list(args), args.json),
        BaselineCommand::Show(args) => (show(args), args.json),
        BaselineCommand::Rm(args) => (remove(args), args.json),
    };
    match done {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            exit::say(&error, error.code(), json);
            ExitCode::from(error.code())
        }
    }
}

fn save(args: &SaveArgs) -> Result<u8, Error> {
    let path = args.shelf.file(&args.name)?;
    if path.exists() && !args.replace {
        return Err(Error::Exists(path));
    }
    let groups = args.shelf.groups(&args.runs)?;
    let mut group = Group { name: args.name.clone(), source: path.display().to_string(), runs: Vec::new() };
    group.runs.extend(groups.into_iter().flat_map(|group| group.runs));
    contrast::once_each(std::slice::from_ref(&group))?;
    let unfit = group.runs.iter().filter(|(_, digest)| digest.state != RunState::Complete);
    let unfit: Vec<String> = unfit.map(|(name, digest)| format!("{name} is {}", digest.state)).collect();
    if !unfit.is_empty() {
        return Err(Error::NotComplete(unfit));
    }
    contrast::alike(&group)?;
    let baseline = Baseline {
        schema: SCHEMA.to_owned(),
        name: args.name.clone(),
        saved: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        note: args.note.clone(),
        runs: group.runs.into_iter().map(|(_, digest)| digest).collect(),
    };
    let folder = args.shelf.folder();
    std::fs::create_dir_all(folder).map_err(|source| Error::Io { deed: "make", path: folder.to_owned(), source })?;
    evidence::write_atomic(&path, render::baseline::file(&baseline).as_bytes())?;
    if baseline.runs.iter().any(|run| run.environment.build != "release") {
        errln!(
            "note: not a release build: its figures mean little, and only runs of the same build can be held against it"
        );
    }
    if args.json {
        outln!("{}", json!({ "name": baseline.name, "file": path, "repeats": baseline.runs.len(), "exit_code": 0 }));
    } else {
        outln!("{}: {}\n{}", baseline.name, render::baseline::line(&baseline), path.display());
    }
    Ok(0)
}

/// One line each. A file that cannot be read is told, and the others are listed all the same.
fn list(args: &ListArgs) -> Result<u8, Error> {
    let folder = args.shelf.folder();
    let mut files: Vec<PathBuf> = match std::fs::read_dir(folder) {
        Ok(list) => list.filter_map(|entry| Some(entry.ok()?.path())).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(source) => return Err(Error::Io { deed: "list", path: folder.to_owned(), source }),
    };
    files.retain(|file| file.extension().is_some_and(|ending| ending == "json"));
    files.sort();
    let (mut baselines, mut code) = (Vec::new(), 0);
    for file in files {
        match source::read_baseline(&file) {
            Ok(baseline) => baselines.push(baseline),
            Err(error) => {
                errln!("error: {error}");
                code = exit::ENVIRONMENT;
            }
        }
    }
    if args.json {
        let item = |baseline: &Baseline| json!({ "name": baseline.name, "saved": baseline.saved, "note": baseline.note, "repeats": baseline.runs.len() });
        outln!("{}", json!({ "baselines": baselines.iter().map(item).collect::<Vec<_>>(), "exit_code": code }));
        return Ok(code);
    }
    let widest = baselines.iter().map(|baseline| baseline.name.chars().count()).max().unwrap_or(0);
    for baseline in &baselines {
        outln!("{:widest$}  {}", baseline.name, render::baseline::line(baseline));
    }
    if baselines.is_empty() && code == 0 {
        outln!("no baseline in {} yet; `jetlag baseline save NAME RUNS` makes one", folder.display());
    }
    Ok(code)
}

/// The file of a baseline that is there.
fn kept(name: &str, shelf: &Shelf) -> Result<PathBuf, Error> {
    let path = shelf.file(name)?;
    let missing = || Error::Missing { name: name.to_owned(), shelf: shelf.folder().to_owned() };
    if path.is_file() { Ok(path) } else { Err(missing()) }
}

fn show(args: &ShowArgs) -> Result<u8, Error> {
    let baseline = source::read_baseline(&kept(&args.name, &args.shelf)?)?;
    let text =
        if args.json { render::baseline::file(&baseline) } else { render::baseline::summary(&baseline, sheet()) };
    out!("{text}");
    Ok(0)
}

fn remove(args: &RmArgs) -> Result<u8, Error> {
    let path = kept(&args.name, &args.shelf)?;
    std::fs::remove_file(&path).map_err(|source| Error::Io { deed: "remove", path: path.clone(), source })?;
    if args.json {
        outln!("{}", json!({ "name": args.name, "removed": path, "exit_code": 0 }));
    } else {
        outln!("{} is removed", path.display());
    }
    Ok(0)
}
