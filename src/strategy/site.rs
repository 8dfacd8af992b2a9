//! The site of a run: where a strategy makes what its members share, before the first of them starts.

use std::cell::RefCell;

use async_nats::jetstream::consumer::{Config, DeliverPolicy};

use super::Error;
use crate::model::offer::Start;

/// A run's stream, as the driver has made it.
pub struct Site<'a> {
    /// JetStream as the driver speaks to it.
    pub jetstream: &'a async_nats::jetstream::Context,
    /// The stream.
    pub stream: &'a str,
    /// Name of the group: durables and buckets are named after it.
    pub group: &'a str,
    /// Partition p's subject is `<subject_prefix>.<p>`.
    pub subject_prefix: &'a str,
    /// Number of partitions.
    pub partitions: u16,
    /// Where consumers begin that do not begin at the first message, as they are made.
    pub starts: RefCell<Vec<Start>>,
    /// How many servers keep a copy of the stream.
    pub replicas: usize,
}

impl Site<'_> {
    /// Makes a consumer on the stream, for one partition or for all of them, and keeps where it begins.
    pub(super) async fn make_consumer(&self, partition: Option<u16>, config: Config) -> Result<(), Error> {
        let name = config.name.clone().unwrap_or_default();
        let from_the_first = config.deliver_policy == DeliverPolicy::All;
        let made = self
            .jetstream
            .create_consumer_on_stream(config, self.stream)
            .await
            .map_err(|error| Error::refused(format!("make the consumer '{name}'"), &error))?;
        if !from_the_first {
            // Nobody has pulled yet: what counts as delivered is what it will never deliver.
            let stream_seq = made.cached_info().delivered.stream_sequence + 1;
            self.starts.borrow_mut().push(Start { partition, stream_seq });
        }
        Ok(())
    }
}
