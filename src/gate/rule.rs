//! A rule: what a profile limits absolutely, `"gap.max@kill" = "< 3s"`. Read here, so that a profile can be checked, and
//! held against runs by the module `ruling`.

use crate::metric::{self, Metric};
use crate::model::reading::{Better, Scope, Stat};
use crate::model::units::{Size, Timespan};

/// One rule.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// What is limited, as typed.
    pub subject: String,
    /// The limit, as typed.
    pub limit: String,
    /// Metric id.
    pub metric: &'static str,
    /// Its unit, in which `bound` is.
    pub unit: &'static str,
    /// Statistic.
    pub stat: Stat,
    /// What it is about; `None` for every kind of fault.
    pub scope: Option<Scope>,
    /// How a value is compared with the bound.
    pub comparator: Comparator,
    /// The bound, in the unit of the metric.
    pub bound: f64,
}

/// How a value is compared with a bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparator {
    /// `<`
    Less,
    /// `<=`
    AtMost,
    /// `=`
    Equal,
    /// `>=`
    AtLeast,
    /// `>`
    More,
}

/// As typed, the longer ones first.
const COMPARATORS: [(&str, Comparator); 5] = [
    ("<=", Comparator::AtMost),
    (">=", Comparator::AtLeast),
    ("<", Comparator::Less),
    (">", Comparator::More),
    ("=", Comparator::Equal),
];

/// Statistics as typed.
const STATS: [(&str, Stat); 9] = [
    ("count", Stat::Count),
    ("value", Stat::Value),
    ("mean", Stat::Mean),
    ("min", Stat::Min),
    ("p50", Stat::P50),
    ("p90", Stat::P90),
    ("p99", Stat::P99),
    ("p99.9", Stat::P999),
    ("max", Stat::Max),
];

/// The kinds of process that have readings of their own.
pub const PROCESSES: [&str; 4] = ["server", "publishers", "consumers", "driver"];

/// What is wrong with a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No such metric.
    #[error("there is no metric `{0}`")]
    Metric(String),
    /// The metric has no such statistic.
    #[error("`{metric}` has no statistic `{stat}`")]
    Stat {
        /// The metric.
        metric: &'static str,
        /// What was typed.
        stat: String,
        /// What it has.
        known: Vec<&'static str>,
    },
    /// Several statistics, and none was named.
    #[error("`{metric}` has several statistics, and the rule names none")]
    NoStat {
        /// The metric.
        metric: &'static str,
        /// What it has.
        known: Vec<&'static str>,
    },
    /// The metric has no such scope.
    #[error("{}", match scope { Some(scope) => format!("`{metric}` has no readings of `{scope}`"), None => format!("`{metric}` is about processes, and the rule names none") })]
    Scope {
        /// The metric.
        metric: &'static str,
        /// What was typed after `@`.
        scope: Option<String>,
        /// What it has; empty when it has no scope but the run.
        known: Vec<&'static str>,
    },
    /// The limit does not begin with a comparator.
    #[error("\"{0}\" does not begin with <, <=, =, >= or >")]
    Comparator(String),
    /// The metric is compared with nothing.
    #[error("`{0}` has no good direction, so it is neither better nor worse")]
    NoDirection(&'static str),
    /// The bound is no quantity of the metric's unit.
    #[error("\"{typed}\" is no quantity of `{metric}`")]
    Bound {
        /// The metric.
        metric: &'static str,
        /// What was typed.
        typed: String,
        /// What is expected.
        expected: &'static str,
    },
}

impl Error {
    /// Whether it is about the limit, and not about what is limited.
    #[must_use]
    pub fn is_of_limit(&self) -> bool {
        matches!(self, Self::Comparator(_) | Self::Bound { .. })
    }

    /// The word that is not known, and those that are.
    #[must_use]
    pub fn choice(&self) -> Option<(&str, Vec<&'static str>)> {
        match self {
            Self::Metric(typed) => Some((typed, metric::all().map(|metric| metric.id).collect())),
            Self::Stat { stat, known, .. } => Some((stat, known.clone())),
            Self::NoStat { known, .. } => Some(("", known.clone())),
            Self::Scope { scope, known, .. } => Some((scope.as_deref().unwrap_or_default(), known.clone())),
            Self::Comparator(_) | Self::Bound { .. } | Self::NoDirection(_) => None,
        }
    }
}

