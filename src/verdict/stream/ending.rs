//! The end of the evidence: what was left open is closed, and what was never handled is counted.

use std::collections::BTreeMap;

use super::key::{CONFIRMED, DELIVERED, EVICTED, HANDLED, Msg, NOT_OFFERED, RANKED};
use super::partition::Pending;
use super::tell::{Told, Turn};
use super::{Account, Sighting, Stream};
use crate::model::manifest::Confirmation;
use crate::model::record::{Author, Role};
use crate::model::report::OwnershipEnd;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::belief::Belief;
use crate::verdict::exclusion::dual_ownership;
use crate::verdict::loss::REST;

/// What a stream comes to.
#[derive(Debug)]
pub struct End {
    /// All counts.
    pub account: Account,
    /// What came later than it should: the counts may be wrong by that.
    pub surprises: u64,
    /// All beliefs, by partition, then by beginning.
    pub beliefs: Vec<Belief>,
    /// What was seen since the last time.
    pub sightings: Vec<Sighting>,
    /// What was settled and judged since the last time, when that is told.
    pub told: Told,
    /// Turns that are kept.
    pub turns: Vec<Turn>,
}

impl Stream {
    /// Judges what is left, and counts: everything has been told.
    #[must_use]
    pub fn finish(self) -> (Account, u64) {
        let End { account, surprises, .. } = self.end();
        (account, surprises)
    }

    /// The same, and what else is known by then.
    #[must_use]
    pub fn end(mut self) -> End {
        self.meet();
        self.place_the_rest();
        self.rank(None);
        self.judge(None);
        self.look_between();
        let Self { keys, partitions, account, sightings, promises, teller, .. } = &mut self;
        for key in keys.iter_mut() {
            key.order.end(|given| {
                account.order.add_many(given.verdict, given.count(), given.distance);
                account.forgotten_by_server += given.forgotten;
                let partition = given.all.first().map_or(0, |first| usize::from(first.sight.partition));
                if let Some(partition) = partitions.get_mut(partition) {
                    partition.counts.by_key.add_many(given.verdict, given.count(), given.distance);
                }
                super::judge::see_order(sightings, promises.order_per_key, &given);
                teller.judged(&given);
            });
        }
        for partition in partitions.iter_mut() {
            let counts = &mut partition.counts;
            partition.order.end(|given| {
                account.partition_order.add_many(given.verdict, given.count(), given.distance);
                counts.by_partition.add_many(given.verdict, given.count(), given.distance);
            });
        }
        self.count_messages();
        self.account.publisher.duplicate_stored = self.count_copies();
        self.judged_to = MonoNs(u64::MAX);
        let sightings = self.take_sightings();
        let named = self.named.max(usize::from(self.known));
        self.partitions.resize_with(named, super::Partition::default);
        self.account.partitions = self.partitions.iter().map(|partition| partition.counts).collect();
        let beliefs = self.beliefs_by(None);
        let turns = self.turns().copied().collect();
        End { turns, account: self.account, surprises: self.surprises, beliefs, sightings, told: self.teller.take() }
    }

    /// Gives a place to what has none: where none is known that of the stored message of its key before it.
    fn place_the_rest(&mut self) {
        let confirmation = self.confirmation;
        for (number, key) in self.keys.numbered() {
            let mut before = 0;
            for (key_seq, message) in key.messages() {
                let stored = is_stored(message, confirmation);
                if stored && !message.is(RANKED) {
                    let place = if message.stream_seq == 0 { before } else { message.stream_seq };
                    let stored = MonoNs(u64::MAX);
                    let pending = Pending { place, sent: message.at, key: number, key_seq, stored };
                    if let Some(partition) = self.partitions.get_mut(usize::from(message.partition)) {
                        partition.pending.push(pending);
                    } else {
                        self.partitions.resize_with(usize::from(message.partition) + 1, super::Partition::default);
                        self.partitions[usize::from(message.partition)].pending.push(pending);
                    }
                }
                if stored && message.stream_seq != 0 {
                    before = message.stream_seq;
                }
            }
        }
    }

