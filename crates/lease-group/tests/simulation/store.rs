//! The bucket: one log of revisions. A watcher reads the log behind the head; a compare-and-set looks at the last record of its key.

use std::hash::{DefaultHasher, Hash, Hasher};

use lease_group::clock::Moment;
use lease_group::record::{Heartbeat, Lease};

/// What stands in one revision.
pub(crate) enum What {
    Lease { partition: u32, lease: Lease },
    Heartbeat(Heartbeat),
}

/// One revision.
pub(crate) struct Record {
    pub(crate) stored: Moment,
    /// The number of the member that wrote it.
    pub(crate) writer: u32,
    pub(crate) what: What,
}

/// The bucket. The revision of a record is its place in the log, from 1.
pub(crate) struct Store {
    log: Vec<Record>,
    /// Revision of each partition's lease, 0 for none.
    leases: Vec<u64>,
    /// Revision of each member's heartbeat, 0 for none.
    heartbeats: Vec<u64>,
}

impl Store {
    pub(crate) fn new(partitions: u32) -> Self {
        Self { log: Vec::new(), leases: vec![0; partitions as usize], heartbeats: Vec::new() }
    }

    /// The newest revision.
    pub(crate) fn head(&self) -> u64 {
        self.log.len() as u64
    }

    pub(crate) fn record(&self, revision: u64) -> &Record {
        &self.log[revision as usize - 1]
    }

    /// The lease that stands, and its revision; 0 when there is none.
    pub(crate) fn lease(&self, partition: u32) -> (u64, Option<&Lease>) {
        match self.leases[partition as usize] {
            0 => (0, None),
            revision => (revision, self.lease_at(revision)),
        }
    }

    pub(crate) fn lease_at(&self, revision: u64) -> Option<&Lease> {
        match &self.record(revision).what {
            What::Lease { lease, .. } => Some(lease),
            What::Heartbeat(_) => None,
        }
    }

    /// Stores the lease if the key is at `expected`; `None` is a refusal.
    pub(crate) fn compare_and_set(
        &mut self,
        now: Moment,
        writer: u32,
        partition: u32,
        expected: u64,
        lease: Lease,
    ) -> Option<u64> {
        if self.leases[partition as usize] != expected {
            return None;
        }
        self.log.push(Record { stored: now, writer, what: What::Lease { partition, lease } });
        self.leases[partition as usize] = self.head();
        Some(self.head())
    }

    pub(crate) fn put_heartbeat(&mut self, now: Moment, writer: u32, heartbeat: Heartbeat) {
        self.log.push(Record { stored: now, writer, what: What::Heartbeat(heartbeat) });
        let writer = writer as usize;
        self.heartbeats.resize(self.heartbeats.len().max(writer + 1), 0);
        self.heartbeats[writer] = self.head();
    }

    /// What a new watch begins with: what stands under each key, oldest first.
    pub(crate) fn standing(&self) -> Vec<u64> {
        let mut revisions: Vec<u64> =
            self.leases.iter().chain(&self.heartbeats).copied().filter(|revision| *revision > 0).collect();
        revisions.sort_unstable();
        revisions
    }

    /// One number for the whole history: two simulations that differ in one write differ here.
    pub(crate) fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        for record in &self.log {
            (record.stored, record.writer).hash(&mut hasher);
            match &record.what {
                What::Lease { partition, lease } => (partition, lease).hash(&mut hasher),
                What::Heartbeat(heartbeat) => heartbeat.hash(&mut hasher),
            }
        }
        hasher.finish()
    }
}
