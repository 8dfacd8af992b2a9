//! The vocabulary: every noun that two rooms must agree on, and nothing that acts.
//!
//! Floor 0. No clock, no disk, no async, no other room. What is stored on disk by name (records, story,
//! manifest, report) is defined here; how bytes are laid out is the business of `evidence`.

pub mod bank;
pub mod baseline;
pub mod checksum;
pub mod checkup;
pub mod comparison;
pub mod contrast;
pub mod digest;
pub mod dropped;
pub mod effect;
pub mod explanation;
pub mod gate;
pub mod gone;
pub mod history;
pub mod live;
pub mod manifest;
pub mod message_id;
pub mod offer;
pub mod payload;
pub mod promise;
pub mod reading;
pub mod record;
pub mod report;
pub mod search;
pub mod stored;
pub mod story;
pub mod sweep;
pub mod time;
pub mod units;
