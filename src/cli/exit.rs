//! Exit codes: the documented ones, and how an outcome becomes one.

use std::process::ExitCode;

use super::out::{errln, outln};
use crate::model::report::RunState;

/// Shown below `--help`.
pub(super) const HELP: &str = "Exit codes: 0 good · 1 gate failed or a promised guarantee broken · 2 bad arguments or profile · \
3 environment (no server, refused, no rights) · 4 run invalid · 5 not comparable · 130 interrupted";

/// All is well.
pub(super) const GOOD: ExitCode = ExitCode::SUCCESS;
/// A gate failed, or a promised guarantee was broken.
pub(super) const FAILED: u8 = 1;
/// Bad arguments or profile.
pub(super) const ARGUMENTS: u8 = 2;
/// The environment does not let it happen.
pub(super) const ENVIRONMENT: u8 = 3;
/// The measurement cannot be trusted.
pub(super) const INVALID: u8 = 4;
/// Two sides may not be held against each other.
pub(super) const INCOMPARABLE: u8 = 5;
/// The user stopped it.
pub(super) const INTERRUPTED: u8 = 130;

/// The code for a run, or for the worst of several.
pub(super) fn of_states(states: impl IntoIterator<Item = RunState>) -> u8 {
    states.into_iter().map(of_state).max_by_key(|code| SEVERITY.iter().position(|known| known == code)).unwrap_or(0)
}

/// From the mildest to the worst.
const SEVERITY: [u8; 4] = [0, 1, INVALID, INTERRUPTED];

fn of_state(state: RunState) -> u8 {
    match state {
        RunState::Complete => 0,
        RunState::Violated => 1,
        RunState::Invalid => INVALID,
        RunState::Interrupted => INTERRUPTED,
    }
}

/// Says `error` and gives the code for a trouble with the environment.
pub(super) fn environment(error: &dyn std::error::Error, json: bool) -> ExitCode {
    say(error, ENVIRONMENT, json);
    ExitCode::from(ENVIRONMENT)
}

/// Says everything that is wrong with the words, a line each, and gives the code for that.
pub(super) fn bad_words(problems: &[String], json: bool) -> ExitCode {
    errln!("error: {}", problems.join("\nerror: "));
    if json {
        say_json(&problems.join("; "), ARGUMENTS);
    }
    ExitCode::from(ARGUMENTS)
}

/// Says `error`: a sentence on standard error, and with `json` an object on standard output.
pub(super) fn say(error: &dyn std::error::Error, code: u8, json: bool) {
    errln!("error: {error}");
    if json {
        say_json(&error.to_string(), code);
    }
}

/// The object of an error on standard output.
pub(super) fn say_json(error: &str, code: u8) {
    outln!("{}", serde_json::json!({ "error": error, "exit_code": code }));
}
