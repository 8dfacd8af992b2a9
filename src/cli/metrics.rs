//! `--metrics`: an endpoint that tells how far the live run is, for Prometheus and its kin.
//!
//! It answers from a thread of its own, one question after the other: a slow reader holds up the next reader, never the run.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::render::live::CONTENT_TYPE;

/// A question longer than this is none.
const QUESTION_MAX_BYTES: usize = 8 << 10;
/// How long a reader may take to ask, and again to listen.
const READER_WITHIN: Duration = Duration::from_secs(2);
/// After an error of the system, before it is asked again.
const PAUSE: Duration = Duration::from_millis(100);

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address(SocketAddr);

/// Reads `9464`, `:9464`, `localhost:9464`, `0.0.0.0:9464`, `[::1]:9464`: without a host it is the loopback.
pub(super) fn address(text: &str) -> Result<Address, String> {
    let loopback = |port: &str| port.parse().ok().map(|port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    let port = text.strip_prefix(':').unwrap_or(text);
    if let Some(address) = loopback(port) {
        return Ok(Address(address));
    }
    let found = text.to_socket_addrs().ok().and_then(|mut found| found.next());
    found.map(Address).ok_or_else(|| {
        "write a port (9464), which is then open to this machine only, or an address and a port (0.0.0.0:9464)"
            .to_owned()
    })
}

/// The same, for several runs one after the other, each of which listens there: `0` would be another port each time.
pub(super) fn fixed_address(text: &str) -> Result<Address, String> {
    let found = address(text)?;
    if found.0.port() == 0 {
        return Err("several runs are made, and each would take another free port: name one, like 9464".to_owned());
    }
    Ok(found)
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The endpoint, while it listens: until the program ends.
#[derive(Debug)]
pub(super) struct Endpoint {
    text: Arc<Mutex<String>>,
    at: SocketAddr,
}

/// Why there is no endpoint.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {at} for --metrics: {source}; name another port, or 0 for any that is free")]
pub(super) struct Error {
    at: SocketAddr,
    source: io::Error,
}

impl Endpoint {
    /// Listens.
    ///
    /// # Errors
    /// When the port cannot be had.
    pub(super) fn open(address: &Address) -> Result<Self, Error> {
        let trouble = |source| Error { at: address.0, source };
        let listener = TcpListener::bind(address.0).map_err(trouble)?;
        let at = listener.local_addr().map_err(trouble)?;
        let text = Arc::new(Mutex::new("# EOF\n".to_owned()));
        let shown = Arc::clone(&text);
        let listen = move || {
            for reader in listener.incoming() {
                match reader {
                    // A reader that goes away is no trouble of the run.
                    Ok(reader) => drop(serve(reader, &shown)),
                    Err(_) => std::thread::sleep(PAUSE),
                }
            }
        };
        std::thread::Builder::new().name("metrics".to_owned()).spawn(listen).map_err(trouble)?;
        Ok(Self { text, at })
    }

    /// Where to ask.
    pub(super) fn url(&self) -> String {
        format!("http://{}/metrics", self.at)
    }

    /// What is told from now on.
    pub(super) fn tell(&self, text: String) {
        *self.text.lock().unwrap_or_else(PoisonError::into_inner) = text;
    }
}

fn serve(mut reader: TcpStream, text: &Mutex<String>) -> io::Result<()> {
    reader.set_read_timeout(Some(READER_WITHIN))?;
    reader.set_write_timeout(Some(READER_WITHIN))?;
    let question = hear(&mut reader)?;
    let text = text.lock().unwrap_or_else(PoisonError::into_inner).clone();
    reader.write_all(answer(&question, &text).as_bytes())?;
    reader.flush()
}

/// Reads up to the empty line that ends a question, or as much as one may be long.
fn hear(reader: &mut TcpStream) -> io::Result<String> {
    let (deadline, mut heard, mut part) = (Instant::now() + READER_WITHIN, Vec::new(), [0; 1024]);
    while heard.len() < QUESTION_MAX_BYTES && Instant::now() < deadline {
        let count = reader.read(&mut part)?;
        heard.extend_from_slice(&part[..count]);
        if count == 0 || heard.windows(4).any(|end| end == b"\r\n\r\n") {
            break;
        }
    }
    Ok(String::from_utf8_lossy(&heard).into_owned())
}

/// The answer to a question in HTTP/1.1, of which the first line says all that matters.
fn answer(question: &str, text: &str) -> String {
    let mut words = question.lines().next().unwrap_or_default().split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    let (status, kind, body) = match (method, path) {
        ("GET" | "HEAD", "/metrics" | "/") => ("200 OK", CONTENT_TYPE, text),
        ("GET" | "HEAD", _) => ("404 Not Found", "text/plain; charset=utf-8", "ask for /metrics\n"),
        _ => ("405 Method Not Allowed", "text/plain; charset=utf-8", "GET /metrics\n"),
    };
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{allow}Connection: close\r\n\r\n",
        body.len()
    );
    if method == "HEAD" { head } else { head + body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_open_to_this_machine_only() {
        for (text, at) in [
            ("9464", "127.0.0.1:9464"),
            (":9464", "127.0.0.1:9464"),
            ("127.0.0.1:0", "127.0.0.1:0"),
            ("0.0.0.0:9464", "0.0.0.0:9464"),
            ("[::1]:9464", "[::1]:9464"),
        ] {
            assert_eq!(address(text).map(|it| it.0.to_string()), Ok(at.to_owned()), "{text}");
        }
        assert!(fixed_address(":0").is_err() && fixed_address("9464").is_ok());
        for text in ["", "65536", "here", "-1", "127.0.0.1"] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn whatever_is_asked_is_answered() {
        for (question, status, body) in [
            ("GET /metrics HTTP/1.1\r\n\r\n", "200 OK", "# EOF\n"),
            ("GET /metrics?a=b HTTP/1.1", "200 OK", "# EOF\n"),
            ("HEAD / HTTP/1.0", "200 OK", ""),
            ("GET /etc/passwd HTTP/1.1", "404 Not Found", "ask for /metrics\n"),
            ("POST /metrics HTTP/1.1", "405 Method Not Allowed", "GET /metrics\n"),
            ("", "405 Method Not Allowed", "GET /metrics\n"),
            ("\u{0}\u{ff}", "405 Method Not Allowed", "GET /metrics\n"),
        ] {
            let said = answer(question, "# EOF\n");
            assert!(said.starts_with(&format!("HTTP/1.1 {status}\r\n")), "{question:?}: {said}");
            assert_eq!(said.split_once("\r\n\r\n").map(|(_, body)| body), Some(body), "{question:?}");
        }
    }

    #[test]
    fn a_reader_hears_what_was_told_last_and_a_silent_one_harms_nobody() {
        let endpoint = Endpoint::open(&address("0").expect("any port")).expect("there is a free port");
        let _silent = TcpStream::connect(endpoint.at).expect("it listens");
        endpoint.tell("# one\n# EOF\n".to_owned());
        endpoint.tell("# two\n# EOF\n".to_owned());
        let mut reader = TcpStream::connect(endpoint.at).expect("it listens");
        reader.write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n").expect("it hears");
        let mut said = String::new();
        reader.read_to_string(&mut said).expect("it answers");
        assert!(said.ends_with("\r\n\r\n# two\n# EOF\n"), "{said}");
    }
}
