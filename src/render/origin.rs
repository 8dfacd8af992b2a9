//! Where figures come from: command, seed, versions and machine. No figure stands without them.

use super::number;
use crate::model::comparison::Origin;
use crate::model::manifest::Environment;
use crate::model::report::{Report, RunInfo};

/// One line: `jetlag 0.1.0, nats-server 2.12.8, Debian GNU/Linux 12, AMD EPYC 7B13 with 8 logical cores`.
pub(super) fn line(environment: &Environment) -> String {
    let build = if environment.build == "release" { "" } else { " (not a release build: its figures mean little)" };
    let parts = [
        format!("jetlag {}{}{build}", environment.jetlag_version, commit(environment)),
        format!("nats-server {}", environment.server_version),
        environment.os.clone(),
        format!("{} with {}", environment.cpu, number::of(environment.cores.into(), "logical core")),
    ];
    parts.join(", ")
}

/// Everything, name by name.
pub(super) fn details(environment: &Environment) -> Vec<(&'static str, String)> {
    let by = if environment.server_embedded { "started by jetlag" } else { "the user's own" };
    let build = if environment.build == "release" { "" } else { " — not a release build: its figures mean little" };
    vec![
        ("jetlag", format!("{}{} ({}{build})", environment.jetlag_version, commit(environment), environment.build)),
        (
            "nats-server",
            format!("{}, {}, {by}", environment.server_version, number::of(environment.server_nodes.into(), "node")),
        ),
        ("system", format!("{}, kernel {}", environment.os, environment.kernel)),
        ("processor", format!("{}, {}", environment.cpu, number::of(environment.cores.into(), "logical core"))),
        ("memory", number::bytes(environment.memory_bytes)),
    ]
}

/// The commit, as far as people tell commits apart.
fn commit(environment: &Environment) -> String {
    let commit = environment.jetlag_commit.as_deref().map(|commit| commit.chars().take(12).collect::<String>());
    commit.map_or_else(String::new, |commit| format!(" at {commit}"))
}

/// Of several runs: that of the first, and in what the others differ from it.
pub(super) fn of_all(runs: &[(&str, &str, &Report)]) -> Option<Origin> {
    let (_, _, first) = runs.first()?;
    let differences = runs.iter().flat_map(|(name, _, report)| differences(name, report, first)).collect();
    Some(Origin {
        command: first.run.command.clone(),
        seed: first.run.seed,
        started: first.run.started.clone(),
        environment: first.environment.clone(),
        differences,
    })
}

/// In what machine or versions of a run differ from those of another, a sentence each.
pub(super) fn elsewhere(name: &str, here: &Environment, there: &Environment) -> Vec<String> {
    told(name, details(here), details(there))
}

fn differences(name: &str, report: &Report, first: &Report) -> Vec<String> {
    let facts = |run: &RunInfo, environment: &Environment| {
        let mut facts = details(environment);
        facts.extend([("command", run.command.clone()), ("seed", run.seed.to_string())]);
        facts
    };
    let (here, there) = (facts(&report.run, &report.environment), facts(&first.run, &first.environment));
    told(name, here, there)
}

fn told(name: &str, here: Vec<(&str, String)>, there: Vec<(&str, String)>) -> Vec<String> {
    let told = |((what, here), (_, there)): ((&str, String), (&str, String))| {
        (here != there).then(|| format!("{name} differs in {what}: {here}"))
    };
    here.into_iter().zip(there).filter_map(told).collect()
}
