//! A real server: found or fetched the normal way, started, connected to, stopped; and what is said when it cannot be.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_nats::jetstream::stream;
use jetlag::nats::{Access, Binary, Cluster, Finder, Given, Options, Source, Version, connect, jetstream, server};
use jetlag::process::{Group, usage};

const PATIENCE: Duration = Duration::from_secs(30);
/// For a question that may go to somebody who died, and is asked again.
const POLITE: Duration = Duration::from_secs(1);

async fn binary() -> Binary {
    Finder::from_environment().find(None).await.expect("the normal way leads to a nats-server")
}

fn options(folder: &Path) -> Options {
    Options { folder: folder.join("server"), nodes: 1, group: Group::unguarded(), system: false }
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a folder for the test")
}

/// One server, or a cluster.
async fn start(folder: &Path, nodes: u16) -> Cluster {
    Cluster::start(&binary().await, Options { nodes, ..options(folder) }).await.expect("it starts")
}

#[tokio::test(flavor = "current_thread")]
async fn a_server_starts_answers_and_leaves_nothing_behind() {
    let folder = folder();
    let cluster = start(folder.path(), 1).await;
    let server = &cluster.nodes()[0];
    let client = cluster.access().connect("test", |_| {}).await.expect("it answers");
    assert_eq!(client.server_info().version, server.version().to_string());
    let account = jetstream(client, PATIENCE).query_account().await.expect("JetStream answers");
    assert_eq!(account.streams, 0, "its store is its own");
    assert!(folder.path().join("server/0/store/jetstream").is_dir());
    let pid = server.pid();
    assert!(usage(pid).is_some_and(|usage| usage.memory_bytes > 0));
    let log = server.log();
    cluster.stop().await.expect("it stops");
    assert_eq!(usage(pid), None, "the process is gone");
    let log = std::fs::read_to_string(log).expect("its log is kept");
    assert!(log.contains("Server Exiting"), "SIGTERM is enough: {log}");
}

#[tokio::test(flavor = "current_thread")]
async fn two_servers_side_by_side_do_not_meet() {
    let (one, two) = (folder(), folder());
    let (one, two) = (start(one.path(), 1).await, start(two.path(), 1).await);
    assert_ne!(one.nodes()[0].url(), two.nodes()[0].url());
    one.stop().await.expect("it stops");
    two.stop().await.expect("it stops");
}

