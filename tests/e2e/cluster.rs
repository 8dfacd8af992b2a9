//! A cluster that jetlag starts: it carries a run on three copies, its nodes are told apart, and none is left behind.

use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};
use rustix::process::Signal;

use crate::place::{Live, Place};
use crate::processes::signal;

const NODES: [&str; 3] = ["server-0", "server-1", "server-2"];

fn profile(measure: &str, faults: &str) -> String {
    format!(
        r#"
[run]
warm-up = "500ms"
measure = "{measure}"
[server]
nodes = 3
[stream]
partitions = 4
replicas = 3
[load]
rate = "200/s"
keys = 50
[fleet]
members = 2
[strategy]
kind = "lease-group"
ttl = "1s"
{faults}"#
    )
}

fn start<'a>(place: &'a Place, measure: &str, faults: &str) -> Live<'a> {
    place.profile(&profile(measure, faults));
    place.start(place.jetlag(&["run", "profile.toml", "--out", "out"]))
}

#[test]
fn a_run_on_three_copies_survives_a_crash_and_leaves_no_node() {
    let place = Place::new();
    let told = start(&place, "5s", "[[fault]]\nkind = \"kill\"\ntarget = \"c0\"\nat = \"1s\"\n")
        .end()
        .ended_with(0)
        .report()
        .is(RunState::Complete);
    assert!(told.count("handled") > 0.0);
    for metric in ["lost", "order_violations", "overlap"] {
        assert_eq!(told.count(metric), 0.0, "{metric}");
    }
    assert_eq!(told.report.environment.server_nodes, 3);
    let servers: Vec<_> = told.report.figures.resources.iter().map(|series| series.process.as_str()).collect();
    for node in NODES {
        assert!(servers.contains(&node), "{node} was not watched: {servers:?}");
    }
    let processor = told.reading("cpu_per_million", Stat::Value, &Scope::Process("server".to_owned()));
    assert!(processor.is_some_and(|seconds| seconds > 0.0), "{processor:?}");
    place.wait_until_nobody_is_left();
}

#[test]
fn a_node_that_dies_unasked_is_told_by_its_name() {
    let place = Place::new();
    let mut live = start(&place, "20s", "");
    live.wait_for("the measure phase", |event| *event == StoryEvent::Phase { phase: Phase::Measure });
    signal(live.pid_of("server-1"), Signal::KILL);
    let ended = live.end();
    place.wait_until_nobody_is_left();
    let told = ended.report();
    told.gives_a_reason_with(&["server-1", "died unasked", "signal 9"]);
    assert_ne!(ended.code, Some(0), "half a run is no good run");
    assert_ne!(told.report.state, RunState::Complete);
}

#[test]
fn a_driver_that_is_killed_leaves_no_node() {
    let place = Place::new();
    let mut live = start(&place, "20s", "");
    for node in NODES {
        live.pid_of(node);
    }
    live.signal(Signal::KILL);
    live.end();
    place.wait_until_nobody_is_left();
}
