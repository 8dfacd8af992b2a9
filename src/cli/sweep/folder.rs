//! The folder of a sweep: what was planned, what is there already, and what is made again.
//!
//! ```text
//! <sweep>/sweep-plan.json          what is to be measured; whoever works here holds a lock on it
//!         sweep.json, sweep.html   what was measured so far
//!         03-lease-group-16/2/     the second run of the third cell
//! ```

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::exit;
use crate::cli::make::folder_name;
use crate::evidence;
use crate::model::report::{Report, RunState};
use crate::profile::sweep::kept::{self, Kept};
use crate::profile::sweep::{Grid, Turn};
use crate::render;

/// The file with the plan.
const PLAN: &str = "sweep-plan.json";
/// So often is it tried to remove a folder in which processes of a dead run may still write.
const TRIES: u32 = 20;

/// Why nothing can be made there.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("cannot make the folder {}: {source}", path.display())]
    Make { path: PathBuf, source: std::io::Error },
    #[error("cannot read {}: {source}; name a folder that `jetlag sweep` made", path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{}: {source}", path.display())]
    Parse { path: PathBuf, source: render::Error },
    #[error(
        "{}: {why}; `jetlag analyze {}` makes the report again from its evidence, or remove that folder, and the run is made again",
        path.display(),
        run.display()
    )]
    Report { path: PathBuf, run: PathBuf, why: String },
    #[error("another jetlag works in {}; wait until it has ended, or stop it", path.display())]
    Busy { path: PathBuf },
    #[error(
        "{} holds another sweep than this one: {}. Say what was said then, or leave out --resume to begin anew",
        path.display(),
        changes.join("; ")
    )]
    Changed { path: PathBuf, changes: Vec<String> },
    #[error("cannot remove {}: {source}", path.display())]
    Remove { path: PathBuf, source: std::io::Error },
    #[error(transparent)]
    Write(#[from] evidence::Error),
}

impl Error {
    /// The exit code for it.
    pub(super) fn code(&self) -> u8 {
        match self {
            Self::Changed { .. } | Self::Parse { .. } => exit::ARGUMENTS,
            _ => exit::ENVIRONMENT,
        }
    }
}

/// The folder. While it is held, no other jetlag works in it.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    _lock: File,
}

/// What is there of a run.
pub(super) enum There {
    /// Nothing.
    Nothing,
    /// A judged run.
    Run(Box<Report>),
    /// Something that a dead driver left.
    Pieces,
}

impl Place {
    /// Makes a new folder in `out`.
    pub(super) fn make(out: &Path, grid: &Grid) -> Result<Self, Error> {
        let path = out.join(folder_name(&grid.name));
        std::fs::create_dir_all(&path).map_err(|source| Error::Make { path: path.clone(), source })?;
        let lock = lock(&path)?;
        let place = Self { path, _lock: lock };
        place.keep(grid)?;
        Ok(place)
    }

    /// Opens the folder of the same sweep.
    pub(super) fn open(path: &Path, grid: &Grid) -> Result<Self, Error> {
        let file = path.join(PLAN);
        let text = std::fs::read_to_string(&file).map_err(|source| Error::Read { path: file.clone(), source })?;
        let then: Kept =
            render::json::parse_as(&text, kept::SCHEMA).map_err(|source| Error::Parse { path: file, source })?;
        let lock = lock(path)?;
        let changes = then.changes(&Kept::of(grid));
        if !changes.is_empty() {
            return Err(Error::Changed { path: path.to_owned(), changes });
        }
        let place = Self { path: path.to_owned(), _lock: lock };
        place.keep(grid)?;
        Ok(place)
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The folder of a run, seen from here.
    pub(super) fn of(grid: &Grid, turn: Turn) -> String {
        let cell = grid.cells.get(turn.cell).map_or_else(String::new, |cell| cell.folder(turn.cell));
        format!("{cell}/{}", turn.repeat)
    }

    /// What is there of a run. A report that cannot be read is no piece of a dead run: a newer jetlag may have written it, or
    /// somebody changed it, and nobody said that its evidence may go.
    pub(super) fn look(&self, grid: &Grid, turn: Turn) -> Result<There, Error> {
        let run = self.path.join(Self::of(grid, turn));
        let path = run.join(render::json::FORMAT.file);
        let failed = |why: String| Error::Report { path: path.clone(), run: run.clone(), why };
        match std::fs::read_to_string(&path) {
            Ok(text) => {
                let report = render::parse(&text).map_err(|error| failed(error.to_string()))?;
                Ok(There::Run(Box::new(report)))
            }
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(error.to_string())),
            Err(_) if run.exists() => Ok(There::Pieces),
            Err(_) => Ok(There::Nothing),
        }
    }

    /// Removes what is there of a run, so that it can be made again.
    pub(super) fn remove(&self, grid: &Grid, turn: Turn) -> Result<(), Error> {
        let path = self.path.join(Self::of(grid, turn));
        let mut tries = 0;
        loop {
            match std::fs::remove_dir_all(&path) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
                // What a killed driver started is ended by its reaper, which takes a moment.
                Err(_) if tries < TRIES => std::thread::sleep(Duration::from_millis(100)),
                Err(source) => return Err(Error::Remove { path, source }),
            }
            tries += 1;
        }
    }

    fn keep(&self, grid: &Grid) -> Result<(), Error> {
        let mut text = serde_json::to_string_pretty(&Kept::of(grid)).unwrap_or_default();
        text.push('\n');
        Ok(evidence::write_atomic(&self.path.join(PLAN), text.as_bytes())?)
    }
}

/// Whether a run that is there is to be made again, and why.
pub(super) fn again(there: &There, invalid_too: bool) -> Option<&'static str> {
    match there {
        There::Pieces => Some("it never ended"),
        There::Run(report) => match report.state {
            RunState::Interrupted => Some("it was interrupted"),
            RunState::Invalid if invalid_too => Some("it was invalid"),
            _ => None,
        },
        There::Nothing => None,
    }
}

/// A lock that the system takes away from whoever dies. It is on a file of its own, since the plan is replaced.
fn lock(path: &Path) -> Result<File, Error> {
    let file = File::create(path.join(".lock")).map_err(|source| Error::Make { path: path.to_owned(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(Error::Busy { path: path.to_owned() }),
        Err(std::fs::TryLockError::Error(source)) => Err(Error::Make { path: path.to_owned(), source }),
    }
}
