//! What a gate comes to, in sentences.

use super::{Question, count};
use crate::contrast::label;
use crate::model::contrast::{Comparable, Outcome, Row, Rule, Side};
use crate::model::gate::{Gate, Mode, Over, RuleOutcome, Timing, Verdict};
use crate::model::report::RunState;

/// The sentences, the weightiest first.
pub(super) fn of(gate: &Gate, question: &Question, has_base: bool) -> Vec<String> {
    let mut findings = violations(&gate.head);
    findings.extend(broken_rules(gate));
    if let Some(timing) = &gate.timing {
        findings.extend(worse(timing));
    }
    findings.extend(unobserved(gate));
    findings.extend(left_out(&gate.head));
    findings.extend(gate.base.iter().flat_map(left_out));
    if let Some(base) = &gate.base {
        findings.extend(
            violations(base).into_iter().map(|told| format!("{told} That is the base: only its counts are taken.")),
        );
    }
    if has_base && gate.timing.is_none() {
        findings.push("Nothing could be held against the base: no run of one side can be used.".to_owned());
    }
    if let Some(timing) = &gate.timing {
        findings.extend(undecided(timing, gate, question));
        if timing.comparable == Comparable::Forced {
            findings
                .push("Head and base are not comparable, and were compared because --force asks for it.".to_owned());
        }
        if timing.comparable == Comparable::No {
            findings
                .push("Head and base were not measured alike; name what differs on purpose with --vary.".to_owned());
        }
    }
    if gate.verdict == Verdict::Interrupted {
        findings.push("It was stopped before it was decided.".to_owned());
    }
    if findings.is_empty() {
        findings.push(good(gate));
    }
    findings
}

fn violations(side: &Side) -> Vec<String> {
    let violated = side.runs.iter().filter(|run| run.state == RunState::Violated);
    violated.map(|run| format!("{} broke a promise: {}.", run.name, run.state_reasons.join("; "))).collect()
}

fn broken_rules(gate: &Gate) -> Vec<String> {
    let broken = gate.rules.iter().filter(|rule| rule.outcome == RuleOutcome::Broken);
    let told = |rule: &crate::model::gate::Ruling| {
        let made = rule.values.len();
        let kept = rule.kept_by;
        match rule.over {
            Over::Every => {
                format!("Rule {} {}: {kept} of {made} repeats keep it, and every one must.", rule.subject, rule.limit)
            }
            Over::Median => {
                format!("Rule {} {}: the median of {made} repeats does not keep it.", rule.subject, rule.limit)
            }
        }
    };
    broken.map(told).collect()
}

fn worse(timing: &Timing) -> Option<String> {
    let rows = timing.quantities.iter().filter(|row| row.outcome == Outcome::Worse);
    let told: Vec<String> = rows.map(told).collect();
    (!told.is_empty()).then(|| format!("Worse than the base: {}.", told.join(", ")))
}

fn told(row: &Row) -> String {
    match (row.rule, row.ratio) {
        (Rule::Statistics, Some(ratio)) => format!("{} ({:+.0} %)", label(row), (ratio - 1.0) * 100.0),
        (Rule::Statistics, None) => label(row),
        (Rule::AnyRise, _) => format!("{} rose", label(row)),
    }
}

fn unobserved(gate: &Gate) -> Vec<String> {
    // Without a run that counts there is nothing to say of a rule: why there is none is said already.
    let rules = gate
        .rules
        .iter()
        .filter(|rule| rule.outcome == RuleOutcome::Unobserved && rule.values.len() + rule.unobserved as usize > 0);
    let told = |rule: &crate::model::gate::Ruling| {
        let of = rule.values.len() + rule.unobserved as usize;
        format!(
            "Rule {} {}: {} of {of} repeats observed it, so it cannot be judged; measure longer, strike with a fault, or leave the rule out.",
            rule.subject,
            rule.limit,
            rule.values.len()
        )
    };
    rules.map(told).collect()
}

fn left_out(side: &Side) -> Option<String> {
    let doubtful = side.runs.iter().filter(|run| matches!(run.state, RunState::Invalid | RunState::Interrupted));
    let told: Vec<String> = doubtful
        .map(|run| {
            let why = run.state_reasons.first().map_or_else(String::new, |why| format!(" ({why})"));
            format!("{} is {}{why}", run.name, run.state)
        })
        .collect();
    (!told.is_empty()).then(|| format!("Not counted: {}.", told.join(", ")))
}

fn undecided(timing: &Timing, gate: &Gate, question: &Question) -> Option<String> {
    let rows: Vec<&Row> = timing.quantities.iter().filter(|row| row.outcome == Outcome::Undecided).collect();
    if rows.is_empty() || timing.outcome != Outcome::Undecided {
        return None;
    }
    let names: Vec<String> = rows.iter().map(|row| label(row)).collect();
    let takes = match timing.repeats_needed {
        Some(repeats) => format!("about {repeats} repeats a side would settle it"),
        None => "no number of repeats that is worth asking for would settle all of it".to_owned(),
    };
    let how = match gate.mode {
        Mode::Judged => "",
        Mode::Measured | Mode::SideBySide => " (--max-repeats)",
    };
    // What became of the gate for another reason was not this one's doing.
    let meaning = match gate.verdict {
        Verdict::Passed => "; that passes",
        Verdict::Undecided if question.undecided_fails => "; --undecided fail keeps the gate shut",
        _ => "",
    };
    Some(format!("Not decided whether it is worse: {}{meaning}. {}{how}.", names.join(", "), capital(&takes)))
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn good(gate: &Gate) -> String {
    let complete = count(&gate.head, RunState::Complete);
    let runs = if complete == 1 { "1 run is".to_owned() } else { format!("{complete} runs are") };
    let rules = match gate.rules.len() {
        0 => String::new(),
        1 => ", the rule holds".to_owned(),
        several => format!(", {several} rules hold"),
    };
    let base = if gate.timing.is_some() { ", nothing is worse than the base" } else { "" };
    format!("{runs} complete{rules}{base}.")
}
