//! A gate: where the connections of one client to one server come in.

use std::cell::Cell;
use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};

use super::lane::Lane;
use super::passage::Admission;
use super::words::Word;
use crate::clock;
use crate::fault::Cut;
use crate::fault::cut::Direction;

/// Most connections of one client to one server at once.
const CONNECTIONS_MAX: usize = 1024;
/// How long a server may take to accept a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Between attempts to accept when there is no file descriptor left.
const ACCEPT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// What happens to the connections of a client just now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weather {
    /// The number of the fault, and what it does.
    pub cut: Option<(u32, Cut)>,
    /// The last fault that reset connections. It may have passed before any lane looked.
    pub last_reset: Option<u32>,
}

/// Tells the driver what first met each cut of a client.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    client: Rc<str>,
    /// The last cut that something has met.
    met: Rc<Cell<Option<u32>>>,
    words: mpsc::UnboundedSender<Word>,
}

impl Tally {
    /// Nothing has met anything yet.
    pub(super) fn new(client: String, words: mpsc::UnboundedSender<Word>) -> Self {
        Self { client: client.into(), met: Rc::default(), words }
    }

    /// Whether something has met the cut of this weather.
    pub(super) fn has_met(&self, weather: Weather) -> bool {
        weather.cut.is_none_or(|(id, _)| self.met.get() == Some(id))
    }

    /// Something meets the cut of this weather, now.
    pub(super) fn met(&self, weather: Weather, what: &str) {
        if let Some((id, _)) = weather.cut {
            self.met_fault(id, what);
        }
    }

    /// Something meets fault `id`, now.
    pub(super) fn met_fault(&self, id: u32, what: &str) {
        if self.met.replace(Some(id)) != Some(id) {
            let (client, at, what) = (self.client.to_string(), clock::now(), what.to_owned());
            let _ = self.words.send(Word::Met { client, id, at, what });
        }
    }
}

/// Listens on a free port of this machine for connections to `upstream`, host and port. The future accepts them; it ends
/// only when it is dropped.
pub(super) async fn open(
    upstream: String,
    weather: watch::Receiver<Weather>,
    tally: Tally,
) -> io::Result<(SocketAddr, impl Future<Output = ()>)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let room = Rc::new(Semaphore::new(CONNECTIONS_MAX));
    let accepting = async move {
        loop {
            let Ok(()) = room.acquire().await.map(tokio::sync::SemaphorePermit::forget) else { return };
            match listener.accept().await {
                Ok((client, _)) => {
                    let (upstream, weather, tally) = (upstream.clone(), weather.clone(), tally.clone());
                    let room = Rc::clone(&room);
                    tokio::task::spawn_local(async move {
                        connection(client, &upstream, weather, &tally).await;
                        room.add_permits(1);
                    });
                }
                Err(_) => {
                    room.add_permits(1);
                    tokio::time::sleep(ACCEPT_AGAIN_AFTER).await;
                }
            }
        }
    };
    Ok((address, accepting))
}

/// One connection, from its beginning to its end.
async fn connection(mut client: TcpStream, upstream: &str, mut weather: watch::Receiver<Weather>, tally: &Tally) {
    if !admitted(&client, &mut weather, tally).await {
        return;
    }
    let before = weather.borrow().last_reset;
    let Ok(Ok(mut server)) = tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(upstream)).await else {
        // As near to the refusal of a server that is not there as can be had.
        let _ = client.set_zero_linger();
        return;
    };
    let _ = (client.set_nodelay(true), server.set_nodelay(true));
    let carried = {
        let ((from_client, to_client), (from_server, to_server)) = (client.split(), server.split());
        let there = Lane::new(Direction::ToServer, from_client, to_server, weather.clone(), before, tally);
        let back = Lane::new(Direction::FromServer, from_server, to_client, weather, before, tally);
        tokio::try_join!(there.carry(), back.carry())
    };
    if carried.is_err() {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Waits until the weather lets a connection be made. False: it is refused, or nobody wants it any more.
async fn admitted(client: &TcpStream, weather: &mut watch::Receiver<Weather>, tally: &Tally) -> bool {
    loop {
        let now = *weather.borrow_and_update();
        match Admission::under(now.cut.map(|(_, cut)| cut)) {
            Admission::Now => return true,
            Admission::Refused => {
                tally.met(now, "a new connection was reset");
                let _ = client.set_zero_linger();
                return false;
            }
            Admission::Later => {
                tally.met(now, "a new connection was held");
                tokio::select! {
                    changed = weather.changed() => if changed.is_err() { return false },
                    () = gone(client) => return false,
                }
            }
        }
    }
}

/// Returns when the other end has given up.
async fn gone(client: &TcpStream) {
    match client.peek(&mut [0]).await {
        Ok(0) | Err(_) => {}
        // It speaks first, and what it says stays where it is.
        Ok(_) => std::future::pending().await,
    }
}
