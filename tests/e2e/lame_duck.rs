//! A node of a user's own cluster retires in mid-run: the run goes on at the others, and nothing is lost.

use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};

use crate::own_cluster::OwnCluster;
use crate::place::Place;

#[test]
fn a_run_outlives_the_node_that_led_its_stream_and_retires() {
    let place = Place::new();
    place.profile(
        r#"
[run]
warm-up = "500ms"
measure = "15s"
drain = "40s"
[server]
nodes = 3
[stream]
partitions = 4
replicas = 3
# One at a time: what a retiring leader swallows in silence would otherwise be stored behind what was sent after it.
[load]
rate = "200/s"
keys = 50
publish = "sync"
[fleet]
members = 2
[strategy]
kind = "lease-group"
ttl = "2s"
commit = "explicit"
"#,
    );
    let mut cluster = OwnCluster::start(&place);
    let urls = cluster.urls_behind_a_dead_one();
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &urls]));
    live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
    let folder = place.run_folder().expect("a run is under way");
    let manifest = std::fs::read_to_string(folder.join("manifest.json")).expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_str(&manifest).expect("it is JSON");
    let stream = format!("jetlag-{}", manifest["run_id"].as_str().expect("it has an id"));
    let leader = cluster.leader_of(&stream);
    cluster.retire(leader);

    let ended = live.end().ended_with(0);
    cluster.wait_until_gone(leader);
    let told = ended.report().is(RunState::Complete);
    assert!(cluster.node(leader).log().contains("lame duck"), "the node retired");
    assert!(told.count("handled") > 1000.0);
    for metric in ["lost", "unhandled", "order_violations", "publish_reordered"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    assert_eq!(cluster.other_than(leader).streams(), [""; 0], "it removes what it made");
    place.wait_until_nobody_is_left();
}
