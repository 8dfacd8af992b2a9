//! `jetlag explain`: the history of one violation's key and partition, from the evidence in a run folder.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::exit;
use super::out::{errln, out, outln, sheet};
use crate::analysis;
use crate::evidence;
use crate::model::explanation::View;
use crate::model::history::History;
use crate::model::report::{Report, Violation};
use crate::model::units::Timespan;
use crate::render::{self, explain};

/// As many events are shown, unless all are asked for.
const EVENTS_MAX: u32 = 60;

/// Words of `jetlag explain`.
#[derive(Debug, Args)]
pub(super) struct ExplainArgs {
    /// Folder of a run.
    run: PathBuf,
    /// Number of the violation, as in the report, from 1; without it they are listed.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    violation: Option<u32>,
    /// Look at so much before and behind it: 500ms, 2s. What happened to its message is shown wherever it lies.
    #[arg(long, value_name = "SPAN", default_value = "2s")]
    around: Timespan,
    /// Show everything of its key and its partition, in the whole run.
    #[arg(long, conflicts_with = "around")]
    all: bool,
    /// Print this format: text, markdown, json.
    #[arg(long, value_name = "NAME", value_parser = ["text", "markdown", "json"], default_value = "text")]
    format: String,
    /// Print JSON; the same as --format json.
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// Why a violation cannot be explained.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error(transparent)]
    Evidence(#[from] evidence::Error),
    #[error(
        "{} has a report and no evidence: {gone} is gone, and without it there is no history to show; make the run again \
         (`{command}`, seed {seed}), and keep its folder whole{story}",
        path.display()
    )]
    Gone { path: PathBuf, gone: &'static str, command: String, seed: u64, story: String },
    #[error(
        "{} has no report, and {records} records of its evidence were removed when they had been verified: there is nothing to number; make the run again",
        path.display()
    )]
    Unreported { path: PathBuf, records: u64 },
    #[error("there is no violation {number}: the evidence of {} shows {of}{hint}", path.display())]
    NoSuch { path: PathBuf, number: u32, of: usize, hint: &'static str },
}

/// Explains, or lists what can be explained.
pub(super) fn run(args: &ExplainArgs) -> ExitCode {
    match explain(args) {
        Ok(()) => exit::GOOD,
        Err(error) => {
            let code = if matches!(error, Error::NoSuch { .. }) { exit::ARGUMENTS } else { exit::ENVIRONMENT };
            exit::say(&error, code, args.json || args.format == "json");
            ExitCode::from(code)
        }
    }
}

fn explain(args: &ExplainArgs) -> Result<(), Error> {
    let is_report = args.run.file_name().is_some_and(|name| name == render::json::FORMAT.file);
    let folder = if is_report { args.run.parent().unwrap_or(Path::new("")) } else { &args.run };
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let history = load(folder, args.violation)?;
    let violations = match &history.dropped {
        None => analysis::study(&history).violations,
        // What is left says nothing of the whole: what went wrong was found while all of it was there.
        Some(dropped) => {
            let report = report(folder)
                .ok_or_else(|| Error::Unreported { path: folder.to_owned(), records: dropped.records })?;
            errln!(
                "note: {} records of this run were removed when they had been verified; what lay within {} s of a violation was kept{}",
                dropped.records,
                evidence::AROUND.0 / 1_000_000_000,
                if dropped.not_kept > 0 { ", as far as there was room" } else { "" }
            );
            report.violations
        }
    };
    let json = args.json || args.format == "json";
    let Some(number) = args.violation else {
        list(&violations, &args.run, json);
        return Ok(());
    };
    let view = View {
        around_ms: (!args.all).then_some(args.around.span().as_ms()),
        events_max: (!args.all).then_some(EVENTS_MAX),
    };
    let Some(explanation) = analysis::explain(&history, &violations, number, view) else {
        let hint = if violations.is_empty() {
            "; nothing went wrong that is told one by one"
        } else {
            "; without --violation they are listed"
        };
        return Err(Error::NoSuch { path: folder.to_owned(), number, of: violations.len(), hint });
    };
    if let Some(other) =
        report(folder).filter(|report| report.violations.get(number as usize - 1) != Some(&explanation.violation))
    {
        errln!(
            "note: report.json of run {} numbers its violations otherwise, another jetlag wrote it; `jetlag analyze {}` writes it again",
            other.run.id,
            folder.display()
        );
    }
    let name = if json { "json" } else { args.format.as_str() };
    if name == "text" {
        out!("{}", explain::summary(&explanation, sheet()));
    } else if let Some(format) = explain::ALL.iter().find(|format| format.name == name) {
        out!("{}", format.render(&explanation));
    }
    Ok(())
}

/// The evidence; when it is gone and the report is still there, what that says of the violation.
fn load(folder: &Path, number: Option<u32>) -> Result<History, Error> {
    let gone = |gone: &'static str| {
        let report = report(folder)?;
        let violation = number.and_then(|number| report.violations.get((number as usize).checked_sub(1)?));
        let story = violation.map_or_else(String::new, |it| format!(". The report says of it: {}", it.story));
        let Report { run, .. } = &report;
        Some(Error::Gone { path: folder.to_owned(), gone, command: run.command.clone(), seed: run.seed, story })
    };
    match evidence::load(folder) {
        // A run that ended before anybody worked has a story, and no journal beside it.
        Ok(history) if history.journals.is_empty() && history.story.is_empty() => match gone("its folder journals/") {
            Some(error) => Err(error),
            None => Ok(history),
        },
        Ok(history) => Ok(history),
        Err(error @ evidence::Error::NoRun { .. }) => Err(gone("its manifest.json").unwrap_or(Error::Evidence(error))),
        Err(error) => Err(error.into()),
    }
}

/// The report in a folder, when there is one that can be read.
fn report(folder: &Path) -> Option<Report> {
    let text = std::fs::read_to_string(folder.join(render::json::FORMAT.file)).ok()?;
    render::parse(&text).ok()
}

fn list(violations: &[Violation], run: &Path, json: bool) {
    if json {
        outln!("{}", serde_json::json!({ "run_dir": run, "violations": violations }));
    } else if violations.is_empty() {
        outln!("Nothing went wrong that is told one by one.");
    } else {
        out!("{}", explain::list(violations, sheet()));
        outln!("How one of them came about: jetlag explain {} --violation N", run.display());
    }
}
