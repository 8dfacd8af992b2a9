//! What control thread and handlers share about one epoch of one partition: a few atomics, so that neither waits for the other.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::consumers::Opened;
use crate::clock::{Moment, monotonic_ns};
use crate::state::Stopped;

/// One epoch, from granted to ended.
#[derive(Debug)]
pub(crate) struct Grant {
    pub(crate) partition: u32,
    pub(crate) epoch: u64,
    pub(crate) consumer: String,
    /// The sequence of its fence in the sink, where there is one.
    pub(crate) fence: Option<u64>,
    pub(crate) start: u64,
    /// Where its messages are sent to, when they are pushed.
    pub(crate) inbox: Option<String>,
    /// How many messages waited when its consumer was made.
    pub(crate) pending: u64,
    deadline: AtomicU64,
    deadline_told_ns: AtomicU64,
    handled: AtomicU64,
    busy_since: AtomicU64,
}

impl Grant {
    pub(crate) fn new(
        partition: u32,
        epoch: u64,
        start: u64,
        Opened { consumer, fence, inbox, pending, .. }: Opened,
        (deadline, told_ns): (Moment, u64),
    ) -> Self {
        Self {
            partition,
            epoch,
            consumer,
            fence,
            start,
            inbox,
            pending,
            deadline: AtomicU64::new(deadline.as_ns()),
            deadline_told_ns: AtomicU64::new(told_ns),
            handled: AtomicU64::new(start.saturating_sub(1)),
            busy_since: AtomicU64::new(0),
        }
    }

    /// Lets the handlers go on until then.
    pub(crate) fn extend(&self, (deadline, told_ns): (Moment, u64)) {
        self.deadline_told_ns.store(told_ns, Ordering::Release);
        self.deadline.store(deadline.as_ns(), Ordering::Release);
    }

    /// Lets nothing start any more.
    pub(crate) fn revoke(&self) {
        self.deadline.store(0, Ordering::Release);
    }

    /// The check before every handler: the instant of the check if the lease still holds. On both clocks, so that the told instant
    /// proves what the deciding one found.
    pub(crate) fn check(&self) -> Option<u64> {
        let deadline = self.deadline.load(Ordering::Acquire);
        let told_deadline = self.deadline_told_ns.load(Ordering::Acquire);
        let holds = Moment::now().as_ns() < deadline;
        let checked = monotonic_ns();
        (holds && checked < told_deadline).then_some(checked)
    }

    pub(crate) fn set_handled(&self, stream_sequence: u64) {
        self.handled.store(stream_sequence, Ordering::Release);
    }

    pub(crate) fn handled(&self) -> u64 {
        self.handled.load(Ordering::Acquire)
    }

    /// A handler begins.
    pub(crate) fn set_busy(&self) {
        self.busy_since.store(Moment::now().as_ns().max(1), Ordering::Release);
    }

    /// No handler runs.
    pub(crate) fn set_idle(&self) {
        self.busy_since.store(0, Ordering::Release);
    }

    pub(crate) fn busy_since(&self) -> Option<Moment> {
        Some(self.busy_since.load(Ordering::Acquire)).filter(|since| *since != 0).map(Moment::from_ns)
    }
}

/// What the data side is to do with a partition. Only the latest order counts, so a channel of one is enough.
#[derive(Clone, Debug, Default)]
pub(crate) enum Order {
    /// Nothing yet.
    #[default]
    None,
    /// Consume under this grant.
    Run(Arc<Grant>),
    /// Stop, whether it was begun or not, and say so.
    Stop(Arc<Grant>),
}

impl Order {
    pub(crate) fn grant(&self) -> Option<&Arc<Grant>> {
        match self {
            Self::None => None,
            Self::Run(grant) | Self::Stop(grant) => Some(grant),
        }
    }
}

/// What the data side tells the control thread.
#[derive(Debug)]
pub(crate) enum Report {
    /// An epoch was stopped.
    Ended { partition: u32, epoch: u64, handled: u64, why: Stopped },
    /// The application wants to leave.
    Leave,
}
