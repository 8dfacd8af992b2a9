//! The site of a run: where a strategy makes what its members share, before the first of them starts.

use async_nats::jetstream::consumer::IntoConsumerConfig;

use super::Error;

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
    /// How many servers keep a copy of the stream.
    pub replicas: usize,
}

impl Site<'_> {
    /// Makes a consumer on the stream.
    pub(super) async fn make_consumer(&self, config: impl IntoConsumerConfig) -> Result<(), Error> {
        let config = config.into_consumer_config();
        let name = config.durable_name.clone().unwrap_or_default();
        self.jetstream
            .create_consumer_on_stream(config, self.stream)
            .await
            .map_err(|error| Error::refused(format!("make the durable consumer '{name}'"), &error))?;
        Ok(())
    }
}
