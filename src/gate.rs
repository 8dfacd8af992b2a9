//! The gate: may these runs pass? Rules that a profile sets, and no worse than a base.
//!
//! Pure: digests in, a verdict out, and what to measure next. Correctness is hard: a broken promise, a broken rule on a count
//! or a count that rose fails at once. Timing is statistics, and each look at it is paid for (ADR 21). The runs are made by
//! whoever calls.

pub mod course;
pub mod rule;

mod finding;
mod looks;
mod ruling;
mod timing;

#[cfg(test)]
mod simulated;
#[cfg(test)]
mod tests;

pub use course::{Course, Next, Place};
pub use looks::{RISK, is_head};
pub use rule::Rule;

use crate::contrast::{self, Group, Terms};
use crate::model::contrast::{Outcome, Side};
use crate::model::gate::{Gate, Mode, Over, RuleOutcome, SCHEMA, Timing, Verdict};
use crate::model::report::RunState;

/// What is asked of the runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Question {
    /// What must hold whatever the base does.
    pub rules: Vec<Rule>,
    /// On what terms head and base are compared; the confidence is the gate's own.
    pub terms: Terms,
    /// Repeats of a side before the first look. At least 1.
    pub repeats_min: u32,
    /// Repeats of a side at most.
    pub repeats_max: u32,
    /// Whether what cannot be decided within the budget keeps the gate shut.
    pub undecided_fails: bool,
}

/// Judges runs that are there: one look, with all of the risk.
///
/// # Errors
/// When nothing true could be said, as [`contrast::contrast`].
pub fn judge(
    question: &Question,
    head: &Group,
    base: Option<&Group>,
    command: &str,
) -> Result<Option<Gate>, contrast::Error> {
    let all: Vec<Group> = base.into_iter().chain([head]).cloned().collect();
    contrast::once_each(&all)?;
    if !question.terms.force {
        all.iter().try_for_each(contrast::alike)?;
    }
    let timing = match base {
        Some(base) if contrast::usable(base).is_ok() && contrast::usable(head).is_ok() => {
            let repeats = course::complete(head).len().min(course::complete(base).len()) as u32;
            Some(timing::look(base, head, &question.terms, looks::Planned { repeats, risk: RISK })?)
        }
        _ => None,
    };
    Ok(conclude(question, Case { mode: Mode::Judged, head, base, timing, interrupted: false }, command))
}

/// What the runs that a course made come to; `None` when there are none of the head.
///
/// # Errors
/// As [`judge`].
pub fn end(
    question: &Question,
    course: &Course,
    mode: Mode,
    interrupted: bool,
    command: &str,
) -> Result<Option<Gate>, contrast::Error> {
    let (head, base) = (&course.head, course.base.as_ref());
    // With what the course found to differ because the programs do.
    let question = &Question { terms: course.terms().clone(), ..question.clone() };
    // What failed between two looks was seen without statistics; so is it shown, with whatever else there is to show.
    let timing = match (course.timing(), base) {
        (_, Some(base)) if contrast::usable(base).is_ok() && contrast::usable(head).is_ok() => {
            let repeats = course.repeats();
            let seen = course.timing().filter(|timing| timing.looks.last().is_some_and(|look| look.repeats == repeats));
            match seen {
                Some(seen) => Some(seen.clone()),
                None => {
                    let between = timing::look(base, head, &question.terms, looks::Planned { repeats, risk: 0.0 })?;
                    let looks = course.timing().map_or_else(Vec::new, |timing| timing.looks.clone());
                    Some(Timing { looks, looks_planned: course.looks_planned(), ..between })
                }
            }
        }
        _ => None,
    };
    Ok(conclude(question, Case { mode, head, base, timing, interrupted }, command))
}

/// Everything that a verdict rests on.
struct Case<'a> {
    mode: Mode,
    head: &'a Group,
    base: Option<&'a Group>,
    timing: Option<Timing>,
    interrupted: bool,
}

fn conclude(question: &Question, case: Case<'_>, command: &str) -> Option<Gate> {
    let (complete, violated) =
        (course::complete(case.head), course::in_state(case.head, |state| state == RunState::Violated));
    let rules = question.rules.iter().map(|rule| ruling::rule_on(rule, &complete, &violated)).collect();
    let mut gate = Gate {
        schema: SCHEMA.to_owned(),
        verdict: Verdict::Passed,
        findings: Vec::new(),
        mode: case.mode,
        command: command.to_owned(),
        head: contrast::shown(case.head)?,
        base: case.base.and_then(contrast::shown),
        rules,
        timing: case.timing,
    };
    gate.verdict = verdict(question, &gate, case.base.is_some(), case.interrupted);
    gate.findings = finding::of(&gate, question, case.base.is_some());
    Some(gate)
}

fn verdict(question: &Question, gate: &Gate, has_base: bool, interrupted: bool) -> Verdict {
    let outcome = gate.timing.as_ref().map(|timing| timing.outcome);
    // A stop leaves too few repeats for a median; what every repeat must keep is broken by one.
    let is_broken =
        gate.rules.iter().any(|rule| rule.outcome == RuleOutcome::Broken && (!interrupted || rule.over == Over::Every));
    let violated = count(&gate.head, RunState::Violated) > 0;
    let unobserved = gate.rules.iter().any(|rule| rule.outcome == RuleOutcome::Unobserved);
    let too_few = lacks(question, gate.mode, &gate.head)
        || has_base && gate.base.as_ref().is_none_or(|base| lacks(question, of_base(gate.mode), base));
    if violated || is_broken || outcome == Some(Outcome::Worse) {
        Verdict::Failed
    } else if outcome == Some(Outcome::Incomparable) {
        Verdict::Incomparable
    } else if interrupted {
        Verdict::Interrupted
    } else if too_few || unobserved || question.undecided_fails && outcome == Some(Outcome::Undecided) {
        Verdict::Undecided
    } else {
        Verdict::Passed
    }
}

/// The runs of a base that is there already cannot be made again.
fn of_base(mode: Mode) -> Mode {
    if mode == Mode::Measured { Mode::Judged } else { mode }
}

/// Whether too few runs of a side can be trusted. What was there must be whole; what is made here is made again.
fn lacks(question: &Question, mode: Mode, side: &Side) -> bool {
    let complete = count(side, RunState::Complete);
    let doubtful = count(side, RunState::Invalid) + count(side, RunState::Interrupted);
    match mode {
        Mode::Judged => complete == 0 || doubtful > 0,
        Mode::Measured | Mode::SideBySide => complete < question.repeats_min as usize,
    }
}

/// How many runs of a side ended so.
pub(crate) fn count(side: &Side, state: RunState) -> usize {
    side.runs.iter().filter(|run| run.state == state).count()
}
