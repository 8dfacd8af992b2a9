//! The checks of `[gate]`: metrics and statistics that there are, limits in the unit of their metric.

use super::Findings;
use crate::gate::rule::{self, Error, Rule};
use crate::profile::document::Document;
use crate::profile::nearest::nearest;
use crate::profile::shape::one_of;

/// More repeats than this are a slip of the finger.
pub(in crate::profile) const REPEATS_MAX: u32 = 1000;

pub(super) fn check(document: &Document, findings: &mut Findings) {
    let gate = &document.gate;
    for (subject, limit) in &gate.rules {
        let Err(error) = Rule::parse(subject, limit) else { continue };
        let path = format!("gate.rules.{subject}");
        if error.is_of_limit() {
            findings.add(&[&path], error.to_string(), help(&error).as_deref());
        } else {
            findings.key(path, error.to_string(), help(&error));
        }
    }
    for (metric, share) in &gate.thresholds {
        let path = format!("gate.thresholds.{metric}");
        if let Err(error) = rule::compared(metric) {
            findings.key(path, error.to_string(), help(&error));
        } else if metric.contains('.') {
            findings.key(path, format!("`{metric}` names a statistic; a threshold is one of a metric"), None);
        } else if rule::share(share).is_none() {
            let message = format!("\"{share}\" is no share from 0.1% to 1000%");
            findings.add(&[&path], message, Some("write it like \"25%\""));
        }
    }
    for (place, word) in gate.metrics.iter().enumerate() {
        if let Err(error) = rule::compared(word) {
            findings.add(&[&format!("gate.metrics.{place}")], error.to_string(), help(&error).as_deref());
        }
    }
    for (path, repeats) in [("gate.min-repeats", gate.min_repeats), ("gate.max-repeats", gate.max_repeats)] {
        if let Some(repeats) = repeats {
            findings.range(path, repeats.into(), 1, REPEATS_MAX.into());
        }
    }
    if let (Some(least), Some(most)) = (gate.min_repeats, gate.max_repeats)
        && most < least
    {
        let message = format!("`max-repeats` is {most}, less than `min-repeats`, which is {least}");
        findings.add(&["gate.max-repeats"], message, None);
    }
}

/// The nearest of what is known, or all of it where that is little.
fn help(error: &Error) -> Option<String> {
    match error {
        Error::Comparator(_) => Some("write it like \"< 3s\" or \"= 0\"".to_owned()),
        Error::Bound { expected, .. } => Some(format!("expected {expected}")),
        Error::NoDirection(_) => None,
        Error::Scope { known, .. } if known.is_empty() => {
            Some("its readings are of the run: leave out the @".to_owned())
        }
        Error::Metric(_) | Error::Stat { .. } | Error::NoStat { .. } | Error::Scope { .. } => {
            let (typed, known) = error.choice()?;
            Some(match nearest(typed, known.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None if matches!(error, Error::Metric(_)) => "`jetlag list metrics` shows them all".to_owned(),
                None => format!("there are {}", one_of(&known)),
            })
        }
    }
}
