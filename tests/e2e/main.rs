//! End to end: the real program on real servers, with real processes, signals and files, used as a user would.
//!
//! One test at a time: each runs a whole fleet, and two fleets on a small machine measure each other.

mod access;
mod cluster;
mod compare;
mod cut;
mod death;
mod environment;
mod full_disk;
mod interrupt;
mod order;
mod place;
mod processes;
mod rebalance;
mod server;
mod strategies;
