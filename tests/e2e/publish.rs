//! The ways to publish: what each stores, in which order, when all is well and when connections and streams fail.

use std::time::Duration;

use jetlag::model::history::History;
use jetlag::model::record::Fate;
use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};

use crate::cut::Relay;
use crate::order::comparison;
use crate::place::{Live, Place, Told};
use crate::server::{OwnServer, binary, step_down};

/// The keys of each way that is not the default.
const WAYS: [(&str, &str); 4] = [
    ("sync", "publish = \"sync\""),
    ("atomic-batch", "publish = \"atomic-batch\"\nbatch = 50"),
    ("fast-batch", "publish = \"fast-batch\"\nbatch = 20"),
    ("core", "publish = \"core\""),
];

/// Few keys, so that any change of order shows, and a rate that makes batches of several messages.
fn profile(run: &str, load: &str, rest: &str) -> String {
    format!(
        "[run]\nwarm-up = \"300ms\"\ndrain = \"20s\"\n{run}\n[stream]\npartitions = 4\n\
         [load]\nrate = \"2000/s\"\npublishers = 2\nkeys = 16\n{load}\n[fleet]\nmembers = 2\n{rest}\n"
    )
}

/// Nothing was lost and nothing changed its place between the schedule and the handler.
fn is_whole(way: &str, told: &Told) {
    for metric in ["lost", "unhandled", "publish_reordered", "duplicate_stored", "failed", "order_violations"] {
        assert_eq!(told.count(metric), 0.0, "{way}: {metric}");
    }
    assert_eq!(told.count("stored") + told.count("surfaced") + told.count("unknown"), told.count("attempted"), "{way}");
}

fn history(told: &Told) -> History {
    jetlag::evidence::load(&told.folder).expect("the evidence is there")
}

fn wait_for_measure(live: &mut Live<'_>) {
    live.wait_for("the measure phase", |event| matches!(event, StoryEvent::Phase { phase: Phase::Measure }));
}

#[test]
fn every_way_to_publish_stores_everything_in_the_order_of_its_keys() {
    let place = Place::new();
    let variant = |(name, keys): &(&str, &str)| {
        let set = keys.lines().map(|line| format!("\"load.{}", line.replacen(" =", "\" =", 1)));
        format!("[[variant]]\nname = \"{name}\"\nset = {{ {} }}\n", set.collect::<Vec<_>>().join(", "))
    };
    let variants: String = WAYS.iter().map(variant).collect();
    place.profile(&profile("measure = \"1500ms\"", "", &variants));
    let ended = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0);
    let (compared, told) = comparison(&ended);
    for (row, told) in compared.rows.iter().zip(told) {
        let told = told.is(RunState::Complete);
        is_whole(&row.name, &told);
        assert!(told.count("stored") > 1000.0, "{}: {}", row.name, told.count("stored"));
        if row.name == "sync" {
            sends_nothing_before_the_last_is_stored(&history(&told));
        }
    }
    place.wait_until_nobody_is_left();
}

fn sends_nothing_before_the_last_is_stored(history: &History) {
    for journal in &history.journals {
        for pair in journal.publishes.windows(2) {
            let Fate::Stored { at, .. } = pair[0].fate else { panic!("all are stored: {:?}", pair[0]) };
            assert!(pair[1].sent >= at, "two at once: {pair:?}");
        }
    }
}

#[test]
fn a_publisher_whose_connection_is_cut_keeps_its_order_whatever_the_way() {
    // Without message ids the server cannot know what it stored before the cut: there are copies, and they are in order, too.
    let with_ids = WAYS.map(|(way, keys)| (way, keys, true));
    let without = WAYS.iter().filter(|(way, _)| way.ends_with("batch")).map(|&(way, keys)| (way, keys, false));
    for (way, keys, ids) in with_ids.into_iter().chain(without) {
        let place = Place::new();
        let server = OwnServer::start(&place);
        let relay = Relay::to(&server.url());
        place.profile(&profile("measure = \"3s\"", &format!("{keys}\nmessage-id = {ids}"), ""));
        let url = format!("nats://127.0.0.1:{}", relay.port);
        let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &url]));
        wait_for_measure(&mut live);
        let mut cuts = 0;
        for _ in 0..5 {
            cuts += relay.cut();
            std::thread::sleep(Duration::from_millis(400));
        }
        assert!(cuts >= 5, "{way}: only {cuts} connections were cut");
        let told = live.end().ended_with(0).report().is(RunState::Complete);
        for metric in ["lost", "publish_reordered", "order_violations"] {
            assert_eq!(told.count(metric), 0.0, "{way}, message-id = {ids}: {metric}");
        }
        assert!(!ids || told.count("duplicate_stored") == 0.0, "{way}: {} copies", told.count("duplicate_stored"));
        // Core NATS forgets what no probe covered, and the stream says that it never got it; the others may not.
        if way != "core" {
            for metric in ["failed", "unknown", "surfaced"] {
                assert_eq!(told.count(metric), 0.0, "{way}, message-id = {ids}: {metric}");
            }
        }
        assert!(told.count("stored") > 3000.0, "{way}: {}", told.count("stored"));
    }
}

