//! `jetlag search`: makes one run after another, each at another rate, until it is known which one is sustained.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;

use super::make::{Maker, Trouble, folder_name};
use super::out::{err, out, outln, sheet};
use super::progress::{self, Display, ShowArgs};
use super::server::ServerArgs;
use super::{exit, may_colour, profile};
use crate::driver::{self, Ending};
use crate::evidence;
use crate::model::comparison::Origin;
use crate::model::report::Report;
use crate::model::search::{Outcome, Search, Terms, Trial};
use crate::model::units::Timespan;
use crate::nats::Access;
use crate::profile::{Plan, Problems};
use crate::render;
use crate::search::{self, About, End, Step, Tried};

/// Words of `jetlag search`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 the rate was found, or the greatest one that was to be tried is sustained · 1 not even the \
least one is · 2 bad arguments or profile · 3 environment · 4 no answer within the tolerance: the load generator was the limit, \
time ran out, or runs were invalid · 130 interrupted. How it searches: docs/searching.md."
)]
pub(super) struct SearchArgs {
    /// A profile: the name of a built-in one (see `jetlag list profiles`), or the path of a file. Its section `[search]`
    /// says what is looked for.
    profile: String,
    /// Change a setting of the profile; may be given several times.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    sets: Vec<String>,
    /// Which variant of the profile, where it has several.
    #[arg(long, value_name = "NAME")]
    variant: Option<String>,
    /// How narrow the bracket is to be, in percent; as search.tolerance.
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    tolerance: Option<f64>,
    /// How long the search may take, like 10m; as search.within.
    #[arg(long, value_name = "TIME")]
    within: Option<Timespan>,
    /// Where the folder of the search is made.
    #[arg(long, value_name = "DIR", default_value = "results/runs")]
    out: PathBuf,
    /// Print one JSON object instead of text.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    show: ShowArgs,
    /// Leave the streams and the buckets on your own server.
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// `5%` or `5`, as a share.
fn percent(word: &str) -> Result<f64, String> {
    let number = word.trim().trim_end_matches('%').trim().parse::<f64>().ok().filter(|percent| percent.is_finite());
    number.map(|percent| percent / 100.0).ok_or_else(|| "write it like 5%".to_owned())
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("the profile is not one that can be searched")]
    Profile(Problems),
    #[error("{0}")]
    Words(String),
    #[error(transparent)]
    Trouble(#[from] Trouble),
    #[error(transparent)]
    Write(#[from] evidence::Error),
    #[error(transparent)]
    Show(#[from] progress::Error),
    #[error("cannot start: {0}")]
    Runtime(#[from] std::io::Error),
}

impl Error {
    fn code(&self) -> u8 {
        match self {
            Self::Profile(_) | Self::Words(_) => exit::ARGUMENTS,
            Self::Trouble(Trouble::Driver(driver::Error::StoppedEarly)) => exit::INTERRUPTED,
            Self::Show(error) => error.code(),
            Self::Trouble(_) | Self::Write(_) | Self::Runtime(_) => exit::ENVIRONMENT,
        }
    }

    fn say(&self, json: bool) {
        match self {
            Self::Profile(problems) => {
                err!("{}", profile::problems_text(problems, may_colour(&std::io::stderr())));
                if json {
                    outln!("{}", profile::problems_json(problems));
                }
            }
            other => exit::say(other, other.code(), json),
        }
    }
}

/// Searches.
pub(super) fn run(args: &SearchArgs, typed: &[OsString]) -> ExitCode {
    match Hunt::new(args).and_then(|(hunt, access)| hunt.run(args, typed, access)) {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            error.say(args.json);
            ExitCode::from(error.code())
        }
    }
}

/// One search: what is asked, and what was tried so far.
struct Hunt {
    folder: PathBuf,
    sets: Vec<String>,
    about: About,
    terms: Terms,
    tried: Vec<Tried>,
}

impl Hunt {
    fn new(args: &SearchArgs) -> Result<(Self, Option<Access>), Error> {
        let mut sets = args.sets.clone();
        sets.extend(args.tolerance.map(|share| format!("search.tolerance={share}")));
        sets.extend(args.within.map(|within| format!("search.within={within}")));
        let plan = plan(args, &sets)?;
        let access = args.server.access().map_err(|problems| Error::Words(problems.join("; ")))?;
        let about = About {
            profile: plan.name.clone(),
            question: plan.question.clone(),
            variant: plan.variant.clone(),
            strategy: plan.strategy.kind().to_owned(),
            promises: plan.promises(),
            lanes: plan.strategy.lanes(plan.fleet.members, plan.stream.partitions),
            faults: plan.faults.len(),
            origin: None,
        };
        let folder = args.out.join(folder_name(&format!("search-{}", plan.name)));
        Ok((Self { folder, sets, about, terms: terms(&plan), tried: Vec::new() }, access))
    }

    /// To the end, and gives the exit code.
    fn run(mut self, args: &SearchArgs, typed: &[OsString], access: Option<Access>) -> Result<u8, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let mut display = Display::new(&args.show)?;
        let searching = self.search(args, typed, access, &mut display);
        let searched = tokio::task::LocalSet::new().block_on(&runtime, searching);
        display.end();
        let trials = self.trials();
        let stopped = |outcome| search::stopped(&self.terms, &trials, outcome);
        let (end, trouble) = match searched {
            Ok(end) => (end, None),
            Err(error) if error.code() == exit::INTERRUPTED => (stopped(Outcome::Interrupted), None),
            Err(error) if trials.is_empty() => return Err(error),
            Err(error) => (stopped(Outcome::Invalid), Some(error)),
        };
        let searched = self.write(&trials, Some(end))?;
        // The trials that were made before are shown all the same; what went wrong decides the exit code.
        let code = trouble.as_ref().map_or_else(|| of_outcome(end.outcome), Error::code);
        conclude(&searched, &self.folder, code, args.json);
        if let Some(error) = trouble {
            error.say(false);
        }
        Ok(code)
    }

    async fn search(
        &mut self,
        args: &SearchArgs,
        typed: &[OsString],
        access: Option<Access>,
        display: &mut Display,
    ) -> Result<End, Error> {
        let maker = Maker::new(typed, access, args.keep, display)?;
        loop {
            let (rate_per_s, purpose) = match search::next(&self.terms, &self.trials()) {
                Step::Done(end) => return Ok(end),
                Step::Try { rate_per_s, purpose } => (rate_per_s, purpose),
            };
            let number = self.tried.len() + 1;
            display.begin(&format!("trial {number}, {rate_per_s}/s, {purpose}"));
            let mut sets = self.sets.clone();
            sets.push(format!("load.rate={rate_per_s}/s"));
            let plan = plan(args, &sets)?;
            let path = format!("trial-{number:02}-{rate_per_s}");
            let began = Instant::now();
            let (report, ending) = maker.make(&plan, &self.folder.join(&path), display).await?;
            let seen = search::seen(&report, self.about.lanes, began.elapsed().as_secs_f64());
            self.about.origin.get_or_insert_with(|| origin(&report));
            self.tried.push(Tried { path, purpose, rate_per_s, seen });
            let trials = self.trials();
            let so_far = self.write(&trials, None)?;
            display.begin("");
            display.line(&told(&so_far));
            if ending == Ending::Interrupted {
                return Ok(search::stopped(&self.terms, &trials, Outcome::Interrupted));
            }
        }
    }

    fn trials(&self) -> Vec<Trial> {
        search::judged(&self.terms, &self.tried)
    }

    /// Writes what there is: whatever happens next, it stays.
    fn write(&self, trials: &[Trial], end: Option<End>) -> Result<Search, Error> {
        let searched = search::document(&self.about, &self.terms, trials, end);
        std::fs::create_dir_all(&self.folder)?;
        for name in ["json", "html"] {
            let Some(format) = render::search::ALL.iter().find(|format| format.name == name) else { continue };
            evidence::write_atomic(&self.folder.join(format.file), format.render(&searched).as_bytes())?;
        }
        Ok(searched)
    }
}

/// The one plan that is searched.
fn plan(args: &SearchArgs, sets: &[String]) -> Result<Plan, Error> {
    let plans = crate::profile::load(&args.profile, sets).map_err(Error::Profile)?;
    let names: Vec<String> = plans.iter().filter_map(|plan| plan.variant.clone()).collect();
    let known = names.join(", ");
    let chosen = match &args.variant {
        Some(name) if names.is_empty() => {
            return Err(Error::Words(format!("--variant {name}: {} has no variants; leave it out", args.profile)));
        }
        Some(name) => plans.into_iter().find(|plan| plan.variant.as_ref() == Some(name)),
        None if plans.len() > 1 => {
            return Err(Error::Words(format!(
                "{} has several variants, and one is searched at a time: add --variant, one of {known}",
                args.profile
            )));
        }
        None => plans.into_iter().next(),
    };
    let unknown = || Error::Words(format!("--variant: {} has no such variant; there are {known}", args.profile));
    chosen.ok_or_else(unknown)
}

fn terms(plan: &Plan) -> Terms {
    let asked = plan.search;
    Terms {
        end_to_end_ms_p99_max: asked.end_to_end_p99.as_ms(),
        schedule_lag_ms_p99_max: plan.limits.schedule_lag_p99.as_ms(),
        tolerance: asked.tolerance,
        first_per_s: asked.first_per_s,
        least_per_s: asked.least_per_s,
        most_per_s: asked.most_per_s,
        agree: asked.agree,
        trials_max: asked.trials_max,
        within_s: asked.within.as_s(),
        measure_s: plan.phases.measure.as_s(),
        trial_s: plan.phases.warm_up.as_s() + plan.phases.measure.as_s(),
    }
}

fn origin(report: &Report) -> Origin {
    Origin {
        command: report.run.command.clone(),
        seed: report.run.seed,
        started: report.run.started.clone(),
        environment: report.environment.clone(),
        differences: Vec::new(),
    }
}

/// One line on the last trial, the bracket, and the time that is left.
fn told(so_far: &Search) -> String {
    let Some(trial) = so_far.trials.last() else { return String::new() };
    let ms = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |ms| format!("{ms:.1} ms"));
    let why = trial.reasons.first().map_or_else(String::new, |why| format!(" ({why})"));
    let rate = |rate: Option<f64>, none: &str| rate.map_or_else(|| none.to_owned(), |rate| format!("{rate}/s"));
    let bracket = so_far.bracket;
    let left_s = (so_far.terms.within_s - search::elapsed_s(&so_far.trials)).max(0.0);
    format!(
        "trial {}: {}/s {}{why}; p50 {}, p99 {} · between {} and {} · {:.0} min left",
        trial.number,
        trial.rate_per_s,
        trial.verdict,
        ms(trial.seen.end_to_end_ms_p50),
        ms(trial.seen.end_to_end_ms_p99),
        rate(bracket.low_per_s, "?"),
        rate(bracket.high_per_s, "?"),
        left_s / 60.0,
    )
}

fn of_outcome(outcome: Outcome) -> u8 {
    match outcome {
        Outcome::Found | Outcome::AtBound => 0,
        Outcome::NotSustained => 1,
        Outcome::Generator | Outcome::Unfinished | Outcome::Invalid => exit::INVALID,
        Outcome::Interrupted => exit::INTERRUPTED,
    }
}

/// Prints the summary, and last the path of the page; or the object.
fn conclude(searched: &Search, folder: &Path, code: u8, json: bool) {
    let path_of = |name: &str| {
        let format = render::search::ALL.iter().find(|format| format.name == name);
        folder.join(format.map_or("", |format| format.file))
    };
    if !json {
        out!("{}", render::search::summary(searched, sheet()));
        outln!("\n{}", path_of("html").display());
        return;
    }
    let object = serde_json::json!({
        "state": searched.state(),
        "outcome": searched.outcome,
        "sustainable_ordered_per_s": searched.readings.first().and_then(|reading| reading.value),
        "confirmed_per_s": searched.answer.map(|answer| answer.rate_per_s),
        "not_sustained_per_s": searched.bracket.high_per_s,
        "trials": searched.trials.len(),
        "findings": searched.findings,
        "remedy": searched.remedy,
        "run_dir": folder,
        "report_json": path_of("json"),
        "report_html": path_of("html"),
        "exit_code": code,
    });
    outln!("{object}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tolerance_is_a_percentage() {
        assert_eq!(percent("5%"), Ok(0.05));
        assert_eq!(percent("10"), Ok(0.1));
        assert!(percent("five").is_err() && percent("").is_err() && percent("inf").is_err());
    }
}
