//! Who is there: the heartbeats as one session sees them. No input or output.
//!
//! A session counts for its time to live after its last news, on the observer's own clock; a newcomer, who has seen nothing yet, goes by
//! the server's: how much older a heartbeat was stored than the newest record. Otherwise it would take the dead for living and leave
//! to them what the others hand to it. Membership only proposes; who owns what is decided by leases, which trust no such clock.

use std::collections::BTreeMap;

use crate::assign::Candidate;
use crate::clock::Moment;
use crate::record::{Heartbeat, Presence, Session};

#[derive(Clone, Debug)]
struct Seen {
    heartbeat: Heartbeat,
    revision: u64,
    since: Moment,
    stored_ms: u64,
    /// It seems to be gone. Its next news say that it is not.
    doubted: bool,
}

impl Seen {
    fn expires(&self) -> Moment {
        self.since.plus(self.heartbeat.ttl)
    }
}

/// The sessions whose heartbeats were seen.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    sessions: BTreeMap<Session, Seen>,
    /// When the newest record of any kind was stored, milliseconds of the server's clock.
    newest_ms: u64,
}

impl Roster {
    /// A heartbeat was seen. A repeated or older revision changes nothing: only news are a sign of life.
    pub fn see(&mut self, now: Moment, session: Session, revision: u64, stored_ms: u64, heartbeat: Heartbeat) {
        if self.sessions.get(&session).is_some_and(|seen| seen.revision >= revision) {
            return;
        }
        self.sessions.insert(session, Seen { heartbeat, revision, since: now, stored_ms, doubted: false });
    }

    /// Some record was seen that the server stored then.
    pub fn advance(&mut self, stored_ms: u64) {
        self.newest_ms = self.newest_ms.max(stored_ms);
    }

    /// There is a hint that a session is gone: until there is news of it, it takes no part.
    pub fn doubt(&mut self, session: Session) {
        if let Some(seen) = self.sessions.get_mut(&session) {
            seen.doubted = true;
        }
    }

    /// A session has written something.
    pub fn trust(&mut self, session: Session) {
        if let Some(seen) = self.sessions.get_mut(&session) {
            seen.doubted = false;
        }
    }

    /// Whether a heartbeat of the session was ever seen.
    #[must_use]
    pub fn knows(&self, session: Session) -> bool {
        self.sessions.contains_key(&session)
    }

    /// Whether somebody listens to the session's liveness subject as long as it lives, and nothing says yet that it does not.
    #[must_use]
    pub fn listens(&self, session: Session) -> bool {
        self.sessions.get(&session).is_some_and(|seen| seen.heartbeat.listens && !seen.doubted)
    }

    /// The key of a session was deleted.
    pub fn forget(&mut self, session: Session) {
        self.sessions.remove(&session);
    }

    /// The members that take part: present, and heard of within their own time to live.
    #[must_use]
    pub fn members(&self, now: Moment) -> Vec<Candidate> {
        self.sessions
            .iter()
            .filter(|(_, seen)| seen.heartbeat.presence == Presence::Here && self.is_alive(seen, now))
            .map(|(session, seen)| Candidate { session: *session, worker: seen.heartbeat.worker.clone() })
            .collect()
    }

    fn is_alive(&self, seen: &Seen, now: Moment) -> bool {
        let age_ms = u128::from(self.newest_ms.saturating_sub(seen.stored_ms));
        !seen.doubted && now < seen.expires() && age_ms < seen.heartbeat.ttl.as_millis()
    }

    /// When the revision that stands for `session` was first seen.
    #[must_use]
    pub fn heard(&self, session: Session) -> Option<Moment> {
        self.sessions.get(&session).map(|seen| seen.since)
    }

    /// The next instant at which somebody expires.
    #[must_use]
    pub fn due(&self, now: Moment) -> Option<Moment> {
        self.sessions.values().map(|seen| seen.expires()).filter(|moment| *moment > now).min()
    }

