//! The helper thread that makes the next segment while the writer fills the current one.
//!
//! It holds one segment ready in its hand and makes the one behind it only when that is taken: a journal costs at
//! most two segments more than it uses. Segments that are done are unmapped here too, off the hot path.

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::error::Error;
use super::segment::Segment;
use crate::model::time::SpanNs;

/// Makes the segment with an index.
pub(super) type Make = Box<dyn FnMut(u32) -> Result<Segment, Error> + Send>;

/// How often and how long a writer had to wait for its helper: a starved disk, told as a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stalls {
    /// Rolls to a new segment for which the helper was late.
    pub count: u64,
    /// The waits together.
    pub total: SpanNs,
    /// The longest wait.
    pub longest: SpanNs,
}

/// The writer's end of the helper thread.
#[derive(Debug)]
pub(super) struct Supply {
    folder: PathBuf,
    patience: Duration,
    ready: Option<Receiver<Result<Segment, Error>>>,
    done: Option<Sender<Segment>>,
    helper: Option<JoinHandle<()>>,
    stalls: Stalls,
}

impl Supply {
    /// Starts the helper, which begins at once with segment `first`.
    pub(super) fn start(folder: PathBuf, first: u32, patience: Duration, mut make: Make) -> Result<Self, Error> {
        let (offer, ready) = sync_channel(0);
        let (done, used_up) = channel();
        let run = {
            let folder = folder.clone();
            move || serve(first, &mut make, &offer, &used_up, &folder)
        };
        let helper = std::thread::Builder::new()
            .name("journal-helper".into())
            .spawn(run)
            .map_err(Error::io("start the helper thread of", &folder))?;
        Ok(Self {
            folder,
            patience,
            ready: Some(ready),
            done: Some(done),
            helper: Some(helper),
            stalls: Stalls::default(),
        })
    }

    /// The next segment: at once when the helper kept up, else after a counted wait with an end.
    pub(super) fn next(&mut self) -> Result<Segment, Error> {
        let gone = || Error::Ended { path: self.folder.clone(), reason: "its helper thread is gone".into() };
        let ready = self.ready.as_ref().ok_or_else(gone)?;
        if let Ok(segment) = ready.try_recv() {
            return segment;
        }
        let start = Instant::now();
        let segment = ready.recv_timeout(self.patience);
        let waited = SpanNs::from(start.elapsed());
        self.stalls.count += 1;
        self.stalls.total = SpanNs(self.stalls.total.0 + waited.0);
        self.stalls.longest = self.stalls.longest.max(waited);
        match segment {
            Ok(segment) => segment,
            Err(RecvTimeoutError::Timeout) => {
                Err(Error::Late { path: self.folder.clone(), waited_ms: self.patience.as_millis() as u64 })
            }
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }

    /// Takes a segment in which nothing will be written any more.
    pub(super) fn retire(&self, segment: Segment) {
        if let Some(done) = &self.done {
            // A helper that has gone leaves the unmapping to this thread.
            let _ = done.send(segment);
        }
    }

    pub(super) fn stalls(&self) -> Stalls {
        self.stalls
    }
}

impl Drop for Supply {
    /// Waits for the helper, so that nobody touches the folder afterwards.
    fn drop(&mut self) {
        self.ready = None;
        self.done = None;
        if let Some(helper) = self.helper.take() {
            // It has nothing to say that was not said through the channel.
            let _ = helper.join();
        }
    }
}

fn serve(
    first: u32,
    make: &mut Make,
    offer: &SyncSender<Result<Segment, Error>>,
    used_up: &Receiver<Segment>,
    folder: &std::path::Path,
) {
    for index in first.. {
        let segment = make(index);
        let last = segment.is_err();
        if let Err(refused) = offer.send(segment) {
            // The writer has gone: what was made for it is not part of the journal.
            if let Ok(segment) = refused.0 {
                drop(segment);
                let _ = std::fs::remove_file(super::journal_file(folder, index));
            }
            return;
        }
        if last {
            return;
        }
        used_up.try_iter().for_each(drop);
    }
}
