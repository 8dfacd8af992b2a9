//! What is told of every message that is settled and every handling that is judged, once each, and then forgotten.

use std::collections::BTreeMap;

use super::super::ledger::Verdict;
use super::super::message::Standing;
use super::super::settled::{First, Judged, Settled};
use super::Stream;
use super::ending::is_stored;
use super::key::{CONFIRMED, DELIVERED, EVICTED, HANDLED, Msg, NOT_OFFERED, RANKED, TOLD};
use super::partition::{Deed, Handled};
use super::sequence::Given;
use crate::model::manifest::Confirmation;
use crate::model::record::{Author, Role};
use crate::model::time::{MonoNs, SpanNs};

/// The journal of a publisher that has ended is read to its end within this.
const READ_TO_THE_END: SpanNs = SpanNs(2_000_000_000);

/// What was settled and judged.
#[derive(Debug, Default)]
pub struct Told {
    /// Messages.
    pub settled: Vec<Settled>,
    /// Handlings.
    pub judged: Vec<Judged>,
    /// Repeated handlings, by whatever verdict, as soon as they are seen: start and partition.
    pub repeats: Vec<(MonoNs, u16)>,
}

/// What one member did in one partition, under one epoch, without another in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The partition.
    pub partition: u16,
    /// The member.
    pub author: Author,
    /// The epoch.
    pub epoch: u32,
    /// When its first handling began.
    pub started: MonoNs,
    /// When its first delivery was received.
    pub received: MonoNs,
    /// When it began the first message that nobody had handled.
    pub handled: Option<MonoNs>,
}

/// Whom it is told.
#[derive(Debug, Default)]
pub(super) struct Teller {
    /// Somebody listens.
    pub(super) tells: bool,
    told: Told,
    /// How far each publisher has come in its schedule, and when it ended.
    schedules: BTreeMap<Author, (MonoNs, Option<MonoNs>)>,
    pub(super) told_to: MonoNs,
    /// Turns in every partition, by beginning; where partitions have owners.
    turns: Vec<Vec<Turn>>,
}

/// As many turns of a partition are kept at most.
const TURNS: usize = 10_000;

impl Teller {
    pub(super) fn take(&mut self) -> Told {
        std::mem::take(&mut self.told)
    }

    /// A publisher has come to `intended`.
    pub(super) fn schedule(&mut self, author: Author, intended: MonoNs) {
        let (latest, _) = self.schedules.entry(author).or_default();
        *latest = intended.max(*latest);
    }

    /// A process has ended.
    pub(super) fn ended(&mut self, process: &str, at: MonoNs) {
        if let Ok(author) = process.parse::<Author>()
            && author.role == Role::Publisher
            && let Some((_, ended)) = self.schedules.get_mut(&author)
        {
            ended.get_or_insert(at);
        }
    }

    /// A handling begins.
    pub(super) fn begin(&mut self, deed: &Deed) {
        if !self.tells {
            return;
        }
        let number = usize::from(deed.partition);
        if self.turns.len() <= number {
            self.turns.resize_with(number + 1, Vec::new);
        }
        let turns = &mut self.turns[number];
        let Deed { partition, author, epoch, started, received, .. } = *deed;
        match turns.last_mut() {
            Some(turn) if (turn.author, turn.epoch) == (author, epoch) => turn.received = turn.received.min(received),
            _ => {
                if turns.len() >= TURNS {
                    turns.drain(..TURNS / 2);
                }
                turns.push(Turn { partition, author, epoch, started, received, handled: None });
            }
        }
    }

    /// It is a repeat, or the first of its message.
    pub(super) fn meet(&mut self, deed: &Deed, first: bool) {
        if !self.tells {
        } else if !first {
            self.told.repeats.push((deed.started, deed.partition));
        } else if let Some(turn) = self.turns.get_mut(usize::from(deed.partition)).and_then(|turns| turns.last_mut()) {
            turn.handled.get_or_insert(deed.started);
        }
    }

