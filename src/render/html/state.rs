//! The state of a run with its mark: a word and a sign, never a colour alone.

use crate::model::report::RunState;

/// How a page shows a state.
pub(in crate::render) struct State {
    /// Class in the style sheet.
    pub class: &'static str,
    /// Sign.
    pub mark: &'static str,
}

/// The mark of a state.
pub(in crate::render) fn state(state: RunState) -> State {
    let (class, mark) = match state {
        RunState::Complete => ("good", "✔"),
        RunState::Violated => ("broken", "✘"),
        RunState::Invalid => ("doubt", "!"),
        RunState::Interrupted => ("doubt", "■"),
    };
    State { class, mark }
}
