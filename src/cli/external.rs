//! `jetlag external`: tries a program of the user's own before it is measured.
//!
//! The trial is two short runs like any other, with a server, faults and the verifier; what is told of them is about the
//! program and not about its speed.

mod trial;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use self::trial::{Act, Answer, Check};
use super::make::{listen_for_stop, own_program};
use super::out::{err, outln};
use super::{exit, may_colour};
use crate::profile;
use crate::{driver, evidence, metric};

/// `jetlag external …`.
#[derive(Debug, Subcommand)]
pub(super) enum ExternalCommand {
    /// Try a program against the line protocol: what is wrong is said in plain words.
    Check(CheckArgs),
}

/// Words of `jetlag external check`.
#[derive(Debug, Args)]
#[command(after_help = "Exit codes: 0 nothing is wrong · 1 something is · 2 bad arguments · 3 environment. \
The protocol: docs/external.md.")]
pub(super) struct CheckArgs {
    /// The program and its words, behind `--`.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    command: Vec<String>,
    /// A variable for its environment, as a profile's `env` has it; may be given several times.
    #[arg(long = "env", value_name = "NAME=VALUE")]
    env: Vec<String>,
    /// Keep the evidence of the two runs in this folder.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
}

/// Tries.
pub(super) fn run(command: &ExternalCommand) -> ExitCode {
    let ExternalCommand::Check(args) = command;
    match check(args) {
        Ok(checks) => conclude(&checks, args.json),
        Err(Trouble::Profile(problems)) => {
            err!("{}", super::profile::problems_text(&problems, may_colour(&std::io::stderr())));
            if args.json {
                outln!("{}", super::profile::problems_json(&problems));
            }
            ExitCode::from(exit::ARGUMENTS)
        }
        Err(trouble @ Trouble::Variable(_)) => {
            exit::say(&trouble, exit::ARGUMENTS, args.json);
            ExitCode::from(exit::ARGUMENTS)
        }
        Err(Trouble::Driver(driver::Error::StoppedEarly)) => ExitCode::from(exit::INTERRUPTED),
        Err(trouble) => exit::environment(&trouble, args.json),
    }
}

/// What keeps a program from being tried.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("the command cannot be run")]
    Profile(profile::Problems),
    #[error("--env {0}: expected NAME=VALUE")]
    Variable(String),
    #[error(transparent)]
    Driver(#[from] driver::Error),
    #[error(transparent)]
    Evidence(#[from] evidence::Error),
    #[error("cannot begin: {0}")]
    System(#[from] std::io::Error),
}

fn check(args: &CheckArgs) -> Result<Vec<Check>, Trouble> {
    let kept = tempfile::tempdir()?;
    let folder = args.out.as_deref().unwrap_or(kept.path());
    std::fs::create_dir_all(folder)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut checks = Vec::new();
    for act in trial::ACTS {
        if !args.json {
            outln!("{}", act.title);
            let _ = std::io::stdout().flush();
        }
        let answers = tokio::task::LocalSet::new().block_on(&runtime, play(act, args, folder))?;
        for check in answers {
            if !args.json {
                show(&check);
            }
            checks.push(check);
        }
        // What is wrong alone is wrong together, and told twice it is harder to read.
        if checks.iter().any(|check| check.answer == Answer::Bad) {
            break;
        }
    }
    Ok(checks)
}

/// Makes the run of one act and asks what it shows.
async fn play(act: &Act, args: &CheckArgs, folder: &Path) -> Result<Vec<Check>, Trouble> {
    let variables: Vec<(&str, &str)> = args
        .env
        .iter()
        .map(|text| text.split_once('=').ok_or_else(|| Trouble::Variable(text.clone())))
        .collect::<Result<_, _>>()?;
    let text = act.profile(&args.command, &variables);
    let loaded = profile::parse("external-check", "jetlag external check", &text, &[]).map_err(Trouble::Profile)?;
    let plans = loaded.plans();
    let plan = plans.first().expect("a profile without variants has one plan");
    let command = "jetlag external check".to_owned();
    let options = driver::Options { exe: own_program()?, command, access: None, keep: false, stop_on_violation: false };
    let path = folder.join(format!("{}-{:04x}", act.name, uuid::Uuid::now_v7().as_u128() & 0xffff));
    match driver::run(plan, &options, path.clone(), listen_for_stop(true)?, &mut |_| ()).await {
        Ok(driver::Ending::Interrupted) => Err(driver::Error::StoppedEarly.into()),
        Ok(_) => {
            let history = evidence::load(&path)?;
            Ok(trial::ask(act, &history, &metric::report(&history)))
        }
        Err(driver::Error::Worker { reason, .. }) => {
            let story = evidence::load(&path).map(|history| history.story).unwrap_or_default();
            Ok(vec![trial::not_ready(&reason, &story)])
        }
        Err(error) => Err(error.into()),
    }
}

fn show(check: &Check) {
    let mark = match check.answer {
        Answer::Good => "ok     ",
        Answer::Note => "note   ",
        Answer::Bad => "WRONG  ",
    };
    outln!("  {mark}{}", check.question);
    for line in &check.told {
        outln!("         {line}");
    }
}

fn conclude(checks: &[Check], json: bool) -> ExitCode {
    let wrong = checks.iter().filter(|check| check.answer == Answer::Bad).count();
    let code = u8::from(wrong > 0);
    if json {
        outln!("{}", serde_json::json!({ "ok": wrong == 0, "checks": checks, "exit_code": code }));
    } else if wrong == 0 {
        outln!("The program speaks the protocol.");
    } else {
        outln!(
            "{wrong} of {} checks failed, and what comes after was not tried; the protocol: docs/external.md",
            checks.len()
        );
    }
    ExitCode::from(code)
}
