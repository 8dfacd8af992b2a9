//! One partition as one session sees it: observer while others hold it, owner while it does. No input or output, no clock:
//! [`Partition::step`] takes what happened and when, and answers what is to be done. The model checker runs this very code.
//!
//! | phase | leaves on | for |
//! |---|---|---|
//! | `Watching` | wished, nothing of ours running, record free, expired, doubted, or our own stray one | `Claiming` |
//! | `Claiming` | compare-and-set confirmed | `Opening` |
//! | | refused, or given up | `Watching` |
//! | `Opening` | the consumer stands | `Active` |
//! | | no longer wished | `Ending` |
//! | | it cannot be made, superseded, deadline | `Watching` (lost) |
//! | `Active` | no longer wished, or the data side stopped with a cause that a new epoch mends | `Ending` |
//! | | superseded, deadline, consumer gone, acknowledgement or effect refused | `Watching` (lost) |
//! | `Ending` | data side stopped and no write in flight, to be given back | `Releasing` |
//! | | the same, to be re-opened | `Claiming` |
//! | `Releasing` | confirmed, refused or given up | `Watching` |
//!
//! Invariants: one write in flight per record, an unknown result is settled by reading before the next one; nothing is claimed
//! while the data side still runs an older epoch; every claim raises the epoch; the checkpoint never falls within a session's
//! hands, and a session that follows itself repeats nothing that it had handled.

mod drive;
mod terms;
mod write;

pub use terms::{Command, Input, LostReason, Stopped, Terms, Told, Wrote};
use write::Write;

use crate::clock::Moment;
use crate::record::{Holding, Lease, Session};

/// What the last seen record was, and since when it is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Seen {
    revision: u64,
    lease: Option<Lease>,
    readable: bool,
    since: Moment,
    /// Its owner seems to be gone. A later revision, a sign of life, begins anew.
    doubted: bool,
    told_vacant: bool,
}

impl Seen {
    /// Rule 3: unchanged for the record's own time to live, on our clock; or as soon as a hint says that nobody will change it.
    fn expires(&self) -> Option<Moment> {
        let lease = self.lease.as_ref().filter(|lease| lease.holding == Holding::Own)?;
        Some(if self.doubted { self.since } else { self.since.plus(lease.ttl) })
    }
}

/// What this session holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Held {
    epoch: u64,
    revision: u64,
    deadline: Moment,
    /// When the last write was sent, confirmed or not.
    sent: Moment,
    /// When the last write was sent that was confirmed.
    confirmed: Moment,
    /// Confirmed with the lease.
    checkpoint: u64,
    /// Handled, not necessarily confirmed.
    handled: u64,
    /// What older owners had handled, as far as the opening found out. Where the lease does not know it yet, only this session does.
    inherited: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Next {
    Release,
    Reopen,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Phase {
    Watching { retry_at: Moment },
    Claiming,
    Opening(Held),
    Active(Held),
    Ending { held: Held, next: Next, since: Moment },
    Releasing,
}

/// The state machine of one partition in one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Partition {
    terms: Terms,
    wish: bool,
    seen: Option<Seen>,
    phase: Phase,
    /// The highest epoch that was ever seen: a key that was deleted or put back does not bring an old epoch to life.
    epoch_max: u64,
    /// Openings that have failed since the last one that did not.
    failures: u32,
    write: Option<Write>,
    /// When the oldest write was sent that was given up unsettled and may still land.
    doubt_since: Option<Moment>,
    /// The epoch that the data side runs, until it says that it stopped.
    running: Option<u64>,
    /// The epoch that was lost last, and what this session had handled by its end.
    left: Option<(u64, u64)>,
    busy_since: Option<Moment>,
}

impl Partition {
    /// A partition that nothing is known about.
    #[must_use]
    pub fn new(terms: Terms) -> Self {
        let phase = Phase::Watching { retry_at: Moment::default() };
        Self {
            terms,
            wish: false,
            seen: None,
            phase,
            epoch_max: 0,
            failures: 0,
            write: None,
            doubt_since: None,
            running: None,
            left: None,
            busy_since: None,
        }
    }

