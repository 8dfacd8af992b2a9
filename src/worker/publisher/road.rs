//! The road: one connection of a publisher and what belongs to it. It is never mended: when it breaks, the next road is
//! another connection.
//!
//! The client library keeps what it was given while it reconnects, and would send that on the new connection before the
//! publisher has sent again what was lost with the old one. So it must not reconnect.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::{Event, HeaderMap, Subject, Subscriber};
use bytes::Bytes;
use tokio::sync::watch;

use crate::protocol::Assignment;
use crate::worker::Error;

/// One connection.
pub(super) struct Road {
    client: async_nats::Client,
    /// All answers to what was sent on it.
    pub(super) answers: Subscriber,
    /// Everything below this subject is an answer.
    pub(super) inbox: String,
    /// Turns true when the connection is lost, for good.
    pub(super) lost: watch::Receiver<bool>,
}

/// What is handed over.
pub(super) struct Parcel {
    pub(super) subject: Subject,
    pub(super) reply: Option<Subject>,
    pub(super) headers: Option<HeaderMap>,
    pub(super) payload: Bytes,
}

impl Road {
    /// Connects.
    pub(super) async fn open(
        assignment: &Assignment,
        note: impl Fn(Event) + Send + Sync + 'static,
    ) -> Result<Self, Error> {
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
        let answers = client.subscribe(format!("{inbox}.>")).await.map_err(|_| Error::Closed)?;
        Ok(Self { client, answers, inbox, lost })
    }

    /// Whether it is lost.
    pub(super) fn is_lost(&self) -> bool {
        *self.lost.borrow()
    }

    /// Hands `parcel` to the connection. A lost one takes nothing any more: who sent it finds that out by itself.
    pub(super) async fn hand_over(&mut self, parcel: Parcel) -> Result<(), Error> {
        let Parcel { subject, reply, headers, payload } = parcel;
        let client = &self.client;
        let handed_over = async move {
            match (reply, headers) {
                (Some(reply), Some(headers)) => {
                    client.publish_with_reply_and_headers(subject, reply, headers, payload).await
                }
                (Some(reply), None) => client.publish_with_reply(subject, reply, payload).await,
                (None, Some(headers)) => client.publish_with_headers(subject, headers, payload).await,
                (None, None) => client.publish(subject, payload).await,
            }
        };
        tokio::select! {
            biased;
            outcome = handed_over => outcome.map_err(|_| Error::Closed),
            _ = self.lost.wait_for(|lost| *lost) => Ok(()),
        }
    }
}
