//! The readers that are Python packages, each in a folder of its own; what they read comes back as JSON.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use jetlag::model::live::{About, Latency, Live, Progress};
use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::Report;
use jetlag::model::story::Phase;
use libtest_mimic::Failed;
use serde_json::Value;

use crate::{file, folder, golden, hold, noise, rendered, set, tools};

/// A Python that sees one package and what that needs.
pub(crate) struct Python {
    program: PathBuf,
    packages: Option<PathBuf>,
}

impl Python {
    fn with(package: &str) -> Result<Self, String> {
        let program = tools::program("python3")?;
        let fetch = |folder: &Path| {
            let pip =
                ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--retries", "1", "--timeout", "20"];
            tools::output(Command::new(&program).args(pip).arg("--target").arg(folder).arg(package))
        };
        let packages = tools::kept(package, fetch)?;
        Ok(Self { program, packages: Some(packages) })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env_remove("PYTHONPATH");
        if let Some(packages) = &self.packages {
            command.env("PYTHONPATH", packages);
        }
        command
    }

    /// What `script`, beside this file, reads from a file.
    fn reads(&self, script: &str, path: &Path) -> Result<Value, Failed> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/format_readers").join(script);
        let said = tools::output(self.command().arg(script).arg(path))?;
        Ok(serde_json::from_str(&said)?)
    }
}

pub(crate) fn alone() -> Result<Python, String> {
    Ok(Python { program: tools::program("python3")?, packages: None })
}

pub(crate) fn hdrhistogram() -> Result<Python, String> {
    Python::with("hdrhistogram==0.10.8")
}

pub(crate) fn prometheus_client() -> Result<Python, String> {
    Python::with("prometheus_client==0.26.0")
}

pub(crate) fn junitparser() -> Result<Python, String> {
    Python::with("junitparser==5.0.3")
}

pub(crate) fn otava() -> Result<Python, String> {
    Python::with("apache-otava==0.8.0")
}

pub(crate) fn csv(python: &Python) -> Result<(), Failed> {
    let report = golden("resume");
    let path = file(&folder("csv"), "report.csv", &rendered("csv", &report));
    let read = python.reads("read_csv.py", &path)?;
    let rows = read.as_array().map_or(0, Vec::len);
    hold(rows == report.readings.len(), "a row a reading", &read.to_string())?;
    for (row, reading) in read.as_array().into_iter().flatten().zip(&report.readings) {
        let same = row["metric"] == reading.metric
            && row["scope"] == reading.scope.to_string()
            && row["value"].as_f64() == reading.value
            && row["state"] == "violated";
        hold(same, &format!("{reading:?} came back"), &row.to_string())?;
    }
    Ok(())
}

pub(crate) fn hlog(python: &Python) -> Result<(), Failed> {
    let report = golden("safe");
    let path = file(&folder("hlog"), "latency.hlog", &rendered("hlog", &report));
    let read = python.reads("read_hlog.py", &path)?;
    let said = read.to_string();
    let value = |metric: &str, stat: Stat| {
        report.readings.iter().find(|it| it.metric == metric && it.stat == stat && it.scope == Scope::Run)?.value
    };
    let intervals = read["intervals"].as_array().cloned().unwrap_or_default();
    hold(intervals.len() == 7 && intervals[0]["tag"].is_null(), "seven latencies, the headline first and bare", &said)?;
    for interval in &intervals {
        let metric = interval["tag"].as_str().unwrap_or("end_to_end");
        hold(interval["count"].as_f64() == value(metric, Stat::Count), &format!("{metric}: all observations"), &said)?;
        for (name, stat) in [("mean_ns", Stat::Mean), ("max_ns", Stat::Max)] {
            let (Some(theirs), Some(ours)) = (interval[name].as_f64(), value(metric, stat)) else {
                return Err(format!("{metric}: {name} is missing\n{said}").into());
            };
            // Three significant digits in the histogram, whole microseconds in the report.
            let near = (theirs / 1e6 - ours).abs() <= ours * 2e-3 + 1e-3;
            hold(near, &format!("{metric}: {name} {theirs} is {ours} ms"), &said)?;
        }
    }
    let started = report.run.started.parse::<jiff::Timestamp>()?.as_millisecond() as f64;
    let measured = report.run.phases.iter().find(|phase| phase.phase == jetlag::model::story::Phase::Measure);
    let measured = measured.ok_or("the golden run was measured")?;
    hold(read["start_s"].as_f64() == Some(started / 1e3), "the log starts with the run", &said)?;
    let from = intervals[0]["from_ms"].as_f64().unwrap_or_default();
    hold((from - started - measured.from_ms).abs() < 2.0, "the interval is the measure phase, on the wall clock", &said)
}

