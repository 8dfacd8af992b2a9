//! Reads a journal while it is being written, so that a run can be judged before it is over.
//!
//! It judges no damage: what cannot be read is left out here and told by `reader` at the end.

mod pieces;

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::rc::Rc;

use self::pieces::Pieces;
use super::codec::{self, Line, RECORD_BYTES};
use super::error::Error;
use super::segment::Header;
use crate::model::dropped::Piece;
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
    /// What is known of whole segments, where somebody wants to know.
    pieces: Option<Pieces>,
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
    /// When it was begun.
    begun: MonoNs,
    /// It is a handling that goes on.
    is_handling: bool,
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
            pieces: None,
            buffer: vec![0; CHUNK * RECORD_BYTES],
        }
    }

    /// Counts what is in each segment, so that [`Self::take_pieces`] can tell of those that were read.
    #[must_use]
    pub fn counting(self) -> Self {
        Self { pieces: Some(Pieces::default()), ..self }
    }

    /// The segments that were read to their end since the last time, and in which nothing is open. Only of one that counts.
    pub fn take_pieces(&mut self) -> Vec<Piece> {
        self.pieces.as_mut().map_or_else(Vec::new, |pieces| pieces.take(self.author))
    }

    /// Waits no more for what becomes of records that were begun before `instant` and are no handlings: their author gave them up long ago.
    pub fn give_up(&mut self, instant: MonoNs) {
        let Self { open, pieces, .. } = self;
        for given_up in open.extract_if(.., |open| !open.is_handling && open.begun < instant) {
            pieces.iter_mut().for_each(|pieces| pieces.close(given_up.source.header.index, given_up.begun));
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
        self.open.iter().filter_map(|open| open.is_handling.then_some(open.begun)).min()
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

    /// Gives what is new and then the handlings that never ended: the author has ended. Answers with all segments that were not taken, where it counts.
    ///
    /// # Errors
    ///
    /// As [`Self::poll`].
    pub fn end_open(mut self, mut give: impl FnMut(u64, Record, Given)) -> Result<Vec<Piece>, Error> {
        self.poll_open(&mut give)?;
        for open in self.open.iter().filter(|open| open.is_handling) {
            if let Ok(Some(record)) = open.source.record(open.record) {
                give(open.number(), record, Given::New);
            }
        }
        let unused = self.unused().map_err(Error::io("read", &self.folder))?;
        let Self { pieces, author, .. } = self;
        Ok(pieces.map_or_else(Vec::new, |pieces| pieces.end(author, unused)))
    }

    /// The segment that lies ready behind the last one, and that nobody began: a killed author leaves it.
    fn unused(&self) -> io::Result<Option<u32>> {
        let file = match File::open(super::journal_file(&self.folder, self.segment)) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut first = [0; RECORD_BYTES];
        file.read_exact_at(&mut first, offset(0))?;
        Ok((codec::line(&first)[0] == 0).then_some(self.segment))
    }

    fn read_on(&mut self, give: &mut impl FnMut(u64, Record, Given)) -> io::Result<()> {
        let mut failed = None;
        let Self { open, pieces, .. } = self;
        open.retain(|open| match open.source.record(open.record) {
            Ok(Some(record)) if is_complete(&record) => {
                let given = if open.is_handling { Given::New } else { Given::Again };
                pieces.iter_mut().for_each(|pieces| pieces.close(open.source.header.index, record.latest()));
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
                let decoded = source.decode(&line, self.record);
                if let (Some(pieces), Some(record)) = (&mut self.pieces, &decoded) {
                    pieces.count(source.header.index, record, !is_complete(record));
                }
                match decoded {
                    Some(record) if is_complete(&record) => give(number(&source, self.record), record, Given::New),
                    Some(record) => {
                        let open = Open {
                            source: Rc::clone(&source),
                            record: self.record,
                            begun: record.begun(),
                            is_handling: matches!(record, Record::Handling(_)),
                        };
                        if !open.is_handling {
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
        if let (Some(pieces), Some(before)) = (&mut self.pieces, &self.current) {
            pieces.end_of(before.header.index);
        }
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
