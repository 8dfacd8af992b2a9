//! Succession while the run goes on: what `succession` finds in the whole evidence, step by step.
//!
//! Places in the stream stand for ranks: within a partition their order is the same, and they are known of what is forgotten.

use std::collections::BTreeMap;

use super::account::SuccessionCounts;
use super::key::{AHEAD, HANDLED, Msg, NOT_OFFERED, SKIPPED};
use super::partition::{Deed, Place};
use super::{Sight, Stream};
use crate::model::manifest::Confirmation;
use crate::model::record::Author;
use crate::model::time::MonoNs;

/// As many replays of a partition wait to be judged at most.
const DOUBTS: usize = 10_000;
/// As many handlings of superseded owners are remembered at most.
const STALE: usize = 100_000;

/// Where a message stands in its partition: by sequence, and by rank where there is none.
pub(super) type Spot = (u64, u32);

/// How one epoch of a partition came after the other.
#[derive(Debug, Default)]
pub(super) struct Passage {
    /// Epochs that were later than all before them, and when each was granted.
    grants: Vec<(u32, MonoNs)>,
    /// The greatest place handled so far.
    high: Spot,
    /// By epoch: the last place that it handled, and how far the others had come when it began.
    epochs: BTreeMap<u32, (Spot, Spot)>,
    /// Replays that left something out, between two places: bad, if any of that is handled one day.
    doubts: Vec<(Spot, Spot, Sight)>,
    /// Consumers that were opened at a place that none before had been opened behind: where, and how many messages it passed over.
    openings: Vec<(u64, u32)>,
}

impl Passage {
    /// An epoch is granted.
    pub(super) fn grant(&mut self, epoch: u32, at: MonoNs) {
        if self.grants.last().is_none_or(|(latest, _)| *latest < epoch) {
            self.grants.push((epoch, at));
        }
    }

    /// When the first epoch later than `epoch` was granted.
    fn superseded(&self, epoch: u32) -> Option<MonoNs> {
        let later = self.grants.partition_point(|(granted, _)| *granted <= epoch);
        self.grants.get(later).map(|(_, at)| *at)
    }

    /// Whether a consumer was opened behind a place.
    pub(super) fn is_passed(&self, place: u64) -> bool {
        self.openings.last().is_some_and(|(start, _)| place < *start)
    }

    /// A message is found at a place that was passed over. Gives 1 when its opening had passed over none.
    pub(super) fn pass_late(&mut self, place: u64) -> u64 {
        let first = self.openings.partition_point(|(start, _)| *start <= place);
        self.openings.get_mut(first).map_or(0, |(_, messages)| {
            *messages += 1;
            u64::from(*messages == 1)
        })
    }
}

/// What each session was given, in the order in which it was.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// Epoch and sequence of the last delivery of a session in a partition.
    last: BTreeMap<(Author, u16), (u32, u32)>,
    /// What sessions began in an epoch that was over, and when: partition, stream sequence.
    stale: BTreeMap<(Author, u16, u64), MonoNs>,
}

impl Msg {
    /// A confirmed commit covers it: whether that is too soon, and for the first time.
    pub(super) fn get_ahead(&mut self, at: MonoNs) -> bool {
        let new = self.done > at && !self.is(AHEAD);
        self.flags |= if new { AHEAD } else { 0 };
        new && !self.is(NOT_OFFERED)
    }
}

impl SuccessionCounts {
    /// Nothing more will be learned of a message.
    pub(super) fn close(&mut self, message: &Msg, given_up: &BTreeMap<u64, MonoNs>) {
        let due = !message.is(NOT_OFFERED) && (message.stream_seq == 0 || !given_up.contains_key(&message.stream_seq));
        self.commit_ahead += u64::from(due && message.is(AHEAD));
        self.skipped_start += u64::from(due && message.is(SKIPPED));
    }
}

