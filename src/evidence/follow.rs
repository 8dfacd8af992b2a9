//! Reads a journal while it is being written, so that a run can be judged before it is over.
//!
//! It judges no damage: what cannot be read is left out here and told by `reader` at the end.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::rc::Rc;

use super::codec::{self, Line, RECORD_BYTES};
use super::error::Error;
use super::segment::Header;
use crate::model::record::{Author, Fate, Record};
use crate::model::time::MonoNs;

/// Records read at once.
const CHUNK: usize = 512;

/// How a record is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    /// For the first time, and it is complete or never will be.
    New,
    /// For the first time, and what becomes of it is not known yet. It will be given again.
    Open,
    /// It was given open, and now it is complete.
    Again,
}

/// Follows one journal. Each record is given once: when it is complete, or at the end.
#[derive(Debug)]
pub struct Follower {
    folder: PathBuf,
    author: Author,
    run_tag: u64,
    current: Option<Rc<Source>>,
    /// Index of the segment to be opened next.
    segment: u32,
    /// The next record of the current segment.
    record: u32,
    /// That record did not decode the last time: perhaps it was read while it was written.
    doubted: bool,
    /// Records that wait for their completion, in the order written.
    open: Vec<Open>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Source {
    file: File,
    header: Header,
}

/// A record that waits for its completion.
#[derive(Debug)]
struct Open {
    source: Rc<Source>,
    record: u32,
    /// When a handling began that goes on.
    handling: Option<MonoNs>,
}

impl Open {
    fn number(&self) -> u64 {
        number(&self.source, self.record)
    }
}

impl Follower {
    /// Follows the journal that `author` writes, or will write, below `journals`.
    #[must_use]
    pub fn new(journals: &std::path::Path, author: Author, run_tag: u64) -> Self {
        Self {
            folder: journals.join(author.to_string()),
            author,
            run_tag,
            current: None,
            segment: 0,
            record: 0,
            doubted: false,
            open: Vec::new(),
            buffer: vec![0; CHUNK * RECORD_BYTES],
        }
    }

    /// Gives what was completed since the last time.
    ///
    /// # Errors
    ///
    /// When a file that is there cannot be read.
    pub fn poll(&mut self, mut give: impl FnMut(Record)) -> Result<(), Error> {
        self.poll_open(|_, record, given| {
            if given != Given::Open {
                give(record);
            }
        })
    }

    /// Gives what is new, each record with its number in the journal: a publish at once, a handling when it has ended.
    ///
    /// # Errors
    ///
    /// As [`Self::poll`].
    pub fn poll_open(&mut self, mut give: impl FnMut(u64, Record, Given)) -> Result<(), Error> {
        self.read_on(&mut give).map_err(Error::io("read", &self.folder))
    }

    /// The start of the oldest handling that was read and has not ended.
    #[must_use]
    pub fn oldest_handling(&self) -> Option<MonoNs> {
        self.open.iter().filter_map(|open| open.handling).min()
    }

    /// Whether reading stopped at a record that may have been read while it was written: what follows has not been read.
    #[must_use]
    pub fn doubts(&self) -> bool {
        self.doubted
    }

    /// Gives what was completed since the last time and then what never was: the author has ended.
    ///
    /// # Errors
    ///
    /// As [`Self::poll`].
    pub fn end(mut self, mut give: impl FnMut(Record)) -> Result<(), Error> {
        self.poll(&mut give)?;
        for open in &self.open {
            if let Ok(Some(record)) = open.source.record(open.record) {
                give(record);
            }
        }
        Ok(())
    }

    /// Gives what is new and then the handlings that never ended: the author has ended.
    ///
    /// # Errors
    ///
    /// As [`Self::poll`].
    pub fn end_open(mut self, mut give: impl FnMut(u64, Record, Given)) -> Result<(), Error> {
        self.poll_open(&mut give)?;
        for open in self.open.iter().filter(|open| open.handling.is_some()) {
            if let Ok(Some(record)) = open.source.record(open.record) {
                give(open.number(), record, Given::New);
            }
        }
        Ok(())
    }

