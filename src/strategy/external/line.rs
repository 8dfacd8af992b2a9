//! The line protocol, version 1: what a program of the user's own says on its standard output. Pure.
//!
//! ```text
//! ready 1                            able to be given messages; the first line
//! start ID [STREAM_SEQUENCE]         the handler of a message begins (may be left out)
//! done ID [STREAM_SEQUENCE]          the handler has ended with success
//! fail ID [STREAM_SEQUENCE]          the handler has ended without
//! commit ID STREAM_SEQUENCE          the server has confirmed the acknowledgement of that message
//! claim PARTITION [EPOCH]            the member owns the partition from now on
//! release PARTITION                  it gives it back in good order
//! lost PARTITION                     it has learned that it owns it no more
//! ```
//!
//! Words are parted by one space. Blank lines mean nothing.

use std::str;

use crate::model::message_id::{IdError, MessageId};

/// Version of the protocol: what `ready` must say, and `JETLAG_PROTOCOL` tells the program.
pub const VERSION: u32 = 1;

/// Longest line, without its end.
pub const LENGTH_MAX: usize = 256;

/// One line, understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Nothing.
    Blank,
    /// Able to be given messages.
    Ready,
    /// A handler begins.
    Start {
        /// Which.
        id: MessageId,
        /// Where it stands in the stream; 0 when the program does not say.
        stream_seq: u64,
    },
    /// A handler has ended.
    End {
        /// The message.
        id: MessageId,
        /// Its sequence in the stream, when the program said it; else 0.
        stream_seq: u64,
        /// Whether it succeeded.
        ok: bool,
    },
    /// An acknowledgement is confirmed.
    Commit {
        /// The message.
        id: MessageId,
        /// Its sequence in the stream.
        stream_seq: u64,
    },
    /// A partition is owned.
    Claim {
        /// Which.
        partition: u16,
        /// Under which epoch; 0 when the program has none.
        epoch: u32,
    },
    /// A partition is given back.
    Release {
        /// Which.
        partition: u16,
    },
    /// A partition is owned no more.
    Lost {
        /// Which.
        partition: u16,
    },
}

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Flaw {
    /// It begins with no word of the protocol.
    #[error(
        "it begins with none of ready, start, done, fail, commit, claim, release, lost; logs belong on standard error"
    )]
    Word,
    /// Too few or too many words.
    #[error("expected `{0}`")]
    Shape(&'static str),
    /// No id.
    #[error("{0}")]
    Id(IdError),
    /// Not a number, or too large.
    #[error("expected a number in `{0}`")]
    Number(&'static str),
    /// A partition that there is not.
    #[error("there is no partition {partition}: JETLAG_PARTITIONS is {partitions}, and they are numbered from 0")]
    Partition {
        /// As said.
        partition: u16,
        /// How many there are.
        partitions: u16,
    },
    /// Another version of the protocol.
    #[error("this jetlag speaks version {VERSION} of the protocol: say `ready {VERSION}`")]
    Version,
    /// A line without end.
    #[error("it is longer than {LENGTH_MAX} bytes")]
    TooLong,
    /// An end, an id or a claim before `ready`.
    #[error("it came before `ready {VERSION}`")]
    Early,
    /// More handlings begun and not ended than are kept.
    #[error("{0} messages were started and neither done nor failed: this start is not counted")]
    Crowd(usize),
    /// What was not owned was released.
    #[error("partition {0} was not claimed")]
    Unclaimed(u16),
}

/// What a program has to say to be understood: which run, and how many partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grammar {
    /// Id of the run, which ids of messages are checked by.
    pub run_tag: u64,
    /// Number of partitions.
    pub partitions: u16,
}

