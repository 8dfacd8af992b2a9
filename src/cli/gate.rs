//! `jetlag gate`: whether runs may pass, by rules and against a base; makes the runs itself when asked to.

mod measure;
mod side;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::make::{self, Trouble, folder_name};
use super::out::{err, out, outln, sheet};
use super::server::ServerArgs;
use super::source::{self, Shelf};
use super::{compare, exit, may_colour, metrics, profile};
use crate::contrast::{self, Choice, Group, Terms};
use crate::evidence;
use crate::gate::{self, Question};
use crate::model::contrast::{Outcome, Row};
use crate::model::gate::{Gate, RuleOutcome, Verdict};
use crate::model::units::Timespan;
use crate::profile::{Plan, Problems};
use crate::render;

/// Words of `jetlag gate`.
#[derive(Debug, Args)]
#[command(
    after_help = "RUNS are judged as they are. --run makes runs until it is decided; with --ab those of base and head in turn, \
on this machine. A broken promise or rule on a count fails at once; timing fails only when worse is more than noise."
)]
pub(super) struct GateArgs {
    /// Run folders, folders of repeats or report.json files; together they are the head.
    #[arg(value_name = "RUNS", required_unless_present = "run", conflicts_with = "run")]
    runs: Vec<String>,
    /// Make runs of this profile.
    #[arg(long, value_name = "PROFILE")]
    run: Option<String>,
    /// Change a setting of the profile; may be given several times.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE", requires = "run")]
    sets: Vec<String>,
    /// What the head is held against: a baseline by name or file, or runs.
    #[arg(long, value_name = "NAME|FILE|RUNS")]
    baseline: Option<String>,
    /// Take the rules from section [gate] of this profile. Default: those of --run.
    #[arg(long, value_name = "PROFILE")]
    rules: Option<String>,
    /// Repeats of a side before the first look. Default 6, or 3 when there are only rules.
    #[arg(long, value_name = "N")]
    min_repeats: Option<u32>,
    /// Repeats of a side at most. Default 16, or 9 when there are only rules.
    #[arg(long, value_name = "N")]
    max_repeats: Option<u32>,
    /// Begin no run that would probably end later than this.
    #[arg(long, value_name = "TIME", requires = "run")]
    within: Option<Timespan>,
    /// Hold only this metric, or this statistic of it, against the base; may be given several times.
    #[arg(long = "metric", value_name = "ID[:STAT]")]
    metrics: Vec<String>,
    /// A difference of this metric matters from this share on.
    #[arg(long = "threshold", value_name = "ID=PERCENT")]
    thresholds: Vec<String>,
    /// A setting that differs on purpose, or a section; also host, build, server.version, jetlag.version.
    #[arg(long, value_name = "KEY")]
    vary: Vec<String>,
    /// Compare what is not comparable all the same.
    #[arg(long)]
    force: bool,
    /// What becomes of a gate that cannot be decided within its budget.
    #[arg(long, value_name = "WHAT", default_value = "pass")]
    undecided: Undecided,
    /// Write JUnit XML to this file.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write Markdown for a pull request to this file.
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Write a page to this file.
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Where the folder of the gate is made. Default with --run: results/runs; else none is made.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    /// Show no progress.
    #[arg(long, short)]
    quiet: bool,
    /// Let OpenMetrics readers ask the run that is made: a port, open to this machine only, or ADDRESS:PORT. Between two runs nobody answers.
    #[arg(long = "metrics", value_name = "ADDR", requires = "run", value_parser = metrics::fixed_address)]
    endpoint: Option<metrics::Address>,
    #[command(flatten)]
    ab: side::AbArgs,
    #[command(flatten)]
    shelf: Shelf,
    #[command(flatten)]
    server: ServerArgs,
}

/// What becomes of a gate that cannot be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Undecided {
    /// It is passed, and that is said.
    Pass,
    /// It stays shut, with exit code 4.
    Fail,
}

