//! A publisher: sends its share of the load when the schedule wants it, and journals the fate of each message.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::{Event, HeaderMap, Message, Subject, Subscriber, header};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt};
use serde::Deserialize;
use tokio::sync::watch;

use super::line::{Line, Ticket};
use super::load::{Keys, Schedule, Share};
use super::{Ears, Error, Mouth};
use crate::clock::{self, alarm::Alarm};
use crate::evidence::Slot;
use crate::model::payload::Template;
use crate::model::record::{Fate, LifeEvent, Publish};
use crate::model::time::{MonoNs, SpanNs};
use crate::model::units::Rate;
use crate::profile::plan::Load;
use crate::protocol::{Assignment, Order, Word};
use crate::strategy;
use crate::strategy::desk::{self, Notebook};

/// What is due within this span is sent in one go: finer ticks cost the server more than they tell (facts/performance.md 6).
const TICK: SpanNs = SpanNs(250_000);
/// An answer that takes longer is given up: the line stops and sends again.
const ANSWER_WITHIN: SpanNs = SpanNs(3_000_000_000);
/// Nothing stored for so long although there is something to send: the publisher gives up.
const PATIENCE: SpanNs = SpanNs(60_000_000_000);
/// How long a publisher that was told to cease may take to settle what is under way.
const SETTLE_WITHIN: SpanNs = SpanNs(10_000_000_000);
/// How often overdue answers are looked for.
const CHECK_EVERY: Duration = Duration::from_millis(50);
/// Between attempts to connect again; the first follows at once.
const CONNECT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// One connection and what belongs to it. It is never mended: when it breaks, the next road is another connection.
///
/// The client library keeps what it was given while it reconnects, and would send that on the new connection before the
/// publisher has sent again what was lost with the old one. So it must not reconnect.
struct Road {
    client: async_nats::Client,
    answers: Subscriber,
    inbox: String,
    /// Turns true when the connection is lost, for good.
    lost: watch::Receiver<bool>,
}

impl Road {
    async fn open(assignment: &Assignment, note: impl Fn(Event) + Send + Sync + 'static) -> Result<Self, Error> {
        let stands = Arc::new(AtomicBool::new(false));
        let stood = Arc::clone(&stands);
        let delay = move |_| if stood.load(Ordering::Relaxed) { Duration::MAX } else { Duration::ZERO };
        let options = assignment.access.options()?.reconnect_delay_callback(delay);
        let (losing, lost) = watch::channel(false);
        let listen = move |event: Event| {
            if matches!(event, Event::Disconnected | Event::Closed) {
                losing.send_replace(true);
            }
            note(event);
        };
        let client = assignment.access.connect_with(options, &assignment.author.to_string(), listen).await?;
        stands.store(true, Ordering::Relaxed);
        let inbox = client.new_inbox();
        let answers = client.subscribe(format!("{inbox}.*.*")).await.map_err(|_| Error::Closed)?;
        Ok(Self { client, answers, inbox, lost })
    }
}

/// A message under way.
struct Sent {
    slot: Slot<Publish>,
    message: Numbers,
    /// When it was sent last.
    at: MonoNs,
}

/// What makes up a message.
#[derive(Clone, Copy)]
struct Numbers {
    key: u32,
    key_seq: u32,
    partition: u16,
    intended: MonoNs,
}

struct Publisher<'a> {
    client: async_nats::Client,
    /// Turns true when the connection is lost.
    lost: watch::Receiver<bool>,
    /// Whether that was seen, and there is no other connection yet.
    is_down: bool,
    notebook: &'a Notebook,
    assignment: &'a Assignment,
    load: &'a Load,
    /// Subject by partition.
    subjects: Vec<Subject>,
    inbox: String,
    /// Reply subject by slot of the window, for the generation of the line.
    replies: Vec<Subject>,
    keys: Keys,
    /// Partition by key: hashing a key once is enough.
    partitions: Vec<u16>,
    /// `None` in a closed loop.
    schedule: Option<Schedule>,
    begin: MonoNs,
    cease: Option<MonoNs>,
    line: Line<Sent>,
    /// Since when the line has had room.
    open_since: MonoNs,
    /// Since when the line has stopped again and again with nothing stored.
    troubled_since: Option<MonoNs>,
    last_refusal: String,
    template: Template,
    buffer: BytesMut,
}

