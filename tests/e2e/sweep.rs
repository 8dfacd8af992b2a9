//! Sweeps: made, interrupted, killed, and made to their end without doing anything twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use jetlag::model::report::RunState;
use jetlag::model::sweep::Sweep;
use rustix::process::Signal;
use serde_json::Value;

use crate::place::Place;
use crate::processes::wait_for;

/// Two strategies, two numbers of partitions; runs that are as short as they can be.
const TINY: &str = r#"# Does a sweep go on where it ended?
[sweep]
repeats = 2
[run]
warm-up = "100ms"
measure = "500ms"
drain = "30s"
[load]
rate = "200/s"
[fleet]
members = 2
[limits]
schedule-lag-p99 = "1h"
[[axis]]
name = "strategy"
values = [
    { label = "shared-pull", set = { strategy = { kind = "shared-pull" } } },
    { label = "serial", set = { strategy = { kind = "serial" } } },
]
[[axis]]
key = "stream.partitions"
values = [2, 4]
"#;

/// The folder of the only sweep that was made with `--out out`.
fn folder(place: &Place) -> Option<PathBuf> {
    let mut folders = std::fs::read_dir(place.path().join("out")).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    folders.next().filter(|folder| folder.join("sweep-plan.json").is_file())
}

fn read(folder: &Path) -> Option<Sweep> {
    jetlag::render::sweep::parse(&std::fs::read_to_string(folder.join("sweep.json")).ok()?).ok()
}

/// The id of each whole run of a sweep, by its folder; and that what its report says is what the sweep says.
fn whole_runs(folder: &Path, sweep: &Sweep) -> BTreeMap<String, String> {
    let runs = sweep.cells.iter().flat_map(|cell| &cell.runs).filter(|run| run.state == RunState::Complete);
    let id = |path: &str| {
        let text = std::fs::read_to_string(folder.join(path).join("report.json")).expect("a report of each run");
        jetlag::render::parse(&text).expect("it is a report").run.id
    };
    runs.map(|run| (run.path.clone(), id(&run.path))).collect()
}

#[test]
fn an_interrupted_sweep_is_made_to_its_end_and_nothing_is_made_twice() {
    let place = Place::new();
    place.write("tiny.toml", TINY);
    let live = place.start(place.jetlag(&["sweep", "tiny.toml", "--out", "out"]));
    wait_for("the third run to be judged", || read(&folder(&place)?).filter(|sweep| sweep.made >= 3));
    live.signal(Signal::INT);
    let ended = live.end().ended_with(130);
    place.wait_until_nobody_is_left();
    let folder = folder(&place).expect("it made its folder");
    let resume =
        format!("jetlag sweep tiny.toml --resume {}", folder.strip_prefix(place.path()).expect("it is here").display());
    assert!(ended.err.contains(&resume), "it says how to go on: {}", ended.err);
    let before = whole_runs(&folder, &read(&folder).expect("what there is was written"));
    assert!((3..8).contains(&before.len()), "{before:?}");

    let ended = place.run(&["sweep", "tiny.toml", "--resume", folder.to_str().expect("text"), "--json"]).ended_with(0);
    let said: Value = serde_json::from_str(&ended.out).expect("one JSON object");
    assert_eq!((&said["state"], &said["planned"], &said["made"]), (&"complete".into(), &8.into(), &8.into()), "{said}");
    let sweep = read(&folder).expect("it was written");
    assert!(sweep.cells.iter().all(|cell| cell.runs.len() == 2), "{sweep:#?}");
    let after = whole_runs(&folder, &sweep);
    assert_eq!(after.len(), 8);
    for (path, id) in &before {
        assert_eq!(after.get(path), Some(id), "{path} was made again");
    }
    let seeds = |repeat: u32| {
        let seed = move |cell: usize| {
            let path = format!("{}/manifest.json", sweep_path(&after, cell, repeat));
            let manifest: Value =
                serde_json::from_slice(&std::fs::read(folder.join(path)).expect("a manifest")).expect("JSON");
            manifest["seed"].as_u64()
        };
        (0..4).map(seed).collect::<Vec<_>>()
    };
    assert_eq!(seeds(1), [Some(1); 4]);
    place.wait_until_nobody_is_left();
}

fn sweep_path(runs: &BTreeMap<String, String>, cell: usize, repeat: u32) -> String {
    let is_it =
        |path: &&String| path.starts_with(&format!("{:02}-", cell + 1)) && path.ends_with(&format!("/{repeat}"));
    runs.keys().find(is_it).expect("it was made").clone()
}

