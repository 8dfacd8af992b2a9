//! What a disk does: how long until a little is safe on it, how much it takes in a second. Measured in a folder that can be written.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::Duration;

use crate::clock;
use crate::model::time::{MonoNs, SpanNs};

/// One small write: what a server stores before it confirms, more or less.
const SMALL_BYTES: usize = 4096;
/// At most so many of them.
const SYNCS_MAX: usize = 400;
/// One large write.
const LARGE_BYTES: usize = 1 << 20;
/// At most so much is written.
const WRITTEN_MAX_BYTES: usize = 256 << 20;

/// What was seen of a disk.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    /// How long each write of 4 KiB took until it was safe. At least one.
    pub syncs: Vec<SpanNs>,
    /// Bytes a second of large writes, one sync at their end included.
    pub written_per_s: f64,
}

/// Tries the disk under `folder` for about twice `each`, in a file without a name.
///
/// # Errors
/// When nothing can be written there.
pub fn try_disk(folder: &Path, each: Duration) -> io::Result<Seen> {
    let mut file = tempfile::tempfile_in(folder)?;
    let syncs = small(&mut file, clock::now() + each.into())?;
    let written_per_s = large(&mut file, clock::now() + each.into())?;
    Ok(Seen { syncs, written_per_s })
}

/// Room left under `folder`, in bytes.
///
/// # Errors
/// When the system does not tell.
pub fn free_bytes(folder: &Path) -> io::Result<u64> {
    let told = rustix::fs::statvfs(folder)?;
    Ok(told.f_bavail.saturating_mul(told.f_frsize))
}

/// Whether what is written to `folder` lies in memory.
#[cfg(target_os = "linux")]
#[must_use]
pub fn is_memory(folder: &Path) -> bool {
    /// statfs(2): `TMPFS_MAGIC`, `RAMFS_MAGIC`.
    const OF_MEMORY: [i64; 2] = [0x0102_1994, 0x8584_58f6];
    rustix::fs::statfs(folder)
        .is_ok_and(|told| OF_MEMORY.iter().any(|kind| i128::from(told.f_type) == i128::from(*kind)))
}

/// Whether what is written to `folder` lies in memory; not to be told here.
#[cfg(not(target_os = "linux"))]
#[must_use]
pub fn is_memory(_: &Path) -> bool {
    false
}

fn small(file: &mut File, until: MonoNs) -> io::Result<Vec<SpanNs>> {
    let block = [0x5a_u8; SMALL_BYTES];
    let mut syncs = Vec::with_capacity(SYNCS_MAX);
    while syncs.is_empty() || (syncs.len() < SYNCS_MAX && clock::now() < until) {
        let before = clock::now();
        file.write_all(&block)?;
        file.sync_data()?;
        syncs.push(clock::now().since(before));
    }
    Ok(syncs)
}

fn large(file: &mut File, until: MonoNs) -> io::Result<f64> {
    let block = vec![0x5a_u8; LARGE_BYTES];
    file.seek(SeekFrom::Start(0))?;
    let (begin, mut written) = (clock::now(), 0);
    while written == 0 || (written < WRITTEN_MAX_BYTES && clock::now() < until) {
        file.write_all(&block)?;
        written += LARGE_BYTES;
    }
    file.sync_data()?;
    Ok(written as f64 / clock::now().since(begin).as_s().max(1e-9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_tried_and_nothing_is_left_on_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let seen = try_disk(folder.path(), Duration::from_millis(10)).expect("it can be written");
        assert!(!seen.syncs.is_empty() && seen.written_per_s > 0.0, "{seen:?}");
        assert!(free_bytes(folder.path()).expect("the system tells") > 0);
        assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0);
        assert!(try_disk(&folder.path().join("none"), Duration::ZERO).is_err());
    }
}
