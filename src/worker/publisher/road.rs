//! The road: one connection of a publisher and what belongs to it. It is never mended: when it breaks, the next road is
//! another connection.
//!
//! The client library keeps what it was given while it reconnects, and would send that on the new connection before the
//! publisher has sent again what was lost with the old one. So it must not reconnect.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::Event;
use tokio::sync::watch;

use crate::nats::Link;
use crate::nats::link::{Path, Subscription};
use crate::nats::plain::{Envelope, Room};
use crate::protocol::Assignment;
use crate::worker::Error;

/// One connection.
pub(super) struct Road {
    link: Link,
    /// All answers to what was sent on it.
    pub(super) answers: Subscription,
    /// Everything below this subject is an answer.
    pub(super) inbox: String,
    /// Turns true when the connection is lost, for good.
    pub(super) lost: watch::Receiver<bool>,
    /// Why it is not the path that was asked for.
    pub(super) detour: Option<String>,
}

impl Road {
    /// Connects.
    pub(super) async fn open(
        assignment: &Assignment,
        path: Path,
        note: impl Fn(Event) + Clone + Send + Sync + 'static,
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
        let name = assignment.author.to_string();
        let (link, detour) = Link::open(path, &assignment.access, options, &name, listen).await?;
        stands.store(true, Ordering::Relaxed);
        let inbox = link.new_inbox();
        let answers = link.subscribe(format!("{inbox}.>")).await.map_err(|_| Error::Closed)?;
        Ok(Self { link, answers, inbox, lost, detour })
    }

    /// Whether it is lost.
    pub(super) fn is_lost(&self) -> bool {
        match &self.link {
            Link::Library(_) => *self.lost.borrow(),
            Link::Plain(client) => client.is_lost(),
        }
    }

    /// Room for one message that need not be waited for, where our own client has it.
    pub(super) fn room(&self) -> Option<Room<'_>> {
        match &self.link {
            Link::Plain(client) => client.room(),
            Link::Library(_) => None,
        }
    }

    /// Hands a message to the connection. A lost one takes nothing any more: who sent it finds that out by itself.
    pub(super) async fn hand_over(&mut self, envelope: &Envelope<'_>, payload: &[u8]) -> Result<(), Error> {
        if let Link::Plain(client) = &self.link
            && client.publish(envelope, payload)
        {
            return Ok(());
        }
        tokio::select! {
            biased;
            outcome = self.link.publish(envelope, payload) => outcome.map_err(|_| Error::Closed),
            _ = self.lost.wait_for(|lost| *lost) => Ok(()),
        }
    }
}
