//! One node: a nats-server process on loopback ports, with its store and log in a folder of its own.
//!
//! How many there are, and on which ports, is [`super::Cluster`]'s business.

mod error;

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

pub use self::error::Error;
use self::error::{check_space, disk_full, io_error, tail};
use super::access::{Access, Secret};
use super::connect::jetstream;
use super::fetch::Binary;
use super::version::Version;
use crate::process::{self, Child, Exit, Group, Handle, Pid};

/// Recovering a large store takes time, and so does the choice of a leader on a busy machine; what is not ready by then
/// is not going to be.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(60);
pub(super) const READY_POLL: Duration = Duration::from_millis(10);
/// One question whether JetStream is ready.
pub(super) const PROBE_WITHIN: Duration = Duration::from_secs(2);
/// A server with much in memory to write down gets this long to do it.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// After SIGKILL only the kernel can be slow.
const KILL_WITHIN: Duration = Duration::from_secs(10);

/// What a node is.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    /// Its number, from 0.
    pub(super) node: u16,
    /// What it calls itself to clients. No other server anywhere does: so no stranger on its port is taken for it.
    pub(super) server_name: String,
    /// Folder for its configuration, store and log; made when it is missing.
    pub(super) folder: PathBuf,
    /// The port for clients.
    pub(super) port: u16,
    /// How it meets the other nodes, if there are any.
    pub(super) routes: Option<Routes>,
    /// The group that it is started in.
    pub(super) group: Group,
    /// Password of a user of the system account, when there is to be one. Everybody else stays anonymous.
    pub(super) system: Option<Secret>,
}

/// The user of the system account.
pub(super) const SYSTEM_USER: &str = "jetlag-system";

/// How the nodes of a cluster meet.
#[derive(Clone, Debug)]
pub(super) struct Routes {
    /// Name of the cluster: a server of another one is not let in.
    pub(super) cluster: String,
    /// The port that this node listens on for others.
    pub(super) port: u16,
    /// Those of all nodes, this one included: their number is how many the first election waits for.
    pub(super) all: Vec<u16>,
}

/// A nats-server process. Dropping it kills it; [`super::Cluster::stop`] is the polite way.
#[derive(Debug)]
pub struct Server {
    child: Child,
    binary: Binary,
    settings: Settings,
    /// Where in the log this process begins.
    log_start: u64,
    /// What it is waited for, while it is not ready.
    unready: Option<String>,
}

impl Server {
    /// Starts the process. It is not ready yet: [`Server::until_ready`].
    pub(super) fn launch(binary: &Binary, settings: Settings) -> Result<Self, Error> {
        let folder = &settings.folder;
        std::fs::create_dir_all(folder.join("store")).map_err(|source| io_error(folder, source))?;
        check_space(folder)?;
        let config_path = folder.join("nats-server.conf");
        std::fs::write(&config_path, configuration(&settings)).map_err(|source| io_error(&config_path, source))?;
        let log_path = folder.join("nats-server.log");
        // Its standard error is its log: so a Go panic is in it too, and what it says about its configuration.
        let log = File::options().create(true).append(true).open(&log_path);
        let log = log.map_err(|source| io_error(&log_path, source))?;
        let log_start = log.metadata().map_err(|source| io_error(&log_path, source))?.len();
        let stdout = log.try_clone().map_err(|source| io_error(&log_path, source))?;
        let mut command = Command::new(&binary.path);
        command.arg("--config").arg(&config_path);
        command.stdin(Stdio::null()).stdout(stdout).stderr(log);
        let child = Child::spawn(&format!("server-{}", settings.node), command, settings.group)
            .map_err(|source| Error::BadBinary { path: binary.path.clone(), source })?;
        let unready = Some("nobody listens".to_owned());
        Ok(Self { child, binary: binary.clone(), settings, log_start, unready })
    }

