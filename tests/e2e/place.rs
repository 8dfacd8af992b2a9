//! A place of its own for each test: a folder to work in, the program started in it, and what came of that.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::{Report, RunState};
use jetlag::model::story::{StoryEvent, StoryLine};
use rustix::process::Signal;
use serde_json::Value;

use crate::processes::{self, MARK, Process, marked, signal, wait_for, wait_so_long_for};

/// As many tests of this kind work at once: their runs mostly wait, and more of them would only wait for each other.
const AT_ONCE: usize = 2;

/// A run on three nodes has bounds of its own that add up to more than others take: the cluster comes up, the phases, the drain, a node that is
/// killed recovers. On a machine where nothing is left for it (load above 40, idle class) a run of 12 s took longer than 90 s.
const RUN_PATIENCE: Duration = Duration::from_secs(300);

/// Waits for a turn, which lasts until the file is closed.
fn turn() -> File {
    let open = |number: usize| {
        let lock = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("e2e.{number}.lock"));
        File::create(lock).expect("the folder for tests can be written")
    };
    let turns: Vec<File> = (0..AT_ONCE).map(open).collect();
    // The harness has a bound for the whole; who waits here waits for others to end.
    loop {
        for file in &turns {
            if file.try_lock().is_ok() {
                return file.try_clone().expect("a handle can be had twice");
            }
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Where a test works. While it is there, at most one other test of this kind works anywhere.
pub(crate) struct Place {
    folder: tempfile::TempDir,
    mark: String,
    _turn: File,
}

impl Place {
    /// Waits for its turn, and makes a folder.
    pub(crate) fn new() -> Self {
        let turn = turn();
        let folder = tempfile::tempdir().expect("a folder for the test");
        let mark = folder.path().file_name().expect("it has a name").to_string_lossy().into_owned();
        Self { folder, mark, _turn: turn }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path().join(name), text).expect("a file can be written");
    }

    /// Writes `profile.toml`: what all these runs have in common, with some sections of the test's own.
    ///
    /// The limit on the generator's lateness is off: on a busy machine these runs are poor measurements, and that is not
    /// what they are for.
    pub(crate) fn profile(&self, own: &str) {
        let limits = "[limits]\nschedule-lag-p99 = \"1h\"\n";
        self.write("profile.toml", &format!("# Does it do what it should?\n{limits}{own}"));
    }

    /// The program, to be started here with `words`, with nothing said by the environment but how to get a server.
    pub(crate) fn jetlag(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_jetlag"));
        command.args(words);
        self.at_home(&mut command);
        command
    }

    /// Makes `command` start here, marked.
    pub(crate) fn at_home(&self, command: &mut Command) {
        for name in ["JETLAG_SERVER", "JETLAG_PASSWORD", "JETLAG_TOKEN", "JETLAG_LOG", "NO_COLOR", "COLUMNS"] {
            command.env_remove(name);
        }
        command.current_dir(self.path()).env(MARK, &self.mark).stdin(Stdio::null());
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        self.start(self.jetlag(words)).end()
    }

    /// Starts a command made by [`Place::jetlag`].
    pub(crate) fn start(&self, mut command: Command) -> Live<'_> {
        let said = |name: &str| File::create(self.path().join(name)).expect("a file for what it says");
        command.stdout(said("stdout")).stderr(said("stderr"));
        Live { driver: command.spawn().expect("the program starts"), place: self }
    }

    /// The living processes that began here.
    pub(crate) fn processes(&self) -> Vec<Process> {
        marked(&self.mark)
    }

    /// Waits until no process that began here lives.
    pub(crate) fn wait_until_nobody_is_left(&self) {
        wait_for("the last process to end", || {
            let left = self.processes();
            left.is_empty().then_some(())
        });
    }

    /// The folder of the only run that was made with `--out out`.
    pub(crate) fn run_folder(&self) -> Option<PathBuf> {
        let mut folders = std::fs::read_dir(self.path().join("out")).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        folders.next().filter(|folder| folder.join("manifest.json").is_file())
    }

    /// What the driver of that run has told so far.
    pub(crate) fn story(&self) -> Vec<StoryLine> {
        let Some(folder) = self.run_folder() else { return Vec::new() };
        let text = std::fs::read(folder.join("journals/driver.jsonl")).unwrap_or_default();
        // The last line may be on its way.
        text.split_inclusive(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
    }
}

/// The program while it runs. Dropped, it is killed, and its reaper ends what it started.
pub(crate) struct Live<'a> {
    driver: Child,
    place: &'a Place,
}

