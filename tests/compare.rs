//! `jetlag compare` and `jetlag baseline` from outside: folders of repeats in, verdict and exit code out.
//!
//! The repeats are made from a golden report, with figures planted into them; nothing runs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use jetlag::model::contrast::{Outcome, Taken};
use jetlag::model::reading::Stat;
use jetlag::model::report::{Report, RunState};
use jetlag::render;
use serde_json::Value;

/// Noise around 1, another for each repeat.
const NOISE: [f64; 7] = [1.0, 1.03, 0.98, 1.01, 0.97, 1.02, 0.99];

struct Place {
    folder: tempfile::TempDir,
}

struct Ended {
    code: Option<i32>,
    out: String,
    err: String,
}

impl Place {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder for the test") }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn jetlag(&self, words: &[&str]) -> Ended {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jetlag"));
        let output = command.args(words).current_dir(self.folder.path()).env("NO_COLOR", "1").output();
        let output = output.expect("the program starts");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ended { code: output.status.code(), out: text(&output.stdout), err: text(&output.stderr) }
    }

    /// Writes `number` repeats into a folder, each changed by `change`.
    fn repeats(&self, folder: &str, number: usize, change: impl Fn(usize, &mut Report)) {
        for n in 0..number {
            let mut report = golden();
            report.run.id = format!("{folder}-{n}");
            report.run.started = format!("2026-11-22T00:{n:02}:00Z");
            for reading in report.readings.iter_mut().filter(|reading| reading.unit == "ms") {
                reading.value = reading.value.map(|value| value * NOISE[(n + folder.len()) % NOISE.len()]);
            }
            change(n, &mut report);
            self.write(&format!("{folder}/safe-{}/report.json", n + 1), &render::json::FORMAT.render(&report));
        }
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder can be made");
        fs::write(path, text).expect("a file can be written");
    }
}

impl Ended {
    fn with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}{}", self.out, self.err);
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}", self.out))
    }

    /// It said so, and nothing like a table came with it.
    fn refused(self, code: i32, says: &[&str]) {
        let ended = self.with(code);
        assert_eq!(ended.out, "");
        for says in says {
            assert!(ended.err.contains(says), "{says}: {}", ended.err);
        }
    }
}

/// A complete run with faults.
fn golden() -> Report {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/safe/report.json");
    render::parse(&fs::read_to_string(path).expect("it is there")).expect("it is a report")
}

fn scale(report: &mut Report, metric: &str, factor: f64) {
    let of_metric =
        |reading: &&mut jetlag::model::reading::Reading| reading.metric == metric && reading.stat != Stat::Count;
    for reading in report.readings.iter_mut().filter(of_metric) {
        reading.value = reading.value.map(|value| value * factor);
    }
}

fn set(report: &mut Report, metric: &str, value: f64) {
    report.readings.iter_mut().filter(|it| it.metric == metric).for_each(|it| it.value = Some(value));
}

#[test]
fn a_planted_slowdown_is_found_and_the_same_again_is_not_worse() {
    let place = Place::new();
    place.repeats("base", 7, |_, _| {});
    place.repeats("again", 7, |_, _| {});
    place.repeats("slow", 7, |_, report| scale(report, "end_to_end", 1.5));
    let named = place.jetlag(&["compare", "old=base", "new=again", "--json"]).with(0).json();
    assert_eq!((&named["pairs"][0]["base"], &named["pairs"][0]["side"]), (&"old".into(), &"new".into()));
    let ended = place.jetlag(&["compare", "base", "again", "slow", "--json"]).with(0).json();
    assert_eq!(ended["outcome"], "worse");
    assert_eq!(ended["pairs"][0]["worse"], serde_json::json!([]));
    assert_eq!(ended["pairs"][1]["worse"], serde_json::json!(["end_to_end p50", "end_to_end p99"]));
    assert_eq!(ended["sides"][1]["taken"], 7);

    let document = place.jetlag(&["compare", "base", "slow", "--format", "json"]).with(0);
    let document = render::contrast::parse(&document.out).expect("it is a contrast");
    let slow = document.pairs[0].rows.iter().find(|row| row.metric == "end_to_end" && row.stat == Stat::P50);
    let interval = slow.and_then(|row| row.interval).expect("it was compared");
    assert!(interval.low > 1.3 && interval.high.is_some_and(|high| high < 1.7), "{interval:?}");
}

#[test]
fn a_rise_of_violations_is_worse_in_a_single_run_of_many() {
    let place = Place::new();
    place.repeats("base", 3, |_, _| {});
    place.repeats("broken", 3, |n, report| {
        if n == 1 {
            report.state = RunState::Violated;
            set(report, "order_violations", 1.0);
        }
    });
    let ended = place.jetlag(&["compare", "base", "broken", "--json"]).with(0).json();
    assert_eq!(ended["pairs"][0]["worse"], serde_json::json!(["order_violations"]));
    let text = place.jetlag(&["compare", "base", "broken"]).with(0).out;
    assert!(text.contains("safe-2 is violated, only its counts of what went wrong are taken"), "{text}");
}

