//! nats-servers of our own: one, or a cluster of several, on free loopback ports, with stores and logs in the run folder.

use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use futures_util::future::{join_all, try_join_all};
use rand::RngExt;
use tokio::time::Instant;

use super::access::{Access, Given, Secret};
use super::connect::jetstream;
use super::fetch::Binary;
use super::server::{Error, PROBE_WITHIN, READY_POLL, READY_WITHIN, Routes, SYSTEM_USER, Server, Settings};
use crate::process::Group;

/// Ports are tried at random in a range that the system does not give to outgoing connections. In that other range a
/// client that reconnects to a stopped server would sooner or later connect to itself, and hold the port.
pub(super) const PORTS: std::ops::Range<u16> = 20_000..32_000;
/// How often a port is looked for, and how often nodes are started until each has got its own.
pub(super) const ATTEMPTS: u32 = 16;
/// A start that takes longer than this is not going to succeed.
const ATTEMPT_WITHIN: Duration = Duration::from_secs(20);

/// How to start a cluster.
#[derive(Clone, Debug)]
pub struct Options {
    /// Holds a folder for each node, by its number; made when it is missing.
    pub folder: PathBuf,
    /// How many nodes. One is a single server, which looks for no others.
    pub nodes: u16,
    /// The group they are started in.
    pub group: Group,
    /// Whether there is a user of the system account: only that account can ask the leader of the cluster to step down.
    pub system: bool,
}

/// Running nats-servers that know each other. Dropping it kills them; [`Cluster::stop`] is the polite way.
#[derive(Debug)]
pub struct Cluster {
    /// In the order of their numbers.
    nodes: Vec<Server>,
    /// No other cluster anywhere is called so.
    name: String,
    /// What it lacks when every node is ready and the cluster is not.
    unsettled: Option<String>,
    /// Password of the user of the system account.
    system: Option<Secret>,
}

impl Cluster {
    /// Starts the nodes and waits until JetStream answers on each and a copy of a stream can lie on every one.
    ///
    /// # Errors
    /// Any [`enum@Error`].
    pub async fn start(binary: &Binary, options: Options) -> Result<Self, Error> {
        let name = format!("jetlag-{:016x}", rand::random::<u64>());
        let deadline = Instant::now() + READY_WITHIN;
        let system = options.system.then(|| Secret::from(format!("{:032x}", rand::random::<u128>())));
        for _ in 0..ATTEMPTS {
            let mut cluster = Self { nodes: Vec::new(), name: name.clone(), unsettled: None, system: system.clone() };
            let settings = settings(&name, &options, system.as_ref())?;
            let attempt = deadline.min(Instant::now() + ATTEMPT_WITHIN);
            match tokio::time::timeout_at(attempt, cluster.come_up(binary, settings)).await {
                Ok(Ok(())) => return Ok(cluster),
                // Between our look and a server's own somebody took a port.
                Ok(Err(Error::PortTaken { .. })) => {}
                Ok(Err(error)) => return Err(error),
                Err(_) if Instant::now() < deadline => {}
                Err(_) => return Err(cluster.not_ready()),
            }
            // The same nodes try again, with other ports, and must have let go of their files.
            cluster.stop().await?;
        }
        Err(Error::NoPort)
    }

    /// The way to connect to any node.
    #[must_use]
    pub fn access(&self) -> Access {
        Access::anonymous(self.nodes.iter().map(Server::url).collect())
    }

    /// The way to connect to any node as a user of the system account, when there is one.
    #[must_use]
    pub fn system_access(&self) -> Option<Access> {
        let password = self.system.clone()?;
        let given = Given {
            servers: self.nodes.iter().map(Server::url).collect::<Vec<_>>().join(","),
            user: Some(SYSTEM_USER.to_owned()),
            password: Some(password),
            ..Given::default()
        };
        Access::new(given).ok()
    }

    /// The nodes, in the order of their numbers.
    #[must_use]
    pub fn nodes(&self) -> &[Server] {
        &self.nodes
    }

    /// The same, to be looked after.
    pub fn nodes_mut(&mut self) -> &mut [Server] {
        &mut self.nodes
    }

    /// Stops all nodes at once: SIGTERM, so that JetStream closes its files, and SIGKILL when that takes too long.
    ///
    /// # Errors
    /// [`Error::Process`].
    pub async fn stop(mut self) -> Result<(), Error> {
        let exits = join_all(self.nodes.iter_mut().map(Server::halt)).await;
        exits.into_iter().try_for_each(|exit| exit.map(drop))
    }

