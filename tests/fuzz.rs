//! Everything that is read from outside, given damaged and absurd things: no reader panics, hangs or grows without bound.
//!
//! Here each target runs for a bounded number of inputs; `scripts/fuzz TARGET [TIME]` runs one for as long as you like.
//! An input that found something is kept in `tests/__fuzz__/TARGET/crashes`, and is tried first from then on.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use bolero::TypeGenerator;
use jetlag::model::record::Author;
use jetlag::model::stored::StoredMessage;
use jetlag::model::{payload, report::Report};
use jetlag::profile::{self, builtin};
use jetlag::render::sheet::Sheet;
use jetlag::strategy::external::line::{Grammar, LENGTH_MAX, Splitter};
use jetlag::{contrast, evidence, metric, render};
use rustix::process::{Resource, Rlimit};

/// No input here is larger than some hundred kilobytes, so a reader that wants this much has believed what it read.
const MEMORY_MAX: u64 = 8 << 30;

/// One change to bytes. Places are fractions of the length, so that every change hits.
#[derive(Clone, Debug, TypeGenerator)]
enum Edit {
    Flip {
        at: u32,
        bit: u8,
    },
    Set {
        at: u32,
        byte: u8,
    },
    Remove {
        at: u32,
        count: u16,
    },
    Repeat {
        at: u32,
        count: u16,
    },
    Cut {
        at: u32,
    },
    /// The digits at or behind the place become another number.
    Number {
        at: u32,
        which: u8,
    },
    /// A word of some language stands there.
    Word {
        at: u32,
        which: u8,
    },
}

const NUMBERS: &[&str] = &[
    "0",
    "-1",
    "1",
    "255",
    "65535",
    "65536",
    "4294967295",
    "4294967296",
    "18446744073709551615",
    "18446744073709551616",
    "1e308",
    "-1e308",
    "1e-308",
    "9e999",
    "0.5",
    "-0",
    "null",
    "9223372036854775808",
];

const WORDS: &[&str] = &[
    "\"",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "=",
    "#",
    "\\u0000",
    "\\ud800",
    "null",
    "true",
    "\"\"",
    "[]",
    "{}",
    "NaN",
    "ready 1\n",
    "start ",
    "done ",
    "commit ",
    "claim ",
    " ",
    "\u{feff}",
    "é",
    "1h",
    "s",
    "/s",
    "KiB",
    "999999999999999999h",
    "[[fault]]\n",
    "[[variant]]\n",
    "kind = \"kill\"\n",
];

/// The text or bytes with some edits.
fn edited(original: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut bytes = original.to_vec();
    for edit in edits.iter().take(12) {
        let place = |at: u32| ((u64::from(at) * bytes.len() as u64) >> 32) as usize;
        match *edit {
            Edit::Flip { at, bit } => {
                let at = place(at);
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (bit % 8);
                }
            }
            Edit::Set { at, byte } => {
                let at = place(at);
                if let Some(old) = bytes.get_mut(at) {
                    *old = byte;
                }
            }
            Edit::Remove { at, count } => {
                let from = place(at);
                let to = bytes.len().min(from + usize::from(count % 512));
                bytes.drain(from..to);
            }
            Edit::Repeat { at, count } => {
                let from = place(at);
                let piece = bytes[from..bytes.len().min(from + usize::from(count % 512))].to_vec();
                bytes.splice(from..from, piece);
            }
            Edit::Cut { at } => bytes.truncate(place(at)),
            Edit::Number { at, which } => {
                let from = place(at);
                let digits = |byte: &u8| byte.is_ascii_digit();
                let Some(from) = bytes.iter().skip(from).position(digits).map(|more| from + more) else { continue };
                let to = bytes.iter().skip(from).position(|byte| !digits(byte)).map_or(bytes.len(), |more| from + more);
                let number = NUMBERS[usize::from(which) % NUMBERS.len()];
                bytes.splice(from..to, number.bytes());
            }
            Edit::Word { at, which } => {
                let at = place(at);
                bytes.splice(at..at, WORDS[usize::from(which) % WORDS.len()].bytes());
            }
        }
    }
    bytes
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// From here on a reader that wants too much memory ends the test.
fn bounded() {
    static ONCE: OnceLock<()> = OnceLock::new();
    ONCE.get_or_init(|| {
        let limit = Rlimit { current: Some(MEMORY_MAX), maximum: rustix::process::getrlimit(Resource::As).maximum };
        rustix::process::setrlimit(Resource::As, limit).expect("a lower limit is always allowed");
    });
}

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The run folder of a golden run with its segments as long as they were: a file and its bytes each, without reports.
fn run_folder() -> &'static [(PathBuf, Vec<u8>)] {
    static FILES: OnceLock<Vec<(PathBuf, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let folder = golden().join("resume");
        let mut files = vec![PathBuf::from("manifest.json"), PathBuf::from("journals/driver.jsonl")];
        for incarnation in ["c0.1", "c1.1", "c1.2", "c2.1", "p0.1"] {
            files.push(Path::new("journals").join(incarnation).join("000000.seg"));
        }
        files.into_iter().map(|file| (file.clone(), fs::read(folder.join(&file)).expect("it is there"))).collect()
    })
}

