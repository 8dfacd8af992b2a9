//! Trials are judged by what was seen of them.

use super::judgement::{Tried, judged};
use super::step::End;
use super::{About, document, seen};
use crate::model::promise::Promises;
use crate::model::report::RunState;
use crate::model::report::{BacklogPoint, LatencyPoint, PhaseSpan};
use crate::model::search::{Course, Outcome, Purpose, Seen, Terms, Trial, Verdict};
use crate::model::story::Phase;
use crate::{analysis, metric};

pub(super) fn terms() -> Terms {
    Terms {
        end_to_end_ms_p99_max: 1_000.0,
        schedule_lag_ms_p99_max: 50.0,
        tolerance: 0.05,
        first_per_s: 1_000.0,
        least_per_s: 10.0,
        most_per_s: 1_000_000.0,
        agree: 2,
        trials_max: 60,
        within_s: 3_600.0,
        measure_s: 10.0,
        trial_s: 13.0,
    }
}

/// A trial at `rate` that was sustained.
fn good(rate: f64) -> Seen {
    Seen {
        state: RunState::Complete,
        state_reasons: Vec::new(),
        took_s: 15.0,
        offered: (rate * 10.0) as u64,
        offered_per_s: Some(rate),
        stored_per_s: Some(rate * 0.999),
        handled_per_s: Some(rate),
        ordered_per_s: Some(rate),
        end_to_end_ms_p50: Some(3.0),
        end_to_end_ms_p99: Some(20.0),
        end_to_end_ms_max: Some(60.0),
        publish_service_ms_p50: Some(0.3),
        schedule_lag_ms_p99: Some(0.1),
        blocked_ms_p99: Some(0.0),
        lost: Some(0),
        waiting: 0,
        order_violations: 0,
        slow_consumers: 0,
        backlog: Some(Course { first: 10.0, last: 20.0, chance: 150.0 }),
        lateness_ms: Some(Course { first: 20.0, last: 30.0, chance: 200.0 }),
    }
}

pub(super) fn trial(rate_per_s: f64, purpose: Purpose, verdict: Verdict) -> Trial {
    Trial { number: 1, path: String::new(), purpose, rate_per_s, verdict, reasons: Vec::new(), seen: good(rate_per_s) }
}

fn tried(rate_per_s: f64, seen: Seen) -> Tried {
    Tried { path: format!("trial-{rate_per_s}"), purpose: Purpose::Bracket, rate_per_s, seen }
}

/// The verdict on a trial at 4000/s, beside a good one at 1000/s.
fn verdict(change: impl FnOnce(&mut Seen)) -> (Verdict, Vec<String>) {
    let mut seen = good(4_000.0);
    change(&mut seen);
    let trials = judged(&terms(), &[tried(1_000.0, good(1_000.0)), tried(4_000.0, seen)]);
    assert_eq!(trials[0].verdict, Verdict::Sustained);
    (trials[1].verdict, trials[1].reasons.clone())
}

