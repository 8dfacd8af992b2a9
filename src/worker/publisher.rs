//! A publisher: sends its share of the load when the schedule wants it, and journals the fate of each message.
//!
//! It draws keys, keeps the schedule and the line, and changes connections. How a message travels and what confirms it is
//! the business of its [way](way::Way), one file each.

mod ack;
mod atomic;
mod core;
mod fast;
mod road;
mod way;
mod windowed;

use std::time::Duration;

use async_nats::{Event, HeaderMap, Message, Subject, header};
use bytes::{Bytes, BytesMut};
use futures_util::{FutureExt, StreamExt};

use self::road::{Parcel, Road};
use self::way::{Extra, Outgoing, Situation, Stored, Trouble, Way};
use super::line::Line;
use super::load::{Keys, Schedule, Share};
use super::{Ears, Error, Mouth};
use crate::clock::{self, alarm::Alarm};
use crate::evidence::Slot;
use crate::model::payload::Template;
use crate::model::record::{Fate, LifeEvent, Publish};
use crate::model::time::{MonoNs, SpanNs};
use crate::model::units::Rate;
use crate::profile::plan::{self, Load, Retry};
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

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// Nothing yet.
    Nothing,
    /// So many messages more, as fast as they can be.
    Backlog { left: u64 },
    /// What the load wants from `begin` on.
    Load { begin: MonoNs },
}

struct Publisher<'a> {
    road: Road,
    /// Whether it was seen that the connection is lost, and there is no other one yet.
    is_down: bool,
    notebook: &'a Notebook,
    assignment: &'a Assignment,
    load: &'a Load,
    /// Subject by partition.
    subjects: Vec<Subject>,
    way: Way,
    share: Share,
    keys: Keys,
    /// Partition by key: hashing a key once is enough.
    partitions: Vec<u16>,
    /// `None` in a closed loop.
    schedule: Option<Schedule>,
    want: Want,
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
    let road = Road::open(assignment, note.clone()).await?;
    let mut publisher = Publisher::new(assignment, load, notebook, road)?;
    notebook.life(LifeEvent::Ready)?;
    mouth.say(Word::Ready);
    let mut alarm = Alarm::new().map_err(desk::Error::Timer)?;
    let mut check = tokio::time::interval(CHECK_EVERY);
    let mut tick = clock::now();
    let open_again = async |after| {
        tokio::time::sleep(after).await;
        Road::open(assignment, note.clone()).await
    };
    // A future that is there only while the connection is lost.
    let mut opening = std::pin::pin!(futures_util::future::OptionFuture::from(None));
    loop {
        publisher.send_due().await?;
        if publisher.is_filled() {
            publisher.want = Want::Nothing;
            mouth.say(Word::Filled);
        }
        if publisher.is_done() {
            break;
        }
        let (wake_at, waits) = (publisher.wake_at(tick), publisher.waits_for_the_schedule());
        let Road { answers, lost, .. } = &mut publisher.road;
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
                    publisher.hear_the_rest();
                    publisher.take_up(road);
                }
                Err(error) => {
                    publisher.last_refusal = error.to_string();
                    opening.set(Some(open_again(CONNECT_AGAIN_AFTER)).into());
                }
            },
            Some(message) = answers.next() => {
                publisher.hear(&message);
                publisher.hear_the_rest();
            }
            order = ears.recv() => match order {
                Some(Order::Fill) => {
                    publisher.want = Want::Backlog { left: publisher.share.backlog(load) };
                    publisher.open_since = clock::now();
                }
                Some(Order::Begin { at }) => {
                    publisher.want = Want::Load { begin: at };
                    publisher.open_since = at;
                    tick = at;
                }
                Some(Order::Cease { at }) => publisher.cease = Some(at),
                Some(_) => {}
                None => return Err(Error::Orphaned),
            },
            woken = alarm.until(wake_at), if waits => {
                woken.map_err(desk::Error::Timer)?;
                tick = clock::now();
            }
            _ = check.tick() => publisher.look_after_the_line()?,
        }
    }
    publisher.close();
    Ok(())
}