    /// Starts the same server again, after it ended: same ports, same store, log continued.
    ///
    /// # Errors
    /// Any [`enum@Error`].
    pub async fn start_again(&mut self) -> Result<(), Error> {
        if self.try_exited()?.is_none() {
            self.halt().await?;
        }
        self.relaunch()?;
        match tokio::time::timeout(READY_WITHIN, self.until_ready()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::NotReady { why: self.lack().unwrap_or_default(), logs: self.log_end() }),
        }
    }

    /// Starts the process again, after it ended, and does not wait until it is ready: [`answers`] tells.
    ///
    /// # Errors
    /// [`Error::PortTaken`] when somebody else took a port meanwhile, or that it cannot be started.
    pub fn relaunch(&mut self) -> Result<(), Error> {
        let settings = &self.settings;
        if let Some(port) = settings.ports().find(|port| !is_free(*port)) {
            return Err(Error::PortTaken { port });
        }
        *self = Self::launch(&self.binary, settings.clone())?;
        Ok(())
    }

    /// What it calls itself to clients and in a cluster.
    #[must_use]
    pub fn server_name(&self) -> &str {
        &self.settings.server_name
    }

    /// Waits until it listens. Has no bound of its own.
    pub(super) async fn until_it_listens(&mut self) -> Result<(), Error> {
        while tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, self.settings.port)).await.is_err() {
            self.must_run()?;
            tokio::time::sleep(READY_POLL).await;
        }
        Ok(())
    }

    /// Waits until its JetStream answers, which in a cluster takes a leader. Has no bound of its own.
    pub(super) async fn until_ready(&mut self) -> Result<(), Error> {
        let access = self.access();
        loop {
            let answer = tokio::select! {
                biased;
                exit = self.child.wait() => return Err(self.why_ended(exit?)),
                answer = probe(&access, &self.settings.server_name) => answer,
            };
            self.unready = answer.err();
            if self.unready.is_none() {
                return Ok(());
            }
            tokio::time::sleep(READY_POLL).await;
        }
    }

    /// What it lacks while it is not ready, in words.
    pub(super) fn lack(&self) -> Option<String> {
        self.unready.as_ref().map(|why| format!("{}: {why}", self.name()))
    }

    /// Fails when the process has ended.
    pub(super) fn must_run(&mut self) -> Result<(), Error> {
        match self.try_exited()? {
            Some(exit) => Err(self.why_ended(exit)),
            None => Ok(()),
        }
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.settings.port)
    }

    /// The way to connect to it.
    #[must_use]
    pub fn access(&self) -> Access {
        Access::anonymous(vec![self.url()])
    }

    /// Its name: `server-0`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.child.name()
    }

    /// Its pid.
    #[must_use]
    pub fn pid(&self) -> Pid {
        self.child.pid()
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> Version {
        self.binary.version
    }

    /// The program it runs.
    #[must_use]
    pub fn binary(&self) -> &Binary {
        &self.binary
    }

    /// Its log.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.settings.folder.join("nats-server.log")
    }

    /// The end of its log, for messages.
    #[must_use]
    pub fn log_tail(&self) -> String {
        tail(&self.log(), 0)
    }

    /// A handle to signal it by: to pause it, to kill it.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.child.handle()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// [`Error::Process`].
    pub fn try_exited(&mut self) -> Result<Option<Exit>, Error> {
        Ok(self.child.try_wait()?)
    }

    /// Waits until it ends, asked or unasked. May be cancelled and called again.
    ///
    /// # Errors
    /// [`Error::Process`].
    pub async fn exited(&mut self) -> Result<Exit, Error> {
        Ok(self.child.wait().await?)
    }

    /// Stops it: SIGTERM, so that JetStream closes its files, and SIGKILL when that takes too long.
    ///
    /// # Errors
    /// [`Error::Process`].
    pub async fn halt(&mut self) -> Result<Exit, Error> {
        let handle = self.child.handle();
        // One that has ended already cannot be signalled, and need not be.
        let asked = handle.terminate().and_then(|()| handle.cont());
        if asked.is_ok()
            && let Ok(exit) = tokio::time::timeout(STOP_WITHIN, self.child.wait()).await
        {
            return Ok(exit?);
        }
        let _ = handle.kill();
        match tokio::time::timeout(KILL_WITHIN, self.child.wait()).await {
            Ok(exit) => Ok(exit?),
            Err(_) => Err(Error::Process(process::Error::Wait {
                name: self.name().to_owned(),
                pid: self.pid(),
                source: std::io::Error::new(std::io::ErrorKind::TimedOut, "it does not end, even after SIGKILL"),
            })),
        }
    }

    /// The server says why it ends in its log only.
    fn why_ended(&self, exit: Exit) -> Error {
        let tail = tail(&self.log(), self.log_start);
        if tail.contains("address already in use") {
            Error::PortTaken { port: self.settings.ports().find(|port| !is_free(*port)).unwrap_or(self.settings.port) }
        } else if tail.contains("no space left on device") || tail.contains("disk quota exceeded") {
            disk_full(&self.settings.folder)
        } else {
            Error::Ended { name: self.name().to_owned(), exit, logs: self.log_end() }
        }
    }

    /// Where its log is and how it ends, for errors.
    pub(super) fn log_end(&self) -> String {
        format!("the end of {}:\n{}", self.log().display(), tail(&self.log(), self.log_start))
    }
}