/// What the readings of a metric are about, and which statistics they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    /// The run: these statistics.
    Run(&'static [Stat]),
    /// Kinds of fault.
    Faults(&'static [Stat]),
    /// Kinds of process.
    Processes(&'static [Stat]),
}

/// The statistics of a histogram.
const HISTOGRAM: &[Stat] = &[Stat::Count, Stat::Mean, Stat::P50, Stat::P90, Stat::P99, Stat::P999, Stat::Max];
/// The statistics of a few spans.
const SPANS: &[Stat] = &[Stat::P50, Stat::P99, Stat::Max];

fn shape(metric: &Metric) -> Shape {
    let is_of = |family: &[Metric]| family.iter().any(|other| other.id == metric.id);
    match (metric.id, metric.unit) {
        ("cpu_per_million", _) => Shape::Processes(&[Stat::Value]),
        ("memory_max", _) => Shape::Processes(&[Stat::Max]),
        ("order_distance", _) => Shape::Run(&[Stat::Max]),
        ("order_violations_per_million", _) => Shape::Run(&[Stat::Value]),
        ("gap_bystander_excess", _) => Shape::Faults(&[Stat::Value]),
        (_, "ms") if is_of(metric::REBALANCE) => Shape::Faults(SPANS),
        _ if is_of(metric::REBALANCE) => Shape::Faults(&[Stat::Count]),
        (_, "ms") => Shape::Run(HISTOGRAM),
        (_, "count" | "messages") => Shape::Run(&[Stat::Count]),
        _ => Shape::Run(&[Stat::Value]),
    }
}

impl Rule {
    /// `subject` is `metric[.statistic][@kind]`, where the kind is one of fault or of process; `limit` is a comparator and a
    /// quantity. The statistic may be left out where there is one only.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub fn parse(subject: &str, limit: &str) -> Result<Self, Error> {
        let (what, about) = subject.split_once('@').map_or((subject, None), |(what, about)| (what, Some(about.trim())));
        let (id, stat) = what.split_once('.').map_or((what, None), |(id, stat)| (id, Some(stat.trim())));
        let metric = metric::find(id.trim()).ok_or_else(|| Error::Metric(id.trim().to_owned()))?;
        let shape = shape(metric);
        let (Shape::Run(stats) | Shape::Faults(stats) | Shape::Processes(stats)) = shape;
        let stat = known_stat(metric.id, stats, stat)?;
        let scope = known_scope(metric.id, shape, about)?;
        let (comparator, bound) = bound(metric, stat, limit)?;
        Ok(Self {
            subject: subject.trim().to_owned(),
            limit: limit.trim().to_owned(),
            metric: metric.id,
            unit: unit(metric, stat),
            stat,
            scope,
            comparator,
            bound,
        })
    }

    /// Whether a value keeps it.
    #[must_use]
    pub fn is_kept_by(&self, value: f64) -> bool {
        match self.comparator {
            Comparator::Less => value < self.bound,
            Comparator::AtMost => value <= self.bound,
            Comparator::Equal => value == self.bound,
            Comparator::AtLeast => value >= self.bound,
            Comparator::More => value > self.bound,
        }
    }
}

/// What is held against a base: `end_to_end`, `end_to_end.p99`, or `end_to_end:p99`.
///
/// # Errors
/// When there is no such metric or statistic, or it has no good direction.
pub fn compared(word: &str) -> Result<(String, Option<Stat>), Error> {
    let (id, stat) = word.split_once(['.', ':']).map_or((word, None), |(id, stat)| (id, Some(stat.trim())));
    let metric = metric::find(id.trim()).ok_or_else(|| Error::Metric(id.trim().to_owned()))?;
    if metric.better == Better::None {
        return Err(Error::NoDirection(metric.id));
    }
    let (Shape::Run(stats) | Shape::Faults(stats) | Shape::Processes(stats)) = shape(metric);
    let stat = stat.map(|stat| known_stat(metric.id, stats, Some(stat))).transpose()?;
    Ok((metric.id.to_owned(), stat))
}

/// `25%` as a share, from 0.1 % to 1000 %.
#[must_use]
pub fn share(text: &str) -> Option<f64> {
    let percent: f64 = text.trim().strip_suffix('%')?.trim().parse().ok()?;
    (0.1..=1000.0).contains(&percent).then_some(percent / 100.0)
}

fn known_stat(metric: &'static str, stats: &[Stat], typed: Option<&str>) -> Result<Stat, Error> {
    let known = || STATS.iter().filter(|(_, stat)| stats.contains(stat)).map(|(name, _)| *name).collect();
    match (typed, stats) {
        (None, [only]) => Ok(*only),
        (None, _) => Err(Error::NoStat { metric, known: known() }),
        (Some(typed), _) => {
            let found = STATS.iter().find(|(name, stat)| *name == typed && stats.contains(stat));
            found.map(|(_, stat)| *stat).ok_or_else(|| Error::Stat { metric, stat: typed.to_owned(), known: known() })
        }
    }
}

fn known_scope(metric: &'static str, shape: Shape, typed: Option<&str>) -> Result<Option<Scope>, Error> {
    let known: Vec<&'static str> = match shape {
        Shape::Run(_) => Vec::new(),
        Shape::Faults(_) => crate::fault::ALL.iter().map(|about| about.kind).collect(),
        Shape::Processes(_) => PROCESSES.to_vec(),
    };
    match (shape, typed) {
        (Shape::Run(_), None) => Ok(Some(Scope::Run)),
        (Shape::Faults(_), None) => Ok(None),
        (Shape::Faults(_), Some(kind)) if known.contains(&kind) => Ok(Some(Scope::FaultKind(kind.to_owned()))),
        (Shape::Processes(_), Some(kind)) if known.contains(&kind) => Ok(Some(Scope::Process(kind.to_owned()))),
        (_, scope) => Err(Error::Scope { metric, scope: scope.map(str::to_owned), known }),
    }
}

