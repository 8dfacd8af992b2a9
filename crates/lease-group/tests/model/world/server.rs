//! The server's side: compare-and-set, consumers, deliveries.

use lease_group::continuity::Position;
use lease_group::state::{Input, Wrote};

use super::{Consumer, Data, Form, Opening, Request, Stage, World};

impl World {
    /// A message of the durable that nobody has in hand.
    pub(super) fn orphaned(&self) -> Option<u64> {
        let data: Vec<&Data> = self.members.iter().filter_map(|member| member.data.as_ref()).collect();
        let in_hand = |sequence: u64| {
            data.iter().any(|data| {
                data.handling == Some(sequence) || data.arrived.iter().any(|position| position.stream == sequence)
            })
        };
        let pending = &self.consumers.get(&0)?.pending;
        (!data.is_empty()).then(|| pending.iter().copied().find(|sequence| !in_hand(*sequence)))?
    }

    pub(super) const fn consumer_of(&self, epoch: u64) -> u64 {
        match self.form {
            Form::Safe | Form::Blind => epoch,
            Form::Resume => 0,
        }
    }

    pub(super) fn apply(&mut self, request: Request) -> Wrote {
        let revision = self.record.as_ref().map_or(0, |(revision, _)| *revision);
        if request.expected != revision {
            return Wrote::Conflict;
        }
        if request.lease.checkpoint > self.prefix() {
            self.verdict.ahead = true;
        }
        self.record = Some((revision + 1, request.lease));
        Wrote::Stored(revision + 1)
    }

    pub(super) fn open(&mut self, number: usize) {
        let Some(mut opening) = self.members[number].opening.take() else {
            return;
        };
        let Opening { epoch, checkpoint, stage } = opening;
        opening.stage = match (stage, self.form) {
            (Stage::Clearing, Form::Safe | Form::Blind) => {
                self.consumers.retain(|other, _| *other >= epoch);
                Stage::Creating
            }
            (Stage::Creating, Form::Safe | Form::Blind) => {
                let next = Position { stream: checkpoint + 1, consumer: 1 };
                self.consumers.insert(epoch, Consumer { next, pending: Vec::new() });
                Stage::Answering
            }
            (Stage::Answering, _) | (_, Form::Resume) => {
                return self.feed(number, Input::Opened { epoch, start: checkpoint + 1 });
            }
        };
        self.members[number].opening = Some(opening);
    }

    pub(super) fn deliver(&mut self, number: usize, arrives: bool) {
        let Some(data) = self.members[number].data.as_mut() else {
            return;
        };
        let name = if self.form == Form::Resume { 0 } else { data.epoch };
        let Some(consumer) = self.consumers.get_mut(&name) else {
            return;
        };
        let position = consumer.next;
        consumer.next = Position { stream: position.stream + 1, consumer: position.consumer + 1 };
        if self.form == Form::Resume {
            consumer.pending.push(position.stream);
        }
        if arrives {
            data.arrived.push(position);
        }
    }
}
