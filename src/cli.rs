//! The front door: words in, exit code out.

pub mod list;
pub mod profile;