impl Settings {
    fn ports(&self) -> impl Iterator<Item = u16> {
        std::iter::once(self.port).chain(self.routes.iter().map(|routes| routes.port))
    }
}

/// Asks whether the server of this name answers for its JetStream, which in a cluster takes a leader.
///
/// # Errors
/// Why it is not ready, in words.
pub async fn answers(access: &Access, server_name: &str) -> Result<(), String> {
    probe(access, server_name).await
}

/// Asks whether the server of this name answers for its JetStream; the error completes "was not ready: …".
async fn probe(access: &Access, server_name: &str) -> Result<(), String> {
    // A connection is logged and costs the client a task; a bare look whether somebody listens costs nothing.
    let address = access.urls()[0].trim_start_matches("nats://").to_owned();
    tokio::net::TcpStream::connect(address).await.map_err(|error| error.to_string())?;
    let options = access.options().map_err(|error| error.to_string())?.max_reconnects(1);
    let client = access.connect_with(options, "jetlag probe", |_| {}).await.map_err(|error| error.to_string())?;
    let found = client.server_info().server_name;
    if found != server_name {
        return Err(format!("another server ('{found}') answers there"));
    }
    let account = jetstream(client, PROBE_WITHIN).query_account().await;
    account.map(drop).map_err(|error| format!("JetStream says: {error}"))
}

/// The server's configuration. JSON is a form of it that needs no escaping rules of our own.
fn configuration(settings: &Settings) -> String {
    let mut configuration = serde_json::json!({
        "server_name": settings.server_name,
        "host": "127.0.0.1",
        "port": settings.port,
        "jetstream": { "store_dir": settings.folder.join("store") },
    });
    if let Some(password) = &settings.system {
        let user = serde_json::json!({ "user": SYSTEM_USER, "password": password.reveal() });
        configuration["accounts"] = serde_json::json!({ "$SYS": { "users": [user] } });
    }
    if let Some(routes) = &settings.routes {
        configuration["cluster"] = serde_json::json!({
            "name": routes.cluster,
            "host": "127.0.0.1",
            "port": routes.port,
            "routes": routes.all.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect::<Vec<_>>(),
        });
    }
    format!("{configuration:#}\n")
}

pub(super) fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configured(routes: Option<Routes>) -> serde_json::Value {
        let folder = PathBuf::from("/tmp/a \"run\" #1");
        let group = Group::unguarded();
        let settings =
            Settings { node: 0, server_name: "x-0".to_owned(), folder, port: 20_001, routes, group, system: None };
        serde_json::from_str(&configuration(&settings)).expect("it is JSON")
    }

    #[test]
    fn the_configuration_listens_on_loopback_only_and_survives_odd_paths() {
        let settings = configured(None);
        assert_eq!(settings["host"], "127.0.0.1");
        assert_eq!(settings["port"], 20_001);
        assert_eq!(settings["jetstream"]["store_dir"], "/tmp/a \"run\" #1/store");
        assert!(settings.get("cluster").is_none(), "a single server looks for nobody");
    }

    #[test]
    fn the_nodes_of_a_cluster_meet_on_loopback_only() {
        let routes = Routes { cluster: "x".to_owned(), port: 20_003, all: vec![20_003, 20_004] };
        let cluster = &configured(Some(routes))["cluster"];
        assert_eq!(
            (&cluster["name"], &cluster["host"], &cluster["port"]),
            (&"x".into(), &"127.0.0.1".into(), &20_003.into())
        );
        assert_eq!(cluster["routes"], serde_json::json!(["nats://127.0.0.1:20003", "nats://127.0.0.1:20004"]));
    }
}
