//! Removes segments that were verified, while the run goes on, and writes down what it removed before it does.
//!
//! ```text
//! <run>/dropped.json   which segments are gone, how many records that was, from when to when
//! ```
//!
//! A segment that is in that list is gone, whether its file is still there or not: so a process that is killed between the two leaves a
//! folder that reads the same. What lies around something that went wrong is kept, up to a bound.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::model::dropped::{Dropped, Piece};
use crate::model::time::{MonoNs, SpanNs};

#[cfg(test)]
mod tests;

/// So much before and behind what went wrong is kept, of every journal.
pub const AROUND: SpanNs = SpanNs(5_000_000_000);
/// As many bytes are kept for that at most.
const KEPT_BYTES: u64 = 256 << 20;

/// Removes segments of one run.
#[derive(Debug)]
pub struct Dropper {
    folder: PathBuf,
    dropped: Dropped,
    /// What may go as soon as it is old enough.
    waiting: Vec<Piece>,
    /// From when to when everything is kept.
    holds: Vec<(MonoNs, MonoNs)>,
    kept_bytes: u64,
    kept_bytes_max: u64,
}

impl Dropper {
    /// For the run in the folder `run`.
    #[must_use]
    pub fn new(run: &Path, run_tag: u64) -> Self {
        let (folder, dropped) = (run.to_owned(), Dropped::of(run_tag));
        Self { folder, dropped, waiting: Vec::new(), holds: Vec::new(), kept_bytes: 0, kept_bytes_max: KEPT_BYTES }
    }

    /// Keeps at most `bytes` around what went wrong.
    #[must_use]
    pub fn keeping_at_most(self, bytes: u64) -> Self {
        Self { kept_bytes_max: bytes, ..self }
    }

    /// Takes segments whose records were all read, and in which nothing is open.
    pub fn take(&mut self, pieces: impl IntoIterator<Item = Piece>) {
        self.waiting.extend(pieces);
    }

    /// Keeps what lies around `at`, where something went wrong, as long as there is room for such.
    pub fn keep_around(&mut self, at: MonoNs) {
        let (from, to) = (at - AROUND, at + AROUND);
        // What goes wrong again and again at about the same time is one stretch: there are not more of them than a run has lengths of one.
        match self.holds.iter_mut().rev().find(|held| from <= held.1 && to >= held.0) {
            Some(held) => *held = (held.0.min(from), held.1.max(to)),
            None => self.holds.push((from, to)),
        }
    }

    /// Removes what was taken and ended before `judged`, less [`AROUND`]: up to there everything was verified, and nothing that is found later
    /// is near.
    ///
    /// # Errors
    /// When the list cannot be written; nothing was removed then.
    pub fn drop_before(&mut self, judged: MonoNs) -> Result<(), Error> {
        let before = judged - AROUND;
        let mut due: Vec<Piece> = self.waiting.extract_if(.., |piece| piece.last < before).collect();
        // No stretch is ever forgotten: the last segment of an author who fell silent comes when that author ends, however late.
        due.retain(|piece| !self.is_kept(piece));
        if due.is_empty() {
            return Ok(());
        }
        let before = self.dropped.clone();
        for piece in &due {
            let bytes = std::fs::metadata(self.file(piece)).map_or(0, |found| on_disk(&found));
            self.dropped.note(piece, bytes);
        }
        if let Err(error) = self.write() {
            self.dropped = before;
            self.waiting.append(&mut due);
            return Err(error);
        }
        for piece in &due {
            // One that cannot be removed is out of the evidence all the same.
            let _ = std::fs::remove_file(self.file(piece));
        }
        Ok(())
    }

    /// What was removed so far.
    #[must_use]
    pub fn dropped(&self) -> &Dropped {
        &self.dropped
    }

    /// Whether a piece lies around something that went wrong. One that does takes of the room for that.
    fn is_kept(&mut self, piece: &Piece) -> bool {
        let touches = |(from, to): &(MonoNs, MonoNs)| piece.first <= *to && *from <= piece.last;
        if piece.records == 0 || !self.holds.iter().any(touches) {
            return false;
        }
        let bytes = std::fs::metadata(self.file(piece)).map_or(0, |found| on_disk(&found));
        if self.kept_bytes.saturating_add(bytes) > self.kept_bytes_max {
            self.dropped.not_kept += 1;
            return false;
        }
        self.kept_bytes += bytes;
        self.dropped.kept += 1;
        true
    }

    fn file(&self, piece: &Piece) -> PathBuf {
        super::journal_file(&super::folder::journals_of(&self.folder).join(piece.author.to_string()), piece.index)
    }

    /// Writes the list whole or not at all. It need not outlive the machine: no journal does.
    fn write(&self) -> Result<(), Error> {
        let path = super::folder::dropped_in(&self.folder);
        let write = || -> io::Result<()> {
            let mut file = tempfile::Builder::new().prefix(".jetlag-").tempfile_in(&self.folder)?;
            serde_json::to_writer(&mut file, &self.dropped)?;
            file.write_all(b"\n")?;
            #[cfg(unix)]
            file.as_file().set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o644))?;
            file.persist(&path)?;
            Ok(())
        };
        write().map_err(Error::io("write", &path))
    }
}

/// Bytes that a file takes on the disk.
fn on_disk(found: &std::fs::Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    found.blocks() * 512
}

/// Reads the list of a run; what is wrong with it is told as a sentence.
pub(super) fn read(path: &Path, run_tag: u64) -> Result<Option<Dropped>, String> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("what was dropped cannot be read (dropped.json): {error}")),
    };
    let dropped: Dropped = serde_json::from_slice(&text)
        .map_err(|error| format!("what was dropped cannot be understood (dropped.json): {error}"))?;
    if dropped.run_tag != run_tag {
        return Err(format!(
            "dropped.json belongs to another run (tag {:016x}, this run has {run_tag:016x})",
            dropped.run_tag
        ));
    }
    let ordered = |spans: &Vec<(u32, u32)>| {
        spans.iter().all(|(from, to)| from <= to) && spans.windows(2).all(|two| two[0].1 < two[1].0)
    };
    if !dropped.journals.values().all(ordered) {
        return Err("what was dropped is in no order (dropped.json)".to_owned());
    }
    Ok(Some(dropped))
}
