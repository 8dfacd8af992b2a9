//! One partition as it is followed: the order of its messages, and who handles beside whom.

use std::collections::VecDeque;

use super::super::ledger::{PartitionCounts, Verdict};
use super::super::settled::Judged;
use super::sequence::Sequence;
use super::sighting::Sight;
use super::succession::Passage;
use crate::model::record::Author;
use crate::model::time::MonoNs;

/// As many settled places of a partition are remembered, 24 KiB: what a replay leaves out is looked up among them.
const SETTLED: usize = 1_024;

/// A message that waits for its rank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Pending {
    pub(super) place: u64,
    pub(super) sent: MonoNs,
    pub(super) key: u32,
    pub(super) key_seq: u32,
    /// When its storing was confirmed.
    pub(super) stored: MonoNs,
}

/// Where a ranked message stands in the stream: 24 bytes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) stream_seq: u64,
    pub(super) key: u32,
    pub(super) key_seq: u32,
    /// Its rank in the partition; 0 when it is not offered.
    pub(super) rank: u32,
}

/// One handling, as far as the judges need it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deed {
    pub(super) received: MonoNs,
    pub(super) started: MonoNs,
    pub(super) ended: MonoNs,
    pub(super) stream_seq: u64,
    /// Number of its record in its journal.
    pub(super) number: u64,
    pub(super) key: u32,
    pub(super) key_seq: u32,
    pub(super) epoch: u32,
    /// Sequence of the delivery in its consumer; 0 where there is none.
    pub(super) consumer_seq: u32,
    pub(super) author: Author,
    pub(super) partition: u16,
    pub(super) intact: bool,
    pub(super) ok: bool,
    pub(super) finished: bool,
    /// Its message is known to have been delivered.
    pub(super) met: bool,
}

impl Deed {
    /// With a verdict that is not about order.
    pub(super) fn judged(&self, verdict: Verdict) -> Judged {
        let finished = self.finished.then_some(self.ended);
        Judged { finished, ..self.handled(false).judged(verdict) }
    }

    pub(super) fn handled(&self, first: bool) -> Handled {
        Handled { sight: self.sight(), received: self.received, ended: self.ended, first }
    }

    pub(super) fn sight(&self) -> Sight {
        Sight {
            at: self.started,
            author: self.author,
            partition: self.partition,
            key: self.key,
            key_seq: self.key_seq,
            stream_seq: self.stream_seq,
            epoch: self.epoch,
        }
    }
}

/// A successful handling whose verdict may have to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Handled {
    pub(super) sight: Sight,
    pub(super) received: MonoNs,
    pub(super) ended: MonoNs,
    pub(super) first: bool,
}

impl Handled {
    pub(super) fn judged(&self, verdict: Verdict) -> Judged {
        let Sight { author, partition, epoch, at, .. } = self.sight;
        Judged {
            author,
            partition,
            epoch,
            received: self.received,
            started: at,
            finished: Some(self.ended),
            verdict,
            first: self.first,
        }
    }
}

/// One partition.
#[derive(Debug, Default)]
pub(super) struct Partition {
    pub(super) pending: Vec<Pending>,
    /// The ranked ones that are not settled, by place, and in front of them the last that are.
    pub(super) index: VecDeque<Place>,
    /// As many at its front are settled.
    behind: usize,
    /// The greatest place that it holds no more.
    pub(super) dropped_to: u64,
    pub(super) ranked: u32,
    /// The place that was ranked last.
    pub(super) ranked_to: u64,
    /// The greatest place that is settled.
    pub(super) settled_to: u64,
    pub(super) order: Sequence<()>,
    /// The greatest sequence up to which everything was committed.
    pub(super) up_to: u64,
    /// The greatest up to which it was, before a server ended that may have forgotten it.
    pub(super) forgotten_to: u64,
    /// The latest epoch that was granted.
    pub(super) granted: u32,
    /// The latest epoch that was granted or handled in.
    pub(super) last_epoch: u32,
    /// Handlings that go on: of what one member does under one epoch only what ends last matters.
    going_on: Vec<Going>,
    /// Ends of all handlings that go on in an epoch that is not over: (end, epoch).
    in_time: Vec<(MonoNs, u32)>,
    /// The least epoch of a handling beside which one of a later epoch began that nobody had been granted.
    unsure: Option<u32>,
    /// The start of the handling that was judged last.
    pub(super) judged_to: MonoNs,
    pub(super) counts: PartitionCounts,
    pub(super) passage: Passage,
}

