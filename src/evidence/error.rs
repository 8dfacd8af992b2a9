//! What can go wrong with evidence, with the path and the next step.

use std::io;
use std::path::PathBuf;

/// What can go wrong with evidence.
///
/// Damage inside a run's evidence is not here: it is collected as sentences in
/// [`History::damage`](crate::model::history::History::damage) and makes the run invalid, not unreadable.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The disk, the quota or the allowed file size is used up.
    #[error("no room for {}: {source}; free space, or send the run to another disk with --out DIR", path.display())]
    Full {
        /// What was to be written.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something cannot be made or written.
    #[error("cannot {deed} {}: {source}", path.display())]
    Io {
        /// What was tried: `write`, `create`, …
        deed: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The next segment did not come in time.
    #[error(
        "the disk did not give {} in {waited_ms} ms; use a faster disk with --out DIR, or a lower rate",
        path.display()
    )]
    Late {
        /// The folder of the journal.
        path: PathBuf,
        /// How long was waited.
        waited_ms: u64,
    },
    /// An earlier error ended this journal.
    #[error("the journal {} had ended before: {reason}", path.display())]
    Ended {
        /// The folder of the journal.
        path: PathBuf,
        /// The error that ended it.
        reason: String,
    },
    /// A run or journal is there already.
    #[error("{} is there already; every run and every incarnation writes to a folder of its own", path.display())]
    Exists {
        /// The folder or file.
        path: PathBuf,
    },
    /// There is no run.
    #[error("{} is no run folder: it has no manifest.json; name a folder that `jetlag run` made", path.display())]
    NoRun {
        /// The folder.
        path: PathBuf,
    },
    /// Not all of the evidence is there any more: it was dropped when it had been verified.
    #[error(
        "{} holds only a part of its evidence: {records} records in {segments} segments were verified and removed while the run went on \
         (run.keep-evidence = \"violations\"), and what is left says nothing of the whole; {remedy}",
        path.display()
    )]
    Dropped {
        /// The folder.
        path: PathBuf,
        /// Records that are gone.
        records: u64,
        /// In so many segments.
        segments: u64,
        /// What to do.
        remedy: &'static str,
    },
    /// The manifest cannot be understood.
    #[error("cannot understand {}: {reason}; without it the journals cannot be judged", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Written by a newer jetlag.
    #[error(
        "{} has format {found}, this jetlag reads up to {known}; analyse it with the jetlag that wrote it, or a newer one",
        path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// The newest format that is known here.
        known: u32,
    },
}

impl Error {
    /// Says what was tried with what, and tells a full disk from other troubles.
    pub(super) fn io(deed: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::Full { path, source }
            }
            _ => Self::Io { deed, path, source },
        }
    }

    /// Whether the cause is a full disk.
    #[must_use]
    pub fn is_full_disk(&self) -> bool {
        matches!(self, Self::Full { .. })
    }
}
