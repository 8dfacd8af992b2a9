//! The small client of our own: what travels on it arrives, in order, through breaks; and where it cannot be used the library
//! stands in, and the report says so.

use std::time::Duration;

use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};
use jetlag::nats::{Given, Secret};

use crate::cut::Relay;
use crate::order::comparison;
use crate::place::{Place, Told};
use crate::server::OwnServer;

const WAYS: [&str; 5] = ["windowed", "sync", "atomic-batch", "fast-batch", "core"];

fn profile(measure: &str, rest: &str) -> String {
    format!(
        "[run]\nwarm-up = \"300ms\"\ndrain = \"20s\"\nmeasure = \"{measure}\"\n[stream]\npartitions = 4\n\
         [load]\nrate = \"2000/s\"\npublishers = 2\nkeys = 16\npath = \"plain\"\n[fleet]\nmembers = 2\n\
         [strategy]\nkind = \"shared-pull\"\n{rest}\n"
    )
}

fn variants<'a>(sets: impl IntoIterator<Item = (&'a str, String)>) -> String {
    sets.into_iter().map(|(name, set)| format!("[[variant]]\nname = \"{name}\"\nset = {{ {set} }}\n")).collect()
}

/// Whether the library stood in for the plain path.
fn detours(told: &Told) -> usize {
    told.report.notes.iter().filter(|note| note.contains("through the client library")).count()
}

#[test]
fn what_is_published_and_pulled_on_the_plain_path_is_whole() {
    let place = Place::new();
    let ways = WAYS.map(|way| (way, format!("\"load.publish\" = \"{way}\"")));
    let acks = [
        ("ack-none", "\"strategy.ack\" = \"none\""),
        ("double-ack", "\"strategy.double-ack\" = true"),
        // Acks that ask for nothing go out with the one that asks.
        ("acks-together", "\"strategy.confirm-every\" = 50, \"fleet.handler\" = \"none\""),
        // What users of the library get, beside publishers on the plain path.
        ("messages", "\"strategy.path\" = \"messages\""),
    ];
    let all = variants(ways.into_iter().chain(acks.map(|(name, set)| (name, set.to_owned()))));
    place.profile(&profile("1s", &format!("path = \"plain\"\n{all}")));
    let (compared, told) = comparison(&place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0));
    assert_eq!(compared.rows.len(), WAYS.len() + acks.len());
    for (row, told) in compared.rows.iter().zip(told) {
        let told = told.is(RunState::Complete);
        for metric in ["lost", "unhandled", "publish_reordered", "duplicate_stored", "failed"] {
            assert_eq!(told.count(metric), 0.0, "{}: {metric}", row.name);
        }
        assert!(told.count("stored") > 800.0, "{}: {}", row.name, told.count("stored"));
        assert_eq!(detours(&told), 0, "{}: {:?}", row.name, told.report.notes);
    }
    place.wait_until_nobody_is_left();
}

/// What was acknowledged and not taken would come again after the ack wait.
#[test]
fn one_confirmation_stands_for_many_acks_and_none_of_them_is_lost() {
    let place = Place::new();
    place.profile(&profile("3s", "path = \"plain\"\nconfirm-every = 50\nack-wait = \"1s\""));
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(0).report().is(RunState::Complete);
    for metric in ["lost", "unhandled", "redelivered", "regressed"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    assert!(told.count("handled") > 3000.0, "{}", told.count("handled"));
    assert_eq!(detours(&told), 0, "{:?}", told.report.notes);
}

/// A pull asks for more than the client holds, of a member that takes its time.
#[test]
fn what_the_client_itself_had_to_drop_makes_the_run_invalid() {
    let place = Place::new();
    let profile = "[run]\nwarm-up = \"300ms\"\nmeasure = \"1s\"\ndrain = \"500ms\"\n\
        [load]\nrate = \"200/s\"\npublishers = 1\nkeys = 16\npath = \"plain\"\npublish = \"fast-batch\"\nbacklog = 90000\n\
        [fleet]\nmembers = 1\nhandler = \"fixed\"\nhandler-time = \"5ms\"\n\
        [strategy]\nkind = \"shared-pull\"\npath = \"plain\"\nack = \"none\"\nbatch = 90000\n";
    place.profile(profile);
    let told = place.run(&["run", "profile.toml", "--out", "out"]).ended_with(4).report().is(RunState::Invalid);
    told.gives_a_reason_with(&["c0.1", "its client dropped messages"]);
}

#[test]
fn a_publisher_on_the_plain_path_keeps_its_order_when_its_connection_is_cut() {
    for way in ["windowed", "atomic-batch", "fast-batch"] {
        let place = Place::new();
        let server = OwnServer::start(&place);
        let relay = Relay::to(&server.url());
        // The members connect again, which on the plain path they would not.
        place.profile(&profile("2s", "").replace("[fleet]", &format!("publish = \"{way}\"\n[fleet]")));
        let url = format!("nats://127.0.0.1:{}", relay.port);
        let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &url]));
        live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
        let mut cuts = 0;
        for _ in 0..4 {
            cuts += relay.cut();
            std::thread::sleep(Duration::from_millis(300));
        }
        assert!(cuts >= 4, "{way}: only {cuts} connections were cut");
        let told = live.end().ended_with(0).report().is(RunState::Complete);
        for metric in ["lost", "publish_reordered", "failed", "unknown", "surfaced", "duplicate_stored"] {
            assert_eq!(told.count(metric), 0.0, "{way}: {metric}");
        }
        assert!(told.count("stored") > 2000.0, "{way}: {}", told.count("stored"));
        assert_eq!(detours(&told), 0, "{way}: {:?}", told.report.notes);
    }
}

#[test]
fn where_there_is_a_login_the_library_stands_in_and_the_report_says_so() {
    let place = Place::new();
    let token = || Given { token: Some(Secret::from("t0ken".to_owned())), ..Given::default() };
    let server = OwnServer::start_for(&place, "authorization { token: \"t0ken\" }\n", token());
    place.profile(&profile("500ms", "path = \"plain\""));
    let mut command = place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &server.url(), "--token"]);
    command.env("JETLAG_TOKEN", "t0ken");
    let told = place.start(command).end().ended_with(0).report().is(RunState::Complete);
    assert_eq!(detours(&told), 4, "two publishers and two members: {:?}", told.report.notes);
    assert!(told.report.notes.iter().all(|note| !note.contains("t0ken")));
}
