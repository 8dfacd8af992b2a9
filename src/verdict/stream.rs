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
mod key;
mod keys;
mod partition;
mod sequence;
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

use self::key::{Found, HANDLED, NOT_OFFERED, PENDING, RANKED, SEEN};
use self::keys::Keys;
use self::partition::{Deed, Handled, Partition, Pending, Place};
use self::sequence::{Given, Step};
use self::succession::Deliveries;
use self::tell::Teller;
use super::belief::Belief;
use super::commits::are_forgettable;
use super::ledger::Verdict;
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

    /// Gives ranks, in the order of the stream, to what can have nobody new before it.
    fn rank(&mut self, before: Option<MonoNs>) {
        let streamless = self.confirmation == Confirmation::Sent;
        match before {
            None => self.bound = u64::MAX,
            Some(before) => {
                let stored = self.partitions.iter().flat_map(|partition| &partition.pending);
                let stored = stored.filter(|pending| pending.stored < before).map(|pending| pending.place);
                let given = self.deeds.iter().filter(|deed| deed.started < before && deed.met);
                let seen = stored.chain(given.map(|deed| deed.stream_seq)).max();
                self.bound = self.bound.max(seen.unwrap_or(0));
            }
        }
        let (bound, known_by) = (self.bound, before.unwrap_or(MonoNs(u64::MAX)));
        for partition in &mut self.partitions {
            partition.pending.sort_unstable();
            let is_known = |pending: &Pending| {
                if streamless && before.is_some() { pending.sent < known_by } else { pending.place <= bound }
            };
            let count = partition.pending.partition_point(is_known);
            for pending in partition.pending.drain(..count) {
                let Some(key) = self.keys.get(pending.key) else { continue };
                let next = key.ranked + 1;
                let Some(message) = key.open(pending.key_seq) else { continue };
                // A copy that stands before it has been seen since: that one is pending, too.
                let is_stale = message.stream_seq != 0 && message.stream_seq != pending.place;
                if message.is(RANKED) || is_stale {
                    continue;
                }
                self.surprises += u64::from(pending.place < partition.ranked_to);
                message.flags = message.flags & !PENDING | RANKED;
                // One without a place of its own stands where another is that was acknowledged.
                let has_place = message.stream_seq == pending.place;
                let acked = || has_place && self.strays.contains_key(&(message.partition, pending.place));
                // That a server has forgotten it since makes it no later.
                let up_to = partition.up_to.max(partition.forgotten_to);
                if up_to > 0 && pending.place <= up_to || acked() {
                    message.flags |= key::AHEAD;
                }
                if !streamless && partition.passage.is_passed(pending.place) {
                    message.flags |= key::SKIPPED;
                    self.account.succession.skipped_openings += partition.passage.pass_late(pending.place);
                }
                let offered = self.offer.holds(message.partition, message.stream_seq) || message.is(key::DELIVERED);
                if offered {
                    partition.ranked += 1;
                    message.partition_rank = partition.ranked;
                    message.key_rank = next;
                } else {
                    message.flags |= NOT_OFFERED;
                }
                partition.ranked_to = partition.ranked_to.max(pending.place);
                let Pending { key: of, key_seq, .. } = pending;
                let rank = message.partition_rank;
                partition.index.push_back(Place { stream_seq: pending.place, key: of, key_seq, rank });
                let reordered = key_seq < key.greatest;
                key.greatest = key.greatest.max(key_seq);
                key.ranked += u32::from(offered);
                self.account.publisher.publish_reordered += u64::from(reordered);
            }
        }
    }

    /// Judges what happened before an instant, in the order of time.
    fn judge(&mut self, before: Option<MonoNs>) {
        let is_due = |at: MonoNs| before.is_none_or(|before| at < before);
        let mut deeds: Vec<Deed> = self.deeds.extract_if(.., |deed| is_due(deed.started)).collect();
        deeds.sort_unstable_by_key(|deed| (deed.started, deed.author, deed.number));
        let mut events: Vec<(MonoNs, Event)> = self.events.extract_if(.., |event| is_due(event.0)).collect();
        events.sort_unstable();
        let mut events = events.into_iter().peekable();
        for deed in &deeds {
            while let Some((at, event)) = events.next_if(|(at, _)| *at < deed.started) {
                self.happen(at, event);
            }
            self.judge_deed(deed);
        }
        for (at, event) in events {
            self.happen(at, event);
        }
    }

    fn happen(&mut self, at: MonoNs, event: Event) {
        match event {
            Event::ServerEnded => {
                self.ends = self.ends.saturating_add(1);
                if self.forgettable {
                    for partition in &mut self.partitions {
                        partition.forgotten_to = partition.forgotten_to.max(partition.up_to);
                        partition.up_to = 0;
                    }
                }
            }
            Event::Granted(partition, epoch) => {
                let granted = self.partition(partition).grant(epoch, at);
                self.account.stale_tail += granted.stale_tails;
                self.surprises += u64::from(granted.unsure);
            }
            Event::UpTo(partition, stream_seq, author) => {
                self.check_commit(author, partition, stream_seq, at);
                self.cover(author, partition, stream_seq, at);
            }
            Event::Exact(partition, stream_seq, author) => {
                self.check_commit(author, partition, stream_seq, at);
                self.acknowledge(author, partition, stream_seq, at);
            }
            Event::Opened(partition, start_seq, epoch, author) => self.open(author, partition, start_seq, epoch, at),
        }
    }

    /// A message was acknowledged by itself.
    fn acknowledge(&mut self, author: Author, number: u16, stream_seq: u64, at: MonoNs) {
        let ends = self.ends.saturating_add(1);
        let partition = self.partition(number);
        let index = partition.index.partition_point(|place| place.stream_seq < stream_seq);
        let place = partition.index.get(index).filter(|place| place.stream_seq == stream_seq).copied();
        let settled = stream_seq <= partition.settled_to;
        let message = place.and_then(|place| self.keys.get(place.key)?.open(place.key_seq));
        match message.filter(|message| (message.partition, message.stream_seq) == (number, stream_seq)) {
            Some(message) => {
                message.acked = ends;
                if let (true, Some(place)) = (message.get_ahead(at), place) {
                    self.see_ahead(author, number, place, at);
                }
            }
            None if settled => {}
            None => drop(self.strays.insert((number, stream_seq), ends)),
        }
    }

    fn judge_deed(&mut self, deed: &Deed) {
        if self.cut.is_none_or(|cut| deed.started <= cut) {
            self.busy_until = self.busy_until.max(deed.ended);
        }
        self.account.misplaced += u64::from(deed.partition >= self.known);
        self.judge_exclusion(deed);
        self.judge_delivery(deed);
        if !deed.ok {
            self.account.aborted += 1;
            self.teller.judge(deed, Verdict::Aborted);
            return;
        }
        let ends = self.ends;
        let Some(partition) = self.partitions.get_mut(usize::from(deed.partition)) else { return };
        let (up_to, settled_to) = (partition.up_to, partition.settled_to);
        let forgotten_to = partition.forgotten_to;
        let key = self.keys.get(deed.key).filter(|_| deed.intact);
        let Some(key) = key else { return self.phantom(deed) };
        // Sequence of its first copy, rank, whether it is the first, acknowledged.
        let (home, next) = (key.home, key.ranked + 1);
        let mut ranked_late = false;
        let found = key.find(deed.key_seq);
        let is_settled = matches!(found, Found::Settled(_));
        let (stream_seq, ranks, first, acked) = match found {
            Found::Nothing => return self.phantom(deed),
            Found::Settled(rank) => {
                // What stands behind all that is settled is a second copy of it.
                let stream_seq = if deed.stream_seq > settled_to { 0 } else { deed.stream_seq };
                (stream_seq, (rank, partition.rank_at(stream_seq), home, true), false, 1)
            }
            Found::Open(message) => {
                if !message.is(RANKED) {
                    ranked_late = true;
                    message.key_rank = next;
                    message.partition_rank = partition.ranked + 1;
                    partition.ranked += 1;
                    message.flags |= RANKED;
                }
                message.done = message.done.min(deed.ended);
                let first = !message.is(HANDLED);
                if first {
                    message.flags |= HANDLED;
                    message.at = deed.started;
                    (message.received, message.finished, message.handler) = (deed.received, deed.ended, deed.author);
                }
                let ranks = (message.key_rank, message.partition_rank, message.partition, message.is(SEEN));
                (message.stream_seq, ranks, first, message.acked)
            }
        };
        let (key_rank, partition_rank, home, seen) = ranks;
        self.surprises += u64::from(ranked_late);
        key.ranked += u32::from(ranked_late);
        if deed.epoch > key.reached.0 {
            key.reached = (deed.epoch, key_rank);
        } else if deed.epoch == key.reached.0 {
            key.reached.1 = key.reached.1.max(key_rank);
        }
        if !first && deed.stream_seq != 0 && deed.stream_seq != stream_seq {
            self.account.extra_copies += 1;
            self.teller.judge(deed, Verdict::ExtraCopy);
            return;
        }
        if first {
            self.excuse(deed, key_rank, partition_rank, home);
        }
        let Some(partition) = self.partitions.get_mut(usize::from(deed.partition)) else { return };
        let Some(key) = self.keys.get(deed.key) else { return };
        let acked = if home == deed.partition { acked } else { 0 };
        let stray = || self.strays.get(&(deed.partition, stream_seq)).copied().unwrap_or(0);
        let acked = if acked != 0 || self.strays.is_empty() { acked } else { stray() };
        let acknowledged = stream_seq != 0 && acked != 0;
        // A server that ended since may have forgotten it.
        let forgotten = stream_seq != 0
            && up_to < stream_seq
            && (acknowledged && ends >= acked || !acknowledged && forgotten_to >= stream_seq);
        self.surprises += u64::from(is_settled && forgotten);
        let committed = stream_seq != 0 && (up_to >= stream_seq || acknowledged && !forgotten) || is_settled;
        self.teller.meet(deed, first);
        let (account, sightings, teller) = (&mut self.account, &mut self.sightings, &mut self.teller);
        let promised = self.promises.order_per_key;
        let step = Step { rank: key_rank, first, committed, forgotten, what: deed.handled(first) };
        key.order.push(step, |given| {
            account.order.add_many(given.verdict, given.count(), given.distance);
            account.forgotten_by_server += given.forgotten;
            partition.counts.by_key.add_many(given.verdict, given.count(), given.distance);
            see_order(sightings, promised, &given);
            teller.judged(&given);
        });
        if home != deed.partition {
            account.misrouted += 1;
            return;
        }
        if let (false, Some(message)) = (seen, key.open(deed.key_seq)) {
            message.flags |= SEEN;
        }
        let rewind = if is_settled && deed.stream_seq > settled_to {
            None
        } else {
            let place = if is_settled { deed.stream_seq } else { stream_seq };
            self.judge_replay(deed, (place, partition_rank))
        };
        let Some(partition) = self.partitions.get_mut(usize::from(deed.partition)) else { return };
        self.surprises += u64::from(deed.started < partition.judged_to);
        partition.judged_to = partition.judged_to.max(deed.started);
        // Whether it goes on with a replay is not known any more.
        self.surprises += u64::from(partition_rank == 0 && partition.order.is_replaying());
        let account = &mut self.account;
        let step = Step { rank: partition_rank, first: !seen, committed, forgotten, what: () };
        partition.order.push(step, |given| {
            account.partition_order.add_many(given.verdict, given.count(), given.distance);
            partition.counts.by_partition.add_many(given.verdict, given.count(), given.distance);
        });
        if let Some(kind) = rewind {
            self.see(kind, self.promises.owners && self.promises.order_per_key, deed.sight());
        }
    }

    fn judge_exclusion(&mut self, deed: &Deed) {
        let owners = self.promises.owners;
        if owners {
            self.teller.begin(deed);
        }
        let beside = self.partition(deed.partition).begin(deed, owners);
        self.account.overlap += u64::from(beside.overlap);
        self.account.overlap_stale_tail += u64::from(beside.stale_tail);
        self.account.stale_handling += u64::from(beside.stale);
        for (seen, kind) in [(beside.overlap && owners, "overlap"), (beside.stale, "stale_handling")] {
            if seen {
                self.see(kind, self.promises.exclusive, deed.sight());
            }
        }
    }

    fn phantom(&mut self, deed: &Deed) {
        self.account.phantom += 1;
        self.teller.judge(deed, Verdict::Phantom);
        self.see("phantom", true, deed.sight());
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

    /// Forgets what is done.
    fn settle(&mut self, to: MonoNs) {
        self.look_between();
        let Self { keys, partitions, account, patience, given_up, teller, confirmation, .. } = self;
        let old = |message: &key::Msg, patience: SpanNs| message.at + patience < to;
        for key in keys.iter_mut() {
            let mut forgotten: Vec<(u16, u64)> = Vec::new();
            let high = key.ranked;
            key.settle(
                |message| {
                    let up_to =
                        partitions.get(usize::from(message.partition)).map_or(0, |of| of.up_to.max(of.forgotten_to));
                    let committed = message.acked != 0 || message.stream_seq != 0 && up_to >= message.stream_seq;
                    let answered = message.unknown == 0 || old(message, patience.uncommitted);
                    message.is(RANKED | SEEN)
                        && answered
                        && old(message, if committed { patience.committed } else { patience.uncommitted })
                },
                |message| {
                    let left = message.is(RANKED) && !message.is(HANDLED) && message.key_rank < high;
                    // Nobody was given it, and nobody was told that it is stored.
                    let nowhere = !message.is_any(RANKED | key::CONFIRMED | key::DELIVERED);
                    (left || nowhere || message.is(NOT_OFFERED)) && old(message, patience.uncommitted)
                },
                |message| {
                    account.publisher.attempted += 1;
                    if message.is(key::CONFIRMED) {
                        account.publisher.stored += 1;
                    } else {
                        account.publisher.surfaced += 1;
                    }
                    teller.settle(message, *confirmation, given_up);
                    account.succession.close(message, given_up);
                    forgotten.push((message.partition, message.stream_seq));
                },
            );
            for (partition, stream_seq) in forgotten {
                let Some(partition) = partitions.get_mut(usize::from(partition)) else { continue };
                partition.settled_to = partition.settled_to.max(stream_seq);
                partition.counts.stored += 1;
            }
        }
        for partition in partitions.iter_mut() {
            partition.forget(|place| keys.get(place.key).is_none_or(|key| key.is_behind(place.key_seq)));
        }
    }
}

fn see_order(sightings: &mut Vec<Sighting>, promised: bool, given: &Given<'_, Handled>) {
    let kind = match given.verdict {
        Verdict::Skipped => "skipped",
        Verdict::Late => "late",
        Verdict::Regressed => "regressed",
        _ => return,
    };
    if let (true, Some(first)) = (sightings.len() < SIGHTINGS, given.all.first()) {
        let (count, distance, sight) = (given.count(), given.distance, first.sight);
        sightings.push(Sighting { kind, promised, certain: true, count, distance, sight });
    }
}