#[test]
fn each_trial_gets_the_verdict_that_its_evidence_asks_for() {
    let grown = Course { first: 10.0, last: 900.0, chance: 150.0 };
    let late = Course { first: 20.0, last: 700.0, chance: 200.0 };
    let short = move |seen: &mut Seen| {
        seen.stored_per_s = Some(3_000.0);
        seen.blocked_ms_p99 = Some(2_400.0);
        seen.end_to_end_ms_p99 = Some(2_500.0);
        seen.lateness_ms = Some(late);
    };
    let invalid = |reason: &str| {
        let reason = reason.to_owned();
        move |seen: &mut Seen| {
            seen.state = RunState::Invalid;
            seen.state_reasons = vec![reason];
        }
    };
    type Change = Box<dyn FnOnce(&mut Seen)>;
    let cases: Vec<(&str, Change, Verdict)> = vec![
        ("nothing is wrong", Box::new(|_| {}), Verdict::Sustained),
        ("the backlog grew", Box::new(move |seen| seen.backlog = Some(grown)), Verdict::Behind),
        ("one member fell behind", Box::new(move |seen| seen.lateness_ms = Some(late)), Verdict::Behind),
        ("too late", Box::new(|seen| seen.end_to_end_ms_p99 = Some(1_001.0)), Verdict::Late),
        ("lost", Box::new(|seen| seen.lost = Some(1)), Verdict::Violated),
        ("a promise was broken", Box::new(|seen| seen.state = RunState::Violated), Verdict::Violated),
        ("stopped", Box::new(|seen| seen.state = RunState::Interrupted), Verdict::Interrupted),
        ("nothing was seen", Box::new(|seen| seen.end_to_end_ms_p99 = None), Verdict::Invalid),
        ("too short to see a backlog grow", Box::new(|seen| seen.backlog = None), Verdict::Invalid),
        ("a death", Box::new(invalid("c1.1 died unasked by signal 9")), Verdict::Invalid),
        (
            "the generator was starved",
            Box::new(move |seen| {
                invalid("the load generator was starved: schedule lag p99 80 ms is above the limit of 50 ms")(seen);
                seen.schedule_lag_ms_p99 = Some(80.0);
            }),
            Verdict::Generator,
        ),
        (
            "a starved generator does not excuse a backlog",
            Box::new(move |seen| {
                seen.schedule_lag_ms_p99 = Some(80.0);
                seen.backlog = Some(grown);
            }),
            Verdict::Behind,
        ),
        (
            "the drain was cut",
            Box::new(move |seen| {
                invalid("the drain was too short: 9 stored messages still waited when it ended")(seen);
                seen.waiting = 9;
            }),
            Verdict::Behind,
        ),
        (
            "a member read too slowly",
            Box::new(move |seen| {
                invalid("c1.1 read too slowly: its client dropped messages 3 ×")(seen);
                seen.slow_consumers = 1;
            }),
            Verdict::Behind,
        ),
        (
            "what was never sent was due all the same",
            Box::new(|seen| {
                seen.offered_per_s = Some(3_000.0);
                seen.stored_per_s = Some(3_000.0);
            }),
            Verdict::Generator,
        ),
        ("one message at a time is not fast enough", Box::new(short), Verdict::Generator),
        (
            "the server is not fast enough",
            Box::new(move |seen| {
                short(seen);
                seen.publish_service_ms_p50 = Some(8.0);
            }),
            Verdict::Behind,
        ),
        (
            "the publishers were blocked, though all was stored in the end",
            Box::new(move |seen| {
                short(seen);
                seen.stored_per_s = Some(3_999.0);
            }),
            Verdict::Generator,
        ),
    ];
    for (what, change, expected) in cases {
        let (found, reasons) = verdict(change);
        assert_eq!(found, expected, "{what}: {reasons:?}");
        assert!(reasons.iter().all(|reason| !reason.is_empty()));
    }
}

#[test]
fn a_first_trial_that_is_not_stored_as_offered_is_charged_to_the_generator_until_more_is_known() {
    let mut seen = good(4_000.0);
    seen.stored_per_s = Some(3_000.0);
    seen.publish_service_ms_p50 = Some(8.0);
    let fast = tried(4_000.0, seen);
    assert_eq!(judged(&terms(), std::slice::from_ref(&fast))[0].verdict, Verdict::Generator);
    assert_eq!(judged(&terms(), &[fast, tried(2_000.0, good(2_000.0))])[0].verdict, Verdict::Behind);
}

