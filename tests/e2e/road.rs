//! A road between a client and a server, which the test can break.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::sync::{Arc, Mutex};

use crate::server::OwnServer;

/// A way to a server that can be made to swallow what the server sends, and to break.
pub(crate) struct Road {
    port: u16,
    swallows: Arc<AtomicBool>,
    open: Arc<Mutex<Vec<TcpStream>>>,
    accepted: Arc<AtomicU16>,
}

impl Road {
    /// A road to `server`.
    pub(crate) fn to(server: &OwnServer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("it has an address").port();
        let address = server.url().trim_start_matches("nats://").to_owned();
        let road = Self { port, swallows: Arc::default(), open: Arc::default(), accepted: Arc::default() };
        let (swallows, open, accepted) =
            (Arc::clone(&road.swallows), Arc::clone(&road.open), Arc::clone(&road.accepted));
        // Threads end when both ends are gone; the listener ends with the test's process.
        std::thread::spawn(move || {
            for near in listener.incoming().map_while(Result::ok) {
                let Ok(far) = TcpStream::connect(&address) else { continue };
                let copy = |stream: &TcpStream| stream.try_clone().expect("a stream can be shared");
                open.lock().expect("nobody panics with it").extend([copy(&near), copy(&far)]);
                let (near_in, far_out) = (copy(&near), copy(&far));
                let swallows = Arc::clone(&swallows);
                std::thread::spawn(move || forward(near_in, far_out, || false));
                std::thread::spawn(move || forward(far, near, || swallows.load(Ordering::SeqCst)));
                accepted.fetch_add(1, Ordering::SeqCst);
            }
        });
        road
    }

    /// Where it begins.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// From here on nothing of what the server sends arrives.
    pub(crate) fn swallow(&self) {
        self.swallows.store(true, Ordering::SeqCst);
    }

    /// Breaks the connection; the next one is whole.
    pub(crate) fn cut(&self) {
        self.swallows.store(false, Ordering::SeqCst);
        for stream in self.open.lock().expect("nobody panics with it").drain(..) {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether nobody has come again since it was cut.
    pub(crate) fn is_shut(&self) -> bool {
        self.accepted.load(Ordering::SeqCst) < 2
    }
}

fn forward(mut from: TcpStream, mut to: TcpStream, swallows: impl Fn() -> bool) {
    let mut buffer = [0_u8; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer) {
        if !swallows() && to.write_all(&buffer[..count]).is_err() {
            return;
        }
    }
}
