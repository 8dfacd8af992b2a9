//! One file of a journal: a header of one line, then records, one line each. The protocol of words is here.
//!
//! ```text
//! word 0   magic               word 4   index u32 | capacity u32
//! word 1   format | 64         word 5   0
//! word 2   run tag             word 6   check of words 0…5
//! word 3   role | index | life word 7   0, or the seal: how many records it has, and whether more follow
//! ```
//!
//! All words are little-endian. A record is there when its time word, stored last and with release, is not zero;
//! whoever reads it with acquire sees the rest. So a process that is killed between any two instructions leaves
//! whole records and at most one that does not count. A segment has its blocks before the first record is stored.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use super::codec::{Line, RECORD_BYTES, WORDS};
use super::map::Words;
use crate::model::manifest::FORMAT;
use crate::model::record::{Author, Role};

const MAGIC: u64 = u64::from_le_bytes(*b"jetlag.j");

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) run_tag: u64,
    pub(super) author: Author,
    pub(super) index: u32,
    pub(super) capacity: u32,
}

/// What a segment says when nothing more will be appended to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seal {
    pub(super) records: u32,
    /// Another segment follows; otherwise the journal was closed here.
    pub(super) goes_on: bool,
}

impl Seal {
    /// As a word, never zero.
    fn word(self) -> u64 {
        let said = u64::from(self.records) | u64::from(self.goes_on) << 32;
        said | (mix(&[said]) | 1) << 33
    }

    fn read(word: u64) -> Result<Option<Self>, BadHeader> {
        let seal = Self { records: word as u32, goes_on: word >> 32 & 1 == 1 };
        match word {
            0 => Ok(None),
            _ if seal.word() == word => Ok(Some(seal)),
            _ => Err(BadHeader::Damaged),
        }
    }
}

/// Why a line is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BadHeader {
    /// Not a journal's, or damaged.
    Damaged,
    /// Of a newer format.
    Newer(u32),
}

impl Header {
    /// Length of the whole file, before it is cut to what was used.
    pub(super) fn file_bytes(&self) -> u64 {
        (u64::from(self.capacity) + 1) * RECORD_BYTES as u64
    }

    /// What makes a check fit only where the record was written; one more for each record.
    pub(super) fn salt(&self) -> u64 {
        (self.run_tag ^ self.author_word().rotate_left(20)).wrapping_add(u64::from(self.index) << 32)
    }

    fn author_word(&self) -> u64 {
        let role = match self.author.role {
            Role::Publisher => 0,
            Role::Consumer => 1,
        };
        role | u64::from(self.author.index) << 16 | u64::from(self.author.life) << 32
    }

    /// The header as a line. A newer format may change all but magic, format and check.
    pub(super) fn line(&self, format: u32) -> Line {
        let mut line = [
            MAGIC,
            u64::from(format) | (RECORD_BYTES as u64) << 32,
            self.run_tag,
            self.author_word(),
            u64::from(self.index) | u64::from(self.capacity) << 32,
            0,
            0,
            0,
        ];
        line[6] = mix(&line[..6]);
        line
    }

    /// Reads a header and its seal.
    pub(super) fn read(line: &Line) -> Result<(Self, Option<Seal>), BadHeader> {
        let format = line[1] as u32;
        if line[0] != MAGIC || line[6] != mix(&line[..6]) {
            return Err(BadHeader::Damaged);
        }
        if format > FORMAT {
            return Err(BadHeader::Newer(format));
        }
        let role = match line[3] as u16 {
            0 => Role::Publisher,
            1 => Role::Consumer,
            _ => return Err(BadHeader::Damaged),
        };
        let author = Author { role, index: (line[3] >> 16) as u16, life: (line[3] >> 32) as u16 };
        let header = Self { run_tag: line[2], author, index: line[4] as u32, capacity: (line[4] >> 32) as u32 };
        if header.line(format)[..7] != line[..7] {
            return Err(BadHeader::Damaged);
        }
        Ok((header, Seal::read(line[7])?))
    }
}

/// FNV-1a by words, for headers: thorough enough, and not on a hot path.
fn mix(words: &[u64]) -> u64 {
    words.iter().fold(0xcbf2_9ce4_8422_2325, |hash, word| {
        let hash = (hash ^ word).wrapping_mul(0x0000_0100_0000_01b3);
        hash ^ hash >> 29
    })
}

