//! One thing that is varied: `[[axis]]`, from a table to values that each set some keys.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::fields::{Fields, misfit};
use crate::model::sweep;
use crate::model::units::{Rate, Size, Timespan};
use crate::profile::load::plain;
use crate::profile::reader::Found;
use crate::profile::tree::{self, Value};

/// An axis as it was read.
pub(super) struct Axis<'i> {
    /// What it is called.
    pub name: String,
    /// Where its values stand.
    pub span: Range<usize>,
    /// Whether its values have names of the user's own.
    pub named: bool,
    /// Its values in order.
    pub values: Vec<Point<'i>>,
}

/// One value of an axis.
pub(super) struct Point<'i> {
    /// As shown.
    pub label: String,
    /// As a number with its unit, where it is one.
    pub number: Option<(f64, &'static str)>,
    /// What it sets.
    pub set: DeTable<'i>,
}

const A_AXIS: &str = "an [[axis]]";
const HELP: &str = "write key = \"fleet.members\" and values = [1, 2, 4], or name = \"…\" and values = [{ label = \"…\", set = { … } }, …]";

impl<'i> Axis<'i> {
    /// Reads one `[[axis]]`; what is wrong is added to `found`.
    pub(super) fn read(value: Value<'i>, found: &mut Vec<Found>) -> Option<Self> {
        let mut fields = Fields::of(value, A_AXIS, &["name", "key", "keys", "values"], found)?;
        let name = fields.text("name");
        let key = fields.text("key");
        let keys = fields.list("keys");
        let Some((span, values)) = fields.list("values") else {
            fields.tell(fields.span(), format!("{A_AXIS} needs `values`"), Some(HELP));
            return None;
        };
        let keys = match (key, keys) {
            (Some(_), Some((span, _))) => {
                fields.tell(span, format!("{A_AXIS} has either `key` or `keys`"), Some(HELP));
                return None;
            }
            (Some(key), None) => vec![key],
            (None, Some((_, keys))) => keys.iter().filter_map(|key| path(key, fields.found())).collect(),
            (None, None) => Vec::new(),
        };
        let name = match (name, keys.first()) {
            (Some((_, name)), _) => name,
            (None, Some((_, key))) => key.clone(),
            (None, None) => {
                fields.tell(fields.span(), format!("{A_AXIS} needs a `key`, or a `name`"), Some(HELP));
                return None;
            }
        };
        let found = fields.found();
        if values.is_empty() {
            found.push(Found { help: Some(HELP.to_owned()), ..plain(span.clone(), format!("`{name}` has no values")) });
        }
        let values = values.into_iter().filter_map(|value| match keys.as_slice() {
            [] => Point::named(value, found),
            [key] => Point::plain(key, value, found),
            keys => Point::row(keys, value, found),
        });
        let axis = Self { name, span, named: keys.is_empty(), values: values.collect() };
        axis.look_for_twins(found);
        Some(axis)
    }

    /// The variants of a profile, as an axis.
    pub(super) fn of_variants(variants: Vec<(String, DeTable<'i>)>) -> Self {
        let point = |(label, set)| Point { label, number: None, set };
        Self { name: "variant".to_owned(), span: 0..0, named: true, values: variants.into_iter().map(point).collect() }
    }

    fn look_for_twins(&self, found: &mut Vec<Found>) {
        for (at, point) in self.values.iter().enumerate() {
            if self.values.iter().take(at).any(|other| other.label == point.label) {
                found.push(plain(self.span.clone(), format!("`{}` has the value {} twice", self.name, point.label)));
            }
        }
    }

    /// What is told of it. Numbers are those of an axis only where all its values have one, in one unit.
    pub(super) fn told(&self) -> sweep::Axis {
        let unit = self.values.first().and_then(|point| point.number).map(|(_, unit)| unit);
        let unit = unit.filter(|unit| self.values.iter().all(|point| point.number.is_some_and(|(_, of)| of == *unit)));
        let value = |point: &Point<'_>| sweep::AxisValue {
            label: point.label.clone(),
            number: unit.and(point.number.map(|(number, _)| number)),
        };
        sweep::Axis {
            name: self.name.clone(),
            values: self.values.iter().map(value).collect(),
            unit: unit.map(str::to_owned),
        }
    }
}

