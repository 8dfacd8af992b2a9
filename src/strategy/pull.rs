//! The pull loop of one member on one consumer: keeps a pull open, hands over what comes, and never waits unbounded.
//!
//! What is done with a message is the strategy's business.

use std::time::Duration;

use async_nats::StatusCode;
use serde::Serialize;

use super::Error;
use super::consumer::Pulling;
use super::inbox::{Inbox, Leave, Taken};
use super::seat::Seat;
use crate::clock;
use crate::model::time::MonoNs;
use crate::nats::link::Message;
use crate::nats::plain::Envelope;

/// Longest time between two signs that a pull is still open.
const HEARTBEAT_MAX: Duration = Duration::from_secs(1);
/// After so many messages that were at hand, others have their turn: the connection itself waits for one.
const TURN: u32 = 128;
/// Wait before a pull is tried again that nobody answered.
const PATIENCE: Duration = Duration::from_millis(50);

/// A member's pulls on one consumer.
pub(super) struct Puller<'a> {
    /// Who pulls.
    seat: &'a Seat,
    consumer: String,
    batch: u32,
    expiry: Duration,
    /// The next pull goes out when so many of those asked for are still to come.
    threshold: u64,
    max_bytes: Option<u64>,
    /// A message is started only so long after its pull was sent.
    start_within: Option<Duration>,
    /// The priority group, and the pin while this member has it.
    priority: Option<Priority>,
}

struct Priority {
    group: &'static str,
    pin: Option<String>,
}

/// What a member has at hand: messages that have come and that nobody has taken.
pub(super) struct Hand<'a> {
    inbox: &'a mut Inbox,
    open: &'a mut u64,
    threshold: u64,
    /// So many more, until others have their turn.
    left: u32,
    /// What came and is no message to be handled.
    other: Option<(MonoNs, Message)>,
}

impl Hand<'_> {
    /// The next message; `None` when there is none, or something else must be seen to first.
    pub(super) fn take(&mut self) -> Option<Taken> {
        while self.left > 0 && *self.open > self.threshold && self.other.is_none() {
            let (received, message) = self.inbox.take()?;
            if message.status().is_some() {
                self.other = Some((received, message));
                return None;
            }
            self.left -= 1;
            *self.open = self.open.saturating_sub(1);
            if let Some(mut taken) = Taken::new(received, message) {
                taken.is_last = self.inbox.is_empty();
                return Some(taken);
            }
        }
        None
    }
}

/// What a pull asks for (ADR-37, and ADR-42 for group and id).
#[derive(Serialize)]
struct Request<'a> {
    batch: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_bytes: Option<u64>,
    expires: u64,
    idle_heartbeat: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
}

impl<'a> Puller<'a> {
    /// Pulls `batch` messages at a time from `consumer`, as `pulling` says.
    pub(super) fn new(seat: &'a Seat, consumer: String, batch: u32, pulling: &Pulling) -> Self {
        Self {
            seat,
            consumer,
            batch,
            expiry: pulling.max_wait.0,
            threshold: pulling.threshold.unwrap_or(batch / 2).into(),
            max_bytes: pulling.max_bytes.map(|bytes| bytes.0),
            start_within: None,
            priority: None,
        }
    }

    /// One message at a time, which is started only while its ack wait cannot have run out.
    ///
    /// A message is delivered at the earliest when its pull was sent. So whoever looks at his own clock between that
    /// instant and `ack_wait` later knows that the server has not yet given it to anybody else. What comes too late,
    /// after a pause say, is left alone: the server delivers it again.
    pub(super) fn one_at_a_time(seat: &'a Seat, consumer: String, ack_wait: Duration) -> Self {
        Self {
            start_within: Some(ack_wait.mul_f64(0.85)),
            expiry: Pulling::default().max_wait.0.min(ack_wait / 2),
            ..Self::new(seat, consumer, 1, &Pulling::default())
        }
    }

    /// Pulls as one of the priority group `group`, each pull for at most `expiry`.
    pub(super) fn in_group(self, group: &'static str, expiry: Duration) -> Self {
        Self { expiry: self.expiry.min(expiry), priority: Some(Priority { group, pin: None }), ..self }
    }

    /// Whether this member had the pin when it was last heard of.
    pub(super) fn is_pinned(&self) -> bool {
        self.priority.as_ref().is_some_and(|priority| priority.pin.is_some())
    }

    /// Hands over messages until the member shall leave: pulls stop, and what the server has sent by then is still
    /// handed over.
    pub(super) async fn run(&mut self, handle: impl AsyncFnMut(&Taken) -> Result<(), Error>) -> Result<(), Error> {
        self.run_with(|_| Ok(()), handle).await
    }

