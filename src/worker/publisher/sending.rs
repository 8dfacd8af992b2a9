//! What a publisher sends: all that is due, as far as there is room, and first what is to be sent again.

use std::fmt::Write as _;

use super::way::{Extra, Outgoing, Situation};
use super::{Numbers, Publisher, Sent, TICK, Want};
use crate::clock;
use crate::evidence::Writer;
use crate::model::record::{Fate, Publish};
use crate::model::time::{MonoNs, SpanNs};
use crate::nats::plain::Envelope;
use crate::strategy::key_name;
use crate::worker::Error;

/// So many messages share one reading of the clock and one lock on the journal: they take less than a microsecond, which is
/// the grain of all latencies, and all of them leave in one write, later than that.
const STRIDE: u64 = 8;

/// Why no more messages are sent at once.
enum Pause {
    /// None is due, or there is no room for another.
    Over,
    /// The way has something to send first.
    Asks,
    /// This one is written down, and the connection must be waited for.
    Waits(Outgoing, Numbers),
}

impl Publisher<'_> {
    /// The next intended instant; `now` in a closed loop. `None` when nothing more is wanted.
    pub(super) fn next_intended(&self, now: MonoNs) -> Option<MonoNs> {
        let intended = match (self.want, &self.schedule) {
            (Want::Nothing | Want::Backlog { left: 0 }, _) => return None,
            (Want::Backlog { .. }, _) => now,
            (Want::Load { begin }, Some(schedule)) => begin + schedule.peek(),
            (Want::Load { begin }, None) => now.max(begin),
        };
        self.cease.is_none_or(|cease| intended < cease).then_some(intended)
    }

    /// Whether a new message may be sent.
    pub(super) fn has_room(&self) -> bool {
        self.line.has_room() && self.way.has_room()
    }

    pub(super) fn waits_for_the_schedule(&self) -> bool {
        self.has_room() && self.next_intended(clock::now()).is_some()
    }

    pub(super) fn wake_at(&self, last_tick: MonoNs) -> MonoNs {
        let due = self.next_intended(clock::now()).unwrap_or(last_tick);
        due.max(last_tick + TICK)
    }

    /// Sends all that is due, as far as there is room: first what is to be sent again.
    pub(super) async fn send_due(&mut self) -> Result<(), Error> {
        if self.is_late() {
            return Ok(());
        }
        while self.way.has_room() && !self.road.is_lost() {
            let Some((number, ticket, sent)) = self.line.next_again() else { break };
            // Its age counts from this attempt; the journal keeps the first instant of sending.
            sent.at = clock::now();
            let message = sent.message;
            let is_last = !self.line.has_again();
            self.transmit(Outgoing { ticket, number, is_last }, message).await?;
        }
        loop {
            let has_more = self.send_new().await?;
            if self.road.is_lost() || self.line.is_stopped() {
                return Ok(());
            }
            self.send_extra().await?;
            if !has_more {
                return Ok(());
            }
        }
    }

    /// Sends new messages until none is due or there is no room; or until the way has something to say in between: then there is more.
    async fn send_new(&mut self) -> Result<bool, Error> {
        while !self.road.is_lost() {
            let notebook = self.notebook;
            let Some(sent) = notebook.with(|writer| self.send_some(writer)) else { break };
            match sent? {
                Some(Pause::Over) => break,
                Some(Pause::Asks) => return Ok(true),
                Some(Pause::Waits(outgoing, message)) => self.transmit(outgoing, message).await?,
                None => {}
            }
        }
        Ok(false)
    }

    /// Sends up to [`STRIDE`] messages without waiting for anything; says why not more, or why not so many.
    fn send_some(&mut self, writer: &mut Writer) -> Result<Option<Pause>, Error> {
        let now = clock::now();
        for place in 0..STRIDE {
            if !self.has_room() {
                return Ok(Some(Pause::Over));
            }
            if self.way.asks_from().is_some_and(|number| self.line.next_number() >= number) {
                return Ok(Some(Pause::Asks));
            }
            // No two messages have one instant: where their place in the stream is not known, this tells their order.
            let now = now + SpanNs(place);
            let intended = match self.next_intended(now) {
                Some(intended) if intended <= now => intended,
                _ => return Ok(Some(Pause::Over)),
            };
            let (outgoing, message) = self.begin(writer, intended, now)?;
            if !self.pass_on(outgoing, message) {
                return Ok(Some(Pause::Waits(outgoing, message)));
            }
        }
        Ok(None)
    }

    /// What the way has to send beside the messages.
    async fn send_extra(&mut self) -> Result<(), Error> {
        let now = clock::now();
        let situation = Situation {
            now,
            oldest: self.line.first_waiting().map(|sent| sent.at),
            next: self.line.next_number(),
            goes_on: self.next_intended(now).is_some(),
        };
        match self.way.extra(situation) {
            Some(Extra::Probe(subject)) => self.hand_over_extra(&subject, None).await,
            Some(Extra::EndOfBatch(reply)) => {
                // It is not stored: any subject will do that the stream listens to.
                let subject = self.subject_of_key(0).unwrap_or_else(|| self.subjects[0].clone());
                self.hand_over_extra(&subject, Some(&reply)).await
            }
            None => Ok(()),
        }
    }

    /// Draws the next message and writes down that it is sent: from here on there is evidence of it, whatever happens.
    fn begin(&mut self, writer: &mut Writer, intended: MonoNs, now: MonoNs) -> Result<(Outgoing, Numbers), Error> {
        match (&mut self.want, &mut self.schedule) {
            (Want::Backlog { left }, _) => *left -= 1,
            (_, Some(schedule)) => schedule.advance(),
            _ => {}
        }
        let (key, key_seq) = self.keys.draw();
        let partition = self.partitions[key as usize];
        let record = Publish {
            key,
            key_seq,
            partition,
            publisher: self.assignment.author.index,
            intended,
            possible: intended.max(self.open_since),
            sent: now,
            bytes: self.load.payload_bytes,
            fate: Fate::Unknown,
        };
        let slot = writer.begin_publish(&record)?;
        let message = Numbers { key, key_seq, partition, intended };
        let number = self.line.next_number();
        let ticket = self.line.send(Sent { slot, message, at: now });
        let another_is_due = self.line.has_room() && self.next_intended(now).is_some_and(|intended| intended <= now);
        Ok((Outgoing { ticket, number, is_last: !another_is_due }, message))
    }

    /// Hands a message to our own client, if it takes it at once: the payload is made where it is written from.
    fn pass_on(&mut self, outgoing: Outgoing, message: Numbers) -> bool {
        let Numbers { key, key_seq, partition, intended } = message;
        let of_key = self.subject_of_key(key);
        let has_id = self.write_id(message);
        let Some(room) = self.road.room() else { return false };
        let subject = of_key.as_deref().unwrap_or(&self.subjects[usize::from(partition)]);
        let of_way = self.way.envelope(outgoing);
        let envelope = of_way.addressed(subject, has_id.then_some(&self.id));
        let template = &self.template;
        room.publish(&envelope, template.size(), |out| template.append(key, key_seq, partition, intended, out));
        true
    }

    /// Hands a message to the connection, and waits until it takes it.
    async fn transmit(&mut self, outgoing: Outgoing, message: Numbers) -> Result<(), Error> {
        let Numbers { key, key_seq, partition, intended } = message;
        self.buffer.clear();
        self.template.append(key, key_seq, partition, intended, &mut self.buffer);
        let of_key = self.subject_of_key(key);
        let has_id = self.write_id(message);
        let subject = of_key.as_deref().unwrap_or(&self.subjects[usize::from(partition)]);
        let of_way = self.way.envelope(outgoing);
        let envelope = of_way.addressed(subject, has_id.then_some(&self.id));
        self.road.hand_over(&envelope, &self.buffer).await
    }

    /// Writes the id of a message, if it has one: what is never sent twice needs none.
    fn write_id(&mut self, message: Numbers) -> bool {
        let has_id = self.load.message_id && self.way.sends_again();
        if has_id {
            let Numbers { key, key_seq, .. } = message;
            self.id.clear();
            // Writing to a string cannot fail.
            let _ = write!(self.id, "{:x}-{key}-{key_seq}", self.assignment.run_tag);
        }
        has_id
    }

    /// Where a message of `key` is published to if the server finds the partition.
    fn subject_of_key(&self, key: u32) -> Option<String> {
        self.assignment.key_prefix.as_ref().map(|prefix| format!("{prefix}.{}", key_name(key)))
    }

    async fn hand_over_extra(&mut self, subject: &str, reply: Option<&str>) -> Result<(), Error> {
        self.road.hand_over(&Envelope { subject, reply, ..Envelope::default() }, &[]).await
    }
}
