//! Watches the promises while the run goes on: a thread of its own reads the journals, each record once, and keeps the
//! ledger that is followed.
//!
//! It knows of lives and faults from the driver's story, which it is told line by line. Up to which instant everything has
//! been read is the *watermark*: the beginning of the last look, less what may lie between taking an instant and writing it
//! down. A handling that goes on holds it at its start, a paused member at the instant of its pause.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::analysis::{Followed, Following};
use crate::clock;
use crate::evidence::{Follower, Given};
use crate::model::dropped::Piece;
use crate::model::manifest::Manifest;
use crate::model::record::Author;
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::stream::{Patience, Sighting};

/// How often it looks.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// As long may lie between the instant that a record tells and the record, while the process runs.
const SLACK: SpanNs = SpanNs(500_000_000);
/// A handling that is open for longer is thought to be given up, unless its member is paused.
const GIVEN_UP: SpanNs = SpanNs(30_000_000_000);
/// What becomes of a publish that is open for longer is never known: its publisher has given it up.
const FATE_GIVEN_UP: SpanNs = SpanNs(60_000_000_000);
/// As many sightings wait for the driver at most.
const SIGHTINGS: usize = 10_000;

/// What was found and waits for the driver.
#[derive(Debug, Default)]
struct Found {
    sightings: Vec<Sighting>,
    verified: Verified,
}

/// What of the journals was verified since the last time.
#[derive(Debug, Default)]
pub(super) struct Verified {
    /// Before that instant nothing is needed any more.
    pub(super) judged: MonoNs,
    /// Segments that were read to their end.
    pub(super) pieces: Vec<Piece>,
    /// When something went wrong.
    pub(super) around: Vec<MonoNs>,
}

/// The driver's end.
#[derive(Debug)]
pub(super) struct Watcher {
    lines: Option<Sender<StoryLine>>,
    found: Arc<Mutex<Found>>,
    thread: Option<JoinHandle<Followed>>,
}

impl Watcher {
    /// Begins to watch the journals of a run; `drops` says whether what was verified is to be removed.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(super) fn start(manifest: &Manifest, journals: PathBuf, drops: bool) -> std::io::Result<Self> {
        let (lines, heard) = channel();
        let found = Arc::new(Mutex::new(Found::default()));
        let (manifest, finds) = (manifest.clone(), Arc::clone(&found));
        let watch = move || {
            let mut watch = Watch::new(&manifest, journals, drops);
            watch.until_the_driver_is_done(&heard, &finds);
            watch.end()
        };
        let thread = std::thread::Builder::new().name("watcher".into()).spawn(watch)?;
        Ok(Self { lines: Some(lines), found, thread: Some(thread) })
    }

    /// Tells a line of the story.
    pub(super) fn tell(&self, line: &StoryLine) {
        if let Some(lines) = &self.lines {
            // A thread that has ended watches no more; the verdict does not depend on it.
            let _ = lines.send(line.clone());
        }
    }

    /// What was seen since the last time.
    pub(super) fn take(&self) -> Vec<Sighting> {
        std::mem::take(&mut lock(&self.found).sightings)
    }

    /// What was verified since the last time.
    pub(super) fn take_verified(&self) -> Verified {
        let found = &mut *lock(&self.found);
        let judged = found.verified.judged;
        std::mem::replace(&mut found.verified, Verified { judged, ..Verified::default() })
    }

    /// Reads the journals to their end, when all who write them have ended, and gives what was followed. `None` when the
    /// thread has died.
    pub(super) fn end(mut self) -> Option<Followed> {
        self.lines = None;
        self.thread.take()?.join().ok()
    }
}

impl Drop for Watcher {
    /// Waits for the thread, so that nobody reads the folder afterwards.
    fn drop(&mut self) {
        self.lines = None;
        if let Some(thread) = self.thread.take() {
            // It has nothing to say that was not said.
            let _ = thread.join();
        }
    }
}

fn lock(found: &Mutex<Found>) -> MutexGuard<'_, Found> {
    found.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the thread knows.
struct Watch {
    journals: PathBuf,
    run_tag: u64,
    following: Following,
    readers: BTreeMap<Author, Reader>,
    /// What was verified is to be removed.
    counts: bool,
    pieces: Vec<Piece>,
    judged: MonoNs,
}

struct Reader {
    follower: Follower,
    /// Since when it is paused.
    paused: Option<MonoNs>,
    /// It has ended: what it left open stays open.
    ended: bool,
}

