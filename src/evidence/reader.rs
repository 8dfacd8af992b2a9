//! Reads one journal back, and says what is wrong with it. No bytes make it panic.
//!
//! It reads files, not mappings: evidence may lie on any disk and may be cut by anybody while it is read. A journal
//! that a killed process left is not damaged; its last segments are just not sealed.

use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use super::codec::{self, Flaw, RECORD_BYTES};
use super::error::Error;
use super::segment::{BadHeader, Header};
use crate::model::dropped::Dropped;
use crate::model::history::Journal;
use crate::model::manifest::FORMAT;
use crate::model::record::{Author, Record};

/// A journal as it was found.
#[derive(Clone, Debug)]
pub struct Read {
    /// What could be read.
    pub journal: Journal,
    /// What was wrong with it, a sentence each.
    pub damage: Vec<String>,
}

/// Reads the journal of `author` from its `folder`.
///
/// # Errors
///
/// When the folder cannot be listed or a newer jetlag wrote it. All else is damage, and told as such.
pub fn read_journal(folder: &Path, author: Author, run_tag: u64) -> Result<Read, Error> {
    read_what_is_left(folder, author, run_tag, &[])
}

/// The same of a journal of which the segments in `gone` were dropped: they are left out, also where their files are still there.
pub(super) fn read_what_is_left(
    folder: &Path,
    author: Author,
    run_tag: u64,
    gone: &[(u32, u32)],
) -> Result<Read, Error> {
    let mut read = Read { journal: Journal::new(author), damage: Vec::new() };
    let mut past = Past::default();
    // One buffer for all segments: fresh memory for each costs more than reading it.
    let mut bytes = Vec::new();
    let is_left = |(index, _): &(u32, PathBuf)| !Dropped::is_in(gone, *index);
    for (index, path) in segment_files(folder)?.into_iter().filter(is_left) {
        bytes.clear();
        if let Err(error) = File::open(&path).and_then(|mut file| file.read_to_end(&mut bytes)) {
            read.damage.push(format!("{author}/{index:06}.seg cannot be read: {error}"));
            continue;
        }
        if Dropped::are_in(gone, past.next, index) {
            past.next = index;
        }
        read.segment(&bytes, index, run_tag, &mut past).map_err(|found| Error::Newer { path, found, known: FORMAT })?;
    }
    if let (true, false, Some(last)) = (past.goes_on, Dropped::is_in(gone, past.next), past.next.checked_sub(1)) {
        read.damage.push(format!("{author}: segment {last:06} says that it goes on, and what follows is missing"));
    }
    Ok(read)
}

/// The segments of a journal in their order.
fn segment_files(folder: &Path) -> Result<Vec<(u32, PathBuf)>, Error> {
    let list = || -> std::io::Result<Vec<(u32, PathBuf)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            let is_segment = path.extension().is_some_and(|extension| extension == "seg");
            let index = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
            if let (true, Some(index)) = (is_segment, index) {
                files.push((index, path));
            }
        }
        files.sort_unstable();
        Ok(files)
    };
    list().map_err(Error::io("list", folder))
}

/// What the segments before said about the one that comes.
#[derive(Default)]
struct Past {
    /// The index that should come.
    next: u32,
    /// The segment before says that another follows.
    goes_on: bool,
    /// The first segment that was not full, or closed: nothing may follow it.
    end: Option<u32>,
}

