//! NATS: finding or fetching the server that jetlag starts, running it, and connecting to any server.
//!
//! What is created on a server, and how it is consumed, is not this room's business.

pub mod access;
pub mod address;
pub mod cluster;
pub mod connect;
pub mod fetch;
pub mod link;
pub mod pip;
pub mod plain;
pub mod server;
pub mod version;
pub mod via;

pub use access::{Access, Given, Identity, Secret};
pub use address::redact;
pub use cluster::{Cluster, Options};
pub use connect::jetstream;
pub use fetch::{Binary, Finder, Source};
pub use link::Link;
pub use server::Server;
pub use version::Version;

/// What can go wrong between here and a server that answers. Each says what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No nats-server could be had.
    #[error(transparent)]
    Fetch(#[from] fetch::Error),
    /// It could not be started or stopped.
    #[error(transparent)]
    Server(#[from] server::Error),
    /// It could not be connected to.
    #[error(transparent)]
    Connect(#[from] connect::Error),
}
