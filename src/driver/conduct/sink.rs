//! Reads the sink back when nobody writes into it any more.

use std::time::Duration;

use tokio::time::Instant;

use super::Conductor;
use crate::driver::Error;
use crate::model::story::StoryEvent;
use crate::strategy::effects;

/// How long all effects may take to be read.
const READ_WITHIN: Duration = Duration::from_secs(60);
/// Between two attempts.
const AGAIN_AFTER: Duration = Duration::from_millis(500);
/// So many runs are told in one line of the story.
const TOLD_AT_ONCE: usize = 1000;

impl Conductor<'_> {
    /// Tells what the sink holds. One that cannot be read leaves stale effects unjudged, and that is told.
    pub(super) async fn read_effects(&mut self) -> Result<(), Error> {
        if self.plan.strategy.sink() == effects::Sink::None {
            return Ok(());
        }
        // Members that did not leave in time may still write.
        self.end_all().await?;
        let unread = "the effects were not read back: there was no time, or no server".to_owned();
        if self.asked_twice() || self.ground.majority_has_ended() {
            return self.ground.tell(StoryEvent::Note { text: unread });
        }
        let prefix = self.ground.subjects().partitions.clone();
        let (jetstream, name) = (self.ground.jetstream(), self.ground.name());
        let deadline = Instant::now() + READ_WITHIN;
        // Nobody writes any more, so what a cluster cannot say while it elects it says a moment later.
        let read = async {
            loop {
                let read = effects::read_back(jetstream, name, &prefix, deadline - Instant::now()).await;
                if read.is_ok() || Instant::now() + AGAIN_AFTER >= deadline {
                    return read;
                }
                tokio::time::sleep(AGAIN_AFTER).await;
            }
        };
        let mut stop = self.stop.clone();
        let read = tokio::select! {
            read = read => read,
            Ok(_) = stop.wait_for(|times| *times >= 2) => Err(unread),
        };
        match read {
            Ok((runs, effects)) => {
                for runs in runs.chunks(TOLD_AT_ONCE) {
                    self.ground.tell(StoryEvent::Effects { runs: runs.to_vec() })?;
                }
                self.ground.tell(StoryEvent::EffectsRead { effects })
            }
            Err(text) => self.ground.tell(StoryEvent::Note { text }),
        }
    }
}