    /// One after the other. Nodes that look for each other at the same instant make every route twice and close one of
    /// each pair, and a node of nats-server 2.10.26 was once seen after that with all its routes, and without ever
    /// hearing of the leader. Whatever the cause, waiting did not help: so a start is given up early and tried again, too.
    async fn come_up(&mut self, binary: &Binary, settings: Vec<Settings>) -> Result<(), Error> {
        for settings in settings {
            let node = self.nodes.push_mut(Server::launch(binary, settings)?);
            node.until_it_listens().await?;
        }
        try_join_all(self.nodes.iter_mut().map(Server::until_ready)).await?;
        if self.nodes.len() > 1 { self.until_settled().await } else { Ok(()) }
    }

    fn not_ready(&self) -> Error {
        let lacks: Vec<_> = self.nodes.iter().filter_map(Server::lack).chain(self.unsettled.clone()).collect();
        let logs: Vec<_> = self.nodes.iter().map(Server::log_end).collect();
        Error::NotReady { why: lacks.join("; "), logs: logs.join("") }
    }

    /// Waits until a stream with as many copies as there are nodes has all of them up to date. That a leader answers
    /// does not say that every peer follows it yet, and streams would be refused, or stand on fewer feet than they say.
    async fn until_settled(&mut self) -> Result<(), Error> {
        let config = stream::Config {
            name: format!("{}-probe", self.name),
            storage: stream::StorageType::Memory,
            num_replicas: self.nodes.len(),
            ..stream::Config::default()
        };
        let mut context = None;
        loop {
            for node in &mut self.nodes {
                node.must_run()?;
            }
            let answer = match &context {
                Some(context) => copies_are_current(context, &config).await,
                None => match self.access().connect("jetlag probe", |_| {}).await {
                    Ok(client) => {
                        context = Some(jetstream(client, PROBE_WITHIN));
                        continue;
                    }
                    Err(error) => Err(error.to_string()),
                },
            };
            self.unsettled = answer.err();
            if self.unsettled.is_none() {
                return Ok(());
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }
}

/// What the nodes of a cluster are, on ports that are free just now.
fn settings(name: &str, options: &Options, system: Option<&Secret>) -> Result<Vec<Settings>, Error> {
    let routed = if options.nodes > 1 { options.nodes } else { 0 };
    let mut ports = free_ports(options.nodes + routed)?;
    let route_ports = ports.split_off(usize::from(options.nodes));
    let of_node = |(node, port): (u16, u16)| {
        let routes = route_ports.get(usize::from(node));
        Settings {
            node,
            server_name: format!("{name}-{node}"),
            folder: options.folder.join(node.to_string()),
            port,
            routes: routes.map(|&port| Routes { cluster: name.to_owned(), port, all: route_ports.clone() }),
            group: options.group,
            system: system.cloned(),
        }
    };
    Ok((0..options.nodes).zip(ports).map(of_node).collect())
}

/// Asks for a stream whose copies are all up to date, and removes it; the error says what is missing.
async fn copies_are_current(context: &jetstream::Context, config: &stream::Config) -> Result<(), String> {
    let stream = context.get_or_create_stream(config.clone()).await;
    let mut stream = stream.map_err(|error| format!("no stream of {} copies: {error}", config.num_replicas))?;
    let info = stream.info().await.map_err(|error| error.to_string())?;
    let peers = info.cluster.iter().flat_map(|cluster| &cluster.replicas);
    // The leader is not among its peers.
    let current = 1 + peers.filter(|peer| peer.current && !peer.offline).count();
    if current < config.num_replicas {
        return Err(format!("{current} of {} copies of a stream are up to date", config.num_replicas));
    }
    context.delete_stream(&config.name).await.map(drop).map_err(|error| error.to_string())
}

/// Ports that nobody listens on, each another.
fn free_ports(count: u16) -> Result<Vec<u16>, Error> {
    let mut held = Vec::new();
    for _ in 0..u32::from(count) * ATTEMPTS {
        if held.len() == usize::from(count) {
            break;
        }
        let port = rand::rng().random_range(PORTS);
        held.extend(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).ok().map(|listener| (port, listener)));
    }
    if held.len() < usize::from(count) {
        return Err(Error::NoPort);
    }
    Ok(held.into_iter().map(|(port, _)| port).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_are_free_and_each_another() {
        let ports = free_ports(10).expect("there are ports");
        let distinct: std::collections::BTreeSet<_> = ports.iter().collect();
        assert_eq!(distinct.len(), 10, "{ports:?}");
        assert!(ports.iter().all(|port| PORTS.contains(port)));
    }
}
