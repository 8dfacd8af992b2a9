//! Where a handler writes its effects, so that none is ever stored behind one of a later owner.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::{Client, HeaderMap, Request, header};
use bytes::Bytes;
use futures_util::future::try_join_all;
use tokio::sync::Mutex;

use crate::fence::Answer;
use crate::shell::sink::{RETRY_AFTER, Sink};

/// "Nats-Expected-Last-Subject-Sequence-Subject": the subject that the expected sequence is about (nats-server 2.11).
const EXPECTED_SUBJECT: &str = "Nats-Expected-Last-Subject-Sequence-Subject";
/// How often a write is sent while others are in its way.
const ATTEMPTS_MAX: u32 = 100;
/// As many messages fit into one atomic batch (nats-server's default limit).
const BATCH_MAX: usize = 1000;

/// One message to be written to the sink.
#[derive(Clone, Debug)]
pub struct Effect {
    subject: String,
    headers: HeaderMap,
    payload: Bytes,
}

impl Effect {
    /// A message to `subject`, which the sink's stream must store.
    pub fn new(subject: impl Into<String>, payload: impl Into<Bytes>) -> Self {
        Self { subject: subject.into(), headers: HeaderMap::new(), payload: payload.into() }
    }

    /// With an id by which the stream recognises a second copy within its duplicate window: what a repeated message causes
    /// is then stored once. Made of the message it comes from, such as its stream sequence.
    #[must_use]
    pub fn id(mut self, id: impl AsRef<str>) -> Self {
        self.headers.insert(NATS_MESSAGE_ID, id.as_ref());
        self
    }

    /// With a header of the application's own.
    #[must_use]
    pub fn header(mut self, name: impl async_nats::header::IntoHeaderName, value: impl AsRef<str>) -> Self {
        self.headers.insert(name, value.as_ref());
        self
    }
}

/// Why an effect was not written.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutputError {
    /// A successor has put up its fence: the partition is lost, nothing of this epoch will ever be stored again. Return an error
    /// from the handler; it will not be called again in this epoch.
    #[error("partition {partition} has a later owner than epoch {epoch}: the effect was refused")]
    Fenced {
        /// The partition.
        partition: u32,
        /// The epoch that is over.
        epoch: u64,
    },
    /// Nobody knows: the effect may be stored, may be stored yet, or never. Writing it again is safe with an [`id`](Effect::id).
    #[error("no answer whether the effect was stored: {0}")]
    Unknown(String),
    /// The server refused it for a reason of its own, such as a full stream. Of several, some may be stored.
    #[error("the server refused the effect (error {0}): see its errors.json")]
    Refused(u64),
    /// Others were in the way for too long. It is not stored.
    #[error("other writes were in the way of the effect {0} times")]
    Busy(u32),
}

/// Writes effects under the fence of one epoch of one partition. Cheap to clone; good until the epoch ends.
#[derive(Clone)]
pub struct Output(Arc<Inner>);

struct Inner {
    client: Client,
    sink: Sink,
    partition: u32,
    epoch: u64,
    fence_subject: String,
    fence_sequence: String,
    timeout: Duration,
    fenced: AtomicBool,
    /// On replicated streams one write at a time: a second one with the same expectation would be refused while the first is agreed on.
    turn: Mutex<()>,
}

impl fmt::Debug for Output {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { partition, epoch, fence_sequence, .. } = &*self.0;
        write!(formatter, "Output(partition {partition}, epoch {epoch}, fence {fence_sequence})")
    }
}

impl Output {
    pub(crate) fn new(
        client: Client,
        sink: Sink,
        (partition, epoch): (u32, u64),
        fence_sequence: u64,
        timeout: Duration,
    ) -> Self {
        Self(Arc::new(Inner {
            client,
            fence_subject: sink.fence_subject(partition),
            fence_sequence: fence_sequence.to_string(),
            sink,
            partition,
            epoch,
            timeout,
            fenced: AtomicBool::new(false),
            turn: Mutex::default(),
        }))
    }

    /// Whether an effect of this epoch was refused.
    pub(crate) fn is_fenced(&self) -> bool {
        self.0.fenced.load(Ordering::Acquire)
    }

    /// Writes one effect, and answers its sequence in the sink: it is stored, and was before any effect of a later epoch.
    ///
    /// # Errors
    /// [`OutputError`]; after [`OutputError::Fenced`] every write of this epoch fails with it.
    pub async fn write(&self, effect: Effect) -> Result<u64, OutputError> {
        let _turn = if self.0.sink.is_alone { None } else { Some(self.0.turn.lock().await) };
        self.write_in_turn(effect).await
    }

