//! The stream read back at the end: what it holds is the truth of what was stored.

use jetlag::model::report::{RunState, TruthSource};
use jetlag::model::story::{Phase, StoryEvent};

use crate::place::{Place, Told, analyze};
use crate::server::OwnServer;

/// A run of 200 messages a second, with more words for its sections.
fn profile(run: &str, stream: &str, fleet: &str) -> String {
    format!(
        "[run]\nwarm-up = \"300ms\"\nmeasure = \"2s\"\n{run}[stream]\npartitions = 4\n{stream}[load]\nrate = \"200/s\"\nkeys = 40\n{fleet}\
         [fleet]\nmembers = 2\n[strategy]\nkind = \"lease-group\"\nttl = \"2s\"\n"
    )
}

fn source(told: &Told) -> TruthSource {
    told.report.stored_truth.as_ref().expect("it is told").source
}

#[test]
fn what_was_stored_is_what_the_stream_holds_and_damage_to_that_is_told() {
    let place = Place::new();
    place.profile(&profile("", "", ""));
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    assert!(ended.out.contains("What was stored is what the stream holds"), "{}", ended.out);
    let told = ended.report();
    assert_eq!(source(&told), TruthSource::Stream);
    let held = told.report.stored_truth.as_ref().and_then(|truth| truth.messages).expect("it was read") as f64;
    assert_eq!(held, told.count("stored") + told.count("surfaced"));
    assert_eq!((told.count("lost_by_server"), told.count("duplicate_stored")), (0.0, 0.0));
    let folder = place.run_folder().expect("the run is there");
    let file = folder.join("stored.bin");
    let mut bytes = std::fs::read(&file).expect("it is evidence");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&file, bytes).expect("it can be written");
    let told = analyze(&place, &folder).ended_with(4).report().is(RunState::Invalid);
    told.gives_a_reason_with(&["read back", "checksum"]);
    std::fs::remove_file(file).expect("it was there");
    analyze(&place, &folder).ended_with(4).report().gives_a_reason_with(&["stored.bin", "missing"]);
}

#[test]
fn where_the_stream_cannot_say_it_acknowledgements_are_the_truth_and_the_report_says_why() {
    for (run, stream, strategy, reason) in [
        ("read-back = \"0s\"\n", "", "kind = \"lease-group\"\nttl = \"2s\"\n", "run.read-back"),
        ("", "retention = \"work-queue\"\n", "kind = \"shared-pull\"\n", "retention"),
    ] {
        let place = Place::new();
        let text = profile(run, stream, "").replace("kind = \"lease-group\"\nttl = \"2s\"\n", strategy);
        place.profile(&text.replace("measure = \"2s\"", "measure = \"500ms\""));
        let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report();
        assert_eq!(source(&told), TruthSource::Acknowledgements);
        let why = &told.report.stored_truth.as_ref().expect("it is told").why;
        assert!(why.contains(reason), "{why}");
        assert!(!place.run_folder().expect("the run is there").join("stored.bin").exists());
    }
}

#[test]
fn what_the_server_holds_no_more_is_charged_to_the_server_and_breaks_no_promise() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    place.profile(
        &profile("drain = \"5m\"\n", "", "backlog = 3000\n")
            .replace("members = 2", "members = 2\nhandler-time = \"3ms\""),
    );
    let url = server.url();
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &url]));
    live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
    // Stored long ago, and not handled for another second.
    let taken = 2990..3000_u64;
    server.ask(async |jetstream| {
        let name = stream_of(&jetstream).await;
        let stream = jetstream.get_stream(name).await.expect("it is there");
        for stream_seq in taken.clone() {
            assert!(stream.delete_message(stream_seq).await.expect("it answers"), "{stream_seq} was there");
        }
    });
    let told = live.end().report();
    assert_eq!(source(&told), TruthSource::Stream);
    assert_eq!(told.count("lost_by_server"), 10.0, "{:#?}", told.report.notes);
    assert_eq!(told.count("order_violations"), 0.0, "{:#?}", told.report.violations);
    assert_eq!(told.count("lost"), 0.0, "{:#?}", told.report.violations);
    // Nobody waits for what nobody can handle: the drain came to its end long before its limit.
    assert_eq!(told.report.state, RunState::Complete, "{:#?}", told.report.state_reasons);
    let found = told.report.violations.iter().filter(|violation| violation.kind == "lost_by_server");
    let mut places: Vec<u64> = found.filter_map(|violation| violation.stream_seq).collect();
    places.sort_unstable();
    assert_eq!(places, taken.collect::<Vec<_>>());
    assert_eq!(server.streams(), [""; 0], "what it made is removed");
    place.wait_until_nobody_is_left();
}

/// The stream of the only run.
async fn stream_of(jetstream: &async_nats::jetstream::Context) -> String {
    use futures_util::TryStreamExt as _;
    let names: Vec<String> = jetstream.stream_names().try_collect().await.expect("it answers");
    names.into_iter().find(|name| !name.starts_with("KV_")).expect("the run made one")
}