/// Publishes as `assignment.author` until told to cease. Returns when all is settled, or time is up.
pub(super) async fn publish(
    assignment: &Assignment,
    load: &Load,
    notebook: &Notebook,
    note: impl Fn(Event) + Clone + Send + Sync + 'static,
    mouth: &Mouth,
    ears: &mut Ears,
) -> Result<(), Error> {
    let Road { client, mut answers, inbox, mut lost } = Road::open(assignment, note.clone()).await?;
    notebook.life(LifeEvent::Ready)?;
    mouth.say(Word::Ready);
    let begin = loop {
        match ears.recv().await {
            Some(Order::Begin { at }) => break at,
            Some(Order::Cease { .. }) => return Ok(()),
            Some(_) => {}
            None => return Err(Error::Orphaned),
        }
    };
    let mut publisher = Publisher::new(assignment, load, notebook, (client, lost.clone(), inbox), begin)?;
    let mut alarm = Alarm::new().map_err(desk::Error::Timer)?;
    let mut check = tokio::time::interval(CHECK_EVERY);
    let mut tick = begin;
    let open_again = async |after| {
        tokio::time::sleep(after).await;
        Road::open(assignment, note.clone()).await
    };
    // A future that is there only while the connection is lost.
    let mut opening = std::pin::pin!(futures_util::future::OptionFuture::from(None));
    loop {
        publisher.send_due().await?;
        if publisher.is_done() {
            break;
        }
        tokio::select! {
            biased;
            // An error means that the client is gone altogether: its connection is lost, too.
            () = async { let _ = lost.wait_for(|lost| *lost).await; }, if !publisher.is_down => {
                publisher.take_down();
                opening.set(Some(open_again(Duration::ZERO)).into());
            }
            Some(opened) = &mut opening => match opened {
                Ok(road) => {
                    opening.set(None.into());
                    // What was answered before the break is stored.
                    while let Some(message) = answers.next().now_or_never().flatten() {
                        publisher.hear(&message)?;
                    }
                    (answers, lost) = (road.answers, road.lost.clone());
                    publisher.take_up(road.client, road.lost, road.inbox).await?;
                }
                Err(error) => {
                    publisher.last_refusal = error.to_string();
                    opening.set(Some(open_again(CONNECT_AGAIN_AFTER)).into());
                }
            },
            Some(message) = answers.next() => {
                publisher.hear(&message)?;
                while let Some(message) = answers.next().now_or_never().flatten() {
                    publisher.hear(&message)?;
                }
            }
            order = ears.recv() => match order {
                Some(Order::Cease { at }) => publisher.cease = Some(at),
                Some(_) => {}
                None => return Err(Error::Orphaned),
            },
            woken = alarm.until(publisher.wake_at(tick)), if publisher.waits_for_the_schedule() => {
                woken.map_err(desk::Error::Timer)?;
                tick = clock::now();
            }
            _ = check.tick() => publisher.look_after_the_line().await?,
        }
    }
    publisher.close();
    Ok(())
}

impl<'a> Publisher<'a> {
    fn new(
        assignment: &'a Assignment,
        load: &'a Load,
        notebook: &'a Notebook,
        (client, lost, inbox): (async_nats::Client, watch::Receiver<bool>, String),
        begin: MonoNs,
    ) -> Result<Self, Error> {
        let share = Share { index: assignment.author.index, publishers: load.publishers };
        let keys = Keys::new(load, assignment.seed, share).ok_or(Error::NoKeys { index: share.index })?;
        let schedule = match load.rate {
            Rate::PerSecond(rate) => {
                Some(Schedule::new(load.arrivals, rate * share.fraction(load), assignment.seed, share))
            }
            Rate::Max => None,
        };
        let partitions = (0..load.keys).map(|key| strategy::partition_of(key, assignment.partitions)).collect();
        let subjects =
            (0..assignment.partitions).map(|p| format!("{}.{p}", assignment.subject_prefix).into()).collect();
        let line = Line::new(load.window);
        let mut publisher = Self {
            client,
            lost,
            is_down: false,
            notebook,
            assignment,
            load,
            subjects,
            inbox,
            replies: Vec::new(),
            keys,
            partitions,
            schedule,
            begin,
            cease: None,
            line,
            open_since: begin,
            troubled_since: None,
            last_refusal: "no answer".to_owned(),
            template: Template::new(assignment.run_tag, share.index, load.payload_bytes as usize),
            buffer: BytesMut::new(),
        };
        publisher.name_replies();
        Ok(publisher)
    }

