//! Who is asked when whether he is still there, and what silence means. No input or output.
//!
//! The members stand in a ring, by session. Each probes the next one behind itself, so that each is probed by
//! one, and the cost of it all grows with the group and not with its square. Where the server says that nobody listens, a second probe
//! follows after a few milliseconds, since a member that renews its connection is missed for as long. Whoever finds a member gone tells
//! the others, who each probe once more themselves before they believe it. A newcomer, whom nobody has told, probes everybody once.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::record::Session;

/// The pause between the first sign that nobody listens and the probe that confirms it.
const CONFIRM_AFTER: Duration = Duration::from_millis(3);
/// The pause before a member that is seen for the first time is looked for: as long as its subscription may take to be known everywhere.
const LOOK_AFTER: Duration = Duration::from_millis(20);
/// A probe that nobody has refused in so long has reached somebody.
const BELIEVED_AFTER: Duration = Duration::from_millis(500);

/// A probe to be sent to a session's liveness subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whose.
    pub session: Session,
    /// It is the second one, which confirms.
    pub confirms: bool,
}

/// A member is gone, as far as can be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Nobody has told us: the others are to be told.
    pub is_news: bool,
}

#[derive(Clone, Copy, Debug)]
struct Suspect {
    confirm_at: Moment,
    asked: bool,
    is_news: bool,
}

/// What one member knows of who listens.
#[derive(Clone, Debug)]
pub struct Watchman {
    session: Session,
    every: Option<Duration>,
    next: Moment,
    suspects: BTreeMap<Session, Suspect>,
}

impl Watchman {
    /// Nobody is suspected. Without `every` only those are probed who are said to be gone.
    #[must_use]
    pub const fn new(session: Session, every: Option<Duration>) -> Self {
        Self { session, every, next: Moment::from_ns(0), suspects: BTreeMap::new() }
    }

    /// What is to be asked now. `members` are those that listen as long as they live, in any order.
    pub fn asks(&mut self, now: Moment, members: &[Session]) -> Vec<Ask> {
        self.forget_the_trusted(now);
        self.suspects.retain(|session, _| members.contains(session));
        let mut asks = Vec::new();
        for (session, suspect) in &mut self.suspects {
            if !suspect.asked && now >= suspect.confirm_at {
                suspect.asked = true;
                asks.push(Ask { session: *session, confirms: true });
            }
        }
        if let Some(every) = self.every.filter(|_| now >= self.next) {
            self.next = now.plus(every);
            asks.extend(self.next_member(members).map(|session| Ask { session, confirms: false }));
        }
        asks
    }

    /// The next instant at which there is something to ask.
    #[must_use]
    pub fn due(&self) -> Option<Moment> {
        let confirm = self.suspects.values().filter(|suspect| !suspect.asked).map(|suspect| suspect.confirm_at);
        confirm.chain(self.every.map(|_| self.next)).min()
    }

    /// The server says that nobody listens to `session`. Answers whether it counts as gone now.
    pub fn nobody_listens(&mut self, now: Moment, session: Session, confirms: bool) -> Option<Gone> {
        self.forget_the_trusted(now);
        match self.suspects.get(&session) {
            None if !confirms => {
                self.suspect(session, now.plus(CONFIRM_AFTER), true);
                None
            }
            Some(Suspect { asked: true, is_news, .. }) if confirms => {
                let gone = Gone { is_news: *is_news };
                self.suspects.remove(&session);
                Some(gone)
            }
            None | Some(_) => None,
        }
    }

    /// Somebody says that `session` is gone: it is probed once, now. Where that is being done already, once more in a moment: what was said
    /// first may have come before the server knew. [`asks`](Self::asks) forgets those that own nothing.
    pub fn told(&mut self, now: Moment, session: Session) {
        self.forget_the_trusted(now);
        match self.suspects.get_mut(&session) {
            Some(suspect) if suspect.asked => {
                (suspect.asked, suspect.confirm_at) = (false, now.plus(CONFIRM_AFTER));
            }
            None if session != self.session => self.suspect(session, now, false),
            Some(_) | None => {}
        }
    }

    /// A member is seen for the first time. To a newcomer the heartbeats of the dead look like those of the living: it is probed once.
    pub fn met(&mut self, now: Moment, session: Session) {
        self.forget_the_trusted(now);
        if session != self.session && !self.suspects.contains_key(&session) {
            self.suspect(session, now.plus(LOOK_AFTER), false);
        }
    }

    fn forget_the_trusted(&mut self, now: Moment) {
        self.suspects.retain(|_, suspect| now < suspect.confirm_at.plus(BELIEVED_AFTER));
    }

    fn suspect(&mut self, session: Session, confirm_at: Moment, is_news: bool) {
        self.suspects.insert(session, Suspect { confirm_at, asked: false, is_news });
    }