    /// Writes several effects. Where the sink takes atomic batches (`allow_atomic`, nats-server 2.12), a thousand at a time are stored
    /// whole or not at all, with one check of the fence; on one replica they are sent at once; else one by one. Answers the last sequence, 0 for none.
    ///
    /// # Errors
    /// [`OutputError`]; without atomic batches, or above a thousand, some of the effects may be stored.
    pub async fn write_all(&self, effects: Vec<Effect>) -> Result<u64, OutputError> {
        let inner = &*self.0;
        let mut last = 0;
        if inner.sink.is_atomic && effects.len() > 1 {
            let _turn = inner.turn.lock().await;
            let mut rest = effects.into_iter().peekable();
            while rest.peek().is_some() {
                last = self.write_batch(rest.by_ref().take(BATCH_MAX).collect()).await?;
            }
        } else if inner.sink.is_alone {
            let stored = try_join_all(effects.into_iter().map(|effect| self.write_in_turn(effect))).await?;
            last = stored.into_iter().max().unwrap_or(0);
        } else {
            let _turn = inner.turn.lock().await;
            for effect in effects {
                last = self.write_in_turn(effect).await?;
            }
        }
        Ok(last)
    }

    async fn write_in_turn(&self, effect: Effect) -> Result<u64, OutputError> {
        self.persist(async || self.send(&effect, self.expecting(&effect)).await).await
    }

    async fn write_batch(&self, effects: Vec<Effect>) -> Result<u64, OutputError> {
        self.persist(async || {
            // A batch that was refused is over: the next attempt is another one.
            let id = uuid::Uuid::new_v4().simple().to_string();
            let count = effects.len();
            for (number, effect) in (1..).zip(&effects) {
                // The first carries the expectation, for all of them: the server looks at it when the batch is committed.
                let mut headers = if number == 1 { self.expecting(effect) } else { effect.headers.clone() };
                headers.insert(header::NATS_BATCH_ID, id.as_str());
                headers.insert(header::NATS_BATCH_SEQUENCE, number.to_string().as_str());
                if number == count {
                    headers.insert(header::NATS_BATCH_COMMIT, header::NATS_BATCH_COMMIT_FINAL);
                    return self.send(effect, headers).await;
                }
                let (subject, payload) = (effect.subject.clone(), effect.payload.clone());
                let staged = self.0.client.publish_with_headers(subject, headers, payload).await;
                staged.map_err(|error| OutputError::Unknown(error.to_string()))?;
            }
            Ok(Answer::Unreadable)
        })
        .await
    }

    /// Sends until there is an answer that decides, a bounded number of times.
    async fn persist(&self, send: impl AsyncFn() -> Result<Answer, OutputError>) -> Result<u64, OutputError> {
        let Inner { partition, epoch, .. } = *self.0;
        for _ in 0..ATTEMPTS_MAX {
            if self.is_fenced() {
                break;
            }
            match send().await? {
                Answer::Stored(sequence) | Answer::Duplicate(sequence) => return Ok(sequence),
                Answer::Fenced => self.0.fenced.store(true, Ordering::Release),
                Answer::Retry => tokio::time::sleep(RETRY_AFTER).await,
                Answer::Refused(number) => return Err(OutputError::Refused(number)),
                Answer::Unreadable => return Err(OutputError::Unknown("it cannot be read".to_owned())),
            }
        }
        Err(if self.is_fenced() { OutputError::Fenced { partition, epoch } } else { OutputError::Busy(ATTEMPTS_MAX) })
    }

    async fn send(&self, effect: &Effect, headers: HeaderMap) -> Result<Answer, OutputError> {
        let request = Request::new().headers(headers).payload(effect.payload.clone()).timeout(Some(self.0.timeout));
        let answer = self.0.client.send_request(effect.subject.clone(), request).await;
        answer.map(|answer| Answer::read(&answer.payload)).map_err(|error| OutputError::Unknown(error.to_string()))
    }

    fn expecting(&self, effect: &Effect) -> HeaderMap {
        let mut headers = effect.headers.clone();
        headers.insert(header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, self.0.fence_sequence.as_str());
        headers.insert(EXPECTED_SUBJECT, self.0.fence_subject.as_str());
        headers
    }
}
