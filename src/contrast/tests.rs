//! What holds for every contrast.

use super::planted::group;
use super::*;
use crate::model::reading::Better;

fn against(base: &Group, other: &Group, terms: &Terms) -> Pair {
    let contrast = contrast(&[base.clone(), other.clone()], terms).expect("they can be compared");
    contrast.pairs.into_iter().next().expect("two sides are one pair")
}

fn outcome(pair: &Pair, metric: &str, stat: Stat) -> Outcome {
    pair.rows.iter().find(|row| row.metric == metric && row.stat == stat).expect("it is compared").outcome
}

fn read<'a>(group: &'a mut Group, metric: &str) -> Vec<&'a mut Reading> {
    let of_run = |(_, digest): &'a mut (String, Digest)| digest.readings.iter_mut();
    group.runs.iter_mut().flat_map(of_run).filter(|reading| reading.metric == metric).collect()
}

#[test]
fn the_same_against_itself_is_the_same() {
    let pair = against(&group("base", 6, 1.0), &group("head", 6, 1.0), &Terms::default());
    assert_eq!(pair.outcome, Outcome::Same, "{:#?}", pair.rows);
    assert_eq!(pair.findings, ["Nothing was shown to be better or worse."]);
}

#[test]
fn a_planted_slowdown_is_found_where_it_is_and_nowhere_else() {
    let pair = against(&group("base", 6, 1.0), &group("head", 6, 1.5), &Terms::default());
    assert_eq!(pair.outcome, Outcome::Worse);
    for (metric, stat) in [("end_to_end", Stat::P50), ("end_to_end", Stat::P99), ("gap", Stat::Max)] {
        assert_eq!(outcome(&pair, metric, stat), Outcome::Worse, "{metric}");
    }
    assert_eq!(outcome(&pair, "ordered_per_s", Stat::Value), Outcome::Same);
    let back = against(&group("base", 6, 1.5), &group("head", 6, 1.0), &Terms::default());
    assert_eq!(back.outcome, Outcome::Better);
}

#[test]
fn it_is_the_same_answer_whatever_the_order_of_the_runs() {
    let (base, mut head) = (group("base", 6, 1.0), group("head", 6, 1.3));
    let here = against(&base, &head, &Terms::default());
    head.runs.reverse();
    assert_eq!(against(&base, &head, &Terms::default()), here);
}

#[test]
fn a_violated_run_tells_of_correctness_and_not_of_speed() {
    let (base, mut head) = (group("base", 6, 1.0), group("head", 6, 1.0));
    head.runs[2].1.state = RunState::Violated;
    read(&mut head, "order_violations")[2].value = Some(1.0);
    read(&mut head, "end_to_end")[4].value = Some(1e9);
    let pair = against(&base, &head, &Terms::default());
    assert_eq!(outcome(&pair, "order_violations", Stat::Count), Outcome::Worse);
    let latency = pair.rows.iter().find(|row| row.metric == "end_to_end").expect("it is compared");
    assert_eq!((latency.other.values.len(), latency.outcome), (5, Outcome::Same));
}

#[test]
fn a_violation_cannot_hide_behind_runs_that_are_all_violated() {
    let (base, mut head) = (group("base", 4, 1.0), group("head", 4, 1.0));
    for (_, digest) in &mut head.runs {
        digest.state = RunState::Violated;
    }
    read(&mut head, "lost").into_iter().for_each(|reading| reading.value = Some(3.0));
    let pair = against(&base, &head, &Terms::default());
    assert_eq!((pair.outcome, outcome(&pair, "lost", Stat::Count)), (Outcome::Worse, Outcome::Worse));
    assert_eq!(outcome(&pair, "ordered_per_s", Stat::Value), Outcome::Undecided);
}

#[test]
fn runs_that_cannot_be_trusted_are_named_and_not_taken() {
    let (base, mut head) = (group("base", 6, 1.0), group("head", 6, 1.0));
    head.runs[0].1.state = RunState::Invalid;
    head.runs[1].1.state = RunState::Interrupted;
    let found = contrast(&[base.clone(), head.clone()], &Terms::default()).expect("four are left");
    assert_eq!(found.sides[1].runs.iter().filter(|run| run.taken == Taken::Nothing).count(), 2);
    assert!(found.pairs[0].rows.iter().all(|row| row.other.values.len() == 4));
    for (_, digest) in &mut head.runs {
        digest.state = RunState::Invalid;
    }
    let error = contrast(&[base, head], &Terms::default()).expect_err("nothing is left");
    assert!(error.to_string().starts_with("no run of head can be compared: head-1 is invalid"), "{error}");
}