/// A segment that is being written.
#[derive(Debug)]
pub(super) struct Segment {
    words: Words,
    salt: u64,
    index: u32,
    capacity: u32,
    used: u32,
    /// Records that are published and wait for their completion.
    pub(super) open: u32,
}

impl Segment {
    /// Makes the file at `path` with all its blocks, maps it and touches every page.
    ///
    /// It is complete under another name before it gets its own, so that a reader never meets half a header.
    pub(super) fn create(path: &Path, header: &Header) -> io::Result<Self> {
        let unfinished = path.with_extension("new");
        let made = Self::make(&unfinished, header).and_then(|segment| {
            std::fs::rename(&unfinished, path)?;
            Ok(segment)
        });
        if made.is_err() {
            // The first error is the one to tell; what is left of the file harms nobody.
            let _ = std::fs::remove_file(&unfinished);
        }
        made
    }

    fn make(path: &Path, header: &Header) -> io::Result<Self> {
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        allocate(&mut file, header.file_bytes())?;
        let words = Words::of_file(&file)?;
        words.prefault()?;
        Ok(Self::on(words, header))
    }

    /// A segment on zeroed words.
    fn on(words: Words, header: &Header) -> Self {
        let segment =
            Self { words, salt: header.salt(), index: header.index, capacity: header.capacity, used: 0, open: 0 };
        for (word, value) in segment.words.as_slice().iter().zip(header.line(FORMAT)) {
            word.store(value.to_le(), Ordering::Release);
        }
        segment
    }

    pub(super) fn index(&self) -> u32 {
        self.index
    }

    pub(super) fn used(&self) -> u32 {
        self.used
    }

    #[inline]
    pub(super) fn is_full(&self) -> bool {
        self.used >= self.capacity
    }

    /// The salt of the next record.
    #[inline]
    pub(super) fn next_salt(&self) -> u64 {
        self.salt_of(self.used)
    }

    /// The salt of a record.
    #[inline]
    pub(super) fn salt_of(&self, record: u32) -> u64 {
        self.salt.wrapping_add(u64::from(record))
    }

    #[inline]
    fn line(&self, record: u32) -> Option<&[AtomicU64; WORDS]> {
        let start = (record as usize + 1) * WORDS;
        self.words.as_slice().get(start..)?.first_chunk()
    }

    /// Publishes the next record and says which it is. `line` was made with [`Self::next_salt`]; there must be room.
    #[inline]
    pub(super) fn publish(&mut self, line: &Line) -> u32 {
        let record = self.used;
        store(self.line(record).expect("the writer takes a new segment when this one is full"), line);
        self.used = record + 1;
        record
    }

    /// Stores the words of a record that come later, the last one last.
    #[inline]
    pub(super) fn complete(&mut self, record: u32, seventh: Option<u64>, eighth: u64) {
        self.open = self.open.saturating_sub(1);
        let Some(words) = self.line(record) else { return };
        if let Some(value) = seventh {
            words[6].store(value.to_le(), Ordering::Relaxed);
        }
        words[7].store(eighth.to_le(), Ordering::Release);
    }

    /// Says for good how many records there are.
    pub(super) fn seal(&self, goes_on: bool) {
        let seal = Seal { records: self.used, goes_on };
        self.words.as_slice()[7].store(seal.word().to_le(), Ordering::Release);
    }
}

/// The protocol: the time word last, and with release.
#[inline]
fn store(words: &[AtomicU64; WORDS], line: &Line) {
    for (word, value) in words.iter().zip(line).skip(1) {
        word.store(value.to_le(), Ordering::Relaxed);
    }
    words[0].store(line[0].to_le(), Ordering::Release);
}

/// Gives `file` real blocks for `bytes`, all zero: a store into a mapped hole on a full disk would be a SIGBUS.
fn allocate(file: &mut File, bytes: u64) -> io::Result<()> {
    let is_reserved = reserve(file, bytes)?;
    // What is written lies in large pieces of memory, where the kernel has them; what a store brings in lies in pages, and a page
    // at a time costs three times as much.
    let zeros = [0; 64 * 1024];
    let mut left = bytes;
    while left > 0 {
        let part = left.min(zeros.len() as u64);
        file.write_all(&zeros[..part as usize])?;
        left -= part;
    }
    // Where the filesystem cannot reserve, written zeros have their blocks too, or fail as they should.
    if is_reserved { Ok(()) } else { file.sync_data() }
}