#[test]
fn a_sweep_whose_driver_was_killed_is_made_to_its_end() {
    let place = Place::new();
    let text = TINY.replace("repeats = 2", "repeats = 1").replace("values = [2, 4]", "values = [2]");
    place.write("tiny.toml", &text);
    let live = place.start(place.jetlag(&["sweep", "tiny.toml", "--out", "out"]));
    let folder = wait_for("the second run to begin", || {
        folder(&place).filter(|folder| folder.join("02-serial-2/1/journals/driver.jsonl").is_file())
    });
    live.signal(Signal::KILL);
    assert_eq!(live.end().code, None);
    let before = whole_runs(&folder, &read(&folder).expect("the first run was written"));
    assert_eq!(before.len(), 1);
    let path = folder.to_str().expect("text");

    place.write("other.toml", &text.replace("200/s", "300/s"));
    let refused = place.run(&["sweep", "other.toml", "--resume", path]).ended_with(2);
    assert!(refused.err.contains("load.rate of (shared-pull, 2) was \"200/s\", and is \"300/s\""), "{}", refused.err);
    let refused = place.run(&["sweep", "tiny.toml", "--resume", "."]).ended_with(3);
    assert!(refused.err.contains("sweep-plan.json"), "{}", refused.err);

    // A report that cannot be read is no piece of a dead run: nothing is removed.
    let first = folder.join(before.keys().next().expect("one run")).join("report.json");
    let report = std::fs::read_to_string(&first).expect("a report");
    for (text, says) in
        [(report.replacen("jetlag.report/", "jetlag.report/9", 1), "newer jetlag"), ("{".to_owned(), "no JSON object")]
    {
        std::fs::write(&first, text).expect("it can be written");
        let refused = place.run(&["sweep", "tiny.toml", "--resume", path]).ended_with(3);
        assert!(refused.err.contains(says) && refused.err.contains("jetlag analyze"), "{}", refused.err);
    }
    std::fs::write(&first, report).expect("it can be written");

    let ended = place.run(&["sweep", "tiny.toml", "--resume", path]).ended_with(0);
    assert!(ended.err.contains("serial, 2 / 1 is removed and made again: it never ended"), "{}", ended.err);
    let after = whole_runs(&folder, &read(&folder).expect("it was written"));
    assert_eq!(after.len(), 2);
    assert!(before.iter().all(|(path, id)| after.get(path) == Some(id)), "{before:?} {after:?}");
    place.wait_until_nobody_is_left();
}

#[test]
fn a_file_with_three_mistakes_shows_all_three_and_nothing_is_made() {
    let place = Place::new();
    let text =
        TINY.replace("repeats = 2", "repeats = 0").replace("\"200/s\"", "200").replace("stream.part", "stream.prat");
    place.write("wrong.toml", &text);
    let ended = place.run(&["sweep", "wrong.toml", "--out", "out"]).ended_with(2);
    for words in
        ["expected a whole number from 1 to 100", "expected a rate like", "did you mean `partitions`?", "3 problems"]
    {
        assert!(ended.err.contains(words), "{words}\n{}", ended.err);
    }
    assert!(!place.path().join("out").exists());
}

#[test]
fn cells_can_be_chosen_and_the_rest_is_made_later() {
    let place = Place::new();
    place.write("tiny.toml", TINY);
    let words = ["sweep", "tiny.toml", "--out", "out", "--repeats", "1", "--only", "serial*", "--drop-evidence"];
    let ended = place.run(&words).ended_with(0);
    assert!(ended.err.contains("2 of 4 runs left"), "{}", ended.err);
    let folder = folder(&place).expect("it made its folder");
    let sweep = read(&folder).expect("it was written");
    assert_eq!(sweep.cells.iter().map(|cell| cell.runs.len()).collect::<Vec<_>>(), [0, 0, 1, 1]);
    let run = folder.join(&sweep.cells[2].runs[0].path);
    assert!(run.join("report.html").is_file() && run.join("manifest.json").is_file());
    assert!(!run.join("journals").exists() && !run.join("server").exists());
    let refused = place.run(&["sweep", "tiny.toml", "--only", "serail*"]).ended_with(2);
    assert!(refused.err.contains("'serial, 2'"), "{}", refused.err);
    place.wait_until_nobody_is_left();
}
