//! The desk: where a member handles a message and writes down that it did, whatever the strategy.
//!
//! It plays the handler's time, checks the payload, applies what it says to its account where there are accounts, and
//! journals start, end, commits and ownership. It decides nothing.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tokio::sync::watch;

use super::accounts::{self, Accounts};
use super::handler::{Handler, OnFailure, Time, Work};
use crate::clock::burn::burn;
use crate::clock::{self, alarm::Alarm};
use crate::evidence::{self, Writer};
use crate::fault::Slowness;
use crate::model::payload;
use crate::model::record::{Handling, Life, LifeEvent, Ownership, OwnershipChange, Record};
use crate::model::time::MonoNs;

/// The journal of a process, shared between the threads that write it.
///
/// A lock that nobody contends for costs two atomic instructions, which wait for the stores before them; control threads write a few records a second.
#[derive(Clone)]
pub struct Notebook {
    /// `None` when it has been closed.
    writer: Arc<Mutex<Option<Writer>>>,
    holdings: watch::Sender<BTreeSet<u16>>,
}

impl Notebook {
    /// Shares `writer`.
    #[must_use]
    pub fn new(writer: Writer) -> Self {
        Self { writer: Arc::new(Mutex::new(Some(writer))), holdings: watch::Sender::default() }
    }

    /// The partitions that the member believes to own, as they change.
    #[must_use]
    pub fn holdings(&self) -> watch::Receiver<BTreeSet<u16>> {
        self.holdings.subscribe()
    }

    /// Appends a change of ownership, and keeps [`holdings`](Self::holdings) up to date.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn ownership(&self, ownership: Ownership) -> Result<(), evidence::Error> {
        self.append(Record::Ownership(ownership))?;
        self.holdings.send_if_modified(|held| match ownership.change {
            OwnershipChange::Granted { .. } => held.insert(ownership.partition),
            OwnershipChange::Released | OwnershipChange::Lost => held.remove(&ownership.partition),
            _ => false,
        });
        Ok(())
    }

    /// Does something with the writer; `None` after it was closed.
    pub fn with<T>(&self, deed: impl FnOnce(&mut Writer) -> T) -> Option<T> {
        // A thread that panicked while writing left at worst one unpublished record: the journal is still good.
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).as_mut().map(deed)
    }

    /// Closes the journal in good order. What is written afterwards, by a thread that is late, is dropped.
    ///
    /// # Errors
    /// When the last segment cannot be cut to its size.
    pub fn close(&self) -> Result<(), evidence::Error> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner).take().map_or(Ok(()), Writer::close)
    }

    /// Appends a record.
    ///
    /// # Errors
    /// When the disk is full or the journal's helper died: the run is invalid, the process should end.
    pub fn append(&self, record: Record) -> Result<(), evidence::Error> {
        self.with(|writer| writer.append(&record)).unwrap_or(Ok(()))
    }

    /// Writes down an event in the life of the process, now.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn life(&self, event: LifeEvent) -> Result<(), evidence::Error> {
        self.append(Record::Life(Life { at: clock::now(), event }))
    }
}

/// How an attempt to handle a message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The handler succeeded.
    Done,
    /// The handler failed, and the message still waits to be handled.
    Failed,
}

/// A message as a strategy hands it over.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// Its payload.
    pub payload: &'a [u8],
    /// Partition that it was delivered in.
    pub partition: u16,
    /// Epoch of the grant; 0 where there is none.
    pub epoch: u32,
    /// Stream sequence; 0 where there is none.
    pub stream_seq: u64,
    /// Consumer sequence; 0 where there is none.
    pub consumer_seq: u64,
    /// Delivery count, from 1.
    pub delivered: u64,
    /// When the read that brought it returned.
    pub received: MonoNs,
    /// When ownership was checked: the start of the handling.
    pub started: MonoNs,
}

/// Where one member handles its messages.
pub struct Desk {
    notebook: Notebook,
    run_tag: u64,
    handler: Handler,
    random: RefCell<ChaCha8Rng>,
    /// Alarms not in use: one a handling that is under way.
    alarms: RefCell<Vec<Alarm>>,
    /// The accounts that messages are applied to, where they are kept in a store.
    accounts: Option<Accounts>,
    /// How slow the handler is, while it is.
    slowness: Cell<Option<Slowness>>,
}

