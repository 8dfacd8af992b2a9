//! Acknowledgements, each confirmed: `Commit::Explicit`, and `Commit::AckAll`, where one stands for all before it.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::{StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::Epoch;
use crate::clock::monotonic_ns;
use crate::observer::{PartitionEvent, Progress};
use crate::options::Commit;
use crate::state::Stopped;

/// How many acknowledgements may be unconfirmed: what a crash can repeat in explicit mode.
const ACKS_MAX: usize = 64;

/// The same where one stands for many.
const ACKS_OF_MANY_MAX: usize = 2;

/// How long a handled message waits at most for one that stands for it.
const ACK_WITHIN: Duration = Duration::from_millis(100);

/// What is acknowledged, and what of it is not confirmed yet.
#[derive(Debug)]
pub(super) struct Acks {
    /// Messages an acknowledgement.
    every: u32,
    /// Whether one stands for all before it.
    of_many: bool,
    sent: VecDeque<(u64, Instant)>,
    /// How many were handled since the last one was sent, and the last of them.
    open: u32,
    last: Option<(u64, async_nats::Subject)>,
    /// When what is open must be acknowledged.
    due: Option<Instant>,
}

impl Acks {
    pub(super) fn new(commit: Commit) -> Self {
        let (every, of_many) = match commit {
            Commit::AckAll { every } => (every, true),
            Commit::Explicit | Commit::Checkpoint { .. } => (1, false),
        };
        Self { every, of_many, sent: VecDeque::new(), open: 0, last: None, due: None }
    }

    /// A message was handled. Answers whether it is to be acknowledged now.
    fn handled(&mut self, stream_sequence: u64, reply: async_nats::Subject) -> bool {
        self.open += 1;
        self.last = Some((stream_sequence, reply));
        if self.of_many && self.due.is_none() {
            self.due = Some(Instant::now() + ACK_WITHIN);
        }
        self.open >= self.every
    }

    fn take(&mut self) -> Option<(u64, async_nats::Subject)> {
        self.open = 0;
        self.due = None;
        self.last.take()
    }

    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sent.is_empty()
    }

    /// Since when the oldest is unconfirmed.
    pub(super) fn oldest(&self) -> Option<Instant> {
        self.sent.front().map(|(_, since)| *since)
    }

    fn are_full(&self) -> bool {
        self.sent.len() >= if self.of_many { ACKS_OF_MANY_MAX } else { ACKS_MAX }
    }
}

impl Epoch<'_> {
    pub(super) fn ack_patience(&self) -> Duration {
        self.data.settings.request_timeout()
    }

    /// A message was handled: it is acknowledged, or remembered until one acknowledgement stands for several.
    pub(super) async fn acknowledge(
        &mut self,
        stream_sequence: u64,
        reply: Option<async_nats::Subject>,
    ) -> Result<(), Stopped> {
        let Some(reply) = reply else { return Ok(()) };
        if self.acks.handled(stream_sequence, reply) { self.acknowledge_open().await } else { Ok(()) }
    }

    /// Acknowledges in time what waits for more.
    pub(super) async fn acknowledge_due(&mut self, confirmations: &mut Subscriber) -> Result<(), Stopped> {
        if self.acks.due().is_none_or(|due| Instant::now() < due) {
            return Ok(());
        }
        self.room_for_ack(confirmations).await?;
        // As behind a handler: nothing is confirmed that a successor is about to handle again.
        if self.grant.check().is_none() {
            return Err(Stopped::DeadlinePassed);
        }
        self.acknowledge_open().await
    }

    /// Sends the acknowledgement as a request: a consumer that is gone answers 503, which `double_ack` would take for a yes.
    async fn acknowledge_open(&mut self) -> Result<(), Stopped> {
        let Some((stream_sequence, reply)) = self.acks.take() else { return Ok(()) };
        let answer_to = format!("{}.a.{stream_sequence}", self.inbox);
        self.data
            .client
            .publish_with_reply(reply, answer_to, Bytes::from_static(b"+ACK"))
            .await
            .map_err(|_| Stopped::AckRefused)?;
        self.acks.sent.push_back((stream_sequence, Instant::now()));
        Ok(())
    }

    pub(super) fn confirmed_so_far(&mut self, confirmations: &mut Subscriber) -> Option<Stopped> {
        while !self.acks.is_empty() {
            match confirmations.next().now_or_never()? {
                Some(answer) => {
                    if let Err(why) = self.confirm(&answer) {
                        return Some(why);
                    }
                }
                None => return Some(Stopped::AckRefused),
            }
        }
        None
    }

    pub(super) fn confirm(&mut self, answer: &async_nats::Message) -> Result<(), Stopped> {
        if answer.status == Some(StatusCode::NO_RESPONDERS) {
            return Err(Stopped::AckRefused);
        }
        let sequence = answer.subject.rsplit('.').next().and_then(|token| token.parse::<u64>().ok());
        // One connection and one consumer: confirmations come in the order of the acknowledgements.
        let expected = self.acks.sent.pop_front().map(|(sequence, _)| sequence);
        let Some(sequence) = sequence.filter(|sequence| Some(*sequence) == expected) else {
            return Err(Stopped::AckRefused);
        };
        self.grant.set_handled(sequence.max(self.grant.handled()));
        let progress = if self.acks.of_many { Progress::UpTo(sequence) } else { Progress::Exactly(sequence) };
        let committed = PartitionEvent::Committed { epoch: self.grant.epoch, progress };
        self.data.settings.observer.partition(monotonic_ns(), self.grant.partition, &committed);
        Ok(())
    }

    /// Waits until another acknowledgement may be on its way.
    pub(super) async fn room_for_ack(&mut self, confirmations: &mut Subscriber) -> Result<(), Stopped> {
        while self.acks.are_full() {
            self.await_confirmation(confirmations).await?;
        }
        Ok(())
    }

    pub(super) async fn await_confirmation(&mut self, confirmations: &mut Subscriber) -> Result<(), Stopped> {
        match tokio::time::timeout(self.ack_patience(), confirmations.next()).await {
            Ok(Some(answer)) => self.confirm(&answer),
            Ok(None) | Err(_) => Err(Stopped::AckRefused),
        }
    }

    /// What is acknowledged should be known as committed before the partition is given back.
    pub(super) async fn settle(&mut self, confirmations: &mut Subscriber) {
        if self.grant.check().is_some() && self.acknowledge_open().await.is_err() {
            return;
        }
        while !self.acks.is_empty() && self.await_confirmation(confirmations).await.is_ok() {}
    }
}
