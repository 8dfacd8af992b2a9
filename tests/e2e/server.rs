//! A user's own server: started by the test beside jetlag, with settings of its own, and looked into afterwards.

use std::fs::File;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::jetstream::stream;
use futures_util::TryStreamExt;
use jetlag::nats::{Access, Finder, Given};

use crate::place::Place;
use crate::processes::wait_for;

const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// A nats-server that is not jetlag's. It ends with the value.
pub(crate) struct OwnServer {
    process: Child,
    port: u16,
    folder: PathBuf,
    /// How the test gets in.
    given: Given,
}

impl OwnServer {
    /// Starts one that is open to everybody.
    pub(crate) fn start(place: &Place) -> Self {
        Self::start_for(place, "", Given::default())
    }

    /// Starts one of a version.
    pub(crate) fn start_version(place: &Place, version: &str) -> Self {
        let store = place.path().join("own-server/store");
        let configuration = format!("jetstream {{ store_dir: \"{}\" }}\n", store.display());
        Self::launch_binary(place, "own-server", &binary(version), &configuration, Given::default())
    }

    /// Starts one without JetStream.
    pub(crate) fn start_plain(place: &Place) -> Self {
        Self::launch(place, "own-server", "", Given::default())
    }

    /// Starts one that the test enters with `given`, whose address is filled in here.
    pub(crate) fn start_for(place: &Place, configuration: &str, given: Given) -> Self {
        Self::start_named(place, "own-server", "", configuration, given)
    }

    /// Starts one of several, whose files lie in the folder `name`, with some words of the section `jetstream`.
    pub(crate) fn start_named(place: &Place, name: &str, jetstream: &str, configuration: &str, given: Given) -> Self {
        let store = place.path().join(name).join("store");
        let configuration = format!("jetstream {{ store_dir: \"{}\", {jetstream} }}\n{configuration}", store.display());
        Self::launch(place, name, &configuration, given)
    }

    /// Starts one with nothing but a configuration.
    pub(crate) fn launch(place: &Place, name: &str, configuration: &str, given: Given) -> Self {
        let binary = block_on(Finder::from_environment().find(None)).expect("the normal way leads to a nats-server");
        Self::launch_binary(place, name, &binary.path, configuration, given)
    }

