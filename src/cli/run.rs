//! `jetlag run`: makes the runs of a profile, judges them, and says what happened.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::make::{Maker, Trouble, folder_name};
use super::out::{err, out, outln, sheet};
use super::progress::{Display, ShowArgs};
use super::server::ServerArgs;
use super::{analyze, exit, may_colour, profile};
use crate::driver::{self, Ending};
use crate::evidence;
use crate::model::report::Report;
use crate::nats::Access;
use crate::profile::{Keep, Plan};
use crate::render::comparison;

/// Words of `jetlag run`.
#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// A profile: the name of a built-in one (see `jetlag list profiles`), or the path of a file.
    #[arg(default_value = "quick")]
    profile: String,
    /// Change a setting of the profile; may be given several times.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    sets: Vec<String>,
    /// Where the folder of the run is made.
    #[arg(long, value_name = "DIR", default_value = "results/runs")]
    out: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    show: ShowArgs,
    /// Leave the stream and the bucket on your own server.
    #[arg(long)]
    keep: bool,
    /// End the run in good order at the first broken promise; what was recorded stays and is judged.
    #[arg(long)]
    stop_on_violation: bool,
    /// Which of the evidence is kept: all, or only what lies around violations. Then journals are removed as soon as they are verified, so that a
    /// run of a day needs no more disk than one of a few minutes, and the report comes from what was read of them. Default: what the
    /// profile says.
    #[arg(long, value_name = "WHICH", value_parser = [Keep::All.name(), Keep::Violations.name()])]
    keep_evidence: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
}

/// Runs the profile.
pub(super) fn run(args: &RunArgs, typed: &[OsString]) -> ExitCode {
    // What is said as a word of its own wins over what is set.
    let kept = args.keep_evidence.iter().map(|keep| format!("run.keep-evidence={keep}"));
    let sets: Vec<String> = args.sets.iter().cloned().chain(kept).collect();
    let plans = match crate::profile::load(&args.profile, &sets) {
        Ok(plans) => plans,
        Err(problems) => {
            err!("{}", profile::problems_text(&problems, may_colour(&std::io::stderr())));
            if args.json {
                outln!("{}", profile::problems_json(&problems));
            }
            return ExitCode::from(exit::ARGUMENTS);
        }
    };
    let access = match args.server.access() {
        Ok(access) => access,
        Err(problems) => return exit::bad_words(&problems, args.json),
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
    let mut made = Made { folder: args.out.join(folder_name(&plans[0].name)), runs: Vec::new() };
    let making = make_all(&plans, typed, (access, args.keep, args.stop_on_violation), &mut made, &mut display);
    let outcome = tokio::task::LocalSet::new().block_on(&runtime, making);
    display.end();
    let trouble = match outcome {
        Ok(()) => return conclude(&made, args.json),
        Err(trouble) => trouble,
    };
    // The runs that were made before are shown all the same; what went wrong decides the exit code.
    let shown_as_json = args.json && !made.runs.is_empty();
    if !made.runs.is_empty() {
        let _ = conclude(&made, args.json);
    }
    let code = match trouble {
        Trouble::Driver(driver::Error::StoppedEarly) => exit::INTERRUPTED,
        _ => exit::ENVIRONMENT,
    };
    exit::say(&trouble, code, args.json && !shown_as_json);
    ExitCode::from(code)
}

/// The runs that were made, and the folder that holds them.
struct Made {
    folder: PathBuf,
    runs: Vec<One>,
}

struct One {
    name: String,
    folder: PathBuf,
    report: Report,
}

/// Makes all runs of `plans`; those that were made are in `made` whatever happens to a later one.
async fn make_all(
    plans: &[Plan],
    typed: &[OsString],
    (access, keep, stop_on_violation): (Option<Access>, bool, bool),
    made: &mut Made,
    display: &mut Display,
) -> Result<(), Trouble> {
    let maker = Maker::new(typed, access, keep, display)?.stop_on_violation(stop_on_violation);
    let runs: Vec<(String, &Plan)> = plans.iter().flat_map(named).collect();
    for (name, plan) in &runs {
        let path = if runs.len() == 1 { made.folder.clone() } else { made.folder.join(name) };
        display.begin(if runs.len() == 1 { "" } else { name });
        let (report, ending) = maker.make(plan, &path, display).await?;
        if runs.len() > 1 {
            display.line(&format!("{}: {}", report.state, path.display()));
        }
        made.runs.push(One { name: name.clone(), folder: path, report });
        if ending == Ending::Interrupted {
            break;
        }
    }
    Ok(())
}

/// The runs of a plan: as many as it is to be repeated, each with a name.
fn named(plan: &Plan) -> impl Iterator<Item = (String, &Plan)> {
    let variant = plan.variant.clone().unwrap_or_else(|| plan.strategy.kind().to_owned());
    (1..=plan.repeat).map(move |n| {
        let name = if plan.repeat == 1 { variant.clone() } else { format!("{variant}-{n}") };
        (name, plan)
    })
}

fn conclude(made: &Made, json: bool) -> ExitCode {
    if let [one] = made.runs.as_slice()
        && one.folder == made.folder
    {
        return analyze::conclude(&one.report, &one.folder, json);
    }
    let runs: Vec<(&str, &str, &Report)> =
        made.runs.iter().map(|one| (one.name.as_str(), one.name.as_str(), &one.report)).collect();
    let compared = comparison::compare(&runs);
    let code = exit::of_states(made.runs.iter().map(|one| one.report.state));
    let path_of = |name: &str| comparison::ALL.iter().find(|format| format.name == name).map(|format| format.file);
    for format in comparison::ALL.iter().filter(|format| ["json", "html"].contains(&format.name)) {
        if let Err(error) = evidence::write_atomic(&made.folder.join(format.file), format.render(&compared).as_bytes())
        {
            return exit::environment(&error, json);
        }
    }
    let [json_path, html_path] = ["json", "html"].map(|name| made.folder.join(path_of(name).unwrap_or_default()));
    if json {
        outln!("{}", analyze::object(compared.state, &made.folder, &json_path, &html_path, code));
    } else {
        out!("{}", comparison::summary(&compared, sheet()));
        outln!("\n{}", html_path.display());
    }
    ExitCode::from(code)
}
