//! The page of the hazards is generated from their list.
//!
//! `UPDATE_DOCS=1 cargo test --test hazard_page` writes it.

use std::path::Path;

use jetlag::metric::hazard;

#[test]
fn the_page_of_the_hazards_is_the_list() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/hazards.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, hazard::document()).expect("the folder docs is there");
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(page == hazard::document(), "docs/hazards.md is stale: UPDATE_DOCS=1 cargo test --test hazard_page");
}