impl Desk {
    /// A desk that writes into `notebook`. `seed` draws the handler times.
    #[must_use]
    pub fn new(notebook: Notebook, run_tag: u64, handler: Handler, seed: u64) -> Self {
        Self {
            notebook,
            run_tag,
            handler,
            random: RefCell::new(ChaCha8Rng::seed_from_u64(seed)),
            alarms: RefCell::default(),
            accounts: None,
            slowness: Cell::new(None),
        }
    }

    /// From the next message on the handler is so slow, or as fast as it is by itself.
    pub fn pace(&self, slowness: Option<Slowness>) {
        self.slowness.set(slowness);
    }

    /// The same, with each message applied to its account before its handling ends.
    #[must_use]
    pub fn with_accounts(self, accounts: Option<Accounts>) -> Self {
        Self { accounts, ..self }
    }

    /// Handles one message, again and again until the handler succeeds: for strategies that cannot give one back.
    ///
    /// # Errors
    /// When the journal or the account cannot be written.
    pub async fn handle(&self, delivery: &Delivery<'_>) -> Result<(), Error> {
        let mut again = *delivery;
        for attempt in 1.. {
            match self.attempt(&again, attempt).await? {
                Outcome::Done => break,
                Outcome::Failed => again.started = clock::now(),
            }
        }
        Ok(())
    }

    /// Tries once to handle a message: journals the start, plays the handler, applies the message to its account if the
    /// handler succeeds, journals the end. `attempt` counts from 1 and decides whether a message that fails some times
    /// fails this time.
    ///
    /// # Errors
    /// When the journal or the account cannot be written.
    pub async fn attempt(&self, delivery: &Delivery<'_>, attempt: u64) -> Result<Outcome, Error> {
        if self.takes_no_time() {
            return self.at_once(delivery);
        }
        self.attempt_with(delivery, attempt, async || Ok::<_, Error>(true)).await
    }

    /// Whether a handling has nothing to wait for, and cannot fail.
    #[must_use]
    pub fn takes_no_time(&self) -> bool {
        let handler = &self.handler;
        matches!(handler.time, Time::None)
            && handler.failing.is_none()
            && self.slowness.get().is_none()
            && self.accounts.is_none()
    }

    /// Handles a message in no time: begin and end are journalled as ever, but the journal is locked once for both.
    fn at_once(&self, delivery: &Delivery<'_>) -> Result<Outcome, Error> {
        self.in_one_go(|sitting| sitting.handle(delivery)).unwrap_or(Ok(()))?;
        Ok(Outcome::Done)
    }