#[test]
fn what_nobody_asked_to_vary_makes_sides_incomparable() {
    let (base, head) = (group("base", 4, 1.0), group("head", 4, 1.0));
    let changed = |change: &dyn Fn(&mut Digest)| {
        let mut head = head.clone();
        head.runs.iter_mut().for_each(|(_, digest)| change(digest));
        head
    };
    type Change<'a> = &'a dyn Fn(&mut Digest);
    let cases: [(&str, Change<'_>); 6] = [
        ("strategy.ttl", &|digest| digest.settings["strategy"]["ttl"] = "4s".into()),
        ("fault[0].at", &|digest| digest.settings["fault"][0]["at"] = "11s".into()),
        ("host.cpu", &|digest| digest.environment.cpu = "abacus".to_owned()),
        ("server.version", &|digest| digest.environment.server_version = "2.10.26".to_owned()),
        ("jetlag.version", &|digest| digest.environment.jetlag_version = "9.9.9".to_owned()),
        ("build", &|digest| digest.environment.build = "debug".to_owned()),
    ];
    for (what, change) in cases {
        let head = changed(change);
        let pair = against(&base, &head, &Terms::default());
        assert_eq!(
            (pair.outcome, pair.comparable, pair.rows.len()),
            (Outcome::Incomparable, Comparable::No, 0),
            "{what}"
        );
        assert_eq!((pair.differences[0].what.as_str(), pair.differences[0].weight), (what, Weight::Unasked));
        let forced = against(&base, &head, &Terms { force: true, ..Terms::default() });
        assert_eq!((forced.outcome, forced.comparable), (Outcome::Same, Comparable::Forced), "{what}");
        let key = what.split(['.', '[']).next().unwrap_or_default().to_owned();
        let varied = against(&base, &head, &Terms { vary: vec![key], ..Terms::default() });
        assert_eq!((varied.comparable, varied.differences[0].weight), (Comparable::Yes, Weight::Varied), "{what}");
    }
}

#[test]
fn a_seed_is_noted_and_variants_of_a_profile_differ_on_purpose() {
    let (base, mut head) = (group("base", 4, 1.0), group("head", 4, 1.0));
    head.runs.iter_mut().for_each(|(_, digest)| digest.settings["run"]["seed"] = 8.into());
    let pair = against(&base, &head, &Terms::default());
    assert_eq!((pair.comparable, pair.differences[0].weight), (Comparable::Yes, Weight::Noted));
    for (_, digest) in &mut head.runs {
        digest.run.variant = Some("other".to_owned());
        digest.settings["strategy"]["ttl"] = "4s".into();
    }
    assert_eq!(against(&base, &head, &Terms::default()).comparable, Comparable::Yes);
    head.runs.iter_mut().for_each(|(_, digest)| digest.environment.cores = 2);
    assert_eq!(against(&base, &head, &Terms::default()).comparable, Comparable::No);
}

#[test]
fn what_would_be_no_comparison_is_refused() {
    let base = group("base", 3, 1.0);
    let empty = Group { name: "hollow".to_owned(), source: String::new(), runs: Vec::new() };
    let mut mixed = group("mixed", 3, 1.0);
    mixed.runs[1].1.settings["load"]["rate"] = "9/s".into();
    for (groups, says) in [
        (vec![], "one side alone"),
        (vec![base.clone()], "one side alone"),
        (
            vec![base.clone(), Group { name: "again".to_owned(), ..base.clone() }],
            "the run base0000 is in base and in again",
        ),
        (vec![base.clone(), empty], "no run of hollow can be compared: it has none"),
        (vec![base.clone(), mixed], "mixed-2 differs in load.rate"),
    ] {
        let error = contrast(&groups, &Terms::default()).expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn what_hardly_any_repeat_observed_is_not_compared() {
    let (mut base, mut head) = (group("base", 6, 1.0), group("head", 6, 1.0));
    read(&mut head, "gap").into_iter().for_each(|reading| reading.value = None);
    let has_gap = |pair: &Pair| pair.rows.iter().any(|row| row.metric == "gap");
    assert!(has_gap(&against(&base, &head, &Terms::default())), "that it went away on one side is worth telling");
    read(&mut base, "gap").into_iter().skip(1).for_each(|reading| reading.value = None);
    assert!(!has_gap(&against(&base, &head, &Terms::default())));
}

#[test]
fn the_user_may_choose_what_is_compared() {
    let (base, head) = (group("base", 4, 1.0), group("head", 4, 1.5));
    let timings = |choice: Choice| -> Vec<String> {
        let pair = against(&base, &head, &Terms { choice, ..Terms::default() });
        pair.rows.iter().filter(|row| row.rule == Rule::Statistics).map(label).collect()
    };
    assert_eq!(timings(Choice::Named(vec![("gap".to_owned(), None)])), ["gap max after kill"]);
    assert_eq!(timings(Choice::Named(vec![("end_to_end".to_owned(), Some(Stat::P99))])), ["end_to_end p99"]);
    assert_eq!(timings(Choice::All).len(), 5);
    // Alone, four repeats are enough for what takes six in company.
    let alone = Terms { choice: Choice::Named(vec![("gap".to_owned(), None)]), ..Terms::default() };
    assert_eq!(outcome(&against(&base, &head, &alone), "gap", Stat::Max), Outcome::Worse);
    let lenient = Terms { thresholds: vec![("gap".to_owned(), 0.9)], ..alone };
    assert_eq!(outcome(&against(&base, &head, &lenient), "gap", Stat::Max), Outcome::Same);
}

#[test]
fn a_contrast_comes_back_as_it_went() {
    let (base, mut head) = (group("base", 6, 1.0), group("head", 6, 1.5));
    read(&mut head, "gap").into_iter().for_each(|reading| reading.value = None);
    let found = contrast(&[base, head], &Terms::default()).expect("they can be compared");
    let text = serde_json::to_string(&found).expect("it is data");
    assert_eq!(serde_json::from_str::<Contrast>(&text).expect("it comes back"), found);
    let gap = found.pairs[0].rows.iter().find(|row| row.metric == "gap").expect("one side has it");
    assert_eq!((gap.outcome, gap.other.unobserved, gap.better), (Outcome::Undecided, 6, Better::Lower));
}
