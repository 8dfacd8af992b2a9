//! The verdict on each trial. Trials are judged together: whether a server took in too little or the publishers sent too
//! little is told by what storing took when there was less to store.

use crate::analysis::{DRAIN_CUT, READ_TOO_SLOWLY, STARVED};
use crate::model::report::RunState;
use crate::model::search::{Course, Purpose, Seen, Terms, Trial, Verdict};

/// Storing takes more than so many times what it took at the least rate: the server is what is waited for.
const SERVICE_ROSE: f64 = 2.0;

/// Less than this share of what was offered is missing by chance.
const SHORT: f64 = 0.02;

/// One trial as it was made, before it is judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Tried {
    /// Folder of its run, relative to the search.
    pub path: String,
    /// What it was for.
    pub purpose: Purpose,
    /// The rate that was offered.
    pub rate_per_s: f64,
    /// What was seen of it.
    pub seen: Seen,
}

/// All trials with their verdicts.
#[must_use]
pub fn judged(terms: &Terms, tried: &[Tried]) -> Vec<Trial> {
    let base = base_service(terms, tried);
    let trial = |(number, tried): (u32, &Tried)| {
        let (verdict, reasons) = verdict(terms, tried, base);
        Trial {
            number,
            path: tried.path.clone(),
            purpose: tried.purpose,
            rate_per_s: tried.rate_per_s,
            verdict,
            reasons,
            seen: tried.seen.clone(),
        }
    };
    (1..).zip(tried).map(trial).collect()
}

/// What storing took at the least rate that was stored as it was to be offered.
fn base_service(terms: &Terms, tried: &[Tried]) -> Option<f64> {
    let stored = tried.iter().filter(|tried| !is_short(terms, tried));
    let least = stored.min_by(|one, two| one.rate_per_s.total_cmp(&two.rate_per_s))?;
    least.seen.publish_service_ms_p50
}

/// Whether less was stored than was to be offered. The schedule is the yardstick, not what was sent of it: what
/// publishers did not get to before the load ended was never sent.
fn is_short(terms: &Terms, tried: &Tried) -> bool {
    let Some(stored) = tried.seen.stored_per_s else { return false };
    let chance = 3.0 / (tried.rate_per_s * terms.measure_s).max(1.0).sqrt();
    stored < tried.rate_per_s * (1.0 - SHORT.max(chance))
}

fn verdict(terms: &Terms, tried: &Tried, base: Option<f64>) -> (Verdict, Vec<String>) {
    let seen = &tried.seen;
    let other: Vec<String> = seen.state_reasons.iter().filter(|reason| !is_told_by_load(reason)).cloned().collect();
    match seen.state {
        RunState::Interrupted => return (Verdict::Interrupted, seen.state_reasons.clone()),
        RunState::Violated => return (Verdict::Violated, seen.state_reasons.clone()),
        RunState::Invalid if !other.is_empty() => return (Verdict::Invalid, other),
        RunState::Invalid | RunState::Complete => {}
    }
    if let Some(lost) = seen.lost.filter(|lost| *lost > 0) {
        return (Verdict::Violated, vec![format!("{lost} stored messages were lost")]);
    }
    let behind = fell_behind(seen);
    if !behind.is_empty() {
        return (Verdict::Behind, behind);
    }
    if let Some(lag) = seen.schedule_lag_ms_p99.filter(|lag| *lag > terms.schedule_lag_ms_p99_max) {
        let most = terms.schedule_lag_ms_p99_max;
        return (
            Verdict::Generator,
            vec![format!("the publishers were late: schedule_lag p99 {lag:.0} ms, limit {most:.0} ms")],
        );
    }
    let p99 = seen.end_to_end_ms_p99;
    let late = p99.filter(|p99| *p99 > terms.end_to_end_ms_p99_max);
    let rose = seen.lateness_ms.filter(|lateness| lateness.grew());
    let held = seen.blocked_ms_p99.zip(p99).is_some_and(|(blocked, p99)| blocked > p99 / 2.0);
    if is_short(terms, tried) || held && (late.is_some() || rose.is_some()) {
        return held_back(tried, base);
    }
    if let Some(course) = rose {
        return (
            Verdict::Behind,
            vec![format!("messages got later and later: p99 by the second {}", told(course, "ms"))],
        );
    }
    if let Some(p99) = late {
        let most = terms.end_to_end_ms_p99_max;
        return (Verdict::Late, vec![format!("end_to_end p99 {p99:.0} ms, limit {most:.0} ms")]);
    }
    if p99.is_none() {
        return (Verdict::Invalid, vec!["no message was handled in the measure phase".to_owned()]);
    }
    if seen.backlog.is_none() {
        let why = "the measure phase is too short to see whether a backlog grows: give run.measure a second or more";
        return (Verdict::Invalid, vec![why.to_owned()]);
    }
    // What makes a run invalid and was not found again in its figures is no reason to trust it.
    if seen.state == RunState::Invalid {
        return (Verdict::Invalid, seen.state_reasons.clone());
    }
    (Verdict::Sustained, Vec::new())
}

/// What makes a run invalid and is, to a search, an answer: too much was offered.
fn is_told_by_load(reason: &str) -> bool {
    [STARVED, DRAIN_CUT].iter().any(|told| reason.starts_with(told)) || reason.contains(READ_TOO_SLOWLY)
}

/// In what the members fell behind what was stored.
fn fell_behind(seen: &Seen) -> Vec<String> {
    let mut reasons = Vec::new();
    if let Some(course) = seen.backlog.filter(|backlog| backlog.grew()) {
        reasons.push(format!("the backlog grew: {}", told(course, "messages")));
    }
    if seen.waiting > 0 {
        reasons.push(format!("{} stored messages still waited when the drain was cut", seen.waiting));
    }
    if seen.slow_consumers > 0 {
        reasons.push(format!("{} members read too slowly: their clients dropped messages", seen.slow_consumers));
    }
    reasons
}

/// Publishing did not keep up, and nothing was left lying: the server's storing was the limit, or the publishers were.
fn held_back(tried: &Tried, base: Option<f64>) -> (Verdict, Vec<String>) {
    let (seen, rate) = (&tried.seen, tried.rate_per_s);
    let what = format!("{:.0} msg/s were stored of {rate} that were due", seen.stored_per_s.unwrap_or(0.0));
    match (seen.publish_service_ms_p50, base) {
        (Some(service), Some(base)) if service > base * SERVICE_ROSE => (
            Verdict::Behind,
            vec![format!(
                "the server could not store what was offered: {what}, and storing took {service:.2} ms instead of {base:.2} ms (p50)"
            )],
        ),
        _ => (Verdict::Generator, vec![format!("the publishers could not send what was to be offered: {what}")]),
    }
}

fn told(course: Course, unit: &str) -> String {
    format!("{:.0} → {:.0} {unit}, chance explains {:.0}", course.first, course.last, course.chance)
}
