//! What the stream's own limits have evicted: left out of what is waited for, and told at the end.
//!
//! Which messages that are is the verdict's to say (`verdict/eviction.rs`).

use super::Conductor;
use crate::driver::Error;
use crate::driver::look::Seen;
use crate::model::story::StoryEvent;

impl Conductor<'_> {
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
