//! Sides held against a base: is it better, worse, the same, or not decidable yet and what would it take?
//!
//! A pure function of digests, with a fixed seed where chance is used: the same runs give the same answer, byte for byte.
//! A run is one value of a sample, never its seconds, which depend on each other. What runs are taken, and from where, is
//! decided by whoever calls.

mod bootstrap;
mod difference;
mod digest;
mod finding;
mod judgement;
mod quantity;
mod rank;

#[cfg(test)]
pub(crate) mod planted;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

pub use digest::digest;
pub use finding::label;
pub use quantity::Choice;

use crate::metric;
use crate::model::contrast::{
    Comparable, Contrast, Difference, Outcome, Pair, Row, Rule, SCHEMA, Sample, Side, SideRun, Taken, Weight,
};
use crate::model::digest::{Curves, Digest};
use crate::model::reading::{Reading, Scope, Stat};
use crate::model::report::RunState;

/// Repeats of one run, to be compared.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// What it is called.
    pub name: String,
    /// Where it comes from, as it was named.
    pub source: String,
    /// The repeats, each with a name.
    pub runs: Vec<(String, Digest)>,
}

/// On what terms.
#[derive(Clone, Debug, PartialEq)]
pub struct Terms {
    /// Of the intervals, and that nothing is called different that is not: 0.95.
    pub confidence: f64,
    /// Compare what is not comparable all the same.
    pub force: bool,
    /// Settings, or `host`, `server.version`, `jetlag.version`, …, that differ on purpose; with all below them.
    pub vary: Vec<String>,
    /// What is compared.
    pub choice: Choice,
    /// Practical thresholds by metric, in place of those of the list, as a share of the base.
    pub thresholds: Vec<(String, f64)>,
}

impl Default for Terms {
    fn default() -> Self {
        Self { confidence: 0.95, force: false, vary: Vec::new(), choice: Choice::Headline, thresholds: Vec::new() }
    }
}

/// Why there is nothing to compare.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// One side is none.
    #[error("one side alone is no comparison; name two or more, the base first")]
    TooFew,
    /// A run stands on two sides, or twice on one.
    #[error("the run {id} is in {one} and in {two}: compared with itself it would look the same")]
    Twice {
        /// Its id.
        id: String,
        /// Where it is.
        one: String,
        /// And where else.
        two: String,
    },
    /// No run of a side can be used.
    #[error("no run of {side} can be compared: {}; run it again", if reasons.is_empty() { "it has none".to_owned() } else { reasons.join("; ") })]
    NothingLeft {
        /// The side.
        side: String,
        /// What is wrong with each run.
        reasons: Vec<String>,
    },
    /// The runs of a side are no repeats.
    #[error("the runs of {side} are no repeats of each other: {run} differs in {}; compare runs that are alike, or use --force", what.join(", "))]
    Mixed {
        /// The side.
        side: String,
        /// The run that differs from the first.
        run: String,
        /// In what.
        what: Vec<String>,
    },
}

/// Holds every group against the first.
///
/// # Errors
/// When nothing can be said that would be true: fewer than two groups, a run on two sides, no run to use, runs that are no
/// repeats of each other.
pub fn contrast(groups: &[Group], terms: &Terms) -> Result<Contrast, Error> {
    let [base, others @ ..] = groups else { return Err(Error::TooFew) };
    if others.is_empty() {
        return Err(Error::TooFew);
    }
    once_each(groups)?;
    for group in groups {
        usable(group)?;
        if !terms.force {
            alike(group)?;
        }
    }
    let pairs: Vec<Pair> = others.iter().map(|other| pair(base, other, terms)).collect();
    Ok(Contrast {
        schema: SCHEMA.to_owned(),
        outcome: gravest(pairs.iter().map(|pair| pair.outcome)),
        confidence: terms.confidence,
        sides: groups.iter().map(side).collect(),
        pairs,
    })
}