impl<'a> Publisher<'a> {
    fn new(assignment: &'a Assignment, load: &'a Load, notebook: &'a Notebook, road: Road) -> Result<Self, Error> {
        let share = Share { index: assignment.author.index, publishers: load.publishers };
        let keys = Keys::new(load, assignment.seed, share).ok_or(Error::NoKeys { index: share.index })?;
        let schedule = match load.rate {
            Rate::PerSecond(rate) => {
                Some(Schedule::new(load.arrivals, rate * share.fraction(load), assignment.seed, share))
            }
            Rate::Max => None,
        };
        let partitions = (0..load.keys).map(|key| partition(key, assignment.partitions)).collect();
        let subjects =
            (0..assignment.partitions).map(|p| format!("{}.{p}", assignment.subject_prefix).into()).collect();
        let line = Line::new(load.way.window());
        let line = match load.way {
            plan::Way::Windowed { retry: Retry::PerMessage, .. } => line.unstopped(),
            _ => line,
        };
        Ok(Self {
            way: Way::new(load, &road.inbox),
            road,
            is_down: false,
            notebook,
            assignment,
            load,
            subjects,
            share,
            keys,
            partitions,
            schedule,
            want: Want::Nothing,
            cease: None,
            line,
            open_since: clock::now(),
            troubled_since: None,
            last_refusal: match load.way {
                plan::Way::Core { .. } => "no probe came back; may this user publish to its own inbox?".to_owned(),
                _ => "no answer".to_owned(),
            },
            template: Template::new(assignment.run_tag, share.index, load.payload_bytes as usize),
            buffer: BytesMut::new(),
        })
    }

    /// The next intended instant; `now` in a closed loop. `None` when nothing more is wanted.
    fn next_intended(&self, now: MonoNs) -> Option<MonoNs> {
        let intended = match (self.want, &self.schedule) {
            (Want::Nothing | Want::Backlog { left: 0 }, _) => return None,
            (Want::Backlog { .. }, _) => now,
            (Want::Load { begin }, Some(schedule)) => begin + schedule.peek(),
            (Want::Load { begin }, None) => now.max(begin),
        };
        self.cease.is_none_or(|cease| intended < cease).then_some(intended)
    }

    /// Whether a new message may be sent.
    fn has_room(&self) -> bool {
        self.line.has_room() && self.way.has_room()
    }

    fn waits_for_the_schedule(&self) -> bool {
        self.has_room() && self.next_intended(clock::now()).is_some()
    }

    fn wake_at(&self, last_tick: MonoNs) -> MonoNs {
        let due = self.next_intended(clock::now()).unwrap_or(last_tick);
        due.max(last_tick + TICK)
    }

    /// Sends all that is due, as far as there is room: first what is to be sent again.
    async fn send_due(&mut self) -> Result<(), Error> {
        while self.way.has_room() && !self.road.is_lost() {
            let Some((number, ticket, sent)) = self.line.next_again() else { break };
            // Its age counts from this attempt; the journal keeps the first instant of sending.
            sent.at = clock::now();
            let message = sent.message;
            let is_last = !self.line.has_again();
            self.transmit(Outgoing { ticket, number, is_last }, message).await?;
        }
        while self.has_room() && !self.road.is_lost() {
            let now = clock::now();
            match self.next_intended(now) {
                Some(intended) if intended <= now => self.send(intended, now).await?,
                _ => break,
            }
        }
        if self.road.is_lost() || self.line.is_stopped() {
            return Ok(());
        }
        let now = clock::now();
        let situation = Situation {
            now,
            oldest: self.line.first_waiting().map(|sent| sent.at),
            next: self.line.next_number(),
            goes_on: self.next_intended(now).is_some(),
        };
        match self.way.extra(situation) {
            Some(Extra::Probe(subject)) => self.hand_over_extra(subject, None).await,
            Some(Extra::EndOfBatch(reply)) => {
                let subject = self.subjects.first().cloned().expect("a run has at least one partition");
                self.hand_over_extra(subject, Some(reply)).await
            }
            None => Ok(()),
        }
    }

