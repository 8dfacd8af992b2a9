//! A partitioned consumer group for NATS JetStream.

pub mod clock;
pub mod partitioner;
pub mod record;
