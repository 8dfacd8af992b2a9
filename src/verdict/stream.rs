//! The ledger while the run goes on: fed record by record, in no more memory than keys, partitions and what is under way.
//!
//! Whoever feeds it says up to which instant everything has been told (the *watermark*): every handling that began, every
//! commit that was confirmed, every publish that was sent before. What lies before it is judged once, in the order of time.
//! A message whose place in the stream is not known yet holds the watermark back, for a while; so the counts are those of
//! [`judge`](super::judge) over the whole evidence. What comes later than it should is counted as a *surprise*: with one
//! the counts may differ by it.
//!
//! A message that was stored, handled and committed is forgotten after a while; of its key stays how the ranks went on. What
//! can be said only at the end (losses) is said by [`Stream::finish`]. Where the stream's limits may evict, it must be told again and again what is
//! gone ([`StoryEvent::Gone`](crate::model::story::StoryEvent::Gone)): nothing is judged that happened later than that.

mod account;
mod ending;
mod evicted;
mod feed;
mod judge;
mod key;
mod keys;
mod partition;
mod rank;
mod sequence;
mod settle;
mod sighting;
mod succession;
mod tell;

#[cfg(test)]
pub(crate) mod agrees;

use std::collections::{BTreeMap, BTreeSet};

pub use account::{Account, SuccessionCounts};
pub use ending::End;
pub use sighting::{Sight, Sighting};
pub use tell::{Told, Turn};

use self::keys::Keys;
use self::partition::{Deed, Partition};
use self::succession::Deliveries;
use self::tell::Teller;
use super::belief::Belief;
use super::commits::are_forgettable;
use super::lives::Lives;
use crate::model::gone::Gone;
use crate::model::manifest::{Confirmation, Manifest};
use crate::model::offer::{Offer, Start};
use crate::model::promise::Promises;
use crate::model::record::{Author, Commit, Reach};
use crate::model::story::StoryLine;
use crate::model::time::{MonoNs, SpanNs};

/// How many sightings wait to be taken at most; what is beyond is counted all the same.
const SIGHTINGS: usize = 1_000;

/// For how long things are kept and waited for.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// How long a message whose place is not known holds the judgement back.
    pub place: SpanNs,
    /// How long a message is remembered that is handled and committed.
    pub committed: SpanNs,
    /// The same for one that is handled and was never committed.
    pub uncommitted: SpanNs,
}

impl Default for Patience {
    fn default() -> Self {
        let seconds = |seconds: u64| SpanNs(seconds * 1_000_000_000);
        Self { place: seconds(30), committed: seconds(10), uncommitted: seconds(600) }
    }
}

/// The ledger while the run goes on.
#[derive(Debug)]
pub struct Stream {
    patience: Patience,
    promises: Promises,
    confirmation: Confirmation,
    /// Partitions that the run has.
    known: u16,
    server_nodes: u32,
    lease_ttl: Option<SpanNs>,
    keys: Keys,
    partitions: Vec<Partition>,
    /// Of these, as many are named by messages or handlings.
    named: usize,
    offer: Offer,
    starts: Vec<Start>,
    /// Messages whose place is not known: when sent, key, sequence.
    unresolved: BTreeSet<(MonoNs, u32, u32)>,
    /// Handlings that are not judged yet.
    deeds: Vec<Deed>,
    /// What else happened and has not been judged.
    events: Vec<(MonoNs, Event)>,
    /// How many servers' processes have ended by the instant that is judged.
    ends: u16,
    /// Servers that were started.
    servers: BTreeSet<String>,
    /// Acknowledgements of what is no first copy of a message: (partition, sequence), and how many servers had ended.
    strays: BTreeMap<(u16, u64), u16>,
    /// All sequences of messages that stand more than once in the stream.
    copies: BTreeSet<(u32, u32, u64)>,
    /// What the stream's limits have removed, as of when; where they may.
    gone: Option<(MonoNs, Gone)>,
    /// Sequences that were given up, and since when.
    given_up: BTreeMap<u64, MonoNs>,
    beliefs: BTreeMap<Author, BTreeMap<u16, Belief>>,
    past_beliefs: Vec<Belief>,
    seen_dual: BTreeSet<(u16, MonoNs, MonoNs, Author)>,
    /// What the driver told of lives, and what follows from it.
    story: Vec<StoryLine>,
    lives: Lives,
    /// Commits are acknowledgements, which a server may forget.
    forgettable: bool,
    cut: Option<MonoNs>,
    /// The load has begun.
    loaded: bool,
    /// Some member was refused a right since then.
    forbidden: bool,
    /// When the last handling ended that had begun before the drain was cut.
    busy_until: MonoNs,
    /// Everything at or below this sequence has its ranks, or never gets any.
    bound: u64,
    judged_to: MonoNs,
    settled_at: MonoNs,
    account: Account,
    sightings: Vec<Sighting>,
    surprises: u64,
    /// Whom it is told what was settled and judged.
    teller: Teller,
    deliveries: Deliveries,
}

/// What happens beside handlings. At one instant the first of these comes first, and all of them after a handling that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    /// Up to, or exactly: partition, sequence, whose.
    UpTo(u16, u64, Author),
    Exact(u16, u64, Author),
    /// Partition, epoch.
    Granted(u16, u32),
    /// A consumer: partition, first sequence, epoch, whose.
    Opened(u16, u64, u32, Author),
    /// A server's process ended.
    ServerEnded,
}

