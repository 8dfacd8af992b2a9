//! A partitioned consumer group for NATS JetStream.

pub mod assign;
pub mod clock;
pub mod handover;
pub mod partitioner;
pub mod record;
pub mod roster;
pub mod state;
