//! What was read back of the stream: one file in the run folder, written block by block, each with a checksum.
//!
//! ```text
//! header   magic "jlgstore" [u8; 8], format u32, 0 u32, run tag u64, crc32 of these u32, 0 u32
//! block    messages u32, crc32 u32, then for each message  stream sequence u64, key u32, sequence in the key u32
//! ```
//!
//! All numbers are little-endian. The checksum of a block is salted with the run and the number of the block. A block that was cut
//! off is how a killed driver ends; how far the stream was read, and whether to its end, is in the driver's story.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::model::manifest::FORMAT;
use crate::model::stored::StoredMessage;

const MAGIC: &[u8; 8] = b"jlgstore";
const HEADER_BYTES: usize = 32;
const BLOCK_HEADER_BYTES: usize = 8;
const MESSAGE_BYTES: usize = 16;
/// Most messages of a block: a killed driver loses no more than these.
const BLOCK_MESSAGES: usize = 4096;

/// Writes what is read back of a stream.
#[derive(Debug)]
pub struct StoredWriter {
    file: BufWriter<File>,
    path: PathBuf,
    run_tag: u64,
    block: Vec<u8>,
    blocks: u64,
}

impl StoredWriter {
    /// Begins the file at `path`.
    pub(super) fn create(path: PathBuf, run_tag: u64) -> Result<Self, Error> {
        let file = File::create_new(&path).map_err(Error::io("create", &path))?;
        let mut header = Vec::with_capacity(HEADER_BYTES);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&FORMAT.to_le_bytes());
        header.extend_from_slice(&[0; 4]);
        header.extend_from_slice(&run_tag.to_le_bytes());
        header.extend_from_slice(&crc32fast::hash(&header).to_le_bytes());
        header.resize(HEADER_BYTES, 0);
        let mut file = BufWriter::new(file);
        file.write_all(&header).map_err(Error::io("write", &path))?;
        Ok(Self { file, path, run_tag, block: Vec::new(), blocks: 0 })
    }

    /// Takes the next message of the stream.
    ///
    /// # Errors
    ///
    /// When it cannot be written, for example because the disk is full.
    pub fn append(&mut self, message: StoredMessage) -> Result<(), Error> {
        self.block.extend_from_slice(&message.stream_seq.to_le_bytes());
        self.block.extend_from_slice(&message.key.to_le_bytes());
        self.block.extend_from_slice(&message.key_seq.to_le_bytes());
        if self.block.len() >= BLOCK_MESSAGES * MESSAGE_BYTES { self.write_block() } else { Ok(()) }
    }

    fn write_block(&mut self) -> Result<(), Error> {
        let messages = (self.block.len() / MESSAGE_BYTES) as u32;
        let mut write = || -> io::Result<()> {
            self.file.write_all(&messages.to_le_bytes())?;
            self.file.write_all(&check(self.run_tag, self.blocks, &self.block).to_le_bytes())?;
            self.file.write_all(&self.block)?;
            self.file.flush()
        };
        write().map_err(Error::io("write", &self.path))?;
        self.block.clear();
        self.blocks += 1;
        Ok(())
    }

    /// Writes what is left. From here on nothing is lost with the driver.
    ///
    /// # Errors
    ///
    /// As [`StoredWriter::append`].
    pub fn finish(mut self) -> Result<(), Error> {
        if !self.block.is_empty() {
            self.write_block()?;
        }
        self.file.flush().map_err(Error::io("write", &self.path))
    }
}

/// What was found of a file.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Found {
    /// The messages that could be read.
    pub(super) messages: Vec<StoredMessage>,
    /// What was wrong, a sentence each.
    pub(super) damage: Vec<String>,
    /// The last block has no end: the driver was killed, or the file was cut.
    pub(super) cut_off: bool,
}

/// Reads the file at `path`; none when it is not there: most runs of older versions have none.
///
/// # Errors
///
/// Only when a newer jetlag wrote it.
pub(super) fn read(path: &Path, run_tag: u64) -> Result<Option<Found>, Error> {
    let mut bytes = Vec::new();
    match File::open(path).and_then(|mut file| file.read_to_end(&mut bytes)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => {
            let damage = vec![format!("what was read back of the stream cannot be read: {error}")];
            Ok(Some(Found { damage, ..Found::default() }))
        }
        Ok(_) => match parse(&bytes, run_tag) {
            Ok(found) => Ok(Some(found)),
            Err(found) => Err(Error::Newer { path: path.to_owned(), found, known: FORMAT }),
        },
    }
}

