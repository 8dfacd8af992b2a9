//! Keeps the floors true: which room imports which, read from the sources (`ARCHITECTURE.md`).
//!
//! A room looks down, or left on its own floor; never up, never right. The scan knows comments, strings, `use` trees and
//! paths in code; it is no compiler: what a macro writes it does not see.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

/// The rooms, floor by floor, from left to right. Rooms in one entry do not know each other.
const HOUSE: &[&[&[&str]]] = &[
    &[&["model"]],
    &[
        &["fault"],
        &["verdict"],
        &["analysis"],
        &["metric"],
        &["contrast"],
        &["search"],
        &["gate"],
        &["checkup"],
        &["render"],
    ],
    &[&["clock"], &["process"], &["relay"], &["nats"], &["evidence"], &["strategy"]],
    &[&["profile"], &["protocol"], &["driver", "worker"]],
    &[&["cli"]],
];

/// Floors up to this one compute: they touch no clock, no disk, no network and know nothing of async.
const TOP_PURE_FLOOR: usize = 1;

/// What a pure floor does not touch: these paths, and all below them.
const IMPURE: &[&[&str]] = &[
    &["std", "env"],
    &["std", "fs"],
    &["std", "net"],
    &["std", "process"],
    &["std", "thread"],
    &["std", "time", "Instant"],
    &["std", "time", "SystemTime"],
    &["async_nats"],
    &["memmap2"],
    &["rustix"],
    &["tempfile"],
    &["tokio"],
];

/// The one file of the pure floors that may know threads: they compute, and nobody can tell from a result that there were two.
const ABREAST: &str = "src/verdict/abreast.rs";

/// The crate of the measured group, and the only room that names it.
const GROUP_CRATE: &str = "lease_group";
const GROUP_ROOM: &str = "strategy";

#[test]
fn rooms_look_down_or_left_and_study_touches_nothing() {
    let offences: Vec<Offence> = sources().iter().flat_map(offences).collect();
    let told: Vec<String> = offences.iter().map(ToString::to_string).collect();
    assert!(told.is_empty(), "the floors are not true any more:\n{}", told.join("\n"));
}

#[test]
fn every_room_is_in_the_house_and_has_one_door() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let known: BTreeSet<String> = HOUSE
        .iter()
        .flat_map(|floor| floor.iter())
        .flat_map(|rank| rank.iter())
        .map(|room| (*room).to_owned())
        .collect();
    let mut doors = BTreeSet::new();
    for path in rust_files(&root) {
        assert_ne!(
            path.file_name().and_then(|name| name.to_str()),
            Some("mod.rs"),
            "{}: a door is called name.rs",
            path.display()
        );
        if path.parent() == Some(&root) {
            doors.extend(path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned));
        }
    }
    doors.remove("lib");
    doors.remove("main");
    assert_eq!(doors, known);
}

#[test]
fn planted_offences_are_found() {
    for (room, text, expected) in [
        ("model", "use crate::cli::exit;", &["model looks up at cli"][..]),
        ("fault", "fn f() { crate::render::html::FORMAT; }", &["fault looks right at render"]),
        ("verdict", "use super::super::analysis;", &["verdict looks right at analysis"]),
        ("render", "use crate::{\n  metric,\n  nats::{self, Access},\n};", &["render looks up at nats"; 2]),
        ("clock", "pub(in crate::clock) fn f(x: crate::evidence::Error) {}", &["clock looks right at evidence"]),
        ("driver", "use crate::worker::Line;", &["driver looks right at worker"]),
        ("worker", "use crate::{driver as other, protocol};", &["worker looks right at driver"]),
        ("cli", "use crate::cellar::Wine;", &["cli names crate::cellar, which is no room"]),
        ("cli", "use crate::*;", &["cli names crate::*, which is no room"]),
        ("driver", "use lease_group::Group;", &["driver names the crate lease_group"]),
        ("profile", "fn f() { ::lease_group::partition(); }", &["profile names the crate lease_group"]),
        ("metric", "use std::{fmt, time::{Duration, Instant}};", &["metric uses std::time::Instant"]),
        (
            "metric",
            "use std::time; fn f() { time::Instant::now(); }",
            &["metric uses std::time, and may reach std::time::Instant"],
        ),
        ("model", "use std::fs::{self, File};", &["model uses std::fs", "model uses std::fs::File"]),
        ("analysis", "async fn f() { tokio::spawn(g()); }", &["analysis uses tokio::spawn"]),
        ("render", "use rustix as system;", &["render uses rustix"]),
        ("render", "fn f() { let _ = '\"'; crate::cli::main(); }", &["render looks up at cli"]),
        ("model", "fn f<'a>(x: &'a str) { /* /* in */ here */ crate::cli::main(); }", &["model looks up at cli"]),
    ] {
        let source =
            Source { room: room.to_owned(), file: PathBuf::from("planted.rs"), depth: 2, text: text.to_owned() };
        let found: Vec<String> = offences(&source).into_iter().map(|offence| offence.what).collect();
        assert_eq!(found, expected, "{room}: {text}");
    }
}

