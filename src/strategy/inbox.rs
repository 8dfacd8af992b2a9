//! What the server sends to a member: stamped as it arrives, also while a message is being handled.

use async_nats::{Message, Subject, Subscriber};
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Error;
use super::desk::Delivery;
use super::seat::Seat;
use crate::clock;
use crate::model::time::MonoNs;

/// A subscription that is read beside the work. When the member shall leave, the server is told to send no more; what
/// it sent before that still comes, and then the end.
pub(super) struct Inbox {
    messages: mpsc::Receiver<(MonoNs, Message)>,
    reading: JoinHandle<()>,
}

impl Inbox {
    /// Subscribes to `subject`, as one of `group` where there is one. At most `room` messages are taken in and not yet
    /// asked for; the rest waits in the connection.
    pub(super) async fn open(seat: &Seat, subject: String, group: Option<String>, room: usize) -> Result<Self, Error> {
        let subscribed = match group {
            Some(group) => seat.client.queue_subscribe(subject, group).await,
            None => seat.client.subscribe(subject).await,
        };
        let subscriber = subscribed.map_err(|error| Error::refused("subscribe to an inbox", &error))?;
        let (taken, messages) = mpsc::channel(room);
        let reading = tokio::task::spawn_local(read(subscriber, seat.leave.clone(), taken));
        Ok(Self { messages, reading })
    }

    /// Whether nothing has arrived that was not asked for yet.
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// The next message and when it arrived; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<(MonoNs, Message)> {
        self.messages.recv().await
    }
}

impl Drop for Inbox {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn read(
    mut subscriber: Subscriber,
    mut leave: tokio::sync::watch::Receiver<bool>,
    taken: mpsc::Sender<(MonoNs, Message)>,
) {
    let mut leaving = false;
    loop {
        let next = tokio::select! {
            biased;
            _ = leave.wait_for(|leave| *leave), if !leaving => {
                leaving = true;
                if subscriber.drain().await.is_err() {
                    return;
                }
                continue;
            }
            next = subscriber.next() => next,
        };
        let Some(message) = next else { return };
        if taken.send((clock::now(), message)).await.is_err() {
            return;
        }
    }
}

/// A message with what its reply subject says of its delivery.
pub(super) struct Taken {
    /// The message.
    pub(super) message: Message,
    /// Where its ack goes.
    pub(super) ack_to: Subject,
    /// The numbers of this delivery.
    pub(super) info: ::lease_group::Delivery,
    /// Partition of its subject.
    pub(super) partition: u16,
    /// When it arrived.
    pub(super) received: MonoNs,
    /// Whether nothing else had arrived when it was taken.
    pub(super) is_last: bool,
}

impl Taken {
    /// `None` when it is no delivery from a stream.
    pub(super) fn new(received: MonoNs, message: Message) -> Option<Self> {
        let ack_to = message.reply.clone()?;
        let info = ::lease_group::Delivery::parse(&ack_to)?;
        let partition = message.subject.rsplit('.').next().and_then(|last| last.parse().ok()).unwrap_or(u16::MAX);
        Some(Self { message, ack_to, info, partition, received, is_last: false })
    }

    /// The same, with nothing else in hand if `is_last`.
    pub(super) fn last(self, is_last: bool) -> Self {
        Self { is_last, ..self }
    }

    /// As the desk wants it; whether it may be handled was checked at `started`.
    pub(super) fn delivery(&self, started: MonoNs) -> Delivery<'_> {
        Delivery {
            payload: &self.message.payload,
            partition: self.partition,
            epoch: 0,
            stream_seq: self.info.stream_sequence,
            consumer_seq: self.info.consumer_sequence,
            delivered: self.info.delivered,
            received: self.received,
            started,
        }
    }
}
