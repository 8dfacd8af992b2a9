//! What driver and relay say to each other: JSON lines over the relay's standard input and output.

use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use crate::fault::Cut;
use crate::model::time::MonoNs;

/// What the driver says. A client is a member or publisher, whatever its life: `c1`, `p0`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case")]
pub enum Order {
    /// Listen for the connections of a client: one address a server.
    Open {
        /// Whose.
        client: String,
        /// Host and port of each server.
        upstreams: Vec<String>,
    },
    /// Let the network of a client fail.
    Cut {
        /// Whose.
        client: String,
        /// Number of the fault.
        id: u32,
        /// How.
        cut: Cut,
    },
    /// Mend it.
    Heal {
        /// Whose.
        client: String,
        /// Number of the fault that cut it.
        id: u32,
    },
}

/// What the relay says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "kebab-case")]
pub enum Word {
    /// It listens.
    Open {
        /// For whom.
        client: String,
        /// Where, in the order of the servers.
        addresses: Vec<SocketAddr>,
    },
    /// The network of a client fails from now on.
    Cut {
        /// Whose.
        client: String,
        /// Number of the fault.
        id: u32,
        /// Since when.
        at: MonoNs,
    },
    /// The first thing that met the cut.
    Met {
        /// Whose.
        client: String,
        /// Number of the fault.
        id: u32,
        /// When.
        at: MonoNs,
        /// What it was, for people.
        what: String,
    },
    /// It is mended.
    Healed {
        /// Whose.
        client: String,
        /// Number of the fault.
        id: u32,
        /// Since when.
        at: MonoNs,
    },
    /// Something that it cannot do.
    Failed {
        /// A sentence.
        message: String,
    },
}
