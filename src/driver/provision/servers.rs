//! The servers while faults strike them: ended, started again, paused, and asked who leads what.
//!
//! Whatever is asked of a server here is asked on a connection of its own, and has a bound: the one that the driver uses
//! otherwise may lead to the very server that was struck.

use std::time::Duration;

use async_nats::jetstream::{self, stream};
use serde_json::Value;

use super::Ground;
use crate::driver::Error;
use crate::fault::step_down::Of;
use crate::nats::{Access, Cluster, Server};
use crate::process::Exit;
use crate::profile::Plan;

/// One question to one server in mid-run.
const ANSWER_WITHIN: Duration = Duration::from_millis(500);
/// Between two looks whether a server is well again.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long a server may take to be well again: it recovers its store, finds the others, and catches up.
pub(in crate::driver) const WELL_WITHIN: Duration = Duration::from_secs(90);

/// Refuses to strike servers that are not jetlag's own.
///
/// # Errors
/// [`Error::NotOurs`] with the fault and the reason.
pub(super) fn spare_the_users(plan: &Plan) -> Result<(), Error> {
    let strikes = plan.faults.iter().find(|fault| fault.kind.strikes_servers());
    let kind = strikes.map(|fault| fault.kind.name());
    if let Some(kind) = kind {
        let why = "it signals processes of servers, and jetlag signals only processes that it started itself";
        return Err(Error::NotOurs { kind, deed: "strike", why });
    }
    if plan.steps_down().any(|of| of == Of::Meta) {
        let why = "the cluster's leader steps down for the system account only, and a user of that account cannot use \
                   JetStream, which a run needs";
        return Err(Error::NotOurs { kind: "step-down of meta", deed: "strike", why });
    }
    if plan.strategy.hears_the_system() {
        let why = "servers tell of connections that ended in their system account only, and a user of that account cannot use JetStream, which \
                   a run needs (hints = [\"probe\"] need no such account)";
        return Err(Error::NotOurs { kind: "hint \"sys\"", deed: "come from", why });
    }
    Ok(())
}

impl Ground {
    /// The way to connect to servers of jetlag's own as a user of the system account, when there is one.
    pub(in crate::driver) fn system_access(&self) -> Option<Access> {
        self.cluster.as_ref().and_then(Cluster::system_access)
    }

    /// How many servers of jetlag's own there are.
    pub(in crate::driver) fn nodes(&self) -> u16 {
        u16::try_from(self.servers().count()).unwrap_or(u16::MAX)
    }

    /// The name of a node in the story.
    pub(in crate::driver) fn node_name(&self, node: u16) -> String {
        self.node(node).map_or_else(|| format!("server-{node}"), |server| server.name().to_owned())
    }

    /// Kills a node (SIGKILL).
    pub(in crate::driver) fn kill_node(&mut self, node: u16) {
        self.servers_down.insert(node);
        // Who has ended in this instant cannot be signalled, and the exit is seen all the same.
        let _ = self.node(node).map(|server| server.handle().kill());
    }

    /// Asks a node to end (SIGTERM).
    pub(in crate::driver) fn terminate_node(&mut self, node: u16) {
        self.servers_down.insert(node);
        let _ = self.node(node).map(|server| server.handle().terminate());
    }

    /// Pauses a node (SIGSTOP).
    pub(in crate::driver) fn pause_node(&self, node: u16) {
        let _ = self.node(node).map(|server| server.handle().stop());
    }

    /// Ends a node's pause (SIGCONT).
    pub(in crate::driver) fn continue_node(&self, node: u16) {
        let _ = self.node(node).map(|server| server.handle().cont());
    }

    /// How a node that a fault ended has ended, if it has.
    pub(in crate::driver) fn node_exit(&mut self, node: u16) -> Result<Option<Exit>, Error> {
        match self.cluster.as_mut().and_then(|cluster| cluster.nodes_mut().get_mut(usize::from(node))) {
            Some(server) => Ok(server.try_exited()?),
            None => Ok(None),
        }
    }