impl<'i> Point<'i> {
    /// A bare value of one key.
    fn plain(key: &(Range<usize>, String), value: Value<'i>, found: &mut Vec<Found>) -> Option<Self> {
        let Some(label) = label(value.get_ref()) else {
            let help = "give it a name: leave out `key`, and write { label = \"…\", set = { … } }";
            found.push(misfit(&value, &key.1, "text, a number, true or false", Some(help.to_owned())));
            return None;
        };
        let number = number(value.get_ref());
        Some(Self { label, number, set: planted(key, value) })
    }

    /// A row of values, one for each of the keys that move together. The first names it.
    fn row(keys: &[(Range<usize>, String)], value: Value<'i>, found: &mut Vec<Found>) -> Option<Self> {
        let span = value.span();
        let items: Vec<Value<'i>> = match value.into_inner() {
            DeValue::Array(items) => items.into_iter().collect(),
            _ => Vec::new(),
        };
        if items.len() != keys.len() {
            let names: Vec<&str> = keys.iter().map(|(_, key)| key.as_str()).collect();
            let message = format!("with {} keys each value is a list of {0}", keys.len());
            let help = Some(format!("write one value each for {}", names.join(", ")));
            found.push(Found { span, message, label: String::new(), help });
            return None;
        }
        let mut set = DeTable::new();
        let mut first = None;
        for (key, item) in keys.iter().zip(items) {
            if first.is_none() {
                let point = Self::plain(key, item.clone(), found)?;
                first = Some((point.label, point.number));
            }
            tree::lay(&mut set, planted(key, item), None, &mut Vec::new());
        }
        first.map(|(label, number)| Self { label, number, set })
    }

    /// A value with a name of the user's.
    fn named(value: Value<'i>, found: &mut Vec<Found>) -> Option<Self> {
        if !value.get_ref().is_table() {
            let message = "a value of an axis without a `key` is a table".to_owned();
            found.push(Found { help: Some(HELP.to_owned()), ..plain(value.span(), message) });
            return None;
        }
        let mut fields = Fields::of(value, "a value of an [[axis]]", &["label", "set"], found)?;
        let Some(name) = fields.take("label") else {
            fields.tell(fields.span(), "a value without a `key` needs a `label`".to_owned(), Some(HELP));
            return None;
        };
        let set = match fields.take("set").map(|set| (set.span(), set.into_inner())) {
            None => DeTable::new(),
            Some((_, DeValue::Table(set))) => tree::undotted(set),
            Some((span, _)) => {
                fields.tell(span, "the `set` of a value is a table".to_owned(), Some(HELP));
                return None;
            }
        };
        match label(name.get_ref()) {
            Some(label) => Some(Self { label, number: number(name.get_ref()), set }),
            None => {
                fields.found().push(misfit(&name, "label", "text or a number", None));
                None
            }
        }
    }
}

/// A key of the profile, as text.
fn path(key: &Value<'_>, found: &mut Vec<Found>) -> Option<(Range<usize>, String)> {
    match key.get_ref().as_str() {
        Some(text) => Some((key.span(), text.to_owned())),
        None => {
            found.push(misfit(key, "keys", "keys of a profile, as text", None));
            None
        }
    }
}

/// A tree that holds nothing but `value` at the dotted path `key`.
pub(super) fn planted<'i>((span, key): &(Range<usize>, String), value: Value<'i>) -> DeTable<'i> {
    tree::undotted(DeTable::from_iter([(Spanned::new(span.clone(), key.clone().into()), value)]))
}

/// How a value is shown; none for lists, tables and dates.
pub(super) fn label(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) if !text.trim().is_empty() => Some(text.trim().to_owned()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(value) => Some(value.to_string()),
        _ => None,
    }
}

/// A value as a number with its unit.
fn number(value: &DeValue<'_>) -> Option<(f64, &'static str)> {
    let text = match value {
        DeValue::Integer(number) if number.radix() == 10 => return Some((number.as_str().parse().ok()?, "")),
        DeValue::Float(number) => {
            return number.as_str().parse().ok().filter(|number: &f64| number.is_finite()).map(|number| (number, ""));
        }
        DeValue::String(text) => text.trim(),
        _ => return None,
    };
    if let Ok(Timespan(span)) = text.parse() {
        return Some((span.as_secs_f64(), "s"));
    }
    match text.parse() {
        Ok(Rate::PerSecond(rate)) => return Some((rate, "msg/s")),
        Ok(Rate::Max) => return None,
        Err(_) => {}
    }
    #[expect(clippy::cast_precision_loss, reason = "a size on an axis is far below 2^53")]
    text.parse().ok().map(|Size(bytes)| (bytes as f64, "B"))
}
