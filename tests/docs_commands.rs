//! Every command of the README and the guides, tried.
//!
//! Its words are parsed by the program itself. What needs no server is really done: profiles are checked with the settings that
//! stand beside them, sweeps are laid out, lists are printed, reports rendered, runs that are there compared and kept. Of the rest, which makes runs, looks at the machine or
//! needs what only its reader has, the words are parsed. What is not jetlag must be a script of the repository, or one of
//! few programs that everybody has.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use jetlag::profile::builtin;
use jetlag::profile::sweep;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What documents call by name beside jetlag. To another one, somebody says here what it is for.
const OTHERS: [&str; 2] = ["cargo", "scripts"];

/// A command line and where it stands.
#[derive(Debug)]
struct Line {
    place: String,
    words: Vec<String>,
}

/// The lines in fenced `sh` blocks of the README and of all guides.
fn lines() -> Vec<Line> {
    let mut documents = vec![root().join("README.md")];
    for folder in ["docs", "docs/faults", "docs/strategies"] {
        let entries = std::fs::read_dir(root().join(folder)).expect("a folder of documents");
        documents.extend(entries.map(|entry| entry.expect("an entry").path()));
    }
    documents.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    documents.sort();
    documents.iter().flat_map(|path| of_document(path)).collect()
}

fn of_document(path: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(path).expect("a document is text");
    let place = path.strip_prefix(root()).unwrap_or(path).display();
    let (mut lines, mut in_block) = (Vec::new(), false);
    for line in text.lines() {
        if line.starts_with("```") {
            in_block = line == "```sh";
        } else if in_block {
            let words = words(line);
            if !words.is_empty() {
                lines.push(Line { place: format!("{place}: {line}"), words });
            }
        }
    }
    lines
}