/// Whether the runs of a group are repeats of each other: what a baseline must be, too.
///
/// # Errors
/// [`Error::Mixed`] with the first that differs.
pub fn alike(group: &Group) -> Result<(), Error> {
    let Some((_, first)) = group.runs.first() else { return Ok(()) };
    for (run, digest) in &group.runs {
        let differences = difference::differences(first, digest, &[]);
        let variant = (first.run.variant != digest.run.variant).then(|| "variant".to_owned());
        let what: Vec<String> = differences
            .into_iter()
            .filter(|difference| difference.weight != Weight::Noted)
            .map(|difference| difference.what)
            .chain(variant)
            .collect();
        if !what.is_empty() {
            return Err(Error::Mixed { side: group.name.clone(), run: run.clone(), what });
        }
    }
    Ok(())
}

/// Whether every run is there once.
///
/// # Errors
/// [`Error::Twice`] with the first that is there again.
pub fn once_each(groups: &[Group]) -> Result<(), Error> {
    let mut seen: Vec<(&str, &str)> = Vec::new();
    for group in groups {
        for (_, digest) in &group.runs {
            if let Some((id, one)) = seen.iter().find(|(id, _)| *id == digest.run.id) {
                return Err(Error::Twice { id: (*id).to_owned(), one: (*one).to_owned(), two: group.name.clone() });
            }
            seen.push((&digest.run.id, &group.name));
        }
    }
    Ok(())
}

/// The settings in which two profiles differ, by their dotted paths.
#[must_use]
pub fn differing(base: &serde_json::Value, other: &serde_json::Value) -> Vec<String> {
    difference::differing(base, other)
}

/// Whether some run of a group can be used.
///
/// # Errors
/// [`Error::NothingLeft`], with what is wrong with each.
pub fn usable(group: &Group) -> Result<(), Error> {
    if group.runs.iter().any(|(_, digest)| taken(digest.state) != Taken::Nothing) {
        return Ok(());
    }
    let reason = |(name, digest): &(String, Digest)| {
        let why = digest.state_reasons.first().map_or_else(String::new, |why| format!(", {why}"));
        format!("{name} is {}{why}", digest.state)
    };
    let reasons = group.runs.iter().map(reason).collect();
    Err(Error::NothingLeft { side: group.name.clone(), reasons })
}

/// A broken promise is a finding, and its evidence is whole; how fast it was broken is no figure.
fn taken(state: RunState) -> Taken {
    match state {
        RunState::Complete => Taken::Whole,
        RunState::Violated => Taken::Correctness,
        RunState::Invalid | RunState::Interrupted => Taken::Nothing,
    }
}

/// The runs in order of time.
fn in_time(group: &Group) -> Vec<&(String, Digest)> {
    let mut runs: Vec<&(String, Digest)> = group.runs.iter().collect();
    runs.sort_by(|(_, one), (_, two)| (&one.run.started, &one.run.id).cmp(&(&two.run.started, &two.run.id)));
    runs
}

/// A group as it is shown; `None` when it has no runs.
#[must_use]
pub fn shown(group: &Group) -> Option<Side> {
    let runs = in_time(group);
    let (_, first) = runs.first()?;
    let run = |(name, digest): &&(String, Digest)| SideRun {
        name: name.clone(),
        id: digest.run.id.clone(),
        started: digest.run.started.clone(),
        state: digest.state,
        state_reasons: digest.state_reasons.clone(),
        taken: taken(digest.state),
        curves: if taken(digest.state) == Taken::Whole { digest.curves.clone() } else { Curves::default() },
    };
    Some(Side {
        name: group.name.clone(),
        source: group.source.clone(),
        profile: first.run.profile.clone(),
        variant: first.run.variant.clone(),
        strategy: first.run.strategy.clone(),
        commit_mode: first.run.commit_mode.clone(),
        command: first.run.command.clone(),
        seed: first.run.seed,
        environment: first.environment.clone(),
        runs: runs.iter().map(run).collect(),
    })
}

fn side(group: &Group) -> Side {
    shown(group).expect("a group without a usable run was refused")
}

