//! Reads the stream back when nobody publishes any more: what it holds is the truth of what was stored.
//!
//! Only a stream that keeps what was handled can say that. What it holds is written into a file of the run folder, what of it matters is the
//! verdict's to say (`verdict/truth.rs`).

use std::time::Duration;

use async_nats::jetstream::stream::{RawMessageErrorKind, Stream};
use async_nats::jetstream::{self, consumer};
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::Conductor;
use crate::driver::Error;
use crate::driver::provision::answers;
use crate::evidence::StoredWriter;
use crate::model::payload;
use crate::model::stored::{Extent, StoredMessage};
use crate::model::story::StoryEvent;
use crate::model::time::MonoNs;
use crate::profile::Keep;

/// Most messages that one pull brings.
const READ_AT_ONCE: u64 = 5000;
/// And so many bytes: more would fill memory.
const BYTES_AT_ONCE: u64 = 32 << 20;
/// Between pulls of a stream that says it has more and gives nothing.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a replica may take to get what its leader has, when nothing is published any more.
const CATCHES_UP_WITHIN: Duration = Duration::from_secs(3);
const TOO_LONG: &str = "it took too long (run.read-back)";
/// What whoever lists the stream's consumers meanwhile is told of this one.
const DESCRIPTION: &str = "jetlag reads the stream back";
/// The server forgets the consumer after so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

impl Conductor<'_> {
    /// Reads the stream back where that says what was stored, and tells how far it came, as of `over`.
    pub(super) async fn read_stream(&mut self, over: MonoNs) -> Result<(), Error> {
        let told = match self.why_unread() {
            Some(reason) => StoryEvent::StreamNotRead { reason: format!("{reason}{}", self.last_sequence().await) },
            // A disk that is full now takes nothing from what was recorded before.
            None => self
                .read_what_it_holds()
                .await
                .unwrap_or_else(|error| StoryEvent::StreamNotRead { reason: error.to_string() }),
        };
        self.ground.tell_at(over, told)
    }

    /// What a stream that evicts says all the same of how much it ever stored, where the journals were followed.
    async fn last_sequence(&self) -> String {
        if self.plan.keep_evidence != Keep::Violations || self.asked_twice() || !answers(self.ground.jetstream()) {
            return String::new();
        }
        match self.ground.gone_and_last().await {
            Ok((_, last)) => format!("; the stream's last sequence is {last}"),
            Err(_) => String::new(),
        }
    }

    /// Why the stream is not read back, as the end of a sentence.
    fn why_unread(&self) -> Option<&'static str> {
        if let Some(why) = self.plan.why_not_read_back() {
            Some(why)
        } else if self.asked_twice() {
            Some("the user asked twice to stop")
        } else if self.ground.majority_has_ended() || !answers(self.ground.jetstream()) {
            Some("no server was left to read it from")
        } else {
            None
        }
    }

    async fn read_what_it_holds(&mut self) -> Result<StoryEvent, Error> {
        let mut reading = Reading {
            writer: self.ground.stored()?,
            run_tag: self.ground.run_tag(),
            extent: Extent { messages: 0, through: 0, last: u64::MAX },
        };
        let deadline = Instant::now() + Duration::from(self.plan.phases.read_back_max);
        let at_once = (BYTES_AT_ONCE / u64::from(self.plan.load.payload_bytes.max(1))).clamp(1, READ_AT_ONCE);
        let mut stop = self.stop.clone();
        let read = tokio::select! {
            read = reading.read(self.ground.jetstream(), self.ground.name(), at_once, deadline) => read?,
            Ok(_) = stop.wait_for(|times| *times >= 2) => Some("the user asked twice to stop".to_owned()),
        };
        let Reading { writer, extent, .. } = reading;
        writer.finish()?;
        if extent.last == u64::MAX {
            return Ok(StoryEvent::StreamNotRead { reason: read.unwrap_or_default() });
        }
        if let Some(reason) = read {
            let text =
                format!("the stream was read back up to sequence {} of {}: {reason}", extent.through, extent.last);
            self.ground.tell(StoryEvent::Note { text })?;
        }
        Ok(StoryEvent::StreamRead { extent })
    }
}

/// A stream that is being read.
struct Reading {
    writer: StoredWriter,
    run_tag: u64,
    /// How far; the last sequence is not known before the stream was asked.
    extent: Extent,
}