    fn count_messages(&mut self) {
        let working = self.works();
        let Self {
            keys,
            partitions,
            account,
            confirmation,
            given_up,
            promises,
            strays,
            known,
            ends,
            teller,
            sightings,
            gone,
            ..
        } = self;
        if gone.is_some() {
            account.evicted.get_or_insert(0);
        }
        for (number, key) in keys.numbered() {
            let (epoch, rank) = key.reached;
            for (key_seq, message) in key.messages() {
                let is_first = !message.is(EVICTED);
                if super::evicted::is_evicted(gone.as_ref(), message) {
                    message.flags |= EVICTED;
                    account.evicted = account.evicted.map(|evicted| evicted + u64::from(is_first));
                }
                teller.settle(message, *confirmation, given_up);
                account.succession.close(message, given_up);
                account.misplaced += u64::from(message.partition >= *known);
                account.publisher.attempted += 1;
                if !is_stored(message, *confirmation) {
                    let unknown = message.unknown > 0 || message.is(CONFIRMED);
                    *(if unknown { &mut account.publisher.unknown } else { &mut account.publisher.failed }) += 1;
                    continue;
                }
                let confirmed = message.is(CONFIRMED);
                *(if confirmed { &mut account.publisher.stored } else { &mut account.publisher.surfaced }) += 1;
                let Some(partition) = partitions.get_mut(usize::from(message.partition)) else { continue };
                partition.counts.stored += 1;
                let seq = message.stream_seq;
                if message.is(EVICTED) {
                    partition.counts.stored -= 1;
                } else if message.is(NOT_OFFERED) && !message.is(DELIVERED) {
                    account.not_offered += 1;
                } else if message.is(HANDLED) {
                } else if seq != 0 && given_up.contains_key(&seq) {
                    account.dropped += 1;
                } else {
                    account.unhandled += 1;
                    partition.counts.unhandled += 1;
                    let passed = promises.order_per_key && epoch == partition.last_epoch && message.key_rank < rank;
                    let stray = || strays.get(&(message.partition, seq)).copied().unwrap_or(0);
                    let acked = if message.acked == 0 { stray() } else { message.acked };
                    let covered = || seq != 0 && (partition.up_to >= seq || acked > *ends);
                    let lost = u64::from(!working || passed || covered());
                    if lost > 0 && sightings.len() < super::SIGHTINGS {
                        sightings.push(missed(number, key_seq, message, promises.at_least_once));
                    }
                    account.lost += lost;
                    partition.counts.lost += lost;
                }
            }
        }
    }

    /// Whether the drain was cut while some handler was busy, or while members were refused a right.
    fn works(&self) -> bool {
        let takeover = self.lease_ttl.map_or(0, |ttl| ttl.0.saturating_mul(2));
        let rests = |cut| self.busy_until < cut - SpanNs(REST.0.saturating_add(takeover));
        self.cut.is_some_and(|cut| self.forbidden || !rests(cut))
    }

    fn count_copies(&self) -> u64 {
        let mut of_message: BTreeMap<(u32, u32), u64> = BTreeMap::new();
        for (key, key_seq, _) in &self.copies {
            *of_message.entry((*key, *key_seq)).or_default() += 1;
        }
        of_message.values().map(|count| count - 1).sum()
    }

    /// The pairs of beliefs that overlap, as far as they reach by `until`.
    fn dual_ownership(&self, until: Option<MonoNs>) -> Vec<(Belief, Belief)> {
        let beliefs = self.beliefs_by(until);
        dual_ownership(&beliefs).into_iter().map(|pair| (beliefs[pair.earlier], beliefs[pair.later])).collect()
    }

    /// All beliefs by partition, then by beginning, as far as they reach by `until`.
    pub(super) fn beliefs_by(&self, until: Option<MonoNs>) -> Vec<Belief> {
        let open = self.beliefs.values().flat_map(|open| open.values().copied());
        let mut beliefs: Vec<Belief> = self.past_beliefs.iter().copied().chain(open).collect();
        let died = |author: Author| self.lives.died(author);
        for belief in &mut beliefs {
            if let Some(died) = died(belief.owner).filter(|died| *died < belief.to) {
                (belief.to, belief.end) = (died.max(belief.from), OwnershipEnd::Died);
            }
            if let Some(until) = until {
                belief.to = belief.to.min(until).max(belief.from);
            }
        }
        beliefs.sort_by_key(|belief| (belief.partition, belief.from, belief.epoch, belief.owner));
        beliefs
    }

    /// Tells of beliefs that overlap, as far as they are certain.
    pub(super) fn see_dual_ownership(&mut self) {
        let beliefs = self.past_beliefs.len() + self.beliefs.values().map(BTreeMap::len).sum::<usize>();
        if beliefs == 0 {
            return;
        }
        let pairs = self.dual_ownership(Some(self.judged_to));
        self.account.dual_ownership = pairs.len() as u64;
        for (earlier, later) in pairs {
            if !self.seen_dual.insert((later.partition, earlier.from, later.from, later.owner)) {
                continue;
            }
            let sight = super::Sight {
                at: later.from,
                author: later.owner,
                partition: later.partition,
                key: 0,
                key_seq: 0,
                stream_seq: 0,
                epoch: later.epoch,
            };
            self.see("dual_ownership", self.promises.exclusive, sight);
        }
    }
}

/// A message is lost: told by its publisher's side, because nobody handled it.
fn missed(key: u32, key_seq: u32, message: &Msg, promised: bool) -> Sighting {
    let author = Author { role: Role::Publisher, index: message.publisher, life: 1 };
    let sight = super::Sight {
        at: message.stored,
        author,
        partition: message.partition,
        key,
        key_seq,
        stream_seq: message.stream_seq,
        epoch: 0,
    };
    Sighting { kind: "lost", promised, certain: true, count: 1, distance: 0, sight }
}

/// Whether a message is among those that are stored. One that was only sent to a stream is when somebody was given it.
pub(super) fn is_stored(message: &Msg, confirmation: Confirmation) -> bool {
    let proved = confirmation != Confirmation::SentToStream || message.stream_seq != 0;
    message.is(DELIVERED) || message.is(CONFIRMED) && proved
}
