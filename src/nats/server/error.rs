//! Why a server does not run, from what the system and the server's log say.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::READY_WITHIN;
use crate::nats::cluster::{ATTEMPTS, PORTS};
use crate::process::{self, Exit};

/// Below this a run does not get far, and what then fails fails in odd ways.
const FREE_BYTES_MIN: u64 = 64 << 20;
/// How much of the log is repeated in an error.
const TAIL_LINES: usize = 8;
const TAIL_BYTES: u64 = 16 << 10;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The program cannot be run.
    #[error("{} cannot be run as nats-server: {source}; put the path of one that runs here into JETLAG_NATS_SERVER", path.display())]
    BadBinary {
        /// The program.
        path: PathBuf,
        /// Why.
        source: process::Error,
    },
    /// The port is in use.
    #[error("port {port} on 127.0.0.1 is taken by another program; end that program, or leave the port to jetlag")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// No free port was found.
    #[error("found no free port on 127.0.0.1 in {ATTEMPTS} attempts between {} and {}; end some of the programs that listen there", PORTS.start, PORTS.end)]
    NoPort,
    /// The disk is full.
    #[error("the disk under {} is full ({free_mib} MiB free); free some space there, or choose another output folder", path.display())]
    DiskFull {
        /// Where.
        path: PathBuf,
        /// What is left, MiB.
        free_mib: u64,
    },
    /// A file of the server could not be written or read.
    #[error("cannot write {}: {source}; choose an output folder that can be written", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The server ended instead of getting ready.
    #[error("{name} {exit} before it was ready; {logs}")]
    Ended {
        /// Which node.
        name: String,
        /// How.
        exit: Exit,
        /// Its log, and how that ends.
        logs: String,
    },
    /// The server did not get ready in time.
    #[error("nats-server was not ready within {} s ({why}); {logs}", READY_WITHIN.as_secs())]
    NotReady {
        /// Which node lacks what, as the last questions said.
        why: String,
        /// The logs, and how they end.
        logs: String,
    },
    /// The process could not be signalled or waited for.
    #[error(transparent)]
    Process(#[from] process::Error),
}

pub(super) fn check_space(folder: &Path) -> Result<(), Error> {
    match free_bytes(folder) {
        Some(free) if free < FREE_BYTES_MIN => Err(disk_full(folder)),
        _ => Ok(()),
    }
}

fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk.f_bavail.saturating_mul(disk.f_frsize))
}

pub(super) fn disk_full(folder: &Path) -> Error {
    Error::DiskFull { path: folder.to_owned(), free_mib: free_bytes(folder).unwrap_or(0) >> 20 }
}

pub(super) fn io_error(path: &Path, source: std::io::Error) -> Error {
    match source.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => disk_full(path),
        _ => Error::Io { path: path.to_owned(), source },
    }
}

/// The last lines of a log from byte `start` on, indented.
pub(super) fn tail(log: &Path, start: u64) -> String {
    let read = || -> std::io::Result<Vec<u8>> {
        let mut file = File::open(log)?;
        let from = file.metadata()?.len().saturating_sub(TAIL_BYTES).max(start);
        file.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        file.take(TAIL_BYTES).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].iter().map(|line| format!("  {line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_of_a_log_starts_where_this_server_did() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let lines: String = (0..20).map(|number| format!("line {number}\n")).collect();
        std::fs::write(&log, format!("before\n{lines}")).expect("a file");
        assert_eq!(tail(&log, 0).lines().count(), TAIL_LINES);
        assert!(tail(&log, 0).ends_with("  line 19\n"));
        std::fs::write(&log, "before\nafter\n").expect("a file");
        assert_eq!(tail(&log, 7), "  after\n");
        assert_eq!(tail(&folder.path().join("missing"), 0), "");
    }
}
