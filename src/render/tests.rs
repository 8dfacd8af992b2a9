//! What holds for every format and every report.

use super::*;
use crate::model::comparison::Comparison;
use crate::model::report::RunState;
use crate::render::sample;
use crate::render::sheet::{Sheet, assert_fits};

#[test]
fn every_format_renders_every_report() {
    for (name, report) in sample::all() {
        for format in ALL {
            let text = format.render(&report);
            assert!(text.ends_with('\n') || format.name == "html", "{name} as {}", format.name);
            assert!(text.len() > 100 || format.audience != Audience::People, "{name} as {}", format.name);
            assert!(
                text.len() < 3_000_000 || format.name == "json",
                "{name} as {} has {} bytes",
                format.name,
                text.len()
            );
        }
    }
}

#[test]
fn a_report_survives_its_file() {
    for (name, report) in sample::all().into_iter().filter(|(name, _)| *name != "nonsense") {
        let text = format("json").expect("it is in the list").render(&report);
        assert_eq!(parse(&text).expect(name), report, "{name}");
    }
}

#[test]
fn a_newer_report_is_refused_with_the_remedy() {
    let text = json::FORMAT.render(&sample::quick()).replace(SCHEMA, "jetlag.report/2");
    let error = parse(&text).expect_err("it is newer");
    assert!(matches!(error, Error::Newer { .. }));
    assert!(error.to_string().contains("newer jetlag"), "{error}");
}

