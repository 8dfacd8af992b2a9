//! One `--set a.b=value`: read as TOML, or, where it is no TOML, as a key and a bare word.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The text of a `--set`, padded so that places in it follow on those of the texts before it.
pub(super) struct Setting {
    /// As typed.
    whole: String,
    /// Its key with a value that is surely TOML, when there is a `=`.
    key: Option<String>,
    /// Where the value begins in `whole`.
    value_at: usize,
}

impl Setting {
    /// `typed`, at `base` in the row of all texts.
    pub(super) fn new(typed: &str, base: usize) -> Self {
        let pad = " ".repeat(base);
        let key = typed.split_once('=').map(|(key, _)| format!("{pad}{key}=0"));
        let value_at = base + typed.find('=').map_or(typed.len(), |equals| equals + 1);
        Self { whole: format!("{pad}{typed}"), key, value_at }
    }

    /// What it sets, as a tree.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub(super) fn tree(&self) -> Result<DeTable<'_>, (Range<usize>, String)> {
        let start = self.whole.len() - self.whole.trim_start_matches(' ').len();
        let everything = start.min(self.value_at)..self.whole.len();
        let Some(key) = &self.key else {
            return Err((everything, "expected KEY=VALUE, like fleet.members=8".to_owned()));
        };
        let not_toml = match DeTable::parse(&self.whole) {
            Ok(tree) => return Ok(tree.into_inner()),
            Err(error) => error,
        };
        let Ok(tree) = DeTable::parse(key) else {
            return Err((everything, "expected KEY=VALUE, like fleet.members=8".to_owned()));
        };
        let value = self.whole.get(self.value_at..).unwrap_or_default();
        let word = value.trim();
        let word_at = self.value_at + (value.len() - value.trim_start().len());
        if word.is_empty() || word.starts_with(['"', '\'', '[', '{']) {
            let span = not_toml.span().unwrap_or(everything);
            return Err((span, not_toml.message().replace('\n', ", ")));
        }
        let mut tree = tree.into_inner();
        plant(&mut tree, Spanned::new(word_at..word_at + word.len(), DeValue::String(word.into())));
        Ok(tree)
    }
}

/// Puts `value` in the place of the one leaf of `tree`.
fn plant<'i>(tree: &mut DeTable<'i>, value: Spanned<DeValue<'i>>) {
    if let Some((_, inner)) = tree.iter_mut().next() {
        match inner.get_mut() {
            DeValue::Table(table) => plant(table, value),
            _ => *inner = value,
        }
    }
}
