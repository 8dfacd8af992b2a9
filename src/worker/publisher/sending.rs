//! What a publisher sends: all that is due, as far as there is room, and first what is to be sent again.

use std::fmt::Write as _;

use super::way::{Extra, Outgoing, Situation};
use super::{Numbers, Publisher, Sent, TICK, Want};
use crate::clock;
use crate::model::record::{Fate, Publish};
use crate::model::time::MonoNs;
use crate::nats::plain::Envelope;
use crate::strategy::key_name;
use crate::worker::Error;

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
            Some(Extra::Probe(subject)) => self.hand_over_extra(&subject, None).await,
            Some(Extra::EndOfBatch(reply)) => {
                // It is not stored: any subject will do that the stream listens to.
                let subject = self.subject_of_key(0).unwrap_or_else(|| self.subjects[0].clone());
                self.hand_over_extra(&subject, Some(&reply)).await
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
        self.buffer.clear();
        self.template.append(key, key_seq, partition, intended, &mut self.buffer);
        let of_key = self.subject_of_key(key);
        let envelope = self.way.envelope(outgoing);
        // What is never sent twice needs no id.
        let has_id = self.load.message_id && self.way.sends_again();
        if has_id {
            self.id.clear();
            // Writing to a string cannot fail.
            let _ = write!(self.id, "{:x}-{key}-{key_seq}", self.assignment.run_tag);
        }
        let envelope = Envelope {
            subject: of_key.as_deref().unwrap_or(&self.subjects[usize::from(partition)]),
            reply: envelope.reply.as_deref(),
            headers: envelope.headers.as_ref(),
            message_id: has_id.then_some(&self.id),
        };
        self.road.hand_over(&envelope, &self.buffer).await
    }

    /// Where a message of `key` is published to if the server finds the partition.
    fn subject_of_key(&self, key: u32) -> Option<String> {
        self.assignment.key_prefix.as_ref().map(|prefix| format!("{prefix}.{}", key_name(key)))
    }

    async fn hand_over_extra(&mut self, subject: &str, reply: Option<&str>) -> Result<(), Error> {
        self.road.hand_over(&Envelope { subject, reply, ..Envelope::default() }, &[]).await
    }
}