    fn name_replies(&mut self) {
        let (inbox, generation) = (&self.inbox, self.line.generation());
        self.replies = (0..self.load.window).map(|slot| format!("{inbox}.{generation}.{slot}").into()).collect();
    }

    /// The next intended instant; `now` in a closed loop. `None` when nothing more is wanted.
    fn next_intended(&self, now: MonoNs) -> Option<MonoNs> {
        let intended = match &self.schedule {
            Some(schedule) => self.begin + schedule.peek(),
            None => now.max(self.begin),
        };
        self.cease.is_none_or(|cease| intended < cease).then_some(intended)
    }

    fn waits_for_the_schedule(&self) -> bool {
        self.line.has_room() && self.next_intended(clock::now()).is_some()
    }

    fn wake_at(&self, last_tick: MonoNs) -> MonoNs {
        let due = self.next_intended(clock::now()).unwrap_or(last_tick);
        due.max(last_tick + TICK)
    }

    /// Sends all that is due, as far as the window goes.
    async fn send_due(&mut self) -> Result<(), Error> {
        while self.line.has_room() && !*self.lost.borrow() {
            let now = clock::now();
            match self.next_intended(now) {
                Some(intended) if intended <= now => self.send(intended, now).await?,
                _ => break,
            }
        }
        Ok(())
    }

    async fn send(&mut self, intended: MonoNs, now: MonoNs) -> Result<(), Error> {
        if let Some(schedule) = &mut self.schedule {
            schedule.advance();
        }
        let (key, key_seq) = self.keys.draw();
        let partition = self.partitions[key as usize];
        let possible = intended.max(self.open_since);
        let record = Publish {
            key,
            key_seq,
            partition,
            publisher: self.assignment.author.index,
            intended,
            possible,
            sent: now,
            bytes: self.load.payload_bytes,
            fate: Fate::Unknown,
        };
        let Some(begun) = self.notebook.with(|writer| writer.begin_publish(&record)) else { return Ok(()) };
        let slot = begun?;
        let message = Numbers { key, key_seq, partition, intended };
        let ticket = self.line.send(Sent { slot, message, at: now });
        self.transmit(ticket, message).await
    }

    async fn transmit(&mut self, ticket: Ticket, message: Numbers) -> Result<(), Error> {
        let Numbers { key, key_seq, partition, intended } = message;
        self.template.append(key, key_seq, partition, intended, &mut self.buffer);
        let payload: Bytes = self.buffer.split().freeze();
        let subject = self.subjects[usize::from(partition)].clone();
        let reply = self.replies[ticket.slot as usize].clone();
        let mut headers = None;
        if self.load.message_id {
            let id = format!("{:x}-{key}-{key_seq}", self.assignment.run_tag);
            headers.get_or_insert_with(HeaderMap::new).insert(header::NATS_MESSAGE_ID, id.as_str());
        }
        let client = &self.client;
        let handed_over = async move {
            match headers {
                Some(headers) => client.publish_with_reply_and_headers(subject, reply, headers, payload).await,
                None => client.publish_with_reply(subject, reply, payload).await,
            }
        };
        tokio::select! {
            biased;
            outcome = handed_over => outcome.map_err(|_| Error::Closed),
            // A lost connection takes nothing any more. The message stays in the line and is sent on the next one.
            _ = self.lost.wait_for(|lost| *lost) => Ok(()),
        }
    }

    /// The connection is lost: nothing more is sent until there is another.
    fn take_down(&mut self) {
        self.is_down = true;
        self.line.stop();
        self.troubled_since.get_or_insert(clock::now());
    }

