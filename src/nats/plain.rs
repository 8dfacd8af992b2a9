//! A small client of our own, for load that a client library would cost more than the server.
//!
//! It speaks to one server on this machine that wants neither TLS nor a login, and it never connects again: when the
//! connection breaks, it is lost, and whoever needs another one opens it. Everybody else is reached through the client
//! library (`nats::link` chooses, and says why). It belongs to one thread, on which a task of its own reads and writes:
//! what is published is gathered and written in one go when the task has its turn, or when there is much of it.
//! Measured in decision 34.

pub mod frames;
mod message;
pub mod words;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::rc::{Rc, Weak};
use std::time::Duration;

use async_nats::{Event, ServerError};
use bytes::{Buf, BytesMut};
use serde::Deserialize;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

pub use self::frames::Malformed;
use self::frames::{Frame, Frames};
pub use self::message::Message;
pub use self::words::Envelope;
use crate::clock;
use crate::model::time::MonoNs;

/// Connecting and the server's greeting take no longer.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// As much as this is written at once, without waiting for the task's turn.
const WRITE_AT: usize = 32 << 10;
/// Who publishes waits while as much as this is unwritten.
const UNWRITTEN_MAX: usize = 1 << 20;
/// Messages that a subscription holds and nobody has taken. What comes then is dropped and told, as the client library does.
const HELD_MAX: usize = 1 << 16;
/// A server that has not answered a ping is noticed after three of these.
const PING_EVERY: Duration = Duration::from_secs(10);
const PINGS_MAX: usize = 2;

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The system refuses it.
    #[error("cannot connect to {address}: {reason}")]
    Io {
        /// Where to.
        address: SocketAddr,
        /// What the system said.
        reason: io::Error,
    },
    /// No greeting in time.
    #[error("{address} did not answer within {} s", CONNECT_WITHIN.as_secs())]
    TimedOut {
        /// Where to.
        address: SocketAddr,
    },
    /// It asks for what this client does not have.
    #[error("the server asks for {0}")]
    Unsuited(&'static str),
    /// It refuses the client.
    #[error("the server refused the connection: {0}")]
    Refused(String),
    /// It speaks another protocol.
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

/// What matters of what a server says about itself.
#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    auth_required: bool,
    #[serde(default)]
    tls_required: bool,
    #[serde(default)]
    headers: bool,
}

/// A connection. Clones are the same one; it ends with the last of them.
#[derive(Clone)]
pub struct Client {
    shared: Rc<Shared>,
    _driving: Rc<Driving>,
}

/// Room for one message on a connection. A lost one takes everything and sends nothing.
pub struct Room<'a> {
    shared: &'a Shared,
}

impl Room<'_> {
    /// Publishes a message whose payload, of `length` bytes, `make` appends where it is written from: it is copied no more.
    #[inline]
    pub fn publish(self, envelope: &Envelope<'_>, length: usize, make: impl FnOnce(&mut Vec<u8>)) {
        let shared = self.shared;
        self.gather(envelope, length, make);
        shared.tell_of_more();
    }

    #[inline]
    fn gather(self, envelope: &Envelope<'_>, length: usize, make: impl FnOnce(&mut Vec<u8>)) {
        if self.shared.is_lost.get() {
            return;
        }
        let mut unwritten = self.shared.unwritten.borrow_mut();
        words::begin(envelope, length, &mut *unwritten);
        make(&mut unwritten);
        words::end(&mut *unwritten);
        let is_much = unwritten.len() >= WRITE_AT;
        drop(unwritten);
        if is_much {
            self.shared.write();
            self.shared.tell_of_more();
        }
    }
}

/// What is subscribed to; it ends when it is dropped.
pub struct Subscription {
    number: u64,
    held: Rc<Held>,
    shared: Weak<Shared>,
}