#[test]
fn the_document_tells_the_answer_first_and_comes_back_as_it_went() {
    let about = About {
        profile: "mine".to_owned(),
        question: "How fast?".to_owned(),
        variant: None,
        strategy: "shared-pull".to_owned(),
        promises: Promises { at_least_once: true, ..Promises::default() },
        lanes: 4,
        faults: 1,
        origin: None,
    };
    let at = |rate, verdict| trial(rate, Purpose::Confirm, verdict);
    let trials = [
        at(1_000.0, Verdict::Sustained),
        at(1_000.0, Verdict::Sustained),
        at(1_040.0, Verdict::Behind),
        at(1_040.0, Verdict::Behind),
    ];
    let end = End { outcome: Outcome::Found, answer: Some(1_000.0) };
    let told = document(&about, &terms(), &trials, Some(end));
    assert!(told.findings[0] == "1000 msg/s are sustained, 1040 are not.");
    assert!(told.findings.iter().any(|finding| finding.contains("promises no order")));
    assert_eq!(told.readings[0].metric, "sustainable_ordered_per_s");
    assert_eq!(told.remedy, None);
    let text = serde_json::to_string(&told).expect("it is data");
    assert_eq!(serde_json::from_str::<crate::model::search::Search>(&text).expect("it comes back"), told);
    // What is at least so much is no reading.
    let bound = End { outcome: Outcome::AtBound, ..end };
    assert!(document(&about, &terms(), &trials, Some(bound)).readings.is_empty());
}

#[test]
fn what_is_seen_of_a_run_is_that_of_its_measure_phase() {
    let mut report = metric::report(&analysis::planted::killed());
    report.run.rate_per_s = Some(900.0);
    report.run.phases = vec![
        PhaseSpan { phase: Phase::WarmUp, from_ms: 0.0, to_ms: 2_000.0 },
        PhaseSpan { phase: Phase::Measure, from_ms: 2_000.0, to_ms: 8_000.0 },
        PhaseSpan { phase: Phase::Drain, from_ms: 8_000.0, to_ms: 20_000.0 },
    ];
    // It grows in the measure phase, and both around it are another matter.
    let level = |at_ms: f64| if (2_000.0..8_000.0).contains(&at_ms) { (at_ms - 2_000.0) as u64 } else { 99_999 };
    let at = |step: u32, width: f64| f64::from(step) * width;
    report.figures.backlog =
        (0..200).map(|step| BacklogPoint { at_ms: at(step, 100.0), messages: level(at(step, 100.0)) }).collect();
    report.figures.latency = (0..20)
        .map(|second| LatencyPoint { at_ms: at(second, 1e3), n: 900, p99_ms: at(second, 1.0), ..Default::default() })
        .collect();
    let of = |lanes| seen(&report, lanes, 21.0);
    let (backlog, lateness) = (of(4).backlog.expect("points"), of(4).lateness_ms.expect("points"));
    assert_eq!((backlog.first, backlog.last, backlog.chance), (950.0, 4_950.0, 2.0 * (900.0f64 * 4.0).sqrt()));
    assert!(backlog.grew());
    assert_eq!((lateness.first, lateness.last), (2.5, 6.5));
    assert!(!lateness.grew() && of(16).lateness_ms.expect("points").chance > lateness.chance);
    let told = metric_of(&report, "unhandled") - metric_of(&report, "lost");
    assert_eq!((of(4).state, of(4).took_s, of(4).waiting), (report.state, 21.0, told));
    // A run without a measure phase shows no course.
    report.run.phases.clear();
    assert_eq!(seen(&report, 4, 21.0).backlog, None);
}

fn metric_of(report: &crate::model::report::Report, id: &str) -> u64 {
    let it = report.readings.iter().find(|it| it.metric == id && it.scope == crate::model::reading::Scope::Run);
    it.and_then(|it| it.value).map_or(0, |value| value as u64)
}

#[test]
fn an_invalid_run_is_never_called_sustained() {
    let mut seen = good(1_000.0);
    seen.state = RunState::Invalid;
    // A reason that is an answer to a search, of which nothing is left in the figures.
    seen.state_reasons = vec![format!("{}: for a reason of its own", analysis::STARVED)];
    assert_eq!(judged(&terms(), &[tried(1_000.0, seen)])[0].verdict, Verdict::Invalid);
}