#[test]
fn what_is_allowed_is_no_offence() {
    for (room, text) in [
        ("cli", "use crate::{analysis, driver, evidence::{self, Folder}, model::report::Report, worker};"),
        (
            "render",
            "//! Not crate::cli.\n/* nor /* crate::cli */ crate::cli */ fn f() { \"crate::cli\"; r#\"\"crate::cli\"#; b\"\\\"crate::cli\"; }",
        ),
        ("metric", "use std::time::Duration; use super::pen::Pen; pub(crate) fn f() {}"),
        ("metric", "#[cfg(test)]\nmod tests { use std::fs; fn f() { tokio::spawn(g({})); } }"),
        ("metric", "#[cfg(test)]\n#[path = \"x.rs\"]\nuse tokio::time;\nfn f() {}"),
        ("strategy", "use ::lease_group::Group; mod lease_group; fn f() { lease_group::g(); }"),
        ("profile", "use crate::strategy::{Strategy, lease_group}; fn f() { lease_group::Settings::default(); }"),
        ("profile", "fn f(kind: Strategy) { matches!(kind, Strategy::LeaseGroup(_)); strategy::lease_group::f(); }"),
        ("driver", "use self::fleet::tokio; use super::scene;"),
    ] {
        let source =
            Source { room: room.to_owned(), file: PathBuf::from("planted.rs"), depth: 2, text: text.to_owned() };
        let found: Vec<String> = offences(&source).iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{room}: {text}: {found:?}");
    }
}

#[test]
fn files_of_test_modules_are_known() {
    let text =
        "mod a;\n#[cfg(test)]\npub(crate) mod sample;\n#[cfg(test)]\nmod tests;\n#[cfg(test)]\nmod inner { mod b; }";
    assert_eq!(test_modules(&tokens(text)), ["sample", "tests"]);
}

/// One file of a room.
struct Source {
    room: String,
    file: PathBuf,
    /// How many `super` lead from it to the crate.
    depth: usize,
    text: String,
}

/// Something that a room must not do.
struct Offence {
    file: PathBuf,
    line: usize,
    what: String,
}

impl fmt::Display for Offence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}:{}: {}", self.file.display(), self.line, self.what)
    }
}

/// All files of all rooms, those that hold nothing but tests left out.
fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = rust_files(&root.join("src"));
    let read = |path: &Path| std::fs::read_to_string(path).expect("a source can be read");
    let only_tests: BTreeSet<PathBuf> = files
        .iter()
        .flat_map(|path| test_modules(&tokens(&read(path))).into_iter().map(|name| path.with_extension("").join(name)))
        .collect();
    let mut sources = Vec::new();
    for path in files {
        if only_tests.iter().any(|module| path.with_extension("").starts_with(module)) {
            continue;
        }
        let inside = path.strip_prefix(root.join("src")).expect("it was found there").with_extension("");
        let parts: Vec<&str> = inside.iter().map(|part| part.to_str().expect("names are plain")).collect();
        if parts == ["lib"] || parts == ["main"] {
            continue;
        }
        let file = path.strip_prefix(root).expect("it was found there").to_owned();
        sources.push(Source { room: parts[0].to_owned(), file, depth: parts.len(), text: read(&path) });
    }
    assert!(sources.len() > 50, "only {} sources were found: the scan looks in the wrong place", sources.len());
    sources
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn offences(source: &Source) -> Vec<Offence> {
    let tokens = without_tests(tokens(&source.text));
    let paths = paths(&tokens);
    let own = place(&source.room);
    // A module of that name may be imported from the strategy room: then the name is not the crate's.
    let group_is_a_module =
        paths.iter().any(|path| path.parts.starts_with(&["crate", GROUP_ROOM]) && path.last() == GROUP_CRATE);
    let mut offences = Vec::new();
    for path in &paths {
        let mut say = |what: String| {
            offences.push(Offence {
                file: source.file.clone(),
                line: path.line,
                what: format!("{} {what}", source.room),
            })
        };
        let parts = path.parts.as_slice();
        if let Some(room) = path.room(source.depth) {
            match (own, place(room)) {
                (_, None) => say(format!("names crate::{room}, which is no room")),
                _ if room == source.room => {}
                (Some((floor, _)), Some((other, _))) if other > floor => say(format!("looks up at {room}")),
                (Some((floor, rank)), Some((other, position))) if other == floor && position >= rank => {
                    say(format!("looks right at {room}"))
                }
                _ => {}
            }
        }
        let is_crate = parts.first() == Some(&GROUP_CRATE) && (path.absolute || !group_is_a_module);
        if is_crate && source.room != GROUP_ROOM {
            say(format!("names the crate {GROUP_CRATE}"));
        }
        if own.is_some_and(|(floor, _)| floor <= TOP_PURE_FLOOR) {
            let may_know_threads = source.file == Path::new(ABREAST);
            for impure in IMPURE.iter().filter(|path| !may_know_threads || ***path != ["std", "thread"]) {
                let shown = parts.join("::");
                if parts.starts_with(impure) {
                    say(format!("uses {shown}"));
                } else if path.imports && impure.len() > 2 && impure.starts_with(parts) && parts.len() > 1 {
                    say(format!("uses {shown}, and may reach {}", impure.join("::")));
                    break;
                }
            }
        }
    }
    offences
}