/// A leader that goes may swallow a message in silence. Messages that stand for themselves are then stored behind what was
/// sent after them, which nobody promises otherwise (docs/profiles.md); batches are stored whole, or without a gap.
#[test]
fn the_order_of_batches_survives_leaders_that_step_down() {
    for way in ["atomic-batch", "fast-batch"] {
        let place = Place::new();
        let three = "[server]\nnodes = 3";
        let text = profile("measure = \"4s\"", &format!("publish = \"{way}\""), three);
        place.profile(&text.replace("partitions = 4", "partitions = 4\nreplicas = 3"));
        let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]));
        wait_for_measure(&mut live);
        for _ in 0..4 {
            step_down(&place.run_folder().expect("the run has a folder"));
            std::thread::sleep(Duration::from_millis(500));
        }
        let told = live.end().ended_with(0).report().is(RunState::Complete);
        for metric in ["lost", "publish_reordered", "duplicate_stored", "failed", "unknown", "order_violations"] {
            assert_eq!(told.count(metric), 0.0, "{way}: {metric}");
        }
        assert!(told.count("stored") > 3000.0, "{way}: {}", told.count("stored"));
    }
}

#[test]
fn atomic_batches_stand_in_the_stream_whole() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    place.profile(&profile("measure = \"1s\"", "publish = \"atomic-batch\"\nbatch = 10", ""));
    place.run(&["run", "profile.toml", "--out", "out", "--server", &server.url(), "--keep"]).ended_with(0);
    let header = |message: &async_nats::jetstream::message::StreamMessage, name: &str| {
        message.headers.get(name).map(|value| value.as_str().to_owned())
    };
    let messages = server.messages();
    let (mut open, mut batches, mut greatest) = (None, 0, 0);
    for message in &messages {
        let id = header(message, "Nats-Batch-Id").expect("every message is of a batch");
        let sequence: u64 = header(message, "Nats-Batch-Sequence").and_then(|n| n.parse().ok()).expect("a number");
        let expected = match &open {
            Some((of, last)) => {
                assert_eq!(of, &id, "a batch is not interrupted");
                last + 1
            }
            None => 1,
        };
        assert_eq!(sequence, expected, "a batch has no holes");
        let is_last = header(message, "Nats-Batch-Commit").is_some();
        batches += u64::from(is_last);
        greatest = greatest.max(sequence);
        open = (!is_last).then_some((id, sequence));
    }
    assert_eq!(open, None, "the last batch is whole");
    assert!(batches > 10 && (2..=10).contains(&greatest), "{batches} batches of up to {greatest}");
}

#[test]
fn sending_each_refused_message_again_by_itself_reorders_and_stopping_the_line_does_not() {
    for (retry, reorders) in [("per-message", true), ("stop-the-line", false)] {
        let place = Place::new();
        let server = OwnServer::start(&place);
        place.profile(&profile("measure = \"3s\"", &format!("retry = \"{retry}\""), ""));
        let words = ["run", "profile.toml", "--out", "out", "--server", &server.url()];
        let mut live = place.start(place.jetlag(&words));
        wait_for_measure(&mut live);
        // For a while the stream takes nothing.
        for _ in 0..4 {
            server.change_stream(|config| config.max_message_size = 10);
            std::thread::sleep(Duration::from_millis(120));
            server.change_stream(|config| config.max_message_size = -1);
            std::thread::sleep(Duration::from_millis(300));
        }
        let told = live.end().ended_with(0).report().is(RunState::Complete);
        assert_eq!(told.count("publish_reordered") > 0.0, reorders, "{retry}: {}", told.count("publish_reordered"));
        for metric in ["lost", "duplicate_stored", "failed", "unknown", "order_violations"] {
            assert_eq!(told.count(metric), 0.0, "{retry}: {metric}");
        }
    }
}

