//! One key as it is followed: the messages that may still matter, and in what order those before them stood.

use std::collections::{BTreeMap, VecDeque};

use super::partition::Handled;
use super::sequence::Sequence;
use crate::model::record::{Author, Publish, Role};
use crate::model::time::MonoNs;

/// Somebody meant to send it.
pub(super) const ATTEMPTED: u16 = 1;
/// A publish of it was confirmed.
pub(super) const CONFIRMED: u16 = 1 << 1;
/// A member was given it.
pub(super) const DELIVERED: u16 = 1 << 3;
/// It has its ranks.
pub(super) const RANKED: u16 = 1 << 4;
/// It was handled with success.
pub(super) const HANDLED: u16 = 1 << 5;
/// It was handled with success in its own partition.
pub(super) const SEEN: u16 = 1 << 6;
/// It waits for its ranks.
pub(super) const PENDING: u16 = 1 << 7;
/// It stands before the place where the consumers begin.
pub(super) const NOT_OFFERED: u16 = 1 << 8;
/// A publish of it was confirmed as one that the server had already.
pub(super) const KNOWN_BEFORE: u16 = 1 << 9;
/// What became of it was told to who adds it up.
pub(super) const TOLD: u16 = 1 << 10;
/// A confirmed commit covered it before anybody had handled it.
pub(super) const AHEAD: u16 = 1 << 11;
/// A consumer was opened behind it before anybody had handled it.
pub(super) const SKIPPED: u16 = 1 << 12;

/// The stream's limits removed it before anybody had handled it.
pub(super) const EVICTED: u16 = 1 << 13;

/// The greatest step from one sequence to the next that a key's window takes. A torn record may name any.
const WINDOW: u32 = 1 << 16;
/// So much room more than twice what it holds a key may keep, in messages.
const SPARE: usize = 16;

/// One message that may still matter.
#[derive(Clone, Copy, Debug)]
pub(super) struct Msg {
    /// Of its first copy in the stream; 0 when it is not known.
    pub(super) stream_seq: u64,
    /// When it was sent; once it is handled, when that began.
    pub(super) at: MonoNs,
    pub(super) key_rank: u32,
    pub(super) partition_rank: u32,
    /// How many servers had ended when it was acknowledged last, and one; 0 when it was not.
    pub(super) acked: u16,
    /// Publishes of it that are without an answer.
    pub(super) unknown: u16,
    pub(super) partition: u16,
    pub(super) flags: u16,
    pub(super) intended: MonoNs,
    pub(super) possible: MonoNs,
    /// The sending that was stored, else the first.
    pub(super) sent: MonoNs,
    /// When its storing was confirmed, else when a delivery proved it; 0 when neither is.
    pub(super) stored: MonoNs,
    /// Of its first successful handling, which began at `at`.
    pub(super) received: MonoNs,
    pub(super) finished: MonoNs,
    /// When the successful handling ended that ended first.
    pub(super) done: MonoNs,
    pub(super) handler: Author,
    pub(super) publisher: u16,
}

impl Msg {
    /// One that nobody attempted.
    pub(super) const NONE: Self = Self {
        stream_seq: 0,
        at: MonoNs(0),
        key_rank: 0,
        partition_rank: 0,
        acked: 0,
        unknown: 0,
        partition: 0,
        flags: 0,
        intended: MonoNs(0),
        possible: MonoNs(0),
        sent: MonoNs(0),
        stored: MonoNs(0),
        received: MonoNs(0),
        finished: MonoNs(0),
        done: MonoNs(u64::MAX),
        handler: Author { role: Role::Consumer, index: 0, life: 0 },
        publisher: 0,
    };

    /// One that was sent now.
    pub(super) fn of(publish: &Publish) -> Self {
        Self {
            at: publish.sent,
            partition: publish.partition,
            publisher: publish.publisher,
            flags: ATTEMPTED,
            intended: publish.intended,
            possible: publish.possible,
            sent: publish.sent,
            ..Self::NONE
        }
    }

    /// A publish of it was confirmed. Of several the one that was sent first gives the instants.
    pub(super) fn confirm(&mut self, publish: &Publish, stored: MonoNs) {
        if !self.is(CONFIRMED) || publish.sent < self.sent {
            (self.possible, self.sent, self.stored) = (publish.possible, publish.sent, stored);
        }
    }

    /// A member was given it, which proves that it is stored.
    pub(super) fn prove(&mut self, started: MonoNs) {
        if !self.is(CONFIRMED) && (self.stored == MonoNs(0) || started < self.stored) {
            self.stored = started;
        }
    }

    pub(super) fn is(&self, flags: u16) -> bool {
        self.flags & flags == flags
    }

    pub(super) fn is_any(&self, flags: u16) -> bool {
        self.flags & flags != 0
    }
}

/// What a sequence of a key names.
pub(super) enum Found<'a> {
    /// A message that may still matter.
    Open(&'a mut Msg),
    /// One that was stored, handled and committed long ago, and its rank.
    Settled(u32),
    /// None that anybody attempted.
    Nothing,
}

