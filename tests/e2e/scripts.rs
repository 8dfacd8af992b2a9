//! The scripts that make committed results, on the smallest thing that they can be asked.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::place::Place;

#[test]
fn the_matrix_of_versions_shows_what_ran_and_what_was_refused() {
    let place = Place::new();
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/version-matrix"));
    script.arg("matrix");
    place.at_home(&mut script);
    script.env("JETLAG", env!("CARGO_BIN_EXE_jetlag"));
    script.env("VERSIONS", "2.10.26").env("NODES", "1").env("STRATEGIES", "serial pinned");
    let ended = place.start(script).end().ended_with(0);
    assert_eq!(ended.out, "matrix/README.md\n");

    let read = |name: &str| std::fs::read_to_string(place.path().join("matrix").join(name)).expect("it was written");
    let matrix: Value = serde_json::from_str(&read("matrix.json")).expect("it is JSON");
    let cells = matrix["cells"].as_array().expect("a list");
    let [serial, pinned] = cells.as_slice() else { panic!("two strategies on one server: {cells:?}") };
    assert_eq!((&serial["strategy"], &serial["state"]), (&Value::from("serial"), &Value::from("complete")));
    assert_eq!((serial["lost"].as_f64(), serial["order_violations"].as_f64()), (Some(0.0), Some(0.0)));
    assert_eq!((&pinned["strategy"], &pinned["state"]), (&Value::from("pinned"), &Value::from("refused")));
    let why = pinned["refusal"].as_str().expect("it says why");
    let readme = read("README.md");
    for words in ["2.10.26", "2.11"] {
        assert!(why.contains(words), "{why}");
    }
    assert!(readme.contains("| `pinned` | refused |") && readme.contains(why), "{readme}");
    place.wait_until_nobody_is_left();
}

/// A script that works for this test alone.
fn script(place: &Place, name: &str, words: &[&str]) -> Command {
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts").join(name));
    script.args(words);
    place.at_home(&mut script);
    // What it keeps and locks it keeps there; what CI says is said by the test.
    script.env("CARGO_TARGET_DIR", place.path().join("target")).env_remove("GITHUB_BASE_REF");
    script.env_remove("GITHUB_STEP_SUMMARY").env_remove("CI_MERGE_REQUEST_DIFF_BASE_SHA");
    script
}

#[test]
fn a_commit_that_is_not_there_is_named_before_anything_is_built() {
    let place = Place::new();
    for (name, words) in [
        ("bench-compare", &["no-such-commit"][..]),
        ("bench-compare", &["HEAD", "no-such-commit"][..]),
        ("ci-regression", &["--base", "no-such-commit"][..]),
    ] {
        let ended = place.start(script(&place, name, words)).end().ended_with(2);
        assert!(ended.err.contains("`no-such-commit`"), "{name}: {}", ended.err);
        assert!(ended.out.is_empty(), "{name}: {}", ended.out);
    }
}

#[test]
fn a_program_held_against_itself_passes_and_the_page_of_the_job_says_so() {
    let place = Place::new();
    // A debug build beside other tests: few messages, and lateness is no reason to refuse a run.
    let gate = ["--", "--set", "load.rate=500/s", "--set", "run.measure=1500ms", "--set", "limits.schedule-lag-p99=1h"];
    let budget = ["--min-repeats", "1", "--max-repeats", "1", "--quiet"];
    let mut script = script(&place, "ci-regression", &[&["--out", "regression"][..], &gate[..], &budget[..]].concat());
    let program = env!("CARGO_BIN_EXE_jetlag");
    script.env("JETLAG_BASE", program).env("JETLAG_HEAD", program);
    script.env("GITHUB_STEP_SUMMARY", place.path().join("summary.md"));
    place.start(script).end().ended_with(0);
    let read =
        |name: &str| std::fs::read_to_string(place.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
    let told = read("regression/gate.md");
    assert_eq!(read("summary.md"), told);
    assert!(told.contains("passed"), "{told}");
    assert!(read("regression/gate.xml").contains("<testsuite "), "it is JUnit");
    place.wait_until_nobody_is_left();
}
