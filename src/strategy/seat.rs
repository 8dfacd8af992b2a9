//! A member's seat: all that a strategy needs to consume as one member of one group.

use std::rc::Rc;

use tokio::sync::watch;

use super::desk::Desk;
use crate::nats::Access;

/// Where and as whom a member consumes.
pub struct Seat {
    /// How to reach the server.
    pub access: Access,
    /// The connection of the process.
    pub client: async_nats::Client,
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
    /// Where it handles messages.
    pub desk: Rc<Desk>,
    /// Turns true when the member shall leave in good order.
    pub leave: watch::Receiver<bool>,
}

impl Seat {
    /// Returns when the member shall leave.
    pub async fn told_to_leave(&self) {
        let mut leave = self.leave.clone();
        // The sender lives as long as the process; if it were gone, leaving is right.
        let _ = leave.wait_for(|leave| *leave).await;
    }
}