/// One key.
#[derive(Debug, Default)]
pub(super) struct Key {
    /// Everything up to this sequence is settled, but for what stands in `apart`.
    base: u32,
    /// What comes behind it, without holes.
    window: VecDeque<Msg>,
    /// What is left open below it, and what a torn record put far above.
    apart: BTreeMap<u32, Msg>,
    /// Ranks of what is settled: from this sequence on they go up by one a message.
    ranks: Vec<(u32, u32)>,
    /// Ranks given so far.
    pub(super) ranked: u32,
    /// The partition that it hashes to.
    pub(super) home: u16,
    /// The greatest sequence among the ranked, and those that were never offered.
    pub(super) greatest: u32,
    pub(super) order: Sequence<Handled>,
    /// The latest epoch in which a message of it was handled, and how far that came.
    pub(super) reached: (u32, u32),
}

impl Key {
    /// What a sequence names.
    pub(super) fn find(&mut self, key_seq: u32) -> Found<'_> {
        if key_seq > self.base {
            let at = (key_seq - self.base - 1) as usize;
            let found = self.window.get_mut(at).filter(|message| message.is(ATTEMPTED));
            return found.or_else(|| self.apart.get_mut(&key_seq)).map_or(Found::Nothing, Found::Open);
        }
        let settled = self.settled_rank(key_seq).map_or(Found::Nothing, Found::Settled);
        self.apart.get_mut(&key_seq).map_or(settled, Found::Open)
    }

    /// A message that is open, if it is.
    pub(super) fn open(&mut self, key_seq: u32) -> Option<&mut Msg> {
        match self.find(key_seq) {
            Found::Open(message) => Some(message),
            Found::Settled(_) | Found::Nothing => None,
        }
    }

    /// The message of a publish, made when there is none yet; `None` when it is settled.
    pub(super) fn attempt(&mut self, key_seq: u32) -> Option<&mut Msg> {
        let message = if key_seq <= self.base {
            self.apart.get_mut(&key_seq)?
        } else {
            let at = key_seq - self.base - 1;
            let step = at as usize - self.window.len().min(at as usize);
            if step >= WINDOW as usize || self.apart.contains_key(&key_seq) {
                self.apart.entry(key_seq).or_insert(Msg::NONE)
            } else {
                if self.window.len() <= at as usize {
                    self.window.resize(at as usize + 1, Msg::NONE);
                }
                self.window.get_mut(at as usize)?
            }
        };
        Some(message)
    }

    /// All open messages, by sequence.
    pub(super) fn messages(&mut self) -> impl Iterator<Item = (u32, &mut Msg)> {
        let base = self.base;
        let (below, above): (Vec<_>, Vec<_>) = self
            .apart
            .iter_mut()
            .map(|(key_seq, message)| (*key_seq, message))
            .partition(|(key_seq, _)| *key_seq <= base);
        let window = self.window.iter_mut().zip(1..).map(move |(message, at)| (base + at, message));
        below.into_iter().chain(window).chain(above).filter(|(_, message)| message.is(ATTEMPTED))
    }

    /// Whether a sequence is settled, or put apart.
    pub(super) fn is_behind(&self, key_seq: u32) -> bool {
        key_seq <= self.base
    }

    /// How many messages are open.
    pub(super) fn len(&self) -> usize {
        self.window.len() + self.apart.len()
    }

    /// Forgets messages from the front of the window for as long as `is_done`, and tells each. One that is ranked and was
    /// never handled is put apart when `passed` says that the key has gone on.
    pub(super) fn settle(
        &mut self,
        is_done: impl Fn(&Msg) -> bool,
        passed: impl Fn(&Msg) -> bool,
        mut forget: impl FnMut(&mut Msg),
    ) {
        while let Some(front) = self.window.front() {
            let key_seq = self.base + 1;
            if front.is(ATTEMPTED) && is_done(front) {
                let rank = front.key_rank;
                if self.settled_rank(key_seq) != Some(rank) || self.ranks.is_empty() {
                    self.ranks.push((key_seq, rank));
                }
                let mut front = *front;
                forget(&mut front);
            } else if front.is(ATTEMPTED) && passed(front) {
                let front = *front;
                self.apart.insert(key_seq, front);
            } else {
                break;
            }
            self.window.pop_front();
            self.base = key_seq;
        }
        // What a pause or a rush made it take: with thousands of keys that room would be most of what is held.
        let used = self.window.len();
        if self.window.capacity() > 2 * used + SPARE {
            self.window.shrink_to(used + used / 2);
        }
    }

    /// The rank of a settled message, as the ranks before it have it.
    fn settled_rank(&self, key_seq: u32) -> Option<u32> {
        let at = self.ranks.partition_point(|&(from, _)| from <= key_seq).checked_sub(1)?;
        let (from, rank) = *self.ranks.get(at)?;
        Some(rank.saturating_add(key_seq - from))
    }
}
