//! The messages of every partition in stream order: their ranks, and what succession asks of them.

use super::deed::{Deed, NONE};
use super::grouped;
use super::message::Message;
use crate::model::time::MonoNs;

/// Never.
pub(super) const NEVER: MonoNs = MonoNs(u64::MAX);

/// All of them, by partition.
pub(super) struct Partitions(pub(super) Vec<Messages>);

/// The messages of one partition that somebody had to handle, by rank from 1.
#[derive(Default)]
pub(super) struct Messages(pub(super) Vec<Slot>);

/// One message as succession sees it.
#[derive(Clone, Copy)]
pub(super) struct Slot {
    stream_seq: u64,
    /// When its first successful handling ended.
    pub(super) done: MonoNs,
    pub(super) id: u32,
    /// Whether somebody has to handle it: not given up.
    pub(super) due: bool,
}

/// Where a message stands in its partition.
#[derive(Clone, Copy, Default)]
pub(super) struct Rank {
    /// From 1; 0 for one that nobody had to handle.
    pub(super) rank: u32,
    /// Whether a handling of it was met.
    pub(super) seen: bool,
}

/// A message on the way to its rank.
#[derive(Clone, Copy)]
struct Seat {
    id: u32,
    partition: u16,
    due: bool,
}

const EMPTY: Seat = Seat { id: NONE, partition: 0, due: false };

impl Partitions {
    /// Ranks the stored messages of every partition that were offered in stream order; without stream sequences in send order.
    /// The other result is one rank a message.
    pub(super) fn of(messages: &[Message], partitions: usize) -> (Self, Vec<Rank>) {
        let mut counts = vec![0; partitions];
        let (mut due, mut first, mut last) = (0_usize, u64::MAX, 0);
        for message in messages.iter().filter(|message| message.is_due()) {
            counts[usize::from(message.partition)] += 1;
            due += 1;
            (first, last) = (first.min(message.place), last.max(message.place));
        }
        let of_partition = counts.into_iter().map(|count| Messages(Vec::with_capacity(count)));
        let mut all = (Self(of_partition.collect()), vec![Rank::default(); messages.len()]);
        match seats(messages, due, first, last) {
            Some(seats) => {
                for (seat, place) in seats.iter().zip(first..).filter(|(seat, _)| seat.id != NONE) {
                    all.0.rank(seat, place, &mut all.1);
                }
            }
            None => {
                let stored = (0..).zip(messages).filter(|(_, message)| message.is_due());
                let places: Vec<(u16, _, _, u32)> = stored.map(|(id, m)| (m.partition, m.place, m.sent, id)).collect();
                let mut places = grouped::group(&places, |place| place.0.into());
                for of_partition in places.chunk_by_mut(|left, right| left.0 == right.0) {
                    of_partition.sort_unstable();
                    for &(_, place, _, id) in &*of_partition {
                        all.0.rank(&Seat::of(id, &messages[id as usize]), place, &mut all.1);
                    }
                }
            }
        }
        all
    }

    fn rank(&mut self, seat: &Seat, place: u64, ranks: &mut [Rank]) {
        let of_partition = &mut self.0[usize::from(seat.partition)].0;
        of_partition.push(Slot { stream_seq: place, done: NEVER, id: seat.id, due: seat.due });
        ranks[seat.id as usize].rank = of_partition.len() as u32;
    }

    /// Notes when the first successful handling of each ended.
    pub(super) fn note_done(&mut self, messages: &[Message], deeds: &[Deed]) {
        for deed in deeds.iter().filter(|deed| deed.ok && deed.rank > 0) {
            let home = if deed.elsewhere { messages[deed.message as usize].partition } else { deed.partition };
            let slot = &mut self.0[usize::from(home)].0[deed.rank as usize - 1];
            slot.done = deed.ended.min(slot.done);
        }
    }

    pub(super) fn get(&self, partition: u16) -> Option<&Messages> {
        self.0.get(usize::from(partition))
    }
}

/// The messages scattered by where they stand in the stream, from `first` to `last`: no sort, and each is written once. `None` when two
/// stand at one place, as those do whose sequence nobody knows, or when what is named lies absurdly far apart.
fn seats(messages: &[Message], due: usize, first: u64, last: u64) -> Option<Vec<Seat>> {
    let span = usize::try_from(last.saturating_sub(first)).ok().filter(|span| *span <= due.saturating_mul(4))?;
    let mut seats = vec![EMPTY; if due == 0 { 0 } else { span + 1 }];
    for (id, message) in (0..).zip(messages).filter(|(_, message)| message.is_due()) {
        let seat = &mut seats[(message.place - first) as usize];
        if seat.id != NONE {
            return None;
        }
        *seat = Seat::of(id, message);
    }
    Some(seats)
}

impl Seat {
    fn of(id: u32, message: &Message) -> Self {
        Self { id, partition: message.partition, due: message.dropped.is_none() }
    }
}

impl Messages {
    /// How many stand in front of a stream sequence.
    pub(super) fn below(&self, stream_seq: u64) -> usize {
        self.0.partition_point(|slot| slot.stream_seq < stream_seq)
    }

    /// Where the message with a stream sequence is.
    pub(super) fn at(&self, stream_seq: u64) -> Option<usize> {
        let at = self.below(stream_seq);
        self.0.get(at).is_some_and(|slot| slot.stream_seq == stream_seq).then_some(at)
    }

    /// Whether one between two ranks, both left out, was ever handled: what never was is a loss, and no replay has it.
    pub(super) fn handled_between(&self, low: u32, high: u32) -> bool {
        let between = self.0.get(low as usize..(high as usize).saturating_sub(1));
        between.is_some_and(|slots| slots.iter().any(|slot| slot.done != NEVER))
    }
}
