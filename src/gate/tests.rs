//! What holds for every gate.

use super::*;
use crate::contrast::Choice;
use crate::contrast::planted::group;
use crate::model::contrast::Comparable;
use crate::model::digest::Digest;
use crate::model::reading::Stat;
use proptest::prelude::*;

fn question(rules: &[(&str, &str)]) -> Question {
    let rules = rules.iter().map(|(subject, limit)| Rule::parse(subject, limit).expect("a rule")).collect();
    Question { rules, repeats_min: 6, repeats_max: 16, ..Question::default() }
}

fn empty(name: &str) -> Group {
    Group { name: name.to_owned(), source: name.to_owned(), runs: Vec::new() }
}

/// A course of both sides from its beginning to its end; `change` has the run's place among those of its side.
fn driven(question: &Question, factor: f64, change: impl Fn(Place, usize, &mut Digest)) -> (Course, Option<Gate>) {
    let (base, head) = (group("base", 60, 1.0), group("head", 60, factor));
    let mut course = Course::new(question.clone(), empty("head"), Some(empty("base")), true);
    let mut made = [0, 0];
    while let Next::Make(place) = course.next() {
        let (from, count) = match place {
            Place::Base => (&base, &mut made[0]),
            Place::Head => (&head, &mut made[1]),
        };
        let (name, mut digest) = from.runs[*count].clone();
        change(place, *count, &mut digest);
        *count += 1;
        course.add(place, name, digest).expect("they are alike");
        assert!(made[0] + made[1] < 100, "it comes to an end");
    }
    let gate = end(question, &course, Mode::SideBySide, false, "jetlag gate").expect("it can be judged");
    (course, gate)
}

fn verdict_of(gate: Option<Gate>) -> Verdict {
    gate.expect("there are runs of the head").verdict
}

fn set(digest: &mut Digest, metric: &str, value: f64) {
    for reading in digest.readings.iter_mut().filter(|reading| reading.metric == metric) {
        reading.value = Some(value);
    }
}

#[test]
fn the_same_against_itself_is_passed_at_the_first_look() {
    let (course, gate) = driven(&question(&[("lost", "= 0")]), 1.0, |_, _, _| {});
    let gate = gate.expect("there are runs");
    assert_eq!(gate.verdict, Verdict::Passed, "{:?}", gate.findings);
    assert_eq!((course.head.runs.len(), gate.base.expect("it was made").runs.len()), (6, 6));
    assert_eq!(gate.timing.expect("they were compared").looks.len(), 1);
}

#[test]
fn what_is_worse_is_found_at_the_first_look_and_better_is_passed() {
    let (course, gate) = driven(&question(&[]), 1.5, |_, _, _| {});
    let gate = gate.expect("there are runs");
    assert_eq!((gate.verdict, course.head.runs.len()), (Verdict::Failed, 6), "{:?}", gate.findings);
    assert!(gate.findings[0].starts_with("Worse than the base: end_to_end p50"), "{:?}", gate.findings);
    assert_eq!(verdict_of(driven(&question(&[]), 0.6, |_, _, _| {}).1), Verdict::Passed);
}

#[test]
fn a_broken_promise_ends_it_at_once() {
    let (course, gate) = driven(&question(&[]), 1.0, |place, run, digest| {
        if (place, run) == (Place::Head, 1) {
            digest.state = RunState::Violated;
            digest.state_reasons = vec!["order was broken".to_owned()];
        }
    });
    let gate = gate.expect("there are runs");
    assert_eq!((gate.verdict, course.head.runs.len()), (Verdict::Failed, 2));
    assert!(gate.findings[0].contains("broke a promise: order was broken"), "{:?}", gate.findings);
}

#[test]
fn a_count_that_rises_ends_it_at_once_whatever_the_run_calls_itself() {
    let (course, gate) = driven(&question(&[]), 1.0, |place, run, digest| {
        if (place, run) == (Place::Head, 0) {
            set(digest, "order_violations", 1.0);
        }
    });
    assert_eq!((verdict_of(gate), course.head.runs.len()), (Verdict::Failed, 1));
}

#[test]
fn a_broken_rule_on_counts_ends_it_at_once_and_one_on_timing_does_not() {
    let rules = [("lost", "= 0"), ("end_to_end.p99", "< 30ms")];
    let (course, gate) = driven(&question(&rules), 1.0, |place, run, digest| {
        if (place, run) == (Place::Head, 3) {
            set(digest, "lost", 2.0);
            digest.promises = crate::model::promise::Promises::default();
        }
    });
    let gate = gate.expect("there are runs");
    assert_eq!((gate.verdict, course.head.runs.len()), (Verdict::Failed, 4));
    assert!(gate.findings[0].starts_with("Rule lost = 0: 3 of 4 repeats keep it"), "{:?}", gate.findings);
    let (_, gate) = driven(&question(&rules), 1.0, |place, run, digest| {
        if (place, run) == (Place::Head, 3) {
            set(digest, "end_to_end", 90.0);
        }
    });
    let gate = gate.expect("there are runs");
    let rule = &gate.rules[1];
    assert_eq!((rule.over, rule.outcome), (Over::Median, RuleOutcome::Held), "{:?}", gate.findings);
    assert!((rule.kept_by as usize) < rule.values.len());
}