impl Grammar {
    /// Reads one line, without its end.
    ///
    /// # Errors
    /// What is wrong with it.
    #[inline]
    pub fn read(&self, line: &[u8]) -> Result<Line, Flaw> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            return Ok(Line::Blank);
        }
        let mut words = line.split(|byte| *byte == b' ');
        let word = words.next().unwrap_or_default();
        let mut rest = || words.next();
        let read = match word {
            b"done" | b"fail" => {
                const SHAPE: &str = "done ID [STREAM_SEQUENCE]";
                let id = self.id(rest().ok_or(Flaw::Shape(SHAPE))?)?;
                let stream_seq = rest().map_or(Ok(0), |text| number(text, SHAPE))?;
                (Line::End { id, stream_seq, ok: word == b"done" }, SHAPE)
            }
            b"start" => {
                const SHAPE: &str = "start ID [STREAM_SEQUENCE]";
                let id = self.id(rest().ok_or(Flaw::Shape(SHAPE))?)?;
                let stream_seq = rest().map_or(Ok(0), |text| number(text, SHAPE))?;
                (Line::Start { id, stream_seq }, SHAPE)
            }
            b"commit" => {
                const SHAPE: &str = "commit ID STREAM_SEQUENCE";
                let id = self.id(rest().ok_or(Flaw::Shape(SHAPE))?)?;
                let stream_seq = number(rest().ok_or(Flaw::Shape(SHAPE))?, SHAPE)?;
                (Line::Commit { id, stream_seq }, SHAPE)
            }
            b"claim" => {
                const SHAPE: &str = "claim PARTITION [EPOCH]";
                let partition = self.partition(rest().ok_or(Flaw::Shape(SHAPE))?, SHAPE)?;
                let epoch = rest().map_or(Ok(0), |text| number(text, SHAPE))?;
                (Line::Claim { partition, epoch }, SHAPE)
            }
            b"release" | b"lost" => {
                const SHAPE: &str = "release PARTITION` or `lost PARTITION";
                let partition = self.partition(rest().ok_or(Flaw::Shape(SHAPE))?, SHAPE)?;
                (if word == b"release" { Line::Release { partition } } else { Line::Lost { partition } }, SHAPE)
            }
            b"ready" => match rest() {
                Some(b"1") => (Line::Ready, "ready 1"),
                _ => return Err(Flaw::Version),
            },
            _ => return Err(Flaw::Word),
        };
        match rest() {
            None => Ok(read.0),
            Some(_) => Err(Flaw::Shape(read.1)),
        }
    }

    #[inline]
    fn id(&self, text: &[u8]) -> Result<MessageId, Flaw> {
        MessageId::parse(text, self.run_tag).map_err(Flaw::Id)
    }

    fn partition(&self, text: &[u8], shape: &'static str) -> Result<u16, Flaw> {
        let partition = number(text, shape)?;
        let partitions = self.partitions;
        if partition < partitions { Ok(partition) } else { Err(Flaw::Partition { partition, partitions }) }
    }
}

#[inline]
fn number<N: str::FromStr>(text: &[u8], shape: &'static str) -> Result<N, Flaw> {
    // A sign, which Rust would read, is no digit.
    let digits = text.first().is_some_and(u8::is_ascii_digit);
    let number = str::from_utf8(text).ok().filter(|_| digits).and_then(|text| text.parse().ok());
    number.ok_or(Flaw::Number(shape))
}

/// Parts what comes through a pipe into lines, however it was cut on the way. Holds one line at most.
#[derive(Debug, Default)]
pub struct Splitter {
    begun: Vec<u8>,
    too_long: bool,
    number: u64,
}

