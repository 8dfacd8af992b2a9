//! Writes one journal: appends records and completes them, in well under 100 ns each and without system calls.
//!
//! It takes no instants itself and decides nothing: what a record says is the worker's business.

use std::fs::OpenOptions;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::codec::{self, Line, RECORD_BYTES};
use super::error::Error;
use super::segment::{Header, Segment};
use super::supply::{Make, Stalls, Supply};
use crate::model::record::{Author, Fate, Finish, Handling, Posting, PostingFate, Publish, Record};
use crate::model::time::MonoNs;

/// How a journal takes room on the disk.
#[derive(Clone, Copy, Debug)]
pub struct Layout {
    /// Size of a segment.
    pub segment_bytes: u32,
    /// How long an append waits for the disk before the journal ends with an error.
    pub patience: Duration,
}

impl Default for Layout {
    /// 4 MiB last 3 ms at the greatest speed of a writer and minutes at usual rates; the helper needs about 1 ms.
    fn default() -> Self {
        Self { segment_bytes: 4 << 20, patience: Duration::from_secs(5) }
    }
}

/// Where a record lies that waits for its completion. There is one for each, and it is used up by completing it.
///
/// It stays valid however many segments were begun since. Give it back, by [`Writer::abandon`] if nothing came of it:
/// the segment of an open slot stays mapped.
#[derive(Debug)]
#[must_use = "the record stays incomplete until its slot is given back"]
pub struct Slot<T> {
    segment: u32,
    record: u32,
    since: MonoNs,
    kind: PhantomData<fn(T)>,
}

/// The writer of one journal. It belongs to one thread; a worker has one.
#[derive(Debug)]
pub struct Writer {
    folder: PathBuf,
    current: Segment,
    /// Full segments in which some record waits for its completion, in order of index.
    older: Vec<Segment>,
    supply: Supply,
    ended: Option<String>,
}

impl Writer {
    /// Begins the journal of `author` in `journals/<author>/`, which must not be there yet.
    ///
    /// # Errors
    ///
    /// When the folder is there already, or the first segment cannot be made.
    pub fn create(journals: &Path, author: Author, run_tag: u64, layout: Layout) -> Result<Self, Error> {
        let folder = journals.join(author.to_string());
        std::fs::create_dir_all(journals).map_err(Error::io("create", journals))?;
        std::fs::create_dir(&folder).map_err(|error| match error.kind() {
            std::io::ErrorKind::AlreadyExists => Error::Exists { path: folder.clone() },
            _ => Error::io("create", &folder)(error),
        })?;
        let capacity = (layout.segment_bytes / RECORD_BYTES as u32).saturating_sub(1).max(1);
        let make = {
            let folder = folder.clone();
            move |index| {
                let path = super::journal_file(&folder, index);
                let header = Header { run_tag, author, index, capacity };
                Segment::create(&path, &header).map_err(Error::io("write", path))
            }
        };
        Self::with_supply(folder, layout.patience, Box::new(make))
    }

    fn with_supply(folder: PathBuf, patience: Duration, mut make: Make) -> Result<Self, Error> {
        let current = make(0)?;
        let supply = Supply::start(folder.clone(), 1, patience, make)?;
        Ok(Self { folder, current, older: Vec::new(), supply, ended: None })
    }

    /// Publishes the start of a handling; what it says about the end is not looked at.
    ///
    /// # Errors
    ///
    /// When the disk gives no more room (in time). The journal has ended then; what it holds stays valid.
    #[inline]
    pub fn begin_handling(&mut self, handling: &Handling) -> Result<Slot<Handling>, Error> {
        self.begin(handling.started, |salt| codec::handling(handling, salt))
    }

    /// Completes a handling: one store.
    #[inline]
    pub fn finish(&mut self, slot: Slot<Handling>, at: MonoNs, ok: bool) {
        self.complete(slot.segment, slot.record, |salt| (None, codec::finish(slot.since, Finish { at, ok }, salt)));
    }

    /// Publishes the start of a publish; what it says about its fate is not looked at.
    ///
    /// # Errors
    ///
    /// As [`Self::begin_handling`].
    #[inline]
    pub fn begin_publish(&mut self, publish: &Publish) -> Result<Slot<Publish>, Error> {
        self.begin(publish.sent, |salt| codec::publish(publish, salt))
    }

    /// Completes a publish that the server confirmed.
    #[inline]
    pub fn stored(&mut self, slot: Slot<Publish>, at: MonoNs, stream_seq: u64, duplicate: bool) {
        self.settle(slot, Fate::Stored { at, stream_seq, duplicate });
    }

    /// Completes a publish that is known not to be stored.
    #[inline]
    pub fn failed(&mut self, slot: Slot<Publish>, at: MonoNs) {
        self.settle(slot, Fate::Failed { at });
    }