    async fn send(&mut self, intended: MonoNs, now: MonoNs) -> Result<(), Error> {
        match (&mut self.want, &mut self.schedule) {
            (Want::Backlog { left }, _) => *left -= 1,
            (_, Some(schedule)) => schedule.advance(),
            _ => {}
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
        let number = self.line.next_number();
        let ticket = self.line.send(Sent { slot, message, at: now });
        let now = clock::now();
        let another_is_due = self.line.has_room() && self.next_intended(now).is_some_and(|intended| intended <= now);
        self.transmit(Outgoing { ticket, number, is_last: !another_is_due }, message).await
    }

    async fn transmit(&mut self, outgoing: Outgoing, message: Numbers) -> Result<(), Error> {
        let Numbers { key, key_seq, partition, intended } = message;
        self.template.append(key, key_seq, partition, intended, &mut self.buffer);
        let payload: Bytes = self.buffer.split().freeze();
        let subject = self.subjects[usize::from(partition)].clone();
        let mut envelope = self.way.envelope(outgoing);
        // What is never sent twice needs no id.
        if self.load.message_id && self.way.sends_again() {
            let id = format!("{:x}-{key}-{key_seq}", self.assignment.run_tag);
            envelope.headers.get_or_insert_with(HeaderMap::new).insert(header::NATS_MESSAGE_ID, id.as_str());
        }
        self.road.hand_over(Parcel { subject, reply: envelope.reply, headers: envelope.headers, payload }).await
    }

    async fn hand_over_extra(&mut self, subject: Subject, reply: Option<Subject>) -> Result<(), Error> {
        self.road.hand_over(Parcel { subject, reply, headers: None, payload: Bytes::new() }).await
    }

    /// The connection is lost: nothing more is sent until there is another.
    fn take_down(&mut self) {
        self.is_down = true;
        self.line.stop();
        self.troubled_since.get_or_insert(clock::now());
    }

    /// There is another connection. What the old one did not answer it will never answer: all that is sent again now.
    fn take_up(&mut self, road: Road) {
        self.road = road;
        self.is_down = false;
        self.way.renew(&self.road.inbox);
        self.send_again();
    }

    /// Books the answers that are there.
    fn hear_the_rest(&mut self) {
        while let Some(message) = self.road.answers.next().now_or_never().flatten() {
            self.hear(&message);
        }
    }

    /// Books one answer.
    fn hear(&mut self, message: &Message) {
        let had_room = self.has_room();
        let now = clock::now();
        let heard = self.way.hear(message);
        match heard.stored {
            Some(Stored::One { ticket, stream_seq, duplicate }) => {
                if let Some(sent) = self.line.stored(ticket) {
                    self.book(sent, now, stream_seq, duplicate);
                }
            }
            Some(Stored::Below { number, last }) => self.book_below(number, last, now),
            None => {}
        }
        match heard.trouble {
            Some(Trouble::One(ticket, reason)) => {
                self.last_refusal = reason;
                self.line.refused(ticket);
            }
            Some(Trouble::All(reason)) => {
                self.last_refusal = reason;
                self.line.all_refused();
            }
            Some(Trouble::Told(reason)) => self.last_refusal = reason,
            None => {}
        }
        if self.line.is_empty() {
            self.way.settled();
        }
        if !had_room && self.has_room() {
            self.open_since = now;
        }
    }

    /// Books every message below `number`; the sequences, where the last is known, end with it.
    fn book_below(&mut self, number: u64, last: Option<u64>, now: MonoNs) {
        let stored: Vec<Sent> = std::iter::from_fn(|| self.line.first_stored_below(number)).collect();
        for (behind, sent) in (0..stored.len() as u64).rev().zip(stored) {
            let stream_seq = last.map_or(0, |last| last.saturating_sub(behind));
            self.book(sent, now, stream_seq, false);
        }
    }

    fn book(&mut self, sent: Sent, now: MonoNs, stream_seq: u64, duplicate: bool) {
        self.notebook.with(|writer| writer.stored(sent.slot, now, stream_seq, duplicate));
        self.troubled_since = None;
    }

    /// Stops the line when an answer is overdue; starts it again when it can be.
    fn look_after_the_line(&mut self) -> Result<(), Error> {
        let now = clock::now();
        let is_overdue = |sent: &Sent| now.since(sent.at) > ANSWER_WITHIN;
        let overdue = self.line.first_waiting().is_some_and(is_overdue);
        if let plan::Way::Windowed { retry: Retry::PerMessage, .. } = self.load.way
            && !self.is_down
        {
            self.line.retry(is_overdue);
            if self.line.has_again() {
                self.troubled_since.get_or_insert(now);
            }
        } else if overdue {
            self.line.stop();
        }
        if self.line.is_stopped() {
            self.troubled_since.get_or_insert(now);
        }
        if self.troubled_since.is_some_and(|since| now.since(since) > PATIENCE) {
            return Err(Error::Refused { seconds: PATIENCE.0 / 1_000_000_000, reason: self.last_refusal.clone() });
        }
        if self.line.is_stopped() && !self.is_down && (self.line.is_quiet() || overdue) {
            self.way.restart();
            self.send_again();
        }
        Ok(())
    }

    /// Starts the line again from the first message that is not stored; or without what nobody sends again.
    fn send_again(&mut self) {
        if self.way.sends_again() {
            self.line.restart();
        } else {
            for sent in self.line.give_up() {
                self.notebook.with(|writer| writer.abandon(sent.slot));
            }
        }
        self.open_since = clock::now();
    }

    /// Whether the backlog is stored.
    fn is_filled(&self) -> bool {
        self.want == Want::Backlog { left: 0 } && self.line.is_empty()
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

/// The partition of `key`: the same hash as the server's `{{partition(n,…)}}`, over the key's name `k<key>`.
fn partition(key: u32, partitions: u16) -> u16 {
    strategy::partition(&format!("k{key}"), partitions)
}
