//! The words and figures of a gate, the same in every format.

use crate::model::contrast::Outcome;
use crate::model::gate::{Gate, Mode, Over, RuleOutcome, Ruling, Timing, Verdict};
use crate::render::contrast::cells;
use crate::render::number;

/// The verdict as a word with a mark.
pub(super) fn verdict(verdict: Verdict) -> String {
    let mark = match verdict {
        Verdict::Passed => "✔",
        Verdict::Failed => "✘",
        Verdict::Undecided | Verdict::Interrupted => "?",
        Verdict::Incomparable => "≠",
    };
    format!("{mark} {verdict}")
}

/// The same of a rule.
pub(super) fn rule_verdict(outcome: RuleOutcome) -> String {
    let mark = match outcome {
        RuleOutcome::Held => "✔",
        RuleOutcome::Broken => "✘",
        RuleOutcome::Unobserved => "?",
    };
    format!("{mark} {outcome}")
}

/// The verdict over a quantity. `same` is what a contrast says; a gate knows only that it is not worse.
pub(super) fn quantity_verdict(row: &crate::model::contrast::Row) -> String {
    match row.outcome {
        Outcome::Same => "= not worse".to_owned(),
        _ => cells::row_verdict(row),
    }
}

/// What it comes to, in one line.
pub(super) fn headline(gate: &Gate) -> String {
    let what = match (gate.verdict, still_open(gate)) {
        (Verdict::Passed, 0) => "the gate is passed",
        (Verdict::Passed, _) => "the gate is passed, and not everything was decided",
        (Verdict::Failed, _) => "the gate is shut",
        (Verdict::Undecided, _) => "nothing can be said, so the gate is shut",
        (Verdict::Incomparable, _) => "head and base are not comparable",
        (Verdict::Interrupted, _) => "it was stopped",
    };
    let of = gate.base.as_ref().map_or_else(String::new, |base| format!(" against {}", base.name));
    format!("{}{of}: {what}.", gate.head.name)
}

/// So many quantities are not decided.
fn still_open(gate: &Gate) -> usize {
    let rows = gate.timing.iter().flat_map(|timing| &timing.quantities);
    rows.filter(|row| row.outcome == Outcome::Undecided).count()
}

/// The value that a rule judged, with its unit.
pub(super) fn value(rule: &Ruling) -> String {
    number::with_unit(rule.value, &rule.unit)
}

/// Of what that value is.
pub(super) fn over(rule: &Ruling) -> String {
    let repeats = rule.values.len() + rule.unobserved as usize;
    match rule.over {
        Over::Every => format!("worst of {repeats}"),
        Over::Median => format!("median of {repeats}"),
    }
}

/// How the runs were made, and at how many looks it was decided.
pub(super) fn course(gate: &Gate) -> String {
    let how = match gate.mode {
        Mode::Judged => "runs that were there",
        Mode::Measured => "runs made for this",
        Mode::SideBySide => "runs of both sides in turn on one machine, A B B A B A A B …",
    };
    let looks = gate.timing.as_ref().map_or_else(String::new, looks);
    format!("{how}{looks}")
}

fn looks(timing: &Timing) -> String {
    let at: Vec<String> = timing.looks.iter().map(|look| look.repeats.to_string()).collect();
    if at.is_empty() {
        return String::new();
    }
    let planned = match timing.looks_planned {
        1 => String::new(),
        several => format!(", {} of {several} planned looks", at.len()),
    };
    format!("; looked at after {} repeats a side{planned}", at.join(", "))
}

/// How the table is to be read.
pub(super) fn notes(timing: &Timing) -> Vec<String> {
    let tested = timing.quantities.iter().filter(|row| row.p_adjusted.is_some()).count();
    let Some(look) = timing.looks.last() else {
        return vec!["no look was due yet: nothing is called worse for its timing".to_owned()];
    };
    let share = look.risk * 100.0;
    let mut notes = vec![format!(
        "medians over repeats, their ratio and its 95 % interval; worse needs p ≤ {:.1} % (Mann–Whitney, corrected for {} tested together; half of it falls on worse), \
         so that over all looks at most one gate in {:.0} calls something worse when nothing is",
        share * 2.0,
        number::of(tested as u64, "quantity").replace("quantitys", "quantities"),
        1.0 / timing.risk,
    )];
    let told =
        timing.quantities.iter().filter_map(|row| Some(format!("{}: {}", cells::label(row), row.note.as_ref()?)));
    notes.extend(told);
    notes
}
