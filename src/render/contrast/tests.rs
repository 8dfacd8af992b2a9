//! What holds for every format of a contrast.

use super::*;
use crate::contrast::planted::group;
use crate::contrast::{Terms, contrast};
use crate::model::report::RunState;
use crate::render::sheet::{Sheet, assert_fits};

/// Worse, with one repeat that was not taken and one that broke a promise.
fn worse() -> Contrast {
    let (base, mut head) = (group("base", 7, 1.0), group("head", 8, 1.5));
    head.runs[3].1.state = RunState::Invalid;
    head.runs[3].1.state_reasons = vec!["schedule_lag p99 was 8 ms".to_owned()];
    head.runs[5].1.state = RunState::Violated;
    for reading in head.runs[5].1.readings.iter_mut().filter(|reading| reading.metric == "order_violations") {
        reading.value = Some(2.0);
    }
    contrast(&[base, head, group("few", 2, 0.9)], &Terms::default()).expect("they can be compared")
}

fn incomparable(force: bool) -> Contrast {
    let (base, mut head) = (group("base", 6, 1.0), group("head <b>", 6, 1.0));
    for (_, digest) in &mut head.runs {
        digest.settings["strategy"]["ttl"] = "4s".into();
        digest.settings["run"]["seed"] = 8.into();
        digest.environment.cpu = "<script>abacus</script>".to_owned();
    }
    contrast(&[base, head], &Terms { force, ..Terms::default() }).expect("it is told")
}

fn all() -> [(&'static str, Contrast); 4] {
    let same = contrast(&[group("base", 6, 1.0), group("head", 6, 1.0)], &Terms::default()).expect("they are alike");
    [("worse", worse()), ("incomparable", incomparable(false)), ("forced", incomparable(true)), ("same", same)]
}

#[test]
fn people_read_this() {
    insta::assert_snapshot!("worse", summary(&worse(), Sheet::FILE));
    insta::assert_snapshot!("incomparable", summary(&incomparable(false), Sheet::FILE));
    insta::assert_snapshot!("markdown", markdown::render(&worse()));
}

#[test]
fn terminal_text_fits_every_width() {
    for (name, contrast) in all() {
        assert_fits(name, |sheet| summary(&contrast, sheet));
    }
}

#[test]
fn every_format_names_the_outcome_and_every_side() {
    for (name, contrast) in all() {
        for format in ALL {
            let text = format.render(&contrast);
            for says in [contrast.outcome.to_string(), "base".to_owned(), "head".to_owned()] {
                assert!(text.contains(&says), "{name} as {}: {says}", format.name);
            }
        }
    }
}

#[test]
fn the_file_is_of_its_schema_and_comes_back() {
    let schema = serde_json::from_str(&crate::render::schema::contrast()).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    for (name, contrast) in all() {
        let text = json::pretty(&contrast);
        assert_eq!(parse(&text).expect(name), contrast, "{name}");
        let value = serde_json::from_str(&text).expect("it is JSON");
        let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{name}: {errors:?}");
    }
    assert!(parse(&json::pretty(&worse()).replace("contrast/1", "contrast/2")).is_err());
}

#[test]
fn the_page_stands_alone_and_escapes_what_others_wrote() {
    let page = page::render(&incomparable(true));
    for outside in ["http://", "https://", "<script>alert", "<script src", "<link", "@import", "src=", "<b>"] {
        assert!(!page.contains(outside), "{outside}");
    }
    for plot in ["id=\"ratios\"", "id=\"latencies\"", "id=\"rates\""] {
        assert!(page.contains(plot), "{plot}");
    }
}

#[test]
fn what_is_not_comparable_shows_no_figure() {
    let page = page::render(&incomparable(false));
    assert!(!page.contains("id=\"ratios\"") && page.contains("strategy.ttl: 2s → 4s"));
    assert!(!summary(&incomparable(false), Sheet::FILE).contains("ordered_per_s"));
}

#[test]
fn samples_are_written_where_one_wants_to_look_at_them() {
    let Ok(folder) = std::env::var("RENDER_SAMPLES") else { return };
    for (name, contrast) in all() {
        for format in ALL {
            let file = std::path::Path::new(&folder).join(format!("contrast-{name}-{}", format.file));
            std::fs::write(file, format.render(&contrast)).expect("the folder is there");
        }
    }
}