/// Floor and rank of a room.
fn place(room: &str) -> Option<(usize, usize)> {
    let on = |floor: &[&[&str]]| floor.iter().position(|rank| rank.contains(&room));
    HOUSE.iter().enumerate().find_map(|(floor, rooms)| Some((floor, on(rooms)?)))
}

/// A path in the code, `use` trees written out.
struct CodePath<'a> {
    parts: Vec<&'a str>,
    line: usize,
    /// It begins with `::`.
    absolute: bool,
    /// It is a leaf of a `use`.
    imports: bool,
}

impl CodePath<'_> {
    /// The room of the crate that it leads to, if it goes through the root of the crate.
    fn room(&self, depth: usize) -> Option<&str> {
        let ups = self.parts.iter().take_while(|part| **part == "super").count();
        match self.parts.first() {
            Some(&"crate") => self.parts.get(1).copied(),
            Some(&"super") if ups == depth => self.parts.get(ups).copied(),
            _ => None,
        }
    }

    fn last(&self) -> &str {
        self.parts.last().copied().unwrap_or_default()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Token<'a> {
    text: &'a str,
    line: usize,
}

impl Token<'_> {
    fn is_word(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_')
    }
}

/// Words, `::` and single signs. Comments, strings, characters and lifetimes are left out.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (length, is_token) = if let Some(length) = comment(rest).or_else(|| string(rest)).or_else(|| tick(rest)) {
            (length, false)
        } else if first.is_alphanumeric() || first == '_' {
            (rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len()), true)
        } else if rest.starts_with("::") {
            (2, true)
        } else {
            (first.len_utf8(), !first.is_whitespace())
        };
        if is_token {
            tokens.push(Token { text: &rest[..length], line });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    tokens
}

fn comment(rest: &str) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if !rest.starts_with("/*") {
        return None;
    }
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        let (step, change) = match &rest.as_bytes()[at..] {
            [b'/', b'*', ..] => (2, 1),
            [b'*', b'/', ..] => (2, -1),
            _ => (1, 0),
        };
        at += step;
        depth += change;
        if depth == 0 {
            break;
        }
    }
    Some(at)
}

fn string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r", "b", "c", ""].into_iter().find(|prefix| {
        let after = rest.strip_prefix(*prefix).unwrap_or_default();
        after.starts_with('"') || (prefix.ends_with('r') && after.trim_start_matches('#').starts_with('"'))
    })?;
    let after = &rest[prefix.len()..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    let open = prefix.len() + hashes + 1;
    let body = &rest[open..];
    if prefix.ends_with('r') {
        let end = format!("\"{}", "#".repeat(hashes));
        return Some(body.find(&end).map_or(rest.len(), |place| open + place + end.len()));
    }
    let mut escaped = false;
    for (place, sign) in body.char_indices() {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(open + place + 1),
            _ => {}
        }
    }
    Some(rest.len())
}