/// Reads the bytes of a file. The error is the newer format that it has.
fn parse(bytes: &[u8], run_tag: u64) -> Result<Found, u32> {
    let mut found = Found::default();
    let Some((header, mut rest)) = bytes.split_at_checked(HEADER_BYTES) else {
        // A driver that was killed this early has read nothing.
        found.cut_off = true;
        return Ok(found);
    };
    if header[..8] != *MAGIC || u32_at(header, 24) != crc32fast::hash(&header[..24]) {
        found.damage.push("what was read back of the stream has no readable header: it is left out".to_owned());
        return Ok(found);
    }
    let format = u32_at(header, 8);
    if format > FORMAT {
        return Err(format);
    }
    let tag = u64_at(header, 16);
    if tag != run_tag {
        found.damage.push(format!(
            "what was read back of the stream belongs to another run (tag {tag:016x}, this run has {run_tag:016x}): left out"
        ));
        return Ok(found);
    }
    let mut number = 0;
    while !rest.is_empty() {
        let length = rest.first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length) as usize);
        if length > BLOCK_MESSAGES {
            found.damage.push(format!("block {number} of what was read back says that it has {length} messages"));
            return Ok(found);
        }
        let Some((block, behind)) = rest.split_at_checked(BLOCK_HEADER_BYTES + length * MESSAGE_BYTES) else {
            found.cut_off = true;
            return Ok(found);
        };
        let messages = &block[BLOCK_HEADER_BYTES..];
        if u32_at(block, 4) != check(run_tag, number, messages) || length == 0 {
            found
                .damage
                .push(format!("block {number} of what was read back of the stream is damaged: its checksum is wrong"));
            return Ok(found);
        }
        let message = |it: &[u8; MESSAGE_BYTES]| StoredMessage {
            stream_seq: u64_at(it, 0),
            key: u32_at(it, 8),
            key_seq: u32_at(it, 12),
        };
        found.messages.extend(messages.as_chunks().0.iter().map(message));
        (rest, number) = (behind, number + 1);
    }
    Ok(found)
}

/// The checksum of block `number`: one of another run or place does not fit.
fn check(run_tag: u64, number: u64, messages: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&run_tag.to_le_bytes());
    hasher.update(&number.to_le_bytes());
    hasher.update(messages);
    hasher.finalize()
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u32::from_le_bytes(*word))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_le_bytes(*word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TAG: u64 = 0x1234_5678_9abc_def0;

    fn messages(count: u64) -> Vec<StoredMessage> {
        (1..=count).map(|seq| StoredMessage { stream_seq: seq * 3, key: seq as u32 % 7, key_seq: seq as u32 }).collect()
    }

    fn written(messages: &[StoredMessage]) -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("stored.bin");
        let mut writer = StoredWriter::create(path.clone(), TAG).expect("a new file");
        for message in messages {
            writer.append(*message).expect("room");
        }
        writer.finish().expect("room");
        std::fs::read(path).expect("it is there")
    }

    #[test]
    fn what_was_written_is_read() {
        for count in [0, 1, BLOCK_MESSAGES as u64, BLOCK_MESSAGES as u64 + 1] {
            let messages = messages(count);
            let found = parse(&written(&messages), TAG);
            assert_eq!(found, Ok(Found { messages, ..Found::default() }));
        }
    }

    #[test]
    fn what_is_newer_is_refused_and_what_is_another_runs_is_left_out() {
        let mut bytes = written(&messages(3));
        let found = parse(&bytes, TAG + 1).expect("it is of this format");
        assert!(found.messages.is_empty() && found.damage[0].contains("another run"), "{found:?}");
        bytes[8..12].copy_from_slice(&(FORMAT + 1).to_le_bytes());
        let sum = crc32fast::hash(&bytes[..24]);
        bytes[24..28].copy_from_slice(&sum.to_le_bytes());
        assert_eq!(parse(&bytes, TAG), Err(FORMAT + 1));
    }

    proptest! {
        #[test]
        fn wherever_it_is_cut_whole_blocks_are_read_and_no_damage_is_told(cut in 0.0..1.0_f64) {
            let all = messages(BLOCK_MESSAGES as u64 * 2 + 5);
            let bytes = written(&all);
            let cut = (bytes.len() as f64 * cut) as usize;
            let found = parse(&bytes[..cut], TAG).expect("it is of this format");
            prop_assert_eq!(&found.damage, &Vec::<String>::new());
            prop_assert_eq!(found.messages.as_slice(), &all[..found.messages.len()]);
            prop_assert_eq!(found.messages.len() % BLOCK_MESSAGES, 0);
        }

        #[test]
        fn no_changed_bit_passes(at in 0..1_000_000_usize, bit in 0..8_u8) {
            let all = messages(40);
            let mut bytes = written(&all);
            // The four bytes behind the header's checksum mean nothing.
            let at = Some(at % bytes.len()).filter(|at| !(28..32).contains(at)).unwrap_or(0);
            bytes[at] ^= 1 << bit;
            if let Ok(found) = parse(&bytes, TAG) {
                prop_assert!(found.messages.is_empty());
                prop_assert!(found.cut_off || !found.damage.is_empty());
            }
        }
    }
}