#[tokio::test(flavor = "current_thread")]
async fn a_dropped_server_dies() {
    let folder = folder();
    let cluster = start(folder.path(), 1).await;
    let address = cluster.nodes()[0].url().trim_start_matches("nats://").to_owned();
    drop(cluster);
    let deadline = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(&address).is_ok() {
        assert!(Instant::now() < deadline, "it still listens");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_server_that_dies_unasked_is_noticed_and_starts_again_with_what_it_stored() {
    let folder = folder();
    let mut cluster = start(folder.path(), 1).await;
    let client = cluster.access().connect("test", |_| {}).await.expect("it answers");
    let server = &mut cluster.nodes_mut()[0];
    assert_eq!(server.try_exited().expect("it can be asked"), None);
    let context = jetstream(client, PATIENCE);
    context.create_stream("KEPT").await.expect("a stream is made");
    let (url, pid) = (server.url(), server.pid());
    server.handle().kill().expect("it lives");
    assert_eq!(server.exited().await.expect("it can be waited for").signal, Some(9));
    assert!(server.try_exited().expect("it can be asked").is_some());
    server.start_again().await.expect("it starts again");
    assert_eq!(server.url(), url);
    assert_ne!(server.pid(), pid);
    context.get_stream("KEPT").await.expect("the stream is still there, and the client came back");
    cluster.stop().await.expect("it stops");
}

#[tokio::test(flavor = "current_thread")]
async fn a_paused_server_can_be_stopped() {
    let folder = folder();
    let mut cluster = start(folder.path(), 1).await;
    let server = &mut cluster.nodes_mut()[0];
    server.handle().stop().expect("it lives");
    let exit = server.halt().await.expect("it stops");
    assert_eq!(exit.signal, None, "it was continued, and ended in peace: {exit}");
}

#[tokio::test(flavor = "current_thread")]
async fn the_nodes_of_a_cluster_are_one_and_keep_what_was_stored_when_one_dies() {
    let folder = folder();
    let mut cluster = start(folder.path(), 3).await;
    let mut clusters = std::collections::BTreeSet::new();
    for node in cluster.nodes() {
        let client = node.access().connect("test", |_| {}).await.expect("each answers");
        let account = jetstream(client, PATIENCE).query_account().await.expect("JetStream answers");
        assert_eq!(account.streams, 0, "what was tried to see whether it is ready is gone");
        let config = std::fs::read_to_string(node.log().with_file_name("nats-server.conf")).expect("it has one");
        let config: serde_json::Value = serde_json::from_str(&config).expect("it is JSON");
        clusters.insert(config["cluster"]["name"].as_str().expect("it has a name").to_owned());
    }
    assert_eq!(clusters.len(), 1, "{clusters:?}");
    let client = cluster.access().connect("test", |_| {}).await.expect("it answers");
    let context = jetstream(client, PATIENCE);
    let config = stream::Config { name: "KEPT".to_owned(), num_replicas: 3, ..Default::default() };
    let kept = context.create_stream(config).await.expect("a stream with three copies is made at once");
    let leader = kept.cached_info().cluster.as_ref().and_then(|cluster| cluster.leader.clone()).expect("it is led");
    context.publish("KEPT", "one".into()).await.expect("it is sent").await.expect("it is stored");

    let node = leader.rsplit('-').next().and_then(|node| node.parse::<usize>().ok()).expect("names end so");
    let server = &mut cluster.nodes_mut()[node];
    assert_eq!(server.name(), format!("server-{node}"));
    server.handle().kill().expect("it lives");
    assert_eq!(server.exited().await.expect("it can be waited for").signal, Some(9));
    let impatient = jetstream(cluster.access().connect("test", |_| {}).await.expect("others answer"), POLITE);
    let deadline = Instant::now() + PATIENCE;
    while let Err(error) = impatient.get_stream("KEPT").await {
        assert!(Instant::now() < deadline, "the others do not go on without it: {error}");
    }
    cluster.nodes_mut()[node].start_again().await.expect("it starts again, and finds the others");
    let client = cluster.nodes()[node].access().connect("test", |_| {}).await.expect("it answers");
    let stream = jetstream(client, PATIENCE).get_stream("KEPT").await.expect("it is there");
    assert_eq!(stream.cached_info().state.messages, 1);
    let pids: Vec<_> = cluster.nodes().iter().map(jetlag::nats::Server::pid).collect();
    cluster.stop().await.expect("it stops");
    assert!(pids.into_iter().all(|pid| usage(pid).is_none()), "all processes are gone");
}

#[tokio::test(flavor = "current_thread")]
async fn a_taken_port_is_named() {
    let folder = folder();
    let mut cluster = start(folder.path(), 1).await;
    let server = &mut cluster.nodes_mut()[0];
    let address = server.url().trim_start_matches("nats://").to_owned();
    server.halt().await.expect("it stops");
    let _listener = std::net::TcpListener::bind(&address).expect("it has let go of its port");
    let error = server.start_again().await.expect_err("the port is taken");
    assert!(matches!(error, server::Error::PortTaken { port } if address.ends_with(&port.to_string())), "{error:?}");
    assert!(error.to_string().contains(&address["127.0.0.1:".len()..]), "{error}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_program_that_is_none_is_a_bad_binary() {
    let folder = folder();
    let path = folder.path().join("nats-server");
    std::fs::write(&path, "no program").expect("a file");
    let binary = Binary { path, version: Version::DEFAULT, source: Source::Named };
    let error = Cluster::start(&binary, options(folder.path())).await.expect_err("it is no program");
    assert!(matches!(error, server::Error::BadBinary { .. }), "{error:?}");
    assert!(error.to_string().contains("JETLAG_NATS_SERVER"), "{error}");
}

#[tokio::test(flavor = "current_thread")]
async fn a_program_that_ends_at_once_is_quoted() {
    let folder = folder();
    for (said, is_expected) in [
        ("it is broken", (|error| matches!(error, server::Error::Ended { .. })) as fn(&server::Error) -> bool),
        ("write x: no space left on device", |error| matches!(error, server::Error::DiskFull { .. })),
    ] {
        let path = script(folder.path(), &format!("echo '{said}' >&2; exit 3"));
        let binary = Binary { path, version: Version::DEFAULT, source: Source::Named };
        let error = Cluster::start(&binary, options(folder.path())).await.expect_err("it ends");
        assert!(is_expected(&error), "{error:?}");
        if let server::Error::Ended { .. } = error {
            let text = error.to_string();
            assert!(text.contains("server-0 exited with code 3") && text.contains(said), "{text}");
        }
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_folder_that_cannot_be_made_is_named() {
    let folder = folder();
    std::fs::write(folder.path().join("server"), "a file is in the way").expect("a file");
    let error = Cluster::start(&binary().await, options(folder.path())).await.expect_err("a file is in the way");
    assert!(matches!(error, server::Error::Io { .. }), "{error:?}");
}

/// A server that asks who is there, for what happens at the door.
async fn guarded(folder: &Path, authorization: &str) -> (tokio::process::Child, u16) {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        listener.local_addr().expect("it has an address").port()
    };
    let config = folder.join("guarded.conf");
    std::fs::write(&config, format!("host: 127.0.0.1\nport: {port}\nauthorization {{ {authorization} }}\n"))
        .expect("a file");
    let child = tokio::process::Command::new(binary().await.path)
        .arg("--config")
        .arg(config)
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    let deadline = Instant::now() + PATIENCE;
    while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(Instant::now() < deadline, "it does not listen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    (child, port)
}

#[tokio::test(flavor = "current_thread")]
async fn the_door_opens_to_the_right_identity_only_and_secrets_stay_secret() {
    let folder = folder();
    let (_server, port) = guarded(folder.path(), "user: me, password: \"s3cr/t@\"").await;
    let given = |servers: String| Given { servers, ..Given::default() };
    let open = [
        given(format!("nats://me:s3cr%2Ft%40@127.0.0.1:{port}")),
        Given {
            user: Some("me".to_owned()),
            password: Some("s3cr/t@".to_owned().into()),
            ..given(format!("nats://127.0.0.1:{port}"))
        },
    ];
    for given in open {
        Access::new(given).expect("valid").connect("test", |_| {}).await.expect("the right identity");
    }
    let shut = [format!("nats://me:wr0ng@127.0.0.1:{port}"), format!("nats://127.0.0.1:{port}")];
    for servers in shut {
        let error = Access::new(given(servers)).expect("valid").connect("test", |_| {}).await.expect_err("denied");
        assert!(matches!(error, connect::Error::Denied { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("wr0ng"), "{error}");
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_token_opens_the_door_too() {
    let folder = folder();
    let (_server, port) = guarded(folder.path(), "token: t0ken").await;
    let given = Given { servers: format!("nats://t0ken@127.0.0.1:{port}"), ..Given::default() };
    Access::new(given).expect("valid").connect("test", |_| {}).await.expect("the right token");
}

#[tokio::test(flavor = "current_thread")]
async fn tls_where_there_is_none_is_said_to_be_tls() {
    let folder = folder();
    let cluster = start(folder.path(), 1).await;
    let given = Given { servers: cluster.nodes()[0].url().replace("nats://", "tls://"), ..Given::default() };
    let error = Access::new(given).expect("valid").connect("test", |_| {}).await.expect_err("it has no TLS");
    assert!(matches!(error, connect::Error::Tls { .. }), "{error:?}");
    cluster.stop().await.expect("it stops");
}

fn script(folder: &Path, body: &str) -> PathBuf {
    use std::os::unix::fs::PermissionsExt;
    let path = folder.join("script");
    std::fs::write(&path, format!("#!/bin/sh\n{body}\n")).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    path
}