    /// The next member in the ring who is not under suspicion already.
    fn next_member(&self, members: &[Session]) -> Option<Session> {
        let others =
            || members.iter().copied().filter(|owner| *owner != self.session && !self.suspects.contains_key(owner));
        others().filter(|owner| *owner > self.session).min().or_else(|| others().min())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn session(number: u128) -> Session {
        Session::from_u128(number)
    }

    const fn at(ms: u64) -> Moment {
        Moment::from_ns(ms * 1_000_000)
    }

    const EVERY: Option<Duration> = Some(Duration::from_millis(10));

    fn probe(number: u128) -> Ask {
        Ask { session: session(number), confirms: false }
    }

    fn confirm(number: u128) -> Ask {
        Ask { session: session(number), confirms: true }
    }

    #[test]
    fn two_refused_probes_make_an_owner_gone_and_one_does_not() {
        let owners = [session(1), session(2), session(3)];
        let mut watchman = Watchman::new(session(1), EVERY);
        assert_eq!(watchman.asks(at(100), &owners), [probe(2)]);
        assert_eq!(watchman.asks(at(105), &owners), []);
        assert_eq!(watchman.nobody_listens(at(105), session(2), false), None);
        assert_eq!(watchman.asks(at(106), &owners), []);
        assert_eq!(watchman.nobody_listens(at(106), session(2), true), None, "it was not asked yet");
        assert_eq!(watchman.due(), Some(at(108)));
        assert_eq!(watchman.asks(at(108), &owners), [confirm(2)]);
        assert_eq!(watchman.asks(at(110), &owners), [probe(3)], "the ring goes on behind the suspect");
        assert_eq!(watchman.nobody_listens(at(110), session(2), true), Some(Gone { is_news: true }));
        assert_eq!(watchman.nobody_listens(at(110), session(2), true), None, "once");
    }

    #[test]
    fn an_owner_that_is_back_for_the_second_probe_is_trusted_again() {
        let owners = [session(1), session(2)];
        let mut watchman = Watchman::new(session(1), EVERY);
        assert_eq!(watchman.nobody_listens(at(100), session(2), false), None);
        assert_eq!(watchman.asks(at(103), &owners), [confirm(2)]);
        assert_eq!(watchman.asks(at(700), &owners), [probe(2)], "nobody has refused it");
        assert_eq!(watchman.nobody_listens(at(701), session(2), true), None, "too late");
    }

    #[test]
    fn a_newcomer_looks_for_everybody_once() {
        let members = [session(1), session(2), session(3)];
        let mut watchman = Watchman::new(session(1), EVERY);
        watchman.met(at(100), session(2));
        watchman.met(at(100), session(3));
        assert_eq!(watchman.asks(at(100), &members), [], "all are being looked for");
        assert_eq!(watchman.asks(at(120), &members), [confirm(2), confirm(3)]);
        assert_eq!(watchman.nobody_listens(at(121), session(3), true), Some(Gone { is_news: false }));
        assert_eq!(watchman.asks(at(700), &members[..2]), [probe(2)], "he was there");
    }

    #[test]
    fn what_others_say_is_asked_once_and_told_to_nobody() {
        let mut watchman = Watchman::new(session(1), None);
        watchman.told(at(5), session(1));
        watchman.told(at(5), session(2));
        watchman.told(at(5), session(9));
        assert_eq!(watchman.asks(at(5), &[session(2), session(1)]), [confirm(2)], "neither oneself nor a stranger");
        assert_eq!(watchman.nobody_listens(at(6), session(2), true), Some(Gone { is_news: false }));
        assert_eq!(watchman.due(), None, "without probes of its own");
        watchman.told(at(10), session(2));
        assert_eq!(watchman.asks(at(10), &[session(2)]), [confirm(2)]);
        watchman.told(at(20), session(2));
        assert_eq!(watchman.asks(at(20), &[session(2)]), [], "it is being asked");
        assert_eq!(watchman.asks(at(23), &[session(2)]), [confirm(2)], "it was said again");
        assert_eq!(watchman.asks(at(99), &[session(2)]), []);
        watchman.told(at(900), session(2));
        assert_eq!(watchman.asks(at(900), &[session(2)]), [confirm(2)], "it was there the last time");
    }

    proptest! {
        #[test]
        fn every_owner_is_probed_by_exactly_one_of_the_owners(numbers in proptest::collection::btree_set(1_u128..1000, 2..20)) {
            let owners: Vec<Session> = numbers.iter().copied().map(session).collect();
            let mut asked: Vec<Session> = owners
                .iter()
                .flat_map(|owner| Watchman::new(*owner, EVERY).asks(at(1), &owners))
                .map(|ask| ask.session)
                .collect();
            asked.sort_unstable();
            prop_assert_eq!(asked, owners);
        }
    }
}
