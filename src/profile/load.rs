//! Loading: from a name and some `--set` to plans, or to everything that is wrong.

use std::ops::Range;
use std::path::Path;
use std::{fs, io};

use toml::de::{DeTable, DeValue};

use super::builtin;
use super::check::check;
use super::document::Document;
use super::nearest::nearest;
use super::plan::Plan;
use super::problem::{Problem, Problems, Source};
use super::reader::{Found, Reader};
use super::setting::Setting;
use super::shape;
use super::tree;

/// A profile as it was asked for, checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// Name of the profile.
    pub name: String,
    /// The question it answers; may be empty.
    pub question: String,
    /// One document a variant, with the variant's name; else one without a name. Never empty.
    pub documents: Vec<(Option<String>, Document)>,
}

/// The plans of a profile: one a variant, or one.
///
/// `name_or_path` is the path of a file that exists, or the name of a built-in profile; each of `sets` is a
/// `section.key=value` that goes over what the file says.
///
/// # Errors
/// Everything that is wrong with the profile and the sets, at once.
pub fn load(name_or_path: &str, sets: &[String]) -> Result<Vec<Plan>, Problems> {
    open(name_or_path, sets).map(|loaded| loaded.plans())
}

/// Like [`load`], but only as far as the documents.
///
/// # Errors
/// Everything that is wrong with the profile and the sets, at once.
pub fn open(name_or_path: &str, sets: &[String]) -> Result<Loaded, Problems> {
    let path = Path::new(name_or_path);
    if path.is_file() {
        let name = path.file_stem().map_or_else(|| name_or_path.to_owned(), |stem| stem.to_string_lossy().into_owned());
        let text = fs::read_to_string(path).map_err(|error| unreadable(name_or_path, &error))?;
        return parse(&name, name_or_path, &text, sets);
    }
    match builtin::find(name_or_path) {
        Some(builtin) => parse(builtin.name, &format!("profiles/{}.toml", builtin.name), builtin.text, sets),
        None => Err(unknown(name_or_path)),
    }
}

/// Reads a profile from text; `source` names that text in problems.
///
/// # Errors
/// Everything that is wrong with the profile and the sets, at once.
pub fn parse(name: &str, source: &str, text: &str, sets: &[String]) -> Result<Loaded, Problems> {
    let mut texts = Texts::new(source, text);
    let settings: Vec<_> = sets.iter().map(|set| Setting::new(set, texts.add("--set", set))).collect();
    let mut found = Vec::new();

    let (root, errors) = DeTable::parse_recoverable(text);
    let mut root = root.into_inner();
    let broken: Vec<usize> = errors.iter().map(|error| line_of(text, error.span().unwrap_or(0..0).start)).collect();
    found.extend(errors.iter().map(|error| plain(error.span().unwrap_or(0..0), error.message().replace('\n', ", "))));
    let mut overlays = Vec::new();
    for setting in &settings {
        match setting.tree() {
            Ok(tree) => overlays.push(tree),
            Err((span, message)) => found.push(plain(span, message)),
        }
    }

    let schema = shape::document();
    for overlay in &overlays {
        overlaid(&mut root, overlay, &schema, &mut found);
    }
    // Places beyond the text are those of a --set.
    let layer = |place: usize| usize::from(place > text.len());
    let variants = variants(&mut root, &mut found);
    let mut documents = Vec::new();
    if variants.is_empty() {
        documents.push((None, document(&root, &schema, &layer, broken.is_empty(), &mut found)));
    }
    for (variant, set) in variants {
        let mut root = root.clone();
        for overlay in std::iter::once(&set).chain(&overlays) {
            overlaid(&mut root, overlay, &schema, &mut found);
        }
        documents.push((Some(variant), document(&root, &schema, &layer, broken.is_empty(), &mut found)));
    }
    if !broken.is_empty() {
        // Where the text is no TOML its tree has holes; what is said about these lines beyond that is noise.
        let syntax = found.drain(..broken.len()).collect::<Vec<_>>();
        found.retain(|found| !broken.contains(&line_of(text, found.span.start)));
        found.extend(syntax);
    }
    if !found.is_empty() {
        return Err(texts.problems(found));
    }
    Ok(Loaded { name: name.to_owned(), question: builtin::question(text).to_owned(), documents })
}

/// Lays one tree over another; what does not fit is added to `found`.
pub(super) fn overlaid<'i>(
    root: &mut DeTable<'i>,
    overlay: &DeTable<'i>,
    schema: &serde_json::Value,
    found: &mut Vec<Found>,
) {
    let mut misfits = Vec::new();
    tree::lay(root, overlay.clone(), Some(schema), &mut misfits);
    found.extend(misfits.into_iter().map(|misfit| plain(misfit.span, misfit.message)));
}

/// Reads and checks one tree; what is wrong with it is added to `found`. One that is not `whole` is only read.
/// What lies at a place of a higher `layer` was laid over what lies at one of a lower.
pub(super) fn document(
    root: &DeTable<'_>,
    schema: &serde_json::Value,
    layer: &dyn Fn(usize) -> usize,
    whole: bool,
    found: &mut Vec<Found>,
) -> Document {
    let mut reader = Reader::new(schema);
    let document = reader.document(root);
    let layer_of =
        |path: Option<&String>| path.and_then(|path| tree::place(root, path)).map_or(0, |place| layer(place.start));
    let findings = if whole { check(&document) } else { Vec::new() };
    let unread = |path: &String| {
        reader.unread.iter().any(|unread| {
            path == unread || path.strip_prefix(unread.as_str()).is_some_and(|rest| rest.starts_with('.'))
        })
    };
    for finding in findings {
        // A file's key that a --set of another one leaves without effect is no mistake of anybody's.
        let left_behind = finding.idle && layer_of(finding.about.get(1)) > layer_of(finding.about.first());
        if left_behind || finding.about.iter().any(unread) {
            continue;
        }
        let key = finding.about.first().filter(|_| finding.at_key).and_then(|path| tree::key_place(root, path));
        let typed = key.or_else(|| finding.about.iter().find_map(|path| tree::place(root, path)));
        let section = || finding.about.first().and_then(|path| tree::place(root, path.split('.').next()?));
        let span = typed.or_else(section).unwrap_or(0..0);
        found.push(Found { span, message: finding.message, label: String::new(), help: finding.help });
    }
    found.append(&mut reader.found);
    document
}

