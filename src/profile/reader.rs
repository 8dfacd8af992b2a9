//! The reader: from a tree to a document, with every wrong key and value on the way.
//!
//! serde stops at the first error. Here each key of a table is tried alone, beside the one that the table cannot do
//! without; so one wrong value never hides another, and a table's good keys are still read.

use std::ops::Range;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value as Schema;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::document::{Document, Fault};
use super::nearest::nearest;
use super::shape::{self, ANY_TEXT};
use super::tree::{self, Value};
use crate::model::units::Timespan;
use crate::strategy::ruled_out::ruled_out;

/// Something wrong at a place in the row of all texts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub span: Range<usize>,
    pub message: String,
    pub label: String,
    pub help: Option<String>,
}

/// Reads one tree.
pub(super) struct Reader<'s> {
    schema: &'s Schema,
    /// What was found wrong.
    pub found: Vec<Found>,
    /// The dotted paths that could not be read: what they hold is a default, and no check should speak of it.
    pub unread: Vec<String>,
}

/// The key that a table cannot do without, and what stands for it when it is left out.
struct Anchor {
    key: &'static str,
    default: Option<&'static str>,
}

impl<'s> Reader<'s> {
    /// A reader that knows the schema of a document.
    pub(super) fn new(schema: &'s Schema) -> Self {
        Self { schema, found: Vec::new(), unread: Vec::new() }
    }

    /// The document, with defaults in the place of what is wrong. `variant` is left to the caller.
    pub(super) fn document(&mut self, root: &DeTable<'_>) -> Document {
        let known = shape::keys(self.schema, None);
        for (key, _) in root {
            if !known.contains_key(key.get_ref().as_ref()) {
                self.unknown(key, "a profile", known.keys().copied());
            }
        }
        Document {
            run: self.section(root, "run", None),
            server: self.section(root, "server", None),
            stream: self.section(root, "stream", None),
            load: self.section(root, "load", None),
            ledger: self.section(root, "ledger", None),
            fleet: self.section(root, "fleet", None),
            strategy: self
                .optional(root, "strategy", Some(Anchor { key: "kind", default: Some("lease-group") }))
                .unwrap_or_else(|| Document::default().strategy),
            limits: self.section(root, "limits", None),
            search: self.section(root, "search", None),
            gate: self.section(root, "gate", None),
            fault: self.faults(root),
            variant: Vec::new(),
        }
    }

    fn section<T: DeserializeOwned + Default>(&mut self, root: &DeTable<'_>, name: &str, anchor: Option<Anchor>) -> T {
        self.optional(root, name, anchor).unwrap_or_default()
    }

    fn optional<T: DeserializeOwned>(&mut self, root: &DeTable<'_>, name: &str, anchor: Option<Anchor>) -> Option<T> {
        let (_, value) = tree::entry(root, name)?;
        let schema = self.schema;
        let node = schema.get("properties")?.get(name)?;
        match value.get_ref() {
            DeValue::Table(table) => self.table(table, value.span(), node, name, anchor),
            other => {
                self.unread.push(name.to_owned());
                let message = format!("`{name}` is {}", a(other));
                self.tell(
                    value.span(),
                    message,
                    "expected a section",
                    Some(format!("write [{name}] and its keys below it")),
                );
                None
            }
        }
    }

    fn faults(&mut self, root: &DeTable<'_>) -> Vec<Fault> {
        let schema = self.schema;
        let node = schema.pointer("/properties/fault/items");
        let (Some((_, value)), Some(node)) = (tree::entry(root, "fault"), node) else { return Vec::new() };
        let help = Some("write [[fault]], once for each fault, and its keys below it".to_owned());
        let DeValue::Array(items) = value.get_ref() else {
            let message = format!("`fault` is {}", a(value.get_ref()));
            self.tell(value.span(), message, "expected [[fault]]", help);
            return Vec::new();
        };
        let mut faults = Vec::new();
        for (number, item) in items.iter().enumerate() {
            let path = format!("fault.{number}");
            let found_before = self.found.len();
            match item.get_ref() {
                DeValue::Table(table) => {
                    let anchor = Some(Anchor { key: "kind", default: None });
                    // A fault that cannot be read must not shift the numbers of those after it, so that the checks
                    // point at the right ones; what stands in for it is never run.
                    faults.push(self.table(table, item.span(), node, &path, anchor).unwrap_or_else(stand_in));
                }
                other => {
                    let message = format!("a fault is {}", a(other));
                    self.tell(item.span(), message, "expected a table", help.clone());
                    faults.push(stand_in());
                }
            }
            if self.found.len() > found_before {
                self.unread.push(path);
            }
        }
        faults
    }

