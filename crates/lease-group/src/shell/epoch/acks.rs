//! Acknowledgements, each confirmed: `Commit::Explicit`.

use std::time::Duration;

use async_nats::{StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use tokio::time::Instant;

use super::Epoch;
use crate::clock::monotonic_ns;
use crate::observer::{PartitionEvent, Progress};
use crate::state::Stopped;

/// How many acknowledgements may be unconfirmed: what a crash can repeat in explicit mode.
const ACKS_MAX: usize = 64;

impl Epoch<'_> {
    pub(super) fn ack_patience(&self) -> Duration {
        self.data.settings.request_timeout()
    }

    /// Sends the acknowledgement as a request: a consumer that is gone answers 503, which `double_ack` would take for a yes.
    pub(super) async fn acknowledge(
        &mut self,
        stream_sequence: u64,
        reply: Option<async_nats::Subject>,
    ) -> Result<(), Stopped> {
        let Some(reply) = reply else { return Ok(()) };
        let answer_to = format!("{}.a.{stream_sequence}", self.inbox);
        self.data
            .client
            .publish_with_reply(reply, answer_to, Bytes::from_static(b"+ACK"))
            .await
            .map_err(|_| Stopped::AckRefused)?;
        self.acks.push_back((stream_sequence, Instant::now()));
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
        let expected = self.acks.pop_front().map(|(sequence, _)| sequence);
        let Some(sequence) = sequence.filter(|sequence| Some(*sequence) == expected) else {
            return Err(Stopped::AckRefused);
        };
        self.grant.set_handled(sequence.max(self.grant.handled()));
        let committed = PartitionEvent::Committed { epoch: self.grant.epoch, progress: Progress::Exactly(sequence) };
        self.data.settings.observer.partition(monotonic_ns(), self.grant.partition, &committed);
        Ok(())
    }

    /// Waits until another acknowledgement may be on its way.
    pub(super) async fn room_for_ack(&mut self, confirmations: &mut Subscriber) -> Result<(), Stopped> {
        while self.acks.len() >= ACKS_MAX {
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
        while !self.acks.is_empty() && self.await_confirmation(confirmations).await.is_ok() {}
    }
}
