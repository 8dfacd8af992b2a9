//! A partitioned consumer group for NATS JetStream.
pub mod assign;
pub mod clock;
pub mod continuity;
mod error;
mod group;
mod handler;
pub mod handover;
mod member;
mod message;
mod observer;
mod options;
pub mod partitioner;
pub mod record;
pub mod roster;
mod shell;
pub mod state;

pub use error::{BuildError, JoinError, MemberError};
pub use group::{Group, GroupBuilder};
pub use handler::{Handler, HandlerError};
pub use member::{Member, MemberHandle};
pub use message::Message;
pub use observer::{Connection, MemberEvent, Observer, PartitionEvent, Progress, Silence};
pub use options::{Commit, Takeover};
pub use state::{LostReason, Stopped};