    /// One table, key by key. `None` when what it cannot do without is missing or wrong.
    fn table<T: DeserializeOwned>(
        &mut self,
        table: &DeTable<'_>,
        span: Range<usize>,
        node: &Schema,
        path: &str,
        anchor: Option<Anchor>,
    ) -> Option<T> {
        let whose = &if path.starts_with("fault") { "a [[fault]]".to_owned() } else { format!("[{path}]") };
        let mut kept = DeTable::new();
        let mut kind = None;
        if let Some(Anchor { key, default }) = anchor {
            let value = match (tree::entry(table, key), default) {
                (Some((_, value)), _) => value.clone(),
                (None, Some(default)) => Spanned::new(span.clone(), DeValue::String(default.into())),
                (None, None) => {
                    let help = format!("add {key} = {}", shape::one_of(&shape::kinds(node)));
                    self.tell(span, format!("{whose} needs a `{key}`"), "this one has none", Some(help));
                    return None;
                }
            };
            let kinds = shape::kinds(node);
            let known = value.get_ref().as_str().and_then(|typed| kinds.iter().copied().find(|kind| *kind == typed));
            if known.is_none() {
                self.not_a_word(&value, key, &kinds);
                self.unread.push(path.to_owned());
                return None;
            }
            kind = known;
            kept.insert(Spanned::new(span.clone(), key.into()), value);
        }
        let anchored = kept.clone();
        let known = shape::keys(node, kind);
        for (key, value) in table {
            let name = key.get_ref().as_ref();
            let Some(node) = known.get(name) else {
                let kind_named = kind;
                let whose = kind.map_or_else(|| whose.to_owned(), |kind| format!("{whose} of kind \"{kind}\""));
                let others: Vec<_> = shape::kinds(node)
                    .into_iter()
                    .filter(|other| shape::keys(node, Some(other)).contains_key(name))
                    .collect();
                if others.is_empty() {
                    self.unknown(key, &whose, known.keys().copied());
                } else {
                    let belongs = format!("it belongs to kind {}", shape::one_of(&others));
                    let help = match kind_named.and_then(|kind| ruled_out(kind, name)) {
                        Some(reason) => format!("{belongs}; {reason}"),
                        None => belongs,
                    };
                    self.tell(key.span(), format!("`{name}` is no key of {whose}"), "unknown here", Some(help));
                }
                continue;
            };
            let mut alone = anchored.clone();
            alone.insert(key.clone(), value.clone());
            match read::<T>(alone, &span) {
                Ok(_) if shape::is_timespan(node) && too_long(value) => {
                    self.unread.push(format!("{path}.{name}"));
                    self.tell(
                        value.span(),
                        format!("`{name}` is {}", a(value.get_ref())),
                        "expected at most a year",
                        None,
                    );
                }
                Ok(_) => drop(kept.insert(key.clone(), value.clone())),
                Err(error) => {
                    self.unread.push(format!("{path}.{name}"));
                    self.wrong(name, value, node, &error);
                }
            }
        }
        match read(kept, &span) {
            Ok(read) => Some(read),
            Err(error) => {
                self.tell(span, format!("{whose}: {}", error.message()), "", None);
                None
            }
        }
    }

    /// A key that is not known.
    fn unknown<'k>(&mut self, key: &tree::Key<'_>, whose: &str, known: impl Iterator<Item = &'k str>) {
        let known: Vec<_> = known.collect();
        let name = key.get_ref();
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", ticked(&known)),
        };
        self.tell(key.span(), format!("`{name}` is no key of {whose}"), "unknown key", Some(help));
    }

    /// A value that is not what its key holds.
    fn wrong(&mut self, name: &str, value: &Value<'_>, node: &Schema, error: &toml::de::Error) {
        let words = shape::words(node);
        let expected = shape::expected(node);
        if !words.is_empty() {
            return self.none_of(value, name, &words, &expected);
        }
        let number = matches!(value.get_ref(), DeValue::Integer(_) | DeValue::Float(_));
        let message = if number && expected.contains("unit") {
            format!("`{name}` is a number without a unit")
        } else if matches!(
            (value.get_ref(), expected.as_str()),
            (_, ANY_TEXT) | (DeValue::Table(_), "a table") | (DeValue::Array(_), "a list")
        ) {
            // It is what it should be; something in it is not.
            format!("`{name}`: {}", error.message().trim())
        } else {
            format!("`{name}` is {}", a(value.get_ref()))
        };
        self.tell(value.span(), message, &format!("expected {expected}"), None);
    }

    /// A value that is none of the words it may be.
    pub(super) fn not_a_word(&mut self, value: &Value<'_>, key: &str, words: &[&str]) {
        self.none_of(value, key, words, &shape::one_of(words));
    }

    /// A value that is none of the words it may be, nor anything else of what is `expected`.
    fn none_of(&mut self, value: &Value<'_>, key: &str, words: &[&str], expected: &str) {
        let typed = value.get_ref().as_str();
        let what = typed.map_or_else(|| a(value.get_ref()), |typed| format!("\"{typed}\""));
        let help = typed.and_then(|typed| nearest(typed, words.iter().copied()));
        self.tell(
            value.span(),
            format!("`{key}` is {what}"),
            &format!("expected {expected}"),
            help.map(|near| format!("did you mean \"{near}\"?")),
        );
    }

    /// Notes something that is wrong.
    pub(super) fn tell(&mut self, span: Range<usize>, message: String, label: &str, help: Option<String>) {
        self.found.push(Found { span, message, label: label.to_owned(), help });
    }
}

fn read<T: DeserializeOwned>(table: DeTable<'_>, span: &Range<usize>) -> Result<T, toml::de::Error> {
    T::deserialize(Deserializer::from(Spanned::new(span.clone(), table)))
}

/// Longer than anybody waits; servers and clocks overflow somewhere beyond.
fn too_long(value: &Value<'_>) -> bool {
    let year = Duration::from_secs(366 * 24 * 3600);
    value.get_ref().as_str().and_then(|text| text.parse().ok()).is_some_and(|Timespan(span)| span > year)
}

/// What a fault that cannot be read is taken for.
fn stand_in() -> Fault {
    Fault {
        kind: crate::fault::Kind::Kill,
        target: None,
        at: None,
        every: None,
        from: None,
        until: None,
        times: None,
        jitter: None,
    }
}

/// The type of a value with its article.
pub(super) fn a(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("\"{text}\""),
        DeValue::Integer(number) => format!("the number {number}"),
        DeValue::Float(number) => format!("the number {number}"),
        DeValue::Boolean(value) => value.to_string(),
        DeValue::Datetime(_) => "a date".to_owned(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// `a`, `b`, `c`.
fn ticked(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}
