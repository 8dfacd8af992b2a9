//! The front door: words in, exit code out.
//!
//! Here alone errors become text and exit codes, and here alone the terminal is written to.

mod analyze;
mod baseline;
mod clean;
mod compare;
mod doctor;
mod exit;
mod explain;
mod external;
mod gate;
pub mod list;
mod make;
mod manual;
mod metrics;
mod out;
pub mod profile;
mod progress;
mod report;
mod run;
mod search;
mod server;
mod source;
mod sweep;

use std::ffi::OsString;
use std::io::IsTerminal;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::process::{self, reaper};
use crate::relay;
use crate::worker;
use out::{err, out};

/// Measures what it costs NATS JetStream to keep messages in order, and proves whether the order held.
#[derive(Debug, Parser)]
#[command(name = "jetlag", version = process::VERSION, max_term_width = 100, after_help = exit::HELP)]
struct Words {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a profile and report what happened.
    Run(run::RunArgs),
    /// Run a grid of settings, and lay them side by side as they come.
    Sweep(sweep::SweepArgs),
    /// Search the greatest rate that is sustained in order.
    Search(search::SearchArgs),
    /// Judge the evidence of a run again, and write its reports again.
    Analyze(analyze::AnalyzeArgs),
    /// Show how a violation came about: the history of its key and its partition around it.
    Explain(explain::ExplainArgs),
    /// Render the report of a run again, from its report.json.
    Report(report::ReportArgs),
    /// Say whether runs are better or worse than others, and whether that is more than noise.
    Compare(compare::CompareArgs),
    /// Let runs pass, or not: by rules and against a base. Makes the runs when asked to.
    Gate(Box<gate::GateArgs>),
    /// Keep runs under a name, for later ones to be held against.
    #[command(subcommand)]
    Baseline(baseline::BaselineCommand),
    /// Remove what a run whose driver died left on your own server.
    Clean(clean::CleanArgs),
    /// Look at this machine: what runs made here will suffer from, and what to do about it.
    Doctor(doctor::DoctorArgs),
    /// List what there is: profiles, sweeps, strategies, faults, hazards, metrics, formats.
    List(list::ListArgs),
    /// Check, show or describe profiles.
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// Try a program of your own as a member.
    #[command(subcommand)]
    External(external::ExternalCommand),
    /// Print what completes these words in a shell.
    Completions(manual::CompletionsArgs),
    /// Print the manual page, or write one for each subcommand.
    Man(manual::ManArgs),
    /// A publisher or consumer; started by `run`.
    #[command(hide = true)]
    Worker,
    /// Ends all other processes when `run` dies; started by `run`.
    #[command(hide = true, name = reaper::SUBCOMMAND)]
    Reaper,
    /// Stands between clients and servers, so that the network between them can fail; started by `run`.
    #[command(hide = true, name = relay::SUBCOMMAND)]
    Relay,
}

/// The whole program.
#[must_use]
pub fn main() -> ExitCode {
    let typed: Vec<OsString> = std::env::args_os().collect();
    let words = match Words::try_parse_from(&typed) {
        Ok(words) => words,
        Err(error) => {
            let _ = error.print();
            if !error.use_stderr() {
                return exit::GOOD;
            }
            if typed.iter().skip(1).take_while(|word| *word != "--").any(|word| word == "--json") {
                exit::say_json(&refusal(&error.to_string()), exit::ARGUMENTS);
            }
            return ExitCode::from(exit::ARGUMENTS);
        }
    };
    match words.command {
        Command::Run(args) => logged(|| run::run(&args, &typed)),
        Command::Sweep(args) => logged(|| sweep::run(&args, &typed)),
        Command::Search(args) => logged(|| search::run(&args, &typed)),
        Command::Analyze(args) => logged(|| analyze::run(&args)),
        Command::Explain(args) => explain::run(&args),
        Command::Report(args) => report::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Gate(args) => logged(|| gate::run(&args, &typed)),
        Command::Baseline(command) => baseline::run(&command),
        Command::Clean(args) => logged(|| clean::run(&args)),
        Command::Doctor(args) => logged(|| doctor::run(&args, &typed)),
        Command::List(args) => {
            let text = list::run(&args, &report::metrics(), &report::formats());
            out!("{text}");
            exit::GOOD
        }
        Command::Profile(command) => {
            let answer = profile::run(&command);
            err!("{}", answer.err);
            out!("{}", answer.out);
            ExitCode::from(answer.code)
        }
        Command::External(command) => logged(|| external::run(&command)),
        Command::Completions(args) => manual::completions(&args, Words::command()),
        Command::Man(args) => manual::man(&args, Words::command()),
        Command::Worker => logged(worker::run),
        Command::Relay => relay::run(),
        Command::Reaper => match reaper::run() {
            Ok(()) => exit::GOOD,
            Err(error) => exit::environment(&error, false),
        },
    }
}

/// What was refused, in one line: the first paragraph of what clap says. The rest is usage and tips.
fn refusal(said: &str) -> String {
    let paragraph = said.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    paragraph.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Logs go to standard error, as much as `JETLAG_LOG` asks for (`info`, `jetlag=debug`, …).
fn logged(deed: impl FnOnce() -> ExitCode) -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("JETLAG_LOG")
        .unwrap_or_else(|_| "jetlag=warn,lease_group=warn".into());
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(may_colour(&std::io::stderr()))
        .try_init();
    deed()
}

/// Whether `stream` may be coloured: it is a terminal and nobody objects (no-color.org).
fn may_colour(stream: &impl IsTerminal) -> bool {
    stream.is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Subcommands without `--json`, and why.
    const NOT_FOR_MACHINES: [(&str, &str); 3] = [
        ("profile schema", "what it prints is JSON"),
        ("completions", "what it prints is for a shell"),
        ("man", "what it prints is for man"),
    ];

    /// All that can be typed: the words, and whether there is `--json`.
    fn typed(command: &clap::Command, before: &str) -> Vec<(String, bool)> {
        let below = command.get_subcommands().filter(|it| !it.is_hide_set() && it.get_name() != "help");
        let all: Vec<_> = below.flat_map(|it| typed(it, &format!("{before} {}", it.get_name()))).collect();
        if all.is_empty() {
            let has_json = command.get_arguments().any(|argument| argument.get_long() == Some("json"));
            return vec![(before.trim_start().to_owned(), has_json)];
        }
        all
    }

    #[test]
    fn every_subcommand_speaks_to_machines_or_says_why_not() {
        let all = typed(&Words::command(), "");
        assert!(all.len() > 18, "{all:?}");
        for (words, has_json) in &all {
            let reason = NOT_FOR_MACHINES.iter().find(|(name, _)| name == words);
            assert_eq!(*has_json, reason.is_none(), "jetlag {words}: --json, or a reason why not ({reason:?})");
        }
        for (words, _) in NOT_FOR_MACHINES {
            assert!(all.iter().any(|(name, _)| name == words), "there is no jetlag {words}");
        }
    }
}