#[test]
fn a_backlog_is_stored_before_the_members_start_and_its_sequences_go_on() {
    let place = Place::new();
    place.profile(&profile("measure = \"1s\"", "backlog = 3001\npublish = \"fast-batch\"", ""));
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report().is(RunState::Complete);
    is_whole("backlog", &told);
    let history = history(&told);
    let started = |line: &&jetlag::model::story::StoryLine| matches!(&line.event, StoryEvent::Spawned { process, .. } if process.starts_with('c'));
    let members_at = history.story.iter().find(started).expect("members start").at;
    let publishes = || history.journals.iter().flat_map(|journal| &journal.publishes);
    assert_eq!(publishes().filter(|publish| publish.sent < members_at).count(), 3001);
    for publish in publishes().filter(|publish| publish.sent < members_at) {
        assert!(matches!(publish.fate, Fate::Stored { at, .. } if at <= members_at), "{publish:?}");
    }
    let mut ids: Vec<_> = publishes().map(|publish| (publish.key, publish.key_seq)).collect();
    ids.sort_unstable();
    for pair in ids.windows(2) {
        let ((key, seq), (next_key, next_seq)) = (pair[0], pair[1]);
        assert_eq!(next_seq, if key == next_key { seq + 1 } else { 1 }, "a key's sequences have no holes");
    }
}

#[test]
fn who_begins_with_what_is_new_gets_nothing_of_the_backlog() {
    let place = Place::new();
    let strategy = "[strategy]\nkind = \"ordered\"\nstart = \"new\"";
    place.profile(&profile("measure = \"1s\"", "backlog = 2000", strategy).replace("members = 2", "members = 1"));
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report();
    let history = history(&told);
    let handled = history.journals.iter().map(|journal| journal.handlings.len()).sum::<usize>() as f64;
    assert!(handled > 500.0, "{handled}");
    assert!(told.count("lost") >= 2000.0 && handled <= told.count("stored") - 2000.0, "{handled} of {told:?}");
}

#[test]
fn a_server_that_is_too_old_is_refused_before_anything_is_made() {
    let place = Place::new();
    let pinned = "[strategy]\nkind = \"pinned\"";
    for (version, load, rest, words) in [
        ("2.10.26", "", pinned, ["2.10.26", "2.11.0", "strategy.kind"]),
        ("2.11.11", "publish = \"atomic-batch\"", "", ["2.11.11", "2.12.1", "load.publish"]),
        ("2.12.8", "publish = \"fast-batch\"", "", ["2.12.8", "2.14.0", "load.publish"]),
    ] {
        // The server that is found, because the environment names it.
        place.profile(&profile("measure = \"1s\"", load, rest));
        let mut command = place.jetlag(&["run", "profile.toml", "--out", "out"]);
        command.env("JETLAG_NATS_SERVER", binary(version));
        let ended = place.start(command).end().ended_with(3);
        assert!(words.iter().all(|word| ended.err.contains(word)), "{}", ended.err);
        // The one that the profile names: then the profile is wrong.
        let typed = format!("server.version={version}");
        let ended = place.run(&["run", "profile.toml", "--out", "out", "--set", &typed]).ended_with(2);
        assert!(ended.err.contains(words[0]) && ended.err.contains(words[1]), "{}", ended.err);
    }
    // The user's own.
    let server = OwnServer::start_version(&place, "2.11.11");
    place.profile(&profile("measure = \"1s\"", "publish = \"atomic-batch\"", ""));
    let ended = place.run(&["run", "profile.toml", "--out", "out", "--server", &server.url()]).ended_with(3);
    assert!(ended.err.contains("2.12.1"), "{}", ended.err);
    assert_eq!(server.streams(), Vec::<String>::new());
    assert!(!place.path().join("out").exists(), "nothing was made");
}

#[test]
fn batches_work_with_the_oldest_servers_that_have_them() {
    for (version, way) in [("2.12.8", "atomic-batch"), ("2.14.6", "fast-batch"), ("2.14.6", "atomic-batch")] {
        let place = Place::new();
        place.profile(&profile("measure = \"1s\"", &format!("publish = \"{way}\""), ""));
        let typed = format!("server.version={version}");
        let told = place.run(&["run", "profile.toml", "--out", "out", "--set", &typed]).ended_with(0).report();
        is_whole(&format!("{way} on {version}"), &told.is(RunState::Complete));
    }
}

#[test]
fn a_group_of_core_nats_persists_nothing_and_loses_what_a_dead_member_held_without_breaking_a_promise() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    // More comes than the members can handle, so that the one that dies holds some of it.
    let rest = "handler = \"fixed\"\nhandler-time = \"3ms\"\n[strategy]\nkind = \"core-queue\"\n\
                [[fault]]\nkind = \"kill\"\ntarget = \"c1\"\nat = \"1s\"";
    let load = profile("measure = \"2s\"", "publish = \"core\"", rest).replace("2000/s", "1000/s");
    place.profile(&load);
    let words = ["run", "profile.toml", "--out", "out", "--server", &server.url(), "--keep"];
    let told = place.run(&words).ended_with(0).report().is(RunState::Complete);
    assert!(told.count("lost") > 0.0, "what c1 held is gone");
    assert_eq!(told.count("redelivered"), 0.0, "nothing comes again");
    assert!(!told.report.promises.at_least_once && !told.report.promises.order_per_key);
    assert_eq!(server.stream().state.messages, 0, "nothing is persisted");
}
