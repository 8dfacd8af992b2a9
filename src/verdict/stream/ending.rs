//! The end of the evidence: what was left open is closed, and what was never handled is counted.

use std::collections::BTreeMap;

use super::key::{CONFIRMED, DELIVERED, HANDLED, Msg, NOT_OFFERED, RANKED};
use super::partition::Pending;
use super::{Account, Stream};
use crate::model::manifest::Confirmation;
use crate::model::record::Author;
use crate::model::report::OwnershipEnd;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::belief::Belief;
use crate::verdict::exclusion::dual_ownership;
use crate::verdict::loss::REST;

impl Stream {
    /// Judges what is left, and counts: everything has been told.
    #[must_use]
    pub fn finish(mut self) -> (Account, u64) {
        self.meet();
        self.place_the_rest();
        self.rank(None);
        self.judge(None);
        let Self { keys, partitions, account, .. } = &mut self;
        for key in keys.iter_mut() {
            key.order.end(|given| {
                account.order.add_many(given.verdict, given.count, given.distance);
                account.forgotten_by_server += given.forgotten;
                let partition = partitions.get_mut(usize::from(given.what.partition));
                if let Some(partition) = partition {
                    partition.counts.by_key.add_many(given.verdict, given.count, given.distance);
                }
            });
        }
        for partition in partitions.iter_mut() {
            let counts = &mut partition.counts;
            partition.order.end(|given| {
                account.partition_order.add_many(given.verdict, given.count, given.distance);
                counts.by_partition.add_many(given.verdict, given.count, given.distance);
            });
        }
        self.count_messages();
        self.account.publisher.duplicate_stored = self.count_copies();
        self.account.dual_ownership = self.dual_ownership(None).len() as u64;
        let named = self.named.max(usize::from(self.known));
        self.partitions.resize_with(named, super::Partition::default);
        self.account.partitions = self.partitions.iter().map(|partition| partition.counts).collect();
        (self.account, self.surprises)
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
        let Self { keys, partitions, account, confirmation, given_up, promises, strays, known, ends, .. } = self;
        for key in keys.iter_mut() {
            let (epoch, rank) = key.reached;
            for (_, message) in key.messages() {
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
                if message.is(NOT_OFFERED) && !message.is(DELIVERED) {
                    account.not_offered += 1;
                } else if message.is(HANDLED) {
                } else if seq != 0 && given_up.contains(&seq) {
                    account.dropped += 1;
                } else {
                    account.unhandled += 1;
                    partition.counts.unhandled += 1;
                    let passed = promises.order_per_key && epoch == partition.last_epoch && message.key_rank < rank;
                    let stray = || strays.get(&(message.partition, seq)).copied().unwrap_or(0);
                    let acked = if message.acked == 0 { stray() } else { message.acked };
                    let covered = || seq != 0 && (partition.up_to >= seq || acked > *ends);
                    let lost = u64::from(!working || passed || covered());
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
        dual_ownership(&beliefs).into_iter().map(|pair| (beliefs[pair.earlier], beliefs[pair.later])).collect()
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

/// Whether a message is among those that are stored. One that was only sent to a stream is when somebody was given it.
fn is_stored(message: &Msg, confirmation: Confirmation) -> bool {
    let proved = confirmation != Confirmation::SentToStream || message.stream_seq != 0;
    message.is(DELIVERED) || message.is(CONFIRMED) && proved
}
