//! The shape of a document: which keys there are and what they hold, read from the JSON schema.
//!
//! The schema is generated from the document's types, so a new strategy or fault is known here without a word.

use std::collections::BTreeMap;

use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::document::Document;

/// What is expected where any text may be right for all that the schema knows.
pub(super) const ANY_TEXT: &str = "text in quotes";

/// The schema of a document, every type in its place.
pub(super) fn document() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| settings.inline_subschemas = true);
    settings.into_generator().into_root_schema_for::<Document>().to_value()
}

/// The schema of a profile as it is published: `schemas/profile.schema.json`.
#[must_use]
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>().to_value();
    if let Some(root) = schema.as_object_mut() {
        root.insert("title".to_owned(), "jetlag profile".into());
    }
    schema
}

/// The keys of a table. Where its `kind` decides which these are, those of `kind`; without one, those of all kinds.
pub(super) fn keys<'s>(node: &'s Value, kind: Option<&str>) -> BTreeMap<&'s str, &'s Value> {
    let mut keys = properties(node);
    for variant in variants(node) {
        if kind.is_none_or(|kind| kind_of(variant) == Some(kind)) {
            keys.extend(properties(variant));
        }
    }
    keys
}

/// The names that `kind` may have in a table; empty when it has no kinds.
pub(super) fn kinds(node: &Value) -> Vec<&str> {
    variants(node).iter().filter_map(kind_of).collect()
}

/// The words that a value may be; empty when it is no such value.
pub(super) fn words(node: &Value) -> Vec<&str> {
    let branches = ["oneOf", "anyOf"].iter().filter_map(|of| node.get(of)?.as_array()).flatten();
    let nested = branches.flat_map(words);
    let listed = node.get("enum").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
    node.get("const").and_then(Value::as_str).into_iter().chain(listed).chain(nested).collect()
}

/// The keys of the small tables that a value may be instead of a word: `{ by-sequence = 5 }`.
fn tables(node: &Value) -> Vec<&str> {
    variants(node)
        .iter()
        .filter(|variant| type_of(variant) == "object")
        .flat_map(|table| properties(table).into_keys())
        .collect()
}

/// What a value must be, in words.
pub(super) fn expected(node: &Value) -> String {
    let words = words(node);
    if !words.is_empty() {
        let tables: String = tables(node).iter().map(|key| format!(", or {{ {key} = … }}")).collect();
        return format!("{}{tables}", one_of(&words));
    }
    let number = |key: &str| node.get(key).and_then(Value::as_u64);
    match type_of(node) {
        "integer" => match (number("minimum"), number("maximum")) {
            (Some(least), Some(most)) => format!("a whole number from {least} to {most}"),
            (Some(0), None) => "a whole number, 0 or more".to_owned(),
            _ => "a whole number".to_owned(),
        },
        "number" => "a number".to_owned(),
        "boolean" => "true or false".to_owned(),
        "array" => "a list".to_owned(),
        "object" => "a table".to_owned(),
        _ => match node.get("pattern").and_then(Value::as_str).unwrap_or_default() {
            "^[0-9]" => "a length of time with its unit, like \"250ms\" or \"2s\"".to_owned(),
            "^[0-9].*[A-Za-z]$" => "a size with its unit, like \"256B\" or \"1KiB\"".to_owned(),
            "^[0-9].*[A-Za-z0-9]$" => {
                "an instant like \"2026-11-22T10:00:00Z\", or a length of time before now".to_owned()
            }
            "^[0-9.]+ *x$" => "a factor like \"5x\"".to_owned(),
            target if target.starts_with("^(random") => "\"c2\", \"owner-of:3\", \"random\" or \"all\"".to_owned(),
            rate if rate.contains("/s") => "a rate like \"2000/s\", or \"max\"".to_owned(),
            _ => ANY_TEXT.to_owned(),
        },
    }
}

/// Whether a value is a length of time.
pub(super) fn is_timespan(node: &Value) -> bool {
    node.get("pattern").and_then(Value::as_str) == Some("^[0-9]")
}

/// `"a"`, `"b"` or `"c"`.
pub(super) fn one_of(words: &[&str]) -> String {
    let quoted: Vec<_> = words.iter().map(|word| format!("\"{word}\"")).collect();
    match quoted.as_slice() {
        [] => "nothing".to_owned(),
        [only] => only.clone(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    }
}

fn properties(node: &Value) -> BTreeMap<&str, &Value> {
    let properties = node.get("properties").and_then(Value::as_object);
    properties.into_iter().flatten().map(|(key, node)| (key.as_str(), node)).collect()
}

fn variants(node: &Value) -> &[Value] {
    node.get("oneOf").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn kind_of(variant: &Value) -> Option<&str> {
    variant.get("properties")?.get("kind")?.get("const")?.as_str()
}

/// The type, whether or not it may be left out.
fn type_of(node: &Value) -> &str {
    match node.get("type") {
        Some(Value::String(name)) => name,
        Some(Value::Array(names)) => names.first().and_then(Value::as_str).unwrap_or_default(),
        _ => "",
    }
}
