//! The driver's own journal: one JSON line an event, one write a line.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::error::Error;
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::MonoNs;

/// Appends to the story. A line belongs to the kernel when [`StoryWriter::append`] returns: SIGKILL cannot take it.
#[derive(Debug)]
pub struct StoryWriter {
    file: File,
    path: PathBuf,
    line: Vec<u8>,
}

impl StoryWriter {
    /// Opens the story at `path` for appending and makes it when it is not there.
    pub(super) fn open(path: PathBuf) -> Result<Self, Error> {
        let file = OpenOptions::new().append(true).create(true).open(&path).map_err(Error::io("write", &path))?;
        Ok(Self { file, path, line: Vec::new() })
    }

    /// Appends one line.
    ///
    /// # Errors
    ///
    /// When it cannot be written, for example because the disk is full.
    pub fn append(&mut self, line: &StoryLine) -> Result<(), Error> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, line)
            .map_err(|error| Error::io("write", &self.path)(std::io::Error::from(error)))?;
        self.line.push(b'\n');
        self.file.write_all(&self.line).map_err(Error::io("write", &self.path))
    }
}

/// Reads a story; what is wrong with it is told in sentences.
///
/// A last line without its end is how a killed driver leaves a story: it becomes a note at the end of the story.
pub(super) fn read(path: &Path) -> (Vec<StoryLine>, Vec<String>) {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => return (Vec::new(), vec![format!("the driver's story cannot be read: {error}")]),
    };
    parse(&bytes)
}

fn parse(bytes: &[u8]) -> (Vec<StoryLine>, Vec<String>) {
    let (mut story, mut damage) = (Vec::<StoryLine>::new(), Vec::new());
    for (number, line) in (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n')) {
        match serde_json::from_slice(line) {
            Ok(line) => story.push(line),
            Err(_) if !line.ends_with(b"\n") => {
                let at = story.last().map_or(MonoNs(0), |line| line.at);
                let text = format!("line {number} of the driver's story was cut off when the driver died");
                story.push(StoryLine { at, event: StoryEvent::Note { text } });
            }
            Err(error) => damage.push(format!("line {number} of the driver's story cannot be understood: {error}")),
        }
    }
    (story, damage)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::story::Phase;

    fn lines() -> Vec<StoryLine> {
        [
            StoryEvent::Phase { phase: Phase::Measure },
            StoryEvent::Fault {
                id: 0,
                kind: "kill".into(),
                target: "owner-of:3".into(),
                struck: vec!["c3.1".into(), "ünï\ncode".into()],
            },
            StoryEvent::Exited { process: "c3.1".into(), code: None, signal: Some(9), ordered: true, message: None },
            StoryEvent::End,
        ]
        .into_iter()
        .zip(1..)
        .map(|(event, at)| StoryLine { at: MonoNs(at), event })
        .collect()
    }

    fn written() -> Vec<u8> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("driver.jsonl");
        for line in lines() {
            // Opened anew each time: a story goes on where it was.
            StoryWriter::open(path.clone()).and_then(|mut story| story.append(&line)).expect("an appended line");
        }
        std::fs::read(path).expect("the story")
    }

    #[test]
    fn a_story_reads_as_written() {
        assert_eq!(parse(&written()), (lines(), Vec::new()));
    }

    #[test]
    fn wherever_a_story_is_cut_all_whole_lines_are_read_and_the_cut_is_noted() {
        let bytes = written();
        for cut in 0..bytes.len() {
            let (story, damage) = parse(&bytes[..cut]);
            assert_eq!(damage, Vec::<String>::new());
            let whole = bytes[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(story[..whole], lines()[..whole]);
            if story.len() > whole && story[whole] != lines()[whole] {
                assert!(matches!(&story[whole].event, StoryEvent::Note { text } if text.contains("cut off")));
            }
        }
    }

    #[test]
    fn garbage_in_the_middle_is_damage_and_the_rest_is_read() {
        let mut bytes = written();
        let second = bytes.iter().position(|byte| *byte == b'\n').expect("a line") + 3;
        bytes[second] = 0xff;
        let (story, damage) = parse(&bytes);
        assert_eq!(story.len(), lines().len() - 1);
        assert!(matches!(damage.as_slice(), [sentence] if sentence.starts_with("line 2 ")), "{damage:?}");
    }
}
