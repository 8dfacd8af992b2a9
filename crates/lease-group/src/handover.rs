//! From the assignment to one session's wishes: what it wants to hold now, and which one partition it is giving away.
//!
//! Surplus goes one partition at a time: the next is released when the last has been taken, or nobody took it for a while. What is
//! given away pauses for a few milliseconds; together they would be a rebalance.

use std::time::Duration;

use crate::assign::{Candidate, Holder, assign};
use crate::clock::Moment;
use crate::record::Session;

/// What one session knows when it decides.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// Who decides.
    pub session: Session,
    /// It takes part; false while it leaves, or a handler of its own is stuck.
    pub present: bool,
    /// Its view is current: it has seen its own last heartbeat.
    pub current: bool,
    /// The members that take part.
    pub members: &'a [Candidate],
    /// Who holds what.
    pub holders: &'a [Holder],
    /// What it holds itself, claiming, opening and ending included.
    pub held: &'a [bool],
}

/// The hand-over under way.
#[derive(Clone, Debug)]
pub struct Handover {
    patience: Duration,
    giving: Option<(usize, Moment)>,
}

impl Handover {
    /// No hand-over; `patience` is how long a released partition waits for its taker before the next may follow.
    #[must_use]
    pub const fn new(patience: Duration) -> Self {
        Self { patience, giving: None }
    }

    /// When the taker of a released partition has had his time.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        self.giving.map(|(_, since)| since.plus(self.patience))
    }

    /// Which partitions the session should hold now.
    pub fn wishes(&mut self, now: Moment, situation: Situation<'_>) -> Vec<bool> {
        let Situation { session, present, current, members, holders, held } = situation;
        if !present {
            self.giving = None;
            return vec![false; holders.len()];
        }
        if !current {
            // Blind: keep what is held as long as the lease itself lasts, take nothing.
            return held.to_vec();
        }
        let targets = assign(members, holders);
        let mine = |partition: usize| targets[partition] == Some(session);
        if let Some((partition, since)) = self.giving {
            let taken = holders[partition].session.is_some_and(|holder| holder != session);
            let waited = !held[partition] && now.since(since) >= self.patience;
            if taken || waited || mine(partition) {
                self.giving = None;
            }
        }
        if self.giving.is_none() {
            let surplus = (0..holders.len())
                .find(|&partition| held[partition] && !mine(partition) && targets[partition].is_some());
            self.giving = surplus.map(|partition| (partition, now));
        }
        let given = self.giving.map(|(partition, _)| partition);
        (0..holders.len()).map(|partition| mine(partition) || (held[partition] && given != Some(partition))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ME: Session = Session::from_u128(1);
    const OTHER: Session = Session::from_u128(2);

    fn candidates(sessions: &[Session]) -> Vec<Candidate> {
        sessions.iter().map(|session| Candidate { session: *session, worker: session.to_string() }).collect()
    }

    fn holders(sessions: &[Option<Session>]) -> Vec<Holder> {
        sessions.iter().map(|session| Holder { session: *session, worker: None }).collect()
    }

    fn wishes(handover: &mut Handover, seconds: u64, members: &[Session], held_by: &[Option<Session>]) -> Vec<bool> {
        let held: Vec<bool> = held_by.iter().map(|holder| *holder == Some(ME)).collect();
        handover.wishes(
            Moment::from_ns(seconds * 1_000_000_000),
            Situation {
                session: ME,
                present: true,
                current: true,
                members: &candidates(members),
                holders: &holders(held_by),
                held: &held,
            },
        )
    }

    #[test]
    fn surplus_goes_one_at_a_time_and_only_when_somebody_is_there_to_take_it() {
        let mut handover = Handover::new(Duration::from_secs(1));
        let (me, other) = (Some(ME), Some(OTHER));
        assert_eq!(wishes(&mut handover, 0, &[ME], &[me, me, me, me]), [true; 4]);
        assert_eq!(wishes(&mut handover, 0, &[ME, OTHER], &[me, me, me, me]), [true, true, false, true]);
        // Released and not yet taken: the next one waits.
        assert_eq!(wishes(&mut handover, 0, &[ME, OTHER], &[me, me, None, me]), [true, true, false, true]);
        assert_eq!(wishes(&mut handover, 0, &[ME, OTHER], &[me, me, other, me]), [true, true, false, false]);
    }

    #[test]
    fn a_taker_that_does_not_come_is_not_waited_for_for_ever() {
        let mut handover = Handover::new(Duration::from_secs(1));
        let me = Some(ME);
        assert_eq!(wishes(&mut handover, 0, &[ME, OTHER], &[me, me, me, me]), [true, true, false, true]);
        assert_eq!(wishes(&mut handover, 2, &[ME, OTHER], &[me, me, None, me]), [true, true, false, false]);
    }

    #[test]
    fn a_blind_member_keeps_what_it_has_and_takes_nothing() {
        let mut handover = Handover::new(Duration::from_secs(1));
        let wishes = handover.wishes(
            Moment::default(),
            Situation {
                session: ME,
                present: true,
                current: false,
                members: &[],
                holders: &holders(&[None, Some(ME)]),
                held: &[false, true],
            },
        );
        assert_eq!(wishes, [false, true]);
    }
}
