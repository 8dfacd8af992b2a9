//! What is waited to be seen of a fault after it was delivered: that a process is gone, ready or stopped.

use super::Conductor;
use crate::driver::Error;
use crate::fault::Order;
use crate::model::record::Author;
use crate::model::story::StoryEvent;
use crate::model::time::MonoNs;

/// What shows that a fault took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::driver) enum Effect {
    /// The process has ended.
    Gone,
    /// The process is stopped.
    Stopped,
    /// The process said that it is ready.
    Ready,
}

impl Effect {
    /// What shows that `order` took effect, where the driver sees it by itself.
    pub(super) fn of(order: &Order) -> Option<Self> {
        match order {
            Order::Kill { .. } | Order::Terminate { .. } | Order::Restart { .. } | Order::Leave { .. } => {
                Some(Self::Gone)
            }
            Order::Start { .. } | Order::Join { .. } => Some(Self::Ready),
            Order::Pause { .. } => Some(Self::Stopped),
            // Of servers their own file tells, of a cut the relay, of a slow handler the member.
            _ => None,
        }
    }

    fn words(self) -> &'static str {
        match self {
            Self::Gone => "the process had ended",
            Self::Stopped => "the process was stopped",
            Self::Ready => "the member said that it is ready",
        }
    }
}

impl Conductor<'_> {
    /// Fault `id` was delivered to `author`: its effect is to be seen.
    pub(super) fn await_effect(&mut self, id: u32, author: Author, effect: Effect) {
        self.effects.push((id, author, effect));
        if effect == Effect::Stopped {
            self.fleet.look_until_stopped(author);
        }
    }

    /// Something was seen of `author`: tells it of each fault that it is the effect of.
    pub(super) fn note_effect(&mut self, author: Author, effect: Effect, at: MonoNs) -> Result<(), Error> {
        let is_it = |seen: &mut (u32, Author, Effect)| seen.1 == author && seen.2 == effect;
        let seen: Vec<_> = self.effects.extract_if(.., is_it).collect();
        for (id, ..) in seen {
            let (process, what) = (author.to_string(), effect.words().to_owned());
            self.ground.tell_at(at, StoryEvent::Observed { id, process, what })?;
        }
        Ok(())
    }
}