    /// A handling has a verdict that is not about order.
    pub(super) fn judge(&mut self, deed: &Deed, verdict: Verdict) {
        if self.tells {
            self.told.judged.push(deed.judged(verdict));
        }
    }

    /// Handlings have their verdicts.
    pub(super) fn judged(&mut self, given: &Given<'_, Handled>) {
        if self.tells {
            self.told.judged.extend(given.all.iter().map(|handled| handled.judged(given.verdict)));
        }
    }

    /// Nothing more will be learned of a message.
    pub(super) fn settle(&mut self, message: &mut Msg, confirmation: Confirmation, given_up: &BTreeMap<u64, MonoNs>) {
        if !self.tells || message.is(TOLD) {
            return;
        }
        message.flags |= TOLD;
        let stored = is_stored(message, confirmation);
        let standing = match (stored, message.is(CONFIRMED)) {
            (true, true) => Standing::Stored,
            (true, false) => Standing::Surfaced,
            (false, true) => Standing::Unknown,
            (false, false) if message.unknown > 0 => Standing::Unknown,
            (false, false) => Standing::Failed,
        };
        let first = First {
            received: message.received,
            started: message.at,
            finished: message.finished,
            author: message.handler,
        };
        self.told.settled.push(Settled {
            partition: message.partition,
            standing,
            intended: message.intended,
            possible: message.possible,
            sent: message.sent,
            stored: stored.then_some(message.stored),
            due: stored && !message.is(EVICTED) && (!message.is(NOT_OFFERED) || message.is(DELIVERED)),
            dropped: given_up.get(&message.stream_seq).copied().filter(|_| message.stream_seq != 0),
            first: message.is(HANDLED).then_some(first),
        });
    }
}

impl Stream {
    /// The turns that are kept, partition by partition, each by beginning. Only told where partitions have owners.
    pub fn turns(&self) -> impl Iterator<Item = &Turn> {
        self.teller.turns.iter().flatten()
    }

    /// Forgets the turns that were over by `before`.
    pub fn forget_turns(&mut self, before: MonoNs) {
        for turns in &mut self.teller.turns {
            let over = turns.partition_point(|turn| turn.started < before).saturating_sub(1);
            turns.drain(..over);
        }
    }

    /// Tells what is settled by `to`.
    pub(super) fn tell_settled(&mut self, to: MonoNs) {
        let Self { keys, teller, confirmation, given_up, patience, .. } = self;
        if !teller.tells {
            return;
        }
        teller.schedules.retain(|_, (_, ended)| ended.is_none_or(|ended| ended + READ_TO_THE_END >= to));
        let mut told_to = teller.schedules.values().map(|(latest, _)| *latest).fold(to, MonoNs::min);
        for key in keys.iter_mut() {
            let high = key.order.high();
            for (_, message) in key.messages().filter(|(_, message)| !message.is(TOLD)) {
                let known = message.is(RANKED) && message.is_any(CONFIRMED | DELIVERED);
                let waited = |at: MonoNs| at + patience.place < to;
                let handled = message.is(HANDLED)
                    && message.finished < to
                    && (message.is(CONFIRMED) && message.unknown == 0 || waited(message.at));
                let dropped = !given_up.is_empty()
                    && message.stream_seq != 0
                    && given_up.get(&message.stream_seq).is_some_and(|at| waited(*at));
                if known && (handled || dropped) {
                    teller.settle(message, *confirmation, given_up);
                    continue;
                }
                let passed_over = message.is(RANKED) && !message.is(HANDLED) && message.key_rank < high;
                let waits = message.is_any(CONFIRMED | DELIVERED) && !message.is(NOT_OFFERED);
                if waits && !(passed_over && waited(message.at)) {
                    told_to = told_to.min(message.intended);
                }
            }
        }
        teller.told_to = teller.told_to.max(told_to);
    }
}