fn pair(base: &Group, other: &Group, terms: &Terms) -> Pair {
    let first = |group: &Group| in_time(group).first().map(|(_, digest)| digest.clone());
    let differences = first(base)
        .zip(first(other))
        .map_or_else(Vec::new, |(base, other)| difference::differences(&base, &other, &terms.vary));
    let asked_for = !differences.iter().any(|difference: &Difference| difference.weight == Weight::Unasked);
    let comparable = match (asked_for, terms.force) {
        (true, _) => Comparable::Yes,
        (false, true) => Comparable::Forced,
        (false, false) => Comparable::No,
    };
    let mut rows = if comparable == Comparable::No { Vec::new() } else { rows(base, other, terms) };
    judgement::judge(&mut rows, terms.confidence);
    let outcome = match comparable {
        Comparable::No => Outcome::Incomparable,
        _ => gravest(rows.iter().map(|row| row.outcome)),
    };
    let mut pair = Pair {
        side: other.name.clone(),
        base: base.name.clone(),
        comparable,
        differences,
        outcome,
        findings: Vec::new(),
        rows,
    };
    pair.findings = finding::of(&pair);
    pair
}

/// The gravest outcome. Nothing judged is nothing decided.
fn gravest(outcomes: impl Iterator<Item = Outcome>) -> Outcome {
    outcomes.max().unwrap_or(Outcome::Undecided)
}

/// All quantities that one of the sides has, counts of what went wrong first, then in the order of the metrics.
fn rows(base: &Group, other: &Group, terms: &Terms) -> Vec<Row> {
    let promises = [base, other].map(|group| group.runs.first().map(|(_, digest)| digest.promises).unwrap_or_default());
    let readings = || [base, other].into_iter().flat_map(in_time).flat_map(|(_, digest)| &digest.readings);
    let position = |reading: &Reading| metric::all().position(|it| it.id == reading.metric).unwrap_or(usize::MAX);
    let mut keys: Vec<(Rule, usize, &Reading)> = Vec::new();
    let mut seen: BTreeSet<(&str, Stat, &Scope)> = BTreeSet::new();
    for reading in readings() {
        if let Some(rule) = quantity::rule(reading, promises, &terms.choice)
            && seen.insert((&reading.metric, reading.stat, &reading.scope))
        {
            keys.push((rule, position(reading), reading));
        }
    }
    keys.sort_by(|(rule, position, reading), (other_rule, other_position, other)| {
        let is_timing = |rule: &Rule| *rule == Rule::Statistics;
        (is_timing(rule), position, &reading.scope, reading.stat).cmp(&(
            is_timing(other_rule),
            other_position,
            &other.scope,
            other.stat,
        ))
    });
    let rows = keys.into_iter().map(|(rule, _, reading)| row(rule, reading, base, other, terms));
    rows.filter(|row| !(is_rare(row.rule, &row.base) && is_rare(row.rule, &row.other))).collect()
}

/// What most repeats did not observe is no sample of a timing: nothing waited, nothing was in flight.
fn is_rare(rule: Rule, sample: &Sample) -> bool {
    sample.values.is_empty() || rule == Rule::Statistics && sample.values.len() < sample.unobserved as usize
}

fn row(rule: Rule, like: &Reading, base: &Group, other: &Group, terms: &Terms) -> Row {
    let mut cut = false;
    let mut sample = |group: &Group| {
        let mut sample = Sample::default();
        for (_, digest) in in_time(group) {
            match (taken(digest.state), rule) {
                (Taken::Whole, _) | (Taken::Correctness, Rule::AnyRise) => {}
                _ => continue,
            }
            let same = |reading: &&Reading| {
                reading.metric == like.metric && reading.stat == like.stat && reading.scope == like.scope
            };
            let reading = digest.readings.iter().find(same);
            cut |= reading.is_some_and(|reading| reading.censored);
            match reading.and_then(|reading| reading.value).filter(|value| value.is_finite() && *value >= 0.0) {
                Some(value) => sample.values.push(value),
                None => sample.unobserved += 1,
            }
        }
        sample.median = bootstrap::median(&sample.values);
        sample
    };
    let (base, other) = (sample(base), sample(other));
    let threshold = quantity::threshold(&like.metric, like.stat, &like.unit, &terms.thresholds);
    Row {
        metric: like.metric.clone(),
        stat: like.stat,
        scope: like.scope.clone(),
        unit: like.unit.clone(),
        better: like.better,
        rule,
        base,
        other,
        ratio: None,
        interval: None,
        p: None,
        p_adjusted: None,
        threshold: (rule == Rule::Statistics).then_some(threshold),
        outcome: Outcome::Undecided,
        repeats_needed: None,
        note: cut.then(|| "some values were cut short: they are at least so great".to_owned()),
    }
}
