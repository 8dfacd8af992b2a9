//! How a group commits and takes over.

use std::time::Duration;

/// When a message counts as done for whoever comes after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Commit {
    /// Nothing is acknowledged; the last handled sequence is written with the lease. After a crash the successor repeats at most what
    /// was handled in one interval. Several times faster than [`Explicit`](Self::Explicit) when there is a backlog.
    Checkpoint {
        /// The interval. 100 ms by default.
        every: Duration,
    },
    /// One acknowledgement every so many messages stands for all up to there, and is confirmed. After a crash at most what was handled
    /// since the last one is repeated. The server's consumer then shows how far the group is, and nothing is written to the bucket but renewals.
    AckAll {
        /// Messages an acknowledgement; it is sent 100 ms after the last one at the latest. 100 is a good value.
        every: u32,
    },
    /// Every message is acknowledged, and the acknowledgement is confirmed: after a crash at most the few that were on their way are
    /// repeated.
    Explicit,
}

impl Default for Commit {
    fn default() -> Self {
        Self::Checkpoint { every: Duration::from_millis(100) }
    }
}

/// How messages come to their owner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliverBy {
    /// The owner asks for them, half a batch before it runs out.
    #[default]
    Pull,
    /// The server sends them by itself, as many as may be unacknowledged, and asks now and then whether they arrive (flow control). Where each message
    /// is acknowledged that costs it a twentieth to a sixth less than pulls. Only where messages are acknowledged: nothing else bounds what is sent.
    /// Members need the right to publish to `$JS.FC.>`.
    Push,
}

/// What a new owner does with what the last one left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Takeover {
    /// A consumer of its own under a new epoch, from behind the last committed message; the old ones are deleted.
    #[default]
    Safe,
    /// **Breaks order.** The same durable consumer goes from owner to owner, so what the last one had not acknowledged comes again
    /// only after `ack_wait`, behind newer messages. It is kept to be measured.
    Resume {
        /// How long the server waits for an acknowledgement. Two minutes in the original.
        ack_wait: Duration,
    },
}

/// Where the private consumers of [`Takeover::Safe`] keep their state. None of it is needed after a crash: the lease knows where to
/// begin. So the cheapest place is the default, and the others are there to be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConsumerStorage {
    /// In memory.
    Memory,
    /// Where the stream keeps its messages.
    Stream,
}

/// Where handlers write their effects: a JetStream stream, in which every takeover puts up a *fence*. An effect that is written with
/// [`Message::output`](crate::Message::output) names the fence it was written under, and the server refuses it as soon as a
/// successor's stands. So no effect of a superseded owner is ever stored, however long it was paused. nats-server 2.11.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sink {
    pub(crate) stream: String,
    pub(crate) fences: String,
}

impl Sink {
    /// The stream `stream` with limits retention, and the subject prefix of its fences: the stream must store `<fences>.<partition>` for every
    /// partition. Nobody else publishes there. The subjects of effects are the application's own.
    pub fn new(stream: impl Into<String>, fences: impl Into<String>) -> Self {
        Self { stream: stream.into(), fences: fences.into() }
    }
}

/// What may tell earlier than a lease that its owner is gone. A hint may be false: a live member renews its connection. It then loses
/// its partitions while it still works, and only the fence of a [`Sink`] keeps its effects out.
#[derive(Clone, Default)]
pub struct Hints {
    pub(crate) probe_every: Option<Duration>,
    pub(crate) system: Option<(String, async_nats::ConnectOptions)>,
}

impl Hints {
    /// Probes: each member sends an empty message to the liveness subject of one other, over and over, and the server says at once when
    /// nobody listens there any more. A second probe confirms it. Costs one small message a member and `every`, whatever the size of the group;
    /// a crash is noticed after half of `every` in the mean. A paused or cut off member still listens: that is for the lease.
    #[must_use]
    pub fn probe(every: Duration) -> Self {
        Self { probe_every: Some(every), system: None }
    }

    /// The server's own events alone, as in [`and_system_events`](Self::and_system_events): no message is sent as long as nobody goes.
    #[must_use]
    pub fn system_events(servers: impl Into<String>, options: async_nats::ConnectOptions) -> Self {
        Self::default().and_system_events(servers, options)
    }

    /// And the server's own events: a connection of a member has ended. They are told in the system account alone, so this
    /// needs a connection of its own. A probe confirms each. Servers before 2.12 tell nothing of connections to the account that
    /// everybody is in where none is configured.
    #[must_use]
    pub fn and_system_events(mut self, servers: impl Into<String>, options: async_nats::ConnectOptions) -> Self {
        self.system = Some((servers.into(), options));
        self
    }
}

impl Takeover {
    /// [`Resume`](Self::Resume) with the original's two minutes.
    #[must_use]
    pub const fn resume() -> Self {
        Self::Resume { ack_wait: Duration::from_secs(120) }
    }
}
