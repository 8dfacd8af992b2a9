//! `jetlag report` on what is committed: a run and several side by side are rendered again, and told as JSON.

use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a copy of a golden file, and nothing else.
fn folder_with(golden: &str, name: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(golden);
    std::fs::copy(from, folder.path().join(name)).expect("it is committed");
    folder
}

fn report(words: &[&str], folder: &Path) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jetlag"));
    let ended = command.arg("report").arg(folder).args(words).env("NO_COLOR", "1").output().expect("it starts");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    String::from_utf8(ended.stdout).expect("it is text")
}

fn golden(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).expect("committed")
}

#[test]
fn several_runs_side_by_side_are_rendered_again_from_their_comparison() {
    let folder = folder_with("comparison.json", "comparison.json");
    for (format, file) in [("markdown", "comparison.md"), ("text", "comparison.txt"), ("json", "comparison.json")] {
        assert_eq!(report(&["--format", format], folder.path()), golden(file), "{format}");
    }
    let page = folder.path().join("comparison.html");
    assert_eq!(report(&[], folder.path()), format!("{}\n", page.display()));
    assert_eq!(std::fs::read_to_string(page).expect("it was written"), golden("comparison.html"));
}

#[test]
fn machines_are_told_where_the_page_is() {
    for (file, name, page, state) in [
        ("resume/report.json", "report.json", "report.html", "violated"),
        ("comparison.json", "comparison.json", "comparison.html", "violated"),
        ("safe/report.json", "report.json", "report.html", "complete"),
    ] {
        let folder = folder_with(file, name);
        let said: serde_json::Value = serde_json::from_str(&report(&["--json"], folder.path())).expect("it is JSON");
        assert_eq!(said["state"], state);
        // Rendering went well, whatever the run was.
        assert_eq!(said["exit_code"], 0);
        let path = |key: &str| PathBuf::from(said[key].as_str().expect("a path"));
        assert_eq!(path("run_dir"), folder.path());
        assert_eq!(path("report_json"), folder.path().join(name));
        assert_eq!(path("report_html"), folder.path().join(page));
        assert!(path("report_html").is_file());
    }
}

#[test]
fn a_folder_with_both_is_that_of_a_run() {
    let folder = folder_with("safe/report.json", "report.json");
    std::fs::write(folder.path().join("comparison.json"), "{}").expect("ours");
    assert_eq!(
        report(&["--format", "markdown"], folder.path()).lines().next(),
        Some("## complete: Order held, and nothing was lost.")
    );
}

#[test]
fn a_gate_is_rendered_again_from_its_file() {
    let folder = folder_with("gate.json", "gate.json");
    for (format, file) in [("markdown", "gate.md"), ("json", "gate.json")] {
        assert_eq!(report(&["--format", format], folder.path()), golden(file), "{format}");
    }
    let page = folder.path().join("gate.html");
    assert_eq!(report(&[], folder.path()), format!("{}\n", page.display()));
    assert!(std::fs::read_to_string(page).expect("it was written").contains("the gate is passed"));
    let said: serde_json::Value = serde_json::from_str(&report(&["--json"], folder.path())).expect("it is JSON");
    assert_eq!(said["state"], "complete");
}

#[test]
fn a_sweep_is_rendered_again_from_its_file() {
    let folder = folder_with("sweep.json", "sweep.json");
    for (format, file) in [("markdown", "sweep.md"), ("text", "sweep.txt"), ("csv", "sweep.csv")] {
        let shown = report(&["--format", format], folder.path());
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
            std::fs::write(path, &shown).expect("it can be written");
        }
        assert_eq!(shown, golden(file), "{format}");
    }
    let page = folder.path().join("sweep.html");
    assert_eq!(report(&[], folder.path()), format!("{}\n", page.display()));
    let page = std::fs::read_to_string(page).expect("it was written");
    assert!(page.contains("Every cell") && page.contains("<figure"));
    let said: serde_json::Value = serde_json::from_str(&report(&["--json"], folder.path())).expect("it is JSON");
    assert_eq!((&said["state"], &said["exit_code"]), (&"complete".into(), &0.into()));
}

#[test]
fn pictures_are_files_of_their_own() {
    for (file, name, picture) in [
        ("sweep.json", "sweep.json", "ordered-per-s-against-stream-partitions.svg"),
        ("comparison.json", "comparison.json", "ordered.svg"),
        ("safe/report.json", "report.json", "throughput.svg"),
    ] {
        let folder = folder_with(file, name);
        let out = folder.path().join("pictures");
        let said = report(&["--format", "svg,png", "--out", &out.display().to_string()], folder.path());
        assert!(said.lines().all(|line| Path::new(line).is_file()), "{said}");
        let svg = std::fs::read_to_string(out.join(picture)).expect(picture);
        assert!(svg.starts_with("<svg xmlns=") && svg.contains("prefers-color-scheme"), "{name}");
        let pixels = std::fs::read(out.join(picture.replace(".svg", ".png"))).expect("the same as pixels");
        assert!(pixels.starts_with(b"\x89PNG") && pixels.len() > 5_000, "{name}");
    }
}

#[test]
fn a_sweep_that_cannot_be_read_is_named_with_the_remedy() {
    let text = golden("sweep.json");
    for (text, words, code, says) in [
        (text.replace("jetlag.sweep/1", "jetlag.sweep/2"), &[][..], 3, "newer jetlag"),
        (
            text.replace("jetlag.sweep/1", "iggy/1"),
            &[],
            3,
            "name a report.json, comparison.json, sweep.json, search.json or gate.json",
        ),
        (text[..text.len() / 2].to_owned(), &[], 3, "jetlag sweep FILE --resume DIR"),
        (text.clone(), &["--format", "junit"], 2, "take json, html, text, markdown, csv"),
        (text, &["--format", "svg"], 2, "name a folder for them with --out"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("sweep.json"), text).expect("ours");
        let mut command = Command::new(env!("CARGO_BIN_EXE_jetlag"));
        let ended = command.arg("report").arg(folder.path()).args(words).output().expect("it starts");
        let said = String::from_utf8_lossy(&ended.stderr).split_whitespace().collect::<Vec<&str>>().join(" ");
        assert!(said.contains(says) && ended.stdout.is_empty(), "{said}");
        assert_eq!(ended.status.code(), Some(code), "{said}");
        assert!(!folder.path().join("sweep.html").exists(), "never half a page");
    }
}
