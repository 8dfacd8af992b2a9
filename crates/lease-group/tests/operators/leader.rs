//! A bucket without a leader, on three nodes: who stops, who rides it out, and for how long nothing is handled.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use async_nats::jetstream::{self, stream};
use lease_group::{GroupBuilder, PartitionEvent, Sink};

use crate::server::{Server, cluster};
use crate::worker::{Handled, Worker, connect, group, until};

const PARTITIONS: u32 = 6;
const TTL: Duration = Duration::from_secs(2);

async fn make(jetstream: &jetstream::Context, name: &str, subject: &str) {
    let config = stream::Config {
        name: name.to_owned(),
        subjects: vec![subject.to_owned()],
        num_replicas: 3,
        storage: stream::StorageType::Memory,
        ..Default::default()
    };
    let deadline = Instant::now() + Duration::from_secs(60);
    while let Err(error) = jetstream.create_stream(config.clone()).await {
        assert!(Instant::now() < deadline, "{name} was not made: {error}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn leader_of(jetstream: &jetstream::Context, stream: &str) -> Option<String> {
    jetstream.get_stream(stream).await.ok()?.cached_info().cluster.as_ref()?.leader.clone()
}

/// Makes a node the leader of a stream.
async fn lead(jetstream: &jetstream::Context, client: &async_nats::Client, stream: &str, node: &str) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while leader_of(jetstream, stream).await.as_deref() != Some(node) {
        assert!(Instant::now() < deadline, "{node} does not lead {stream}");
        let wish = format!(r#"{{"placement":{{"preferred":"{node}"}}}}"#);
        let _ = client.request(format!("$JS.API.STREAM.LEADER.STEPDOWN.{stream}"), wish.into()).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
}

/// Partitions whose consumer lies on a node: it dies with it, and cannot be replaced without a claim.
async fn lying_on(jetstream: &jetstream::Context, group: &str, node: &str) -> BTreeSet<u32> {
    use futures_util::TryStreamExt;
    let stream = jetstream.get_stream("S").await.expect("it is there");
    let infos: Vec<_> = stream.consumers().try_collect().await.expect("it answers");
    let on = infos
        .iter()
        .filter(|info| info.cluster.as_ref().is_some_and(|cluster| cluster.leader.as_deref() == Some(node)));
    on.filter_map(|info| info.name.strip_prefix(&format!("{group}-p"))?.split('-').next()?.parse().ok()).collect()
}

/// The longest time without a handling in any of `partitions`, from `since` on.
fn longest_gap(handled: &[Handled], partitions: &BTreeSet<u32>, since: Instant) -> Duration {
    let gap = |partition: u32| {
        let times: Vec<Instant> = handled
            .iter()
            .filter(|done| done.partition == partition && done.at + Duration::from_millis(500) >= since)
            .map(|done| done.at)
            .collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(Duration::MAX)
    };
    partitions.iter().map(|partition| gap(*partition)).max().unwrap_or_default()
}

fn fenced(servers: &str, name: &str) -> GroupBuilder {
    group(servers, name, PARTITIONS).lease_ttl(TTL).sink(Sink::new("SINK", format!("sink.{name}")))
}

/// It must outlast an election, so it is longer than others.
#[test]
fn who_rides_out_a_bucket_without_a_leader_goes_on_and_who_does_not_stops() {
    crate::run(async {
        let mut nodes = cluster();
        let servers = nodes[1..].iter().map(|node: &Server| node.url.clone()).collect::<Vec<_>>().join(",");
        let client = async_nats::connect(servers.split(',').collect::<Vec<_>>()).await.expect("it lets the test in");
        let jetstream = jetstream::new(client.clone());
        make(&jetstream, "S", "s.>").await;
        make(&jetstream, "SINK", "sink.>").await;
        let riding =
            Worker::join(fenced(&servers, "riding").ride_out(Duration::from_secs(20))).await.expect("it joins");
        let stopping = Worker::join(fenced(&servers, "stopping")).await.expect("it joins");
        let active = |worker: &Worker| {
            let opened: BTreeSet<u32> = worker
                .events()
                .iter()
                .filter(|(_, event)| matches!(event, PartitionEvent::Opened { .. }))
                .map(|(partition, _)| *partition)
                .collect();
            opened.len() == PARTITIONS as usize
        };
        until("all is owned", || active(&riding) && active(&stopping)).await;
        for (stream, node) in [("S", "n1"), ("SINK", "n2"), ("KV_riding", "n0"), ("KV_stopping", "n0")] {
            lead(&jetstream, &client, stream, node).await;
        }
        let publisher = connect(servers.split(',').next().expect("two")).await;
        let load = tokio::task::spawn_local(async move {
            loop {
                for partition in 0..PARTITIONS {
                    let _ = publisher.publish(format!("s.p.{partition}"), "x".into()).await;
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        });
        until("both handle", || riding.handled().len() > 300 && stopping.handled().len() > 300).await;
        let mut carried: BTreeSet<u32> = (0..PARTITIONS).collect();
        for name in ["riding", "stopping"] {
            let fell = lying_on(&jetstream, name, "n0").await;
            carried.retain(|partition| !fell.contains(partition));
        }

        let (killed, renewals) = (Instant::now(), stopping.events().len());
        nodes[0].kill();
        let granted_again = |worker: &Worker, from: usize| {
            let events = worker.events();
            let granted = |partition: u32| {
                let is_it = |(of, event): &(u32, PartitionEvent)| {
                    *of == partition && matches!(event, PartitionEvent::Opened { .. })
                };
                events[from..].iter().any(is_it)
            };
            (0..PARTITIONS).all(granted)
        };
        until("the bucket has a leader again", || granted_again(&stopping, renewals)).await;
        let election = killed.elapsed();
        let done = |worker: &Worker| worker.handled().iter().map(|handled| handled.at).max();
        until("both handle again", || [&riding, &stopping].iter().all(|worker| done(worker) > Some(killed + election)))
            .await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        load.abort();
        let (rode, stopped) =
            (longest_gap(&riding.handled(), &carried, killed), longest_gap(&stopping.handled(), &carried, killed));
        println!("election {election:?}; partitions {carried:?}: riding {rode:?}, stopping {stopped:?}");
        let rides = |(_, event): &(u32, PartitionEvent)| matches!(event, PartitionEvent::Riding { .. });
        assert!(riding.events().iter().any(rides), "nobody rode it out");
        assert!(!stopping.events().iter().any(rides));
        if !carried.is_empty() {
            assert!(rode < stopped, "riding {rode:?}, stopping {stopped:?}");
        }
    });
}
