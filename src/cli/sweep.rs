//! `jetlag sweep`: makes the runs of a grid of settings, and lays them side by side as they come.

mod folder;
mod glob;
mod said;
mod work;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::list;
use super::make::Trouble;
use super::out::{err, errln, out, outln, sheet};
use super::progress::{Display, ShowArgs};
use super::server::ServerArgs;
use super::{analyze, exit, may_colour, profile};
use crate::driver;
use crate::profile::sweep::{self, Grid, REPEATS_MAX};
use folder::Place;
use work::{Sweeping, Way};

/// Words of `jetlag sweep`.
#[derive(Debug, Args)]
#[command(after_help = "The first line of a sweep file is its question; docs/sweeping.md shows what it may say.")]
pub(super) struct SweepArgs {
    /// A sweep: the name of a built-in one, or the path of a file. Without it the built-in ones are listed.
    #[arg(value_name = "SWEEP")]
    sweep: Option<String>,
    /// Change a setting of all cells; may be given several times.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    sets: Vec<String>,
    /// Run each cell so often, whatever the file says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=i64::from(REPEATS_MAX)))]
    repeats: Option<u32>,
    /// Make only the runs of cells whose name fits, like 'lease-group*'; may be given several times.
    #[arg(long, value_name = "CELL")]
    only: Vec<String>,
    /// Show the cells, the order and the time that it takes, and make nothing.
    #[arg(long)]
    dry_run: bool,
    /// Where the folder of the sweep is made.
    #[arg(long, value_name = "DIR", default_value = "results/runs", conflicts_with = "resume")]
    out: PathBuf,
    /// Make what is missing in this folder of the same sweep.
    #[arg(long, value_name = "DIR")]
    resume: Option<PathBuf>,
    /// With --resume: make runs that ended in this state again.
    #[arg(long, value_name = "STATE", requires = "resume")]
    again: Option<Again>,
    /// Remove the evidence of each run when it has been judged; its report stays.
    #[arg(long)]
    drop_evidence: bool,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    show: ShowArgs,
    #[command(flatten)]
    server: ServerArgs,
}

/// Which runs are made again that have ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Again {
    /// Those whose measurement cannot be trusted.
    Invalid,
}

/// Sweeps, or lists what can be swept.
pub(super) fn run(args: &SweepArgs, typed: &[OsString]) -> ExitCode {
    let Some(name) = &args.sweep else {
        let args = list::ListArgs { what: Some(list::What::Sweeps), json: args.json };
        out!("{}", list::run(&args, &[], &[]));
        return exit::GOOD;
    };
    let mut grid = match sweep::open(name, &args.sets) {
        Ok(grid) => grid,
        Err(problems) => {
            err!("{}", profile::problems_text(&problems, may_colour(&std::io::stderr())));
            if args.json {
                outln!("{}", profile::problems_json(&problems));
            }
            return ExitCode::from(exit::ARGUMENTS);
        }
    };
    grid.repeats = args.repeats.unwrap_or(grid.repeats);
    let wanted = match glob::chosen(&grid, &args.only) {
        Ok(wanted) => wanted,
        Err(problem) => return refused(&problem, args.json),
    };
    if args.dry_run {
        let text = if args.json { format!("{}\n", said::as_json(&grid, &wanted)) } else { said::text(&grid, &wanted) };
        out!("{text}");
        return exit::GOOD;
    }
    let access = match args.server.access() {
        Ok(access) => access,
        Err(problems) => return refused(&problems.join("; "), args.json),
    };
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::environment(&error, args.json),
    };
    let mut display = match Display::new(&args.show) {
        Ok(display) => display,
        Err(error) => {
            exit::say(&error, error.code(), args.json);
            return ExitCode::from(error.code());
        }
    };
    let place = match &args.resume {
        None => Place::make(&args.out, &grid),
        Some(folder) => Place::open(folder, &grid),
    };
    let place = match place {
        Ok(place) => place,
        Err(error) => {
            display.end();
            exit::say(&error, error.code(), args.json);
            return ExitCode::from(error.code());
        }
    };
    let way = Way { wanted, again: args.again.is_some(), drop_evidence: args.drop_evidence };
    let mut sweeping = Sweeping::new(&grid, place, way);
    let going = sweeping.go_on(typed, access, &mut display);
    let outcome = tokio::task::LocalSet::new().block_on(&runtime, going);
    display.end();
    conclude(&sweeping, &grid, name, outcome, args)
}

/// Says what came of it, and how to go on where something is left.
fn conclude(
    sweeping: &Sweeping<'_>,
    grid: &Grid,
    name: &str,
    outcome: Result<(), work::Error>,
    args: &SweepArgs,
) -> ExitCode {
    let left = sweeping.left();
    let mut code = exit::of_states(sweeping.states());
    let told = match outcome {
        Ok(()) if sweeping.failed().is_empty() => None,
        Ok(()) => {
            code = exit::ENVIRONMENT;
            Some(format!("{} could not be made: {}", said::runs(sweeping.failed().len()), sweeping.failed().join("; ")))
        }
        Err(work::Error::Stopped) => {
            code = exit::INTERRUPTED;
            None
        }
        Err(error) => {
            code = match error {
                work::Error::Make(Trouble::Driver(driver::Error::StoppedEarly)) => exit::INTERRUPTED,
                _ => exit::ENVIRONMENT,
            };
            Some(error.to_string())
        }
    };
    let [json, html] = sweeping.files();
    if args.json {
        let mut object = analyze::object(sweeping.sweep().state, sweeping.folder(), &json, &html, code);
        object["planned"] = sweeping.sweep().planned.into();
        object["made"] = sweeping.sweep().made.into();
        if let Some(told) = &told {
            object["error"] = told.as_str().into();
        }
        outln!("{object}");
    } else if sweeping.sweep().made > 0 {
        out!("{}", sweeping.summary(sheet()));
    }
    if let Some(told) = told {
        errln!("error: {told}");
    }
    if left > 0 {
        let server = if args.server.is_named() { ", and the words that name your server" } else { "" };
        errln!(
            "{} of {} left; make the rest: jetlag sweep {name} --resume {}{}{server}",
            left,
            said::runs(grid.turns().len()),
            sweeping.folder().display(),
            said::same_words(&args.sets, args.repeats),
        );
    }
    if !args.json && sweeping.sweep().made > 0 {
        outln!("\n{}", html.display());
    }
    ExitCode::from(code)
}

fn refused(problem: &str, json: bool) -> ExitCode {
    errln!("error: {problem}");
    if json {
        outln!("{}", serde_json::json!({ "error": problem, "exit_code": exit::ARGUMENTS }));
    }
    ExitCode::from(exit::ARGUMENTS)
}
