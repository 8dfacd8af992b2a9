//! One look at head and base: is the head worse, with the certainty that this look has to have?

use super::looks::{Planned, RISK};
use crate::contrast::{self, Group, Terms};
use crate::model::contrast::{Comparable, Outcome, Pair, Row, Rule};
use crate::model::gate::{Look, Timing};
use crate::model::reading::Better;

/// Of the intervals that are shown, and by which a quantity is settled as not worse. That errs towards looking again.
const CONFIDENCE: f64 = 0.95;
/// Fewer repeats than this show no spread, and settle nothing.
const LEAST_REPEATS: usize = 3;

/// Looks at the runs so far.
///
/// # Errors
/// As [`contrast::contrast`].
pub(super) fn look(base: &Group, head: &Group, terms: &Terms, look: Planned) -> Result<Timing, contrast::Error> {
    let with = |confidence: f64| -> Result<Pair, contrast::Error> {
        let terms = Terms { confidence, ..terms.clone() };
        let contrast = contrast::contrast(&[base.clone(), head.clone()], &terms)?;
        Ok(contrast.pairs.into_iter().next().expect("two groups are one pair"))
    };
    let mut pair = with(CONFIDENCE)?;
    // The contrast asks in both directions, the gate in one: twice the risk, of which the half falls on `worse`.
    let strict = with(1.0 - 2.0 * look.risk)?;
    for (row, strict) in pair.rows.iter_mut().zip(&strict.rows) {
        row.outcome = outcome(row, strict.outcome);
        if row.outcome != Outcome::Undecided {
            row.repeats_needed = None;
        }
    }
    let count = |outcome: Outcome| pair.rows.iter().filter(|row| row.outcome == outcome).count() as u32;
    let taken = Look {
        repeats: look.repeats,
        risk: look.risk,
        worse: count(Outcome::Worse),
        undecided: count(Outcome::Undecided),
    };
    let gravest = pair.rows.iter().map(|row| row.outcome).max().unwrap_or(Outcome::Undecided);
    let undecided = || pair.rows.iter().filter(|row| row.outcome == Outcome::Undecided);
    let repeats_needed = undecided().map(|row| row.repeats_needed).collect::<Option<Vec<u32>>>();
    Ok(Timing {
        comparable: pair.comparable,
        differences: pair.differences,
        outcome: if pair.comparable == Comparable::No { Outcome::Incomparable } else { gravest },
        risk: RISK,
        looks: vec![taken],
        looks_planned: 1,
        repeats_needed: repeats_needed.and_then(|needed| needed.into_iter().max()),
        quantities: pair.rows,
    })
}

/// What a gate makes of a row: only `worse` needs the certainty of the look.
fn outcome(row: &Row, strict: Outcome) -> Outcome {
    match (row.rule, row.outcome) {
        (Rule::AnyRise, outcome) => outcome,
        (Rule::Statistics, _) if strict == Outcome::Worse => Outcome::Worse,
        (Rule::Statistics, Outcome::Better) => Outcome::Better,
        (Rule::Statistics, Outcome::Same) => Outcome::Same,
        (Rule::Statistics, _) if is_within(row) => Outcome::Same,
        (Rule::Statistics, _) => Outcome::Undecided,
    }
}

/// Whether the bad end of the interval lies within what does not matter: it may be better, it is not worse.
fn is_within(row: &Row) -> bool {
    let (Some(interval), Some(threshold)) = (row.interval, row.threshold) else { return false };
    let most = 1.0 + threshold.relative;
    let enough = row.base.values.len().min(row.other.values.len()) >= LEAST_REPEATS;
    enough
        && match row.better {
            Better::Lower => interval.high.is_some_and(|high| high <= most),
            Better::Higher => interval.low >= 1.0 / most,
            Better::None => false,
        }
}