    /// Publishes a posting that is about to be tried; what it says about its fate is not looked at.
    ///
    /// # Errors
    ///
    /// As [`Self::begin_handling`].
    #[inline]
    pub fn begin_posting(&mut self, posting: &Posting) -> Result<Slot<Posting>, Error> {
        self.begin(posting.at, |salt| codec::posting(posting, salt))
    }

    /// Completes a posting.
    #[inline]
    pub fn settled(&mut self, slot: Slot<Posting>, fate: PostingFate) {
        self.complete(slot.segment, slot.record, |salt| {
            let (revision, settled) = codec::settled(slot.since, fate, salt);
            (Some(revision), settled)
        });
    }

    /// Gives back the slot of a record that will never be completed: an aborted handling, a publish cut off.
    pub fn abandon<T>(&mut self, slot: Slot<T>) {
        if let Some((segment, _)) = self.segment_of(slot.segment) {
            segment.open = segment.open.saturating_sub(1);
        }
        self.retire_closed();
    }

    /// Appends a record that is complete.
    ///
    /// # Errors
    ///
    /// As [`Self::begin_handling`].
    #[inline]
    pub fn append(&mut self, record: &Record) -> Result<(), Error> {
        self.make_room()?;
        let line = codec::encode(record, self.current.next_salt());
        self.current.publish(&line);
        Ok(())
    }

    /// How often and how long the disk kept the writer waiting.
    #[must_use]
    pub fn stalls(&self) -> Stalls {
        self.supply.stalls()
    }

    /// Ends the journal in good order: says how many records it has, and gives back the room that was not used.
    ///
    /// # Errors
    ///
    /// When the last segment cannot be cut. What was recorded is there nevertheless.
    pub fn close(self) -> Result<(), Error> {
        let Self { folder, current, supply, older, .. } = self;
        // The helper first: it may be about to make a segment that nobody needs.
        drop(supply);
        drop(older);
        current.seal(false);
        let path = super::journal_file(&folder, current.index());
        let bytes = (u64::from(current.used()) + 1) * RECORD_BYTES as u64;
        drop(current);
        let cut = OpenOptions::new().write(true).open(&path).and_then(|file| file.set_len(bytes));
        cut.map_err(Error::io("cut", path))
    }

    #[inline]
    fn begin<T>(&mut self, since: MonoNs, line: impl FnOnce(u64) -> Line) -> Result<Slot<T>, Error> {
        self.make_room()?;
        let line = line(self.current.next_salt());
        let record = self.current.publish(&line);
        self.current.open += 1;
        Ok(Slot { segment: self.current.index(), record, since, kind: PhantomData })
    }

    #[inline]
    fn settle(&mut self, slot: Slot<Publish>, fate: Fate) {
        self.complete(slot.segment, slot.record, |salt| {
            let (stream_seq, stored) = codec::fate(slot.since, fate, salt);
            (Some(stream_seq), stored)
        });
    }

    #[inline]
    fn complete(&mut self, segment: u32, record: u32, words: impl FnOnce(u64) -> (Option<u64>, u64)) {
        if let Some((segment, is_current)) = self.segment_of(segment) {
            let (seventh, eighth) = words(segment.salt_of(record));
            segment.complete(record, seventh, eighth);
            if !is_current {
                self.retire_closed();
            }
        }
    }

    /// The segment of a slot. It is always there: a segment with an open slot is never retired.
    #[inline]
    fn segment_of(&mut self, index: u32) -> Option<(&mut Segment, bool)> {
        if self.current.index() == index {
            return Some((&mut self.current, true));
        }
        self.older.iter_mut().find(|segment| segment.index() == index).map(|segment| (segment, false))
    }

    #[inline]
    fn make_room(&mut self) -> Result<(), Error> {
        if self.current.is_full() { self.roll() } else { Ok(()) }
    }

    #[cold]
    fn roll(&mut self) -> Result<(), Error> {
        if let Some(reason) = &self.ended {
            return Err(Error::Ended { path: self.folder.clone(), reason: reason.clone() });
        }
        let next = self.supply.next().inspect_err(|error| self.ended = Some(error.to_string()))?;
        let full = std::mem::replace(&mut self.current, next);
        full.seal(true);
        self.older.push(full);
        self.retire_closed();
        Ok(())
    }