    /// There is another connection. What the old one did not answer it will never answer: all that is sent again now.
    async fn take_up(
        &mut self,
        client: async_nats::Client,
        lost: watch::Receiver<bool>,
        inbox: String,
    ) -> Result<(), Error> {
        (self.client, self.lost, self.inbox) = (client, lost, inbox);
        self.is_down = false;
        self.send_again().await
    }

    /// Books one answer.
    fn hear(&mut self, message: &Message) -> Result<(), Error> {
        let Some(ticket) = ticket(&message.subject) else { return Ok(()) };
        let had_room = self.line.has_room();
        let now = clock::now();
        match answer(message) {
            Ok(ack) => {
                if let Some(sent) = self.line.stored(ticket) {
                    self.notebook.with(|writer| writer.stored(sent.slot, now, ack.seq, ack.duplicate));
                    self.troubled_since = None;
                }
            }
            Err(refusal) => {
                self.last_refusal = refusal;
                self.line.refused(ticket);
            }
        }
        if !had_room && self.line.has_room() {
            self.open_since = now;
        }
        Ok(())
    }

    /// Stops the line when an answer is overdue; starts it again when it can be.
    async fn look_after_the_line(&mut self) -> Result<(), Error> {
        let now = clock::now();
        let overdue = self.line.first_waiting().is_some_and(|sent| now.since(sent.at) > ANSWER_WITHIN);
        if overdue {
            self.line.stop();
        }
        if self.line.is_stopped() {
            self.troubled_since.get_or_insert(now);
        }
        if self.troubled_since.is_some_and(|since| now.since(since) > PATIENCE) {
            return Err(Error::Refused { seconds: PATIENCE.0 / 1_000_000_000, reason: self.last_refusal.clone() });
        }
        if self.line.is_stopped() && !self.is_down && (self.line.is_quiet() || overdue) {
            self.send_again().await?;
        }
        Ok(())
    }

    /// Starts the line again from the first message that is not stored, in order.
    async fn send_again(&mut self) -> Result<(), Error> {
        let again = self.line.restart();
        self.name_replies();
        for ticket in again {
            let Some(sent) = self.line.get_mut(ticket) else { continue };
            // Its age counts from this attempt; the journal keeps the first instant of sending.
            sent.at = clock::now();
            let message = sent.message;
            self.transmit(ticket, message).await?;
        }
        if self.line.has_room() {
            self.open_since = clock::now();
        }
        Ok(())
    }

    fn is_done(&self) -> bool {
        let Some(cease) = self.cease else { return false };
        let now = clock::now();
        let all_settled = self.line.is_empty() && self.next_intended(now).is_none();
        all_settled || now.since(cease) > SETTLE_WITHIN
    }

    /// Writes down which messages are known not to be stored. The others that are left stay unknown.
    fn close(self) {
        let now = clock::now();
        for (sent, refused) in self.line.into_unsettled() {
            self.notebook.with(
                |writer| {
                    if refused { writer.failed(sent.slot, now) } else { writer.abandon(sent.slot) }
                },
            );
        }
    }
}

/// `<inbox>.<generation>.<slot>` back into a ticket.
fn ticket(subject: &str) -> Option<Ticket> {
    let mut tokens = subject.rsplit('.');
    let slot = tokens.next()?.parse().ok()?;
    let generation = tokens.next()?.parse().ok()?;
    Some(Ticket { generation, slot })
}

#[derive(Deserialize)]
struct Ack {
    #[serde(default)]
    seq: u64,
    #[serde(default)]
    duplicate: bool,
    #[serde(default)]
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    description: String,
}

/// The server's answer to a publish: where it is stored, or why not.
fn answer(message: &Message) -> Result<Ack, String> {
    if message.status.is_some_and(|status| status == async_nats::StatusCode::NO_RESPONDERS) {
        return Err("no stream takes the subject (no responders)".to_owned());
    }
    match serde_json::from_slice::<Ack>(&message.payload) {
        Ok(Ack { error: Some(refusal), .. }) => Err(refusal.description),
        Ok(ack) if ack.seq > 0 => Ok(ack),
        Ok(_) | Err(_) => Err("an answer that is no publish acknowledgement".to_owned()),
    }
}
