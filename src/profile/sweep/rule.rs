//! What is left out of the grid: `[[skip]]` and `[[only]]`, each with conditions on axes and keys.

use std::ops::Range;

use serde_json::Value as Schema;
use toml::de::{DeTable, DeValue};

use super::axis::{Axis, label, planted};
use super::fields::Fields;
use crate::profile::document::Document;
use crate::profile::load::plain;
use crate::profile::nearest::nearest;
use crate::profile::reader::{Found, Reader};
use crate::profile::tree::{self, Value};

/// A constraint.
pub(super) struct Rule<'i> {
    /// Why, in the user's words.
    pub because: Option<String>,
    terms: Vec<Term<'i>>,
}

/// One condition: this axis or key has one of these values.
struct Term<'i> {
    /// The axis or the dotted key, and where it stands.
    key: (Range<usize>, String),
    is_axis: bool,
    values: Vec<Value<'i>>,
    /// Of a key: why no cell so far could have it.
    objection: Option<Found>,
    /// Of a key: some cell could have it.
    fits: bool,
}

/// A cell as a condition sees it.
pub(super) struct Seen<'c, 'i> {
    /// The labels of its values, axis by axis.
    pub labels: &'c [(&'c str, &'c str)],
    /// Its profile as a tree, and as it reads.
    pub root: &'c DeTable<'i>,
    /// The same as a document.
    pub document: &'c Document,
    /// The shape of a document.
    pub schema: &'c Schema,
}

impl<'i> Rule<'i> {
    /// Reads one `[[skip]]` or `[[only]]`, as `whose` says.
    pub(super) fn read(
        value: Value<'i>,
        whose: &'static str,
        axes: &[Axis<'_>],
        found: &mut Vec<Found>,
    ) -> Option<Self> {
        let mut fields = Fields::of(value, whose, &["when", "because"], found)?;
        let because = fields.text("because").map(|(_, text)| text);
        let help = Some("write when = { \"stream.replicas\" = 3, \"server.nodes\" = 1 }");
        let when = match fields.take("when").map(|when| (when.span(), when.into_inner())) {
            Some((_, DeValue::Table(when))) if !when.is_empty() => when,
            Some((span, _)) => {
                fields.tell(span, format!("the `when` of {whose} is a table with at least one key"), help);
                return None;
            }
            None => {
                fields.tell(fields.span(), format!("{whose} needs a `when`"), help);
                return None;
            }
        };
        let mut terms = Vec::new();
        for (key, value) in when {
            let key = (key.span(), key.get_ref().as_ref().to_owned());
            match axes.iter().find(|axis| axis.named && axis.name == key.1 && !value.get_ref().is_table()) {
                Some(axis) => terms.extend(Term::of_axis(key, value, axis, fields.found())),
                None => terms_of_keys(key, value, &mut terms),
            }
        }
        // As they were typed.
        terms.sort_by_key(|term| term.key.0.start);
        Some(Self { because, terms })
    }

    /// Whether all its conditions hold for a cell.
    pub(super) fn holds(&mut self, cell: &Seen<'_, 'i>) -> bool {
        // Each is asked, so that one that no cell can have is found.
        let mut all = true;
        for term in &mut self.terms {
            all &= term.holds(cell);
        }
        all
    }

    /// Its conditions as they are told: `stream.replicas = 3, server.nodes = 1`.
    pub(super) fn told(&self) -> String {
        let term = |term: &Term<'_>| {
            let values: Vec<String> = term.values.iter().filter_map(|value| label(value.get_ref())).collect();
            format!("{} = {}", term.key.1, if values.is_empty() { "…".to_owned() } else { values.join(" or ") })
        };
        self.terms.iter().map(term).collect::<Vec<_>>().join(", ")
    }

    /// The conditions on keys that no cell has.
    pub(super) fn objections(&mut self) -> impl Iterator<Item = Found> + use<'_, 'i> {
        self.terms.iter_mut().filter(|term| !term.fits).filter_map(|term| term.objection.take())
    }
}

impl<'i> Term<'i> {
    fn of_axis(key: (Range<usize>, String), value: Value<'i>, axis: &Axis<'_>, found: &mut Vec<Found>) -> Option<Self> {
        let values = alternatives(value);
        let mut good = true;
        for value in &values {
            let typed = label(value.get_ref()).unwrap_or_default();
            if axis.values.iter().all(|point| point.label != typed) {
                let labels: Vec<&str> = axis.values.iter().map(|point| point.label.as_str()).collect();
                let help = match nearest(&typed, labels.iter().copied()) {
                    Some(near) => format!("did you mean \"{near}\"?"),
                    None => format!("it has {}", labels.join(", ")),
                };
                let message = format!("the axis `{}` has no such value", axis.name);
                found.push(Found { help: Some(help), ..plain(value.span(), message) });
                good = false;
            }
        }
        good.then_some(Self { key, is_axis: true, values, objection: None, fits: true })
    }

    fn holds(&mut self, cell: &Seen<'_, 'i>) -> bool {
        if self.is_axis {
            let here = cell.labels.iter().find(|(axis, _)| *axis == self.key.1).map(|(_, label)| *label);
            return self.values.iter().any(|value| label(value.get_ref()).as_deref() == here);
        }
        let mut any = false;
        for value in &self.values {
            // A cell has a value if setting it changes nothing: then "2s" and "2000ms" are one, and defaults count.
            let mut root = cell.root.clone();
            tree::lay(&mut root, planted(&self.key, value.clone()), Some(cell.schema), &mut Vec::new());
            let mut reader = Reader::new(cell.schema);
            let document = reader.document(&root);
            let places = [value.span(), self.key.0.clone()];
            let objection = reader.found.into_iter().find(|found| places.contains(&found.span));
            match objection {
                Some(objection) => self.objection = Some(self.objection.take().unwrap_or(objection)),
                None => {
                    self.fits = true;
                    any |= document == *cell.document;
                }
            }
        }
        any
    }
}

/// A table below a key is conditions on the keys in it.
fn terms_of_keys<'i>((span, key): (Range<usize>, String), value: Value<'i>, terms: &mut Vec<Term<'i>>) {
    if value.get_ref().is_table() {
        let DeValue::Table(table) = value.into_inner() else { return };
        for (inner, value) in table {
            terms_of_keys((inner.span(), format!("{key}.{}", inner.get_ref())), value, terms);
        }
        return;
    }
    terms.push(Term { key: (span, key), is_axis: false, values: alternatives(value), objection: None, fits: false });
}

/// A list is one of several; anything else is itself.
fn alternatives(value: Value<'_>) -> Vec<Value<'_>> {
    if value.get_ref().is_array() {
        let DeValue::Array(items) = value.into_inner() else { return Vec::new() };
        return items.into_iter().collect();
    }
    vec![value]
}
