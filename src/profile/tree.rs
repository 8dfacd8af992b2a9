//! The tree: TOML with the place of every key and value, and how one tree is laid over another.

use std::ops::Range;

use serde_json::Value as Schema;
use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::shape;

/// A key with its place.
pub(super) type Key<'i> = Spanned<DeString<'i>>;
/// A value with its place.
pub(super) type Value<'i> = Spanned<DeValue<'i>>;

/// A key of `table` and its value.
pub(super) fn entry<'t, 'i>(table: &'t DeTable<'i>, key: &str) -> Option<(&'t Key<'i>, &'t Value<'i>)> {
    table.get_key_value(key)
}

/// The place of the value at a dotted path, `load.rate` or `fault.0.at`; of the table's header for a table.
pub(super) fn place(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    // A key in quotes may hold dots itself: `"gap.max"`.
    if let Some((_, value)) = entry(table, path) {
        return Some(value.span());
    }
    let (first, rest) = path.split_once('.')?;
    place_within(entry(table, first)?.1, rest)
}

/// The place of the last key of a dotted path, through tables.
pub(super) fn key_place(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    if let Some((key, _)) = entry(table, path) {
        return Some(key.span());
    }
    let (first, rest) = path.split_once('.')?;
    match entry(table, first)?.1.get_ref() {
        DeValue::Table(table) => key_place(table, rest),
        _ => None,
    }
}

fn place_within(value: &Value<'_>, path: &str) -> Option<Range<usize>> {
    match value.get_ref() {
        DeValue::Table(table) => place(table, path),
        DeValue::Array(items) => {
            let (index, rest) = path.split_once('.').map_or((path, None), |(index, rest)| (index, Some(rest)));
            let item = items.get(index.parse::<usize>().ok()?)?;
            match rest {
                Some(rest) => place_within(item, rest),
                None => Some(item.span()),
            }
        }
        _ => None,
    }
}

/// Something that could not be laid over.
pub(super) struct Misfit {
    /// Where the new value is.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
}

/// Lays `new` over `base`: tables key by key, everything else by replacement.
///
/// A list takes single items by their number, counted from 0; the first number beyond its end adds one. When a
/// table's `kind` changes, the keys that only the old kind has go with it: `--set strategy.kind=shared-pull` needs
/// no clearing up.
pub(super) fn lay<'i>(base: &mut DeTable<'i>, new: DeTable<'i>, schema: Option<&Schema>, misfits: &mut Vec<Misfit>) {
    if let (Some(old_kind), Some(new_kind), Some(schema)) = (kind(base), kind(&new), schema)
        && old_kind != new_kind
    {
        let (old_keys, new_keys) = (shape::keys(schema, Some(&old_kind)), shape::keys(schema, Some(&new_kind)));
        let stays = |key: &Key<'_>| {
            let name = key.get_ref().as_ref();
            !old_keys.contains_key(name) || new_keys.contains_key(name)
        };
        *base = std::mem::take(base).into_iter().filter(|(key, _)| stays(key)).collect();
    }
    let kind = kind(&new).or_else(|| kind(base));
    for (key, value) in new {
        let child = schema.and_then(|schema| shape::keys(schema, kind.as_deref()).get(key.get_ref().as_ref()).copied());
        match base.remove_entry(key.get_ref().as_ref()) {
            None => drop(base.insert(key, value)),
            Some((old_key, mut old)) => {
                let grown = matches!(old.get_ref(), DeValue::Table(_) | DeValue::Array(_));
                lay_value(&mut old, value, child, misfits);
                // A scalar is where it was set last; a table stays where its header is.
                base.insert(if grown { old_key } else { key }, old);
            }
        }
    }
}

fn lay_value<'i>(old: &mut Value<'i>, new: Value<'i>, schema: Option<&Schema>, misfits: &mut Vec<Misfit>) {
    let span = new.span();
    match (old.get_mut(), new.into_inner()) {
        (DeValue::Table(base), DeValue::Table(new)) => lay(base, new, schema, misfits),
        (DeValue::Array(items), DeValue::Table(new))
            if new.keys().all(|key| key.get_ref().parse::<usize>().is_ok()) =>
        {
            lay_items(items, new, schema.and_then(|schema| schema.get("items")), misfits);
        }
        (_, new) => *old = Spanned::new(span, new),
    }
}

fn lay_items<'i>(items: &mut DeArray<'i>, new: DeTable<'i>, schema: Option<&Schema>, misfits: &mut Vec<Misfit>) {
    for (key, value) in new {
        let index = key.get_ref().parse::<usize>().unwrap_or(usize::MAX);
        let count = items.len();
        if let Some(item) = items.get_mut(index) {
            lay_value(item, value, schema, misfits);
        } else if index == count {
            items.push(value);
        } else {
            let message = format!("there is no number {index}: there are {count}, counted from 0");
            misfits.push(Misfit { span: key.span(), message });
        }
    }
}

fn kind(table: &DeTable<'_>) -> Option<String> {
    entry(table, "kind").and_then(|(_, value)| value.get_ref().as_str()).map(str::to_owned)
}

/// Takes keys with dots apart: `"strategy.takeover" = …` means the same as `strategy.takeover = …`.
pub(super) fn undotted(table: DeTable<'_>) -> DeTable<'_> {
    let mut whole = DeTable::new();
    for (key, value) in table {
        let span = key.span();
        let path: Vec<String> = key.get_ref().split('.').map(str::to_owned).collect();
        let mut path = path.into_iter().rev();
        let Some(last) = path.next() else { continue };
        let leaf = DeTable::from_iter([(Spanned::new(span.clone(), last.into()), value)]);
        let nested = path.fold(leaf, |inner, name| {
            let inner = Spanned::new(span.clone(), DeValue::Table(inner));
            DeTable::from_iter([(Spanned::new(span.clone(), name.into()), inner)])
        });
        lay(&mut whole, nested, None, &mut Vec::new());
    }
    whole
}
