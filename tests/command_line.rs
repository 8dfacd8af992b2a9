//! What the command line says: snapshots of help, lists, profile checks and errors, with their exit codes.
//!
//! `TRYCMD=overwrite cargo test --test command_line` writes them anew.

#[test]
fn the_command_line_says_what_it_said() {
    let cases = trycmd::TestCases::new();
    cases.env("NO_COLOR", "1").env("COLUMNS", "100");
    for name in ["JETLAG_PASSWORD", "JETLAG_TOKEN"] {
        cases.env(name, "");
    }
    cases.case("tests/cmd/*.md");
}