    /// The same; what is at hand is offered to `at_once` first, which takes what needs no waiting.
    pub(super) async fn run_with(
        &mut self,
        at_once: impl Fn(&mut Hand<'_>) -> Result<(), Error>,
        mut handle: impl AsyncFnMut(&Taken) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let heartbeat = HEARTBEAT_MAX.min(self.expiry / 4);
        let batch = u64::from(self.batch);
        let (mut subject, mut inbox) = self.inbox().await?;
        let mut open: u64 = 0;
        let mut pulled_at = clock::now();
        let mut in_a_row = 0_u32;
        let mut leave = Leave::new(&self.seat.leave);
        // Where a message may have to wait for its turn, each is looked at by itself.
        let waits_for_nothing = self.priority.is_none() && self.start_within.is_none();
        loop {
            let leaving = leave.is_told();
            if !leaving && open <= self.threshold {
                pulled_at = clock::now();
                self.pull(&subject, heartbeat).await?;
                self.seat.start.asked();
                open += batch;
            }
            let mut at_hand = None;
            if !leaving {
                if waits_for_nothing {
                    let mut hand =
                        Hand { inbox: &mut inbox, open: &mut open, threshold: self.threshold, left: TURN, other: None };
                    at_once(&mut hand)?;
                    let (left, other) = (hand.left, hand.other.take());
                    if left == 0 {
                        tokio::task::yield_now().await;
                    }
                    if left == 0 || (left < TURN && other.is_none() && open <= self.threshold) {
                        continue;
                    }
                    at_hand = other;
                }
                at_hand = at_hand.or_else(|| inbox.take());
            }
            let next = match at_hand {
                Some(next) => {
                    in_a_row = in_a_row.wrapping_add(1);
                    if in_a_row.is_multiple_of(TURN) {
                        tokio::task::yield_now().await;
                    }
                    Ok(Some(next))
                }
                None => tokio::time::timeout(3 * heartbeat, inbox.next()).await,
            };
            match next {
                Ok(Some((received, message))) => match message.status() {
                    None => {
                        open = open.saturating_sub(1);
                        self.remember_pin(&message);
                        let Some(mut taken) = Taken::new(received, message) else { continue };
                        if self.may_start(pulled_at) {
                            taken.is_last = inbox.is_empty();
                            handle(&taken).await?;
                        }
                    }
                    Some(StatusCode::IDLE_HEARTBEAT) => {}
                    // The pull has ended; the header tells how much of it was not used.
                    Some(StatusCode::TIMEOUT | StatusCode::REQUEST_TERMINATED | StatusCode::NOT_FOUND) => {
                        open = open.saturating_sub(unused(&message).unwrap_or(batch));
                    }
                    // No responders, a pin that has moved, or something newer: the pull is gone. A little patience,
                    // or a server that is down would be asked in a hot loop.
                    Some(_) => {
                        self.forget_pin();
                        open = open.saturating_sub(batch);
                        tokio::time::sleep(PATIENCE).await;
                    }
                },
                Ok(None) if leave.is_told() => return Ok(()),
                Ok(None) => return Err(Error::Closed),
                // Neither message nor heartbeat: the pulls were lost with a connection.
                Err(_silence) if leave.is_told() => return Ok(()),
                Err(_silence) => {
                    open = 0;
                    if self.start_within.is_some() {
                        // A lost pull that lives on at the server must not answer for the next one.
                        (subject, inbox) = self.inbox().await?;
                    }
                }
            }
        }
    }

    async fn inbox(&self) -> Result<(String, Inbox), Error> {
        let subject = self.seat.link.new_inbox();
        // The bound on what is in hand: two pulls can be open at once.
        let room = 2 * self.batch as usize + 16;
        let inbox = Inbox::open_on_link(self.seat, subject.clone(), room).await?;
        Ok((subject, inbox))
    }

    async fn pull(&self, inbox: &str, heartbeat: Duration) -> Result<(), Error> {
        let nanoseconds = |span: Duration| u64::try_from(span.as_nanos()).unwrap_or(u64::MAX);
        let request = Request {
            batch: self.batch,
            max_bytes: self.max_bytes,
            expires: nanoseconds(self.expiry),
            idle_heartbeat: nanoseconds(heartbeat),
            group: self.priority.as_ref().map(|priority| priority.group),
            id: self.priority.as_ref().and_then(|priority| priority.pin.as_deref()),
        };
        let request = serde_json::to_vec(&request).map_err(|error| Error::refused("encode a pull request", &error))?;
        let subject =
            format!("{}.CONSUMER.MSG.NEXT.{}.{}", self.seat.access.api_prefix(), self.seat.stream, self.consumer);
        let envelope = Envelope { subject: &subject, reply: Some(inbox), ..Envelope::default() };
        self.seat.link.publish(&envelope, &request).await.map_err(|error| Error::refused("pull messages", &error))
    }

    fn may_start(&self, pulled_at: MonoNs) -> bool {
        self.start_within.is_none_or(|within| clock::now() < pulled_at + within.into())
    }

    fn remember_pin(&mut self, message: &Message) {
        let Some(priority) = &mut self.priority else { return };
        let pin = message.headers().and_then(|headers| headers.get("Nats-Pin-Id"));
        if let Some(pin) = pin.filter(|pin| priority.pin.as_deref() != Some(pin.as_str())) {
            priority.pin = Some(pin.as_str().to_owned());
        }
    }

    fn forget_pin(&mut self) {
        if let Some(priority) = &mut self.priority {
            priority.pin = None;
        }
    }
}

fn unused(message: &Message) -> Option<u64> {
    message.headers()?.get("Nats-Pending-Messages")?.as_str().parse().ok()
}
