//! The one write in flight, and what its end means: rule 1 of the protocol.
//!
//! An unknown result is settled by reading the record from its leader. Unchanged means "not stored yet": the same write is sent
//! again, for whichever of the two lands first shuts the other out. Ours means stored, and the lease then counts from the *first* sending.

use super::{Command, Held, LostReason, Partition, Phase, Told, Wrote};
use crate::clock::Moment;
use crate::record::Lease;

/// How often one write is sent before it is given up.
const ATTEMPTS_MAX: u8 = 3;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Purpose {
    Claim,
    Renew,
    Release,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Write {
    purpose: Purpose,
    expected: u64,
    lease: Lease,
    first_sent: Moment,
    sent: Moment,
    attempts: u8,
}

impl Partition {
    pub(super) fn send(&mut self, now: Moment, purpose: Purpose, expected: u64, lease: Lease, out: &mut Vec<Command>) {
        debug_assert!(self.write.is_none(), "one write in flight per record");
        out.push(Command::Write { expected, lease: lease.clone() });
        // A write given up before may still land instead of this one: what is then found counts from that one's sending.
        let first_sent = self.doubt_since.unwrap_or(now);
        self.write = Some(Write { purpose, expected, lease, first_sent, sent: now, attempts: 1 });
        if let Some(held) = self.held_mut() {
            held.sent = now;
        }
    }

    pub(super) fn wrote(&mut self, now: Moment, result: Wrote, out: &mut Vec<Command>) {
        let Some(write) = &self.write else { return };
        match result {
            Wrote::Stored(revision) => {
                let (lease, sent) = (write.lease.clone(), write.sent);
                self.stored(now, revision, lease, sent, out);
            }
            Wrote::Conflict => {
                // Nothing of ours was in doubt, so the refusal is somebody else's record.
                let certain = write.first_sent == write.sent;
                if certain && write.purpose == Purpose::Renew {
                    self.lose(now, LostReason::Superseded, out);
                }
                out.push(Command::Read { after: std::time::Duration::ZERO });
            }
            Wrote::Unknown => out.push(Command::Read { after: self.terms.retry_after() }),
        }
    }

    pub(super) fn read_back(&mut self, now: Moment, found: Option<(u64, Option<Lease>)>, out: &mut Vec<Command>) {
        let Some(write) = &self.write else { return };
        let Some((revision, lease)) = found else {
            if now.since(write.sent) < self.terms.ttl {
                return out.push(Command::Read { after: self.terms.retry_after() });
            }
            return self.give_up(now);
        };
        let applied = revision > write.expected
            && lease.as_ref().is_some_and(|lease| {
                lease.session == self.terms.session
                    && lease.epoch == write.lease.epoch
                    && lease.holding == write.lease.holding
            });
        if let Some(lease) = lease.clone().filter(|_| applied) {
            let sent = write.first_sent;
            return self.stored(now, revision, lease, sent, out);
        }
        let superseded = revision != write.expected;
        if !superseded && write.attempts < ATTEMPTS_MAX && self.wanted() {
            return self.send_again(now, out);
        }
        self.give_up(now);
        if superseded {
            if self.seen.as_ref().is_some_and(|seen| seen.revision > revision) {
                // Somebody removed the key without a trace for the watch: what the leader says stands.
                self.seen = None;
            }
            self.see(now, revision, lease, true, out);
            self.lose(now, LostReason::Superseded, out);
        }
    }

    fn send_again(&mut self, now: Moment, out: &mut Vec<Command>) {
        let Some(write) = self.write.as_mut() else {
            return;
        };
        write.attempts += 1;
        write.sent = now;
        out.push(Command::Write { expected: write.expected, lease: write.lease.clone() });
    }

    /// Whether the write in flight still serves the phase: a lost lease must not be renewed after all.
    fn wanted(&self) -> bool {
        let Some(write) = &self.write else {
            return false;
        };
        match write.purpose {
            Purpose::Claim => matches!(self.phase, Phase::Claiming) && self.wish,
            Purpose::Renew => self.held().is_some_and(|held| held.epoch == write.lease.epoch),
            Purpose::Release => matches!(self.phase, Phase::Releasing),
        }
    }

    fn give_up(&mut self, now: Moment) {
        let Some(write) = self.write.take() else {
            return;
        };
        self.doubt_since = Some(self.doubt_since.map_or(write.first_sent, |since| since.min(write.first_sent)));
        if matches!(self.phase, Phase::Claiming | Phase::Releasing) {
            self.phase = Phase::Watching { retry_at: now.plus(self.terms.retry_after()) };
        }
    }

    fn stored(&mut self, now: Moment, revision: u64, lease: Lease, sent: Moment, out: &mut Vec<Command>) {
        let Some(write) = self.write.take() else {
            return;
        };
        let deadline = self.terms.deadline(sent);
        let (epoch, checkpoint) = (lease.epoch, lease.checkpoint);
        let before = self.seen.as_ref().and_then(|seen| seen.lease.as_ref()).map_or(0, |lease| lease.checkpoint);
        self.see(now, revision, Some(lease), true, out);
        match write.purpose {
            Purpose::Claim if matches!(self.phase, Phase::Claiming) => {
                if checkpoint > before {
                    out.push(Command::Tell(Told::Committed { epoch, up_to: checkpoint }));
                }
                out.push(Command::Tell(Told::Granted { epoch, revision, deadline }));
                out.push(Command::Open { epoch, checkpoint });
                let confirmed = sent;
                self.phase = Phase::Opening(Held {
                    epoch,
                    revision,
                    deadline,
                    sent,
                    confirmed,
                    checkpoint,
                    handled: checkpoint,
                    inherited: checkpoint,
                });
            }
            Purpose::Renew => self.renewed(epoch, revision, (sent, deadline), checkpoint, out),
            Purpose::Release if matches!(self.phase, Phase::Releasing) => {
                if checkpoint > before {
                    out.push(Command::Tell(Told::Committed { epoch, up_to: checkpoint }));
                }
                self.phase = Phase::Watching { retry_at: now };
            }
            Purpose::Claim | Purpose::Release => {}
        }
    }

    fn renewed(
        &mut self,
        epoch: u64,
        revision: u64,
        (sent, deadline): (Moment, Moment),
        checkpoint: u64,
        out: &mut Vec<Command>,
    ) {
        let (running, over) = (self.running == Some(epoch), self.ending_idle());
        let Some(held) = self.held_mut().filter(|held| held.epoch == epoch) else {
            return;
        };
        held.revision = revision;
        held.confirmed = held.confirmed.max(sent);
        held.deadline = held.deadline.max(deadline);
        let (deadline, progressed) = (held.deadline, checkpoint > held.checkpoint);
        held.checkpoint = held.checkpoint.max(checkpoint);
        if progressed {
            out.push(Command::Tell(Told::Committed { epoch, up_to: checkpoint }));
        }
        // Nothing runs any more, and its end is told already, or will be with the next write: the lease only lasts until then.
        if over {
            return;
        }
        // Told before it takes effect: whoever reads the events after a crash must not find a start beyond the last told deadline.
        out.push(Command::Tell(Told::Renewed { epoch, deadline }));
        if running {
            out.push(Command::Extend { deadline });
        }
    }
}
