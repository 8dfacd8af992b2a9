//! `jetlag compare`: holds runs against a base and says what is better, worse, the same, or not decided yet.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use serde_json::json;

use super::exit;
use super::out::{out, outln, sheet};
use super::source::{self, Shelf};
use crate::contrast::{self, Choice, Terms};
use crate::evidence;
use crate::metric;
use crate::model::contrast::{Contrast, Outcome, Pair, Taken, Weight};
use crate::model::reading::{Better, Stat};
use crate::render::{self, Format};

/// Words of `jetlag compare`.
#[derive(Debug, Args)]
#[command(
    after_help = "The first is the base; each other one is held against it. A folder with several variants is one \
side a variant. About six repeats a side (`--set run.repeat=6`) are needed to tell."
)]
pub(super) struct CompareArgs {
    /// Run folders, folders of repeats, report.json files, or baselines; NAME=… calls one NAME.
    #[arg(required = true, value_name = "RUNS")]
    runs: Vec<String>,
    /// A setting that differs on purpose, or a section; also host, build, server.version, jetlag.version.
    #[arg(long, value_name = "KEY")]
    vary: Vec<String>,
    /// Compare what is not comparable all the same.
    #[arg(long)]
    force: bool,
    /// Compare only this metric, or this statistic of it; may be given several times.
    #[arg(long = "metric", value_name = "ID[:STAT]")]
    metrics: Vec<String>,
    /// Compare everything that has a good direction. Takes more repeats.
    #[arg(long, conflicts_with = "metrics")]
    all: bool,
    /// A difference of this metric matters from this share on.
    #[arg(long = "threshold", value_name = "ID=PERCENT")]
    thresholds: Vec<String>,
    /// Confidence of the intervals, and that nothing is called different that is not, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = 95.0)]
    confidence: f64,
    /// Print this format: text, markdown, html, json.
    #[arg(long, value_name = "NAME")]
    format: Option<String>,
    /// Write to this file instead; its ending tells the format when --format does not.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print one JSON object with the verdicts instead of text.
    #[arg(long, conflicts_with = "format")]
    json: bool,
    #[command(flatten)]
    shelf: Shelf,
}

/// What can go wrong with comparing.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Words(String),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Contrast(#[from] contrast::Error),
    #[error(transparent)]
    Write(#[from] evidence::Error),
}

impl Error {
    fn code(&self) -> u8 {
        match self {
            Self::Words(_) => exit::ARGUMENTS,
            Self::Source(_) | Self::Write(_) => exit::ENVIRONMENT,
            Self::Contrast(error) => of_contrast(error),
        }
    }
}

/// The exit code for runs that cannot be compared.
pub(super) fn of_contrast(error: &contrast::Error) -> u8 {
    match error {
        contrast::Error::TooFew | contrast::Error::Twice { .. } => exit::ARGUMENTS,
        contrast::Error::NothingLeft { .. } => exit::INVALID,
        contrast::Error::Mixed { .. } => exit::INCOMPARABLE,
    }
}

/// Compares and prints.
pub(super) fn run(args: &CompareArgs) -> ExitCode {
    match compare(args) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            exit::say(&error, error.code(), args.json);
            ExitCode::from(error.code())
        }
    }
}

fn compare(args: &CompareArgs) -> Result<u8, Error> {
    let terms = terms(args)?;
    let format = format(args)?;
    let groups = args.shelf.groups(&args.runs)?;
    let contrast = contrast::contrast(&groups, &terms)?;
    // That something is worse is an answer; whether it is allowed is the business of a gate.
    let code = if contrast.outcome == Outcome::Incomparable { exit::INCOMPARABLE } else { 0 };
    if let Some(file) = &args.out {
        evidence::write_atomic(file, format.render(&contrast).as_bytes())?;
    }
    match (&args.out, args.json) {
        (_, true) => outln!("{}", object(&contrast, args.out.as_deref(), code)),
        (Some(file), false) => outln!("{}\n{}", contrast.outcome, file.display()),
        (None, false) if format.name == "text" => {
            out!("{}", render::contrast::summary(&contrast, sheet()));
        }
        (None, false) => out!("{}", format.render(&contrast)),
    }
    Ok(code)
}

/// The terms, or what is wrong with the words.
fn terms(args: &CompareArgs) -> Result<Terms, Error> {
    if !(50.0..=99.9).contains(&args.confidence) {
        return Err(Error::Words(format!("--confidence {}: name a percentage from 50 to 99.9", args.confidence)));
    }
    let choice = match args.metrics.as_slice() {
        [] if args.all => Choice::All,
        [] => Choice::Headline,
        named => {
            Choice::Named(named.iter().map(|word| named_metric(word)).collect::<Result<_, _>>().map_err(Error::Words)?)
        }
    };
    Ok(Terms {
        confidence: args.confidence / 100.0,
        force: args.force,
        vary: args.vary.clone(),
        choice,
        thresholds: args
            .thresholds
            .iter()
            .map(|word| threshold(word))
            .collect::<Result<_, _>>()
            .map_err(Error::Words)?,
    })
}