    /// Starts a node that has ended again. Returns its pid; whether it is well again, [`Ground::look_at_node`] finds out.
    pub(in crate::driver) fn start_node(&mut self, node: u16) -> Result<u32, Error> {
        let Some(server) = self.cluster.as_mut().and_then(|cluster| cluster.nodes_mut().get_mut(usize::from(node)))
        else {
            return Ok(0);
        };
        server.relaunch()?;
        let pid = server.pid().number();
        self.servers_down.remove(&node);
        Ok(pid)
    }

    /// Waits until a node is well: it answers, and every copy of what the run stores is up to date. The error says what
    /// was missing at last.
    pub(in crate::driver) fn look_at_node(
        &self,
        node: u16,
    ) -> impl Future<Output = Result<(), String>> + 'static + use<> {
        let server = self.node(node).map(|server| (server.access(), server.server_name().to_owned()));
        let streams = [self.name.clone()].into_iter().chain(self.buckets.iter().map(|bucket| format!("KV_{bucket}")));
        let streams: Vec<String> = streams.collect();
        async move {
            let Some((access, server_name)) = server else { return Ok(()) };
            let mut lacks = String::new();
            let look = async {
                loop {
                    match well(&access, &server_name, &streams).await {
                        Ok(()) => return,
                        Err(lack) => lacks = lack,
                    }
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            };
            let found = tokio::time::timeout(WELL_WITHIN, look).await;
            found.map_err(|_| format!("it was not well within {} s: {lacks}", WELL_WITHIN.as_secs()))
        }
    }

    /// The number of the node that leads the run's stream, when that can be found out soon.
    pub(in crate::driver) async fn leading_node(&self) -> Option<u16> {
        if self.nodes() == 1 {
            return Some(0);
        }
        let name = self.leader_of(&self.name).await.ok()?;
        (0..).zip(self.servers()).find(|(_, server)| server.server_name() == name).map(|(number, _)| number)
    }

    /// Asks a leader to step down. Returns who led.
    ///
    /// # Errors
    /// In words why nobody stepped down.
    pub(in crate::driver) async fn step_down(&self, of: Of, draw: u64) -> Result<String, String> {
        let (leader, subject, system) = match of {
            Of::Stream => {
                let leader = self.leader_of(&self.name).await?;
                (leader, format!("STREAM.LEADER.STEPDOWN.{}", self.name), false)
            }
            Of::Bucket => {
                let bucket = self.buckets.first().ok_or("there is no bucket")?;
                let stream = format!("KV_{bucket}");
                (self.leader_of(&stream).await?, format!("STREAM.LEADER.STEPDOWN.{stream}"), false)
            }
            Of::Consumer => {
                let (consumer, leader) = self.led_consumer(draw).await?;
                (leader, format!("CONSUMER.LEADER.STEPDOWN.{}.{consumer}", self.name), false)
            }
            Of::Meta => (self.meta_leader().await?, "META.LEADER.STEPDOWN".to_owned(), true),
        };
        let answer = self.ask(&subject, system).await?;
        match answer.pointer("/error/description").and_then(Value::as_str) {
            None => Ok(self.own_name(&leader)),
            Some(why) => Err(format!("the server refused: {why}")),
        }
    }

