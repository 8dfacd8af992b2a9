//! The disk under the run folder: the server's store and the journals lie there.

use super::{bytes, good, span};
use crate::model::checkup::{DiskSeen, Finding, Level, Measured, Subject};
use crate::model::manifest::Environment;

/// A quarter of an hour at some thousand messages a second takes this.
const FREE_MIN_BYTES: u64 = 2 << 30;
/// Below this nothing is started.
const FREE_LEAST_BYTES: u64 = 64 << 20;
/// A sync that takes this long at the 99th percentile can be seen in a gap of a second.
const SYNC_MAX_MS: f64 = 50.0;

pub(super) fn findings(_: &Environment, measured: &Measured) -> Vec<Finding> {
    let Some(disk) = &measured.disk else {
        let found = measured.disk_trouble.clone().unwrap_or_else(|| "the disk could not be tried".to_owned());
        let remedy = "name a folder that can be written with --out";
        return vec![good(Subject::Disk, found).but(Level::Failure, "no run can be made there", remedy)];
    };
    vec![room(disk), speed(disk)]
}

fn room(disk: &DiskSeen) -> Finding {
    let finding = good(Subject::Disk, format!("{} free under {}", bytes(disk.free_bytes as f64), disk.path));
    let remedy = "free some space, or name a folder on another disk with --out";
    if disk.free_bytes < FREE_LEAST_BYTES {
        finding.but(Level::Failure, "no server can be started there", remedy)
    } else if disk.free_bytes < FREE_MIN_BYTES {
        finding.but(Level::Warning, "a long or fast run may fill it, and is then invalid", remedy)
    } else {
        finding
    }
}

fn speed(disk: &DiskSeen) -> Finding {
    let DiskSeen { sync_p50_ms, sync_p99_ms, written_per_s_bytes, .. } = disk;
    let finding = good(
        Subject::Disk,
        format!(
            "4 KiB are on the disk after {}, {} at the 99th percentile; {} are written a second",
            span(*sync_p50_ms),
            span(*sync_p99_ms),
            bytes(*written_per_s_bytes)
        ),
    );
    if disk.is_memory {
        return finding.noting(
            "it is memory (tmpfs): the store of a real server is slower, and what lies there is lost with the machine",
        );
    }
    if *sync_p99_ms > SYNC_MAX_MS {
        let consequence = "nats-server syncs its store every two minutes: such a moment can look like a gap";
        let remedy =
            "take a disk of the machine's own, or stream.storage = \"memory\" when the disk is not the question";
        return finding.but(Level::Warning, consequence, remedy);
    }
    finding
}
