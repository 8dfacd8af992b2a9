//! Searches that are really made: the answer is held against arithmetic.

use std::path::{Path, PathBuf};

use jetlag::model::search::{Outcome, Search, Verdict};
use rustix::process::Signal;

use crate::place::Place;
use crate::processes::wait_for;

/// The folder of the only search that was made with `--out out`.
fn folder(place: &Place) -> Option<PathBuf> {
    let mut folders = std::fs::read_dir(place.path().join("out")).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    folders.next()
}

/// The document in it, whose page must be there, too.
fn read(folder: &Path) -> Search {
    let text = std::fs::read_to_string(folder.join("search.json")).expect("the document is there");
    let page = std::fs::read_to_string(folder.join("search.html")).expect("the page is there");
    assert!(page.starts_with("<!DOCTYPE html>") && page.trim_end().ends_with("</html>"), "the page is not whole");
    jetlag::render::search::parse(&text).expect("it is a search")
}

#[test]
fn the_rate_that_is_found_is_the_one_that_the_handlers_can_do() {
    // Two members that take 4 ms a message can do 500 messages a second, and no more.
    let place = Place::new();
    place.profile(
        r#"
[run]
warm-up = "300ms"
measure = "2s"
drain = "20s"
[stream]
partitions = 4
[load]
publishers = 1
rate = "400/s"
keys = 64
[fleet]
members = 2
handler = "fixed"
handler-time = "4ms"
[strategy]
kind = "shared-pull"
[search]
end-to-end-p99 = "500ms"
tolerance = 0.2
"#,
    );
    let ended = place.run(&["search", "profile.toml", "--out", "out", "--within", "5m"]).ended_with(0);
    assert!(ended.out.contains("msg/s are sustained, "), "{}", ended.out);
    let searched = read(ended.page().parent().expect("a page lies in a folder"));
    assert_eq!(searched.outcome, Some(Outcome::Found));
    let answer = searched.answer.expect("it was found");
    let share = answer.rate_per_s / 500.0;
    assert!((0.6..=1.1).contains(&share), "{:?}", searched.findings);
    assert!(answer.sustained >= 2);
    let high = searched.bracket.high_per_s.expect("there is a limit");
    assert!(high <= answer.rate_per_s * 1.2 + 1e-9, "{:?}", searched.bracket);
    // What was far too much was seen to be too much, and every trial is a run of its own.
    let twice = searched.trials.iter().find(|trial| trial.rate_per_s >= 800.0).expect("it was bracketed");
    assert_eq!(twice.verdict, Verdict::Behind, "{:?}", twice.reasons);
    let folder = folder(&place).expect("it was made");
    assert!(searched.trials.iter().all(|trial| folder.join(&trial.path).join("report.json").is_file()));
    // A search is rendered again like anything else.
    std::fs::remove_file(folder.join("search.html")).expect("it was written");
    let again = place.run(&["report", folder.to_str().expect("plain")]).ended_with(0);
    assert!(again.page().ends_with("search.html"));
}

#[test]
fn a_generator_that_cannot_offer_more_makes_the_search_invalid() {
    // One publisher that waits for each acknowledgement offers a few thousand messages a second at most.
    let place = Place::new();
    place.profile(
        r#"
[run]
warm-up = "300ms"
measure = "1500ms"
drain = "30s"
[stream]
partitions = 4
[load]
publishers = 1
publish = "sync"
rate = "1000/s"
keys = 64
[fleet]
members = 2
handler = "none"
[search]
first = "200000/s"
least = "200000/s"
most = "400000/s"
agree = 1
trials = 5
"#,
    );
    let ended = place.run(&["search", "profile.toml", "--out", "out", "--json"]).ended_with(4);
    let said: serde_json::Value = serde_json::from_str(&ended.out).expect("one object");
    assert_eq!((&said["outcome"], &said["exit_code"]), (&"generator".into(), &4.into()), "{said}");
    let searched = read(&folder(&place).expect("it was made"));
    assert_eq!(searched.trials[0].verdict, Verdict::Generator, "{:?}", searched.trials[0].reasons);
    assert!(searched.readings.is_empty() && searched.remedy.is_some());
}

#[test]
fn what_was_tried_before_ctrl_c_stays() {
    let place = Place::new();
    place.profile(
        r#"
[run]
warm-up = "100ms"
measure = "1s"
drain = "10s"
[stream]
partitions = 2
[load]
publishers = 1
rate = "50/s"
keys = 8
[fleet]
members = 1
handler = "none"
[search]
within = "10m"
"#,
    );
    let live = place.start(place.jetlag(&["search", "profile.toml", "--out", "out", "-q"]));
    wait_for("the second trial", || {
        let folder = folder(&place)?;
        folder.join("trial-02-100/journals").is_dir().then_some(())
    });
    live.signal(Signal::INT);
    live.end().ended_with(130);
    place.wait_until_nobody_is_left();
    let searched = read(&folder(&place).expect("it was made"));
    assert_eq!(searched.outcome, Some(Outcome::Interrupted));
    assert_eq!(searched.trials[0].verdict, Verdict::Sustained, "{:?}", searched.trials[0].reasons);
}
