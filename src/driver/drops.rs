//! What the server says of messages that it delivers no more (`max-deliver`): nobody else notices.

use async_nats::{Client, SubscribeError, Subscriber};
use futures_util::StreamExt;
use serde::Deserialize;

/// The advisories about one stream.
pub(super) struct Drops(Subscriber);

/// A message that is delivered no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Drop {
    /// Its sequence in the stream.
    pub(super) stream_seq: u64,
    /// How often it was delivered.
    pub(super) deliveries: u64,
}

impl Drops {
    /// Listens to what is said about the consumers of `stream`.
    pub(super) async fn listen(client: &Client, stream: &str) -> Result<Self, SubscribeError> {
        client.subscribe(format!("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.{stream}.*")).await.map(Self)
    }

    /// The next one. Never returns once the connection is closed for good.
    pub(super) async fn next(&mut self) -> Drop {
        loop {
            match self.0.next().await {
                Some(advisory) => {
                    if let Ok(drop) = serde_json::from_slice(&advisory.payload) {
                        return drop;
                    }
                }
                None => std::future::pending().await,
            }
        }
    }
}

/// The next message that is dropped; never returns where nobody listens.
pub(super) async fn next(drops: &mut Option<Drops>) -> Drop {
    match drops {
        Some(drops) => drops.next().await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_advisory_is_read_whatever_else_it_says() {
        let text = br#"{"type":"io.nats.jetstream.advisory.v1.max_deliver","id":"x","timestamp":"2026-11-22T00:00:00Z",
            "stream":"S","consumer":"c","stream_seq":7,"deliveries":3}"#;
        let drop: Drop = serde_json::from_slice(text).expect("it is one");
        assert_eq!(drop, Drop { stream_seq: 7, deliveries: 3 });
    }
}