    /// Takes one event and answers what is to be done, in this order.
    pub fn step(&mut self, now: Moment, input: Input) -> Vec<Command> {
        let mut out = Vec::new();
        match input {
            Input::Seen { revision, lease } => self.see(now, revision, lease, true, &mut out),
            Input::Unreadable { revision } => self.see(now, revision, None, false, &mut out),
            Input::Hint { gone } => self.doubt(now, gone),
            Input::Unled { asked } => self.ride_out(now, asked, &mut out),
            Input::Sighted => self.watch_anew(now),
            Input::Wish(wish) => self.wish = wish,
            Input::Wrote(result) => self.wrote(now, result, &mut out),
            Input::ReadBack(found) => self.read_back(now, found, &mut out),
            Input::Opened { epoch, start } => self.opened(now, epoch, start, &mut out),
            Input::OpenFailed { epoch } => {
                if matches!(&self.phase, Phase::Opening(held) if held.epoch == epoch) {
                    self.failures = self.failures.saturating_add(1);
                    self.lose(now, LostReason::OpenFailed, &mut out);
                }
            }
            Input::Ended { epoch, handled, why } => self.ended(now, epoch, handled, why, &mut out),
            Input::Tick { handled, busy_since } => {
                self.busy_since = busy_since;
                if let Phase::Active(held) | Phase::Ending { held, .. } = &mut self.phase {
                    held.handled = held.handled.max(handled);
                }
            }
        }
        self.drive(now, &mut out);
        out
    }

    /// Who holds the partition with a lease that has not expired here, and the label of its last record.
    #[must_use]
    pub fn holder(&self, now: Moment) -> (Option<Session>, Option<&str>) {
        if self.held().is_some() {
            return (Some(self.terms.session), Some(&self.terms.worker));
        }
        let Some(seen) = &self.seen else {
            return (None, None);
        };
        let label = seen.lease.as_ref().map(|lease| lease.worker.as_str());
        let valid = seen.expires().is_some_and(|expiry| now < expiry);
        (seen.lease.as_ref().filter(|_| valid).map(|lease| lease.session), label)
    }

    /// Whether this session holds the partition or is about to: claiming, opening and ending included.
    #[must_use]
    pub fn is_held(&self) -> bool {
        self.held().is_some() || matches!(self.phase, Phase::Claiming)
    }

    /// Whether a consumer for this epoch is waited for.
    #[must_use]
    pub fn is_opening(&self, epoch: u64) -> bool {
        matches!(&self.phase, Phase::Opening(held) if held.epoch == epoch)
    }