#[test]
fn every_format_goes_to_a_file_and_the_ending_says_which() {
    let place = Place::new();
    place.repeats("base", 3, |_, _| {});
    place.repeats("head", 3, |_, _| {});
    for (file, says) in
        [("c.html", "<!DOCTYPE html>"), ("c.md", "## "), ("c.txt", "base"), ("c.json", "jetlag.contrast/1")]
    {
        let ended = place.jetlag(&["compare", "base", "head", "--out", file]).with(0);
        assert!(ended.out.ends_with(&format!("\n{file}\n")), "{}", ended.out);
        assert!(fs::read_to_string(place.path(file)).expect("it was written").contains(says), "{file}");
    }
    place.jetlag(&["compare", "base", "head", "--out", "c.pdf"]).refused(2, &["its ending tells no format"]);
}

#[test]
fn variants_in_one_folder_are_one_side_each_in_the_order_in_which_they_ran() {
    let place = Place::new();
    place.repeats("runs", 6, |n, report| {
        let (variant, ttl) = if n < 3 { ("zebra", "1s") } else { ("ant", "4s") };
        report.run.variant = Some(variant.to_owned());
        report.settings["strategy"]["ttl"] = ttl.into();
    });
    place.write("runs/notes/readme.txt", "no run");
    let document = place.jetlag(&["compare", "runs", "--format", "json"]).with(0);
    let document = render::contrast::parse(&document.out).expect("it is a contrast");
    let names: Vec<&str> = document.sides.iter().map(|side| side.name.as_str()).collect();
    assert_eq!(names, ["zebra", "ant"]);
    assert_eq!(document.pairs[0].differences[0].what, "strategy.ttl");
}

#[test]
fn what_several_runs_with_repeats_left_is_one_side() {
    let place = Place::new();
    place.repeats("base/first", 2, |n, report| report.run.id = format!("first-{n}"));
    place.repeats("base/second", 2, |n, report| report.run.id = format!("second-{n}"));
    place.repeats("head", 3, |_, _| {});
    let ended = place.jetlag(&["compare", "base", "head", "--json"]).with(0).json();
    assert_eq!((&ended["sides"][0]["name"], &ended["sides"][0]["repeats"]), (&"base".into(), &4.into()));
}

#[test]
fn what_differs_and_was_not_asked_for_is_told_with_exit_code_5() {
    let place = Place::new();
    place.repeats("base", 3, |_, _| {});
    place.repeats("other", 3, |_, report| {
        report.settings["strategy"]["ttl"] = "4s".into();
        report.environment.cores = 64;
    });
    let ended = place.jetlag(&["compare", "base", "other"]).with(5);
    for says in ["host.cores: 2 → 64", "strategy.ttl: 1s → 4s", "--vary", "--force"] {
        assert!(ended.out.contains(says), "{says}: {}", ended.out);
    }
    assert!(!ended.out.contains("ordered_per_s"), "{}", ended.out);
    place.jetlag(&["compare", "base", "other", "--vary", "strategy"]).with(5);
    place.jetlag(&["compare", "base", "other", "--vary", "strategy", "--vary", "host"]).with(0);
    let forced = place.jetlag(&["compare", "base", "other", "--force"]).with(0);
    assert!(forced.out.contains("Not comparable, and compared all the same"), "{}", forced.out);
}

#[test]
fn a_run_that_cannot_be_read_or_trusted_is_named_with_the_remedy_and_no_table() {
    let place = Place::new();
    place.repeats("base", 3, |_, _| {});
    place.repeats("head", 3, |_, _| {});
    let whole = fs::read_to_string(place.path("head/safe-2/report.json")).expect("it is there");
    let spoilt = |text: &str, code: i32, says: &[&str]| {
        place.write("head/safe-2/report.json", text);
        place.jetlag(&["compare", "base", "head"]).refused(code, says);
    };
    spoilt(&whole[..whole.len() / 2], 3, &["head/safe-2/report.json", "jetlag analyze"]);
    spoilt(&whole.replace("jetlag.report/1", "jetlag.report/9"), 3, &["safe-2", "newer jetlag"]);
    spoilt("{\"schema\": \"iggy/1\"}", 3, &["safe-2", "'iggy/1'", "name a run folder"]);
    spoilt(
        &whole.replace("\"profile\": \"profile\"", "\"profile\": \"soak\""),
        3,
        &["several profiles (profile, soak)"],
    );
    fs::remove_file(place.path("head/safe-2/report.json")).expect("it was there");
    place.write("head/safe-2/manifest.json", "{}");
    place
        .jetlag(&["compare", "base", "head"])
        .refused(3, &["head/safe-2 has evidence and no report", "jetlag analyze"]);

    place.repeats("bad", 2, |_, report| report.state = RunState::Invalid);
    place.jetlag(&["compare", "base", "bad"]).refused(4, &["no run of bad can be compared", "safe-1 is invalid"]);
    place.jetlag(&["compare", "base", "nowhere"]).refused(3, &["no file or folder nowhere", "baseline"]);
    place.jetlag(&["compare", "base", "base"]).refused(2, &["compared with itself"]);
    place.jetlag(&["compare", "base"]).refused(2, &["one side alone"]);
    place.write("empty/x", "");
    place.jetlag(&["compare", "base", "empty"]).refused(3, &["empty holds no run"]);
}