#[test]
fn runs_that_cannot_be_trusted_are_made_again_and_not_for_ever() {
    let (course, gate) = driven(&question(&[]), 1.0, |place, run, digest| {
        if place == Place::Head && run % 3 == 1 {
            digest.state = RunState::Invalid;
        }
    });
    assert_eq!((verdict_of(gate), course.head.runs.len()), (Verdict::Passed, 9));
    let (course, gate) = driven(&question(&[]), 1.0, |place, _, digest| {
        if place == Place::Head {
            digest.state = RunState::Invalid;
        }
    });
    assert_eq!((verdict_of(gate), course.head.runs.len()), (Verdict::Undecided, course.spares() + 1));
}

#[test]
fn a_base_that_breaks_its_promises_says_nothing_of_timing() {
    let (_, gate) = driven(&question(&[]), 1.0, |place, _, digest| {
        if place == Place::Base {
            digest.state = RunState::Violated;
        }
    });
    assert_eq!(gate, None, "the head's turn never came");
}

#[test]
fn what_nobody_asked_to_vary_ends_it_and_what_only_one_program_knows_does_not() {
    let question = question(&[]);
    let change = |place: Place, _, digest: &mut Digest| {
        if place == Place::Head {
            digest.settings["load"]["new-key"] = "new".into();
        }
    };
    let (course, gate) = driven(&question, 1.0, change);
    assert_eq!((verdict_of(gate), course.head.runs.len()), (Verdict::Incomparable, 1));
    let mut course = Course::new(question.clone(), empty("head"), Some(empty("base")), true);
    course.lets_programs_differ(true);
    for (place, name) in [(Place::Base, "base"), (Place::Head, "head")] {
        let (run, mut digest) = group(name, 1, 1.0).runs.remove(0);
        change(place, 0, &mut digest);
        course.add(place, run, digest).expect("they can be compared");
    }
    assert_eq!(course.next(), Next::Make(Place::Head), "A B B A");
    let gate = end(&question, &course, Mode::SideBySide, true, "").expect("it is judged").expect("there is a run");
    assert_eq!(gate.verdict, Verdict::Interrupted);
    assert_eq!(gate.timing.expect("both have a run").comparable, Comparable::Yes);
}

#[test]
fn what_is_undecided_is_passed_and_said_or_keeps_the_gate_shut() {
    let noisy = |_, run: usize, digest: &mut Digest| {
        set(digest, "gap", 1_000.0 + 900.0 * f64::from(u32::try_from(run * 7 % 5).expect("small")));
    };
    let mut question = question(&[]);
    let (course, gate) = driven(&question, 1.0, noisy);
    let gate = gate.expect("there are runs");
    assert_eq!((gate.verdict, course.head.runs.len()), (Verdict::Passed, 16));
    assert!(gate.findings[0].starts_with("Not decided whether it is worse: gap max after kill; that passes."));
    let timing = gate.timing.expect("they were compared");
    assert_eq!(timing.looks.len(), 6);
    assert!((timing.looks.iter().map(|look| look.risk).sum::<f64>() - RISK).abs() < 1e-12);
    question.undecided_fails = true;
    assert_eq!(verdict_of(driven(&question, 1.0, noisy).1), Verdict::Undecided);
}

#[test]
fn rules_alone_are_measured_until_the_repeats_agree_or_most_of_them_do() {
    let question = Question { repeats_min: 3, repeats_max: 9, ..question(&[("end_to_end.p50", "< 4ms")]) };
    let made = |slow: &dyn Fn(usize) -> bool| {
        let mut course = Course::new(question.clone(), empty("head"), None, false);
        for (run, (name, mut digest)) in group("head", 20, 1.0).runs.into_iter().enumerate() {
            if course.next() == Next::End {
                break;
            }
            if slow(run) {
                set(&mut digest, "end_to_end", 9.0);
            }
            course.add(Place::Head, name, digest).expect("nothing to compare");
        }
        let gate = end(&question, &course, Mode::Measured, false, "").expect("it is judged").expect("there are runs");
        (course.head.runs.len(), gate.verdict)
    };
    assert_eq!(made(&|_| false), (3, Verdict::Passed));
    assert_eq!(made(&|_| true), (3, Verdict::Failed));
    assert_eq!(made(&|run| run == 0), (7, Verdict::Passed));
    assert_eq!(made(&|run| run % 2 == 0), (9, Verdict::Failed));
}

