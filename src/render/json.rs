//! `report.json`: the report itself, for machines.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{Audience, Error, Format};
use crate::model::report::Report;

/// This format.
pub const FORMAT: Format = Format {
    name: "json",
    file: "report.json",
    about: "Everything, for machines (schemas/report.schema.json)",
    audience: Audience::Programs,
    render,
};

fn render(report: &Report) -> String {
    pretty(report)
}

/// Indented, with a newline at the end, so that it can be read and compared by line.
pub(super) fn pretty<T: Serialize>(value: &T) -> String {
    let mut text = serde_json::to_string_pretty(value).expect("every map in our formats has text as keys");
    text.push('\n');
    text
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    schema: Option<serde_json::Value>,
}

/// A value of the format `known` (`name/version`), of this or an older version.
pub(crate) fn parse_as<T: DeserializeOwned>(text: &str, known: &'static str) -> Result<T, Error> {
    let header: Header = serde_json::from_str(text).map_err(Error::NotJson)?;
    let found = match header.schema {
        Some(serde_json::Value::String(found)) => found,
        Some(other) => return Err(Error::Other { expected: known, found: other.to_string() }),
        None => return Err(Error::Other { expected: known, found: "absent".to_owned() }),
    };
    match (version_of(&found), version_of(known)) {
        (Some((name, version)), Some((known_name, newest))) if name == known_name => {
            if version > newest {
                return Err(Error::Newer { found, known });
            }
        }
        _ => return Err(Error::Other { expected: known, found: format!("'{found}'") }),
    }
    serde_json::from_str(text).map_err(|source| Error::Malformed { schema: found, source })
}

fn version_of(schema: &str) -> Option<(&str, u32)> {
    let (name, version) = schema.rsplit_once('/')?;
    Some((name, version.parse().ok()?))
}
