//! A user's own cluster: three servers started by the test, of which one can be told to retire.

use std::net::TcpListener;

use jetlag::nats::Given;
use rustix::process::Signal;

use crate::place::Place;
use crate::processes::{signal, wait_for};
use crate::server::OwnServer;

/// Three nats-servers that agree.
pub(crate) struct OwnCluster {
    nodes: Vec<OwnServer>,
}

impl OwnCluster {
    /// Starts them and waits until a stream can have three copies. A node that retires sends its clients away at once.
    pub(crate) fn start(place: &Place) -> Self {
        // The listeners are let go just before the servers take the ports; nobody else looks for ports down there.
        let listeners: Vec<_> = (21_000..32_000)
            .step_by(37)
            .filter_map(|port| TcpListener::bind(("127.0.0.1", port)).ok())
            .take(3)
            .collect();
        let ports: Vec<_> =
            listeners.iter().map(|listener| listener.local_addr().expect("it is bound").port()).collect();
        drop(listeners);
        let routes = ports.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect::<Vec<_>>().join(", ");
        let start = |(number, port): (usize, &u16)| {
            let configuration = format!(
                "server_name: node-{number}\nlame_duck_duration: \"30s\"\nlame_duck_grace_period: \"500ms\"\n\
                 cluster {{ name: own, listen: \"127.0.0.1:{port}\", routes: [ {routes} ] }}\n"
            );
            OwnServer::start_named(place, &format!("node-{number}"), "", &configuration, Given::default())
        };
        let cluster = Self { nodes: ports.iter().enumerate().map(start).collect() };
        wait_for("the cluster to agree", || cluster.nodes[0].makes_copies(3).then_some(()));
        cluster
    }

    /// The addresses of all, behind one where nobody listens.
    pub(crate) fn urls_behind_a_dead_one(&self) -> String {
        let mut urls = vec!["nats://127.0.0.1:1".to_owned()];
        urls.extend(self.nodes.iter().map(OwnServer::url));
        urls.join(",")
    }

    /// The node that leads a stream.
    pub(crate) fn leader_of(&self, stream: &str) -> usize {
        wait_for("the stream to have a leader", || {
            let leader = self.nodes[0].leader_of(stream)?;
            leader.strip_prefix("node-")?.parse().ok()
        })
    }

    /// Tells a node to retire: it hands over what it leads, sends its clients away, and ends.
    pub(crate) fn retire(&self, node: usize) {
        signal(self.nodes[node].pid(), Signal::USR2);
    }

    /// Waits until a node has ended.
    pub(crate) fn wait_until_gone(&mut self, node: usize) {
        wait_for("the node to end", || self.nodes[node].has_ended().then_some(()));
    }

    /// A node that still runs.
    pub(crate) fn other_than(&self, node: usize) -> &OwnServer {
        &self.nodes[(node + 1) % self.nodes.len()]
    }

    /// A node.
    pub(crate) fn node(&self, node: usize) -> &OwnServer {
        &self.nodes[node]
    }
}