impl Reading {
    /// Reads until the end or the deadline; answers why it came to no end.
    async fn read(
        &mut self,
        jetstream: &jetstream::Context,
        name: &str,
        at_once: u64,
        deadline: Instant,
    ) -> Result<Option<String>, Error> {
        let opened = timeout_at(deadline, open(jetstream, name)).await;
        let (stream, consumer, last) = match opened {
            Ok(Ok(opened)) => opened,
            Ok(Err(why)) => return Ok(Some(why)),
            Err(_) => return Ok(Some(TOO_LONG.to_owned())),
        };
        self.extent.last = last;
        let mut waiting = consumer.cached_info().num_pending;
        let mut behind_until = None;
        loop {
            if waiting == 0 {
                // The consumer is on one of the replicas. It may not have got everything yet that the leader has.
                match timeout_at(deadline, is_behind(&stream, self.extent.through, last)).await {
                    Ok(Ok(false)) => break,
                    Ok(Ok(true)) => {}
                    Ok(Err(why)) => return Ok(Some(why)),
                    Err(_) => return Ok(Some(TOO_LONG.to_owned())),
                }
                let until = *behind_until.get_or_insert_with(|| Instant::now() + CATCHES_UP_WITHIN);
                if Instant::now() >= until {
                    return Ok(Some("the replica that was read is behind its leader".to_owned()));
                }
                waiting = 1;
                tokio::time::sleep(PAUSE).await;
            }
            let batch = usize::try_from(waiting.min(at_once)).unwrap_or(1);
            match timeout_at(deadline, self.pull(&consumer, batch)).await {
                Ok(Ok(Some(left))) => waiting = left,
                Ok(Ok(None)) if behind_until.is_some() => waiting = 0,
                Ok(Ok(None)) => tokio::time::sleep(PAUSE).await,
                Ok(Err(Trouble::Server(why))) => return Ok(Some(why)),
                Ok(Err(Trouble::Disk(error))) => return Err(error),
                Err(_) => return Ok(Some(TOO_LONG.to_owned())),
            }
            if Instant::now() >= deadline && waiting > 0 {
                return Ok(Some(TOO_LONG.to_owned()));
            }
        }
        self.extent.through = last;
        // One that is still there is forgotten by itself.
        let forgotten = jetstream.delete_consumer_from_stream(&consumer.cached_info().name, name);
        let _ = timeout_at(deadline, forgotten).await;
        Ok(None)
    }

    /// One pull; answers how many messages are left, when any came.
    async fn pull(&mut self, consumer: &Consumer, batch: usize) -> Result<Option<u64>, Trouble> {
        let server = |error: &dyn std::fmt::Display| Trouble::Server(error.to_string());
        let fetched = consumer.fetch().max_messages(batch).messages().await;
        let mut messages = fetched.map_err(|error| server(&error))?;
        let mut left = None;
        while let Some(message) = messages.next().await {
            let message = message.map_err(|error| server(&error))?;
            let info = message.info().map_err(|error| server(&error))?;
            let (stream_seq, pending) = (info.stream_sequence, info.pending);
            let header = payload::decode(&message.payload).ok().filter(|header| header.run_tag == self.run_tag);
            let (key, key_seq) = header.map_or((0, 0), |header| (header.key, header.key_seq));
            self.writer
                .append(StoredMessage { stream_seq, key, key_seq })
                .map_err(|error| Trouble::Disk(error.into()))?;
            self.extent.messages += 1;
            self.extent.through = stream_seq;
            left = Some(pending);
        }
        Ok(left)
    }
}

type Consumer = consumer::Consumer<consumer::pull::Config>;

/// Why a pull failed.
enum Trouble {
    /// The server has it.
    Server(String),
    /// The evidence cannot be written.
    Disk(Error),
}

/// Whether the leader holds a last message that was not read: what is not there any more cannot be read.
async fn is_behind(stream: &Stream, through: u64, last: u64) -> Result<bool, String> {
    if through >= last {
        return Ok(false);
    }
    match stream.get_raw_message(last).await {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(false),
        Err(error) => Err(error.to_string()),
    }
}

/// The stream, a consumer of all of it, and its last sequence.
async fn open(jetstream: &jetstream::Context, name: &str) -> Result<(Stream, Consumer, u64), String> {
    let stream = jetstream.get_stream(name).await.map_err(|error| error.to_string())?;
    let last = stream.cached_info().state.last_sequence;
    let config = consumer::pull::Config {
        description: Some(DESCRIPTION.to_owned()),
        ack_policy: consumer::AckPolicy::None,
        memory_storage: true,
        num_replicas: 1,
        inactive_threshold: FORGOTTEN_AFTER,
        ..Default::default()
    };
    let consumer = stream.create_consumer(config).await.map_err(|error| error.to_string())?;
    Ok((stream, consumer, last))
}