/// `end_to_end` or `end_to_end:p99`.
pub(super) fn named_metric(word: &str) -> Result<(String, Option<Stat>), String> {
    let (id, stat) = word.split_once(':').map_or((word, None), |(id, stat)| (id, Some(stat)));
    let id = known_metric(id, &format!("--metric {word}"))?;
    let Some(stat) = stat else { return Ok((id, None)) };
    let name = stat.replace('.', "");
    let known = serde_json::from_value::<Stat>(serde_json::Value::String(name));
    let unknown = |_| {
        format!(
            "--metric {word}: '{stat}' is no statistic; there are count, value, mean, min, p50, p90, p99, p99.9, max"
        )
    };
    Ok((id, Some(known.map_err(unknown)?)))
}

/// `gap=25%`.
pub(super) fn threshold(word: &str) -> Result<(String, f64), String> {
    let malformed = || format!("--threshold {word}: write it like gap=25%");
    let (id, share) = word.split_once('=').ok_or_else(malformed)?;
    let percent: f64 = share.trim_end_matches('%').trim().parse().map_err(|_| malformed())?;
    if !(0.1..=1000.0).contains(&percent) {
        return Err(format!("--threshold {word}: name a percentage from 0.1 to 1000"));
    }
    Ok((known_metric(id, &format!("--threshold {word}"))?, percent / 100.0))
}

fn known_metric(id: &str, place: &str) -> Result<String, String> {
    match metric::find(id) {
        Some(metric) if metric.better == Better::None => {
            Err(format!("{place}: {id} has no good direction, so it is neither better nor worse"))
        }
        Some(metric) => Ok(metric.id.to_owned()),
        None => Err(format!("{place}: there is no metric '{id}'; `jetlag list metrics` shows them all")),
    }
}

/// The format that was asked for, by name or by the ending of the file.
fn format(args: &CompareArgs) -> Result<&'static Format<Contrast>, Error> {
    let known = || {
        let names: Vec<&str> = render::contrast::ALL.iter().map(|format| format.name).collect();
        names.join(", ")
    };
    let find = |wanted: &dyn Fn(&Format<Contrast>) -> bool| render::contrast::ALL.iter().find(|format| wanted(format));
    match (&args.format, &args.out) {
        (Some(name), _) => find(&|format| format.name == name)
            .ok_or_else(|| Error::Words(format!("there is no format '{name}'; there are {}", known()))),
        (None, Some(file)) => {
            let ending = file.extension().unwrap_or_default();
            find(&|format| Path::new(format.file).extension() == Some(ending)).ok_or_else(|| {
                let file = file.display();
                Error::Words(format!("--out {file}: its ending tells no format; add --format, one of {}", known()))
            })
        }
        (None, None) => Ok(&render::contrast::ALL[0]),
    }
}

/// What `--json` prints.
fn object(contrast: &Contrast, out: Option<&Path>, code: u8) -> serde_json::Value {
    let pair = |pair: &Pair| {
        let rows = |outcome: Outcome| -> Vec<String> {
            pair.rows.iter().filter(|row| row.outcome == outcome).map(contrast::label).collect()
        };
        let unasked = pair.differences.iter().filter(|difference| difference.weight == Weight::Unasked);
        json!({
            "side": pair.side,
            "base": pair.base,
            "outcome": pair.outcome,
            "comparable": pair.comparable,
            "worse": rows(Outcome::Worse),
            "better": rows(Outcome::Better),
            "undecided": rows(Outcome::Undecided),
            "repeats_needed": pair.rows.iter().filter_map(|row| row.repeats_needed).max(),
            "not_asked_for": unasked.map(|difference| difference.what.as_str()).collect::<Vec<_>>(),
        })
    };
    let sides = contrast.sides.iter().map(|side| {
        let whole = side.runs.iter().filter(|run| run.taken == Taken::Whole).count();
        json!({ "name": side.name, "source": side.source, "repeats": side.runs.len(), "taken": whole })
    });
    json!({
        "outcome": contrast.outcome,
        "sides": sides.collect::<Vec<_>>(),
        "pairs": contrast.pairs.iter().map(pair).collect::<Vec<_>>(),
        "out": out,
        "exit_code": code,
    })
}