impl Event {
    fn of(commit: &Commit, author: Author) -> Self {
        match commit.reach {
            Reach::UpTo => Self::UpTo(commit.partition, commit.stream_seq, author),
            Reach::Exact => Self::Exact(commit.partition, commit.stream_seq, author),
        }
    }
}

impl Stream {
    /// A ledger without a line.
    #[must_use]
    pub fn new(manifest: &Manifest, patience: Patience) -> Self {
        Self {
            patience,
            promises: manifest.promises,
            confirmation: manifest.confirmation,
            known: manifest.partitions,
            server_nodes: manifest.environment.server_nodes,
            lease_ttl: manifest.lease_ttl,
            keys: Keys::new(manifest.keys),
            partitions: Vec::new(),
            named: 0,
            offer: Offer::default(),
            starts: Vec::new(),
            unresolved: BTreeSet::new(),
            deeds: Vec::new(),
            events: Vec::new(),
            ends: 0,
            servers: BTreeSet::new(),
            strays: BTreeMap::new(),
            copies: BTreeSet::new(),
            gone: None,
            given_up: BTreeMap::new(),
            beliefs: BTreeMap::new(),
            past_beliefs: Vec::new(),
            seen_dual: BTreeSet::new(),
            story: Vec::new(),
            lives: Lives::default(),
            forgettable: are_forgettable(manifest.commit_mode.as_deref()),
            cut: None,
            loaded: false,
            forbidden: false,
            busy_until: MonoNs(0),
            bound: 0,
            judged_to: MonoNs(0),
            settled_at: MonoNs(0),
            account: Account::default(),
            sightings: Vec::new(),
            surprises: 0,
            teller: Teller::default(),
            deliveries: Deliveries::default(),
        }
    }

    /// Tells from here on what is settled and judged: somebody has to take it, see [`Stream::take_told`].
    #[must_use]
    pub fn telling(mut self) -> Self {
        self.teller.tells = true;
        self
    }

    /// What was settled and judged since the last time.
    pub fn take_told(&mut self) -> Told {
        self.teller.take()
    }

    /// The instant before which every message that is known to be stored is settled and was told, and every handling judged.
    #[must_use]
    pub fn told_to(&self) -> MonoNs {
        self.teller.told_to
    }

    /// The lives so far.
    #[must_use]
    pub fn lives(&self) -> &Lives {
        &self.lives
    }

    /// All beliefs so far, by partition, then by beginning.
    #[must_use]
    pub fn beliefs(&self) -> Vec<Belief> {
        self.beliefs_by(None)
    }

    /// Judges what lies before `watermark`, as far as it can be judged. Returns up to which instant everything has been.
    pub fn advance(&mut self, watermark: MonoNs) -> MonoNs {
        self.meet();
        while let Some(&(sent, key, key_seq)) = self.unresolved.first()
            && sent + self.patience.place < watermark
            && !self.is_stored_somewhere(key, key_seq)
        {
            self.unresolved.pop_first();
        }
        let held = self.unresolved.first().map_or(MonoNs(u64::MAX), |first| first.0);
        let known = self.gone.as_ref().map_or(MonoNs(u64::MAX), |(at, _)| *at);
        let to = watermark.min(held).min(known);
        if to > self.judged_to {
            self.rank(Some(to));
            self.judge(Some(to));
            self.judged_to = to;
            if to.since(self.settled_at) >= SpanNs(self.patience.committed.0 / 8) {
                self.settled_at = to;
                self.tell_settled(to);
                self.settle(to);
            }
        }
        self.judged_to
    }

    /// What was seen to go wrong since the last time, the first thousand. Behind a surprise nothing is certain.
    pub fn take_sightings(&mut self) -> Vec<Sighting> {
        self.see_dual_ownership();
        let certain = self.surprises == 0;
        let sightings = std::mem::take(&mut self.sightings);
        sightings.into_iter().map(|sighting| Sighting { certain, ..sighting }).collect()
    }

    /// Whether a message is known to be in the stream, and only its place is not: that is waited for, however long it takes
    /// until somebody is given it. Whatever is in front of it would else have a wrong rank.
    fn is_stored_somewhere(&mut self, key: u32, key_seq: u32) -> bool {
        let message = self.keys.get(key).and_then(|key| key.open(key_seq));
        self.confirmation == Confirmation::Stored && message.is_some_and(|message| message.is(key::CONFIRMED))
    }

    /// What came later than it should: the counts may be wrong by that.
    #[must_use]
    pub fn surprises(&self) -> u64 {
        self.surprises
    }

    /// Messages and handlings that are in memory.
    #[must_use]
    pub fn under_way(&self) -> usize {
        self.deeds.len() + self.keys.iter().map(key::Key::len).sum::<usize>()
    }

    /// The counts so far. Losses and what publishers came to are known only at the end.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    fn see(&mut self, kind: &'static str, promised: bool, sight: Sight) {
        if self.sightings.len() < SIGHTINGS {
            self.sightings.push(Sighting { kind, promised, certain: true, count: 1, distance: 0, sight });
        }
    }

    fn partition(&mut self, number: u16) -> &mut Partition {
        let number = usize::from(number);
        if self.partitions.len() <= number {
            self.partitions.resize_with(number + 1, Partition::default);
        }
        &mut self.partitions[number]
    }
}
