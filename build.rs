//! Tells the program which commit it was built from: what whoever builds says (`JETLAG_COMMIT`), else what `cargo package`
//! wrote into the crate, else, in release builds, what git says of the folder. See docs/adr/0039.

use std::path::Path;
use std::process::Command;

/// Written by `cargo package` into every crate.
const PACKAGED: &str = ".cargo_vcs_info.json";
/// What the program is made of: if git sees a change in it, it is not that commit.
const SOURCES: [&str; 7] = ["Cargo.lock", "Cargo.toml", "build.rs", "crates", "profiles", "src", "templates"];

fn main() {
    println!("cargo::rerun-if-env-changed=JETLAG_COMMIT");
    println!("cargo::rerun-if-changed=build.rs");
    let said = std::env::var("JETLAG_COMMIT").ok().filter(|commit| !commit.is_empty());
    let commit = said.or_else(packaged).or_else(checked_out).unwrap_or_default();
    let version = std::env::var("CARGO_PKG_VERSION").unwrap_or_default();
    let line = if commit.is_empty() { version } else { format!("{version} ({commit})") };
    println!("cargo::rustc-env=JETLAG_BUILT_FROM={commit}");
    println!("cargo::rustc-env=JETLAG_VERSION={line}");
}

/// The commit in a crate as `cargo package` makes it: `{"git": {"sha1": "…", "dirty": true}, …}`.
fn packaged() -> Option<String> {
    let text = std::fs::read_to_string(PACKAGED).ok()?;
    let (_, rest) = text.split_once("\"sha1\"")?;
    let commit = rest.split('"').nth(1)?;
    let dirty = if text.contains("\"dirty\": true") { "-dirty" } else { "" };
    is_hash(commit).then(|| format!("{}{dirty}", commit.get(..12).unwrap_or(commit)))
}

/// The commit that is checked out here. Not in debug builds: each commit would compile everything anew.
fn checked_out() -> Option<String> {
    if std::env::var("PROFILE").ok()? != "release" {
        return None;
    }
    // The sources may lie, without a history of their own, within somebody else's.
    let top = git(&["rev-parse", "--show-toplevel"])?;
    let here = std::env::var("CARGO_MANIFEST_DIR").ok()?;
    if Path::new(&top).canonicalize().ok()? != Path::new(&here).canonicalize().ok()? {
        return None;
    }
    for name in ["HEAD", "logs/HEAD"] {
        if let Some(path) = git(&["rev-parse", "--git-path", name]).filter(|path| Path::new(path).exists()) {
            println!("cargo::rerun-if-changed={path}");
        }
    }
    for source in SOURCES {
        println!("cargo::rerun-if-changed={source}");
    }
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).filter(|commit| is_hash(commit))?;
    let changed = git(&[&["status", "--porcelain", "--untracked-files=no", "--"], &SOURCES[..]].concat());
    let dirty = if changed.is_some_and(|changed| changed.is_empty()) { "" } else { "-dirty" };
    Some(format!("{commit}{dirty}"))
}

fn git(words: &[&str]) -> Option<String> {
    let said = Command::new("git").args(words).output().ok().filter(|said| said.status.success())?;
    Some(String::from_utf8(said.stdout).ok()?.trim().to_owned())
}

fn is_hash(text: &str) -> bool {
    text.len() >= 7 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}
