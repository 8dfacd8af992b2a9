//! A member's seat: all that a strategy needs to consume as one member of one group.

use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use super::desk::Desk;
use super::handler::Handler;
use crate::nats::{Access, Link};

/// Where and as whom a member consumes.
pub struct Seat {
    /// How to reach the server.
    pub access: Access,
    /// How to reach it as a user of the system account, where the strategy listens to that.
    pub system: Option<Access>,
    /// The connection of the process, for all that is managed.
    pub client: async_nats::Client,
    /// What messages, pulls and acks travel on: that connection, or one of our own client beside it.
    pub link: Link,
    /// The stream.
    pub stream: String,
    /// Name of the group: durables and buckets are named after it.
    pub group: String,
    /// Partition p's subject is `<subject_prefix>.<p>`.
    pub subject_prefix: String,
    /// Number of partitions.
    pub partitions: u16,
    /// Name of the member, the same in every life: `c3`.
    pub member: String,
    /// Which life of it, from 1.
    pub life: u16,
    /// Number of members at the start.
    pub members: u16,
    /// Id of the run in payloads.
    pub run_tag: u64,
    /// What a handler does. The desk plays it; a program of the user's own must be told.
    pub handler: Handler,
    /// Where it handles messages.
    pub desk: Rc<Desk>,
    /// Turns true when the member shall leave in good order.
    pub leave: watch::Receiver<bool>,
    /// What the member says of how it gets to work.
    pub start: Start,
    /// What else it has to tell.
    pub told: Telling,
}

/// Something that a member tells of beside its journal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Something worth knowing, a sentence.
    Remark(String),
    /// The program of the user's own ended, and not well after it was asked to.
    ProgramEnded {
        /// Exit code, when it exited.
        code: Option<i32>,
        /// Signal, when one ended it.
        signal: Option<i32>,
        /// What it said at last, and why it was ended, where there is anything to say.
        message: String,
    },
}

/// Where a member tells it. Few words: what finds no room is dropped.
#[derive(Clone, Debug)]
pub struct Telling(mpsc::Sender<Told>);

impl Telling {
    /// Most that waits to be passed on.
    const ROOM: usize = 256;

    /// Somebody who tells, and who passes it on.
    #[must_use]
    pub fn channel() -> (Self, mpsc::Receiver<Told>) {
        let (sender, receiver) = mpsc::channel(Self::ROOM);
        (Self(sender), receiver)
    }

    /// Tells.
    pub fn say(&self, told: Told) {
        let _ = self.0.try_send(told);
    }
}

/// How a member gets to work. Said from any thread.
#[derive(Clone, Debug, Default)]
pub struct Start {
    able: watch::Sender<bool>,
    asked: watch::Sender<bool>,
    refusal: watch::Sender<Option<String>>,
    /// The newest refusal that was about a right.
    withdrawn: watch::Sender<Option<String>>,
}

/// Whether a server's error is about a right that is missing.
#[must_use]
pub fn is_about_a_right(error: &str) -> bool {
    error.to_ascii_lowercase().contains("permissions violation")
}

impl Start {
    /// The member has asked for messages, which the server answers only when there are any, or when it refuses.
    pub fn asked(&self) {
        self.asked.send_if_modified(|asked| !std::mem::replace(asked, true));
    }

    /// The server has given the member what it needs in order to be given messages.
    pub fn able(&self) {
        self.able.send_if_modified(|able| !std::mem::replace(able, true));
    }

    /// The server refused something, in its words. Before the member is able, that may be why it never will be.
    pub fn refused(&self, reason: &str) {
        tracing::warn!(reason, "the server refused something");
        if is_about_a_right(reason) {
            self.withdrawn.send_replace(Some(reason.to_owned()));
        }
        self.refusal.send_if_modified(|first| {
            let is_first = first.is_none();
            first.get_or_insert_with(|| reason.to_owned());
            is_first
        });
    }

    /// Returns when the member is able, or has asked and not been refused anything within `patience`.
    pub async fn until_able(&self, patience: Duration) {
        // This is a sender itself: it cannot be gone.
        let (mut able, mut asked) = (self.able.subscribe(), self.asked.subscribe());
        let asked_for = async {
            let _ = asked.wait_for(|asked| *asked).await;
            tokio::time::sleep(patience).await;
            if self.refusal.borrow().is_some() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            _ = able.wait_for(|able| *able) => {}
            () = asked_for => {}
        }
    }

    /// The first refusal, if any.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        self.refusal.borrow().clone()
    }

    /// Changes with every refusal that is about a right, and holds the newest.
    #[must_use]
    pub fn withdrawn(&self) -> watch::Receiver<Option<String>> {
        self.withdrawn.subscribe()
    }

    /// Returns the first refusal, when there is one.
    pub async fn until_refused(&self) -> String {
        let mut refusal = self.refusal.subscribe();
        let refused = refusal.wait_for(Option::is_some).await;
        refused.ok().and_then(|refused| refused.clone()).unwrap_or_default()
    }
}

impl Seat {
    /// Returns when the member shall leave.
    pub async fn told_to_leave(&self) {
        let mut leave = self.leave.clone();
        // The sender lives as long as the process; if it were gone, leaving is right.
        let _ = leave.wait_for(|leave| *leave).await;
    }
}
