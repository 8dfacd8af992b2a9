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

/// Records read at once.
const CHUNK: usize = 512;

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
    open: Vec<(Rc<Source>, u32)>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Source {
    file: File,
    header: Header,
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
        self.read_on(&mut give).map_err(Error::io("read", &self.folder))
    }

    /// Gives what was completed since the last time and then what never was: the author has ended.
    ///
    /// # Errors
    ///
    /// As [`Self::poll`].
    pub fn end(mut self, mut give: impl FnMut(Record)) -> Result<(), Error> {
        self.poll(&mut give)?;
        for (source, record) in &self.open {
            if let Ok(Some(record)) = source.record(*record) {
                give(record);
            }
        }
        Ok(())
    }

    fn read_on(&mut self, give: &mut impl FnMut(Record)) -> io::Result<()> {
        let mut failed = None;
        self.open.retain(|(source, record)| match source.record(*record) {
            Ok(Some(record)) if is_complete(&record) => {
                give(record);
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
                    Some(record) if is_complete(&record) => give(record),
                    Some(_) => self.open.push((Rc::clone(&source), self.record)),
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