/// A handling that goes on.
#[derive(Clone, Copy, Debug)]
struct Going {
    ended: MonoNs,
    author: Author,
    epoch: u32,
    /// It had begun before a later epoch was granted.
    in_time: bool,
}

/// What the start of a handling says about exclusion.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Beside {
    /// It began beside another member's.
    pub(super) overlap: bool,
    /// It began beside nothing but what stale tails explain.
    pub(super) stale_tail: bool,
    /// It began in an epoch that was over.
    pub(super) stale: bool,
}

impl Partition {
    /// Drops the places of what is settled, but for the last.
    pub(super) fn forget(&mut self, mut is_settled: impl FnMut(&Place) -> bool) {
        self.behind += self.index.range(self.behind..).take_while(|place| is_settled(place)).count();
        let drop = self.behind.saturating_sub(SETTLED);
        if let Some(last) = self.index.drain(..drop).next_back() {
            self.dropped_to = last.stream_seq;
        }
        self.behind -= drop;
    }

    /// The rank of what stands at a sequence of the stream; 0 when that is not known any more.
    pub(super) fn rank_at(&self, stream_seq: u64) -> u32 {
        let at = self.index.partition_point(|place| place.stream_seq < stream_seq);
        let found = self.index.get(at).filter(|place| stream_seq != 0 && place.stream_seq == stream_seq);
        found.map_or(0, |place| place.rank)
    }

    /// A handling begins.
    pub(super) fn begin(&mut self, deed: &Deed, owners: bool) -> Beside {
        self.going_on.retain(|earlier| earlier.ended > deed.started);
        let (mut charged, mut tails) = (false, false);
        for earlier in self.going_on.iter().filter(|earlier| earlier.author != deed.author) {
            let over = earlier.epoch != 0 && self.granted > earlier.epoch;
            if owners && earlier.epoch < deed.epoch && over && earlier.in_time {
                tails = true;
            } else {
                charged = true;
                if owners && earlier.epoch != 0 && earlier.epoch < deed.epoch && !over {
                    self.unsure = Some(self.unsure.map_or(earlier.epoch, |of| of.min(earlier.epoch)));
                }
            }
        }
        self.in_time.retain(|&(ended, _)| ended > deed.started);
        self.last_epoch = self.last_epoch.max(deed.epoch);
        let stale = deed.epoch != 0 && self.granted > deed.epoch;
        if deed.finished && !stale && deed.epoch != 0 && deed.ended > deed.started {
            self.in_time.push((deed.ended, deed.epoch));
        }
        if deed.ended > deed.started {
            let going = Going { ended: deed.ended, author: deed.author, epoch: deed.epoch, in_time: !stale };
            let same = |other: &&mut Going| (other.author, other.epoch) == (deed.author, deed.epoch);
            match self.going_on.iter_mut().find(same) {
                Some(other) if other.ended < deed.ended => *other = going,
                Some(_) => {}
                None => self.going_on.push(going),
            }
        }
        Beside { overlap: charged, stale_tail: tails && !charged, stale }
    }

    /// An epoch is granted. Of the handlings that go on in an epoch that is over by it, each is a stale tail.
    pub(super) fn grant(&mut self, epoch: u32, at: MonoNs) -> Granted {
        let mut stale_tails = 0;
        self.in_time.retain(|&(ended, of)| {
            stale_tails += u64::from(of < epoch && ended > at);
            of >= epoch && ended > at
        });
        let unsure = self.unsure.is_some_and(|of| epoch > of);
        self.passage.grant(epoch, at);
        self.granted = self.granted.max(epoch);
        self.last_epoch = self.last_epoch.max(epoch);
        Granted { stale_tails, unsure }
    }
}

/// What a grant says about the handlings before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Granted {
    pub(super) stale_tails: u64,
    /// An overlap was charged that this grant, had it come before, would have excused.
    pub(super) unsure: bool,
}
