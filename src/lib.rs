//! jetlag measures what it costs NATS JetStream to keep messages in order, and proves whether the order held.
//!
//! The rooms, their floors and who may import whom: `ARCHITECTURE.md`; `tests/floors.rs` keeps it true.

// floor 0
pub mod model;
// floor 1: study; no clock, no disk, no async
pub mod fault;
pub mod verdict;

pub mod analysis;
pub mod metric;

pub mod contrast;
pub mod search;

pub mod checkup;
pub mod gate;
pub mod render;
// floor 2
pub mod clock;
pub mod evidence;
pub mod nats;
pub mod process;
pub mod relay;
pub mod strategy;
// floor 3
pub mod driver;
pub mod profile;
pub mod protocol;
pub mod worker;
// floor 4
pub mod cli;