pub(crate) fn openmetrics(python: &Python) -> Result<(), Failed> {
    let report = hostile(golden("safe"));
    let path = file(&folder("openmetrics"), "openmetrics.txt", &rendered("openmetrics", &report));
    let read = python.reads("read_openmetrics.py", &path)?;
    let said = read.to_string();
    let observed = report.readings.iter().filter(|reading| reading.value.is_some()).count();
    let samples = read.as_array().cloned().unwrap_or_default();
    // One that says what was run, and one for each of the four states.
    hold(samples.len() == observed + 5, "a sample for each reading that was observed", &said)?;
    let find = |name: &str, labels: &[(&str, &str)]| {
        samples.iter().find(|it| it["name"] == name && labels.iter().all(|(key, value)| it["labels"][*key] == *value))
    };
    let gap = find("jetlag_gap_seconds", &[("scope", "fault-kind"), ("fault_kind", "kill"), ("stat", "max")]);
    hold(gap.is_some_and(|it| it["value"] == 0.865784), "the gap is in seconds", &said)?;
    let memory = find("jetlag_memory_max_bytes", &[("process", "server")]);
    hold(memory.is_some_and(|it| it["value"].as_f64() > Some(1e7)), "memory is in bytes", &said)?;
    let state = find("jetlag_run_state", &[("jetlag_run_state", "complete")]);
    hold(state.is_some_and(|it| it["value"] == 1.0), "the run is complete", &said)?;
    let same = samples.iter().all(|it| it["labels"]["variant"] == HOSTILE && it["stamp_s"].is_number());
    hold(same, "labels come back as they were, and every sample has its time", &said)
}

pub(crate) fn openmetrics_of_a_live_run(python: &Python) -> Result<(), Failed> {
    let about = About { run: "0199".to_owned(), variant: Some(HOSTILE.to_owned()), seed: 7, ..About::default() };
    let mut live = Live { about: Some(about), ..Live::default() };
    let latency = Latency { p99: Duration::from_millis(25), ..Latency::default() };
    live.note_progress(&Progress {
        phase: Some(Phase::Measure),
        offered_per_s: Some(2_000.0),
        stored: 12_345,
        latency: Some(latency),
        owners: vec![Some(1), None, None],
        next_fault: Some(("kill".to_owned(), Duration::from_millis(3_500))),
        ..Progress::default()
    });
    live.note_fault("kill", "it struck".to_owned());
    let path = file(&folder("live"), "live.txt", &jetlag::render::live::openmetrics(&live));
    let read = python.reads("read_openmetrics.py", &path)?;
    let said = read.to_string();
    let samples = read.as_array().cloned().unwrap_or_default();
    let value = |name: &str, key: &str, label: &str| {
        let is_it = |it: &&Value| it["name"] == name && (key.is_empty() || it["labels"][key] == label);
        samples.iter().find(is_it).and_then(|it| it["value"].as_f64())
    };
    for (name, key, label, expected) in [
        ("jetlag_run_info", "seed", "7", 1.0),
        ("jetlag_phase", "jetlag_phase", "measure", 1.0),
        ("jetlag_phase", "jetlag_phase", "drain", 0.0),
        ("jetlag_messages_stored_total", "", "", 12_345.0),
        ("jetlag_end_to_end_seconds", "stat", "p99", 0.025),
        ("jetlag_partitions_unowned", "", "", 2.0),
        ("jetlag_faults_total", "fault_kind", "kill", 1.0),
        ("jetlag_next_fault_seconds", "fault_kind", "kill", 3.5),
    ] {
        hold(value(name, key, label) == Some(expected), &format!("{name} {label} is {expected}"), &said)?;
    }
    hold(samples.iter().all(|it| it["labels"]["variant"] == HOSTILE), "labels come back as they were", &said)
}

/// A name with everything that a format has to escape.
const HOSTILE: &str = "a \"b\", {c} \\ d\ne & <f>";

fn hostile(mut report: Report) -> Report {
    report.run.variant = Some(HOSTILE.to_owned());
    report
}

pub(crate) fn junit(python: &Python) -> Result<(), Failed> {
    let mut invalid = hostile(golden("safe"));
    invalid.state = jetlag::model::report::RunState::Invalid;
    invalid.state_reasons = vec!["c1.1 died <unasked> & without a word".to_owned()];
    for (name, report, expected) in [
        // Tests, failures, errors, skipped. The strategy of `resume` promises no exclusion.
        ("safe", golden("safe"), [6, 0, 0, 0]),
        ("resume", golden("resume"), [6, 1, 0, 1]),
        // Nothing passes on evidence that cannot be trusted.
        ("invalid", invalid, [6, 0, 1, 5]),
    ] {
        let path = file(&folder("junit"), &format!("{name}.xml"), &rendered("junit", &report));
        let read = python.reads("read_junit.py", &path)?;
        let counts = ["tests", "failures", "errors", "skipped"].map(|key| read[key].as_u64().unwrap_or(u64::MAX));
        hold(counts == expected, &format!("{name}: {expected:?}"), &read.to_string())?;
        let said = read["said"].to_string();
        hold(name != "resume" || said.contains("1 skipped, 1 late"), "the failure says what broke", &said)?;
        hold(name != "invalid" || said.contains("<unasked> &"), "the error says why", &said)?;
    }
    Ok(())
}

