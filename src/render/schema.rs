//! The schemas of what is stored, generated from the types, so that they cannot lie.

use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};

use super::json::pretty;
use crate::model::baseline::Baseline;
use crate::model::checkup::Checkup;
use crate::model::comparison::Comparison;
use crate::model::contrast::Contrast;
use crate::model::explanation::Explanation;
use crate::model::gate::Gate;
use crate::model::report::Report;
use crate::model::search::Search;
use crate::model::sweep::Sweep;

/// `schemas/report.schema.json`.
#[must_use]
pub fn report() -> String {
    schema::<Report>("urn:jetlag:schema:report:1", "jetlag report, version 1")
}

/// `schemas/comparison.schema.json`.
#[must_use]
pub fn comparison() -> String {
    schema::<Comparison>("urn:jetlag:schema:comparison:1", "jetlag comparison, version 1")
}

/// `schemas/contrast.schema.json`.
#[must_use]
pub fn contrast() -> String {
    schema::<Contrast>("urn:jetlag:schema:contrast:1", "jetlag contrast, version 1")
}

/// `schemas/explanation.schema.json`.
#[must_use]
pub fn explanation() -> String {
    schema::<Explanation>("urn:jetlag:schema:explanation:1", "jetlag explanation, version 1")
}

/// `schemas/gate.schema.json`.
#[must_use]
pub fn gate() -> String {
    schema::<Gate>("urn:jetlag:schema:gate:1", "jetlag gate, version 1")
}

/// `schemas/baseline.schema.json`.
#[must_use]
pub fn baseline() -> String {
    schema::<Baseline>("urn:jetlag:schema:baseline:1", "jetlag baseline, version 1")
}

/// `schemas/checkup.schema.json`.
#[must_use]
pub fn checkup() -> String {
    schema::<Checkup>("urn:jetlag:schema:checkup:1", "jetlag check-up, version 1")
}

/// `schemas/sweep.schema.json`.
#[must_use]
pub fn sweep() -> String {
    schema::<Sweep>("urn:jetlag:schema:sweep:1", "jetlag sweep, version 1")
}

/// `schemas/search.schema.json`.
#[must_use]
pub fn search() -> String {
    schema::<Search>("urn:jetlag:schema:search:1", "jetlag search, version 1")
}

fn schema<T: JsonSchema>(id: &str, title: &str) -> String {
    let mut schema = SchemaGenerator::new(SchemaSettings::draft2020_12()).into_root_schema_for::<T>();
    schema.insert("$id".to_owned(), id.into());
    schema.insert("title".to_owned(), title.into());
    pretty(&schema)
}