#[test]
fn what_is_no_report_is_refused() {
    for (text, says) in [
        ("", "no JSON object"),
        ("[]", "absent"),
        ("{}", "absent"),
        (r#"{"schema": 7}"#, "7"),
        (r#"{"schema": "iggy/1"}"#, "iggy/1"),
        (r#"{"schema": "jetlag.report/1"}"#, "missing field"),
    ] {
        let error = parse(text).expect_err(text).to_string();
        assert!(error.contains(says), "{text}: {error}");
    }
}

#[test]
fn terminal_text_fits_every_width() {
    for (name, report) in sample::all() {
        assert_fits(name, |sheet| text::summary(&report, sheet));
    }
}

#[test]
fn people_read_this() {
    insta::assert_snapshot!("quick", text::summary(&sample::quick(), Sheet::FILE));
    insta::assert_snapshot!("interrupted", text::summary(&sample::interrupted(), Sheet::FILE));
    insta::assert_snapshot!("ledger", text::summary(&sample::ledger(), Sheet::FILE));
    insta::assert_snapshot!("violated", text::summary(&sample::violated(), Sheet::FILE));
    insta::assert_snapshot!("shared", format("markdown").expect("listed").render(&sample::shared()));
    insta::assert_snapshot!("comparison", comparison::summary(&naive_vs_safe(), Sheet::FILE));
}

/// Nine runs: each has a row.
fn nine() -> Comparison {
    let reports: Vec<_> = sample::all().into_iter().chain([("again", sample::quick())]).collect();
    let runs: Vec<_> = reports.iter().map(|(name, report)| (*name, *name, report)).collect();
    comparison::compare(&runs)
}

#[test]
fn terminals_of_every_width_show_the_same() {
    assert_fits("comparison", |sheet| comparison::summary(&naive_vs_safe(), sheet));
    assert_fits("a row a run", |sheet| comparison::summary(&nine(), sheet));
    for columns in [60, 80, 120, 200] {
        let sheet = Sheet::new(columns, false);
        insta::assert_snapshot!(format!("quick-{columns}"), text::summary(&sample::quick(), sheet));
        insta::assert_snapshot!(format!("comparison-{columns}"), comparison::summary(&naive_vs_safe(), sheet));
        insta::assert_snapshot!(format!("rows-{columns}"), comparison::summary(&nine(), sheet));
    }
}

#[test]
fn accounts_that_went_wrong_are_told_in_every_format() {
    let report = sample::ledger();
    for format in ALL.iter().filter(|format| format.audience == Audience::People) {
        let shown = format.render(&report).split_whitespace().collect::<Vec<&str>>().join(" ");
        for told in
            ["accounts went wrong", "account 7", "too early, overdrawn", "dropped as a repeat", "39 steps left out"]
        {
            assert!(shown.contains(told), "{} lacks {told}", format.name);
        }
    }
    let comparison = comparison::compare(&[("safe", "a", &sample::quick()), ("ledger", "b", &report)]);
    assert!(comparison.findings.iter().any(|told| told == "Accounts: ledger: 9 overdrafts, 1 of 16 balances wrong."));
}

#[test]
fn colour_repeats_what_words_say() {
    let plain = text::summary(&sample::violated(), Sheet::FILE);
    let colored = text::summary(&sample::violated(), Sheet::new(80, true));
    assert!(!plain.contains('\u{1b}') && plain.contains("violated"));
    assert_eq!(colored.replace("\u{1b}[1;31m", "").replace("\u{1b}[0m", ""), plain);
}

#[test]
fn the_page_stands_alone_and_escapes_what_others_wrote() {
    let mut report = sample::violated();
    report.run.question = "<script>alert(1)</script>".to_owned();
    report.faults[0].struck = vec!["<b>\"&'".to_owned()];
    let page = html::FORMAT.render(&report);
    for outside in ["http://", "https://", "<script>alert", "<script src", "<link", "@import", "src=", "<b>"] {
        assert!(!page.contains(outside), "{outside}");
    }
}

#[test]
fn samples_are_written_where_one_wants_to_look_at_them() {
    let Ok(folder) = std::env::var("RENDER_SAMPLES") else { return };
    for (name, report) in sample::all() {
        for format in ALL {
            let file = std::path::Path::new(&folder).join(format!("{name}-{}", format.file));
            std::fs::write(file, format.render(&report)).expect("the folder is there");
        }
    }
}

fn naive_vs_safe() -> Comparison {
    comparison::compare(&[
        ("safe", "2026-11-21-quick/safe", &sample::quick()),
        ("resume <blog>", "2026-11-21-quick/resume \"blog\"", &sample::violated()),
        ("shared-pull", "2026-11-21-quick/shared-pull", &sample::shared()),
    ])
}

#[test]
fn a_comparison_says_who_broke_order_and_what_order_costs() {
    let comparison = naive_vs_safe();
    assert_eq!(comparison.state, RunState::Violated);
    assert!(comparison.price_of_order.is_some_and(|price| (price.best_modes - 1.0).abs() < 0.01));
    let said = comparison.findings.join("\n");
    for says in
        ["safe never broke order", "resume <blog> broke order 48 times, against its promise", "lost 10 messages"]
    {
        assert!(said.contains(says), "{says}: {said}");
    }
    let page = comparison::ALL.iter().find(|format| format.name == "html").expect("listed").render(&comparison);
    assert!(page.contains("href=\"2026-11-21-quick/resume%20%22blog%22/report.html\""));
}

#[test]
fn a_strategy_without_owners_does_not_look_perfect_beside_one_that_has_them() {
    let comparison = comparison::compare(&[("safe", "a", &sample::quick()), ("shared", "b", &sample::shared())]);
    let said = comparison.findings.join("\n");
    assert!(
        said.contains("longest gap safe 1,997 ms, shared 2.15 ms; longest stranded safe 2,001 ms, shared 5,012 ms"),
        "{said}"
    );
    assert!(comparison::summary(&comparison, Sheet::FILE).contains("stranded after kill"));
}

#[test]
fn figures_of_an_invalid_run_are_called_that_wherever_they_stand() {
    let starved = sample::starved();
    for format in ALL.iter().filter(|format| format.audience == Audience::People) {
        let shown = format.render(&starved);
        assert_eq!(shown.matches("Figures of an invalid run").count(), 2, "{}", format.name);
        assert!(!format.render(&sample::quick()).contains("invalid run"), "{}", format.name);
    }
    for format in ALL.iter().filter(|format| format.audience == Audience::Programs) {
        assert!(format.render(&starved).contains("invalid"), "{}", format.name);
    }
    let comparison = comparison::compare(&[("safe", "a", &sample::quick()), ("starved", "b", &starved)]);
    let said = comparison::summary(&comparison, Sheet::FILE);
    assert!(said.contains("starved cannot be trusted") && !said.contains("held in every run"), "{said}");
    assert!(comparison.findings.iter().any(|said| said.contains("starved (invalid) never broke order")));
}

#[test]
fn a_tool_that_compares_runs_is_not_given_one_that_cannot_be_trusted() {
    for format in ALL {
        assert_eq!(format.objection(&sample::quick()), None, "{}", format.name);
        assert_eq!(format.objection(&sample::violated()), None, "a broken promise is a finding: {}", format.name);
        for doubtful in [sample::starved(), sample::interrupted()] {
            let objection = format.objection(&doubtful);
            assert_eq!(objection.is_some(), format.audience == Audience::Trackers, "{}", format.name);
            assert!(
                objection
                    .is_none_or(|said| said.contains(&doubtful.state_reasons[0]) && said.contains("measure again"))
            );
        }
    }
}

#[test]
fn names_and_files_of_formats_are_unique() {
    let of = |part: fn(&Format) -> &'static str| ALL.iter().map(part).collect::<std::collections::BTreeSet<_>>().len();
    assert_eq!((of(|format| format.name), of(|format| format.file)), (ALL.len(), ALL.len()));
}

#[test]
fn no_program_is_given_a_number_that_is_none() {
    for format in ALL.iter().filter(|format| format.audience != Audience::People && format.name != "json") {
        let shown = format.render(&sample::nonsense());
        for none in ["NaN", "inf", "null"] {
            let found = shown.lines().find(|line| line.contains(none) && !line.contains("info"));
            assert_eq!(found, None, "{}", format.name);
        }
    }
}

#[test]
fn loss_that_was_not_judged_is_not_silent() {
    let interrupted = sample::interrupted();
    for format in ALL.iter().filter(|format| format.audience == Audience::People || format.name == "junit") {
        let shown = format.render(&interrupted);
        assert!(shown.contains("not judged") && shown.contains("12 unhandled"), "{}", format.name);
    }
    let comparison = comparison::compare(&[("stopped", "a", &interrupted)]);
    let said = comparison.findings.join("\n");
    assert!(said.contains("stopped: lost not judged (interrupted, 12 unhandled)"), "{said}");
}

#[test]
fn a_comparison_names_command_versions_and_machine_and_says_where_they_differ() {
    let (mut other, first) = (sample::shared(), sample::quick());
    other.run.seed = 43;
    other.environment.server_version = "2.11.0".to_owned();
    let comparison = comparison::compare(&[("safe", "a", &first), ("other", "b", &other)]);
    for format in comparison::ALL {
        let shown = format.render(&comparison);
        for named in ["jetlag run quick", "42", "2.12.8", "EPYC", "2026-11-21T21:20:06Z", "other differs in seed: 43"] {
            assert!(shown.contains(named), "{} lacks {named}", format.name);
        }
    }
    assert_eq!(comparison.origin.expect("there are runs").differences.len(), 2);
    assert_eq!(comparison::compare(&[("safe", "a", &first)]).origin.map(|origin| origin.differences), Some(vec![]));
}

#[test]
fn a_comparison_from_before_there_were_origins_still_loads() {
    let mut old = serde_json::to_value(naive_vs_safe()).expect("it is JSON");
    old.as_object_mut().expect("an object").remove("origin");
    for gap in old["rows"][0]["gaps"].as_array_mut().expect("gaps") {
        for new in ["stranded_ms_max", "stranded_messages", "censored"] {
            gap.as_object_mut().expect("an object").remove(new);
        }
    }
    assert!(comparison::parse(&old.to_string()).is_ok());
}

#[test]
fn a_comparison_of_anything_renders_and_survives_its_file() {
    let (empty, nonsense, vast) = (sample::empty(), sample::nonsense(), sample::vast());
    let odd = comparison::compare(&[("empty", "a", &empty), ("nonsense", "b", &nonsense), ("vast", "c", &vast)]);
    for comparison in [comparison::compare(&[]), odd, naive_vs_safe()] {
        for format in comparison::ALL {
            assert!(format.render(&comparison).len() > 30);
        }
        for line in comparison::summary(&comparison, Sheet::FILE).lines() {
            assert!(line.chars().count() <= 80, "{line}");
        }
    }
    let comparison = naive_vs_safe();
    assert_eq!(comparison::parse(&json::pretty(&comparison)).expect("it is one"), comparison);
}

#[test]
fn comparisons_are_written_where_one_wants_to_look_at_them() {
    let Ok(folder) = std::env::var("RENDER_SAMPLES") else { return };
    for format in comparison::ALL {
        std::fs::write(std::path::Path::new(&folder).join(format.file), format.render(&naive_vs_safe()))
            .expect("folder");
    }
}

/// Says every place where a document breaks its schema.
fn breaches(schema: &str, document: &str) -> Vec<String> {
    let schema = serde_json::from_str(schema).expect("a schema is JSON");
    let document = serde_json::from_str(document).expect("a report is JSON");
    let validator = jsonschema::draft202012::new(&schema).expect("a schema is one");
    validator.iter_errors(&document).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn every_report_keeps_its_schema() {
    for (name, report) in sample::all().into_iter().filter(|(name, _)| *name != "nonsense") {
        assert_eq!(breaches(&schema::report(), &json::pretty(&report)), [""; 0], "{name}");
    }
    assert!(!breaches(&schema::report(), r#"{"schema": "jetlag.report/1"}"#).is_empty());
}

#[test]
fn every_comparison_keeps_its_schema() {
    assert_eq!(breaches(&schema::comparison(), &json::pretty(&naive_vs_safe())), [""; 0]);
}
