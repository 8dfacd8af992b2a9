//! The relay between real sockets, in every weather.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::*;
use crate::fault::cut::Direction;
use crate::model::time::SpanNs;

/// A client and a server with a gate between them.
struct Bench {
    weather: watch::Sender<Weather>,
    words: mpsc::UnboundedReceiver<Word>,
    client: TcpStream,
    server: TcpStream,
    listener: TcpListener,
    address: std::net::SocketAddr,
}

async fn bench() -> Bench {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let upstream = listener.local_addr().expect("it is bound").to_string();
    let (said, words) = mpsc::unbounded_channel();
    let weather = watch::Sender::default();
    let tally = gate::Tally::new("c0".to_owned(), said);
    let (address, gate) = gate::open(upstream, weather.subscribe(), tally).await.expect("a gate");
    tokio::task::spawn_local(gate);
    let client = TcpStream::connect(address).await.expect("the gate is open");
    let (server, _) = listener.accept().await.expect("it connects on");
    Bench { weather, words, client, server, listener, address }
}

impl Bench {
    fn cut(&self, cut: Option<Cut>) {
        let last_reset = (cut == Some(Cut::Reset)).then_some(7);
        self.weather.send_replace(Weather { cut: cut.map(|cut| (7, cut)), last_reset });
    }

    async fn met(&mut self) -> String {
        match within(self.words.recv()).await {
            Some(Word::Met { id: 7, what, .. }) => what,
            other => panic!("{other:?}"),
        }
    }
}

/// Far more than anything here takes.
async fn within<T>(deed: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), deed).await.expect("it happens")
}

async fn reads(stream: &mut TcpStream, expected: &[u8]) {
    let mut bytes = vec![0; expected.len()];
    within(stream.read_exact(&mut bytes)).await.expect("it arrives");
    assert_eq!(bytes, expected);
}

/// Nothing arrives for as long as something would have.
async fn is_silent(stream: &mut TcpStream) {
    let read = tokio::time::timeout(Duration::from_millis(60), stream.read(&mut [0; 8])).await;
    assert!(read.is_err(), "{read:?}");
}

fn here(test: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    tokio::task::LocalSet::new().block_on(&runtime, test);
}

#[test]
fn bytes_pass_both_ways_and_ends_are_passed_on() {
    here(async {
        let mut bench = bench().await;
        let much: Vec<u8> = (0..3_000_000_u32).map(|number| (number / 7) as u8).collect();
        let (mut from, mut to) = bench.client.split();
        let sent = async { to.write_all(&much).await };
        let mut got = Vec::new();
        let received = async {
            while got.len() < much.len() {
                let mut buffer = [0; 9000];
                let bytes = bench.server.read(&mut buffer).await.expect("it arrives");
                got.extend_from_slice(&buffer[..bytes]);
            }
        };
        within(async { tokio::join!(sent, received).0.expect("it is taken") }).await;
        assert_eq!(got, much);
        bench.server.write_all(b"answer").await.expect("it is taken");
        let mut answer = [0; 6];
        within(from.read_exact(&mut answer)).await.expect("it arrives");
        bench.server.shutdown().await.expect("it can end");
        assert_eq!(within(from.read(&mut answer)).await.expect("a good end"), 0);
    });
}

#[test]
fn what_a_stall_holds_arrives_when_it_is_healed_and_new_connections_wait() {
    here(async {
        let mut bench = bench().await;
        bench.cut(Some(Cut::Stall));
        bench.client.write_all(b"held").await.expect("the kernel takes it");
        bench.server.write_all(b"too").await.expect("the kernel takes it");
        assert_eq!(bench.met().await, "bytes were held");
        is_silent(&mut bench.server).await;
        is_silent(&mut bench.client).await;
        let mut second = TcpStream::connect(bench.address).await.expect("the kernel takes it");
        second.write_all(b"second").await.expect("the kernel takes it");
        bench.cut(None);
        reads(&mut bench.server, b"held").await;
        reads(&mut bench.client, b"too").await;
        let (mut later, _) = within(bench.listener.accept()).await.expect("it connects on");
        reads(&mut later, b"second").await;
    });
}

#[test]
fn a_reset_is_seen_by_both_ends_even_when_it_has_passed_at_once() {
    here(async {
        let mut bench = bench().await;
        bench.weather.send_replace(Weather { cut: Some((7, Cut::Reset)), last_reset: Some(7) });
        bench.weather.send_modify(|weather| weather.cut = None);
        assert!(within(bench.client.read(&mut [0])).await.is_err());
        assert!(within(bench.server.read(&mut [0])).await.is_err());
        assert_eq!(bench.met().await, "a connection was reset");
        let mut again = TcpStream::connect(bench.address).await.expect("the gate is open again");
        let (mut server, _) = within(bench.listener.accept()).await.expect("it connects on");
        again.write_all(b"again").await.expect("it is taken");
        reads(&mut server, b"again").await;
    });
}

#[test]
fn one_way_loses_what_goes_that_way_and_a_connection_with_a_hole_is_reset_when_it_is_healed() {
    here(async {
        let mut bench = bench().await;
        bench.cut(Some(Cut::OneWay { direction: Direction::ToServer }));
        bench.server.write_all(b"passes").await.expect("it is taken");
        reads(&mut bench.client, b"passes").await;
        bench.client.write_all(b"lost").await.expect("the kernel takes it");
        assert_eq!(bench.met().await, "bytes were lost");
        is_silent(&mut bench.server).await;
        bench.cut(None);
        assert!(within(bench.server.read(&mut [0])).await.is_err(), "it never sees a stream with a hole");
        assert!(within(bench.client.read(&mut [0])).await.is_err());
    });
}

#[test]
fn one_way_that_lost_nothing_leaves_the_connection_whole() {
    here(async {
        let mut bench = bench().await;
        bench.cut(Some(Cut::OneWay { direction: Direction::FromServer }));
        bench.client.write_all(b"passes").await.expect("it is taken");
        reads(&mut bench.server, b"passes").await;
        bench.cut(None);
        bench.server.write_all(b"whole").await.expect("it is taken");
        reads(&mut bench.client, b"whole").await;
    });
}

#[test]
fn delayed_bytes_come_late_and_all_at_once_when_it_is_healed() {
    here(async {
        let mut bench = bench().await;
        let delay = SpanNs(40_000_000);
        bench.cut(Some(Cut::Delay { delay, jitter: SpanNs(5_000_000) }));
        let sent = clock::now();
        for _ in 0..10 {
            bench.client.write_all(b"late").await.expect("it is taken");
        }
        reads(&mut bench.server, &b"late".repeat(10)).await;
        assert!(clock::now().since(sent) >= delay);
        assert_eq!(bench.met().await, "bytes were delayed");
        bench.cut(Some(Cut::Delay { delay: SpanNs(3_600_000_000_000), jitter: SpanNs(0) }));
        bench.client.write_all(b"never").await.expect("it is taken");
        is_silent(&mut bench.server).await;
        bench.cut(None);
        reads(&mut bench.server, b"never").await;
    });
}

#[test]
fn a_throttled_connection_takes_its_time() {
    here(async {
        let mut bench = bench().await;
        bench.cut(Some(Cut::Throttle { bytes_per_s: 20_000 }));
        let sent = clock::now();
        bench.client.write_all(&[1; 4_000]).await.expect("the kernel takes it");
        reads(&mut bench.server, &[1; 4_000]).await;
        assert!(clock::now().since(sent) >= SpanNs(199_000_000), "a fifth of a second");
        assert_eq!(bench.met().await, "bytes were throttled");
    });
}
