//! The scripts that make committed results, on the smallest thing that they can be asked.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::place::Place;

#[test]
fn the_matrix_of_versions_shows_what_ran_and_what_was_refused() {
    let place = Place::new();
    let mut script = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/version-matrix"));
    script.arg("matrix");
    place.at_home(&mut script);
    script.env("JETLAG", env!("CARGO_BIN_EXE_jetlag"));
    script.env("VERSIONS", "2.10.26").env("NODES", "1").env("STRATEGIES", "serial pinned");
    let ended = place.start(script).end().ended_with(0);
    assert_eq!(ended.out, "matrix/README.md\n");

    let read = |name: &str| std::fs::read_to_string(place.path().join("matrix").join(name)).expect("it was written");
    let matrix: Value = serde_json::from_str(&read("matrix.json")).expect("it is JSON");
    let cells = matrix["cells"].as_array().expect("a list");
    let [serial, pinned] = cells.as_slice() else { panic!("two strategies on one server: {cells:?}") };
    assert_eq!((&serial["strategy"], &serial["state"]), (&Value::from("serial"), &Value::from("complete")));
    assert_eq!((serial["lost"].as_f64(), serial["order_violations"].as_f64()), (Some(0.0), Some(0.0)));
    assert_eq!((&pinned["strategy"], &pinned["state"]), (&Value::from("pinned"), &Value::from("refused")));
    let why = pinned["refusal"].as_str().expect("it says why");
    let readme = read("README.md");
    for words in ["2.10.26", "2.11"] {
        assert!(why.contains(words), "{why}");
    }
    assert!(readme.contains("| `pinned` | refused |") && readme.contains(why), "{readme}");
    place.wait_until_nobody_is_left();
}
