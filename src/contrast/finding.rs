//! What a pair comes to, in sentences.

use super::judgement::LEAST_REPEATS;
use crate::model::contrast::{Outcome, Pair, Row, Rule};
use crate::model::reading::{Scope, Stat};

/// The name of a row: metric, statistic where there are several, and what it is about.
#[must_use]
pub fn label(row: &Row) -> String {
    let stat = match row.stat {
        Stat::Value | Stat::Count => String::new(),
        stat => format!(" {stat}"),
    };
    match &row.scope {
        Scope::Run => format!("{}{stat}", row.metric),
        Scope::FaultKind(kind) => format!("{}{stat} after {kind}", row.metric),
        Scope::Process(process) => format!("{}{stat} {process}", row.metric),
        other => format!("{}{stat} {other}", row.metric),
    }
}

/// The sentences, the weightiest first.
pub(super) fn of(pair: &Pair) -> Vec<String> {
    if pair.outcome == Outcome::Incomparable {
        return vec![format!("{} and {} are not comparable.", pair.side, pair.base)];
    }
    let named = |outcome: Outcome| -> Vec<String> {
        let rows = pair.rows.iter().filter(|row| row.outcome == outcome);
        rows.map(|row| told(row, outcome)).collect()
    };
    let mut findings = Vec::new();
    for (outcome, word) in [(Outcome::Worse, "Worse"), (Outcome::Better, "Better")] {
        let rows = named(outcome);
        if !rows.is_empty() {
            findings.push(format!("{word} than {}: {}.", pair.base, rows.join(", ")));
        }
    }
    if !pair.rows.iter().any(|row| matches!(row.outcome, Outcome::Worse | Outcome::Better)) {
        findings.push("Nothing was shown to be better or worse.".to_owned());
    }
    findings.extend(undecided(pair));
    findings
}

fn told(row: &Row, outcome: Outcome) -> String {
    match (outcome, row.rule, row.ratio) {
        (Outcome::Worse | Outcome::Better, Rule::Statistics, Some(ratio)) => {
            let percent = (ratio - 1.0) * 100.0;
            format!("{} ({percent:+.0} %)", label(row))
        }
        _ => label(row),
    }
}

fn undecided(pair: &Pair) -> Option<String> {
    let rows: Vec<&Row> = pair.rows.iter().filter(|row| row.outcome == Outcome::Undecided).collect();
    if rows.is_empty() {
        return None;
    }
    let names: Vec<String> = rows.iter().map(|row| label(row)).collect();
    let asked = rows.iter().filter_map(|row| row.repeats_needed).max();
    let beyond = rows.iter().any(|row| row.repeats_needed.is_none() && row.rule == Rule::Statistics);
    let few = rows.iter().any(|row| row.base.values.len().min(row.other.values.len()) < LEAST_REPEATS);
    let what = match asked {
        Some(repeats) if few => format!("; it takes about {repeats} repeats a side to tell"),
        Some(repeats) => format!("; about {repeats} repeats a side would settle what can be settled"),
        None if beyond => "; the spread is too wide for any number of repeats that is worth asking for".to_owned(),
        None => String::new(),
    };
    Some(format!("Undecided: {}{what}.", names.join(", ")))
}