impl Watch {
    fn new(manifest: &Manifest, journals: PathBuf, counts: bool) -> Self {
        let follow = if counts { Following::new } else { Following::watching };
        let following = follow(manifest, Patience::default());
        let readers = BTreeMap::new();
        Self {
            journals,
            run_tag: manifest.run_tag,
            following,
            readers,
            counts,
            pieces: Vec::new(),
            judged: MonoNs::default(),
        }
    }

    fn until_the_driver_is_done(&mut self, lines: &Receiver<StoryLine>, found: &Mutex<Found>) {
        loop {
            let next = Instant::now() + LOOK_EVERY;
            loop {
                match lines.recv_timeout(next.saturating_duration_since(Instant::now())) {
                    Ok(line) => self.hear(&line),
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => return,
                }
            }
            let seen = self.look(clock::now());
            let mut found = lock(found);
            let room = SIGHTINGS.saturating_sub(found.sightings.len());
            if self.counts {
                let room = SIGHTINGS.saturating_sub(found.verified.around.len());
                found.verified.around.extend(seen.iter().map(|sighting| sighting.sight.at).take(room));
                found.verified.pieces.append(&mut self.pieces);
                found.verified.judged = self.judged;
            }
            found.sightings.extend(seen.into_iter().take(room));
        }
    }

    fn hear(&mut self, line: &StoryLine) {
        let author = |process: &str| process.parse::<Author>().ok();
        match &line.event {
            StoryEvent::Spawned { process, .. } => {
                if let Some(author) = author(process) {
                    let follower = Follower::new(&self.journals, author, self.run_tag);
                    let follower = if self.counts { follower.counting() } else { follower };
                    self.readers.insert(author, Reader { follower, paused: None, ended: false });
                }
            }
            StoryEvent::Fault { kind, struck, .. } if kind == "pause" => {
                for author in struck.iter().filter_map(|process| author(process)) {
                    self.change(author, |reader| reader.paused = Some(line.at));
                }
            }
            StoryEvent::Resumed { process, .. } => {
                if let Some(author) = author(process) {
                    self.change(author, |reader| reader.paused = None);
                }
            }
            StoryEvent::Exited { process, .. } => {
                if let Some(author) = author(process) {
                    self.change(author, |reader| reader.ended = true);
                }
            }
            _ => {}
        }
        self.following.tell(line);
    }

    fn change(&mut self, author: Author, change: impl FnOnce(&mut Reader)) {
        if let Some(reader) = self.readers.get_mut(&author) {
            change(reader);
        }
    }

    /// Reads what is new and judges what is certain by now. A journal that cannot be read holds the judgement back.
    fn look(&mut self, now: MonoNs) -> Vec<Sighting> {
        let mut watermark = now - SLACK;
        let Self { following, readers, pieces, .. } = self;
        for (author, reader) in readers.iter_mut().filter(|(_, reader)| !reader.ended) {
            let mut give = |number, record, given| following.take(*author, number, &record, given == Given::Again);
            let read = reader.follower.poll_open(&mut give);
            if read.is_err() || reader.follower.doubts() {
                watermark = MonoNs(0);
            }
            if reader.paused.is_none() {
                reader.follower.give_up(now - FATE_GIVEN_UP);
            }
            // What a paused one has written stays: it goes on from there.
            pieces.extend(reader.follower.take_pieces());
            let is_paused = reader.paused.is_some();
            let waits = |began: &MonoNs| is_paused || *began + GIVEN_UP > now;
            let open = reader.follower.oldest_handling().filter(waits);
            watermark = open.into_iter().chain(reader.paused.map(|at| at - SLACK)).fold(watermark, MonoNs::min);
        }
        for (author, reader) in readers.extract_if(.., |_, reader| reader.ended) {
            pieces.extend(end(following, author, reader));
        }
        self.judged = following.advance(watermark);
        following.take_sightings()
    }

    /// Reads what is left of all journals: nobody writes them any more.
    fn end(mut self) -> Followed {
        for (author, reader) in std::mem::take(&mut self.readers) {
            end(&mut self.following, author, reader);
        }
        self.following.finish()
    }
}

/// Reads the rest of a journal whose author has ended.
fn end(following: &mut Following, author: Author, reader: Reader) -> Vec<Piece> {
    let give = |number, record, given| following.take(author, number, &record, given == Given::Again);
    // What cannot be read is told as damage by who reads the evidence at the end.
    reader.follower.end_open(give).unwrap_or_default()
}
