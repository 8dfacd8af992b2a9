//! `jetlag profile`: check, show, the schedule of faults, and the schema. No run and no server is needed for these.

use std::fmt::Write as _;
use std::io::IsTerminal;

use clap::{Args, Subcommand};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, SourceCode};
use serde_json::json;

use crate::fault::Strike;
use crate::profile::{self, Loaded, Plan, Problem, Problems};

/// `jetlag profile …`.
#[derive(Clone, Debug, Subcommand)]
pub enum ProfileCommand {
    /// Check a profile: prints `ok`, or everything that is wrong with it.
    Check(ProfileArgs),
    /// Print a profile with every default filled in.
    Show(ProfileArgs),
    /// Print what would strike when, by the seed: every fault, those that chaos mixes too.
    Schedule(ProfileArgs),
    /// Print the JSON schema of profiles, for editors.
    Schema,
}

/// A profile and what is set otherwise.
#[derive(Clone, Debug, Args)]
pub struct ProfileArgs {
    /// Name of a built-in profile, or path of a TOML file.
    #[arg(value_name = "PROFILE", default_value = "quick")]
    pub profile: String,
    /// Set a key otherwise than the profile, like `fleet.members=8`; may be given again and again.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub sets: Vec<String>,
    /// Print one JSON object instead.
    #[arg(long)]
    pub json: bool,
}

/// What a command says and ends with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For standard output.
    pub out: String,
    /// For standard error.
    pub err: String,
    /// Exit code.
    pub code: u8,
}

impl Answer {
    fn good(out: String) -> Self {
        Self { out, err: String::new(), code: 0 }
    }
}

/// Exit code for bad arguments and profiles.
const BAD_PROFILE: u8 = 2;

/// Answers `jetlag profile …`.
#[must_use]
pub fn run(command: &ProfileCommand) -> Answer {
    match command {
        ProfileCommand::Check(args) => checked(args, |loaded| {
            let variants: Vec<_> = loaded.documents.iter().filter_map(|(name, _)| name.as_deref()).collect();
            if args.json {
                return format!("{}\n", json!({ "ok": true, "profile": loaded.name, "variants": variants }));
            }
            match variants.as_slice() {
                [] => format!("{}: ok\n", loaded.name),
                some => format!("{}: ok, {} variants: {}\n", loaded.name, some.len(), some.join(", ")),
            }
        }),
        ProfileCommand::Show(args) => checked(args, |loaded| {
            if args.json {
                let plans = loaded.plans();
                let shown: Vec<_> =
                    plans.iter().map(|plan| json!({ "variant": plan.variant, "settings": plan.settings })).collect();
                return format!("{}\n", json!({ "profile": loaded.name, "question": loaded.question, "plans": shown }));
            }
            profile::show::show(loaded)
        }),
        ProfileCommand::Schedule(args) => checked(args, |loaded| {
            let plans = loaded.plans();
            if args.json { schedules_json(&loaded.name, &plans) } else { plans.iter().map(schedule_text).collect() }
        }),
        ProfileCommand::Schema => Answer::good(schema_text()),
    }
}

/// The strikes of a plan, a line each.
fn schedule_text(plan: &Plan) -> String {
    let strikes = plan.schedule();
    let variant = plan.variant.as_ref().map_or_else(String::new, |variant| format!(" {variant}"));
    let mut text = format!("{}{variant}, seed {}: {} strikes\n", plan.name, plan.seed, strikes.len());
    for strike in &strikes {
        let more: String = settings(strike).iter().map(|(key, value)| format!(" {key} {}", plain(value))).collect();
        let at = strike.at.as_s();
        let _ = writeln!(text, "{:>4}  {at:>9.3} s  {:<14}  {}{more}", strike.id, strike.kind.name(), strike.target);
    }
    text
}