pub(crate) fn junit_of_a_gate(python: &Python) -> Result<(), Failed> {
    let digest = |id: &str, name: &str| {
        let mut digest = jetlag::contrast::digest(&golden(name));
        digest.run.id = id.to_owned();
        digest
    };
    let head = jetlag::contrast::Group {
        name: "head <1>".to_owned(),
        source: "runs/head".to_owned(),
        runs: vec![("run".to_owned(), digest("one", "safe"))],
    };
    let base = jetlag::contrast::Group { runs: vec![("run".to_owned(), digest("two", "safe"))], ..head.clone() };
    let rules = [("lost", "= 0"), ("gap.max", "< 1ms"), ("gap.max@pause", "< 1s")];
    let rules = rules.iter().filter_map(|(subject, limit)| jetlag::gate::Rule::parse(subject, limit).ok()).collect();
    let question = jetlag::gate::Question { rules, repeats_min: 1, repeats_max: 1, ..Default::default() };
    let gate = jetlag::gate::judge(&question, &head, Some(&base), "jetlag gate a & b")?.ok_or("there is a run")?;
    let xml = jetlag::render::gate::format("junit").ok_or("it is listed")?.render(&gate);
    let path = file(&folder("junit"), "gate.xml", &xml);
    let read = python.reads("read_junit.py", &path)?;
    let said = read.to_string();
    let undecided = gate
        .timing
        .iter()
        .flat_map(|timing| &timing.quantities)
        .filter(|row| row.rule != jetlag::model::contrast::Rule::AnyRise)
        .count();
    hold(read["failures"] == 1 && read["errors"] == 1, "one rule is broken, and one was not observed", &said)?;
    hold(read["skipped"].as_u64() == Some(undecided as u64), "one run a side decides no timing", &said)?;
    hold(said.contains("is not < 1ms") && said.contains("fewer than half"), "the figures are there", &said)
}

pub(crate) fn change(python: &Python) -> Result<(), Failed> {
    let folder = folder("otava");
    let mut history = String::new();
    for day in 1..=24u32 {
        let mut report = golden("safe");
        report.run.started = format!("2026-10-{day:02}T06:00:00.123Z");
        report.run.id = format!("run-{day}");
        let planted = if day > 12 { 2.0 } else { 1.0 };
        set(&mut report, "gap", "max", "fault-kind:kill", 800.0 * noise(day) * planted);
        set(&mut report, "ordered_per_s", "value", "run", 100.0 * noise(day));
        let rows = rendered("otava", &report);
        // As docs/formats.md says it: the header once, then a row a run.
        history.extend(rows.lines().skip(usize::from(day > 1)).map(|row| format!("{row}\n")));
    }
    let table = file(&folder, "history.csv", &history);
    let settings = format!(
        "tests:\n  jetlag:\n    type: csv\n    file: {}\n    time_column: time\n    attributes: [run, nats_server]\n    metrics:\n      \
         ordered: {{column: ordered_per_s, direction: 1}}\n      gap: {{column: gap_max_kill, direction: -1}}\n",
        table.display()
    );
    let settings = file(&folder, "otava.yaml", &settings);
    let mut command = python.command();
    command.args(["-c", "from otava.main import main; main()", "analyze", "--config-file"]).arg(settings);
    let said = tools::output(command.args(["jetlag", "--since", "2026-09-01", "--output", "json"]))?;
    let found: Value = serde_json::from_str(&said).map_err(|error| format!("{error}\n{said}"))?;
    let changes: Vec<&Value> = found["jetlag"].as_array().into_iter().flatten().collect();
    let metrics: Vec<_> = changes.iter().flat_map(|it| it["changes"].as_array().into_iter().flatten()).collect();
    let one = metrics.len() == 1 && metrics[0]["metric"] == "gap";
    hold(one, "one change, and it is in the gap", &said)?;
    let percent = metrics[0]["forward_change_percent"].to_string();
    let percent: f64 = percent.trim_matches('"').parse().unwrap_or_default();
    hold((percent - 100.0).abs() < 2.0, "the gap has doubled", &said)
}
