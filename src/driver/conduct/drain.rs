//! The drain: until everything stored has been handled, or the profile's limit.

use super::Conductor;
use crate::clock;
use crate::driver::Error;
use crate::model::gone::Gone;
use crate::model::manifest::Confirmation;
use crate::model::story::StoryEvent;
use crate::model::time::{MonoNs, SpanNs};
use crate::strategy::handler::{OnFailure, Time};

/// How often the journals are looked into while the last messages are waited for.
const LOOK_EVERY: SpanNs = SpanNs(200_000_000);
/// A fleet to which not everything comes back and that has handled nothing for so long, ten times what a handler takes, and
/// as long as redeliveries may take, is done: what it has not got by then it never gets.
const REST: SpanNs = SpanNs(2_000_000_000);

impl Conductor<'_> {
    /// Waits until everything stored has been handled, or for as long as the profile allows. Where nothing is promised
    /// to be delivered at all, the fleet's rest is the end.
    pub(super) async fn drain(&mut self) -> Result<(), Error> {
        let bound = clock::now() + self.plan.phases.drain_max;
        let stores = self.plan.confirmation() == Confirmation::Stored;
        let comes_back = stores && self.plan.promises().at_least_once;
        let (mut handled, mut since) = (0, MonoNs(0));
        let (mut asked, mut missed) = (MonoNs(0), None);
        while self.goes_on() && clock::now() < bound {
            let seen = self.seen().await;
            if seen.backlog == 0 {
                return Ok(());
            }
            let now = clock::now();
            if since.0 == 0 || seen.handled != handled {
                (handled, since) = (seen.handled, now);
            }
            if !comes_back && now.since(since) > self.rest() {
                return Ok(());
            }
            if now.since(since.max(asked)) > REST {
                asked = now;
                self.leave_out_what_is_gone(&mut missed).await;
            }
            let pause = now + LOOK_EVERY;
            while self.goes_on() && clock::now() < pause {
                self.step(pause).await?;
            }
        }
        let waiting = self.seen().await.backlog;
        if self.goes_on() && waiting > 0 {
            self.ground.tell(StoryEvent::DrainCut { waiting })?;
        }
        Ok(())
    }

    /// A fleet rests although messages wait: what the stream does not hold any more waits in vain, whoever removed it. Believed
    /// when it is said twice in a row, because a server that has just come up may not know everything yet.
    async fn leave_out_what_is_gone(&mut self, missed: &mut Option<(Gone, u64)>) {
        if self.plan.why_not_read_back().is_some() {
            return;
        }
        let Ok(found) = self.ground.gone_and_last().await else { return };
        if missed.as_ref() == Some(&found) {
            self.look.place_what_waits();
            let (gone, last) = &found;
            self.look.forget_what(|stream_seq| gone.contains(stream_seq) || stream_seq > *last);
        }
        *missed = Some(found);
    }

    fn rest(&self) -> SpanNs {
        let handler = match self.plan.fleet.handler.time {
            Time::None => SpanNs(0),
            Time::Fixed(time) | Time::Exponential(time) => time,
            Time::Bimodal { usual, slow, .. } => usual.max(slow),
        };
        let times = self.plan.strategy.max_deliver().unwrap_or(1);
        let given_back = match self.plan.fleet.handler.on_failure() {
            Some(OnFailure::NakDelay(delay)) => delay.0.saturating_mul(times.into()),
            _ => 0,
        };
        let comes_again = SpanNs::from(self.plan.strategy.redelivers_within()).0.max(given_back);
        SpanNs(REST.0.saturating_add(handler.0.saturating_mul(10)).saturating_add(comes_again))
    }
}
