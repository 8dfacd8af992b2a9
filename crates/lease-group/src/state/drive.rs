//! What follows from the state and the time alone: expiry, claims, renewals, the end of an ending.

use super::write::Purpose;
use super::{Command, LostReason, Next, Partition, Phase, Told};
use crate::clock::Moment;
use crate::record::{Holding, Lease};

impl Partition {
    /// What follows from the state and the time alone.
    pub(super) fn drive(&mut self, now: Moment, out: &mut Vec<Command>) {
        if self.held().is_some_and(|held| now >= held.deadline) && !self.ending_idle() {
            self.lose(now, LostReason::DeadlinePassed, out);
        }
        self.tell_vacant(now, out);
        match &self.phase {
            Phase::Watching { retry_at } => {
                if self.write.is_none() && self.running.is_none() && now >= *retry_at {
                    self.claim_or_clear(now, out);
                }
            }
            Phase::Opening(held) if !self.wish => {
                self.phase = Phase::Ending { held: held.clone(), next: Next::Release, since: now };
                self.finish(now, out);
            }
            Phase::Active(held) if !self.wish => {
                self.phase = Phase::Ending { held: held.clone(), next: Next::Release, since: now };
                out.push(Command::Drain);
            }
            Phase::Opening(_) | Phase::Active(_) => self.renew_if_due(now, out),
            Phase::Ending { .. } => self.finish(now, out),
            Phase::Claiming | Phase::Releasing => {}
        }
    }

    /// Nothing runs any more: the release or re-opening goes by compare-and-set, no deadline protects anybody.
    pub(super) fn ending_idle(&self) -> bool {
        matches!(self.phase, Phase::Ending { .. }) && self.running.is_none()
    }

    fn tell_vacant(&mut self, now: Moment, out: &mut Vec<Command>) {
        let ours = self.terms.session;
        let Some(seen) = self.seen.as_mut().filter(|seen| !seen.told_vacant) else {
            return;
        };
        let Some(lease) = seen.lease.as_ref() else {
            return;
        };
        let free = lease.holding == Holding::Free;
        let expired = seen.doubted || seen.since.plus(lease.ttl) <= now;
        if lease.session != ours && (free || expired) {
            seen.told_vacant = true;
            out.push(Command::Tell(Told::Vacant { epoch: lease.epoch }));
        }
    }

    fn claim_or_clear(&mut self, now: Moment, out: &mut Vec<Command>) {
        let (expected, epoch, checkpoint) = match &self.seen {
            None => (0, 0, 0),
            Some(seen) if !seen.readable => return,
            Some(seen) => match &seen.lease {
                // Somebody deleted the key. Order starts over: nothing else is left to start from. Epochs go on.
                None => (seen.revision, self.epoch_max, 0),
                Some(lease) => {
                    let ours = lease.session == self.terms.session;
                    let expired = seen.expires().is_none_or(|expiry| now >= expiry);
                    if !ours && !expired {
                        return;
                    }
                    if ours && !self.wish && lease.holding == Holding::Own {
                        // A claim of ours landed after we had given it up: nobody else would dare before it expires.
                        let lease = Lease { holding: Holding::Free, ..lease.clone() };
                        self.phase = Phase::Releasing;
                        return self.send(now, Purpose::Release, seen.revision, lease, out);
                    }
                    // Nobody has begun behind our last epoch: what we had handled in it nobody needs to repeat.
                    let left = self.left.filter(|(epoch, _)| ours && *epoch == lease.epoch);
                    let handled = left.map_or(0, |(_, handled)| handled);
                    (seen.revision, self.epoch_max, lease.checkpoint.max(handled))
                }
            },
        };
        if self.wish {
            let lease = self.lease(epoch + 1, checkpoint, Holding::Own);
            self.phase = Phase::Claiming;
            self.send(now, Purpose::Claim, expected, lease, out);
        }
    }

    fn finish(&mut self, now: Moment, out: &mut Vec<Command>) {
        if self.running.is_some() {
            return self.renew_if_due(now, out);
        }
        if self.write.is_some() {
            return;
        }
        let Phase::Ending { held, next, .. } = &self.phase else {
            return;
        };
        let held = held.clone();
        // What is no longer wished is given back, whatever it had ended for.
        if *next == Next::Reopen && self.wish {
            let lease = self.lease(held.epoch + 1, held.handled, Holding::Own);
            self.phase = Phase::Claiming;
            self.send(now, Purpose::Claim, held.revision, lease, out);
        } else {
            if *next == Next::Release {
                out.push(Command::Tell(Told::Released { epoch: held.epoch }));
            }
            let lease = self.lease(held.epoch, held.handled, Holding::Free);
            self.phase = Phase::Releasing;
            self.send(now, Purpose::Release, held.revision, lease, out);
        }
    }

    fn renew_if_due(&mut self, now: Moment, out: &mut Vec<Command>) {
        let stuck = self.busy_since.is_some_and(|since| now.since(since) > self.terms.max_handling);
        let too_long =
            matches!(&self.phase, Phase::Ending { since, .. } if now.since(*since) > self.terms.max_handling);
        let Some(held) = self.held().filter(|_| self.write.is_none() && !stuck && !too_long) else {
            return;
        };
        let progressed = held.handled > held.checkpoint;
        let commit = self.terms.commit_every.filter(|_| progressed && matches!(self.phase, Phase::Active(_)));
        let every = commit.unwrap_or_else(|| self.terms.renew_every()).min(self.terms.renew_every());
        // What was read from consumers of older epochs stays there until the lease has it.
        if held.inherited > held.checkpoint || now >= held.sent.plus(every) {
            let (revision, lease) = (held.revision, self.lease(held.epoch, held.handled, Holding::Own));
            self.send(now, Purpose::Renew, revision, lease, out);
        }
    }
}
