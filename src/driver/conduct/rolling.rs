//! A rolling restart: whose turn it is, and when the next one's comes. Each turn is a strike of its own, so that each has a
//! window of its own, and all of them together are a distribution.

use std::collections::VecDeque;

use super::Conductor;
use crate::clock;
use crate::driver::Error;
use crate::driver::scene::Scene;
use crate::fault::rolling::Of;
use crate::fault::{self, Deed, State};
use crate::model::story::StoryEvent;
use crate::model::time::{MonoNs, SpanNs};

/// A rolling restart that is under way.
pub(super) struct Rolling {
    of: Of,
    turns: VecDeque<u16>,
    rest: SpanNs,
    /// Whose turn it is.
    current: u16,
    /// When the next turn comes, once the current one is well again.
    next_at: Option<MonoNs>,
}

impl Rolling {
    /// When the next turn comes, as far as that is known.
    pub(super) fn next_at(&self) -> Option<MonoNs> {
        self.next_at
    }
}

impl Conductor<'_> {
    /// Begins one. Returns who is first, or why it cannot begin.
    pub(super) async fn begin_rolling(
        &mut self,
        id: u32,
        of: Of,
        turns: Vec<u16>,
        rest: SpanNs,
    ) -> Result<Result<Option<String>, String>, Error> {
        if self.rolling.is_some() {
            return Ok(Err("another rolling restart is under way".to_owned()));
        }
        let mut turns: VecDeque<u16> = turns.into();
        let Some(current) = turns.pop_front() else { return Ok(Err("nobody is there to be restarted".to_owned())) };
        self.rolling = Some(Rolling { of, turns, rest, current, next_at: None });
        self.restart_one(id, of, current).await.map(Ok)
    }

    /// Gives the next one his turn when the one before is well again and has rested.
    pub(super) async fn see_to_rolling(&mut self, now: MonoNs) -> Result<(), Error> {
        let Some(rolling) = &self.rolling else { return Ok(()) };
        let well = match rolling.of {
            Of::Servers => self.nodes.is_up(rolling.current),
            Of::Members => {
                let member = self.fleet.member_mut(rolling.current);
                // Who went another way, by a fault of another kind, is not waited for.
                member.is_none_or(|member| match member.state {
                    State::Live => member.ready,
                    State::Stopping => member.ended && !self.restarts.contains(&rolling.current),
                    State::Paused => false,
                    State::Dead { .. } | State::Left => !self.restarts.contains(&rolling.current),
                })
            }
        };
        let Some(rolling) = &mut self.rolling else { return Ok(()) };
        if !well {
            return Ok(());
        }
        let next_at = *rolling.next_at.get_or_insert(now + rolling.rest);
        if now < next_at {
            return Ok(());
        }
        rolling.next_at = None;
        let Some(current) = rolling.turns.pop_front() else {
            self.rolling = None;
            return Ok(());
        };
        rolling.current = current;
        let of = rolling.of;
        let id = self.next_fault;
        self.next_fault += 1;
        let at = clock::now();
        let struck: Vec<String> = self.restart_one(id, of, current).await?.into_iter().collect();
        let kind = fault::rolling::ABOUT.kind.to_owned();
        if struck.is_empty() {
            let reason = format!("number {current} is not there any more");
            return self.ground.tell(StoryEvent::FaultSkipped { id, kind, reason });
        }
        let what = format!("{kind} {}", struck.join(", "));
        (self.show)(&Scene::Fault { at: at.since(self.begin).into(), what });
        let delivered: Vec<_> = struck.clone();
        self.ground.tell_at(at, StoryEvent::Fault { id, kind, target: "all".to_owned(), struck })?;
        for process in delivered {
            self.ground.tell(StoryEvent::Delivered { id, process })?;
        }
        Ok(())
    }

    /// Restarts one of them in good order. Returns its name.
    async fn restart_one(&mut self, id: u32, of: Of, number: u16) -> Result<Option<String>, Error> {
        match of {
            Of::Servers if self.nodes.is_up(number) => Ok(self.strike_node(id, number, Deed::Restart)),
            Of::Servers => Ok(None),
            Of::Members => {
                if self.fleet.member_mut(number).is_none_or(|member| member.state != State::Live) {
                    return Ok(None);
                }
                let struck = self.strike_member(id, &fault::Order::Restart { member: number }).await?;
                Ok(struck.map(|author| author.to_string()))
            }
        }
    }
}
