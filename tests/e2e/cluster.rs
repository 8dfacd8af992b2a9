//! A cluster that jetlag starts: it carries a run on three copies, its nodes are told apart, and none is left behind.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_nats::jetstream::Context;
use futures_util::TryStreamExt;
use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::RunState;
use jetlag::model::story::{Phase, StoryEvent};
use jetlag::nats::{Cluster, Finder, Options, jetstream};
use jetlag::process::Group;
use rustix::process::Signal;

use crate::place::{Live, Place};
use crate::processes::signal;
use crate::strategies::{self, Faults};

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

/// Where something lies: on how many servers, and whether in memory.
type Lies = (usize, bool);

/// What was seen on a cluster while runs were made there, by the name of the run's stream.
#[derive(Default)]
struct Seen {
    consumers: BTreeMap<String, BTreeSet<Lies>>,
    buckets: BTreeMap<String, BTreeSet<Lies>>,
}

impl Seen {
    /// Looks once. What is being made or removed meanwhile is seen the next time, or was before.
    async fn look(&mut self, context: &Context) -> Option<()> {
        use async_nats::jetstream::stream::StorageType::Memory;
        let peers = |cluster: Option<async_nats::jetstream::stream::ClusterInfo>| {
            cluster.filter(|cluster| cluster.leader.is_some()).map(|cluster| cluster.replicas.len() + 1)
        };
        let names: Vec<String> = context.stream_names().try_collect().await.ok()?;
        for name in names {
            let stream = context.get_stream(&name).await.ok()?;
            if let Some(bucket) = name.strip_prefix("KV_") {
                let info = stream.get_info().await.ok()?;
                let lies = peers(info.cluster).map(|peers| (peers, info.config.storage == Memory));
                self.buckets.entry(bucket.to_owned()).or_default().extend(lies);
                continue;
            }
            // One by one: a list waits four seconds for each that is just being made.
            let consumers: Vec<String> = stream.consumer_names().try_collect().await.ok()?;
            for consumer in consumers {
                let Ok(info) = stream.consumer_info(consumer).await else { continue };
                // The driver's own, at the end of the run.
                if info.config.description.as_deref() == Some("jetlag reads the stream back") {
                    continue;
                }
                let lies = peers(info.cluster).map(|peers| (peers, info.config.memory_storage));
                self.consumers.entry(name.clone()).or_default().extend(lies);
            }
        }
        Some(())
    }
}

/// One cluster for all, which the test can look into.
#[tokio::test(flavor = "current_thread")]
async fn every_strategy_works_on_three_copies_and_what_it_makes_lies_where_its_page_says() {
    let place = Place::new();
    let binary = Finder::from_environment().find(None).await.expect("the normal way leads to a nats-server");
    let options = Options { folder: place.path().join("cluster"), nodes: 3, group: Group::unguarded(), system: false };
    let cluster = Cluster::start(&binary, options).await.expect("it starts");
    let servers = cluster.access().urls().join(",");
    let client = cluster.access().connect("test", |_| {}).await.expect("it answers");
    let context = jetstream(client, Duration::from_secs(1));

    let rows = strategies::rows();
    let faults = Faults {
        group: r#"{ kind = "kill", target = "c1", at = "500ms" }, { kind = "restart", target = "c1", at = "1500ms" },
                  { kind = "leave", target = "c2", at = "2500ms" }"#,
        alone: r#"{ kind = "kill", target = "c0", at = "500ms" }, { kind = "restart", target = "c0", at = "1500ms" },
                  { kind = "restart", target = "c0", at = "2500ms" }"#,
    };
    let own = "measure = \"3500ms\"\n[server]\nnodes = 3\n[stream]\npartitions = 4\nreplicas = 3";
    strategies::profile(&place, &rows, own, &faults);
    let mut live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &servers]));
    let mut seen = Seen::default();
    while live.runs() {
        seen.look(&context).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let told = strategies::keep_their_promises(&rows, &live.end().ended_with(0));
    for (row, told) in rows.iter().zip(told) {
        let name = format!("jetlag-{}", told.report.run.id);
        let of = |seen: &BTreeMap<String, BTreeSet<Lies>>| seen.get(&name).cloned().unwrap_or_default();
        assert_eq!(of(&seen.consumers), row.consumers.into_iter().collect(), "{}: its consumers", row.kind);
        let bucket = row.bucket.map(|replicas| (replicas, false));
        assert_eq!(of(&seen.buckets), bucket.into_iter().collect(), "{}: its bucket", row.kind);
    }
    let left: Vec<String> = context.stream_names().try_collect().await.expect("it answers");
    assert_eq!(left, Vec::<String>::new(), "what was made was removed");
    place.wait_until_nobody_is_left();
    cluster.stop().await.expect("it stops");
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