/// Whether the filesystem could reserve the blocks.
fn reserve(file: &File, bytes: u64) -> io::Result<bool> {
    #[cfg(any(target_os = "linux", target_os = "macos", target_os = "freebsd"))]
    match rustix::fs::fallocate(file, rustix::fs::FallocateFlags::empty(), 0, bytes) {
        Ok(()) => return file.set_len(bytes).map(|()| true),
        Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS | rustix::io::Errno::INVAL) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::super::codec;
    use super::*;
    use crate::model::record::{Finish, Handling, Record};
    use crate::model::time::MonoNs;

    const HEADER: Header =
        Header { run_tag: 0xfeed, author: Author { role: Role::Consumer, index: 3, life: 2 }, index: 7, capacity: 50 };

    fn handling(seq: u32) -> Handling {
        Handling {
            key: 1,
            key_seq: seq,
            partition: 2,
            publisher: 3,
            epoch: 4,
            stream_seq: u64::from(seq),
            consumer_seq: seq,
            delivered: 1,
            intact: true,
            intended: MonoNs(100),
            received: MonoNs(110),
            started: MonoNs(120),
            finished: None,
        }
    }

    /// What a reader does: the time word first, and with acquire.
    fn loaded(words: &[AtomicU64]) -> Option<Line> {
        let time = u64::from_le(words[0].load(Ordering::Acquire));
        let mut line: Line = std::array::from_fn(|index| u64::from_le(words[index].load(Ordering::Relaxed)));
        line[0] = time;
        (time != 0).then_some(line)
    }

    #[test]
    fn a_header_reads_as_written() {
        assert_eq!(Header::read(&HEADER.line(FORMAT)), Ok((HEADER, None)));
        for goes_on in [false, true] {
            let seal = Seal { records: 12, goes_on };
            let mut sealed = HEADER.line(FORMAT);
            sealed[7] = seal.word();
            assert_eq!(Header::read(&sealed), Ok((HEADER, Some(seal))));
        }
    }

    #[test]
    fn a_changed_header_is_noticed_and_a_newer_one_told() {
        for bit in 0..512 {
            let mut line = HEADER.line(FORMAT);
            line[7] = Seal { records: 12, goes_on: true }.word();
            line[bit / 64] ^= 1 << (bit % 64);
            assert!(Header::read(&line).is_err(), "bit {bit}");
        }
        assert_eq!(Header::read(&HEADER.line(FORMAT + 1)), Err(BadHeader::Newer(FORMAT + 1)));
        assert_eq!(Header::read(&[0; 8]), Err(BadHeader::Damaged));
    }

    #[test]
    fn records_and_completions_read_as_written() {
        let mut segment = Segment::on(Words::on_heap((HEADER.capacity as usize + 1) * WORDS), &HEADER);
        for seq in 1..=HEADER.capacity {
            assert!(!segment.is_full());
            let salt = segment.next_salt();
            let record = segment.publish(&codec::handling(&handling(seq), salt));
            let decoded = |segment: &Segment| codec::decode(&loaded(segment.line(record)?)?, salt).ok();
            assert_eq!(decoded(&segment), Some(Record::Handling(handling(seq))));
            let end = Finish { at: MonoNs(130), ok: seq % 2 == 0 };
            segment.complete(record, None, codec::finish(MonoNs(120), end, salt));
            let finished = Handling { finished: Some(end), ..handling(seq) };
            assert_eq!(decoded(&segment), Some(Record::Handling(finished)));
        }
        assert!(segment.is_full());
        assert!(segment.line(HEADER.capacity).is_none());
    }

    #[test]
    fn another_thread_sees_whole_records_or_none() {
        let records = 20;
        let words = Words::on_heap(records * WORDS);
        let lines = || words.as_slice().as_chunks::<WORDS>().0.iter().zip(1..);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for (line, seq) in lines() {
                    store(line, &codec::handling(&handling(seq), 0));
                }
            });
            for (line, seq) in lines() {
                let found = loop {
                    match loaded(line) {
                        Some(found) => break found,
                        None => std::thread::yield_now(),
                    }
                };
                assert_eq!(codec::decode(&found, 0), Ok(Record::Handling(handling(seq))));
            }
        });
    }
}
