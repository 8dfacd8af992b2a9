//! The server's side: compare-and-set, consumers, deliveries.

use lease_group::continuity::Position;
use lease_group::fence::{Fence, Raise, Standing};
use lease_group::state::{Input, Stopped, Wrote};

use super::{Ack, Consumer, Data, Form, Member, Opening, Request, Stage, World};

/// How an opening goes on.
pub(super) enum Carried {
    On(Opening),
    /// Only its answer was missing.
    Out,
    /// A later fence stands.
    Refused,
}

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
            Form::Resume => 0,
            _ => epoch,
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

    /// The consumer that stands for the member's epoch, if it does.
    pub(super) fn consumer_made_by(&self, member: &Member) -> Option<u64> {
        let opened = member.opening.filter(|opening| opening.stage == Stage::Answering).map(|opening| opening.epoch);
        let name = self.consumer_of(member.data.as_ref().map(|data| data.epoch).or(opened)?);
        self.consumers.contains_key(&name).then_some(name)
    }

    pub(super) fn open(&mut self, number: usize) {
        let Some(opening) = self.members[number].opening.take() else {
            return;
        };
        let Opening { epoch, checkpoint, fence, .. } = opening;
        match self.carry_out(opening) {
            Carried::On(opening) => self.members[number].opening = Some(opening),
            Carried::Out => {
                self.members[number].fence = fence;
                self.feed(number, Input::Opened { epoch, start: checkpoint + 1 });
            }
            Carried::Refused => self.feed(number, Input::OpenFailed { epoch }),
        }
    }

    /// The next request of an opening.
    pub(super) fn carry_out(&mut self, mut opening: Opening) -> Carried {
        let epoch = opening.epoch;
        let ours = Fence { epoch, session: opening.session };
        opening.stage = match (opening.stage, self.form) {
            (Stage::Answering, _) | (_, Form::Resume) => return Carried::Out,
            (Stage::FenceReading, _) => match ours.raise(self.sink.fence) {
                Raise::Publish { expected } => Stage::FenceRaising { expected },
                Raise::Stands { sequence } => {
                    opening.fence = sequence;
                    Stage::Clearing
                }
                Raise::Superseded { .. } => return Carried::Refused,
            },
            (Stage::FenceRaising { expected }, _) => {
                let last = self.sink.fence.map_or(0, |standing| standing.sequence);
                if last == expected {
                    opening.fence = last + 1;
                    self.sink.fence = Some(Standing { sequence: last + 1, fence: ours });
                    Stage::Clearing
                } else {
                    Stage::FenceReading
                }
            }
            (Stage::Reading, _) => {
                let floor = self.consumers.range(..epoch).map(|(_, consumer)| consumer.floor).max().unwrap_or(0);
                // What the lease does not know yet stays where it is until it does.
                let next = if floor > opening.checkpoint { Stage::Creating } else { Stage::Clearing };
                opening.checkpoint = opening.checkpoint.max(floor);
                next
            }
            (Stage::Clearing, _) => {
                self.consumers.retain(|other, _| *other >= epoch);
                Stage::Creating
            }
            (Stage::Creating, _) => {
                let next = Position { stream: opening.checkpoint + 1, consumer: 1 };
                self.consumers.insert(epoch, Consumer { next, pending: Vec::new(), floor: 0 });
                Stage::Answering
            }
        };
        Carried::On(opening)
    }

    /// Nobody waits for the opening any more; what it has asked for may happen yet.
    pub(super) fn set_adrift(&mut self, opening: Opening) {
        if opening.stage != Stage::Answering {
            self.adrift.push(opening);
        }
    }

    /// An acknowledgement that was sent before the deadline reaches the server before the lease expires, or never: 0.15 of the time
    /// to live is for that.
    pub(super) fn ack(&mut self, number: usize) {
        let (now, form) = (self.now, self.form);
        let Some(data) = self.members[number].data.as_mut() else {
            return;
        };
        if form == Form::Explicit && now >= data.deadline {
            return self.end(number, Stopped::AckRefused);
        }
        let consumer = self.consumers.get_mut(&data.epoch);
        let Some(ack) = data.acks.iter_mut().find(|ack| matches!(ack, Ack::Sent(_))) else {
            return;
        };
        let Ack::Sent(sequence) = *ack else { return };
        *ack = match consumer {
            Some(consumer) => {
                consumer.floor = sequence;
                self.acknowledged = self.acknowledged.max(sequence);
                Ack::Taken(sequence)
            }
            None => Ack::Refused,
        };
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
