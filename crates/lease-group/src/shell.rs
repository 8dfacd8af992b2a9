//! The thin asynchronous part: performs what the core commands, and tells it what came of it.

pub(crate) mod connection;
pub(crate) mod consumers;
pub(crate) mod control;
pub(crate) mod epoch;
pub(crate) mod grant;
pub(crate) mod ground;
pub(crate) mod probes;
pub(crate) mod pump;
pub(crate) mod sink;
pub(crate) mod slot;
pub(crate) mod store;
