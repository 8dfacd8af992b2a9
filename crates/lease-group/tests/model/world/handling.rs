//! The data side: the check, the handler, the end of an epoch — and what an all-seeing witness says about it.

use lease_group::state::{Input, Stopped};

use super::{Ack, Form, World};

impl World {
    pub(super) fn check(&mut self, number: usize) {
        let now = self.now;
        let Some(data) = self.members[number].data.as_mut() else {
            return;
        };
        let position = data.arrived.remove(0);
        if self.form.follows() && !data.continuity.follow(position) {
            return self.end(number, Stopped::Gap);
        }
        if now >= data.deadline {
            return self.end(number, Stopped::DeadlinePassed);
        }
        data.handling = Some(position.stream);
        let torn = data.last.is_some_and(|last| position.stream != last + 1);
        data.last = Some(position.stream);
        let epoch = data.epoch;
        if self.form.follows() && torn {
            self.verdict.torn = true;
        }
        if self.record.as_ref().is_some_and(|(_, lease)| lease.epoch > epoch) {
            if self.misled {
                self.verdict.void = true;
            } else {
                self.verdict.stale = true;
            }
        }
    }

    pub(super) fn finish(&mut self, number: usize) {
        let prefix = self.prefix();
        let Some(data) = self.members[number].data.as_mut() else {
            return;
        };
        let Some(sequence) = data.handling.take() else {
            return;
        };
        if self.form.writes() {
            let (epoch, fence) = (data.epoch, data.fence);
            // The instant at which the effect reaches the server; the answer says the same whenever it comes.
            if self.form.fences() && self.sink.fence.is_none_or(|standing| standing.sequence != fence) {
                return self.end(number, Stopped::Fenced);
            }
            self.verdict.stale_effect |= epoch < self.sink.newest;
            self.sink.newest = self.sink.newest.max(epoch);
        }
        let late = self.form == Form::Explicit && self.now >= data.deadline;
        if !self.form.acknowledges() {
            data.handled = sequence;
        } else if !late {
            data.acks.push(Ack::Sent(sequence));
        }
        if sequence > prefix + 1 && !self.handled[sequence as usize - 1] {
            self.verdict.skipped = true;
        }
        self.handled[sequence as usize - 1] = true;
        if let Some(consumer) = self.consumers.get_mut(&0) {
            consumer.pending.retain(|pending| *pending != sequence);
        }
        if late {
            self.end(number, Stopped::DeadlinePassed);
        }
    }

    pub(super) fn confirm(&mut self, number: usize) {
        let Some(data) = self.members[number].data.as_mut() else {
            return;
        };
        match data.acks.remove(0) {
            Ack::Taken(sequence) => data.handled = sequence,
            Ack::Sent(_) | Ack::Refused => self.end(number, Stopped::AckRefused),
        }
    }

    pub(super) fn end(&mut self, number: usize, why: Stopped) {
        if let Some(data) = self.members[number].data.take() {
            self.members[number].stopped = (data.epoch, data.handled);
            self.feed(number, Input::Ended { epoch: data.epoch, handled: data.handled, why });
        }
    }
}
