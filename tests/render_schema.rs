//! The committed schemas are those of the types: `UPDATE_SCHEMAS=1 cargo test --test render_schema` writes them.

use std::path::Path;

use jetlag::render::schema;

fn check(name: &str, generated: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas").join(name);
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&file, generated).expect("schemas/ can be written");
    }
    let committed = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        committed == generated,
        "schemas/{name} is stale: run `UPDATE_SCHEMAS=1 cargo test --test render_schema` and commit it"
    );
}

#[test]
fn the_schema_of_a_report_is_that_of_its_type() {
    check("report.schema.json", &schema::report());
}

#[test]
fn the_schema_of_a_comparison_is_that_of_its_type() {
    check("comparison.schema.json", &schema::comparison());
}

#[test]
fn the_schema_of_a_contrast_is_that_of_its_type() {
    check("contrast.schema.json", &schema::contrast());
}

#[test]
fn the_schema_of_a_baseline_is_that_of_its_type() {
    check("baseline.schema.json", &schema::baseline());
}

#[test]
fn the_schema_of_a_sweep_is_that_of_its_type() {
    check("sweep.schema.json", &schema::sweep());
}

#[test]
fn the_schema_of_a_search_is_that_of_its_type() {
    check("search.schema.json", &schema::search());
}

#[test]
fn the_schema_of_a_gate_is_that_of_its_type() {
    check("gate.schema.json", &schema::gate());
}

#[test]
fn the_schema_of_an_explanation_is_that_of_its_type() {
    check("explanation.schema.json", &schema::explanation());
}

#[test]
fn the_schema_of_a_checkup_is_that_of_its_type() {
    check("checkup.schema.json", &schema::checkup());
}