struct Shared {
    stream: TcpStream,
    unwritten: RefCell<Vec<u8>>,
    /// There is something to write that the task does not know of.
    more: Notify,
    told_of_more: Cell<bool>,
    /// There is less to write than there was.
    less: Notify,
    subscriptions: RefCell<BTreeMap<u64, Rc<Held>>>,
    last_number: Cell<u64>,
    is_lost: Cell<bool>,
    /// What each ping is for that was not answered: to see that the server is there, or that all of a subscription has come.
    pings: RefCell<VecDeque<Option<Rc<Held>>>>,
    note: Box<dyn Fn(Event)>,
}

/// Messages that wait to be taken.
#[derive(Default)]
struct Held {
    messages: RefCell<VecDeque<(MonoNs, Message)>>,
    come: Notify,
    is_over: Cell<bool>,
}

impl Held {
    fn end(&self) {
        self.is_over.set(true);
        self.come.notify_one();
    }
}

struct Driving(JoinHandle<()>);

impl Drop for Driving {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Client {
    /// Connects to the server at `address` as `name`. `note` hears of what happens to the connection. Must be called
    /// within a `LocalSet`.
    ///
    /// # Errors
    /// Any [`enum@Error`].
    pub async fn connect(address: SocketAddr, name: &str, note: impl Fn(Event) + 'static) -> Result<Self, Error> {
        let greeting = greet(address, name);
        let (stream, frames) = timeout(CONNECT_WITHIN, greeting).await.map_err(|_| Error::TimedOut { address })??;
        let shared = Rc::new(Shared {
            stream,
            unwritten: RefCell::new(Vec::with_capacity(2 * WRITE_AT)),
            more: Notify::new(),
            told_of_more: Cell::new(false),
            less: Notify::new(),
            subscriptions: RefCell::default(),
            last_number: Cell::new(0),
            is_lost: Cell::new(false),
            pings: RefCell::default(),
            note: Box::new(note),
        });
        (shared.note)(Event::Connected);
        let driving = tokio::task::spawn_local(Rc::clone(&shared).drive(frames));
        Ok(Self { shared, _driving: Rc::new(Driving(driving)) })
    }

    /// Whether the connection is lost, for good.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.shared.is_lost.get()
    }

    /// Subscribes to `subject`.
    #[must_use]
    pub fn subscribe(&self, subject: &str) -> Subscription {
        let shared = &self.shared;
        let number = shared.last_number.get() + 1;
        shared.last_number.set(number);
        let held = Rc::new(Held::default());
        held.is_over.set(self.is_lost());
        shared.subscriptions.borrow_mut().insert(number, Rc::clone(&held));
        words::subscribe(subject, number, &mut *shared.unwritten.borrow_mut());
        shared.tell_of_more();
        Subscription { number, held, shared: Rc::downgrade(shared) }
    }

    /// Publishes, unless so much is unwritten that [`Self::has_room`] must be waited for: then it returns `false`. A lost
    /// connection takes everything and sends nothing.
    #[must_use]
    pub fn publish(&self, envelope: &Envelope<'_>, payload: &[u8]) -> bool {
        let is_taken = self.publish_some_time(envelope, payload);
        self.shared.tell_of_more();
        is_taken
    }

    /// Publishes as [`Self::publish`], but nobody is told: it goes out with what is published next, or when there is much.
    #[must_use]
    pub fn publish_some_time(&self, envelope: &Envelope<'_>, payload: &[u8]) -> bool {
        let Some(room) = self.room() else { return false };
        room.gather(envelope, payload.len(), |out| out.extend_from_slice(payload));
        true
    }

    /// Room for one message; `None` while [`Self::has_room`] must be waited for.
    #[must_use]
    #[inline]
    pub fn room(&self) -> Option<Room<'_>> {
        let is_there = self.is_lost() || self.shared.unwritten.borrow().len() < UNWRITTEN_MAX;
        is_there.then_some(Room { shared: &self.shared })
    }

    /// Whether a few small messages can be published without waiting.
    #[must_use]
    pub fn has_room_at_once(&self) -> bool {
        self.shared.unwritten.borrow().len() < UNWRITTEN_MAX / 2
    }

    /// Returns when something can be published again.
    pub async fn has_room(&self) {
        loop {
            let less = self.shared.less.notified();
            if self.is_lost() || self.shared.unwritten.borrow().len() < UNWRITTEN_MAX {
                return;
            }
            less.await;
        }
    }
}

