//! What the stream's own limits have evicted: left out of what is waited for, told at the end, and to who follows the ledger again and again.
//!
//! Which messages that are is the verdict's to say (`verdict/eviction.rs`).

use std::time::Duration;

use async_nats::jetstream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::Conductor;
use crate::clock;
use crate::driver::Error;
use crate::driver::look::Seen;
use crate::driver::provision::gone;
use crate::model::gone::Gone;
use crate::model::story::StoryEvent;
use crate::model::time::MonoNs;

/// How often the stream is asked what it holds no more, while the ledger is followed.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// An answer that takes longer than that is not waited for: the server may be paused.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// As many answers wait to be taken at most.
const ANSWERS: usize = 4;

/// Asks the stream again and again, beside all else: who conducts a run does not wait for a server.
pub(super) struct Evictions {
    answers: mpsc::Receiver<(MonoNs, Gone)>,
    asking: JoinHandle<()>,
}

impl Evictions {
    /// Begins to ask the stream `name`.
    fn ask(jetstream: jetstream::Context, name: String) -> Self {
        let (answer, answers) = mpsc::channel(ANSWERS);
        let asking = tokio::spawn(async move {
            loop {
                let at = clock::now();
                // One that does not answer is asked again: until then nothing is judged that happened since.
                if let Ok(Ok((gone, _))) = tokio::time::timeout(ANSWER_WITHIN, gone(&jetstream, &name)).await
                    && answer.send((at, gone)).await.is_err()
                {
                    return;
                }
                tokio::time::sleep(ASK_EVERY).await;
            }
        });
        Self { answers, asking }
    }
}

impl Drop for Evictions {
    fn drop(&mut self) {
        self.asking.abort();
    }
}

impl Conductor<'_> {
    /// Begins to ask what the stream holds no more, where it may evict and the ledger is followed.
    pub(super) async fn begin_to_ask_what_is_gone(&mut self) -> Result<(), Error> {
        if self.plan.stream.evicts() && self.ground.is_watched() {
            let (at, gone) = (clock::now(), self.ground.gone().await?);
            self.ground.tell_watcher(at, StoryEvent::Gone { gone });
            self.evictions = Some(Evictions::ask(self.ground.jetstream().clone(), self.ground.name().to_owned()));
        }
        Ok(())
    }

    /// Hands on what was answered.
    pub(super) fn hear_what_is_gone(&mut self) {
        while let Some((at, gone)) = self.evictions.as_mut().and_then(|evictions| evictions.answers.try_recv().ok()) {
            self.ground.tell_watcher(at, StoryEvent::Gone { gone });
        }
    }

    /// A look that knows what the stream's limits have evicted: that waits for nobody.
    pub(super) async fn seen(&mut self) -> Seen {
        let seen = self.look.refresh();
        if seen.backlog == 0 || !self.plan.stream.evicts() {
            return seen;
        }
        // A server that does not answer now is asked again at the next look.
        self.ground.gone().await.map_or(seen, |gone| self.look.forget(&gone))
    }

    /// Tells what the stream's limits have evicted, where they may. Without that nothing can be said of order or loss.
    pub(super) async fn tell_what_is_gone(&mut self) -> Result<(), Error> {
        self.evictions = None;
        if !self.plan.stream.evicts() {
            return Ok(());
        }
        let unknown = if self.asked_twice() || self.ground.majority_has_ended() {
            "nobody was asked any more".to_owned()
        } else {
            match self.ground.gone().await {
                Ok(gone) => return self.ground.tell(StoryEvent::Gone { gone }),
                Err(error) => error.to_string(),
            }
        };
        let reason = format!("what the stream's limits evicted is not known: {unknown}");
        self.ground.tell(StoryEvent::Damage { reason })
    }
}