    /// Sessions that ended long ago: ten times their time to live, on our clock and by what the server stored since. Their keys are only
    /// litter. Our clock alone would take everybody for dead after a pause of our own, until the watch has caught up.
    #[must_use]
    pub fn litter(&self, now: Moment) -> Vec<Session> {
        self.sessions
            .iter()
            .filter(|(_, seen)| {
                let age_ms = u128::from(self.newest_ms.saturating_sub(seen.stored_ms));
                let long = seen.heartbeat.ttl * 10;
                seen.since.plus(long) < now && age_ms > long.as_millis()
            })
            .map(|(session, _)| *session)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn heartbeat(presence: Presence) -> Heartbeat {
        Heartbeat { worker: "w".to_owned(), presence, ttl: Duration::from_secs(2), since_ms: 0, listens: false }
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_ns(seconds * 1_000_000_000)
    }

    #[test]
    fn a_session_lives_its_own_ttl_after_the_last_news_of_it() {
        let session = Session::from_u128(1);
        let mut roster = Roster::default();
        roster.see(at(0), session, 5, 0, heartbeat(Presence::Here));
        roster.see(at(1), session, 5, 0, heartbeat(Presence::Here));
        assert_eq!(roster.members(at(1)).len(), 1);
        assert_eq!(roster.due(at(1)), Some(at(2)));
        assert!(roster.members(at(2)).is_empty(), "a repeated revision is no sign of life");
        roster.see(at(3), session, 6, 0, heartbeat(Presence::Here));
        assert_eq!(roster.members(at(4)).len(), 1);
        roster.advance(30_000);
        assert!(roster.litter(at(20)).is_empty());
        assert_eq!(roster.litter(at(24)), [session]);
    }

    #[test]
    fn after_a_pause_of_our_own_the_living_are_no_litter() {
        let (us, other) = (Session::from_u128(1), Session::from_u128(2));
        let mut roster = Roster::default();
        roster.see(at(0), other, 5, 10_000, heartbeat(Presence::Here));
        assert!(roster.litter(at(100)).is_empty(), "on the first turn");
        // The watch catches up from the oldest: a heartbeat of ours comes before the other's next one.
        roster.see(at(100), us, 6, 10_500, heartbeat(Presence::Here));
        roster.advance(10_500);
        assert!(roster.litter(at(100)).is_empty(), "halfway");
        roster.see(at(100), other, 99, 109_500, heartbeat(Presence::Here));
        roster.advance(109_500);
        assert!(roster.litter(at(100)).is_empty(), "caught up");
    }

    #[test]
    fn who_is_doubted_takes_no_part_until_there_is_news() {
        let session = Session::from_u128(1);
        let mut roster = Roster::default();
        roster.see(at(0), session, 5, 0, Heartbeat { listens: true, ..heartbeat(Presence::Here) });
        assert!(roster.listens(session));
        roster.doubt(session);
        assert!(roster.members(at(0)).is_empty() && !roster.listens(session));
        roster.trust(session);
        assert_eq!(roster.members(at(0)).len(), 1, "it renewed a lease");
        roster.doubt(session);
        roster.see(at(1), session, 6, 0, heartbeat(Presence::Here));
        assert_eq!(roster.members(at(1)).len(), 1);
        assert!(!roster.listens(session), "the new heartbeat does not say so");
    }

    #[test]
    fn who_leaves_takes_no_part() {
        let mut roster = Roster::default();
        roster.see(at(0), Session::from_u128(1), 5, 0, heartbeat(Presence::Here));
        roster.see(at(0), Session::from_u128(1), 6, 0, heartbeat(Presence::Leaving));
        assert!(roster.members(at(1)).is_empty());
    }

    #[test]
    fn a_newcomer_knows_the_dead_by_the_age_of_their_heartbeats() {
        let (dead, alive) = (Session::from_u128(1), Session::from_u128(2));
        let mut roster = Roster::default();
        roster.see(at(0), dead, 5, 10_000, heartbeat(Presence::Here));
        roster.see(at(0), alive, 6, 11_500, heartbeat(Presence::Here));
        roster.advance(12_000);
        let sessions: Vec<Session> = roster.members(at(0)).iter().map(|member| member.session).collect();
        assert_eq!(sessions, [alive]);
    }
}
