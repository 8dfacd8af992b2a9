//! `jetlag analyze`: from the evidence in a run folder to its reports.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use super::exit;
use super::out::{out, outln, sheet};
use crate::analysis::Followed;
use crate::evidence::{self, Folder};
use crate::model::report::{Report, RunState};
use crate::{metric, render};

/// Words of `jetlag analyze`.
#[derive(Debug, Args)]
pub(super) struct AnalyzeArgs {
    /// Folder of a run.
    run: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Analyses and prints the summary.
pub(super) fn run(args: &AnalyzeArgs) -> ExitCode {
    match analyze(&args.run) {
        Ok(report) => conclude(&report, &args.run, args.json),
        Err(error) => exit::environment(&error, args.json),
    }
}

/// Judges the evidence in `folder` and writes the reports beside it. What is left of evidence that was dropped is not judged.
pub(super) fn analyze(folder: &Path) -> Result<Report, evidence::Error> {
    let history = evidence::load(folder)?;
    if let Some(dropped) = &history.dropped {
        let has_report = Folder::open(folder)?.report_json().is_file();
        let remedy = if has_report {
            "its report was made of all of it: `jetlag report RUN` shows it again"
        } else {
            "the run did not come to its report; make it again"
        };
        let (records, segments) = (dropped.records, dropped.segments);
        return Err(evidence::Error::Dropped { path: folder.to_owned(), records, segments, remedy });
    }
    write(folder, metric::report(&history))
}

/// Makes the report of a run that was followed to its end, because not all of its evidence is there any more, and writes it.
pub(super) fn conclude_followed(folder: &Path, followed: Followed) -> Result<Report, evidence::Error> {
    let history = evidence::load_beside_journals(folder)?;
    write(folder, metric::report_followed(history, followed))
}

fn write(folder: &Path, report: Report) -> Result<Report, evidence::Error> {
    let folder = Folder::open(folder)?;
    for (path, format) in [(folder.report_json(), &render::json::FORMAT), (folder.report_html(), &render::html::FORMAT)]
    {
        evidence::write_atomic(&path, format.render(&report).as_bytes())?;
    }
    Ok(report)
}

/// Prints the summary of one run, and last the path of its report; gives its exit code.
pub(super) fn conclude(report: &Report, folder: &Path, json: bool) -> ExitCode {
    let code = exit::of_states([report.state]);
    let html = folder.join(render::html::FORMAT.file);
    if json {
        outln!("{}", object(report.state, folder, &folder.join(render::json::FORMAT.file), &html, code));
    } else {
        out!("{}", render::text::summary(report, sheet()));
        outln!("\n{}", html.display());
    }
    ExitCode::from(code)
}

/// What `--json` prints.
pub(super) fn object(state: RunState, folder: &Path, json: &Path, html: &Path, code: u8) -> serde_json::Value {
    serde_json::json!({
        "state": state,
        "run_dir": folder,
        "report_json": json,
        "report_html": html,
        "exit_code": code,
    })
}
