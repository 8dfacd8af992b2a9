//! The ways to publish, behind one door: what goes around a message on its way out, and what an answer to it means.
//!
//! Each way is a small state machine without a clock and without a connection. The line says which message is next; the
//! way says how it travels and when another may follow.

use crate::nats::link::Message;
use async_nats::{HeaderMap, Subject};

use super::atomic::Atomic;
use super::core::Core;
use super::fast::Fast;
use super::windowed::Windowed;
use crate::model::time::MonoNs;
use crate::nats::plain;
use crate::profile::plan::{Load, Retry, Way as Choice};
use crate::worker::line::Ticket;

/// What goes around a message.
#[derive(Debug, Default)]
pub(super) struct Envelope<'a> {
    /// Where its answer goes, if it gets one.
    pub(super) reply: Option<&'a str>,
    /// Headers of the way's own.
    pub(super) headers: Option<HeaderMap>,
}

impl Envelope<'_> {
    /// The whole envelope of a message to `subject`, with its id where it has one.
    #[inline]
    pub(super) fn addressed<'a>(&'a self, subject: &'a str, message_id: Option<&'a str>) -> plain::Envelope<'a> {
        plain::Envelope { subject, reply: self.reply, headers: self.headers.as_ref(), message_id }
    }
}

/// What a message needs to be put into an envelope.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outgoing {
    /// Its place in the line.
    pub(super) ticket: Ticket,
    /// Its number, counted over all messages of the publisher.
    pub(super) number: u64,
    /// Nothing can follow it before an answer has come.
    pub(super) is_last: bool,
}

/// Something to send that is no message of the load.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Extra {
    /// To ourselves.
    Probe(Subject),
    /// To the stream, with this reply subject.
    EndOfBatch(Subject),
}

/// What the line looks like to a way that decides whether to send something extra.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) now: MonoNs,
    /// When the oldest message that waits for an answer was sent.
    pub(super) oldest: Option<MonoNs>,
    /// Number of the next message.
    pub(super) next: u64,
    /// Whether the load goes on.
    pub(super) goes_on: bool,
}

/// What an answer means.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// What is stored.
    pub(super) stored: Option<Stored>,
    /// What went wrong.
    pub(super) trouble: Option<Trouble>,
}

/// What an answer says to be stored.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stored {
    /// One message, at this sequence.
    One { ticket: Ticket, stream_seq: u64, duplicate: bool },
    /// Every message below this number. Where sequences are known: they follow each other, and this is the last.
    Below { number: u64, last: Option<u64> },
}

/// What an answer says to be refused, with the reason.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// One message.
    One(Ticket, String),
    /// Everything that is not stored.
    All(String),
    /// Something; what, another answer tells.
    Told(String),
}

impl Heard {
    pub(super) fn nothing() -> Self {
        Self::default()
    }

    pub(super) fn stored(stored: Stored) -> Self {
        Self { stored: Some(stored), trouble: None }
    }

    pub(super) fn trouble(trouble: Trouble) -> Self {
        Self { stored: None, trouble: Some(trouble) }
    }
}

/// A way to publish, under way.
#[derive(Debug)]
pub(super) enum Way {
    Windowed(Windowed),
    Atomic(Atomic),
    Fast(Fast),
    Core(Core),
}

impl Way {
    /// The way of `load`, with its answers below `inbox`.
    pub(super) fn new(load: &Load, inbox: &str) -> Self {
        match load.way {
            Choice::Windowed { window, retry } => {
                Self::Windowed(Windowed::new(inbox, window, retry == Retry::PerMessage))
            }
            Choice::Sync => Self::Windowed(Windowed::new(inbox, 1, false)),
            Choice::AtomicBatch { batch } => Self::Atomic(Atomic::new(inbox, batch)),
            Choice::FastBatch { batch } => Self::Fast(Fast::new(inbox, batch)),
            Choice::Core { window } => Self::Core(Core::new(inbox, window)),
        }
    }

    /// Begins anew with answers below `inbox`: there is another connection.
    pub(super) fn renew(&mut self, inbox: &str) {
        match self {
            Self::Windowed(way) => way.renew(inbox),
            Self::Atomic(way) => way.renew(inbox),
            Self::Fast(way) => way.renew(inbox),
            Self::Core(way) => way.renew(inbox),
        }
    }

    /// Begins anew on the same connection: the line starts again.
    pub(super) fn restart(&mut self) {
        match self {
            Self::Windowed(_) => {}
            Self::Atomic(way) => way.restart(),
            Self::Fast(way) => way.restart(),
            Self::Core(way) => way.restart(),
        }
    }

    /// Everything that was sent is stored.
    pub(super) fn settled(&mut self) {
        if let Self::Atomic(way) = self {
            way.settled();
        }
    }

    /// Whether what an answer does not cover is sent again.
    pub(super) fn sends_again(&self) -> bool {
        !matches!(self, Self::Core(_))
    }

    /// Whether another message may follow now, as far as the way goes.
    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Windowed(_) | Self::Core(_) => true,
            Self::Atomic(way) => way.has_room(),
            Self::Fast(way) => way.has_room(),
        }
    }

    /// Puts a message into its envelope.
    #[inline]
    pub(super) fn envelope(&mut self, outgoing: Outgoing) -> Envelope<'_> {
        match self {
            Self::Windowed(way) => way.envelope(outgoing.ticket),
            Self::Atomic(way) => way.envelope(outgoing),
            Self::Fast(way) => way.envelope(outgoing),
            Self::Core(_) => Envelope::default(),
        }
    }

    /// The number from which on the way has something to send beside the messages, even while more of them are due.
    pub(super) fn asks_from(&self) -> Option<u64> {
        match self {
            Self::Core(way) => way.asks_from(),
            Self::Windowed(_) | Self::Atomic(_) | Self::Fast(_) => None,
        }
    }

    /// Something to send beside the messages, in this situation.
    pub(super) fn extra(&mut self, situation: Situation) -> Option<Extra> {
        match self {
            Self::Windowed(_) | Self::Atomic(_) => None,
            Self::Fast(way) => way.extra(situation),
            Self::Core(way) => way.extra(situation),
        }
    }

    /// What an answer means.
    pub(super) fn hear(&mut self, message: &Message) -> Heard {
        match self {
            Self::Windowed(way) => way.hear(message),
            Self::Atomic(way) => way.hear(message),
            Self::Fast(way) => way.hear(message),
            Self::Core(way) => way.hear(message),
        }
    }
}