impl Live<'_> {
    /// Waits until something has happened in the driver's story.
    pub(crate) fn wait_for(&mut self, what: &str, happened: impl Fn(&StoryEvent) -> bool) -> StoryLine {
        wait_for(what, || {
            let line = self.place.story().into_iter().find(|line| happened(&line.event));
            if line.is_none() && self.driver.try_wait().expect("it is ours").is_some() {
                panic!("it ended before {what}: {}", self.said());
            }
            line
        })
    }

    /// The pid of the process called `name`, from the driver's story.
    pub(crate) fn pid_of(&mut self, name: &str) -> u32 {
        let is_it = |event: &StoryEvent| matches!(event, StoryEvent::Spawned { process, .. } if process == name);
        match self.wait_for(name, is_it).event {
            StoryEvent::Spawned { pid, .. } => pid,
            other => unreachable!("{other:?}"),
        }
    }

    /// Sends the driver a signal.
    pub(crate) fn signal(&self, what: Signal) {
        signal(self.driver.id(), what);
    }

    /// Whether it still runs.
    pub(crate) fn runs(&mut self) -> bool {
        self.driver.try_wait().expect("it is ours").is_none()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let status =
            wait_so_long_for(RUN_PATIENCE, "the program to end", || self.driver.try_wait().expect("it is ours"));
        let read = |name: &str| std::fs::read_to_string(self.place.path().join(name)).expect("it says text");
        Ended { code: status.code(), out: read("stdout"), err: read("stderr"), at: self.place.path().to_owned() }
    }

    fn said(&self) -> String {
        let read = |name: &str| std::fs::read_to_string(self.place.path().join(name)).unwrap_or_default();
        format!("{}\n{}", read("stdout"), read("stderr"))
    }
}

impl Drop for Live<'_> {
    fn drop(&mut self) {
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// How the program ended, and what it said.
#[derive(Debug)]
pub(crate) struct Ended {
    /// `None` when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    at: PathBuf,
}

impl Ended {
    /// Where the last line of standard output points to.
    pub(crate) fn page(&self) -> PathBuf {
        let last = self.out.lines().last().unwrap_or_else(|| panic!("it printed nothing: {self:?}"));
        let page = self.at.join(last);
        assert!(page.is_file(), "the last line is no path of a report: {self:?}");
        page
    }

    /// The report of the run that it made.
    pub(crate) fn report(&self) -> Told {
        Told::read(self.page().parent().expect("a report lies in a folder"))
    }

    /// Asserts the exit code.
    pub(crate) fn ended_with(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{}\n{}", self.out, self.err);
        self
    }
}

/// A report, and questions to it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(crate) folder: PathBuf,
    pub(crate) report: Report,
}

impl Told {
    /// Reads the report of a run folder, whose page must be there, too.
    pub(crate) fn read(folder: &Path) -> Self {
        let text = std::fs::read_to_string(folder.join("report.json")).expect("a report is there");
        let page = std::fs::read_to_string(folder.join("report.html")).expect("a page is there");
        assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"), "the page is not whole");
        is_what_the_schema_says(&text);
        Self { folder: folder.to_owned(), report: jetlag::render::parse(&text).expect("it is a report") }
    }

    /// One reading.
    pub(crate) fn reading(&self, metric: &str, stat: Stat, scope: &Scope) -> Option<f64> {
        let is_it = |reading: &&jetlag::model::reading::Reading| {
            reading.metric == metric && reading.stat == stat && reading.scope == *scope
        };
        let found = self.report.readings.iter().find(is_it);
        found.unwrap_or_else(|| panic!("there is no reading of {metric}, {stat}, {scope}")).value
    }

    /// A count of the whole run.
    pub(crate) fn count(&self, metric: &str) -> f64 {
        let count = self.reading(metric, Stat::Count, &Scope::Run);
        count.unwrap_or_else(|| panic!("{metric} was not judged"))
    }

    /// Asserts the state, and shows the reasons when it is another.
    pub(crate) fn is(self, state: RunState) -> Self {
        assert_eq!(self.report.state, state, "{:#?}", self.report.state_reasons);
        self
    }

    /// Whether some reason of the state contains all `words`.
    pub(crate) fn gives_a_reason_with(&self, words: &[&str]) {
        let given = &self.report.state_reasons;
        assert!(
            given.iter().any(|reason| words.iter().all(|word| reason.contains(word))),
            "no reason with {words:?}: {given:#?}"
        );
    }
}

/// Holds a `report.json` against the committed schema, and against what the project promises to be in it.
fn is_what_the_schema_says(text: &str) {
    let schema = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/report.schema.json"));
    let schema: Value = serde_json::from_str(schema).expect("the schema is JSON");
    let report: Value = serde_json::from_str(text).expect("a report is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let tell = |error: jsonschema::ValidationError<'_>| format!("{}: {error}", error.instance_path());
    let errors: Vec<String> = validator.iter_errors(&report).map(tell).collect();
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    for (index, reading) in report["readings"].as_array().expect("a list").iter().enumerate() {
        for field in ["metric", "value", "unit", "scope", "stat", "better", "n"] {
            assert!(reading.get(field).is_some(), "reading {index} has no {field}: {reading}");
        }
    }
}

/// Runs `jetlag analyze` on a folder.
pub(crate) fn analyze(place: &Place, folder: &Path) -> Ended {
    let folder = folder.strip_prefix(place.path()).expect("it is in the place");
    place.run(&["analyze", folder.to_str().expect("names are plain")])
}

/// Waits for a process to be stopped.
pub(crate) fn wait_until_stopped(place: &Place, pid: u32) {
    processes::wait_for("a member to be paused", || {
        place.processes().iter().any(|process| process.pid == pid && process.stopped).then_some(())
    });
}
