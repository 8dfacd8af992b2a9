//! The document of a search, and what it says in sentences.

use super::SUSTAINABLE;
use super::course::{between_thirds_s, chance_messages, median};
use super::standing::{Standing, standings};
use super::step::{End, bracket, elapsed_s};
use crate::model::comparison::Origin;
use crate::model::promise::Promises;
use crate::model::reading::{Reading, Scope, Stat};
use crate::model::search::{Answer, Outcome, SCHEMA, Search, Seen, Terms, Trial, Verdict};

/// What is searched.
#[derive(Clone, Debug, PartialEq)]
pub struct About {
    /// The profile.
    pub profile: String,
    /// The question that it answers as a run.
    pub question: String,
    /// Variant of the profile, when it has variants.
    pub variant: Option<String>,
    /// Strategy.
    pub strategy: String,
    /// What it promises.
    pub promises: Promises,
    /// In how many lanes messages are handled beside each other.
    pub lanes: u16,
    /// Faults that strike in each trial.
    pub faults: usize,
    /// Where the figures come from.
    pub origin: Option<Origin>,
}

/// The document; `end` is none while the search goes on.
#[must_use]
pub fn document(about: &About, terms: &Terms, trials: &[Trial], end: Option<End>) -> Search {
    let standings = standings(trials);
    let answer = end.and_then(|end| end.answer).map(|rate| answer(rate, &standings, trials));
    let outcome = end.map(|end| end.outcome);
    Search {
        schema: SCHEMA.to_owned(),
        profile: about.profile.clone(),
        question: about.question.clone(),
        variant: about.variant.clone(),
        strategy: about.strategy.clone(),
        promises: about.promises,
        outcome,
        findings: findings(about, terms, trials, &standings, outcome, answer),
        remedy: outcome.and_then(|outcome| remedy(outcome, trials)),
        answer,
        bracket: bracket(&standings),
        terms: *terms,
        readings: reading(outcome, answer).into_iter().collect(),
        origin: about.origin.clone(),
        trials: trials.to_vec(),
    }
}

fn answer(rate_per_s: f64, standings: &[Standing], trials: &[Trial]) -> Answer {
    let at = standings.iter().find(|it| it.rate_per_s.total_cmp(&rate_per_s).is_eq());
    let (sustained, of) = at.map_or((0, 0), |it| (it.sustained, it.sustained + it.failed));
    let of_all = |figure: fn(&Seen) -> Option<f64>| {
        let good =
            trials.iter().filter(|it| it.verdict == Verdict::Sustained && it.rate_per_s.total_cmp(&rate_per_s).is_eq());
        let mut values: Vec<f64> = good.filter_map(|it| figure(&it.seen)).collect();
        (!values.is_empty()).then(|| median(&mut values))
    };
    Answer {
        rate_per_s,
        sustained,
        of,
        ordered_per_s: of_all(|seen| seen.ordered_per_s),
        end_to_end_ms_p50: of_all(|seen| seen.end_to_end_ms_p50),
        end_to_end_ms_p99: of_all(|seen| seen.end_to_end_ms_p99),
    }
}

/// Only what was found is a reading; "at least so much" is none.
fn reading(outcome: Option<Outcome>, answer: Option<Answer>) -> Option<Reading> {
    let answer = answer.filter(|_| outcome == Some(Outcome::Found))?;
    Some(Reading {
        metric: SUSTAINABLE.id.to_owned(),
        stat: Stat::Value,
        value: Some(answer.rate_per_s),
        unit: SUSTAINABLE.unit.to_owned(),
        better: SUSTAINABLE.better,
        scope: Scope::Run,
        n: answer.sustained.into(),
        censored: false,
        histogram: None,
    })
}