fn schedules_json(profile: &str, plans: &[Plan]) -> String {
    let one = |strike: &Strike| {
        let (kind, target) = (strike.kind.name(), strike.target.to_string());
        json!({ "id": strike.id, "at_ms": strike.at.as_ms(), "kind": kind, "target": target, "settings": settings(strike) })
    };
    let of_plan = |plan: &Plan| {
        let strikes: Vec<_> = plan.schedule().iter().map(one).collect();
        json!({ "variant": plan.variant, "seed": plan.seed, "strikes": strikes })
    };
    let plans: Vec<_> = plans.iter().map(of_plan).collect();
    format!("{}\n", json!({ "profile": profile, "plans": plans }))
}

/// The settings of what strikes, its name left out.
fn settings(strike: &Strike) -> serde_json::Map<String, serde_json::Value> {
    let mut settings = match serde_json::to_value(&strike.kind) {
        Ok(serde_json::Value::Object(settings)) => settings,
        _ => serde_json::Map::new(),
    };
    settings.remove("kind");
    settings
}

/// A value without the quotes of JSON.
fn plain(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The schema as it is kept in `schemas/profile.schema.json`.
#[must_use]
pub fn schema_text() -> String {
    format!("{:#}\n", profile::schema())
}

fn checked(args: &ProfileArgs, good: impl FnOnce(&Loaded) -> String) -> Answer {
    match profile::open(&args.profile, &args.sets) {
        Ok(loaded) => Answer::good(good(&loaded)),
        Err(problems) if args.json => {
            Answer { out: format!("{}\n", problems_json(&problems)), err: String::new(), code: BAD_PROFILE }
        }
        Err(problems) => {
            let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
            Answer { out: String::new(), err: problems_text(&problems, colour), code: BAD_PROFILE }
        }
    }
}

/// Problems as an object, for `--json`.
#[must_use]
pub fn problems_json(problems: &Problems) -> serde_json::Value {
    let one = |problem: &Problem| {
        let (line, column) = problems.line_and_column(problem);
        json!({
            "source": problems.sources.get(problem.source).map(|source| &source.name),
            "line": line,
            "column": column,
            "message": problem.message,
            "expected": problem.label.strip_prefix("expected "),
            "help": problem.help,
        })
    };
    json!({ "ok": false, "exit_code": BAD_PROFILE, "problems": problems.problems.iter().map(one).collect::<Vec<_>>() })
}

/// Problems as people read them: file, line, caret, what was expected.
#[must_use]
pub fn problems_text(problems: &Problems, colour: bool) -> String {
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let handler = GraphicalReportHandler::new_themed(theme).with_links(false).with_context_lines(1);
    let mut text = String::new();
    for problem in &problems.problems {
        let source = problems.sources.get(problem.source);
        let (name, body) = source.map_or(("", ""), |source| (source.name.as_str(), source.text.as_str()));
        let drawing = Drawing { problem, source: NamedSource::new(name, body.to_owned()) };
        if handler.render_report(&mut text, &drawing).is_err() {
            // Only a formatter that refuses gets here; the plain line says the same.
            let _ = writeln!(text, "{}", problem.message);
        }
    }
    let count = problems.problems.len();
    let noun = if count == 1 { "problem" } else { "problems" };
    let _ = writeln!(text, "{count} {noun}; `jetlag profile schema` and `jetlag profile show` list every key");
    text
}

/// One problem as miette draws it.
#[derive(Debug)]
struct Drawing<'p> {
    problem: &'p Problem,
    source: NamedSource<String>,
}

impl std::fmt::Display for Drawing<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Drawing<'_> {}

impl Diagnostic for Drawing<'_> {
    fn help<'a>(&'a self) -> Option<Box<dyn std::fmt::Display + 'a>> {
        self.problem.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        Some(&self.source)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let span = self.problem.span.clone();
        let label = Some(self.problem.label.clone()).filter(|label| !label.is_empty());
        let label = LabeledSpan::new(label, span.start, span.len());
        Some(Box::new(std::iter::once(label)))
    }
}