#[test]
fn some_runs_that_cannot_be_trusted_are_left_out_by_name() {
    let place = Place::new();
    place.repeats("base", 4, |_, _| {});
    place.repeats("head", 4, |n, report| {
        if n == 0 {
            report.state = RunState::Interrupted;
            scale(report, "end_to_end", 1e6);
        }
    });
    let document = place.jetlag(&["compare", "base", "head", "--format", "json"]).with(0);
    let document = render::contrast::parse(&document.out).expect("it is a contrast");
    assert_eq!(document.sides[1].runs[0].taken, Taken::Nothing);
    assert_ne!(document.outcome, Outcome::Worse);
}

#[test]
fn a_baseline_is_kept_compared_replaced_and_removed() {
    let place = Place::new();
    place.repeats("base", 7, |_, _| {});
    place.repeats("slow", 7, |_, report| scale(report, "end_to_end", 2.0));
    place.jetlag(&["baseline", "save", "main", "base", "--note", "before the change"]).with(0);
    let file = fs::read_to_string(place.path("results/baselines/main.json")).expect("it was written");
    let schema: Value = serde_json::from_str(&render::schema::baseline()).expect("a schema is JSON");
    let value = serde_json::from_str(&file).expect("a baseline is JSON");
    assert!(jsonschema::validator_for(&schema).expect("it is a schema").is_valid(&value));

    // By name, by file, and still when the runs are gone.
    place.jetlag(&["compare", "main", "base"]).refused(2, &["compared with itself"]);
    fs::remove_dir_all(place.path("base")).expect("it was there");
    for base in ["main", "results/baselines/main.json"] {
        let ended = place.jetlag(&["compare", base, "slow", "--json"]).with(0).json();
        assert_eq!((&ended["outcome"], &ended["pairs"][0]["base"]), (&"worse".into(), &"main".into()));
    }
    assert!(
        place.jetlag(&["baseline", "list"]).with(0).out.starts_with("main  profile / safe, lease-group, 7 repeats")
    );
    assert!(place.jetlag(&["baseline", "show", "main"]).with(0).out.contains("before the change"));

    place.jetlag(&["baseline", "save", "main", "slow"]).refused(2, &["is there already", "--replace"]);
    place.jetlag(&["baseline", "save", "main", "slow/safe-1", "slow/safe-2", "--replace"]).with(0);
    let listed = place.jetlag(&["baseline", "list", "--json"]).with(0).json();
    assert_eq!(listed["baselines"][0]["repeats"], 2);

    place.write("results/baselines/torn.json", &file[..file.len() / 3]);
    let ended = place.jetlag(&["baseline", "list"]).with(3);
    assert!(ended.out.starts_with("main") && ended.err.contains("torn.json"), "{}{}", ended.out, ended.err);
    place.write("results/baselines/torn.json", &file.replace("jetlag.baseline/1", "jetlag.baseline/2"));
    place.jetlag(&["compare", "torn", "slow"]).refused(3, &["torn.json", "newer jetlag"]);

    place.jetlag(&["baseline", "rm", "main"]).with(0);
    place.jetlag(&["baseline", "rm", "main"]).refused(3, &["there is no baseline main"]);
}

#[test]
fn only_complete_repeats_become_a_baseline() {
    let place = Place::new();
    place.repeats("base", 2, |_, _| {});
    place.repeats("bad", 3, |n, report| {
        report.state = [RunState::Complete, RunState::Invalid, RunState::Violated][n];
    });
    place.repeats("other", 1, |_, report| report.settings["load"]["rate"] = "1/s".into());
    let save = |words: &[&str]| place.jetlag(&[&["baseline", "save", "main"], words].concat());
    save(&["bad"]).refused(4, &["safe-2 is invalid", "safe-3 is violated"]);
    save(&["base", "other"]).refused(5, &["no repeats of each other", "load.rate"]);
    save(&["base", "base/safe-1"]).refused(2, &["base-0"]);
    place.jetlag(&["baseline", "save", "../main", "base"]).refused(2, &["no name for a baseline"]);
    assert!(!place.path("results/baselines/main.json").exists() && !place.path("main.json").exists());
}
