//! Rules held against runs.

use super::rule::{Comparator, Rule};
use crate::metric;
use crate::model::digest::Digest;
use crate::model::gate::{Over, RuleOutcome, Ruling};
use crate::model::reading::{Better, Reading, Scope, Stat};

/// Counts of what a takeover costs: they are noisy, and nothing has gone wrong where they are not 0.
const COSTS: &[&str] = &["takeover_redelivered", "stranded_messages", "moved"];

/// What of several repeats must keep a rule: a count of what went wrong has no noise, everything else has.
#[must_use]
pub(super) fn over(rule: &Rule) -> Over {
    let goes_wrong = metric::find(rule.metric).is_some_and(|metric| metric.better == Better::Lower);
    let is_count = rule.stat == Stat::Count && rule.unit == "count";
    if is_count && goes_wrong && !COSTS.contains(&rule.metric) || rule.comparator == Comparator::Equal {
        Over::Every
    } else {
        Over::Median
    }
}

/// Holds a rule against the runs that can be trusted, in order of time. A run that broke a promise tells of counts only.
#[must_use]
pub(super) fn rule_on(rule: &Rule, complete: &[&Digest], violated: &[&Digest]) -> Ruling {
    let over = over(rule);
    let mut taken = complete.to_vec();
    if over == Over::Every {
        taken.extend(violated);
        taken.sort_by(|one, two| (&one.run.started, &one.run.id).cmp(&(&two.run.started, &two.run.id)));
    }
    let values: Vec<f64> = taken.iter().filter_map(|digest| value(rule, digest)).collect();
    let unobserved = taken.len() - values.len();
    let kept_by = values.iter().filter(|value| rule.is_kept_by(**value)).count();
    let value = match over {
        Over::Every => worst(rule, &values),
        Over::Median => median(&values),
    };
    let outcome = match value {
        // One repeat that breaks what every one must keep is enough, whatever the others observed. A median of few is none.
        Some(value) if over == Over::Every && !rule.is_kept_by(value) => RuleOutcome::Broken,
        Some(_) if values.len() < unobserved => RuleOutcome::Unobserved,
        Some(value) if !rule.is_kept_by(value) => RuleOutcome::Broken,
        Some(_) => RuleOutcome::Held,
        None => RuleOutcome::Unobserved,
    };
    Ruling {
        subject: rule.subject.clone(),
        limit: rule.limit.clone(),
        metric: rule.metric.to_owned(),
        stat: rule.stat,
        scope: rule.scope.clone(),
        unit: rule.unit.to_owned(),
        over,
        values,
        unobserved: unobserved as u32,
        value,
        kept_by: kept_by as u32,
        outcome,
    }
}

/// Whether more repeats, up to `most`, could change what a ruling says.
#[must_use]
pub(super) fn is_open(ruling: &Ruling, most: u32) -> bool {
    let made = ruling.values.len() as u32;
    let agree = ruling.kept_by == 0 || ruling.kept_by == made;
    let settled = 2 * ruling.kept_by > most || 2 * (made - ruling.kept_by) > most;
    ruling.over == Over::Median && !agree && !settled
}

/// The value that a rule limits; of several kinds of fault the one that keeps it worst.
fn value(rule: &Rule, digest: &Digest) -> Option<f64> {
    let is_meant = |reading: &&Reading| {
        reading.metric == rule.metric
            && reading.stat == rule.stat
            && match &rule.scope {
                Some(scope) => reading.scope == *scope,
                None => matches!(reading.scope, Scope::FaultKind(_)),
            }
    };
    let values: Vec<f64> = digest
        .readings
        .iter()
        .filter(is_meant)
        .filter_map(|reading| reading.value.filter(|value| value.is_finite()))
        .collect();
    worst(rule, &values)
}

/// The value that keeps a rule worst.
fn worst(rule: &Rule, values: &[f64]) -> Option<f64> {
    let values = values.iter().copied();
    match rule.comparator {
        Comparator::Less | Comparator::AtMost => values.max_by(f64::total_cmp),
        Comparator::AtLeast | Comparator::More => values.min_by(f64::total_cmp),
        Comparator::Equal => values.max_by(|one, two| (one - rule.bound).abs().total_cmp(&(two - rule.bound).abs())),
    }
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = sorted.get(middle)?;
    Some(if sorted.len().is_multiple_of(2) { f64::midpoint(sorted[middle - 1], *upper) } else { *upper })
}