    fn launch_binary(place: &Place, name: &str, binary: &Path, configuration: &str, given: Given) -> Self {
        let folder = place.path().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join("server.conf"), configuration).expect("a configuration");
        let log = File::create(folder.join("log")).expect("a log");
        let mut command = Command::new(binary);
        // The server picks a free port itself and writes it down. It carries no mark: it is not jetlag's to end.
        command
            .arg("-c")
            .arg(folder.join("server.conf"))
            .args(["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir"])
            .arg(&folder);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut server = Self { process: command.spawn().expect("it starts"), port: 0, folder, given };
        server.port = wait_for("the server to listen", || server.port_written());
        server.given.servers = server.url();
        server
    }

    /// The port that it has picked for the connections of others: `leafnode`, `route`. Its list of ports lacks them.
    pub(crate) fn port_for(&self, whom: &str) -> u16 {
        wait_for("the server to listen for others", || {
            let log = std::fs::read_to_string(self.folder.join("log")).ok()?;
            let said = log.split(&format!("Listening for {whom} connections on ")).nth(1)?;
            said.lines().next()?.rsplit(':').next()?.parse().ok()
        })
    }

    fn port_written(&mut self) -> Option<u16> {
        if self.process.try_wait().expect("it is ours").is_some() {
            panic!("the server ended: {}", std::fs::read_to_string(self.folder.join("log")).unwrap_or_default());
        }
        let files = std::fs::read_dir(&self.folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let ports = files
            .filter(|path| path.extension().is_some_and(|extension| extension == "ports"))
            .find_map(|path| std::fs::read_to_string(path).ok())?;
        let ports: serde_json::Value = serde_json::from_str(&ports).ok()?;
        ports["nats"][0].as_str()?.rsplit(':').next()?.parse().ok()
    }

    /// Gives it another configuration while it runs, as far as it can change that.
    pub(crate) fn reconfigure(&self, jetstream: &str, configuration: &str) {
        let store = self.folder.join("store");
        let configuration = format!("jetstream {{ store_dir: \"{}\", {jetstream} }}\n{configuration}", store.display());
        std::fs::write(self.folder.join("server.conf"), configuration).expect("a configuration");
        crate::processes::signal(self.process.id(), rustix::process::Signal::HUP);
        wait_for("the server to take its configuration", || {
            self.log().contains("Reloaded server configuration").then_some(())
        });
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The stream of the only run, as it is.
    pub(crate) fn stream(&self) -> async_nats::jetstream::stream::Info {
        let name = self.run_stream();
        self.ask(async |jetstream| {
            jetstream.get_stream(name).await.expect("it is there").get_info().await.expect("it answers")
        })
    }

    /// Changes the stream of the only run.
    pub(crate) fn change_stream(&self, change: impl FnOnce(&mut async_nats::jetstream::stream::Config)) {
        let mut config = self.stream().config;
        change(&mut config);
        self.ask(async |jetstream| jetstream.update_stream(config).await.expect("it takes the change"));
    }

    /// All messages of the only run's stream, in its order.
    pub(crate) fn messages(&self) -> Vec<async_nats::jetstream::message::StreamMessage> {
        let name = self.run_stream();
        self.ask(async |jetstream| {
            let stream = jetstream.get_stream(name).await.expect("it is there");
            let state = stream.cached_info().state.clone();
            let mut messages = Vec::new();
            for sequence in state.first_sequence..=state.last_sequence {
                messages.push(stream.get_raw_message(sequence).await.expect("nothing was evicted"));
            }
            messages
        })
    }

    fn run_stream(&self) -> String {
        self.streams().into_iter().find(|name| name.starts_with("jetlag-")).expect("the run has a stream")
    }

    /// Names of all streams, buckets included.
    pub(crate) fn streams(&self) -> Vec<String> {
        self.ask(async |jetstream| jetstream.stream_names().try_collect().await.expect("it answers"))
    }

    /// Names of all streams in a domain.
    pub(crate) fn streams_of(&self, domain: &str) -> Vec<String> {
        let given = Given { domain: Some(domain.to_owned()), ..self.given.clone() };
        ask_at(given, async |jetstream| jetstream.stream_names().try_collect().await.expect("it answers"))
    }

    /// Whether JetStream answers, in the domain that the test enters.
    pub(crate) fn reaches_jetstream(&self) -> bool {
        self.ask(async |jetstream| jetstream.query_account().await.is_ok())
    }

    /// Makes a stream that has nothing to do with jetlag.
    pub(crate) fn make_stream(&self, name: &str, subject: &str) {
        let config = async_nats::jetstream::stream::Config {
            name: name.to_owned(),
            subjects: vec![subject.to_owned()],
            ..Default::default()
        };
        self.ask(async |jetstream| jetstream.create_stream(config).await.expect("it answers"));
    }

    pub(crate) fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Whether its process has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.process.try_wait().expect("it is ours").is_some()
    }

    /// Whether a stream can have so many copies by now.
    pub(crate) fn makes_copies(&self, copies: usize) -> bool {
        let config = stream::Config { name: "PROBE".to_owned(), num_replicas: copies, ..Default::default() };
        self.ask(async |jetstream| {
            let made = jetstream.create_stream(config).await.is_ok();
            let _ = jetstream.delete_stream("PROBE").await;
            made
        })
    }

    /// The node that leads a stream, while one does.
    pub(crate) fn leader_of(&self, name: &str) -> Option<String> {
        self.ask(async |jetstream| {
            let stream = jetstream.get_stream(name).await.ok()?;
            stream.cached_info().cluster.as_ref()?.leader.clone()
        })
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.folder.join("log")).expect("it has a log")
    }

    /// What the server says of a stream.
    pub(crate) fn stream_called(&self, name: &str) -> (stream::Config, stream::State) {
        self.ask(async |jetstream| {
            let stream = jetstream.get_stream(name).await.expect("it is there");
            let info = stream.cached_info();
            (info.config.clone(), info.state.clone())
        })
    }

    /// Asks the server something, on a connection of its own.
    pub(crate) fn ask<T>(&self, question: impl AsyncFnOnce(async_nats::jetstream::Context) -> T) -> T {
        ask_at(self.given.clone(), question)
    }
}

/// Asks any server something, on a connection of its own.
pub(crate) fn ask_at<T>(given: Given, question: impl AsyncFnOnce(async_nats::jetstream::Context) -> T) -> T {
    let access = Access::new(given).expect("the way in is a good one");
    block_on(async {
        let client = access.connect("test", |_| {}).await.expect("it lets the test in");
        question(access.jetstream(client, ANSWER_WITHIN)).await
    })
}

impl Drop for OwnServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Has the servers that jetlag runs in `folder` choose another leader for the stream of that run. The one there was needs a
/// moment to be one: until then it is asked again.
pub(crate) fn step_down(folder: &Path) {
    let configuration = std::fs::read(folder.join("server/0/nats-server.conf")).expect("jetlag configures its servers");
    let configuration: serde_json::Value = serde_json::from_slice(&configuration).expect("as JSON");
    let manifest = std::fs::read(folder.join("manifest.json")).expect("a run has a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("as JSON");
    let stream = format!("jetlag-{}", manifest["run_id"].as_str().expect("it has an id"));
    block_on(async {
        let client =
            async_nats::connect(format!("nats://127.0.0.1:{}", configuration["port"])).await.expect("open to all");
        let subject = format!("$JS.API.STREAM.LEADER.STEPDOWN.{stream}");
        for _ in 0..50 {
            let answer = client.request(subject.clone(), "".into()).await;
            if answer.is_ok_and(|answer| String::from_utf8_lossy(&answer.payload).contains("\"success\":true")) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("the leader of {stream} does not step down");
    });
}

/// The program of a version of nats-server.
pub(crate) fn binary(version: &str) -> PathBuf {
    let version = version.parse().expect("a version");
    block_on(Finder::from_environment().find(Some(version))).expect("this version can be had").path
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(future)
}
