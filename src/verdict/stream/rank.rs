//! Ranks: in the order of the stream, as soon as nobody new can stand in front.

use super::Stream;
use super::key::{self, NOT_OFFERED, PENDING, RANKED};
use super::partition::{Pending, Place};
use crate::model::manifest::Confirmation;
use crate::model::time::MonoNs;

impl Stream {
    /// Gives ranks, in the order of the stream, to what can have nobody new before it.
    pub(super) fn rank(&mut self, before: Option<MonoNs>) {
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
}
