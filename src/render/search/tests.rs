//! A search in every format for people, from a planted one.

use super::{ALL, parse};
use crate::model::promise::Promises;
use crate::model::report::RunState;
use crate::model::search::{Answer, Bracket, Course, Outcome, Purpose, SCHEMA, Search, Seen, Terms, Trial, Verdict};

fn trial(number: u32, rate_per_s: f64, verdict: Verdict, reason: &str) -> Trial {
    let slow = if verdict == Verdict::Sustained { 1.0 } else { 100.0 };
    let seen = Seen {
        state: RunState::Complete,
        state_reasons: Vec::new(),
        took_s: 14.2,
        offered: (rate_per_s * 10.0) as u64,
        offered_per_s: Some(rate_per_s),
        stored_per_s: Some(rate_per_s - 1.0),
        handled_per_s: Some(rate_per_s - 2.0),
        ordered_per_s: Some(rate_per_s - 2.0),
        end_to_end_ms_p50: Some(2.7 * slow),
        end_to_end_ms_p99: Some(37.9 * slow),
        end_to_end_ms_max: Some(85.0 * slow),
        publish_service_ms_p50: Some(0.3),
        schedule_lag_ms_p99: Some(0.2),
        blocked_ms_p99: Some(0.0),
        lost: Some(0),
        waiting: 0,
        order_violations: 0,
        slow_consumers: 0,
        backlog: Some(Course { first: 10.0, last: 12.0, chance: 150.0 }),
        lateness_ms: None,
    };
    let reasons = if reason.is_empty() { Vec::new() } else { vec![reason.to_owned()] };
    let path = format!("trial-{number:02}-{rate_per_s}");
    Trial { number, path, purpose: Purpose::Bracket, rate_per_s, verdict, reasons, seen }
}

fn found() -> Search {
    Search {
        schema: SCHEMA.to_owned(),
        profile: "mine".to_owned(),
        question: "Which rate is sustained, and is 1 < 2?".to_owned(),
        variant: Some("safe".to_owned()),
        strategy: "lease-group".to_owned(),
        promises: Promises { at_least_once: true, order_per_key: true, exclusive: true, owners: true, fenced: false },
        outcome: Some(Outcome::Found),
        findings: vec![
            "1900 msg/s are sustained in order, 2000 are not.".to_owned(),
            "1900 msg/s: sustained in 2 of 2 trials.".to_owned(),
        ],
        remedy: None,
        answer: Some(Answer {
            rate_per_s: 1_900.0,
            sustained: 2,
            of: 2,
            ordered_per_s: Some(1_898.0),
            end_to_end_ms_p50: Some(2.7),
            end_to_end_ms_p99: Some(37.9),
        }),
        bracket: Bracket { low_per_s: Some(1_900.0), high_per_s: Some(2_000.0) },
        terms: Terms {
            end_to_end_ms_p99_max: 1_000.0,
            schedule_lag_ms_p99_max: 50.0,
            tolerance: 0.05,
            first_per_s: 1_000.0,
            least_per_s: 10.0,
            most_per_s: 1_000_000.0,
            agree: 2,
            trials_max: 40,
            within_s: 1_800.0,
            measure_s: 10.0,
            trial_s: 12.0,
        },
        readings: Vec::new(),
        origin: None,
        trials: vec![
            trial(1, 1_000.0, Verdict::Sustained, ""),
            trial(2, 2_000.0, Verdict::Behind, "the backlog grew: 10 → 900 messages, chance explains 150"),
            trial(3, 1_900.0, Verdict::Sustained, ""),
            trial(4, 1_900.0, Verdict::Sustained, ""),
            trial(5, 2_000.0, Verdict::Late, "end_to_end p99 3790 ms, limit 1000 ms"),
        ],
    }
}

fn rendered(name: &str, search: &Search) -> String {
    ALL.iter().find(|format| format.name == name).expect("it is a format").render(search)
}

#[test]
fn people_get_the_answer_first_and_every_trial() {
    insta::assert_snapshot!("text", rendered("text", &found()));
    insta::assert_snapshot!("markdown", rendered("markdown", &found()));
}

#[test]
fn the_page_has_both_pictures_and_a_way_to_every_trial() {
    let page = rendered("html", &found());
    for part in ["id=\"knee\"", "id=\"achieved\"", "href=\"trial-03-1900/report.html\"", "1 &#60; 2"] {
        assert!(page.contains(part), "{part} is missing");
    }
    // A trial far beyond the knee makes the axis logarithmic, and nothing that is no number breaks the page.
    let mut far = found();
    far.trials.push(trial(6, 200_000.0, Verdict::Generator, "the publishers could not send it"));
    far.trials.push(trial(7, f64::NAN, Verdict::Invalid, "no number"));
    assert!(rendered("html", &far).contains("logarithmic</text>"));
}

#[test]
fn a_search_without_trials_is_shown_in_every_format() {
    let empty = Search { trials: Vec::new(), outcome: None, answer: None, findings: Vec::new(), ..found() };
    for format in ALL {
        assert!(!format.render(&empty).is_empty());
    }
    assert_eq!(parse(&rendered("json", &found())).expect("it is a search"), found());
    assert!(parse("{\"schema\":\"jetlag.search/2\"}").expect_err("it is newer").to_string().contains("newer"));
}
