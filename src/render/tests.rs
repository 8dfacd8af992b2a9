//! What holds for every format and every report.

use super::*;
use crate::render::sample;

#[test]
fn every_format_renders_every_report() {
    for (name, report) in sample::all() {
        for format in ALL {
            let text = format.render(&report);
            assert!(text.ends_with('\n') || format.name == "html", "{name} as {}", format.name);
            assert!(text.len() > 100, "{name} as {}", format.name);
            assert!(text.len() < 3_000_000, "{name} as {} has {} bytes", format.name, text.len());
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
fn terminal_text_fits_eighty_columns() {
    for (name, report) in sample::all() {
        for line in text::summary(&report, false).lines() {
            let columns = line.chars().count();
            assert!(columns <= 80, "{name}: {columns} columns: {line}");
            assert_eq!(line, line.trim_end(), "{name}: nothing trails");
        }
    }
}

#[test]
fn colour_repeats_what_words_say() {
    let plain = text::summary(&sample::violated(), false);
    let colored = text::summary(&sample::violated(), true);
    assert!(!plain.contains('\u{1b}') && plain.contains("violated"));
    assert_eq!(colored.replace("\u{1b}[1;31m", "").replace("\u{1b}[0m", ""), plain);
}

#[test]
fn the_page_stands_alone_and_escapes_what_others_wrote() {
    let mut report = sample::violated();
    report.run.question = "<script>alert(1)</script>".to_owned();
    report.faults[0].struck = vec!["<b>\"&'".to_owned()];
    let page = html::FORMAT.render(&report);
    for outside in ["http://", "https://", "<script", "<link", "@import", "src=", "<b>"] {
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
