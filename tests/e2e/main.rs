//! End to end: the real program on real servers, with real processes, signals and files, used as a user would.
//!
//! One test at a time: each runs a whole fleet, and two fleets on a small machine measure each other.

mod access;
mod accounts;
mod broken;
mod chaos;
mod cluster;
mod commit_modes;
mod compare;
mod consumer;
mod cut;
mod cut_network;
mod death;
mod domain;
mod environment;
mod external;
mod fence;
mod full_disk;
mod gate;
mod handler;
mod hazards_consumer;
mod hazards_stream;
mod identities;
mod interrupt;
mod lame_duck;
mod operator;
mod order;
mod output;
mod own_cluster;
mod place;
mod plain_path;
mod processes;
mod publish;
mod rebalance;
mod rights;
mod road;
mod scripts;
mod search;
mod server;
mod server_faults;
mod settings;
mod slow;
mod stored;
mod strategies;
mod stream;
mod sweep;
