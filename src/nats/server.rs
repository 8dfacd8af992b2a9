//! A nats-server of our own: one node, on a free loopback port, with its store and log in the run folder.

mod error;

use std::fs::File;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rand::RngExt;
use tokio::process::Command;
use tokio::time::Instant;

pub use self::error::Error;
use self::error::{check_space, disk_full, io_error, tail};
use super::access::Access;
use super::connect::jetstream;
use super::fetch::Binary;
use super::version::Version;
use crate::process::{self, Child, Exit, Group, Handle, Pid};

/// Recovering a large store takes time; a server that is not ready by then is not going to be.
const READY_WITHIN: Duration = Duration::from_secs(30);
const READY_POLL: Duration = Duration::from_millis(10);
/// One question whether JetStream is ready.
const PROBE_WITHIN: Duration = Duration::from_secs(2);
/// A server with much in memory to write down gets this long to do it.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// After SIGKILL only the kernel can be slow.
const KILL_WITHIN: Duration = Duration::from_secs(10);
/// Ports are tried at random in a range that the system does not give to outgoing connections. In that other range a
/// client that reconnects to a stopped server would sooner or later connect to itself, and hold the port.
const PORTS: std::ops::Range<u16> = 20_000..32_000;
const PORT_ATTEMPTS: u32 = 16;

/// How to start a server.
#[derive(Clone, Debug)]
pub struct Options {
    /// Folder for its configuration, store and log; made when it is missing.
    pub folder: PathBuf,
    /// Number of the node, from 0: it is in its name.
    pub node: u16,
    /// The port, or any free one.
    pub port: Option<u16>,
    /// The group it is started in.
    pub group: Group,
}

/// A running nats-server. Dropping it kills it; [`Server::stop`] is the polite way.
#[derive(Debug)]
pub struct Server {
    child: Child,
    binary: Binary,
    options: Options,
    port: u16,
    /// What it calls itself to clients. No other server anywhere does: so no stranger on its port is taken for it.
    server_name: String,
}

impl Server {
    /// Starts a server and waits until its JetStream answers.
    ///
    /// # Errors
    /// Any [`enum@Error`].
    pub async fn start(binary: &Binary, options: Options) -> Result<Self, Error> {
        std::fs::create_dir_all(options.folder.join("store")).map_err(|source| io_error(&options.folder, source))?;
        check_space(&options.folder)?;
        let server_name = format!("jetlag-{}-{:016x}", options.node, rand::random::<u64>());
        if let Some(port) = options.port {
            return match is_free(port) {
                true => Self::start_on(port, server_name, binary, &options).await,
                false => Err(Error::PortTaken { port }),
            };
        }
        for _ in 0..PORT_ATTEMPTS {
            let port = rand::rng().random_range(PORTS);
            // Between this look and the server's own somebody may take the port. Then the next one is tried.
            if !is_free(port) {
                continue;
            }
            match Self::start_on(port, server_name.clone(), binary, &options).await {
                Err(Error::PortTaken { .. }) => {}
                outcome => return outcome,
            }
        }
        Err(Error::NoPort)
    }

    async fn start_on(port: u16, server_name: String, binary: &Binary, options: &Options) -> Result<Self, Error> {
        let name = format!("server-{}", options.node);
        let config_path = options.folder.join("nats-server.conf");
        let config = configuration(&server_name, port, &options.folder.join("store"));
        std::fs::write(&config_path, config).map_err(|source| io_error(&config_path, source))?;
        let log_path = options.folder.join("nats-server.log");
        // Its standard error is its log: so a Go panic is in it too, and what it says about its configuration.
        let log = File::options().create(true).append(true).open(&log_path);
        let log = log.map_err(|source| io_error(&log_path, source))?;
        let log_start = log.metadata().map_err(|source| io_error(&log_path, source))?.len();
        let stdout = log.try_clone().map_err(|source| io_error(&log_path, source))?;
        let mut command = Command::new(&binary.path);
        command.arg("--config").arg(&config_path);
        command.stdin(Stdio::null()).stdout(stdout).stderr(log);
        let child = Child::spawn(&name, command, options.group)
            .map_err(|source| Error::BadBinary { path: binary.path.clone(), source })?;
        let mut server = Self { child, binary: binary.clone(), options: options.clone(), port, server_name };
        server.wait_until_ready(log_start).await?;
        Ok(server)
    }

    /// Starts the same server again, after it ended: same port, same store, log continued.
    ///
    /// # Errors
    /// Any [`enum@Error`].
    pub async fn start_again(&mut self) -> Result<(), Error> {
        if self.try_exited()?.is_none() {
            self.halt().await?;
        }
        *self = Self::start_on(self.port, self.server_name.clone(), &self.binary, &self.options).await?;
        Ok(())
    }

    /// Its address.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The way to connect to it.
    #[must_use]
    pub fn access(&self) -> Access {
        Access::anonymous(self.url())
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
        self.options.folder.join("nats-server.log")
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
    pub async fn stop(mut self) -> Result<Exit, Error> {
        self.halt().await
    }

    /// As [`Server::stop`], for a server that will be started again.
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

    async fn wait_until_ready(&mut self, log_start: u64) -> Result<(), Error> {
        let access = self.access();
        let deadline = Instant::now() + READY_WITHIN;
        let mut why = "nobody listens".to_owned();
        while Instant::now() < deadline {
            let answer = tokio::select! {
                biased;
                exit = self.child.wait() => return Err(self.why_ended(exit?, log_start)),
                answer = probe(&access, &self.server_name) => answer,
            };
            match answer {
                Ok(()) => return Ok(()),
                Err(answer) => why = answer,
            }
            tokio::time::sleep(READY_POLL).await;
        }
        let log = self.log();
        Err(Error::NotReady { name: self.name().to_owned(), why, tail: tail(&log, log_start), log })
    }

    /// The server says why it ends in its log only.
    fn why_ended(&self, exit: Exit, log_start: u64) -> Error {
        let log = self.log();
        let tail = tail(&log, log_start);
        if tail.contains("address already in use") {
            Error::PortTaken { port: self.port }
        } else if tail.contains("no space left on device") || tail.contains("disk quota exceeded") {
            disk_full(&self.options.folder)
        } else {
            Error::Ended { name: self.name().to_owned(), exit, log, tail }
        }
    }
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
fn configuration(name: &str, port: u16, store: &Path) -> String {
    let settings = serde_json::json!({
        "server_name": name,
        "host": "127.0.0.1",
        "port": port,
        "jetstream": { "store_dir": store },
    });
    format!("{settings:#}\n")
}

fn is_free(port: u16) -> bool {
    std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_configuration_listens_on_loopback_only_and_survives_odd_paths() {
        let text = configuration("server-0", 20_001, Path::new("/tmp/a \"run\" #1/store"));
        let settings: serde_json::Value = serde_json::from_str(&text).expect("it is JSON");
        assert_eq!(settings["host"], "127.0.0.1");
        assert_eq!(settings["port"], 20_001);
        assert_eq!(settings["jetstream"]["store_dir"], "/tmp/a \"run\" #1/store");
    }
}