/// The words of a line as a shell takes them: quotes hold together, a comment ends it, what is set before the command is left out.
fn words(line: &str) -> Vec<String> {
    let (mut words, mut word, mut quote, mut begun) = (Vec::new(), String::new(), None, false);
    for letter in line.chars() {
        match (quote, letter) {
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => (quote, begun) = (Some(letter), true),
            (None, '#') if !begun => break,
            (None, letter) if letter.is_whitespace() => {
                if std::mem::take(&mut begun) {
                    words.push(std::mem::take(&mut word));
                }
            }
            (_, letter) => {
                word.push(letter);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    let is_variable = |word: &String| {
        word.split_once('=').is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
    };
    words.into_iter().skip_while(is_variable).collect()
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jetlag"));
    for name in ["JETLAG_SERVER", "JETLAG_LOG"] {
        command.env_remove(name);
    }
    command
}

fn jetlag(words: &[String]) -> Output {
    command().current_dir(root()).args(words).output().expect("it can be started")
}

fn must_succeed(place: &str, words: &[String]) {
    let said = jetlag(words);
    let told = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{place}\njetlag {}\n{told}", words.join(" "));
}

/// The same with `--help`, which does nothing and still complains of words that there are not.
fn asked_for_help(words: &[String]) -> Vec<String> {
    let own = words.iter().position(|word| word == "--").unwrap_or(words.len());
    words[..own].iter().cloned().chain(["--help".to_owned()]).collect()
}

/// What can be done of a command without a server, and without what only its reader has.
fn rehearsal(words: &[String]) -> Option<Vec<String>> {
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    let is_here = |name: &str| builtin::ALL.iter().any(|it| it.name == name) || root().join(name).is_file();
    let is_sweep = |name: &str| sweep::builtin::ALL.iter().any(|it| it.name == name);
    let sets = || {
        let pairs = words.windows(2).filter(|pair| pair[0] == "--set");
        pairs.flat_map(|pair| pair.to_vec()).collect::<Vec<_>>()
    };
    let told = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    match texts.as_slice() {
        ["run" | "search", name, ..] if is_here(name) => Some([told(&["profile", "check", name]), sets()].concat()),
        ["run"] | ["run", "--server", ..] => Some(told(&["profile", "check"])),
        ["gate", "--run", name, ..] if is_here(name) => Some(told(&["profile", "check", name])),
        ["sweep", name, ..] if is_sweep(name) => Some([told(&["sweep", name, "--dry-run"]), sets()].concat()),
        ["sweep"] | ["list" | "completions", ..] | ["man"] | ["profile", "schema" | "show", ..] => Some(words.to_vec()),
        ["profile", "check", name] if is_here(name) => Some(words.to_vec()),
        ["report", folder, rest @ ..] if folder.starts_with("results/runs/") => {
            Some(told(&[&["report", "tests/golden/safe"], rest].concat()))
        }
        _ => None,
    }
}

/// A folder as the guides have it once their runs are made: `runs/before` and `runs/after`, two of a golden run, and the first as baseline `main`.
fn staged() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let report = std::fs::read_to_string(root().join("tests/golden/safe/report.json")).expect("a report");
    let value: serde_json::Value = serde_json::from_str(&report).expect("it is JSON");
    let id = value["run"]["id"].as_str().expect("an id");
    for (name, report) in [("before", report.clone()), ("after", report.replace(id, &id.replace('0', "f")))] {
        let run = folder.path().join("runs").join(name);
        std::fs::create_dir_all(&run).expect("a folder");
        std::fs::write(run.join("report.json"), report).expect("it can be written");
    }
    folder
}

/// Whether the words are about runs that are there, as `staged` has them. Then they are really done, each on a stage of its own.
fn is_about_runs(words: &[String]) -> bool {
    let texts: Vec<&str> = words.iter().map(String::as_str).collect();
    matches!(texts.as_slice(), ["compare" | "baseline", ..])
        || matches!(texts.as_slice(), ["gate", first, ..] if !first.starts_with('-'))
}

fn must_succeed_on_stage(place: &str, words: &[String]) {
    let stage = staged();
    let run = |words: &[&str]| {
        let said = command().current_dir(stage.path()).args(words).output().expect("it can be started");
        assert!(said.status.success(), "{place}\n{words:?}\n{}", String::from_utf8_lossy(&said.stderr));
    };
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    if !words.starts_with(&["baseline", "save"]) {
        run(&["baseline", "save", "main", "runs/before"]);
    }
    run(&words);
}

#[test]
fn every_command_of_the_documents_can_be_given() {
    let lines = lines();
    let (mut of_jetlag, mut rehearsed) = (0, 0);
    for Line { place, words } in &lines {
        let program = words[0].rsplit_once("target/release/").map_or(words[0].as_str(), |(_, name)| name);
        if program == "jetlag" {
            of_jetlag += 1;
            must_succeed(place, &asked_for_help(&words[1..]));
            if is_about_runs(&words[1..]) {
                rehearsed += 1;
                must_succeed_on_stage(place, &words[1..]);
            } else if let Some(rehearsal) = rehearsal(&words[1..]) {
                rehearsed += 1;
                must_succeed(place, &rehearsal);
            }
            continue;
        }
        let kind = program.split('/').next().unwrap_or_default();
        assert!(OTHERS.contains(&kind), "{place}\nis neither jetlag nor one of {OTHERS:?}");
        if kind == "scripts" {
            must_be_a_script(place, &root().join(program));
        }
    }
    // As many as there were when this was written, or nearly: a change of the fences must not silence it.
    assert!(of_jetlag > 40 && rehearsed > 20, "{of_jetlag} commands, {rehearsed} of them done");
}

fn must_be_a_script(place: &str, path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(path).map(|about| about.permissions().mode());
    assert!(mode.is_ok_and(|mode| mode & 0o100 != 0), "{place}\n{} is no program", path.display());
}

#[test]
fn a_command_that_is_none_is_found() {
    for (line, parsed) in [
        ("jetlag run quick --colour", false),
        ("jetlag rum", false),
        ("jetlag external check -- python3 --whatever", true),
        ("JETLAG_TOKEN=… jetlag run --server nats://host --token   # in", true),
        ("jetlag gate --run x --ab --base-set 'a=[\"b c\"]' --head-set d=e", true),
    ] {
        let words = words(line);
        assert_eq!(jetlag(&asked_for_help(&words[1..])).status.success(), parsed, "{line}: {words:?}");
    }
    let wrong = words("jetlag run quick --set load.rat=5/s");
    let rehearsal = rehearsal(&wrong[1..]).expect("the profile is here");
    assert!(!jetlag(&rehearsal).status.success(), "a setting that is none passes");
}

#[test]
fn the_book_holds_every_guide_once_and_nothing_else() {
    let summary = std::fs::read_to_string(root().join("docs/SUMMARY.md")).expect("there is a summary");
    let mut chapters: Vec<PathBuf> =
        summary.lines().filter_map(|line| Some(PathBuf::from(line.split_once("](")?.1.strip_suffix(')')?))).collect();
    chapters.sort();
    let mut documents = Vec::new();
    for folder in ["", "faults", "strategies", "adr"] {
        for entry in std::fs::read_dir(root().join("docs").join(folder)).expect("a folder of documents") {
            let name = entry.expect("an entry").file_name();
            let is_document = Path::new(&name).extension().is_some_and(|ending| ending == "md") && name != "SUMMARY.md";
            documents.extend(is_document.then(|| Path::new(folder).join(name)));
        }
    }
    documents.sort();
    assert_eq!(chapters, documents, "docs/SUMMARY.md and the files of docs/ differ");
}

/// What a live run tells, everything known.
fn told_live() -> String {
    use jetlag::model::live::{About, Latency, Live, Progress};
    let mut live = Live { about: Some(About::default()), ..Live::default() };
    live.note_progress(&Progress {
        offered_per_s: Some(1.0),
        latency: Some(Latency::default()),
        owners: vec![Some(0)],
        next_fault: Some(("kill".to_owned(), std::time::Duration::ZERO)),
        ..Progress::default()
    });
    live.note_fault("kill", String::new());
    jetlag::render::live::openmetrics(&live)
}

/// All names in `text` that begin as those of our metrics do.
fn metrics_in(text: &str) -> Vec<&str> {
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
    let names = text.split(|letter| !is_name(letter)).filter(|name| name.starts_with("jetlag_"));
    names.collect()
}

#[test]
fn the_dashboard_and_the_guide_name_metrics_that_a_live_run_tells() {
    let told = told_live();
    let samples: Vec<&str> = told.lines().filter(|line| !line.starts_with('#')).collect();
    let is_told = |name: &str| samples.iter().any(|line| line.split('{').next() == Some(name));
    let dashboard = std::fs::read_to_string(root().join("docs/grafana/jetlag.json")).expect("there is a dashboard");
    let dashboard: serde_json::Value = serde_json::from_str(&dashboard).expect("it is JSON");
    let panels = dashboard["panels"].as_array().expect("it has panels");
    let mut asked = Vec::new();
    for target in panels.iter().flat_map(|panel| panel["targets"].as_array().into_iter().flatten()) {
        let expression = target["expr"].as_str().expect("a target asks something");
        asked.extend(metrics_in(expression).into_iter().map(str::to_owned));
    }
    assert!(asked.len() > 12);
    for name in &asked {
        assert!(is_told(name), "the dashboard asks for {name}, which no run tells:\n{told}");
    }
    let guide = std::fs::read_to_string(root().join("docs/watching.md")).expect("there is a guide");
    for name in samples.iter().filter_map(|line| line.split('{').next()) {
        let short = name.starts_with("jetlag_stored_messages_per") || name.starts_with("jetlag_handled_messages_per");
        assert!(short || guide.contains(name), "docs/watching.md does not name {name}");
    }
}
