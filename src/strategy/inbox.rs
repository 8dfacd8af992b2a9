//! What the server sends to a member: stamped as it arrives, also while a message is being handled.

use async_nats::Subscriber;
use futures_util::StreamExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use super::Error;
use super::desk::Delivery;
use super::seat::Seat;
use crate::clock;
use crate::model::time::MonoNs;
use crate::nats::link::Message;
use crate::nats::{Link, plain};

/// A subscription that is read beside the work. When the member shall leave, the server is told to send no more; what
/// it sent before that still comes, and then the end.
pub(super) enum Inbox {
    /// Through the client library: a task of its own stamps what comes.
    Library { messages: mpsc::Receiver<(MonoNs, Message)>, reading: JoinHandle<()> },
    /// Through our own client, which stamps by itself.
    Plain { subscription: plain::Subscription, leave: Leave, is_leaving: bool },
}

impl Inbox {
    /// Subscribes to `subject` on the link that messages travel on. At most `room` messages are taken in and not yet
    /// asked for; the rest waits in the connection.
    pub(super) async fn open_on_link(seat: &Seat, subject: String, room: usize) -> Result<Self, Error> {
        match &seat.link {
            Link::Library(_) => Self::open(seat, subject, None, room).await,
            Link::Plain(client) => Ok(Self::Plain {
                subscription: client.subscribe(&subject),
                leave: Leave::new(&seat.leave),
                is_leaving: false,
            }),
        }
    }

    /// Subscribes to `subject` through the client library, as one of `group` where there is one; else as
    /// [`Self::open_on_link`].
    pub(super) async fn open(seat: &Seat, subject: String, group: Option<String>, room: usize) -> Result<Self, Error> {
        let subscribed = match group {
            Some(group) => seat.client.queue_subscribe(subject, group).await,
            None => seat.client.subscribe(subject).await,
        };
        let subscriber = subscribed.map_err(|error| Error::refused("subscribe to an inbox", &error))?;
        let (taken, messages) = mpsc::channel(room);
        let reading = tokio::task::spawn_local(read(subscriber, seat.leave.clone(), taken));
        Ok(Self::Library { messages, reading })
    }

    /// Whether nothing has arrived that was not asked for yet.
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Library { messages, .. } => messages.is_empty(),
            Self::Plain { subscription, .. } => subscription.is_empty(),
        }
    }

    /// The next message and when it arrived, if it is at hand without waiting. `None` says nothing about the end. Who shall
    /// leave asks with [`Self::next`], which tells the server so.
    pub(super) fn take(&mut self) -> Option<(MonoNs, Message)> {
        match self {
            // The task that stamps what comes must have its turn.
            Self::Library { .. } => None,
            Self::Plain { subscription, .. } => subscription.take().map(plainly),
        }
    }

    /// The next message and when it arrived; `None` at the end.
    pub(super) async fn next(&mut self) -> Option<(MonoNs, Message)> {
        let (subscription, leave, is_leaving) = match self {
            Self::Library { messages, .. } => return messages.recv().await,
            Self::Plain { subscription, leave, is_leaving } => (subscription, leave, is_leaving),
        };
        if !*is_leaving {
            tokio::select! {
                biased;
                // The sender lives as long as the process; if it were gone, leaving is right.
                () = leave.told() => {
                    *is_leaving = true;
                    subscription.drain();
                }
                next = subscription.next() => return next.map(plainly),
            }
        }
        subscription.next().await.map(plainly)
    }
}

fn plainly((at, message): (MonoNs, plain::Message)) -> (MonoNs, Message) {
    (at, Message::Plain(message))
}

impl Drop for Inbox {
    fn drop(&mut self) {
        if let Self::Library { reading, .. } = self {
            reading.abort();
        }
    }
}

async fn read(mut subscriber: Subscriber, mut leave: watch::Receiver<bool>, taken: mpsc::Sender<(MonoNs, Message)>) {
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
        if taken.send((clock::now(), message.into())).await.is_err() {
            return;
        }
    }
}

/// Whether the member shall leave, asked for every message: looking whether something was said is cheaper than what it was.
pub(super) struct Leave {
    said: watch::Receiver<bool>,
    is_told: bool,
}

impl Leave {
    pub(super) fn new(said: &watch::Receiver<bool>) -> Self {
        let mut said = said.clone();
        let is_told = *said.borrow_and_update();
        Self { said, is_told }
    }

    /// Whether it was told to.
    pub(super) fn is_told(&mut self) -> bool {
        // A sender that is gone says nothing more.
        if !self.is_told && self.said.has_changed().unwrap_or(true) {
            self.is_told = *self.said.borrow_and_update();
        }
        self.is_told
    }

    /// Returns when it was told to; or when nobody can say so any more, for then leaving is right.
    async fn told(&mut self) {
        let _ = self.said.wait_for(|leave| *leave).await;
        self.is_told = true;
    }
}

/// A message with what its reply subject says of its delivery.
pub(super) struct Taken {
    /// The message.
    pub(super) message: Message,
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
        let info = ::lease_group::Delivery::read(message.reply_bytes())?;
        let partition = partition_of(message.subject_bytes());
        Some(Self { message, info, partition, received, is_last: false })
    }

    /// Where its ack goes.
    pub(super) fn ack_to(&self) -> &str {
        self.message.reply().unwrap_or_default()
    }

    /// As the desk wants it; whether it may be handled was checked at `started`.
    pub(super) fn delivery(&self, started: MonoNs) -> Delivery<'_> {
        Delivery {
            payload: self.message.payload(),
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

/// The partition of a subject: its last token; one that is no partition for what ends otherwise.
pub(super) fn partition_of(subject: &[u8]) -> u16 {
    let (mut partition, mut weight) = (0_u32, 1);
    for byte in subject.iter().rev() {
        match byte {
            b'0'..=b'9' if weight <= 10_000 => {
                partition += u32::from(byte - b'0') * weight;
                weight *= 10;
            }
            b'.' => break,
            _ => return u16::MAX,
        }
    }
    if weight == 1 { u16::MAX } else { u16::try_from(partition).unwrap_or(u16::MAX) }
}

#[cfg(test)]
mod tests {
    use super::partition_of;

    #[test]
    fn a_partition_is_the_number_behind_the_last_dot() {
        for (subject, partition) in [("a.b.0", 0), ("a.17", 17), ("12", 12), ("7.65535", 65_535), ("a.007", 7)] {
            assert_eq!(partition_of(subject.as_bytes()), partition, "{subject}");
        }
        for subject in ["", ".", "a", "a.b.", "a.x1", "a.1x", "a.65536", "a.100000", "a.-1"] {
            assert_eq!(partition_of(subject.as_bytes()), u16::MAX, "{subject}");
        }
    }
}
