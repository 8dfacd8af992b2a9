//! A partitioned consumer group for NATS JetStream.
