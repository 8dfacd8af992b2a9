//! The fields of a small table: taken one by one, and what is wrong with them or left over is told.

use std::ops::Range;

use toml::de::{DeTable, DeValue};

use crate::profile::load::plain;
use crate::profile::nearest::nearest;
use crate::profile::reader::{Found, a};
use crate::profile::shape;
use crate::profile::tree::Value;

/// A table that is being read.
pub(super) struct Fields<'i, 'f> {
    table: DeTable<'i>,
    span: Range<usize>,
    /// What it is called in messages: ``a [[axis]]``.
    whose: &'static str,
    known: &'static [&'static str],
    found: &'f mut Vec<Found>,
}

impl<'i, 'f> Fields<'i, 'f> {
    /// The fields of `value`; keys that are not `known` are told at once. `None` when it is no table.
    pub(super) fn of(
        value: Value<'i>,
        whose: &'static str,
        known: &'static [&'static str],
        found: &'f mut Vec<Found>,
    ) -> Option<Self> {
        let span = value.span();
        let DeValue::Table(table) = value.into_inner() else {
            found.push(plain(span, format!("{whose} is a table")));
            return None;
        };
        for key in table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            found.push(unknown(key.span(), key.get_ref(), whose, known));
        }
        Some(Self { table, span, whose, known, found })
    }

    /// Where the table is.
    pub(super) fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// Takes a field.
    pub(super) fn take(&mut self, key: &str) -> Option<Value<'i>> {
        debug_assert!(self.known.contains(&key), "{key} is no key of {}", self.whose);
        self.table.remove(key)
    }

    /// Takes a field that is text.
    pub(super) fn text(&mut self, key: &str) -> Option<(Range<usize>, String)> {
        let value = self.take(key)?;
        match value.get_ref().as_str() {
            Some(text) if !text.trim().is_empty() => Some((value.span(), text.to_owned())),
            _ => {
                self.wrong(&value, key, "text in quotes");
                None
            }
        }
    }

    /// Takes a field that is a whole number in this range; what is wrong is told.
    pub(super) fn number(&mut self, key: &str, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let value = self.take(key)?;
        let number = value.get_ref().as_integer().filter(|number| number.radix() == 10);
        let number = number.and_then(|number| number.as_str().replace('_', "").parse().ok());
        if let Some(number) = number.filter(|number| range.contains(number)) {
            return Some(number);
        }
        self.wrong(&value, key, &format!("a whole number from {} to {}", range.start(), range.end()));
        None
    }

    /// Takes a field that is one of these words, and gives its place among them.
    pub(super) fn word(&mut self, key: &str, words: &[&str]) -> Option<usize> {
        let value = self.take(key)?;
        let typed = value.get_ref().as_str();
        if let Some(place) = typed.and_then(|typed| words.iter().position(|word| *word == typed)) {
            return Some(place);
        }
        let near = typed.and_then(|typed| nearest(typed, words.iter().copied()));
        let help = near.map(|near| format!("did you mean \"{near}\"?"));
        let expected = shape::one_of(words);
        self.found.push(misfit(&value, key, &expected, help));
        None
    }

    /// Takes a field that is a list.
    pub(super) fn list(&mut self, key: &str) -> Option<(Range<usize>, Vec<Value<'i>>)> {
        let value = self.take(key)?;
        let span = value.span();
        if value.get_ref().is_array() {
            let DeValue::Array(items) = value.into_inner() else { return None };
            return Some((span, items.into_iter().collect()));
        }
        self.wrong(&value, key, "a list");
        None
    }

    /// Tells something of the table.
    pub(super) fn tell(&mut self, span: Range<usize>, message: String, help: Option<&str>) {
        self.found.push(Found { span, message, label: String::new(), help: help.map(str::to_owned) });
    }

    fn wrong(&mut self, value: &Value<'_>, key: &str, expected: &str) {
        self.found.push(misfit(value, key, expected, None));
    }

    /// What is found wrong so far, to add to it.
    pub(super) fn found(&mut self) -> &mut Vec<Found> {
        self.found
    }
}

/// A value that is not what its key holds.
pub(super) fn misfit(value: &Value<'_>, key: &str, expected: &str, help: Option<String>) -> Found {
    let message = format!("`{key}` is {}", a(value.get_ref()));
    Found { span: value.span(), message, label: format!("expected {expected}"), help }
}

/// A key that nobody knows.
pub(super) fn unknown(span: Range<usize>, name: &str, whose: &str, known: &[&str]) -> Found {
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => {
            let ticked: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
            format!("known are {}", ticked.join(", "))
        }
    };
    Found { span, message: format!("`{name}` is no key of {whose}"), label: "unknown key".to_owned(), help: Some(help) }
}