/// How many there were of a latency is a count, whatever the unit of the latency.
fn unit(metric: &Metric, stat: Stat) -> &'static str {
    if stat == Stat::Count { "count" } else { metric.unit }
}

fn bound(metric: &'static Metric, stat: Stat, limit: &str) -> Result<(Comparator, f64), Error> {
    let limit = limit.trim();
    let found = COMPARATORS.iter().find_map(|(sign, comparator)| Some((*comparator, limit.strip_prefix(sign)?)));
    let (comparator, typed) = found.ok_or_else(|| Error::Comparator(limit.to_owned()))?;
    let typed = typed.trim();
    let number = |text: &str| text.replace('_', "").parse::<f64>().ok();
    let seconds = |text: &str| text.parse::<Timespan>().ok().map(|span| span.0.as_secs_f64());
    let (value, expected) = match unit(metric, stat) {
        "ms" => (seconds(typed).map(|seconds| seconds * 1e3), "a length of time, like 200ms or 3s"),
        "s" => (seconds(typed), "a length of time, like 30s"),
        "msg/s" => (typed.strip_suffix("/s").and_then(|text| number(text.trim())), "a rate, like 900/s"),
        "MiB" => {
            let size = typed.parse::<Size>().ok();
            (size.map(|size| size.0 as f64 / f64::from(1 << 20)), "a size, like 64MiB")
        }
        _ => (number(typed), "a number"),
    };
    match value.filter(|value| value.is_finite() && *value >= 0.0) {
        Some(value) => Ok((comparator, value)),
        None => Err(Error::Bound { metric: metric.id, typed: typed.to_owned(), expected }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis;
    use proptest::prelude::*;

    #[test]
    fn a_rule_says_what_is_limited_and_how() {
        let kill = Some(Scope::FaultKind("kill".to_owned()));
        for (subject, limit, stat, scope, comparator, bound) in [
            ("gap.max", "< 3s", Stat::Max, None, Comparator::Less, 3_000.0),
            ("gap.max@kill", "<=250ms", Stat::Max, kill, Comparator::AtMost, 250.0),
            ("order_violations", "= 0", Stat::Count, Some(Scope::Run), Comparator::Equal, 0.0),
            ("end_to_end.p99.9", "< 1m 30s", Stat::P999, Some(Scope::Run), Comparator::Less, 90_000.0),
            ("end_to_end.count", "> 1_000", Stat::Count, Some(Scope::Run), Comparator::More, 1_000.0),
            ("ordered_per_s", ">= 900/s", Stat::Value, Some(Scope::Run), Comparator::AtLeast, 900.0),
            (
                "cpu_per_million@server",
                "< 30s",
                Stat::Value,
                Some(Scope::Process("server".to_owned())),
                Comparator::Less,
                30.0,
            ),
            (
                "memory_max@consumers",
                "< 64MiB",
                Stat::Max,
                Some(Scope::Process("consumers".to_owned())),
                Comparator::Less,
                64.0,
            ),
        ] {
            let rule = Rule::parse(subject, limit).unwrap_or_else(|error| panic!("{subject}: {error}"));
            assert_eq!((rule.stat, rule.scope, rule.comparator, rule.bound), (stat, scope, comparator, bound));
        }
    }

    #[test]
    fn what_is_wrong_is_named() {
        for (subject, limit, says) in [
            ("gapp.max", "< 3s", "there is no metric `gapp`"),
            ("gap.maximum", "< 3s", "`gap` has no statistic `maximum`"),
            ("gap.p90", "< 3s", "`gap` has no statistic `p90`"),
            ("gap", "< 3s", "`gap` has several statistics"),
            ("gap.max@kil", "< 3s", "`gap` has no readings of `kil`"),
            ("lost@kill", "= 0", "`lost` has no readings of `kill`"),
            ("memory_max", "< 1GiB", "`memory_max` is about processes"),
            ("gap.max", "3s", "does not begin with"),
            ("gap.max", "< 3", "is no quantity of `gap`"),
            ("gap.max", "<", "is no quantity"),
            ("ordered_per_s", "> 900", "is no quantity"),
            ("lost", "= zero", "is no quantity"),
            ("lost", "= -1", "is no quantity"),
            ("lost", "= NaN", "is no quantity"),
            ("", "", "there is no metric ``"),
        ] {
            let error = Rule::parse(subject, limit).expect_err(subject).to_string();
            assert!(error.contains(says), "{subject} {limit}: {error}");
        }
    }

    /// The shapes are those of the readings: a rule that can be written names a reading that a run has.
    #[test]
    fn every_metric_has_the_readings_that_a_rule_may_name() {
        let report = metric::report(&analysis::planted::killed());
        for metric in metric::all() {
            let of_metric = || report.readings.iter().filter(|reading| reading.metric == metric.id);
            let (stats, is_scope): (_, fn(&Scope) -> bool) = match shape(metric) {
                Shape::Run(stats) => (stats, |scope| *scope == Scope::Run),
                Shape::Faults(stats) => (stats, |scope| matches!(scope, Scope::FaultKind(_))),
                Shape::Processes(stats) => (stats, |scope| matches!(scope, Scope::Process(_))),
            };
            let mut found: Vec<Stat> =
                of_metric().filter(|reading| is_scope(&reading.scope)).map(|reading| reading.stat).collect();
            found.sort_unstable();
            found.dedup();
            // What this run has no occasion for is silent.
            if of_metric().next().is_some() {
                let mut stats = stats.to_vec();
                stats.sort_unstable();
                assert_eq!(found, stats, "{}", metric.id);
                for reading in of_metric().filter(|reading| is_scope(&reading.scope)) {
                    assert_eq!(reading.unit, unit(metric, reading.stat), "{}", metric.id);
                    if let Scope::Process(kind) = &reading.scope {
                        assert!(PROCESSES.contains(&kind.as_str()), "{kind}");
                    }
                }
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(subject in ".{0,20}", limit in ".{0,20}") {
            let _ = Rule::parse(&subject, &limit);
            let _ = Rule::parse("gap.max", &limit);
            let _ = Rule::parse("lost", &format!("<{limit}"));
        }
    }
}