impl Stream {
    /// A session begins what it was given: is a delivery missing before it, did it come too late?
    pub(super) fn judge_delivery(&mut self, deed: &Deed) {
        if deed.epoch == 0 {
            return;
        }
        let session = (deed.author, deed.partition);
        if deed.consumer_seq != 0 {
            let before = self.deliveries.last.insert(session, (deed.epoch, deed.consumer_seq));
            let follows = |(epoch, seq)| epoch == deed.epoch && deed.consumer_seq > u32::saturating_add(seq, 1);
            if before.is_some_and(follows) {
                self.account.succession.delivery_gap += 1;
                self.see("delivery_gap", false, deed.sight());
            }
        }
        let Some(granted) = self.partition(deed.partition).passage.superseded(deed.epoch) else { return };
        if granted < deed.received {
            self.account.succession.ghost_delivery += 1;
            self.see("ghost_delivery", false, deed.sight());
        }
        if granted < deed.started && self.deliveries.stale.len() < STALE {
            let what = (deed.author, deed.partition, deed.stream_seq);
            self.deliveries.stale.entry(what).or_insert(deed.started);
        }
    }

    /// A commit is confirmed: of what was begun in an epoch that was over?
    pub(super) fn check_commit(&mut self, author: Author, partition: u16, stream_seq: u64, at: MonoNs) {
        let begun = self.deliveries.stale.get(&(author, partition, stream_seq));
        if begun.is_some_and(|begun| *begun < at) {
            self.account.succession.stale_commit += 1;
            let sight = Sight { at, author, partition, key: 0, key_seq: 0, stream_seq, epoch: 0 };
            self.see("stale_commit", false, sight);
        }
    }

    /// Everything of a partition is committed up to a sequence.
    pub(super) fn cover(&mut self, author: Author, number: u16, stream_seq: u64, at: MonoNs) {
        let partition = self.partition(number);
        let before = partition.up_to;
        if stream_seq <= before {
            return;
        }
        partition.up_to = stream_seq;
        let mut ahead = Vec::new();
        let Self { keys, partitions, .. } = self;
        let Some(partition) = partitions.get(usize::from(number)) else { return };
        // Before the first commit, what has no place of its own is in front of all.
        let from = partition.index.partition_point(|place| place.stream_seq <= before && before > 0);
        for place in partition.index.range(from..).take_while(|place| place.stream_seq <= stream_seq) {
            let message = keys.get(place.key).and_then(|key| key.open(place.key_seq));
            if message.is_some_and(|message| message.get_ahead(at)) {
                ahead.push(*place);
            }
        }
        for place in ahead {
            self.see_ahead(author, number, place, at);
        }
    }

    pub(super) fn see_ahead(&mut self, author: Author, partition: u16, place: Place, at: MonoNs) {
        let Place { stream_seq, key, key_seq, .. } = place;
        self.see("commit_ahead", false, Sight { at, author, partition, key, key_seq, stream_seq, epoch: 0 });
    }

    /// A consumer is opened.
    pub(super) fn open(&mut self, author: Author, number: u16, start_seq: u64, epoch: u32, at: MonoNs) {
        self.partition(number);
        let Self { keys, partitions, .. } = self;
        let Some(partition) = partitions.get_mut(usize::from(number)) else { return };
        let passed = partition.passage.openings.last().map_or(0, |(start, _)| *start);
        if start_seq <= passed {
            return;
        }
        let mut messages = 0;
        let from = partition.index.partition_point(|place| place.stream_seq < passed);
        for place in partition.index.range(from..).take_while(|place| place.stream_seq < start_seq) {
            let Some(message) = keys.get(place.key).and_then(|key| key.open(place.key_seq)) else { continue };
            if message.done > at && !message.is(NOT_OFFERED) {
                message.flags |= SKIPPED;
                messages += 1;
            }
        }
        partition.passage.openings.push((start_seq, messages));
        if messages > 0 {
            self.account.succession.skipped_openings += 1;
            let sight = Sight { at, author, partition: number, key: 0, key_seq: 0, stream_seq: start_seq, epoch };
            self.see("skipped_start", self.promises.owners && self.promises.at_least_once, sight);
        }
    }

