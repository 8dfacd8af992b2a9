//! What an application brings.

use std::future::Future;
use std::time::Duration;

use crate::message::Message;

/// Handles messages. Calls for one partition come strictly one after another, calls for different partitions interleave at await
/// points; nothing needs to be `Send`.
pub trait Handler {
    /// Handles one message. Success makes it count as handled; a failure is tried again in place, for nothing may overtake it.
    ///
    /// # Errors
    /// [`HandlerError`] when the message could not be handled. What never succeeds blocks its partition until
    /// [`max_handling`](crate::GroupBuilder::max_handling): put it aside (a dead-letter subject) and return success.
    fn handle(&self, message: &Message) -> impl Future<Output = Result<(), HandlerError>>;
}

impl<F> Handler for F
where
    F: AsyncFn(&Message) -> Result<(), HandlerError>,
{
    async fn handle(&self, message: &Message) -> Result<(), HandlerError> {
        self(message).await
    }
}

/// A message could not be handled now.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct HandlerError {
    reason: String,
}

impl HandlerError {
    /// A failure with this reason.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { reason: reason.into() }
    }
}

/// The pause before the next attempt: from 10 ms, doubling, to a second.
pub(crate) fn pause_after(attempt: u32) -> Duration {
    Duration::from_millis(10 << attempt.saturating_sub(1).min(7)).min(Duration::from_secs(1))
}
