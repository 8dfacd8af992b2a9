//! Real servers of the tests' own: one, or three that agree.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

static FOLDERS: AtomicU32 = AtomicU32::new(0);

/// A nats-server. It ends with the value, and its files with it.
pub(crate) struct Server {
    process: Child,
    folder: PathBuf,
    pub(crate) url: String,
}

impl Server {
    /// Starts one with some more words of configuration.
    pub(crate) fn start(more: &str) -> Self {
        let number = FOLDERS.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("lease-group-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let mut server = Self { process: spawn(&folder, more), folder, url: String::new() };
        server.url = wait_for("the server to listen", || server.address());
        server
    }

    /// Replaces the words of configuration while it runs.
    pub(crate) fn reload(&self, more: &str) {
        let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
        let reloads = || log().matches("Reloaded server configuration").count();
        let before = reloads();
        configure(&self.folder, more);
        signal(self.process.id(), "HUP");
        wait_for("the server to reload", || (reloads() > before).then_some(()));
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    fn address(&self) -> Option<String> {
        let files = std::fs::read_dir(&self.folder).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let text = files
            .filter(|path| path.extension().is_some_and(|extension| extension == "ports"))
            .find_map(|path| std::fs::read_to_string(path).ok())?;
        let ports: serde_json::Value = serde_json::from_str(&text).ok()?;
        Some(ports["nats"][0].as_str()?.to_owned())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Three nodes, `n0` to `n2`.
pub(crate) fn cluster() -> Vec<Server> {
    let listeners: Vec<_> = (0..3).map(|_| std::net::TcpListener::bind("127.0.0.1:0").expect("a port")).collect();
    let ports: Vec<u16> = listeners.iter().map(|listener| listener.local_addr().expect("it is bound").port()).collect();
    drop(listeners);
    let routes: Vec<String> = ports.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
    let node = |number: usize| {
        let (port, routes) = (ports[number], routes.join(", "));
        format!(
            "server_name: n{number}\ncluster {{ name: c, listen: \"127.0.0.1:{port}\", no_advertise: true, routes: [{routes}] }}\n"
        )
    };
    (0..3).map(|number| Server::start(&node(number))).collect()
}

fn configure(folder: &Path, more: &str) {
    let store = folder.join("store");
    let text = format!("jetstream {{ store_dir: \"{}\" }}\n{more}", store.display());
    std::fs::write(folder.join("server.conf"), text).expect("a configuration");
}

fn spawn(folder: &Path, more: &str) -> Child {
    configure(folder, more);
    let log = std::fs::File::create(folder.join("log")).expect("a log");
    Command::new(binary())
        .arg("-c")
        .arg(folder.join("server.conf"))
        .args(["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir"])
        .arg(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("it starts")
}

/// The way in which jetlag finds its servers, as far as it needs no network.
fn binary() -> PathBuf {
    let named = std::env::var_os("JETLAG_NATS_SERVER").map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = || std::env::split_paths(&path).map(|folder| folder.join("nats-server")).find(|file| file.is_file());
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cache")))
        .unwrap_or_default()
        .join("jetlag/nats-server");
    let cached = || {
        let files = std::fs::read_dir(&cache).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let number = |path: &PathBuf| -> Option<Vec<u32>> {
            path.file_name()?.to_str()?.split('-').next()?.split('.').map(|part| part.parse().ok()).collect()
        };
        files.filter(|path| number(path).is_some()).max_by_key(number)
    };
    named.or_else(on_path).or_else(cached).expect(
        "a nats-server: put one on PATH or its path into JETLAG_NATS_SERVER, or let `cargo test --test ground_fetch` fetch one",
    )
}

fn signal(pid: u32, name: &str) {
    let sent = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status();
    assert!(sent.is_ok_and(|status| status.success()), "{name} was not sent");
}

fn wait_for<T>(what: &str, mut seen: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(seen) = seen() {
            return seen;
        }
        assert!(Instant::now() < deadline, "waited too long for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}