    fn read_on(&mut self, give: &mut impl FnMut(u64, Record, Given)) -> io::Result<()> {
        let mut failed = None;
        self.open.retain(|open| match open.source.record(open.record) {
            Ok(Some(record)) if is_complete(&record) => {
                let given = if open.handling.is_some() { Given::New } else { Given::Again };
                give(open.number(), record, given);
                false
            }
            Ok(_) => true,
            Err(error) => {
                failed = Some(error);
                true
            }
        });
        if let Some(error) = failed {
            return Err(error);
        }
        while let Some(source) = self.source()? {
            let left = (source.header.capacity - self.record) as usize;
            let wanted = left.min(CHUNK) * RECORD_BYTES;
            let count = source.file.read_at(&mut self.buffer[..wanted], offset(self.record))?;
            let before = self.record;
            for bytes in self.buffer[..count].as_chunks::<RECORD_BYTES>().0 {
                let line = codec::line(bytes);
                if line[0] == 0 {
                    break;
                }
                match source.decode(&line, self.record) {
                    Some(record) if is_complete(&record) => give(number(&source, self.record), record, Given::New),
                    Some(record) => {
                        let open = Open {
                            source: Rc::clone(&source),
                            record: self.record,
                            handling: match record {
                                Record::Handling(handling) => Some(handling.started),
                                _ => None,
                            },
                        };
                        if open.handling.is_none() {
                            give(open.number(), record, Given::Open);
                        }
                        self.open.push(open);
                    }
                    None if self.doubted => {}
                    None => {
                        self.doubted = true;
                        return Ok(());
                    }
                }
                self.doubted = false;
                self.record += 1;
            }
            if self.record == before {
                return Ok(());
            }
        }
        Ok(())
    }

    /// The segment to read from; none when the next one is not there yet, or is not this journal's.
    fn source(&mut self) -> io::Result<Option<Rc<Source>>> {
        if let Some(source) = &self.current
            && self.record < source.header.capacity
        {
            return Ok(Some(Rc::clone(source)));
        }
        let file = match File::open(super::journal_file(&self.folder, self.segment)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut bytes = [0; RECORD_BYTES];
        file.read_exact_at(&mut bytes, 0)?;
        let Ok((header, _)) = Header::read(&codec::line(&bytes)) else { return Ok(None) };
        if (header.run_tag, header.author, header.index) != (self.run_tag, self.author, self.segment) {
            return Ok(None);
        }
        let source = Rc::new(Source { file, header });
        (self.current, self.segment, self.record) = (Some(Rc::clone(&source)), self.segment + 1, 0);
        Ok(Some(source))
    }
}

impl Source {
    /// Reads one record again.
    fn record(&self, record: u32) -> io::Result<Option<Record>> {
        let mut bytes = [0; RECORD_BYTES];
        self.file.read_exact_at(&mut bytes, offset(record))?;
        Ok(self.decode(&codec::line(&bytes), record))
    }

    fn decode(&self, line: &Line, record: u32) -> Option<Record> {
        codec::decode(line, self.header.salt().wrapping_add(u64::from(record))).ok()
    }
}

/// The number of a record in its journal.
fn number(source: &Source, record: u32) -> u64 {
    u64::from(source.header.index) << 32 | u64::from(record)
}

fn offset(record: u32) -> u64 {
    (u64::from(record) + 1) * RECORD_BYTES as u64
}

fn is_complete(record: &Record) -> bool {
    match record {
        Record::Publish(publish) => publish.fate != Fate::Unknown,
        Record::Handling(handling) => handling.finished.is_some(),
        // Nobody who follows a journal waits for the fate of a posting.
        Record::Commit(_) | Record::Ownership(_) | Record::Life(_) | Record::Posting(_) | Record::Term(_) => true,
    }
}