    /// Handles messages one after another, each in no time, with the journal locked once for all of them; only while
    /// [`Self::takes_no_time`]. `None` after the journal was closed. `deed` must not write anything else.
    ///
    /// Taking and giving back a lock that nobody contends for waits until all that was stored before has left the core: with a
    /// record each time, that costs more than the record.
    pub(super) fn in_one_go<T>(&self, deed: impl FnOnce(&mut Sitting<'_>) -> T) -> Option<T> {
        self.notebook.with(|writer| deed(&mut Sitting { desk: self, writer }))
    }

    /// The same, with an effect that is written when the handler has succeeded and before its end is journalled: without
    /// it, the handling has failed.
    ///
    /// # Errors
    /// When the journal or the account cannot be written, and what `effect` fails with.
    pub async fn attempt_with<E: From<Error>>(
        &self,
        delivery: &Delivery<'_>,
        attempt: u64,
        effect: impl AsyncFnOnce() -> Result<bool, E>,
    ) -> Result<Outcome, E> {
        let handling = self.handling(delivery);
        let Some(begun) = self.notebook.with(|writer| writer.begin_handling(&handling)) else {
            return Ok(Outcome::Done);
        };
        let slot = begun.map_err(Error::from)?;
        self.work(delivery.started).await.map_err(Error::from)?;
        // What is damaged or a stranger's is no message that was chosen.
        let failing = self.handler.failing.filter(|_| handling.intact);
        let mut fails = failing.is_some_and(|failing| failing.fails(handling.key, handling.key_seq, attempt));
        if !fails {
            self.apply(&handling, delivery.payload).await.map_err(Error::from)?;
            fails = !effect().await?;
        }
        let finished = clock::now();
        self.notebook.with(|writer| writer.finish(slot, finished, !fails));
        Ok(if fails { Outcome::Failed } else { Outcome::Done })
    }

    /// What the handler does.
    #[must_use]
    pub fn handler(&self) -> &Handler {
        &self.handler
    }

    /// Whether a message that the handler failed on is tried again in place.
    #[must_use]
    pub fn retries(&self) -> bool {
        self.handler.on_failure() == Some(OnFailure::Retry)
    }

    /// Applies a message to its account. What is damaged or of another run says nothing that could be applied.
    async fn apply(&self, handling: &Handling, payload: &[u8]) -> Result<(), accounts::Error> {
        let Some(accounts) = &self.accounts else { return Ok(()) };
        match payload::amount(payload) {
            Some(amount) if handling.intact => accounts.apply(&self.notebook, handling, amount).await,
            _ => Ok(()),
        }
    }

    /// The journal.
    #[must_use]
    pub fn notebook(&self) -> &Notebook {
        &self.notebook
    }

    fn handling(&self, delivery: &Delivery<'_>) -> Handling {
        let header = payload::decode(delivery.payload).ok();
        let intact = header.as_ref().is_some_and(|header| header.run_tag == self.run_tag);
        let known = header.as_ref();
        Handling {
            key: known.map_or(u32::MAX, |header| header.key),
            key_seq: known.map_or(0, |header| header.key_seq),
            partition: delivery.partition,
            publisher: known.map_or(u16::MAX, |header| header.publisher),
            epoch: delivery.epoch,
            stream_seq: delivery.stream_seq,
            consumer_seq: delivery.consumer_seq as u32,
            delivered: u8::try_from(delivery.delivered).unwrap_or(u8::MAX),
            intact,
            intended: known.map_or(MonoNs(0), |header| header.intended),
            received: delivery.received,
            started: delivery.started,
            finished: None,
        }
    }

    /// Plays the handler: waits, or keeps a core busy, for as long as it takes this time.
    async fn work(&self, started: MonoNs) -> io::Result<()> {
        let usual = self.handler.time.draw(&mut *self.random.borrow_mut());
        let time = self.slowness.get().map_or(usual, |slowness| slowness.of(usual));
        let Some(span) = time else { return Ok(()) };
        match self.handler.work {
            Work::Wait => self.wait(started.max(clock::now()) + span).await,
            // A thread of its own, as any program gives it that does not want its connection to stand still.
            Work::Cpu => tokio::task::spawn_blocking(move || burn(span)).await.map_err(io::Error::other),
        }
    }

    async fn wait(&self, until: MonoNs) -> io::Result<()> {
        let spare = self.alarms.borrow_mut().pop();
        let mut alarm = match spare {
            Some(alarm) => alarm,
            None => Alarm::new()?,
        };
        alarm.until(until).await?;
        self.alarms.borrow_mut().push(alarm);
        Ok(())
    }
}

/// A desk that has the journal to itself.
pub(super) struct Sitting<'a> {
    desk: &'a Desk,
    writer: &'a mut Writer,
}

impl Sitting<'_> {
    /// Handles a message in no time: its begin and its end are journalled one after the other, as ever.
    pub(super) fn handle(&mut self, delivery: &Delivery<'_>) -> Result<(), evidence::Error> {
        let slot = self.writer.begin_handling(&self.desk.handling(delivery))?;
        self.writer.finish(slot, clock::now(), true);
        Ok(())
    }
}

/// What can go wrong at the desk: the run is invalid then.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The journal cannot be written.
    #[error(transparent)]
    Journal(#[from] evidence::Error),
    /// An account cannot be written.
    #[error(transparent)]
    Accounts(#[from] accounts::Error),
    /// No timer.
    #[error("cannot set a timer for the handler: {0}; raise the limit of open files (ulimit -n)")]
    Timer(#[from] io::Error),
}
