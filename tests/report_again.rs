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
