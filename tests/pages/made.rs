//! What pages are made of that are generated from the docs of modules and the schema of profiles.

use std::path::Path;

use serde_json::Value;

/// The repository.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The paragraphs of the docs of the module at `path`, without the slashes.
pub(crate) fn paragraphs(path: &str) -> Vec<String> {
    let text = std::fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let docs: Vec<&str> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    docs.join("\n").split("\n\n").map(str::to_owned).collect()
}

/// The paragraph that begins with its name in bold.
pub(crate) fn section(paragraphs: &[String], name: &str) -> Option<String> {
    let head = format!("**{name}.**");
    paragraphs.iter().find_map(|paragraph| Some(paragraph.strip_prefix(&head)?.trim_start().to_owned()))
}

/// What follows `name` and a colon in the first paragraph, as a sentence.
pub(crate) fn first_sentence(path: &str, kind: &str) -> String {
    let paragraphs = paragraphs(path);
    let name = format!("`{kind}`: ");
    let first = paragraphs.first().and_then(|first| first.strip_prefix(&name));
    let first = first.unwrap_or_else(|| panic!("the docs of {path} do not begin with {name}"));
    let mut letters = first.chars();
    letters.next().into_iter().flat_map(char::to_uppercase).chain(letters).collect()
}

/// The settings of one kind of a list that the schema of profiles calls `list`, as a table.
pub(crate) fn settings(schema: &Value, list: &str, kind: &str) -> String {
    let kinds = schema["$defs"][list]["oneOf"].as_array().expect("they are told apart by kind");
    let found = kinds.iter().find(|variant| variant["properties"]["kind"]["const"] == kind);
    let found = found.unwrap_or_else(|| panic!("the schema of profiles lacks {kind} in {list}"));
    let properties = found["properties"].as_object().expect("it has settings");
    table(schema, properties.iter().filter(|(name, _)| *name != "kind"), &found["required"])
}

/// Settings as a table, with default and meaning. Those named in `required` must be said.
pub(crate) fn table<'a>(
    schema: &Value,
    settings: impl Iterator<Item = (&'a String, &'a Value)>,
    required: &Value,
) -> String {
    let must = |key: &str| required.as_array().is_some_and(|names| names.iter().any(|name| name == key));
    let line =
        |(key, of): (&String, &Value)| format!("| `{key}` | {} | {} |\n", default(of, must(key)), meaning(schema, of));
    let lines: String = settings.map(line).collect();
    if lines.is_empty() { "None.\n".to_owned() } else { format!("| key | default | |\n|---|---|---|\n{lines}") }
}

/// A value as one types it; what has no default must be said.
fn default(of: &Value, is_required: bool) -> String {
    match of.get("default") {
        None if !is_required => "–".to_owned(),
        None => "none: it must be said".to_owned(),
        Some(Value::Null) => "–".to_owned(),
        Some(value) => format!("`{value}`"),
    }
}

/// What a setting means, in one line, with the words that it may be.
fn meaning(schema: &Value, of: &Value) -> String {
    let text = of["description"].as_str().unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ");
    let alternatives = of.get("anyOf").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let named = std::iter::once(of).chain(alternatives).filter_map(|of| of["$ref"].as_str());
    let words = named.filter_map(|name| schema["$defs"][name.rsplit('/').next()?]["oneOf"].as_array()).flatten();
    let words: Vec<String> = words
        .filter_map(|word| Some(format!("`\"{}\"`: {}", word["const"].as_str()?, word["description"].as_str()?)))
        .collect();
    let text = [vec![text], words].concat().join(" ");
    text.replace('|', "\\|")
}

/// Holds `expected` against the committed page, or writes that when `UPDATE_DOCS` is set.
pub(crate) fn is_stale(path: &str, expected: &str) -> bool {
    let path = root().join(path);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::create_dir_all(path.parent().expect("it has a folder")).expect("docs/ can be written");
        std::fs::write(&path, expected).expect("docs/ can be written");
    }
    std::fs::read_to_string(path).unwrap_or_default() != expected
}