impl Splitter {
    /// Hands each line that `chunk` ends to `each`: its number, from 1, and its text without the end, or the beginning of
    /// one that is too long.
    ///
    /// # Errors
    /// The first error of `each`.
    pub fn feed<E>(&mut self, chunk: &[u8], mut each: impl FnMut(u64, &[u8], bool) -> Result<(), E>) -> Result<(), E> {
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let (text, whole) = match piece.split_last() {
                Some((b'\n', text)) => (text, true),
                _ => (piece, false),
            };
            if whole && self.begun.is_empty() && !self.too_long && text.len() <= LENGTH_MAX {
                self.number += 1;
                each(self.number, text, false)?;
                continue;
            }
            let room = LENGTH_MAX - self.begun.len();
            self.too_long |= text.len() > room;
            self.begun.extend_from_slice(&text[..text.len().min(room)]);
            if whole {
                self.number += 1;
                let told = each(self.number, &self.begun, self.too_long);
                self.begun.clear();
                self.too_long = false;
                told?;
            }
        }
        Ok(())
    }

    /// The number and the text of a last line that was never ended, if there is one.
    #[must_use]
    pub fn rest(&self) -> Option<(u64, &[u8])> {
        (!self.begun.is_empty()).then_some((self.number + 1, &self.begun[..]))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GRAMMAR: Grammar = Grammar { run_tag: 7, partitions: 4 };

    fn id(key: u32, key_seq: u32) -> (MessageId, String) {
        let id = MessageId { key, key_seq };
        (id, String::from_utf8(id.text(GRAMMAR.run_tag).to_vec()).expect("digits"))
    }

    #[test]
    fn every_line_of_the_table_is_understood() {
        let (id, text) = id(3, 9);
        for (line, expected) in [
            ("ready 1".to_owned(), Line::Ready),
            (String::new(), Line::Blank),
            (format!("start {text}"), Line::Start { id, stream_seq: 0 }),
            (format!("start {text} 77"), Line::Start { id, stream_seq: 77 }),
            (format!("done {text}"), Line::End { id, stream_seq: 0, ok: true }),
            (format!("done {text} 77\r"), Line::End { id, stream_seq: 77, ok: true }),
            (format!("fail {text} 77"), Line::End { id, stream_seq: 77, ok: false }),
            (format!("commit {text} 5"), Line::Commit { id, stream_seq: 5 }),
            ("claim 3".to_owned(), Line::Claim { partition: 3, epoch: 0 }),
            ("claim 0 12".to_owned(), Line::Claim { partition: 0, epoch: 12 }),
            ("release 2".to_owned(), Line::Release { partition: 2 }),
            ("lost 2".to_owned(), Line::Lost { partition: 2 }),
        ] {
            assert_eq!(GRAMMAR.read(line.as_bytes()), Ok(expected), "{line}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        let (_, text) = id(3, 9);
        for (line, expected) in [
            ("INFO connected".to_owned(), Flaw::Word),
            (" done".to_owned(), Flaw::Word),
            ("ready".to_owned(), Flaw::Version),
            ("ready 2".to_owned(), Flaw::Version),
            ("done".to_owned(), Flaw::Shape("done ID [STREAM_SEQUENCE]")),
            (format!("done {text} 1 2"), Flaw::Shape("done ID [STREAM_SEQUENCE]")),
            (format!("done {text} +1"), Flaw::Number("done ID [STREAM_SEQUENCE]")),
            ("done 12".to_owned(), Flaw::Id(IdError::Form)),
            (format!("commit {text}"), Flaw::Shape("commit ID STREAM_SEQUENCE")),
            ("claim 4".to_owned(), Flaw::Partition { partition: 4, partitions: 4 }),
            ("claim 99999999".to_owned(), Flaw::Number("claim PARTITION [EPOCH]")),
            ("release".to_owned(), Flaw::Shape("release PARTITION` or `lost PARTITION")),
        ] {
            assert_eq!(GRAMMAR.read(line.as_bytes()), Err(expected), "{line}");
        }
    }

    fn lines(chunks: &[&[u8]]) -> Vec<(u64, Vec<u8>, bool)> {
        let mut splitter = Splitter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            let note = |number, text: &[u8], too_long| -> Result<(), ()> {
                lines.push((number, text.to_vec(), too_long));
                Ok(())
            };
            splitter.feed(chunk, note).expect("nothing fails");
        }
        lines
    }

    #[test]
    fn a_line_too_long_is_told_once_and_the_next_one_is_whole() {
        let long = vec![b'x'; 3 * LENGTH_MAX];
        let found = lines(&[b"ready 1\n", &long, &long, b"\nclaim 1\n"]);
        let cut = vec![b'x'; LENGTH_MAX];
        assert_eq!(found, [(1, b"ready 1".to_vec(), false), (2, cut, true), (3, b"claim 1".to_vec(), false)]);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_grammar_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = GRAMMAR.read(&bytes);
        }

        #[test]
        fn words_of_the_protocol_with_anything_behind_make_no_panic(
            word in prop::sample::select(vec!["ready", "start", "done", "fail", "commit", "claim", "release", "lost"]),
            rest in "[ 0-9a-f+-]{0,60}",
        ) {
            let _ = GRAMMAR.read(format!("{word} {rest}").as_bytes());
        }

        #[test]
        fn lines_are_the_same_however_the_pipe_cuts_them(
            text in prop::collection::vec(prop_oneof![4 => any::<u8>(), 1 => Just(b'\n')], 0..2000),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let mut cuts: Vec<_> = cuts.iter().map(|cut| cut.index(text.len() + 1)).chain([0, text.len()]).collect();
            cuts.sort_unstable();
            let chunks: Vec<_> = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]).collect();
            let found = lines(&chunks);
            prop_assert_eq!(&found, &lines(&[&text]));
            prop_assert_eq!(found.len(), text.iter().filter(|byte| **byte == b'\n').count());
            for (at, (number, line, too_long)) in found.iter().enumerate() {
                prop_assert_eq!(*number, at as u64 + 1);
                prop_assert!(line.len() <= LENGTH_MAX && (!too_long || line.len() == LENGTH_MAX));
            }
        }
    }
}