    /// Whether the session has nothing to do with the partition any more: no lease, no handler, no write.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        matches!(self.phase, Phase::Watching { .. }) && self.write.is_none() && self.running.is_none()
    }

    /// The next instant at which [`Input::Tick`] would do something, if nothing else happens before. Progress of the data side
    /// is not foreseen: whoever polls it ticks more often.
    #[must_use]
    pub fn due(&self, now: Moment) -> Option<Moment> {
        let moments = match &self.phase {
            Phase::Watching { retry_at } => {
                [self.wish.then_some(*retry_at), self.seen.as_ref().and_then(Seen::expires)]
            }
            Phase::Opening(held) | Phase::Active(held) | Phase::Ending { held, .. } => {
                [Some(held.deadline), Some(held.sent.plus(self.terms.renew_every()))]
            }
            Phase::Claiming | Phase::Releasing => [None, None],
        };
        moments.into_iter().flatten().filter(|moment| *moment > now).min()
    }

    fn held(&self) -> Option<&Held> {
        match &self.phase {
            Phase::Opening(held) | Phase::Active(held) | Phase::Ending { held, .. } => Some(held),
            Phase::Watching { .. } | Phase::Claiming | Phase::Releasing => None,
        }
    }

    fn held_mut(&mut self) -> Option<&mut Held> {
        match &mut self.phase {
            Phase::Opening(held) | Phase::Active(held) | Phase::Ending { held, .. } => Some(held),
            Phase::Watching { .. } | Phase::Claiming | Phase::Releasing => None,
        }
    }

    fn see(&mut self, now: Moment, revision: u64, lease: Option<Lease>, readable: bool, out: &mut Vec<Command>) {
        // The watch may be behind what we wrote or read ourselves, and may repeat itself after it was re-established.
        if self.seen.as_ref().is_some_and(|seen| seen.revision >= revision) {
            return;
        }
        self.epoch_max = self.epoch_max.max(lease.as_ref().map_or(0, |lease| lease.epoch));
        let foreign = lease.as_ref().is_none_or(|lease| lease.session != self.terms.session);
        let superseded = foreign && self.held().is_some_and(|held| revision > held.revision);
        self.seen = Some(Seen { revision, lease, readable, since: now, doubted: false, told_vacant: false });
        // Every older write of ours expected an older revision: it is this one, or it can never land.
        self.doubt_since = None;
        if !readable {
            out.push(Command::Tell(Told::Unreadable { revision }));
        }
        if superseded {
            self.lose(now, LostReason::Superseded, out);
        }
    }

    /// A hint never touches what is ours, and never outlives the revision that it was about.
    fn doubt(&mut self, now: Moment, gone: Session) {
        if gone == self.terms.session {
            return;
        }
        let Some(seen) = self.seen.as_mut().filter(|seen| !seen.doubted) else { return };
        seen.doubted = seen.lease.as_ref().is_some_and(|lease| lease.session == gone && lease.holding == Holding::Own);
        if let Phase::Watching { retry_at } = &mut self.phase
            && seen.doubted
        {
            *retry_at = (*retry_at).min(now);
        }
    }

    /// The leader of the bucket did not answer what was asked at `asked`, so nobody could write since then, as far as can be known from
    /// here: the lease counts from there, for as long as the terms allow. Another may have been answered: then only the fence keeps
    /// the effects of the two apart.
    fn ride_out(&mut self, now: Moment, asked: Moment, out: &mut Vec<Command>) {
        let (Some(limit), deadline) = (self.terms.ride_out, self.terms.deadline(asked)) else { return };
        let (running, over) = (self.running, self.ending_idle());
        // What has passed stays passed: whoever was asleep meanwhile knows nothing. And where nothing runs, nothing needs to last.
        let Some(held) = self.held_mut().filter(|held| !over && now < held.deadline) else { return };
        let deadline = deadline.min(held.confirmed.plus(limit));
        if deadline > held.deadline {
            held.deadline = deadline;
            out.push(Command::Tell(Told::Riding { epoch: held.epoch, deadline }));
            if running == Some(held.epoch) {
                out.push(Command::Extend { deadline });
            }
        }
    }

    /// Nothing could be seen for a while, and what rides out a bucket without a leader could not renew: it gets its whole time again.
    fn watch_anew(&mut self, now: Moment) {
        if let Some(seen) = self.seen.as_mut().filter(|seen| self.terms.ride_out.is_some() && !seen.doubted) {
            seen.since = now;
        }
    }

    fn opened(&mut self, now: Moment, epoch: u64, start: u64, out: &mut Vec<Command>) {
        let Phase::Opening(held) = &self.phase else {
            return;
        };
        if held.epoch != epoch {
            return;
        }
        // Rule 4: the deadline once more, between the consumer and the first handler.
        if now >= held.deadline {
            return self.lose(now, LostReason::DeadlinePassed, out);
        }
        let mut held = held.clone();
        held.inherited = start.saturating_sub(1);
        held.handled = held.handled.max(held.inherited);
        out.push(Command::Tell(Told::Opened { epoch, start }));
        out.push(Command::Run { epoch, start, deadline: held.deadline });
        self.running = Some(epoch);
        self.failures = 0;
        self.busy_since = None;
        self.phase = Phase::Active(held);
    }

    fn ended(&mut self, now: Moment, epoch: u64, handled: u64, why: Stopped, out: &mut Vec<Command>) {
        if self.running != Some(epoch) {
            return;
        }
        self.running = None;
        self.busy_since = None;
        if let Some((_, known)) = self.left.as_mut().filter(|(left, _)| *left == epoch) {
            *known = handled.max(*known);
        }
        let Some(held) = self.held_mut().filter(|held| held.epoch == epoch) else {
            return;
        };
        held.handled = held.handled.max(handled);
        match why {
            Stopped::DeadlinePassed => self.lose(now, LostReason::DeadlinePassed, out),
            Stopped::ConsumerGone => self.lose(now, LostReason::ConsumerGone, out),
            Stopped::AckRefused => self.lose(now, LostReason::AckRefused, out),
            Stopped::Fenced => self.lose(now, LostReason::Fenced, out),
            Stopped::Asked | Stopped::Gap | Stopped::TailLost | Stopped::Reconnected | Stopped::Silent => {
                if let Phase::Active(held) = &self.phase {
                    let held = held.clone();
                    out.push(Command::Tell(Told::Reopened { epoch, why }));
                    self.phase = Phase::Ending { held, next: Next::Reopen, since: now };
                }
            }
        }
    }

    /// The belief ends here. Whatever is still in flight may land; it is met again as a stray record of our own.
    fn lose(&mut self, now: Moment, reason: LostReason, out: &mut Vec<Command>) {
        let Some(held) = self.held() else { return };
        let epoch = held.epoch;
        self.left = Some((epoch, held.handled));
        if self.running.is_some() {
            out.push(Command::Drop);
        }
        out.push(Command::Tell(Told::Lost { epoch, reason }));
        self.phase = Phase::Watching { retry_at: now.plus(self.terms.retry_after_failures(self.failures)) };
    }

    fn lease(&self, epoch: u64, checkpoint: u64, holding: Holding) -> Lease {
        let Terms { session, ttl, .. } = self.terms;
        Lease { worker: self.terms.worker.clone(), session, epoch, checkpoint, holding, ttl }
    }
}
