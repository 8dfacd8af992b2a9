//! A partitioned consumer group for NATS JetStream, like Kafka's: messages of one partition are handled strictly one after another, by one
//! member at a time; when members come, go, crash or hang, their partitions move, and no message is lost or overtaken.
//!
//! ```no_run
//! use std::time::Duration;
//! use lease_group::{Group, HandlerError, Message};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let group = Group::builder("nats://127.0.0.1:4222")
//!     .stream("ORDERS")
//!     .name("billing")
//!     .subject_prefix("orders.p") // partition 7 is what is published to orders.p.7
//!     .partitions(16)
//!     .lease_ttl(Duration::from_secs(2))
//!     .build()?;
//!
//! let member = group.join().await?;
//! let handle = member.handle(); // handle.leave().await from anywhere
//! member
//!     .run(async |message: &Message| -> Result<(), HandlerError> {
//!         println!("{} in partition {}", message.stream_sequence, message.partition);
//!         Ok(())
//!     })
//!     .await?;
//! # let _ = handle;
//! # Ok(())
//! # }
//! ```
//!
//! Publishers choose the partition with [`partitioner::partition`], or leave it to the stream with a subject transform:
//! both compute the same.
//!
//! # How it works
//!
//! Each partition has a lease in a key-value bucket, which changes only by compare-and-set. Its owner consumes through a private
//! consumer, named after the lease's epoch, and writes how far it came into the lease. A successor raises the epoch, deletes the old consumers and
//! starts behind the last committed message. No two wall clocks are compared: an observer waits on his own clock
//! until a record has stood unchanged for its time to live, and the owner stops himself, on his, at 0.85 of it.
//!
//! The decisions are pure and take the time as a value: [`state`], [`assign`], [`handover`], [`roster`], [`continuity`], [`record`]. They are public so that
//! the model checker (`tests/model`) can run them; an application needs what is at the root of the crate.
//!
//! # What is promised
//!
//! Nothing stored is lost while the stream keeps it; every epoch starts at or before the first uncommitted message and runs without holes;
//! an owner that was superseded starts nothing after its deadline. It may still *finish* the one message it had begun, when it was paused
//! in the middle: only the system that the handler writes to can prevent that, by comparing [`Message::epoch`]. What was handled and not yet committed
//! is handled again: handlers must bear repetition.

#![cfg_attr(test, expect(clippy::unwrap_used, reason = "a test fails by panicking"))]

pub mod assign;
pub mod clock;
pub mod continuity;
mod demand;
mod error;
pub mod fence;
pub mod footing;
mod group;
mod handler;
pub mod handover;
pub mod liveness;
mod member;
mod message;
mod observer;
mod openings;
mod options;
mod output;
pub mod partitioner;
pub mod record;
pub mod roster;
mod shell;
pub mod state;

pub use error::{BuildError, JoinError, MemberError};
pub use group::{Group, GroupBuilder};
pub use handler::{Handler, HandlerError};
pub use member::{Member, MemberHandle};
pub use message::{Delivery, Message};
pub use observer::{Connection, MemberEvent, Observer, PartitionEvent, Progress, Silence};
pub use options::{Commit, ConsumerStorage, DeliverBy, Hints, Sink, Takeover};
pub use output::{Effect, Output, OutputError};
pub use record::Session;
pub use state::{LostReason, Stopped};