fn report() -> &'static (String, Report) {
    static REPORT: OnceLock<(String, Report)> = OnceLock::new();
    REPORT.get_or_init(|| {
        let text = fs::read_to_string(golden().join("resume/report.json")).expect("it is there");
        let report = render::parse(&text).expect("it is a report");
        (text, report)
    })
}

#[test]
fn a_segment_of_a_journal() {
    bounded();
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("c0.1");
    fs::create_dir(&journal).expect("a folder");
    let author: Author = "c0.1".parse().expect("it is an incarnation");
    let tag = evidence_tag();
    let whole = &run_folder().iter().find(|(path, _)| path.ends_with("c0.1/000000.seg")).expect("it is there").1;
    bolero::check!().with_iterations(1_500).with_type::<(bool, Vec<Edit>, Vec<u8>)>().for_each(
        |(any, edits, bytes)| {
            let bytes = if *any { bytes.clone() } else { edited(whole, edits) };
            fs::write(journal.join("000000.seg"), &bytes).expect("room");
            if let Ok(read) = evidence::read_journal(&journal, author, tag) {
                let it = &read.journal;
                let records =
                    it.publishes.len() + it.handlings.len() + it.commits.len() + it.ownership.len() + it.life.len();
                assert!(records * 64 <= bytes.len(), "more records than there is room for");
                assert!(read.damage.len() <= bytes.len() / 64 + 2, "more damage than there are records");
            }
        },
    );
}

fn evidence_tag() -> u64 {
    let manifest = &run_folder().first().expect("the manifest is first").1;
    let manifest: serde_json::Value = serde_json::from_slice(manifest).expect("it is JSON");
    manifest["run_tag"].as_u64().expect("it has one")
}

/// What was read back of the stream, as if the golden run had done so: every other message that it published.
fn stored(folder: &Path) -> (PathBuf, Vec<u8>) {
    let history = evidence::load(folder).expect("it is a run");
    let opened = evidence::Folder::open(folder).expect("it is a run");
    let mut writer = opened.stored(history.manifest.run_tag).expect("room");
    let publishes = history.journals.iter().flat_map(|journal| &journal.publishes);
    for (stream_seq, publish) in (1..).zip(publishes.step_by(2)) {
        let message = StoredMessage { stream_seq, key: publish.key, key_seq: publish.key_seq };
        writer.append(message).expect("room");
    }
    writer.finish().expect("room");
    let path = PathBuf::from("stored.bin");
    let bytes = fs::read(folder.join(&path)).expect("it is there");
    (path, bytes)
}

#[test]
fn a_run_folder() {
    bounded();
    let folder = tempfile::tempdir().expect("a folder");
    let files = run_folder();
    for (path, bytes) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().expect("it has one")).expect("a folder");
        fs::write(path, bytes).expect("room");
    }
    let files = [files, &[stored(folder.path())]].concat();
    bolero::check!().with_iterations(25).with_type::<(u8, Vec<Edit>)>().for_each(|(which, edits)| {
        let (path, bytes) = &files[usize::from(*which) % files.len()];
        let path = folder.path().join(path);
        fs::write(&path, edited(bytes, edits)).expect("room");
        if let Ok(history) = evidence::load(folder.path()) {
            let report = metric::report(&history);
            for format in render::ALL {
                std::hint::black_box(format.render(&report));
            }
            let view = jetlag::model::explanation::View { around_ms: Some(2_000.0), events_max: Some(60) };
            for number in 1..=report.violations.len().min(5) as u32 {
                let explained = jetlag::analysis::explain(&history, &report.violations, number, view);
                assert!(!render::explain::summary(&explained.expect("it is in the list"), Sheet::FILE).is_empty());
            }
        }
        fs::write(&path, bytes).expect("room");
    });
}

#[test]
fn a_report() {
    bounded();
    let (whole, _) = report();
    bolero::check!().with_iterations(60).with_type::<Vec<Edit>>().for_each(|edits| {
        let text = text(&edited(whole.as_bytes(), edits));
        if let Ok(report) = render::parse(&text) {
            for format in render::ALL {
                std::hint::black_box(format.render(&report));
            }
            std::hint::black_box(render::images(&report));
        }
    });
}