    /// A successful handling in its own partition: within an epoch nothing goes backwards, and what an epoch repeats at its
    /// beginning it repeats whole. Gives the kind of what is wrong.
    pub(super) fn judge_replay(&mut self, deed: &Deed, place: Spot) -> Option<&'static str> {
        if place.0 == 0 && self.confirmation != Confirmation::Sent {
            self.surprises += u64::from(deed.epoch != 0);
            return None;
        }
        let passage = &mut self.partitions.get_mut(usize::from(deed.partition))?.passage;
        let high = passage.high;
        passage.high = high.max(place);
        let (left_out, rewinds) = match passage.epochs.get_mut(&deed.epoch) {
            // Handled outside any epoch: it is done, and that is all.
            None if deed.epoch == 0 => (None, false),
            None => {
                passage.epochs.insert(deed.epoch, (place, high));
                ((place > high).then_some((high, place)), false)
            }
            Some((last, reached)) => {
                let before = std::mem::replace(last, place);
                ((place > before && place <= *reached).then_some((before, place)), place <= before)
            }
        };
        if rewinds {
            self.account.succession.epoch_rewind += 1;
            return Some("epoch_rewind");
        }
        let (low, high) = left_out?;
        let (handled, open) = self.between(deed.partition, low, high);
        if handled {
            self.account.succession.bad_rewind += 1;
            return Some("bad_rewind");
        }
        let passage = &mut self.partitions.get_mut(usize::from(deed.partition))?.passage;
        if open && passage.doubts.len() < DOUBTS {
            passage.doubts.push((low, high, deed.sight()));
        }
        None
    }

    /// Whether a message between two places, both left out, was handled, and whether one was not.
    fn between(&mut self, number: u16, low: Spot, high: Spot) -> (bool, bool) {
        let Self { keys, partitions, .. } = self;
        let Some(partition) = partitions.get(usize::from(number)) else { return (false, false) };
        // What is settled was handled. Of what is dropped nobody knows what stood in front of the last.
        let dropped_to = partition.dropped_to;
        let dropped = low.0 < dropped_to && dropped_to < high.0;
        let unsure = high.0 <= dropped_to && low.0.saturating_add(1) < high.0;
        let (mut handled, mut open) = (dropped, false);
        let from = partition.index.partition_point(|place| place.stream_seq < low.0);
        for place in partition.index.range(from..).take_while(|place| place.stream_seq <= high.0) {
            if place.stream_seq != 0 && (place.stream_seq == low.0 || place.stream_seq == high.0) {
                continue;
            }
            let Some(message) = keys.get(place.key).and_then(|key| key.open(place.key_seq)) else {
                handled = true;
                continue;
            };
            let within = place.stream_seq != 0 || (low.1 < message.partition_rank && message.partition_rank < high.1);
            if within && !message.is(NOT_OFFERED) {
                let done = message.is(HANDLED);
                handled |= done;
                open |= !done;
            }
        }
        self.surprises += u64::from(unsure && !handled);
        (handled, open)
    }

    /// What replays left out may have been handled since.
    pub(super) fn look_between(&mut self) {
        for number in 0..self.partitions.len() {
            let Some(partition) = self.partitions.get_mut(number) else { return };
            let doubts = std::mem::take(&mut partition.passage.doubts);
            for (low, high, sight) in doubts {
                let (handled, open) = self.between(u16::try_from(number).unwrap_or(u16::MAX), low, high);
                if handled {
                    self.account.succession.bad_rewind += 1;
                    self.see("bad_rewind", self.promises.owners && self.promises.order_per_key, sight);
                } else if open && let Some(partition) = self.partitions.get_mut(number) {
                    partition.passage.doubts.push((low, high, sight));
                }
            }
        }
    }
}
