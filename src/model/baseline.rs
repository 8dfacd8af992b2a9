//! A baseline: runs that were kept under a name, for later ones to be held against.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::digest::Digest;

/// Value of [`Baseline::schema`] that this version writes.
pub const SCHEMA: &str = "jetlag.baseline/1";

/// Repeats of one run, all `complete` and all alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// Name and version of this format: `jetlag.baseline/1`.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// When it was saved, RFC 3339.
    pub saved: String,
    /// Why it was saved, or replaced.
    #[serde(default)]
    pub note: Option<String>,
    /// The repeats.
    pub runs: Vec<Digest>,
}