#[test]
fn what_is_worse_than_a_baseline_fails_when_the_baseline_has_fewer_repeats_than_the_head() {
    let named = Terms { choice: Choice::Named(vec![("gap".to_owned(), Some(Stat::Max))]), ..Terms::default() };
    let question = Question { terms: named, ..question(&[]) };
    for repeats in [4, 5] {
        let mut course = Course::new(question.clone(), empty("head"), Some(group("base", repeats, 1.0)), false);
        for (name, digest) in group("head", 20, 1.5).runs {
            if course.next() == Next::End {
                break;
            }
            course.add(Place::Head, name, digest).expect("they are alike");
        }
        let gate = end(&question, &course, Mode::Measured, false, "").expect("it is judged").expect("there are runs");
        assert_eq!((gate.verdict, gate.head.runs.len()), (Verdict::Failed, 6), "{repeats}: {:?}", gate.findings);
    }
}

#[test]
fn a_median_of_few_is_not_judged_and_a_broken_count_is_broken_even_when_it_is_stopped() {
    let question = question(&[("gap.max@kill", "< 1ms"), ("lost", "= 0")]);
    let mut head = group("head", 6, 1.0);
    for (_, digest) in &mut head.runs[..4] {
        digest.readings.retain(|reading| reading.metric != "gap");
    }
    let gate = judge(&question, &head, None, "").expect("it can be judged").expect("there are runs");
    assert_eq!((gate.rules[0].outcome, gate.verdict), (RuleOutcome::Unobserved, Verdict::Undecided));
    set(&mut head.runs[0].1, "lost", 1.0);
    for interrupted in [false, true] {
        let case = Case { mode: Mode::Measured, head: &head, base: None, timing: None, interrupted };
        assert_eq!(conclude(&question, case, "").map(|gate| gate.verdict), Some(Verdict::Failed));
    }
}

#[test]
fn runs_that_were_there_are_judged_as_they_are() {
    let rules = [("gap.max", "< 3s"), ("gap.max@pause", "< 3s")];
    let question = |rules: &[(&str, &str)]| question(rules);
    let judged = |question: &Question, head: &Group, base: Option<&Group>| {
        judge(question, head, base, "").expect("it can be judged").expect("there are runs").verdict
    };
    let (base, head) = (group("base", 6, 1.0), group("head", 6, 1.0));
    assert_eq!(judged(&question(&rules[..1]), &head, Some(&base)), Verdict::Passed);
    assert_eq!(judged(&question(&rules[..1]), &head, None), Verdict::Passed);
    assert_eq!(judged(&question(&rules), &head, None), Verdict::Undecided, "nobody was paused");
    assert_eq!(judged(&question(&[("gap.max@kill", "< 1s")]), &head, None), Verdict::Failed);
    assert_eq!(judged(&question(&[]), &group("head", 6, 1.5), Some(&base)), Verdict::Failed);
    let mut doubtful = head.clone();
    doubtful.runs[2].1.state = RunState::Invalid;
    assert_eq!(judged(&question(&[]), &doubtful, None), Verdict::Undecided);
    let mut other = head.clone();
    other.runs.iter_mut().for_each(|(_, digest)| digest.environment.cpu = "abacus".to_owned());
    assert_eq!(judged(&question(&[]), &other, Some(&base)), Verdict::Incomparable);
    assert!(judge(&question(&[]), &base, Some(&base), "").is_err(), "against itself, run by run");
    let named = Terms { choice: Choice::Named(vec![("gap".to_owned(), Some(Stat::Max))]), ..Terms::default() };
    let question = Question { terms: named, ..question(&[]) };
    assert_eq!(judged(&question, &group("head", 4, 1.5), Some(&group("base", 4, 1.0))), Verdict::Failed);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Whatever the runs are, it ends within its budget, and what it says is one of its verdicts for a reason.
    #[test]
    fn every_course_ends_within_its_budget(
        states in prop::collection::vec(0u8..8, 80),
        least in 1u32..5,
        more in 0u32..5,
        factor in 0.5f64..2.0,
    ) {
        let question = Question { repeats_min: least, repeats_max: least + more, ..question(&[("lost", "= 0")]) };
        let state = |place: Place, run: usize| match states[run * 2 + usize::from(place == Place::Head)] {
            0 => RunState::Invalid,
            1 => RunState::Interrupted,
            2 if place == Place::Base => RunState::Violated,
            _ => RunState::Complete,
        };
        let (course, gate) = driven(&question, factor, |place, run, digest| digest.state = state(place, run));
        let most = (least + more) as usize + course.spares() + 1;
        prop_assert!(course.head.runs.len() <= most && course.base.as_ref().is_none_or(|base| base.runs.len() <= most));
        if let Some(gate) = gate {
            prop_assert!(!gate.findings.is_empty());
            let complete = |side: &Side| side.runs.iter().filter(|run| run.state == RunState::Complete).count();
            if gate.verdict == Verdict::Passed {
                prop_assert!(complete(&gate.head) >= least as usize);
            }
        }
    }
}