    #[cold]
    fn retire_closed(&mut self) {
        for segment in self.older.extract_if(.., |segment| segment.open == 0) {
            self.supply.retire(segment);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evidence::reader::read_journal;
    use crate::model::bank::Balance;
    use crate::model::record::{Life, LifeEvent, Role};

    const AUTHOR: Author = Author { role: Role::Consumer, index: 0, life: 1 };
    const LIFE: Record = Record::Life(Life { at: MonoNs(1), event: LifeEvent::Ready });

    /// A writer with ten records a segment, whose disk does what `disk` says before each segment.
    fn writer(folder: &Path, patience: u64, disk: impl Fn(u32) -> std::io::Result<()> + Send + 'static) -> Writer {
        let folder = folder.to_owned();
        let make = {
            let folder = folder.clone();
            move |index| {
                let path = crate::evidence::journal_file(&folder, index);
                let header = Header { run_tag: 1, author: AUTHOR, index, capacity: 10 };
                disk(index).and_then(|()| Segment::create(&path, &header)).map_err(Error::io("write", path))
            }
        };
        Writer::with_supply(folder, Duration::from_millis(patience), Box::new(make)).expect("a first segment")
    }

    fn lives(folder: &Path) -> usize {
        let read = read_journal(folder, AUTHOR, 1).expect("a readable journal");
        assert_eq!(read.damage, Vec::<String>::new());
        read.journal.life.len()
    }

    #[test]
    fn a_disk_that_is_full_ends_the_journal_and_what_was_recorded_stays() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let full = |index| if index < 3 { Ok(()) } else { Err(std::io::ErrorKind::StorageFull.into()) };
        let mut writer = writer(folder.path(), 30_000, full);
        for _ in 0..30 {
            writer.append(&LIFE).expect("room");
        }
        let error = writer.append(&LIFE).expect_err("no room");
        assert!(error.is_full_disk(), "{error:?}");
        let error = writer.append(&LIFE).expect_err("ended");
        assert!(matches!(&error, Error::Ended { reason, .. } if reason.starts_with("no room for ")), "{error:?}");
        writer.close().expect("a closed journal");
        assert_eq!(lives(folder.path()), 30);
    }

    #[test]
    fn a_posting_is_there_before_its_fate_is_known_and_is_completed_by_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(folder.path(), 30_000, |_| Ok(()));
        let posting = |key_seq, fate| Posting {
            at: MonoNs(100),
            key: 7,
            key_seq,
            partition: 3,
            amount: -120,
            held: Balance { balance: -4, sequence: 8, mark: 4711 },
            held_revision: 41,
            fate,
        };
        let fates = [
            PostingFate::Unknown,
            PostingFate::Written { at: MonoNs(300), revision: 42 },
            PostingFate::Refused { at: MonoNs(301) },
        ];
        // More than a segment holds, so that the first ones are completed in an older one.
        let slots: Vec<_> = (1..=12)
            .map(|key_seq| writer.begin_posting(&posting(key_seq, PostingFate::Unknown)).expect("room"))
            .collect();
        for (slot, fate) in slots.into_iter().zip(fates.iter().cycle()) {
            match fate {
                PostingFate::Unknown => writer.abandon(slot),
                fate => writer.settled(slot, *fate),
            }
        }
        writer.append(&Record::Posting(posting(13, PostingFate::Skipped { at: MonoNs(100) }))).expect("room");
        writer.close().expect("a closed journal");
        let read = read_journal(folder.path(), AUTHOR, 1).expect("a readable journal");
        assert_eq!(read.damage, Vec::<String>::new());
        let mut expected: Vec<Posting> =
            (1..=12).zip(fates.into_iter().cycle()).map(|(key_seq, fate)| posting(key_seq, fate)).collect();
        expected.push(posting(13, PostingFate::Skipped { at: MonoNs(100) }));
        assert_eq!(read.journal.postings, expected);
    }

    #[test]
    fn a_slow_disk_is_waited_for_and_counted() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(folder.path(), 30_000, |index| {
            std::thread::sleep(Duration::from_millis(if index == 2 { 50 } else { 0 }));
            Ok(())
        });
        for _ in 0..35 {
            writer.append(&LIFE).expect("room");
        }
        let stalls = writer.stalls();
        assert!(stalls.count >= 1 && stalls.total >= stalls.longest, "{stalls:?}");
        assert!(stalls.longest.as_ms() > 10.0, "{stalls:?}");
        writer.close().expect("a closed journal");
        assert_eq!(lives(folder.path()), 35);
    }

    #[test]
    fn a_disk_that_does_not_answer_is_an_error_in_bounded_time() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(folder.path(), 20, |index| {
            std::thread::sleep(Duration::from_millis(if index == 1 { 300 } else { 0 }));
            Ok(())
        });
        for _ in 0..10 {
            writer.append(&LIFE).expect("room");
        }
        let error = writer.append(&LIFE).expect_err("late");
        assert!(matches!(error, Error::Late { waited_ms: 20, .. }), "{error:?}");
        drop(writer);
        assert_eq!(lives(folder.path()), 10);
        let left = std::fs::read_dir(folder.path()).expect("the folder").count();
        assert_eq!(left, 1, "the helper removes what nobody took");
    }
}
