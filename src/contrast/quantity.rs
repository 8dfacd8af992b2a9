//! What is compared, by which rule, and how much of a difference matters.
//!
//! Tables by metric id. A metric without an entry is compared when asked for, with the threshold of its unit.

use crate::metric;
use crate::model::contrast::{Rule, Threshold};
use crate::model::promise::Promises;
use crate::model::reading::{Better, Reading, Scope, Stat};

/// What is compared unless the user asks for something else: few, because each one more asks for more evidence of all.
const HEADLINE: &[(&str, Stat)] = &[
    ("ordered_per_s", Stat::Value),
    ("handled_per_s", Stat::Value),
    ("end_to_end", Stat::P50),
    ("end_to_end", Stat::P99),
    ("publish", Stat::P99),
    ("gap", Stat::Max),
    ("gap_bystander", Stat::Max),
    ("stranded", Stat::Max),
    ("cpu_per_million", Stat::Value),
];

/// Whether these promises say that something does not happen.
type Forbids = fn(Promises) -> bool;

/// Counts of what went wrong, and who forbids it.
const CORRECTNESS: &[(&str, Forbids)] = &[
    ("order_violations", |promises| promises.order_per_key),
    ("skipped", |promises| promises.order_per_key),
    ("late", |promises| promises.order_per_key),
    ("regressed", |promises| promises.order_per_key),
    ("lost", |promises| promises.at_least_once),
    ("overlap", |promises| promises.exclusive),
    ("dual_ownership", |promises| promises.exclusive),
    ("stale_handling", |promises| promises.exclusive),
    ("stale_effect", |promises| promises.fenced),
    ("phantom", |_| true),
    ("misrouted", |_| true),
    ("lost_by_server", |_| true),
    ("duplicate_stored", |_| true),
    ("publish_reordered", |_| true),
];

/// What is to be compared.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Choice {
    /// The few that matter most.
    #[default]
    Headline,
    /// Everything that has a good direction.
    All,
    /// These metrics, each with one statistic or all that it has.
    Named(Vec<(String, Option<Stat>)>),
}

/// By which rule a reading is judged between sides that promise this; `None` when it is not compared.
pub(super) fn rule(reading: &Reading, promises: [Promises; 2], choice: &Choice) -> Option<Rule> {
    if reading.better == Better::None || !matches!(reading.scope, Scope::Run | Scope::Process(_) | Scope::FaultKind(_))
    {
        return None;
    }
    let counts = CORRECTNESS.iter().find(|(metric, _)| *metric == reading.metric && reading.scope == Scope::Run);
    if counts.is_some_and(|(_, forbidden)| promises.into_iter().any(forbidden)) {
        return Some(Rule::AnyRise);
    }
    // How many were observed is no quantity of a latency.
    let has_direction =
        reading.stat != Stat::Count || metric::find(&reading.metric).is_some_and(|it| it.unit == "count");
    let chosen = match choice {
        Choice::All => has_direction,
        Choice::Headline => is_headline(reading),
        Choice::Named(named) => named
            .iter()
            .any(|(metric, stat)| *metric == reading.metric && stat.map_or(has_direction, |stat| stat == reading.stat)),
    };
    chosen.then_some(Rule::Statistics)
}

fn is_headline(reading: &Reading) -> bool {
    // The publishers and the driver are the generator, not what is measured.
    let of_generator =
        matches!(&reading.scope, Scope::Process(kind) if !["server", "consumers"].contains(&kind.as_str()));
    HEADLINE.contains(&(reading.metric.as_str(), reading.stat)) && !of_generator
}

/// A difference below this does not matter.
pub(super) fn threshold(metric: &str, stat: Stat, unit: &str, asked: &[(String, f64)]) -> Threshold {
    let (relative, absolute) = match (metric, unit) {
        // A takeover is a matter of a lease time; a few beats of a heart are not.
        ("gap" | "stranded" | "converged" | "catch_up" | "detect" | "claim" | "resume" | "first_handled", _) => {
            (0.1, 20.0)
        }
        ("gap_bystander" | "gap_bystander_excess", _) => (0.2, 10.0),
        ("schedule_lag" | "blocked", _) => (0.2, 1.0),
        (_, "ms") => (0.1, 0.1),
        (_, "msg/s") => (0.05, 1.0),
        (_, "s") => (0.05, 0.1),
        (_, "MiB") => (0.1, 8.0),
        (_, "count" | "messages") => (0.1, 1.0),
        _ => (0.05, 0.0),
    };
    // The tail of a latency is made by few messages.
    let is_tail =
        unit == "ms" && matches!(stat, Stat::P99 | Stat::P999 | Stat::Max) && relative < 0.2 && absolute < 10.0;
    let relative = if is_tail { 0.2 } else { relative };
    let asked = asked.iter().rev().find(|(asked, _)| asked == metric);
    Threshold { relative: asked.map_or(relative, |(_, relative)| *relative), absolute }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::find;

    #[test]
    fn every_metric_of_the_tables_is_there_and_has_a_direction() {
        for id in HEADLINE.iter().map(|(id, _)| *id).chain(CORRECTNESS.iter().map(|(id, _)| *id)) {
            assert!(find(id).is_some_and(|metric| metric.better != Better::None), "{id}");
        }
    }

    #[test]
    fn every_metric_has_a_threshold_above_nothing() {
        for metric in metric::all() {
            let threshold = threshold(metric.id, Stat::P50, metric.unit, &[]);
            assert!(threshold.relative >= 0.05 && threshold.relative < 0.5, "{}", metric.id);
        }
        assert!(
            threshold("end_to_end", Stat::P99, "ms", &[]).relative
                > threshold("end_to_end", Stat::P50, "ms", &[]).relative
        );
        assert_eq!(threshold("gap", Stat::Max, "ms", &[("gap".to_owned(), 0.3)]).relative, 0.3);
    }

    #[test]
    fn what_one_side_promises_may_not_rise_at_all() {
        let reading = |metric: &str, scope: Scope| Reading {
            metric: metric.to_owned(),
            stat: Stat::Count,
            value: Some(0.0),
            unit: "count".to_owned(),
            better: Better::Lower,
            scope,
            n: 1,
            censored: false,
            histogram: None,
        };
        let promised = Promises { order_per_key: true, ..Promises::default() };
        let none = Promises::default();
        let order = reading("order_violations", Scope::Run);
        assert_eq!(rule(&order, [promised, none], &Choice::Headline), Some(Rule::AnyRise));
        assert_eq!(rule(&order, [none, none], &Choice::Headline), None);
        assert_eq!(rule(&order, [none, none], &Choice::All), Some(Rule::Statistics));
        assert_eq!(rule(&reading("phantom", Scope::Run), [none, none], &Choice::Headline), Some(Rule::AnyRise));
        assert_eq!(rule(&reading("order_violations", Scope::Partition(1)), [promised, none], &Choice::All), None);
    }
}