/// Takes `[[variant]]` out of the tree: each name, and what it sets.
pub(super) fn variants<'i>(root: &mut DeTable<'i>, found: &mut Vec<Found>) -> Vec<(String, DeTable<'i>)> {
    let Some(value) = root.remove("variant") else { return Vec::new() };
    let help = "write [[variant]], name = \"…\", set = { \"strategy.takeover\" = \"resume\" }";
    let mut tell = |span: Range<usize>, message: &str| {
        found.push(Found { span, message: message.to_owned(), label: String::new(), help: Some(help.to_owned()) });
    };
    let span = value.span();
    let DeValue::Array(items) = value.into_inner() else {
        tell(span, "`variant` is no list of tables");
        return Vec::new();
    };
    let mut variants: Vec<(String, DeTable<'i>)> = Vec::new();
    for item in items {
        let span = item.span();
        let DeValue::Table(mut table) = item.into_inner() else {
            tell(span, "a variant is no table");
            continue;
        };
        let set = match table.remove("set").map(|set| (set.span(), set.into_inner())) {
            None => DeTable::new(),
            Some((_, DeValue::Table(set))) => tree::undotted(set),
            Some((span, _)) => {
                tell(span, "the `set` of a variant is no table");
                DeTable::new()
            }
        };
        match table.remove("name").map(|name| (name.span(), name.into_inner())) {
            None => tell(span, "a [[variant]] needs a `name`"),
            Some((span, name)) => match name.as_str() {
                Some(name) if !is_name(name) => {
                    tell(span, "a variant's name has lower-case letters, digits and `-` only")
                }
                Some(name) if variants.iter().any(|(other, _)| other == name) => {
                    tell(span, "two variants have this name")
                }
                Some(name) => variants.push((name.to_owned(), set)),
                None => tell(span, "the `name` of a variant is text in quotes"),
            },
        }
        for (key, _) in table {
            tell(key.span(), &format!("`{}` is no key of a [[variant]]", key.get_ref()));
        }
    }
    variants
}

fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The line that a place is in, from 0; places after the text count as no line of it.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).map_or(usize::MAX, |before| before.matches('\n').count())
}

pub(super) fn plain(span: Range<usize>, message: String) -> Found {
    Found { span, message, label: String::new(), help: None }
}

/// The texts that were read, one after the other in one row of places.
pub(super) struct Texts(Vec<(usize, Source)>);

impl Texts {
    /// Begins with the text that all others belong to.
    pub(super) fn new(name: &str, text: &str) -> Self {
        Self(vec![(0, Source { name: name.to_owned(), text: text.to_owned() })])
    }

    /// Adds a text and says where it begins.
    pub(super) fn add(&mut self, name: &str, text: &str) -> usize {
        let base = self.0.last().map_or(0, |(base, source)| base + source.text.len() + 1);
        self.0.push((base, Source { name: name.to_owned(), text: text.to_owned() }));
        base
    }

    /// Puts everything found into its text, each thing once, in order.
    pub(super) fn problems(self, found: Vec<Found>) -> Problems {
        let place = |found: Found| {
            let source = self.0.iter().rposition(|(base, _)| *base <= found.span.start).unwrap_or(0);
            let (base, length) = self.0.get(source).map_or((0, 0), |(base, source)| (*base, source.text.len()));
            let start = (found.span.start - base).min(length);
            let end = found.span.end.saturating_sub(base).clamp(start, length);
            Problem { message: found.message, source, span: start..end, label: found.label, help: found.help }
        };
        let mut problems: Vec<_> = found.into_iter().map(place).collect();
        problems.sort_by_key(|problem| (problem.source, problem.span.start));
        let mut once: Vec<Problem> = Vec::new();
        for problem in problems {
            if !once.contains(&problem) {
                once.push(problem);
            }
        }
        Problems { sources: self.0.into_iter().map(|(_, source)| source).collect(), problems: once }
    }
}

fn unreadable(path: &str, error: &io::Error) -> Problems {
    whole(path, format!("cannot read this profile: {error}"), None)
}

fn unknown(name: &str) -> Problems {
    let names: Vec<_> = builtin::ALL.iter().map(|builtin| builtin.name).collect();
    let path_like = name.contains(['/', '\\']) || name.ends_with(".toml");
    let message =
        if path_like { format!("there is no file {name}") } else { format!("there is no profile \"{name}\"") };
    let help = match nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean {near}?"),
        None => format!("there are {}; or give the path of a TOML file", names.join(", ")),
    };
    whole(name, message, Some(help))
}

/// A problem with the name of the profile itself.
pub(super) fn whole(text: &str, message: String, help: Option<String>) -> Problems {
    let source = Source { name: "command line".to_owned(), text: text.to_owned() };
    let problem = Problem { message, source: 0, span: 0..text.len(), label: String::new(), help };
    Problems { sources: vec![source], problems: vec![problem] }
}
