//! Golden runs: committed evidence of real runs, and the reports that it must give, byte for byte.
//!
//! `UPDATE_GOLDEN=1 cargo test --test golden` writes the reports anew: look at what changed before you commit it.
//! `UPDATE_GOLDEN=record` records the runs anew, too, for which there is a reason only when a run should show
//! something else: old evidence must be readable for ever.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use jetlag::model::explanation::View;
use jetlag::model::history::History;
use jetlag::model::report::{Report, RunState};
use jetlag::render::sheet::Sheet;
use jetlag::render::{self, comparison, explain};
use jetlag::{analysis, evidence, metric};

/// Lists the files of which only the used part is committed: their names, and how long they were.
const LENGTHS: &str = "lengths.txt";
/// A golden run must stay small enough to live in the repository.
const BYTES_MAX: u64 = 300_000;

/// A golden run: the name of its folder, and how it ended.
const RUNS: [(&str, RunState); 2] = [("safe", RunState::Complete), ("resume", RunState::Violated)];

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

fn update() -> bool {
    let wanted = std::env::var_os("UPDATE_GOLDEN");
    if wanted.as_deref().is_some_and(|how| how == "record") {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(record);
    }
    wanted.is_some()
}

/// The report of a golden run, made from its evidence.
fn report(name: &str) -> Report {
    metric::report(&history(name))
}

/// The evidence of a golden run, whole again.
fn history(name: &str) -> History {
    let whole = tempfile::tempdir().expect("a temporary folder");
    copy(&golden().join(name), whole.path());
    let lengths = fs::read_to_string(whole.path().join(LENGTHS)).expect("the lengths are there");
    for line in lengths.lines() {
        let (length, file) = line.split_once(' ').expect("a length and a name");
        let file = File::options().write(true).open(whole.path().join(file)).expect("the file is there");
        file.set_len(length.parse().expect("a length")).expect("room for nothing but zeros");
    }
    evidence::load(whole.path()).expect("it is a run")
}

/// Holds `found` against the committed file, or writes that.
fn check(file: &str, found: &str) {
    let path = golden().join(file);
    if update() {
        fs::write(&path, found).expect("tests/golden can be written");
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    if found == expected {
        return;
    }
    let line = found.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
    let line = line.unwrap_or_else(|| found.lines().count().min(expected.lines().count()));
    let shown = |text: &str| text.lines().nth(line).unwrap_or("(nothing)").chars().take(300).collect::<String>();
    panic!(
        "tests/golden/{file} is another from line {} on:\n  committed: {}\n  found:     {}\nif that is meant: UPDATE_GOLDEN=1 cargo test --test golden",
        line + 1,
        shown(&expected),
        shown(found)
    );
}

#[test]
fn golden_runs_give_the_same_reports_byte_for_byte() {
    update();
    for (name, state) in RUNS {
        let report = report(name);
        assert_eq!(report.state, state, "{name}: {:#?}", report.state_reasons);
        for format in [&render::json::FORMAT, &render::html::FORMAT, &render::text::FORMAT] {
            check(&format!("{name}/{}", format.file), &format.render(&report));
        }
    }
}

#[test]
fn what_went_wrong_in_a_golden_run_is_explained_the_same() {
    update();
    let history = history("resume");
    let violations = report("resume").violations;
    let view = View { around_ms: Some(2_000.0), events_max: Some(40) };
    let mut told = String::new();
    for number in 1..=violations.len() as u32 {
        let explanation = analysis::explain(&history, &violations, number, view).expect("it is one of them");
        told += &format!("{}\n{}\n", explain::summary(&explanation, Sheet::FILE), "=".repeat(80));
    }
    assert!(told.lines().all(|line| line.chars().count() <= 80), "it fits a terminal of eighty columns");
    check("resume/report.explained.txt", &told);
}

#[test]
fn golden_runs_side_by_side_give_the_same_comparison() {
    update();
    let reports = RUNS.map(|(name, _)| (name, report(name)));
    let runs: Vec<_> = reports.iter().map(|(name, report)| (*name, *name, report)).collect();
    let compared = comparison::compare(&runs);
    for format in comparison::ALL {
        check(format.file, &format.render(&compared));
    }
}

#[test]
fn golden_evidence_is_small_and_names_no_place_of_the_machine_that_recorded_it() {
    update();
    for (name, _) in RUNS {
        let mut bytes = 0;
        for file in files(&golden().join(name)) {
            let content = fs::read(&file).expect("a golden file");
            // The reports are counted apart: they are no evidence.
            if !file.file_name().is_some_and(|name| name.to_string_lossy().starts_with("report.")) {
                bytes += content.len() as u64;
            }
            let text = String::from_utf8_lossy(&content);
            for place in ["/home/", "/root/", "/tmp/", "/work/", "/Users/"] {
                assert!(!text.contains(place), "{} names {place}", file.display());
            }
        }
        assert!(bytes < BYTES_MAX, "{name} has {bytes} bytes");
        let manifest = fs::read_to_string(golden().join(name).join("manifest.json")).expect("it is there");
        let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("it is JSON");
        assert_eq!(manifest["command"], "jetlag run profile.toml --out out");
    }
}

/// Makes the runs and keeps their evidence. The seed is in the profile; what the machine does is not, so some attempts
/// may be needed until both show what they should.
fn record() {
    let place = tempfile::tempdir().expect("a temporary folder");
    fs::copy(golden().join("profile.toml"), place.path().join("profile.toml")).expect("the profile is there");
    let mut command = Command::new(env!("CARGO_BIN_EXE_jetlag"));
    command.args(["run", "profile.toml", "--out", "out"]).current_dir(place.path());
    let status = command.status().expect("the program starts");
    assert_eq!(status.code(), Some(1), "one run keeps order, the other does not");
    let out =
        fs::read_dir(place.path().join("out")).expect("a folder").next().expect("a run").expect("an entry").path();
    for (name, _) in RUNS {
        let (from, to) = (out.join(name), golden().join(name));
        let _ = fs::remove_dir_all(&to);
        fs::create_dir_all(&to).expect("tests/golden can be written");
        fs::copy(from.join("manifest.json"), to.join("manifest.json")).expect("it is there");
        copy(&from.join("journals"), &to.join("journals"));
        let mut lengths = String::new();
        for file in
            files(&to.join("journals")).into_iter().filter(|file| file.extension().is_some_and(|it| it == "seg"))
        {
            let bytes = fs::read(&file).expect("a segment");
            let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
            fs::write(&file, &bytes[..used]).expect("it can be cut");
            let inside = file.strip_prefix(&to).expect("it lies there").display().to_string();
            lengths += &format!("{} {inside}\n", bytes.len());
        }
        fs::write(to.join(LENGTHS), lengths).expect("tests/golden can be written");
    }
}

fn copy(from: &Path, to: &Path) {
    for file in files(from) {
        let copied = to.join(file.strip_prefix(from).expect("it lies there"));
        fs::create_dir_all(copied.parent().expect("a folder")).expect("a folder can be made");
        fs::copy(&file, copied).expect("a file can be copied");
    }
}

/// All files below a folder, in order.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { files.extend(self::files(&path)) } else { files.push(path) }
    }
    files.sort();
    files
}