    /// One request of JetStream's API, answered by whichever server answers first.
    async fn ask(&self, subject: &str, system: bool) -> Result<Value, String> {
        let mut why = "there is no server".to_owned();
        for access in self.ways_in(system) {
            let subject = format!("{}.{subject}", access.api_prefix());
            let asked = async {
                let client = access.connect("jetlag-faults", |_| ()).await.map_err(|error| error.to_string())?;
                let answer = client.request(subject, "".into()).await.map_err(|error| error.to_string())?;
                serde_json::from_slice(&answer.payload).map_err(|error| format!("no answer of JetStream's: {error}"))
            };
            match tokio::time::timeout(ANSWER_WITHIN, asked).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => why = error,
                Err(_) => why = format!("no answer within {} ms", ANSWER_WITHIN.as_millis()),
            }
        }
        Err(why)
    }

    /// Each server by itself; on a user's own cluster the way that the user gave.
    fn ways_in(&self, system: bool) -> Vec<Access> {
        match (&self.cluster, system) {
            (None, _) => vec![self.access.clone()],
            (Some(cluster), false) => {
                let up = (0..).zip(cluster.nodes()).filter(|(number, _)| !self.servers_down.contains(number));
                up.map(|(_, server)| server.access()).collect()
            }
            (Some(cluster), true) => cluster.system_access().into_iter().collect(),
        }
    }

    /// What the server that leads a stream calls itself.
    async fn leader_of(&self, stream: &str) -> Result<String, String> {
        let info = self.ask(&format!("STREAM.INFO.{stream}"), false).await?;
        let leader = info.pointer("/cluster/leader").and_then(Value::as_str);
        leader.map(str::to_owned).ok_or_else(|| "the stream has no leader now".to_owned())
    }

    /// One of the stream's consumers that lie on several servers, and who leads it.
    async fn led_consumer(&self, draw: u64) -> Result<(String, String), String> {
        let list = self.ask(&format!("CONSUMER.LIST.{}", self.name), false).await?;
        let consumers = list.get("consumers").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let led = |consumer: &Value| {
            let copies = consumer.pointer("/cluster/replicas").and_then(Value::as_array).map_or(0, Vec::len);
            let leader = consumer.pointer("/cluster/leader").and_then(Value::as_str)?;
            let name = consumer.get("name").and_then(Value::as_str)?;
            (copies > 0).then(|| (name.to_owned(), leader.to_owned()))
        };
        let mut led: Vec<_> = consumers.iter().filter_map(led).collect();
        led.sort_unstable();
        let none =
            || "no consumer of the stream lies on more than one server, so none has a lead to hand over".to_owned();
        let chosen = usize::try_from(draw % (led.len().max(1) as u64)).unwrap_or(0);
        led.into_iter().nth(chosen).ok_or_else(none)
    }

    /// Who leads the cluster.
    async fn meta_leader(&self) -> Result<String, String> {
        let info =
            self.cluster.as_ref().and_then(Cluster::system_access).ok_or("there is no user of the system account")?;
        let asked = async {
            let client = info.connect("jetlag-faults", |_| ()).await.map_err(|error| error.to_string())?;
            let answer = client.request("$SYS.REQ.SERVER.PING.JSZ", "{}".into()).await;
            let answer = answer.map_err(|error| error.to_string())?;
            serde_json::from_slice::<Value>(&answer.payload).map_err(|error| error.to_string())
        };
        let answer =
            tokio::time::timeout(ANSWER_WITHIN, asked).await.map_err(|_| "no server said who leads the cluster")??;
        let leader = answer.pointer("/data/meta_cluster/leader").and_then(Value::as_str);
        leader.map(str::to_owned).ok_or_else(|| "the cluster has no leader now".to_owned())
    }

    /// The story's name of a server that calls itself so; a user's server keeps its own.
    fn own_name(&self, server_name: &str) -> String {
        let own = self.servers().find(|server| server.server_name() == server_name);
        own.map_or_else(|| server_name.to_owned(), |server| server.name().to_owned())
    }

    fn node(&self, node: u16) -> Option<&Server> {
        self.servers().nth(usize::from(node))
    }
}

/// Whether a server answers, and every copy of these streams is up to date.
async fn well(access: &Access, server_name: &str, streams: &[String]) -> Result<(), String> {
    crate::nats::server::answers(access, server_name).await?;
    let client = access.connect("jetlag-faults", |_| ()).await.map_err(|error| error.to_string())?;
    let context: jetstream::Context = access.jetstream(client, ANSWER_WITHIN);
    for name in streams {
        let found = context.get_stream_no_info(name).await.map_err(|error| error.to_string())?;
        let info: stream::Info = match found.get_info().await {
            Ok(info) => info,
            // A bucket that the strategy has not made yet is not missed.
            Err(error) if error.to_string().contains("not found") => continue,
            Err(error) => return Err(format!("the stream {name}: {error}")),
        };
        let Some(cluster) = info.cluster else { continue };
        if info.config.num_replicas > 1 && cluster.leader.is_none() {
            return Err(format!("the stream {name} has no leader"));
        }
        if cluster.replicas.iter().any(|peer| peer.offline || !peer.current) {
            return Err(format!("a copy of the stream {name} is not up to date"));
        }
    }
    Ok(())
}