fn findings(
    about: &About,
    terms: &Terms,
    trials: &[Trial],
    standings: &[Standing],
    outcome: Option<Outcome>,
    answer: Option<Answer>,
) -> Vec<String> {
    let mut findings = Vec::new();
    let order = if about.promises.order_per_key { " in order" } else { "" };
    let high = bracket(standings).high_per_s;
    let least = answer.map(|answer| format!("at least {} msg/s are sustained{order}", answer.rate_per_s));
    match (outcome, answer, high) {
        (None, ..) => findings.push(so_far(standings)),
        (Some(Outcome::Found), Some(answer), Some(high)) => {
            findings.push(format!("{} msg/s are sustained{order}, {high} are not.", answer.rate_per_s));
        }
        (Some(Outcome::AtBound), Some(answer), _) => findings
            .push(format!("{} msg/s are sustained{order}, the greatest rate that was to be tried.", answer.rate_per_s)),
        (Some(Outcome::NotSustained), _, Some(high)) => {
            findings.push(format!("Not even {high} msg/s are sustained, the least rate that was to be tried."));
        }
        (Some(Outcome::Generator), _, Some(high)) => {
            let known = least.unwrap_or_else(|| "no rate is known to be sustained".to_owned());
            findings.push(format!("{}; from {high} on the load generator was the limit.", capital(&known)));
        }
        (Some(outcome), ..) => {
            let known = least.unwrap_or_else(|| "no rate is confirmed to be sustained".to_owned());
            let stopped = match outcome {
                Outcome::Interrupted => "Interrupted",
                Outcome::Unfinished => "Time or trials ran out",
                _ => "No answer",
            };
            let high = high.map_or_else(String::new, |high| format!(", {high} are not"));
            findings.push(format!("{stopped}: {known}{high}."));
        }
    }
    if let Some(answer) = answer {
        findings
            .push(format!("{} msg/s: sustained in {} of {} trials.", answer.rate_per_s, answer.sustained, answer.of));
    }
    if let Some(high) = high.filter(|_| outcome.is_some())
        && let Some(why) = first_reason(high, trials)
    {
        findings.push(format!("{high} msg/s: {why}."));
    }
    let violations: u64 = trials.iter().map(|trial| trial.seen.order_violations).sum();
    if !about.promises.order_per_key {
        findings.push(format!(
            "{} promises no order, so this is a rate and no ordered one: order broke {violations} times in {} trials.",
            about.strategy,
            trials.len()
        ));
    }
    if about.faults > 0 {
        findings.push(format!(
            "In each trial {}: the rate is one that is sustained through {}.",
            faults(about.faults),
            if about.faults == 1 { "it" } else { "them" }
        ));
    }
    let invalid = trials.iter().filter(|trial| trial.verdict == Verdict::Invalid).count();
    if invalid > 0 {
        findings.push(format!("{invalid} of {} trials are no valid measurement and count for nothing.", trials.len()));
    }
    let shortest = answer.map(|answer| answer.rate_per_s).map(|rate| resolution(terms, about.lanes, rate));
    if let Some(share) = shortest.filter(|share| *share > terms.tolerance) {
        findings.push(format!(
            "A trial is so short that it sees an overload only from about {:.0} % on, which is coarser than the tolerance: measure longer (run.measure).",
            share * 100.0
        ));
    }
    findings.push(format!("{} trials in {:.0} s.", trials.len(), elapsed_s(trials)));
    findings
}

/// What is known of a search that has not ended, or never will.
fn so_far(standings: &[Standing]) -> String {
    let bracket = bracket(standings);
    match (bracket.low_per_s, bracket.high_per_s) {
        (None, None) => "No rate is known yet.".to_owned(),
        (Some(low), None) => format!("So far {low} msg/s held; nothing is confirmed."),
        (None, Some(high)) => format!("So far {high} msg/s did not hold; nothing is confirmed."),
        (Some(low), Some(high)) => format!("So far {low} msg/s held, {high} did not; nothing is confirmed."),
    }
}

fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn faults(number: usize) -> String {
    if number == 1 {
        "1 fault of the profile strikes".to_owned()
    } else {
        format!("{number} faults of the profile strike")
    }
}

/// From which share of overload on one lane is told from chance.
fn resolution(terms: &Terms, lanes: u16, rate_per_s: f64) -> f64 {
    let apart = between_thirds_s(terms.measure_s);
    let own = rate_per_s / f64::from(lanes.max(1));
    chance_messages(own, apart) / (own * apart).max(f64::MIN_POSITIVE)
}

/// Why a rate is not sustained, in the words of its first trial that was not.
fn first_reason(rate_per_s: f64, trials: &[Trial]) -> Option<&str> {
    let at = trials.iter().filter(|trial| trial.rate_per_s.total_cmp(&rate_per_s).is_eq());
    let says = at.filter(|trial| trial.verdict != Verdict::Invalid);
    says.flat_map(|trial| &trial.reasons).next().map(String::as_str)
}

fn remedy(outcome: Outcome, trials: &[Trial]) -> Option<String> {
    let remedy = match outcome {
        Outcome::Found => return None,
        Outcome::AtBound => "Raise search.most to look further.".to_owned(),
        Outcome::NotSustained => "Lower search.least, or allow a longer latency (search.end-to-end-p99).".to_owned(),
        Outcome::Generator => {
            "Give the generator more room: more load.publishers, publish = \"windowed\" with a larger load.window, \
             or a machine of its own for it; or stop below it with search.most."
                .to_owned()
        }
        Outcome::Unfinished => {
            "Give it more time (--within, search.trials), begin nearer (search.first), or ask for less (--tolerance)."
                .to_owned()
        }
        Outcome::Invalid => {
            let invalid = trials.iter().rev().find(|trial| trial.verdict == Verdict::Invalid);
            let why = invalid.and_then(|trial| trial.reasons.first())?;
            format!("Mend what makes its runs invalid: {why}.")
        }
        Outcome::Interrupted => return None,
    };
    Some(remedy)
}