#[test]
fn a_baseline_and_what_is_held_against_it() {
    bounded();
    let digest = contrast::digest(&report().1);
    let baseline = jetlag::model::baseline::Baseline {
        schema: jetlag::model::baseline::SCHEMA.to_owned(),
        name: "b".to_owned(),
        saved: "2026-11-22T00:00:00Z".to_owned(),
        note: None,
        runs: vec![digest.clone()],
    };
    let whole = render::baseline::file(&baseline);
    bolero::check!().with_iterations(60).with_type::<Vec<Edit>>().for_each(|edits| {
        let Ok(found) = render::baseline::parse(&text(&edited(whole.as_bytes(), edits))) else { return };
        let _ = (render::baseline::line(&found), render::baseline::summary(&found, Sheet::FILE));
        let runs = |name: &str, runs: Vec<_>| contrast::Group {
            name: name.to_owned(),
            source: name.to_owned(),
            runs: (0..).zip(runs).map(|(number, run)| (format!("{name}{number}"), run)).collect(),
        };
        let groups = [runs("base", found.runs), runs("other", vec![digest.clone()])];
        if let Ok(contrast) =
            contrast::contrast(&groups, &contrast::Terms { force: true, ..contrast::Terms::default() })
        {
            for format in render::contrast::ALL {
                let text = format.render(&contrast);
                if format.name == "json" {
                    let _ = render::contrast::parse(&text);
                }
            }
        }
    });
}

#[test]
fn a_comparison_a_contrast_a_sweep_a_search_a_gate_and_an_explanation() {
    bounded();
    let sweep = fs::read_to_string(golden().join("sweep.json")).expect("it is there");
    let comparison = fs::read_to_string(golden().join("comparison.json")).expect("it is there");
    bolero::check!().with_iterations(60).with_type::<(bool, Vec<Edit>)>().for_each(|(which, edits)| {
        let text = text(&edited(if *which { &sweep } else { &comparison }.as_bytes(), edits));
        if let Ok(shown) = render::sweep::parse(&text) {
            render::sweep::ALL.iter().for_each(|format| drop(format.render(&shown)));
        }
        if let Ok(shown) = render::comparison::parse(&text) {
            render::comparison::ALL.iter().for_each(|format| drop(format.render(&shown)));
        }
        let _ = render::contrast::parse(&text);
        let _ = render::search::parse(&text);
        let _ = render::gate::parse(&text);
        let _ = render::explain::parse(&text);
    });
}

#[test]
fn a_profile_and_its_settings() {
    bounded();
    let all: Vec<&str> = builtin::ALL.iter().map(|profile| profile.text).collect();
    bolero::check!().with_iterations(120).with_type::<(u8, Vec<Edit>, u8, Vec<Edit>)>().for_each(
        |(which, edits, set, set_edits)| {
            let whole = all[usize::from(*which) % all.len()];
            let sets = ["run.measure=2s", "fleet.members=8", "load.rate=2000/s", "strategy.kind=pinned", "fault=[]"];
            let set = text(&edited(sets[usize::from(*set) % sets.len()].as_bytes(), set_edits));
            match profile::parse("fuzzed", "fuzzed.toml", &text(&edited(whole.as_bytes(), edits)), &[set]) {
                Ok(loaded) => drop(loaded.plans()),
                Err(problems) => assert!(!problems.to_string().is_empty()),
            }
        },
    );
}

#[test]
fn the_header_of_a_payload() {
    bounded();
    let template = payload::Template::new(7, 1, 300);
    let mut whole = bytes::BytesMut::new();
    template.append(3, 4, 5, jetlag::model::time::MonoNs(6), &mut whole);
    bolero::check!().with_iterations(5_000).with_type::<(bool, Vec<Edit>, Vec<u8>)>().for_each(
        |(any, edits, bytes)| {
            let bytes = if *any { bytes.clone() } else { edited(&whole, edits) };
            let found = payload::decode(&bytes);
            assert!(found.is_err() || bytes == whole || bytes.len() >= payload::MIN_SIZE);
            let _ = payload::amount(&bytes);
        },
    );
}

#[test]
fn the_lines_of_a_program() {
    bounded();
    let grammar = Grammar { run_tag: 7, partitions: 4 };
    let whole = b"ready 1\nclaim 0 1\nstart 7-1-1 5\ndone 7-1-1 5\ncommit 7-1-1 5\nfail 7-1-2\nrelease 0\nlost 1\n\n";
    bolero::check!().with_iterations(5_000).with_type::<(bool, Vec<Edit>, Vec<u8>, u8)>().for_each(
        |(any, edits, bytes, chunk)| {
            let bytes = if *any { bytes.clone() } else { edited(whole, edits) };
            let mut splitter = Splitter::default();
            let mut lines = 0_usize;
            for chunk in bytes.chunks(usize::from(*chunk) + 1) {
                let read = splitter.feed(chunk, |_, line, _| {
                    assert!(line.len() <= LENGTH_MAX, "no line is kept beyond its bound");
                    lines += 1;
                    let _ = grammar.read(line);
                    Ok::<(), ()>(())
                });
                assert!(read.is_ok());
            }
            assert_eq!(lines, bytes.iter().filter(|byte| **byte == b'\n').count());
            assert!(splitter.rest().is_none_or(|(_, line)| line.len() <= LENGTH_MAX));
        },
    );
}
