//! benchstat, of the Go project.

use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::Failed;

use crate::{file, folder, golden, hold, noise, rendered, set, tools};

const MODULE: &str = "golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da";
/// benchstat wants six for an interval of 95 %.
const REPEATS: u32 = 8;

/// The program.
pub(crate) struct Benchstat(PathBuf);

pub(crate) fn tool() -> Result<Benchstat, String> {
    let go = tools::program("go")?;
    let fetch = |folder: &Path| tools::output(Command::new(&go).args(["install", MODULE]).env("GOBIN", folder));
    Ok(Benchstat(tools::kept(MODULE, fetch)?.join("benchstat")))
}

/// Several runs in one file: that the id, the time and the versions differ must not part them.
fn runs(change: f64) -> String {
    let run = |repeat: u32| {
        let mut report = golden("safe");
        report.run.id = format!("run-{repeat}-{change}");
        report.environment.server_version = format!("2.15.{change}");
        set(&mut report, "gap", "max", "fault-kind:kill", 800.0 * noise(repeat) * change);
        set(&mut report, "ordered_per_s", "value", "run", 100.0 * noise(repeat));
        rendered("benchstat", &report)
    };
    (0..REPEATS).map(run).collect()
}

/// The rows of the table of one unit: name, base, its interval, head, its interval, change, p and n.
fn table<'a>(said: &'a str, unit: &str) -> Vec<Vec<&'a str>> {
    let mut rows = said
        .lines()
        .map(|line| line.split(',').collect::<Vec<_>>())
        .skip_while(|row| row.get(1) != Some(&unit))
        .skip(1);
    rows.by_ref().take_while(|row| row.len() > 1 && row[0] != "geomean").collect()
}

/// All runs of a file were taken for repeats of one benchmark.
fn of_eight(row: &[&str]) -> bool {
    row.get(6).is_some_and(|p_and_n| p_and_n.contains(&format!("n={REPEATS}")))
}

fn is_same(row: &[&str]) -> bool {
    row.get(5) == Some(&"~") && of_eight(row)
}

fn compared(tool: &Benchstat, test: &str, change: f64) -> Result<String, Failed> {
    let folder = folder(test);
    let (base, head) = (file(&folder, "base.txt", &runs(1.0)), file(&folder, "head.txt", &runs(change)));
    let files = [format!("base={}", base.display()), format!("head={}", head.display())];
    Ok(tools::output(Command::new(&tool.0).args(["-format", "csv"]).args(files))?)
}

pub(crate) fn slowdown(tool: &Benchstat) -> Result<(), Failed> {
    let said = compared(tool, "benchstat-slowdown", 2.0)?;
    let gaps = table(&said, "gap_max-sec");
    let kill = gaps.iter().find(|row| row[0].contains("/fault=kill-"));
    let found = kill.is_some_and(|row| row.get(5) == Some(&"+100.00%") && of_eight(row));
    hold(found, "the gap after a kill is twice as long, of eight runs each", &said)?;
    let restart = gaps.iter().find(|row| row[0].contains("/fault=restart-"));
    hold(restart.is_some_and(|row| is_same(row)), "the gap after a restart is what it was", &said)?;
    let ordered = table(&said, "ordered-msg/s");
    hold(ordered.len() == 1 && is_same(&ordered[0]), "throughput is one row, and what it was", &said)
}

pub(crate) fn itself(tool: &Benchstat) -> Result<(), Failed> {
    let said = compared(tool, "benchstat-itself", 1.0)?;
    let changed = |line: &&str| !line.starts_with("geomean") && (line.contains(",+") || line.contains(",-"));
    hold(said.lines().find(changed).is_none(), "nothing changed", &said)?;
    for unit in ["end_to_end_p99-sec", "memory_max-B", "lost"] {
        let rows = table(&said, unit);
        hold(!rows.is_empty() && rows.iter().all(|row| is_same(row)), &format!("{unit} is what it was"), &said)?;
    }
    Ok(())
}
