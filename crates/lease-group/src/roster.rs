//! Who is there: the heartbeats as one session sees them, judged by its own clock. No input or output.

use std::collections::BTreeMap;

use crate::assign::Candidate;
use crate::clock::Moment;
use crate::record::{Heartbeat, Presence, Session};

#[derive(Clone, Debug)]
struct Seen {
    heartbeat: Heartbeat,
    revision: u64,
    since: Moment,
}

/// The sessions whose heartbeats were seen.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    sessions: BTreeMap<Session, Seen>,
}

impl Roster {
    /// A heartbeat was seen. A repeated or older revision changes nothing: only news are a sign of life.
    pub fn see(&mut self, now: Moment, session: Session, revision: u64, heartbeat: Heartbeat) {
        if self.sessions.get(&session).is_some_and(|seen| seen.revision >= revision) {
            return;
        }
        self.sessions.insert(session, Seen { heartbeat, revision, since: now });
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
            .filter(|(_, seen)| seen.heartbeat.presence == Presence::Here && seen.since.plus(seen.heartbeat.ttl) > now)
            .map(|(session, seen)| Candidate { session: *session, worker: seen.heartbeat.worker.clone() })
            .collect()
    }

    /// When the revision that stands for `session` was first seen.
    #[must_use]
    pub fn heard(&self, session: Session) -> Option<Moment> {
        self.sessions.get(&session).map(|seen| seen.since)
    }

    /// The next instant at which somebody expires.
    #[must_use]
    pub fn due(&self, now: Moment) -> Option<Moment> {
        self.sessions.values().map(|seen| seen.since.plus(seen.heartbeat.ttl)).filter(|moment| *moment > now).min()
    }

    /// Sessions that ended long ago: ten times their time to live. Their keys are only litter.
    #[must_use]
    pub fn litter(&self, now: Moment) -> Vec<Session> {
        self.sessions
            .iter()
            .filter(|(_, seen)| seen.since.plus(seen.heartbeat.ttl * 10) < now)
            .map(|(session, _)| *session)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn heartbeat(presence: Presence) -> Heartbeat {
        Heartbeat { worker: "w".to_owned(), presence, ttl: Duration::from_secs(2), since_ms: 0 }
    }

    fn at(seconds: u64) -> Moment {
        Moment::from_ns(seconds * 1_000_000_000)
    }

    #[test]
    fn a_session_lives_its_own_ttl_after_the_last_news_of_it() {
        let session = Session::from_u128(1);
        let mut roster = Roster::default();
        roster.see(at(0), session, 5, heartbeat(Presence::Here));
        roster.see(at(1), session, 5, heartbeat(Presence::Here));
        assert_eq!(roster.members(at(1)).len(), 1);
        assert_eq!(roster.due(at(1)), Some(at(2)));
        assert!(roster.members(at(2)).is_empty(), "a repeated revision is no sign of life");
        roster.see(at(3), session, 6, heartbeat(Presence::Here));
        assert_eq!(roster.members(at(4)).len(), 1);
        assert!(roster.litter(at(20)).is_empty());
        assert_eq!(roster.litter(at(24)), [session]);
    }

    #[test]
    fn who_leaves_takes_no_part() {
        let mut roster = Roster::default();
        roster.see(at(0), Session::from_u128(1), 5, heartbeat(Presence::Here));
        roster.see(at(0), Session::from_u128(1), 6, heartbeat(Presence::Leaving));
        assert!(roster.members(at(1)).is_empty());
    }
}
