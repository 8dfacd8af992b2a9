//! The client library's own stream of messages of a pull consumer: what its users get, measured as they get it.
//!
//! The library pulls by itself. When the member shall leave, its stream is dropped; what it had taken in and not handed over
//! comes again after the ack wait.

use std::time::Duration;

use async_nats::jetstream::consumer::{PullConsumer, pull};
use futures_util::{FutureExt, StreamExt};

use super::Error;
use super::inbox::Taken;
use super::seat::Seat;
use crate::clock;

/// An answer to a question about the consumer takes no longer.
const REQUEST_WITHIN: Duration = Duration::from_secs(2);
/// Wait before the stream is opened again that broke.
const PATIENCE: Duration = Duration::from_millis(50);

/// Hands over what the stream of `consumer` brings, `batch` messages a pull, until the member shall leave.
///
/// # Errors
/// Those of `handle`.
pub(super) async fn hand_over(
    seat: &Seat,
    consumer: &str,
    batch: u32,
    max_wait: Duration,
    mut handle: impl AsyncFnMut(&Taken) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut leave = seat.leave.clone();
    loop {
        let opened = tokio::select! {
            biased;
            _ = leave.wait_for(|leave| *leave) => return Ok(()),
            opened = open(seat, consumer, batch, max_wait) => opened,
        };
        let Some(mut messages) = opened else {
            tokio::time::sleep(PATIENCE).await;
            continue;
        };
        seat.start.asked();
        let mut ahead = None;
        loop {
            let next = match ahead.take() {
                Some(next) => next,
                None => tokio::select! {
                    biased;
                    _ = leave.wait_for(|leave| *leave) => return Ok(()),
                    next = messages.next() => next.map(|next| (clock::now(), next)),
                },
            };
            // What it stumbles over, as a server that is away, it may stumble over again at once.
            let Some((received, Ok(message))) = next else { break };
            // Whoever acknowledges many at once wants to know whether another one is there.
            ahead = match *leave.borrow() {
                true => None,
                false => messages.next().now_or_never().map(|next| next.map(|next| (clock::now(), next))),
            };
            let Some(mut taken) = Taken::new(received, message.message.into()) else { continue };
            taken.is_last = ahead.is_none();
            handle(&taken).await?;
        }
        drop(messages);
        tokio::time::sleep(PATIENCE).await;
    }
}

/// `None` when the server does not answer as it should.
async fn open(seat: &Seat, consumer: &str, batch: u32, max_wait: Duration) -> Option<pull::Stream> {
    let jetstream = seat.access.jetstream(seat.client.clone(), REQUEST_WITHIN);
    let consumer: PullConsumer = jetstream.get_consumer_from_stream(consumer, &seat.stream).await.ok()?;
    let stream = consumer.stream().max_messages_per_batch(batch as usize).expires(max_wait);
    stream.heartbeat(Duration::from_secs(1).min(max_wait / 4)).messages().await.ok()
}
