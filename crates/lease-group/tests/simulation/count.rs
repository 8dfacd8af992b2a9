//! What it costs, counted by kind.

use std::time::Duration;

use serde_json::{Value, json};

/// What was sent to the store and the stream, and what came from the watch, in one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) heartbeats: u64,
    pub(crate) claims: u64,
    pub(crate) renewals: u64,
    pub(crate) releases: u64,
    /// Of the writes above: refused by compare-and-set.
    pub(crate) refused: u64,
    /// Leases read from the leader.
    pub(crate) reads: u64,
    /// Epochs opened: each one lists the stream's consumers, deletes the last one and creates its own.
    pub(crate) openings: u64,
    /// Records that watches brought, all members together.
    pub(crate) deliveries: u64,
    /// How often a member asked for its wishes.
    pub(crate) decisions: u64,
}

impl Counts {
    /// Everything that changes the bucket.
    pub(crate) const fn writes(&self) -> u64 {
        self.heartbeats + self.claims + self.renewals + self.releases
    }

    pub(crate) fn to_json(self) -> Value {
        json!({
            "heartbeats": self.heartbeats, "claims": self.claims, "renewals": self.renewals, "releases": self.releases,
            "refused": self.refused, "reads": self.reads, "openings": self.openings, "writes": self.writes(),
            "watch_deliveries": self.deliveries, "decisions": self.decisions,
        })
    }
}

/// What one phase came to.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) phase: &'static str,
    /// Members that take part at its end.
    pub(crate) members: u32,
    /// Simulated time until the group was balanced and everything owned, ms; `None` when it was not, within the bound.
    pub(crate) converged_ms: Option<u64>,
    /// Partitions that changed hands.
    pub(crate) moves: u64,
    /// The fewest that must.
    pub(crate) moves_least: u64,
    /// The longest that a partition was owned by nobody, ms.
    pub(crate) gap_ms_max: u64,
    /// Most and fewest partitions of one member, at the end.
    pub(crate) loads: (u64, u64),
    pub(crate) counts: Counts,
    /// Simulated length of the phase, ms.
    pub(crate) length_ms: u64,
    /// CPU time of the simulation in it: all members on one core.
    pub(crate) cpu_ms: u64,
    /// The part of it that went into wishes.
    pub(crate) deciding_ms: u64,
}

impl Outcome {
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "phase": self.phase, "members": self.members, "converged_ms": self.converged_ms, "moves": self.moves,
            "moves_least": self.moves_least, "gap_ms_max": self.gap_ms_max, "load_max": self.loads.0,
            "load_min": self.loads.1, "counts": self.counts.to_json(), "length_ms": self.length_ms,
            "cpu_ms": self.cpu_ms, "deciding_ms": self.deciding_ms,
        })
    }
}

/// CPU time of this process, ns.
pub(crate) fn cpu_ns() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    (Duration::from_secs(time.tv_sec as u64) + Duration::from_nanos(time.tv_nsec as u64)).as_nanos() as u64
}
