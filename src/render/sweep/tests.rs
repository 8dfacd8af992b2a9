//! What holds for every format of a sweep.

use super::planted::{self, Shown};
use super::*;
use crate::model::report::RunState;
use crate::render::sheet::assert_fits;

fn rendered(format: &str, sweep: &Sweep) -> String {
    ALL.iter().find(|known| known.name == format).expect("it is in the list").render(sweep)
}

#[test]
fn people_read_this() {
    insta::assert_snapshot!("scaling", summary(&planted::scaling(), Sheet::WIDE_FILE));
    insta::assert_snapshot!("twenty", summary(&planted::twenty(), Sheet::WIDE_FILE));
    insta::assert_snapshot!("words-by-words", rendered("markdown", &planted::words_by_words()));
    insta::assert_snapshot!("lease-time", rendered("markdown", &planted::lease_time()));
    insta::assert_snapshot!("price-by-members", rendered("csv", &planted::price_by_members()));
}

#[test]
fn every_format_renders_every_sweep() {
    for (name, sweep) in planted::all() {
        for format in ALL.iter().filter(|format| format.name != "json") {
            let text = format.render(&sweep);
            assert!(text.ends_with('\n') || format.name == "html", "{name} as {}", format.name);
            assert!(!text.contains("NaN") && !text.contains("inf "), "{name} as {}", format.name);
        }
    }
}

#[test]
fn a_sweep_survives_its_file() {
    for (name, sweep) in planted::all().into_iter().filter(|(name, _)| *name != "nonsense") {
        assert_eq!(parse(&rendered("json", &sweep)).expect(name), sweep, "{name}");
    }
}

#[test]
fn terminal_text_fits_every_width() {
    for (name, sweep) in planted::all() {
        assert_fits(name, |sheet| summary(&sweep, sheet));
    }
}

#[test]
fn percentiles_of_repeats_are_shown_as_median_and_range_and_never_merged() {
    let text = rendered(
        "markdown",
        &planted::sweep("p", vec![planted::words("a", &["x"])], 3, |_, repeat| {
            Some(Shown::of(1_000.0, [10.0, 12.0, 90.0][repeat as usize - 1], 5.0).report(2))
        }),
    );
    assert!(text.contains("12 ms (10–90 ms)"), "{text}");
    assert!(text.contains("never merged"), "{text}");
}

#[test]
fn a_run_that_cannot_be_trusted_gives_no_figure_and_is_named() {
    let sweep = planted::sweep("doubt", vec![planted::words("a", &["x", "y"])], 3, |at, repeat| {
        let mut report = Shown::of(1_000.0, 10.0, 5.0).report(2);
        if at[0] == 1 && repeat == 2 {
            report = Shown::of(9e9, 9e9, 9e9).report(2);
            report.state = RunState::Invalid;
            report.state_reasons = vec!["starved".to_owned()];
        }
        Some(report)
    });
    assert_eq!(sweep.state, RunState::Invalid);
    let doubt = "1 of 6 runs cannot be trusted and gives no figures: y / 2 (starved).";
    assert!(sweep.findings.iter().any(|told| told == doubt), "{:?}", sweep.findings);
    assert!(!rendered("markdown", &sweep).contains("9,000,000,000"));
    // A table for programs has all runs, each with its state.
    assert!(rendered("csv", &sweep).contains(",invalid,"));
}

#[test]
fn what_is_missing_and_left_out_is_told() {
    let mut sweep = planted::words_by_words();
    sweep.cells[0].runs.pop();
    finish(&mut sweep);
    assert!(
        sweep.findings.iter().any(|told| told.starts_with("14 of 15 planned runs were made")),
        "{:?}",
        sweep.findings
    );
    for format in ["text", "markdown"] {
        let text = rendered(format, &sweep).split_whitespace().collect::<Vec<&str>>().join(" ");
        for told in ["so many replicas need as many nodes", "1 to come"] {
            assert!(text.contains(told), "{format}: {told}: {text}");
        }
    }
}

#[test]
fn versions_that_differ_are_told_once_a_cell() {
    let sweep =
        planted::sweep("versions", vec![planted::words("server.version", &["2.10.26", "2.15.1"])], 3, |at, repeat| {
            let mut report = Shown::of(1_000.0, 10.0, 5.0).report(repeat);
            report.environment.server_version = ["2.10.26", "2.15.1"][at[0]].to_owned();
            Some(report)
        });
    let origin = sweep.origin.expect("there are runs");
    assert_eq!(origin.environment.server_version, "2.10.26");
    assert_eq!(origin.differences, ["2.15.1 differs in nats-server: 2.15.1, 1 node, started by jetlag"]);
}

#[test]
fn a_newer_or_foreign_file_is_refused_with_the_remedy() {
    let text = rendered("json", &planted::two());
    for (text, says) in [
        (text.replace(SCHEMA, "jetlag.sweep/2"), "newer jetlag"),
        (text.replace(SCHEMA, "jetlag.report/1"), "jetlag.report/1"),
        (text[..text.len() / 2].to_owned(), "no JSON object"),
        (format!("{{\"schema\": \"{SCHEMA}\"}}"), "missing field"),
    ] {
        let error = parse(&text).expect_err(says).to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn pictures_have_names_of_their_own_and_no_markup_of_others() {
    for (name, sweep) in planted::all() {
        let images = images(&sweep);
        let mut files: Vec<&str> = images.iter().map(|image| image.file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        assert_eq!(files.len(), images.len(), "{name}");
        assert!(images.iter().all(|image| !image.svg.contains("<script") && !image.svg.contains("NaN")), "{name}");
    }
}

#[test]
fn the_page_stands_alone_and_escapes_what_others_wrote() {
    let mut sweep = planted::scaling();
    sweep.question = "<script>alert(1)</script>".to_owned();
    sweep.axes[0].values[0].label = "<b>\"&'".to_owned();
    sweep.axes[1].name = "<i>partitions".to_owned();
    sweep.cells[0].runs[0].path = "a folder/with \"quotes\"".to_owned();
    finish(&mut sweep);
    let page = rendered("html", &sweep);
    for outside in ["http://", "https://", "<script>alert", "<script src", "<link", "@import", "src=", "<b>", "<i>"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("href=\"a%20folder/with%20%22quotes%22/report.html\""));
}

#[test]
fn samples_are_written_where_one_wants_to_look_at_them() {
    let Ok(folder) = std::env::var("RENDER_SAMPLES") else { return };
    for (name, sweep) in planted::all() {
        for format in ALL {
            let file = std::path::Path::new(&folder).join(format!("{name}-{}", format.file));
            std::fs::write(file, format.render(&sweep)).expect("the folder is there");
        }
        for image in images(&sweep) {
            let file = std::path::Path::new(&folder).join(format!("{name}-{}", image.file));
            std::fs::write(file, image.svg).expect("the folder is there");
        }
    }
}