/// A character, or a lifetime.
fn tick(rest: &str) -> Option<usize> {
    let body = rest.strip_prefix('\'')?;
    let first = body.chars().next()?;
    if first == '\\' {
        let end = body.char_indices().skip(2).find(|(_, sign)| *sign == '\'')?.0;
        return Some(1 + end + 1);
    }
    if body[first.len_utf8()..].starts_with('\'') {
        return Some(1 + first.len_utf8() + 1);
    }
    Some(1 + body.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(body.len()))
}

const TEST_ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];

/// Where the item behind a `#[cfg(test)]` that begins at `at` begins and ends.
fn test_item(tokens: &[Token<'_>], at: usize) -> Option<(usize, usize)> {
    let is_attribute = tokens.get(at..at + TEST_ATTRIBUTE.len())?.iter().map(|token| token.text).eq(TEST_ATTRIBUTE);
    if !is_attribute {
        return None;
    }
    let mut begin = at + TEST_ATTRIBUTE.len();
    while tokens.get(begin).is_some_and(|token| token.text == "#") {
        begin += tokens[begin..].iter().position(|token| token.text == "]")? + 1;
    }
    let mut depth = 0;
    for (index, token) in tokens.iter().enumerate().skip(begin) {
        match token.text {
            "{" | "(" | "[" => depth += 1,
            "}" | ")" | "]" => depth -= 1,
            _ => {}
        }
        if depth == 0 && matches!(token.text, "}" | ";") {
            return Some((begin, index + 1));
        }
    }
    Some((begin, tokens.len()))
}

fn without_tests(tokens: Vec<Token<'_>>) -> Vec<Token<'_>> {
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        match test_item(&tokens, at) {
            Some((_, end)) => at = end,
            None => {
                kept.push(tokens[at]);
                at += 1;
            }
        }
    }
    kept
}

/// Names of modules in files of their own that are there for tests only.
fn test_modules(tokens: &[Token<'_>]) -> Vec<String> {
    let items = (0..tokens.len()).filter_map(|at| test_item(tokens, at));
    let names = items.filter_map(|(begin, end)| match &tokens[begin..end] {
        [.., module, name, last] if module.text == "mod" && last.text == ";" => Some(name.text.to_owned()),
        _ => None,
    });
    names.collect()
}

/// All paths of the code, from their first word on.
fn paths<'a>(tokens: &[Token<'a>]) -> Vec<CodePath<'a>> {
    let mut paths = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let follows_path = at > 0 && tokens[at - 1].text == "::";
        let imports = |place: usize| place > 0 && tokens[place - 1].text == "use";
        let absolute = tokens[at].text == "::"
            && (at == 0 || !(tokens[at - 1].is_word() || tokens[at - 1].text == ">") || imports(at));
        if absolute && tokens.get(at + 1).is_some_and(Token::is_word) {
            at = tree(tokens, at + 1, &[], true, imports(at), &mut paths);
        } else if tokens[at].is_word() && !follows_path {
            at = tree(tokens, at, &[], false, imports(at), &mut paths);
        } else {
            at += 1;
        }
    }
    paths
}

/// Writes out the path or `use` tree that begins at `at`; returns where it ends.
fn tree<'a>(
    tokens: &[Token<'a>],
    mut at: usize,
    before: &[&'a str],
    absolute: bool,
    imports: bool,
    paths: &mut Vec<CodePath<'a>>,
) -> usize {
    let mut parts = before.to_vec();
    let line = tokens.get(at).map_or(0, |token| token.line);
    let text = |at: usize| tokens.get(at).map_or("", |token: &Token<'a>| token.text);
    loop {
        if text(at) == "{"
            && (imports || !parts.is_empty())
            && (at == 0 || text(at - 1) == "::" || text(at - 1) == "use")
        {
            at += 1;
            while !matches!(text(at), "}" | "") {
                at = tree(tokens, at, &parts, absolute, imports, paths);
                while !matches!(text(at), "," | "}" | "") {
                    at += 1;
                }
                at += usize::from(text(at) == ",");
            }
            return at + 1;
        }
        match tokens.get(at) {
            Some(token) if token.text == "self" && !parts.is_empty() => {}
            Some(token) if token.is_word() || token.text == "*" => parts.push(token.text),
            _ => break,
        }
        at += 1;
        if text(at) != "::" {
            break;
        }
        at += 1;
    }
    if !parts.is_empty() {
        paths.push(CodePath { parts, line, absolute, imports });
    }
    at.max(1)
}