/// Connects and exchanges greetings.
async fn greet(address: SocketAddr, name: &str) -> Result<(TcpStream, Frames), Error> {
    let failed = |reason| Error::Io { address, reason };
    let stream = TcpStream::connect(address).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let mut frames = Frames::default();
    let mut words = BytesMut::new();
    let mut is_known = false;
    loop {
        match (frames.take()?, is_known) {
            (Some(Frame::Info(info)), false) => {
                let info: Info = serde_json::from_slice(&info)
                    .map_err(|error| Error::Refused(format!("what it says about itself cannot be read ({error})")))?;
                for (asked, what) in [(info.tls_required, "TLS"), (info.auth_required, "a login")] {
                    if asked {
                        return Err(Error::Unsuited(what));
                    }
                }
                if !info.headers {
                    return Err(Error::Unsuited("messages without headers"));
                }
                is_known = true;
                words::connect(name, &mut words);
                words.extend_from_slice(b"PING\r\n");
            }
            (Some(Frame::Pong), true) => return Ok((stream, frames)),
            (Some(Frame::Refusal(reason)), _) => return Err(Error::Refused(reason)),
            (Some(_), _) => {}
            (None, _) => {
                while !words.is_empty() {
                    stream.writable().await.map_err(failed)?;
                    match stream.try_write(&words) {
                        Ok(count) => words.advance(count),
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                        Err(error) => return Err(failed(error)),
                    }
                }
                stream.readable().await.map_err(failed)?;
                match stream.try_read_buf(frames.room()) {
                    Ok(0) => return Err(Error::Refused("it closed the connection".to_owned())),
                    Ok(_) => {}
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(failed(error)),
                }
            }
        }
    }
}

impl Shared {
    fn tell_of_more(&self) {
        if !self.told_of_more.replace(true) {
            self.more.notify_one();
        }
    }

    fn ping(&self, of: Option<Rc<Held>>) {
        self.pings.borrow_mut().push_back(of);
        self.unwritten.borrow_mut().extend_from_slice(b"PING\r\n");
        self.tell_of_more();
    }

    /// Writes as much as the system takes now.
    fn write(&self) {
        let mut unwritten = self.unwritten.borrow_mut();
        let before = unwritten.len();
        let mut written = 0;
        while written < before {
            match self.stream.try_write(&unwritten[written..]) {
                Ok(count) => written += count,
                // The task sees the same error when it reads.
                Err(_) => break,
            }
        }
        // Mostly all of it; else as much as the connection's buffer holds, so that no byte is moved often.
        unwritten.drain(..written);
        if before >= UNWRITTEN_MAX && unwritten.len() < UNWRITTEN_MAX {
            self.less.notify_waiters();
        }
    }

    /// Reads and writes until the connection is lost.
    async fn drive(self: Rc<Self>, mut frames: Frames) {
        let reason = self.pass_on(&mut frames).await;
        if let Some(reason) = reason {
            (self.note)(Event::ServerError(ServerError::Other(reason)));
        }
        self.is_lost.set(true);
        self.unwritten.borrow_mut().clear();
        self.subscriptions.borrow().values().for_each(|held| held.end());
        // Of a subscription that was dropped while it ended, nobody waits.
        self.pings.borrow_mut().drain(..).flatten().for_each(|held| held.end());
        self.less.notify_waiters();
        (self.note)(Event::Disconnected);
    }