/// What can go wrong with a gate.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("{0}")]
    Words(String),
    #[error("{0}")]
    Profile(Problems),
    #[error(transparent)]
    Source(#[from] source::Error),
    #[error(transparent)]
    Contrast(#[from] contrast::Error),
    #[error(transparent)]
    Write(#[from] evidence::Error),
    #[error(transparent)]
    Make(#[from] Trouble),
    #[error(transparent)]
    Side(#[from] side::Error),
    #[error(transparent)]
    Process(#[from] crate::process::Error),
    #[error("cannot make {}: {source}", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("it was stopped before there was a run of the head to judge")]
    Stopped,
    #[error("no run of the head was made within the budget; the runs of the base cannot be trusted: {0}")]
    NoHead(String),
}

impl Error {
    fn code(&self) -> u8 {
        match self {
            Self::Words(_) | Self::Profile(_) => exit::ARGUMENTS,
            Self::Contrast(error) => compare::of_contrast(error),
            Self::Side(error) => error.code(),
            Self::Source(_) | Self::Write(_) | Self::Make(_) | Self::Process(_) | Self::Folder { .. } => {
                exit::ENVIRONMENT
            }
            Self::Stopped => exit::INTERRUPTED,
            Self::NoHead(_) => exit::INVALID,
        }
    }
}

/// Judges, and says what came of it.
pub(super) fn run(args: &GateArgs, typed: &[OsString]) -> ExitCode {
    let error = match judge(args, &make::command(typed)) {
        Ok(code) => return ExitCode::from(code),
        Err(error) => error,
    };
    match &error {
        Error::Profile(problems) => {
            err!("{}", profile::problems_text(problems, may_colour(&std::io::stderr())));
            if args.json {
                outln!("{}", profile::problems_json(problems));
            }
        }
        _ => exit::say(&error, error.code(), args.json),
    }
    ExitCode::from(error.code())
}

fn judge(args: &GateArgs, command: &str) -> Result<u8, Error> {
    let plan = args.run.as_ref().map(|name| one_plan(name, &args.ab.head_sets(&args.sets))).transpose()?;
    let question = question(args, plan.as_ref())?;
    // Whoever learns only after an hour of runs that a folder is missing has lost the hour.
    for file in [&args.junit, &args.markdown, &args.html].into_iter().flatten() {
        let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) else { continue };
        std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.to_owned(), source })?;
    }
    let Some(name) = &args.run else {
        args.ab.refuse_without_run()?;
        if args.server.is_typed() {
            return Err(Error::Words(
                "--server is for the runs that --run makes; those that are there need none".to_owned(),
            ));
        }
        return existing(args, &question, command);
    };
    args.server.access().map_err(|problems| Error::Words(problems.join("; ")))?;
    // A run on a server that is there takes no notice of the version that a profile asks for: both sides would be one.
    if args.server.is_named() && args.ab.vary(Some(name), &args.sets)?.iter().any(|key| key == "server.version") {
        return Err(Error::Words(
            "base and head differ in server.version, and a server is named (--server or JETLAG_SERVER), which has the version that it has; \
             leave out one of the two"
                .to_owned(),
        ));
    }
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| "results/runs".into())
        .join(folder_name(&format!("gate-{}", plan.map_or_else(String::new, |plan| plan.name))));
    std::fs::create_dir_all(&folder).map_err(|source| Error::Folder { path: folder.clone(), source })?;
    let bench = measure::Bench {
        sides: args.ab.sides(name, &args.sets, &folder)?,
        base: args
            .baseline
            .as_ref()
            .map(|word| one_group(&args.shelf, std::slice::from_ref(word), "base"))
            .transpose()?,
        server: args.server.clone(),
        within: args.within.map(|within| within.0),
        quiet: args.quiet,
        metrics: args.endpoint.clone(),
    };
    let gate = measure::measure(bench, question, command)?;
    conclude(args, &gate, Some(&folder))
}

/// Runs that are there already.
fn existing(args: &GateArgs, question: &Question, command: &str) -> Result<u8, Error> {
    let head = one_group(&args.shelf, &args.runs, "head")?;
    let base =
        args.baseline.as_ref().map(|word| one_group(&args.shelf, std::slice::from_ref(word), "base")).transpose()?;
    let gate = gate::judge(question, &head, base.as_ref(), command)?;
    let gate = gate.ok_or_else(|| Error::Words("no run was named".to_owned()))?;
    let folder = args.out.as_ref().map(|out| out.join(folder_name("gate")));
    if let Some(folder) = &folder {
        std::fs::create_dir_all(folder).map_err(|source| Error::Folder { path: folder.clone(), source })?;
    }
    conclude(args, &gate, folder.as_deref())
}

/// All runs behind some words, as one side.
fn one_group(shelf: &Shelf, words: &[String], fallback: &str) -> Result<Group, Error> {
    let groups = shelf.groups(words)?;
    let (name, source) = match groups.as_slice() {
        [one] => (one.name.clone(), one.source.clone()),
        _ => (fallback.to_owned(), words.join(" ")),
    };
    Ok(Group { name, source, runs: groups.into_iter().flat_map(|group| group.runs).collect() })
}

/// The one plan of a profile.
fn one_plan(name: &str, sets: &[String]) -> Result<Plan, Error> {
    let mut plans = crate::profile::load(name, sets).map_err(Error::Profile)?;
    match plans.len() {
        1 => Ok(plans.remove(0)),
        several => Err(Error::Words(format!(
            "the profile {name} has {several} variants, and a gate judges one run; take one by --set variant=[] and its settings, \
             or hold two against each other by --ab with --base-set and --head-set"
        ))),
    }
}

/// What is asked: the words go before the profile, the profile before the defaults.
fn question(args: &GateArgs, plan: Option<&Plan>) -> Result<Question, Error> {
    let asked = match &args.rules {
        // Of a profile with variants the first stands for all: they can hardly differ in what a gate asks.
        Some(name) => {
            let plans = crate::profile::load(name, &[]).map_err(Error::Profile)?;
            plans.into_iter().next().map(|plan| plan.gate).unwrap_or_default()
        }
        None => plan.map(|plan| plan.gate.clone()).unwrap_or_default(),
    };
    let mut thresholds = asked.thresholds;
    for word in &args.thresholds {
        thresholds.push(compare::threshold(word).map_err(Error::Words)?);
    }
    let named: Vec<_> =
        args.metrics.iter().map(|word| compare::named_metric(word)).collect::<Result<_, _>>().map_err(Error::Words)?;
    let named = if named.is_empty() { asked.metrics } else { named };
    let choice = if named.is_empty() { Choice::Headline } else { Choice::Named(named) };
    let is_relative = args.baseline.is_some() || args.ab.is_on();
    let (usual_min, usual_max) = if is_relative { (6, 16) } else { (3, 9) };
    let (min, max) = (args.min_repeats.or(asked.repeats_min), args.max_repeats.or(asked.repeats_max));
    let repeats_min = min.unwrap_or(usual_min.min(max.unwrap_or(usual_min)));
    let repeats_max = max.unwrap_or(usual_max.max(repeats_min));
    for (word, repeats) in [("--min-repeats", repeats_min), ("--max-repeats", repeats_max)] {
        if !(1..=1000).contains(&repeats) {
            return Err(Error::Words(format!("{word} {repeats}: name a number from 1 to 1000")));
        }
    }
    if repeats_max < repeats_min {
        return Err(Error::Words(format!("--max-repeats {repeats_max} is less than --min-repeats {repeats_min}")));
    }
    let mut vary = args.vary.clone();
    vary.extend(args.ab.vary(args.run.as_deref(), &args.sets)?);
    Ok(Question {
        rules: asked.rules,
        terms: Terms { force: args.force, vary, choice, thresholds, ..Terms::default() },
        repeats_min,
        repeats_max,
        undecided_fails: args.undecided == Undecided::Fail,
    })
}

/// Writes and prints what was judged; gives the exit code.
fn conclude(args: &GateArgs, gate: &Gate, folder: Option<&Path>) -> Result<u8, Error> {
    let code = match gate.verdict {
        Verdict::Passed => 0,
        Verdict::Failed => exit::FAILED,
        Verdict::Undecided => exit::INVALID,
        Verdict::Incomparable => exit::INCOMPARABLE,
        Verdict::Interrupted => exit::INTERRUPTED,
    };
    let asked = [("junit", &args.junit), ("markdown", &args.markdown), ("html", &args.html)];
    let asked = asked.into_iter().filter_map(|(name, file)| Some((name, file.clone()?)));
    let usual = render::gate::ALL.iter().filter(|format| format.name != "text");
    let usual = folder.map(|folder| usual.map(|format| (format.name, folder.join(format.file))));
    for (name, file) in usual.into_iter().flatten().chain(asked) {
        if let Some(format) = render::gate::format(name) {
            evidence::write_atomic(&file, format.render(gate).as_bytes())?;
        }
    }
    let page = folder.map(|folder| folder.join("gate.html")).or_else(|| args.html.clone());
    if args.json {
        outln!("{}", object(gate, folder, page.as_deref(), code));
    } else {
        out!("{}", render::gate::summary(gate, sheet()));
        if let Some(page) = page {
            outln!("\n{}", page.display());
        }
    }
    Ok(code)
}

/// What `--json` prints.
fn object(gate: &Gate, folder: Option<&Path>, page: Option<&Path>, code: u8) -> serde_json::Value {
    let rows = || gate.timing.iter().flat_map(|timing| &timing.quantities);
    let named = |outcome: Outcome| -> Vec<String> {
        rows().filter(|row: &&Row| row.outcome == outcome).map(contrast::label).collect()
    };
    let rules = |outcome: RuleOutcome| -> Vec<String> {
        let rules = gate.rules.iter().filter(|rule| rule.outcome == outcome);
        rules.map(|rule| format!("{} {}", rule.subject, rule.limit)).collect()
    };
    json!({
        "verdict": gate.verdict,
        "findings": gate.findings,
        "broken_rules": rules(RuleOutcome::Broken),
        "unobserved_rules": rules(RuleOutcome::Unobserved),
        "worse": named(Outcome::Worse),
        "better": named(Outcome::Better),
        "undecided": named(Outcome::Undecided),
        "repeats": gate.head.runs.len(),
        "repeats_base": gate.base.as_ref().map(|base| base.runs.len()),
        "repeats_needed": gate.timing.as_ref().and_then(|timing| timing.repeats_needed),
        "gate_dir": folder,
        "gate_json": folder.map(|folder| folder.join("gate.json")),
        "gate_html": page,
        "exit_code": code,
    })
}
