//! Publishers whose connections are cut again and again: nothing is lost, nothing is overtaken, nothing stalls.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jetlag::model::reading::{Scope, Stat};
use jetlag::model::report::RunState;

use crate::place::Place;
use crate::server::OwnServer;

/// What stands between the program and the server. It knows publishers by the name that they give.
pub(crate) struct Relay {
    pub(crate) port: u16,
    publishers: Arc<Mutex<Vec<TcpStream>>>,
}

impl Relay {
    pub(crate) fn to(server: &str) -> Self {
        let server = server.trim_start_matches("nats://").to_owned();
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("it has an address").port();
        let publishers: Arc<Mutex<Vec<TcpStream>>> = Arc::default();
        let known = Arc::clone(&publishers);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let Ok(upstream) = TcpStream::connect(&server) else { continue };
                let _ = (client.set_nodelay(true), upstream.set_nodelay(true));
                let (Ok(from_server), Ok(to_client)) = (upstream.try_clone(), client.try_clone()) else { continue };
                std::thread::spawn(move || carry(from_server, to_client, |_| {}));
                let (known, this) = (Arc::clone(&known), client.try_clone().expect("it can be cloned"));
                std::thread::spawn(move || {
                    let mut this = Some(this);
                    carry(client, upstream, |bytes| {
                        if String::from_utf8_lossy(bytes).contains("\"name\":\"p") {
                            known.lock().expect("nobody panicked").extend(this.take());
                        }
                    });
                });
            }
        });
        Self { port, publishers }
    }

    /// Cuts the connections of all publishers. Returns how many there were.
    pub(crate) fn cut(&self) -> usize {
        let cut: Vec<TcpStream> = self.publishers.lock().expect("nobody panicked").drain(..).collect();
        cut.iter().filter(|client| client.shutdown(Shutdown::Both).is_ok()).count()
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, mut see: impl FnMut(&[u8])) {
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        see(&buffer[..length]);
        if to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    let _ = (to.shutdown(Shutdown::Both), from.shutdown(Shutdown::Both));
}

#[test]
fn a_publisher_whose_connection_is_cut_keeps_its_order_and_goes_on_at_once() {
    let place = Place::new();
    let server = OwnServer::start(&place);
    let relay = Relay::to(&server.url());
    place.profile(
        r#"
[run]
warm-up = "500ms"
measure = "5s"
drain = "20s"
[stream]
partitions = 4
[load]
rate = "4000/s"
publishers = 2
keys = 16
[fleet]
members = 2
"#,
    );
    let url = format!("nats://127.0.0.1:{}", relay.port);
    let live = place.start(place.jetlag(&["run", "profile.toml", "--out", "out", "--server", &url]));
    let mut cuts = 0;
    std::thread::scope(|scope| {
        let (done, over) = std::sync::mpsc::channel::<()>();
        let cuts = &mut cuts;
        let relay = &relay;
        scope.spawn(move || {
            // Long after the start, so that the publishers are at work.
            let mut pause = Duration::from_secs(3);
            while *cuts < 8
                && over.recv_timeout(pause).is_err_and(|error| error == std::sync::mpsc::RecvTimeoutError::Timeout)
            {
                *cuts += relay.cut();
                pause = Duration::from_millis(400);
            }
        });
        let told = live.end().ended_with(0).report().is(RunState::Complete);
        drop(done);
        assert!(told.count("stored") > 10_000.0);
        for metric in ["lost", "publish_reordered", "duplicate_stored", "failed", "unknown"] {
            assert!(told.count(metric) == 0.0, "{metric}: {}", told.count(metric));
        }
        // Answers that never come are given up after 3 s; a cut must not be waited out like that.
        let slowest = told.reading("publish", Stat::Max, &Scope::Run).expect("there is one");
        assert!(slowest < 0.5 * 3000.0, "a message took {slowest} ms to be stored");
    });
    assert!(cuts >= 4, "only {cuts} connections were cut");
}