impl Read {
    /// Reads one segment. The error is the newer format that it has.
    fn segment(&mut self, bytes: &[u8], index: u32, run_tag: u64, past: &mut Past) -> Result<(), u32> {
        let author = self.journal.author;
        let name = format!("{author}/{index:06}.seg");
        if index > past.next {
            self.damage.push(format!("{author}: segment {:06} is missing before {index:06}", past.next));
        }
        past.next = index.saturating_add(1);
        past.goes_on = false;
        let lines = bytes.as_chunks::<RECORD_BYTES>().0;
        let (header, seal) =
            match lines.first().map_or(Err(BadHeader::Damaged), |line| Header::read(&codec::line(line))) {
                Ok(found) => found,
                Err(BadHeader::Newer(format)) => return Err(format),
                Err(BadHeader::Damaged) => {
                    self.damage
                        .push(format!("{name} has no readable header ({} bytes): its records are lost", bytes.len()));
                    return Ok(());
                }
            };
        if header.run_tag != run_tag {
            self.damage.push(format!(
                "{name} belongs to another run (tag {:016x}, this run has {run_tag:016x}): left out",
                header.run_tag
            ));
            return Ok(());
        }
        if (header.author, header.index) != (author, index) {
            self.damage.push(format!("{name} says that it is {}/{:06}.seg: left out", header.author, header.index));
            return Ok(());
        }
        let sealed = seal.map(|seal| seal.records);
        let expected = (u64::from(sealed.unwrap_or(header.capacity)) + 1) * RECORD_BYTES as u64;
        if (bytes.len() as u64) < expected {
            self.damage.push(format!("{name} is cut off: {} of {expected} bytes are there", bytes.len()));
        } else if bytes.len() as u64 > header.file_bytes() {
            self.damage.push(format!("{name} is too long: {} bytes, {} expected", bytes.len(), header.file_bytes()));
        }
        let capacity = header.capacity as usize;
        let count = self.records(&lines[1..lines.len().min(capacity.saturating_add(1))], &header, &name);
        if let (Some(end), true) = (past.end, count > 0) {
            self.damage.push(format!("{name} has records though the journal ended in segment {end:06}"));
        }
        if let Some(sealed) = sealed.filter(|sealed| *sealed as usize != count) {
            self.damage.push(format!("{name} was closed with {sealed} records and has {count}"));
        }
        past.goes_on = seal.is_some_and(|seal| seal.goes_on);
        if count < capacity || seal.is_some_and(|seal| !seal.goes_on) {
            past.end.get_or_insert(index);
        }
        Ok(())
    }

    /// Reads records up to the first that is not there; says how many there were.
    fn records(&mut self, lines: &[[u8; RECORD_BYTES]], header: &Header, name: &str) -> usize {
        let mut flaws: Vec<(usize, Flaw)> = Vec::new();
        let count = lines.iter().position(|line| codec::line(line)[0] == 0).unwrap_or(lines.len());
        for (index, line) in lines[..count].iter().enumerate() {
            match codec::decode(&codec::line(line), header.salt().wrapping_add(index as u64)) {
                Ok(record) => self.take(record),
                Err(flaw) => flaws.push((index, flaw)),
            }
        }
        if let [(index, flaw), more @ ..] = flaws.as_slice() {
            let more = if more.is_empty() { String::new() } else { format!(" (and {} more such records)", more.len()) };
            self.damage.push(format!("{name}, record {index}: {flaw}{more}"));
        }
        // The record at `count` may have been cut off before its time word: that is how a killed process ends.
        let behind = lines.iter().skip(count + 1).filter(|line| line.iter().any(|byte| *byte != 0)).count();
        if behind > 0 {
            self.damage.push(format!("{name}: record {count} is not there, but {behind} behind it are"));
        }
        count
    }

    fn take(&mut self, record: Record) {
        let journal = &mut self.journal;
        match record {
            Record::Publish(it) => journal.publishes.push(it),
            Record::Handling(it) => journal.handlings.push(it),
            Record::Commit(it) => journal.commits.push(it),
            Record::Ownership(it) => journal.ownership.push(it),
            Record::Life(it) => journal.life.push(it),
            Record::Posting(it) => journal.postings.push(it),
            Record::Term(it) => journal.terms.push(it),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::Role;

    #[test]
    fn a_newer_segment_is_refused_with_both_versions() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let author = Author { role: Role::Publisher, index: 0, life: 1 };
        let header = Header { run_tag: 1, author, index: 0, capacity: 1 };
        let bytes: Vec<u8> = header.line(FORMAT + 6).iter().flat_map(|word| word.to_le_bytes()).collect();
        std::fs::write(folder.path().join("000000.seg"), bytes).expect("a segment");
        let error = read_journal(folder.path(), author, 1).expect_err("refused");
        assert!(matches!(error, Error::Newer { found: 7, known: FORMAT, .. }), "{error}");
        assert!(error.to_string().contains("or a newer one"), "{error}");
    }
}
