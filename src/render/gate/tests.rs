//! What holds for every format of a gate.

use super::*;
use crate::contrast::Terms;
use crate::contrast::planted::group;
use crate::gate::{Question, Rule, judge};
use crate::model::gate::Verdict;
use crate::model::report::RunState;
use crate::render::sheet::{Sheet, assert_fits};

fn question() -> Question {
    let rules =
        [("gap.max@kill", "< 2s"), ("order_violations", "= 0"), ("gap.max@pause", "< 3s"), ("end_to_end.p99", "< 1s")];
    let rules = rules.iter().map(|(subject, limit)| Rule::parse(subject, limit).expect("a rule")).collect();
    Question { rules, repeats_min: 6, repeats_max: 16, ..Question::default() }
}

fn all() -> Vec<(&'static str, Gate)> {
    let base = group("base", 6, 1.0);
    let mut violated = group("head", 7, 1.5);
    violated.runs[3].1.state = RunState::Violated;
    violated.runs[3].1.state_reasons = vec!["order | was <broken>".to_owned()];
    let mut other = group("head <b>", 6, 1.0);
    other.runs.iter_mut().for_each(|(_, digest)| digest.environment.cpu = "<script>abacus</script>".to_owned());
    let command = "jetlag gate head --baseline base";
    let of = |question: &Question, head, base| judge(question, &head, base, command).expect("judged").expect("runs");
    let forced = Question { terms: Terms { force: true, ..Terms::default() }, ..Question::default() };
    vec![
        ("failed", of(&question(), violated, Some(&base))),
        ("passed", of(&Question::default(), group("head", 6, 1.0), Some(&base))),
        ("rules", of(&question(), group("head", 6, 1.0), None)),
        (
            "undecided",
            of(&Question { undecided_fails: true, ..Question::default() }, group("few", 3, 1.2), Some(&base)),
        ),
        ("incomparable", of(&Question::default(), other.clone(), Some(&base))),
        ("forced", of(&forced, other, Some(&base))),
    ]
}

#[test]
fn people_read_this() {
    for (name, gate) in all().into_iter().take(3) {
        insta::assert_snapshot!(format!("{name}"), summary(&gate, Sheet::FILE));
    }
    insta::assert_snapshot!("markdown", markdown::render(&all()[0].1));
}

#[test]
fn terminal_text_fits_every_width() {
    for (name, gate) in all() {
        assert_fits(name, |sheet| summary(&gate, sheet));
    }
}

#[test]
fn every_format_names_the_verdict() {
    for (name, gate) in all() {
        for format in ALL {
            assert!(format.render(&gate).contains(&gate.verdict.to_string()), "{name} as {}", format.name);
        }
    }
    assert_eq!(all().iter().filter(|(_, gate)| gate.verdict == Verdict::Passed).count(), 2);
}

#[test]
fn the_file_is_of_its_schema_and_comes_back() {
    let schema = serde_json::from_str(&crate::render::schema::gate()).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    for (name, gate) in all() {
        let text = json::pretty(&gate);
        assert_eq!(parse(&text).expect(name), gate, "{name}");
        let value = serde_json::from_str(&text).expect("it is JSON");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    assert!(parse(&json::pretty(&all()[0].1).replace("gate/1", "gate/2")).is_err());
}

#[test]
fn a_case_fails_where_a_rule_is_broken_or_a_quantity_worse_and_only_there() {
    for (name, gate) in all() {
        let xml = junit::render(&gate);
        let failed = xml.matches("<failure").count() + xml.matches("<error").count();
        assert_eq!(failed > 0, gate.verdict != Verdict::Passed, "{name}:\n{xml}");
    }
}

#[test]
fn folded_parts_are_closed_and_tables_are_whole() {
    for (name, gate) in all() {
        let text = markdown::render(&gate);
        assert_eq!(text.matches("<details>").count(), text.matches("</details>").count(), "{name}");
        assert!(text.starts_with("## ") && !text.contains("<script"), "{name}");
        for table in text.split("\n\n").filter(|block| block.starts_with('|')) {
            let bars = |line: &str| line.replace("\\|", "").matches('|').count();
            let first = table.lines().next().map_or(0, bars);
            assert!(table.lines().all(|line| bars(line) == first), "{name}: {table}");
        }
    }
}

#[test]
fn the_page_stands_alone_and_escapes_what_others_wrote() {
    for (name, gate) in all() {
        let page = page::render(&gate);
        for outside in ["http://", "https://", "<script>alert", "<script src", "<link", "@import", "src=", "<b>"] {
            assert!(!page.contains(outside), "{name}: {outside}");
        }
    }
}

#[test]
fn samples_are_written_where_one_wants_to_look_at_them() {
    let Ok(folder) = std::env::var("RENDER_SAMPLES") else { return };
    for (name, gate) in all() {
        for format in ALL {
            let file = std::path::Path::new(&folder).join(format!("gate-{name}-{}", format.file));
            std::fs::write(file, format.render(&gate)).expect("the folder is there");
        }
    }
}