    /// Returns when the connection is lost, with what was wrong with what the server said, if that was it.
    async fn pass_on(&self, frames: &mut Frames) -> Option<String> {
        let mut ping_at = Instant::now() + PING_EVERY;
        let mut is_stuck = false;
        loop {
            // What is said from here on wakes this task again. What goes out some time waits for it.
            if self.told_of_more.replace(false) || is_stuck {
                self.write();
                is_stuck = !self.unwritten.borrow().is_empty();
            }
            let interest = if is_stuck { Interest::READABLE | Interest::WRITABLE } else { Interest::READABLE };
            let woken = async {
                tokio::select! {
                    biased;
                    ready = self.stream.ready(interest) => ready.map(|ready| ready.is_readable()),
                    () = self.more.notified() => Ok(false),
                }
            };
            match timeout_at(ping_at, woken).await {
                Ok(Ok(true)) => match self.stream.try_read_buf(frames.room()) {
                    Ok(0) => return None,
                    Ok(_) => match self.hear(frames) {
                        // Whoever waits for what came has its turn first.
                        Ok(()) => tokio::task::yield_now().await,
                        Err(malformed) => return Some(malformed.to_string()),
                    },
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(_) => return None,
                },
                Ok(Ok(false)) => {}
                Ok(Err(_)) => return None,
                Err(_due) if self.pings.borrow().iter().filter(|ping| ping.is_none()).count() >= PINGS_MAX => {
                    return None;
                }
                Err(_due) => {
                    ping_at = Instant::now() + PING_EVERY;
                    self.ping(None);
                }
            }
        }
    }

    /// Passes on all frames that have come whole.
    fn hear(&self, frames: &mut Frames) -> Result<(), Malformed> {
        let now = clock::now();
        let subscriptions = self.subscriptions.borrow();
        // Mostly many messages of one subscription come together.
        let mut last: Option<(u64, &Rc<Held>)> = None;
        while let Some(frame) = frames.take()? {
            match frame {
                Frame::Message(number, message) => {
                    let held = match last {
                        Some((last, held)) if last == number => held,
                        // What comes after the end of a subscription is nobody's.
                        _ => match subscriptions.get(&number) {
                            Some(held) => held,
                            None => continue,
                        },
                    };
                    last = Some((number, held));
                    let mut messages = held.messages.borrow_mut();
                    if messages.len() >= HELD_MAX {
                        (self.note)(Event::SlowConsumer(number));
                        continue;
                    }
                    messages.push_back((now, message));
                    if messages.len() == 1 {
                        held.come.notify_one();
                    }
                }
                Frame::Ping => {
                    self.unwritten.borrow_mut().extend_from_slice(b"PONG\r\n");
                    self.tell_of_more();
                }
                // The server answers in the order of asking.
                Frame::Pong => {
                    if let Some(Some(held)) = self.pings.borrow_mut().pop_front() {
                        held.end();
                    }
                }
                Frame::Refusal(reason) => (self.note)(Event::ServerError(ServerError::Other(reason))),
                Frame::Info(_) | Frame::Ok => {}
            }
        }
        Ok(())
    }
}

impl Subscription {
    /// The next message and when the read that brought it returned; `None` at the end.
    pub async fn next(&mut self) -> Option<(MonoNs, Message)> {
        loop {
            if let Some(message) = self.take() {
                return Some(message);
            }
            if self.held.is_over.get() {
                return None;
            }
            self.held.come.notified().await;
        }
    }

    /// The next message, if it is there.
    pub fn take(&mut self) -> Option<(MonoNs, Message)> {
        self.held.messages.borrow_mut().pop_front()
    }

    /// Whether there is none, apart from what only tells a status.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.messages.borrow().iter().all(|(_, message)| message.status().is_some())
    }

    /// Asks the server to send no more. What it has sent by then still comes, and then the end.
    pub fn drain(&self) {
        match self.shared.upgrade() {
            Some(shared) if !shared.is_lost.get() => {
                words::unsubscribe(self.number, &mut *shared.unwritten.borrow_mut());
                shared.ping(Some(Rc::clone(&self.held)));
                shared.tell_of_more();
            }
            _ => self.held.end(),
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        let Some(shared) = self.shared.upgrade() else { return };
        if shared.subscriptions.borrow_mut().remove(&self.number).is_some() && !shared.is_lost.get() {
            words::unsubscribe(self.number, &mut *shared.unwritten.borrow_mut());
            shared.tell_of_more();
        }
    }
}
