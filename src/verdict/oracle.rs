//! The oracle: the ledger again, slow and obvious, written from `docs/metrics.md` and from nothing else. A property
//! holds the ledger against it on random histories.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::scenario::{Scenario, us};
use super::{Ledger, Verdict, judge};
use crate::model::gone::Gone;
use crate::model::history::History;
use crate::model::manifest::Confirmation;
use crate::model::record::{Commit, Fate, Finish, Handling, Publish, Reach, Term};
use crate::model::stored::{Extent, StoredMessage};
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::{MonoNs, SpanNs};

type Id = (u32, u32);

/// What the oracle says of one handling: verdict by key, distance, verdict by partition.
type Judged = (Verdict, u64, Option<Verdict>);

struct Oracle<'a> {
    publishes: Vec<&'a Publish>,
    /// All handlings in evidence order.
    handlings: Vec<&'a Handling>,
    commits: Vec<&'a Commit>,
    gone: Option<&'a Gone>,
    confirmation: Confirmation,
    /// What was read back of the stream, and how far, when that is known.
    held: &'a [StoredMessage],
    extent: Option<Extent>,
    /// Where the consumers begin.
    start: u64,
    /// Stream sequences that were given up.
    given_up: BTreeSet<u64>,
}

impl<'a> Oracle<'a> {
    fn new(history: &'a History) -> Self {
        Self {
            publishes: history.journals.iter().flat_map(|j| &j.publishes).collect(),
            handlings: history.journals.iter().flat_map(|j| &j.handlings).collect(),
            commits: history.journals.iter().flat_map(|j| &j.commits).collect(),
            gone: history.story.iter().find_map(|line| match &line.event {
                StoryEvent::Gone { gone } => Some(gone),
                _ => None,
            }),
            confirmation: history.manifest.confirmation,
            held: &history.stored,
            extent: history.story.iter().find_map(|line| match line.event {
                StoryEvent::StreamRead { extent } => Some(extent),
                _ => None,
            }),
            start: history
                .story
                .iter()
                .find_map(|line| match line.event {
                    StoryEvent::Starts { stream_seq, .. } => Some(stream_seq),
                    _ => None,
                })
                .unwrap_or(0),
            given_up: history
                .story
                .iter()
                .filter_map(|line| match line.event {
                    StoryEvent::Dropped { stream_seq, .. } => Some(stream_seq),
                    _ => None,
                })
                .chain(history.journals.iter().flat_map(|j| &j.terms).map(|term| term.stream_seq))
                .collect(),
        }
    }

    fn attempted(&self) -> BTreeSet<Id> {
        self.publishes.iter().map(|p| (p.key, p.key_seq)).collect()
    }

    /// Where the stream holds a message.
    fn held(&self, id: Id) -> BTreeSet<u64> {
        self.held.iter().filter(|it| (it.key, it.key_seq) == id).map(|it| it.stream_seq).collect()
    }

    /// Whether a message that is not in what was read is known not to be there.
    fn would_be_read(&self, stream_seq: Option<u64>) -> bool {
        self.gone.is_none()
            && self.extent.is_some_and(|extent| {
                extent.through >= extent.last || stream_seq.is_some_and(|seq| seq <= extent.through)
            })
    }

    /// Stored, and known to be missing.
    fn is_lost_by_server(&self, id: Id) -> bool {
        self.was_stored(id) && self.held(id).is_empty() && self.would_be_read(self.copies(id).first().copied())
    }

    fn is_handled(&self, id: Id) -> bool {
        self.handlings.iter().any(|h| h.intact && Self::succeeded(h) && (h.key, h.key_seq) == id)
    }

    /// Every stream sequence that any evidence names for a message. Where the stream holds it, those that a publisher was told and at which it
    /// is not count no more.
    fn copies(&self, id: Id) -> BTreeSet<u64> {
        let published = self.publishes.iter().filter(|p| (p.key, p.key_seq) == id).filter_map(|p| match p.fate {
            Fate::Stored { stream_seq, .. } => Some(stream_seq),
            _ => None,
        });
        let held = self.held(id);
        let is_elsewhere = |seq: u64| !held.is_empty() && !held.contains(&seq) && self.would_be_read(Some(seq));
        let published: Vec<u64> = published.filter(|&seq| !is_elsewhere(seq)).chain(held.iter().copied()).collect();
        let published = published.into_iter();
        let delivered = self.handlings.iter().filter(|h| h.intact && (h.key, h.key_seq) == id).map(|h| h.stream_seq);
        published.chain(delivered).filter(|&seq| seq != 0).collect()
    }

    fn confirmed(&self, id: Id) -> bool {
        self.publishes.iter().any(|p| (p.key, p.key_seq) == id && matches!(p.fate, Fate::Stored { .. }))
    }

    fn delivered(&self, id: Id) -> bool {
        self.handlings.iter().any(|h| h.intact && (h.key, h.key_seq) == id)
    }

    fn was_stored(&self, id: Id) -> bool {
        let proved = self.confirmation != Confirmation::SentToStream || !self.copies(id).is_empty();
        self.attempted().contains(&id)
            && (self.confirmed(id) && proved || self.delivered(id) || !self.held(id).is_empty())
    }

    fn is_evicted(&self, id: Id) -> bool {
        let copies = self.copies(id);
        let handled = self.handlings.iter().any(|h| h.intact && Self::succeeded(h) && (h.key, h.key_seq) == id);
        let acknowledged = self.commits.iter().any(|commit| {
            commit.reach == Reach::Exact
                && commit.partition == self.partition(id)
                && Some(&commit.stream_seq) == copies.first()
                && commit.at != MonoNs(u64::MAX)
        });
        let all_gone = !copies.is_empty() && copies.iter().all(|&seq| self.gone.is_some_and(|gone| gone.contains(seq)));
        let stands = self.was_stored(id) && self.is_offered(id) && !self.is_given_up(id);
        stands && all_gone && !handled && !acknowledged
    }

    fn is_stored(&self, id: Id) -> bool {
        self.was_stored(id) && !self.is_evicted(id) && (!self.is_lost_by_server(id) || self.is_handled(id))
    }

    /// Its first copy does not stand before the start, or it was delivered all the same.
    fn is_offered(&self, id: Id) -> bool {
        self.delivered(id) || self.copies(id).first().is_none_or(|&seq| seq >= self.start)
    }

    fn is_given_up(&self, id: Id) -> bool {
        self.copies(id).first().is_some_and(|seq| self.given_up.contains(seq))
    }

    fn sent(&self, id: Id) -> MonoNs {
        let of = |confirmed: bool| {
            let mut sendings = self.publishes.iter().filter(|p| (p.key, p.key_seq) == id);
            sendings.find(|p| !confirmed || matches!(p.fate, Fate::Stored { .. })).map(|p| p.sent)
        };
        of(true).or_else(|| of(false)).expect("only asked of attempted messages")
    }

    fn partition(&self, id: Id) -> u16 {
        self.publishes.iter().find(|p| (p.key, p.key_seq) == id).map_or(0, |p| p.partition)
    }

    /// Stored messages of one group that were offered, in stream order.
    fn ranks(&self, belongs: impl Fn(Id) -> bool) -> Vec<Id> {
        self.stored(|id| belongs(id) && self.is_offered(id))
    }

    /// Stored messages of one group in stream order.
    fn stored(&self, belongs: impl Fn(Id) -> bool) -> Vec<Id> {
        let mut ids: Vec<Id> = self.attempted().into_iter().filter(|&id| belongs(id) && self.is_stored(id)).collect();
        ids.sort_by_key(|&id| (self.place(id), self.sent(id), id));
        ids
    }

    /// The first sequence of a message; without one that of the latest stored message before it in its key that has one.
    fn place(&self, (key, key_seq): Id) -> u64 {
        let given_again =
            |seq| self.held.iter().any(|it| it.stream_seq == seq) || self.extent.is_some_and(|it| seq > it.last);
        let known = |key_seq| {
            let id = (key, key_seq);
            self.copies(id).first().copied().filter(|&seq| !(self.is_lost_by_server(id) && given_again(seq)))
        };
        let mut before = (1..=key_seq).rev().filter(|&key_seq| self.is_stored((key, key_seq)));
        before.find_map(known).unwrap_or(0)
    }

    fn succeeded(handling: &Handling) -> bool {
        handling.finished.is_some_and(|finish| finish.ok)
    }

    /// Indices of successful handlings of known messages, by start; ties in the order of the evidence.
    fn by_start(&self) -> Vec<usize> {
        let mut indices: Vec<usize> = (0..self.handlings.len())
            .filter(|&at| {
                let h = self.handlings[at];
                Self::succeeded(h) && h.intact && self.attempted().contains(&(h.key, h.key_seq))
            })
            .collect();
        indices.sort_by_key(|&at| (self.handlings[at].started, at));
        indices
    }

    fn id(&self, at: usize) -> Id {
        (self.handlings[at].key, self.handlings[at].key_seq)
    }

    /// A repeat of a message at another stream sequence than its first copy's.
    fn is_extra_copy(&self, at: usize, by_start: &[usize]) -> bool {
        let earlier = by_start.iter().take_while(|&&other| other != at).any(|&other| self.id(other) == self.id(at));
        let seq = self.handlings[at].stream_seq;
        earlier && seq != 0 && self.copies(self.id(at)).first() != Some(&seq)
    }

    fn is_committed(&self, at: usize) -> bool {
        let handling = self.handlings[at];
        handling.stream_seq != 0
            && self.commits.iter().any(|commit| {
                commit.at < handling.started
                    && commit.partition == handling.partition
                    && match commit.reach {
                        Reach::UpTo => handling.stream_seq <= commit.stream_seq,
                        Reach::Exact => handling.stream_seq == commit.stream_seq,
                    }
            })
    }

    /// Verdicts for the handlings `sequence` against the ranks `order`.
    fn judge(&self, sequence: &[usize], order: &[Id]) -> BTreeMap<usize, (Verdict, u64)> {
        let rank = |at: usize| order.iter().position(|&id| id == self.id(at)).expect("handled is stored") as u64 + 1;
        let first = |n: usize| !sequence[..n].iter().any(|&other| self.id(other) == self.id(sequence[n]));
        let high = |n: usize| sequence[..n].iter().map(|&other| rank(other)).max().unwrap_or(0);
        let replays = |n: usize| rank(sequence[n]) <= high(n);
        let continues =
            |n: usize| n > 0 && replays(n - 1) && replays(n) && rank(sequence[n]) == rank(sequence[n - 1]) + 1;
        let mut verdicts = BTreeMap::new();
        for n in 0..sequence.len() {
            let at = sequence[n];
            let (r, high_now) = (rank(at), high(n));
            let judged = if first(n) {
                if r == high_now + 1 {
                    (Verdict::InOrder, 0)
                } else if r > high_now {
                    (Verdict::Skipped, r - high_now - 1)
                } else {
                    (Verdict::Late, high_now - r)
                }
            } else {
                let mut last = n;
                while last + 1 < sequence.len() && continues(last + 1) {
                    last += 1;
                }
                let end = rank(sequence[last]);
                let cut = last + 1 == sequence.len() || (!first(last + 1) && rank(sequence[last + 1]) <= end);
                let legal = (end == high_now || cut) && !self.is_committed(at);
                (if legal { Verdict::Redelivered } else { Verdict::Regressed }, high_now - r)
            };
            verdicts.insert(at, judged);
        }
        verdicts
    }

    /// One verdict a handling.
    fn verdicts(&self) -> Vec<Judged> {
        let by_start = self.by_start();
        let ordered: Vec<usize> = by_start.iter().copied().filter(|&at| !self.is_extra_copy(at, &by_start)).collect();
        let mut by_key = BTreeMap::new();
        let mut by_partition = BTreeMap::new();
        for key in self.attempted().into_iter().map(|id| id.0).collect::<BTreeSet<_>>() {
            let sequence: Vec<usize> = ordered.iter().copied().filter(|&at| self.id(at).0 == key).collect();
            by_key.extend(self.judge(&sequence, &self.ranks(|id| id.0 == key)));
        }
        for partition in self.publishes.iter().map(|p| p.partition).collect::<BTreeSet<_>>() {
            let right =
                |&at: &usize| self.handlings[at].partition == partition && self.partition(self.id(at)) == partition;
            let sequence: Vec<usize> = ordered.iter().copied().filter(right).collect();
            by_partition.extend(self.judge(&sequence, &self.ranks(|id| self.partition(id) == partition)));
        }
        (0..self.handlings.len())
            .map(|at| {
                let h = self.handlings[at];
                let (verdict, distance) = if !Self::succeeded(h) {
                    (Verdict::Aborted, 0)
                } else if !h.intact || !self.attempted().contains(&(h.key, h.key_seq)) {
                    (Verdict::Phantom, 0)
                } else if let Some(&judged) = by_key.get(&at) {
                    judged
                } else {
                    (Verdict::ExtraCopy, 0)
                };
                (verdict, distance, by_partition.get(&at).map(|judged| judged.0))
            })
            .collect()
    }

    /// Messages that were offered and never handled: those that were given up, and those that were not.
    fn unhandled(&self) -> (u64, u64) {
        let handled: BTreeSet<Id> = self.by_start().into_iter().map(|at| self.id(at)).collect();
        let due = self.ranks(|id| !handled.contains(&id));
        let dropped = due.iter().filter(|&&id| self.is_given_up(id)).count();
        (dropped as u64, (due.len() - dropped) as u64)
    }

    fn not_offered(&self) -> u64 {
        self.stored(|id| !self.is_offered(id)).len() as u64
    }

    fn publish_reordered(&self) -> u64 {
        let keys: BTreeSet<u32> = self.attempted().into_iter().map(|id| id.0).collect();
        let of_key = |key: u32| {
            let order = self.stored(|id| id.0 == key);
            (0..order.len()).filter(|&at| order[..at].iter().any(|before| before.1 > order[at].1)).count() as u64
        };
        keys.into_iter().map(of_key).sum()
    }

    /// Handlings that begin strictly within another member's. (The scenarios of this property have no epochs.)
    fn overlap(&self, history: &History) -> u64 {
        let author = |at: usize| {
            let mut before = 0;
            history.journals.iter().position(|journal| {
                before += journal.handlings.len();
                at < before
            })
        };
        let ended = |h: &Handling| h.finished.map_or(h.started, |finish| finish.at).max(h.started);
        let begins_beside = |at: usize| {
            (0..self.handlings.len()).any(|other| {
                let (this, that) = (self.handlings[at], self.handlings[other]);
                let earlier = (that.started, other) < (this.started, at);
                earlier && author(at) != author(other) && that.partition == this.partition && ended(that) > this.started
            })
        };
        (0..self.handlings.len()).filter(|&at| begins_beside(at)).count() as u64
    }
}

fn compare(history: &History) {
    let ledger: Ledger = judge(history);
    let oracle = Oracle::new(history);
    let expected = oracle.verdicts();
    assert_eq!(ledger.entries.len(), expected.len(), "one line a handling");
    for (at, (entry, &(verdict, distance, _))) in ledger.entries.iter().zip(&expected).enumerate() {
        assert_eq!((entry.verdict, u64::from(entry.distance)), (verdict, distance), "handling {at}");
    }
    let count = |verdict| expected.iter().filter(|judged| judged.0 == verdict).count() as u64;
    let of_partition = |verdict| expected.iter().filter(|judged| judged.2 == Some(verdict)).count() as u64;
    let order = ledger.order;
    assert_eq!(order.in_order, count(Verdict::InOrder));
    assert_eq!(order.skipped, count(Verdict::Skipped));
    assert_eq!(order.late, count(Verdict::Late));
    assert_eq!(order.redelivered, count(Verdict::Redelivered));
    assert_eq!(order.regressed, count(Verdict::Regressed));
    assert_eq!(ledger.extra_copies, count(Verdict::ExtraCopy));
    assert_eq!(ledger.aborted, count(Verdict::Aborted));
    assert_eq!(ledger.phantom, count(Verdict::Phantom));
    assert_eq!(ledger.handled() + ledger.aborted + ledger.phantom, expected.len() as u64, "exactly one verdict each");
    let partition_order = ledger.partition_order;
    assert_eq!(partition_order.in_order, of_partition(Verdict::InOrder));
    assert_eq!(partition_order.skipped, of_partition(Verdict::Skipped));
    assert_eq!(partition_order.late, of_partition(Verdict::Late));
    assert_eq!(partition_order.redelivered, of_partition(Verdict::Redelivered));
    assert_eq!(partition_order.regressed, of_partition(Verdict::Regressed));
    assert_eq!((ledger.dropped, ledger.unhandled), oracle.unhandled());
    if !ledger.messages.iter().any(|message| message.found) {
        assert_eq!(ledger.lost, ledger.unhandled);
    }
    let lost_by_server = oracle.attempted().into_iter().filter(|&id| oracle.is_lost_by_server(id)).count() as u64;
    assert_eq!(ledger.lost_by_server.unwrap_or(0), lost_by_server);
    assert_eq!(ledger.not_offered, oracle.not_offered());
    let evicted = oracle.attempted().into_iter().filter(|&id| oracle.is_evicted(id)).count() as u64;
    assert_eq!(ledger.evicted.unwrap_or(0), evicted);
    assert_eq!(ledger.publisher.attempted, oracle.attempted().len() as u64);
    assert_eq!(ledger.publisher.publish_reordered, oracle.publish_reordered());
    let extra = oracle.attempted().into_iter().map(|id| oracle.copies(id).len().saturating_sub(1) as u64);
    assert_eq!(ledger.publisher.duplicate_stored, extra.sum::<u64>());
    assert_eq!(ledger.exclusion.overlap.iter().sum::<u64>(), oracle.overlap(history));
    let by_partition = ledger.partitions.iter().map(|counts| counts.by_key.handled()).sum::<u64>();
    assert_eq!(by_partition, order.handled(), "partitions add up to the run");
}

/// A publish: key, what became of it, whether a second copy is stored.
pub(super) fn publishes() -> impl Strategy<Value = Vec<(u32, u8, bool)>> {
    prop::collection::vec((0..3_u32, 0..8_u8, prop::bool::weighted(0.1)), 0..14)
}

/// A handling: member, which message (by index, a little beyond the end), start, length, outcome, intact, which copy.
pub(super) type RandomHandling = (u16, usize, u64, u64, u8, bool, bool);

pub(super) fn handlings() -> impl Strategy<Value = Vec<RandomHandling>> {
    let one =
        (0..3_u16, 0..15_usize, 0..60_u64, 0..9_u64, 0..8_u8, prop::bool::weighted(0.95), prop::bool::weighted(0.2));
    prop::collection::vec(one, 0..40)
}

/// Mostly in order with rewinds, which random handlings hardly ever are: (member, from, to) replays of the stream.
pub(super) fn replays() -> impl Strategy<Value = Vec<(u16, usize, usize)>> {
    prop::collection::vec((0..3_u16, 0..12_usize, 0..12_usize), 0..6)
}

pub(super) fn commits() -> impl Strategy<Value = Vec<(u16, u64, bool, u64)>> {
    prop::collection::vec((0..2_u16, 0..18_u64, any::<bool>(), 0..90_u64), 0..4)
}

pub(super) fn build(
    streamless: bool,
    publishes: &[(u32, u8, bool)],
    replays: &[(u16, usize, usize)],
    handlings: &[RandomHandling],
    commits: &[(u16, u64, bool, u64)],
    gone: Option<&Gone>,
) -> History {
    let mut scenario = Scenario::new(2, 3);
    let mut next = BTreeMap::new();
    let mut messages: Vec<(Id, u64)> = Vec::new();
    for (at, &(key, fate, copy)) in publishes.iter().enumerate() {
        let key_seq = *next.entry(key).and_modify(|seq| *seq += 1).or_insert(1);
        // A multiplier that is no factor of the modulus: stream order differs from publish order now and then.
        let stream_seq = if streamless {
            0
        } else if fate == 5 {
            20 - at as u64
        } else {
            20 + at as u64
        };
        let at = us(at as u64);
        let fate = match fate {
            0 => Fate::Failed { at },
            1 | 2 => Fate::Unknown,
            // Stored, nobody said where.
            6 => Fate::Stored { at, stream_seq: 0, duplicate: false },
            _ => Fate::Stored { at, stream_seq, duplicate: false },
        };
        scenario.publish(key, key_seq, at, fate);
        if copy && !streamless {
            let fate = Fate::Stored { at, stream_seq: stream_seq + 40, duplicate: false };
            scenario.publish(key, key_seq, at + SpanNs(1), fate);
        }
        messages.push(((key, key_seq), stream_seq));
    }
    let mut clock = 20;
    for &(member, from, to) in replays {
        for &((key, key_seq), stream_seq) in messages.iter().take(to).skip(from) {
            clock += 1;
            scenario.handled(member, key, key_seq, us(clock)).stream_seq = stream_seq;
        }
    }
    for &(member, message, started, length, outcome, intact, copy) in handlings {
        let ((key, key_seq), stream_seq) = messages.get(message).copied().unwrap_or(((message as u32 % 5, 99), 7));
        let started = us(20 + started);
        let at = started + SpanNs(length * 1_000);
        let finished = (outcome > 0).then_some(Finish { at, ok: outcome > 1 });
        let handling = scenario.handling(member, key, key_seq, started, finished);
        handling.intact = intact;
        handling.stream_seq = if streamless { 0 } else { stream_seq + if copy { 40 } else { 0 } };
    }
    for &(partition, seq, exact, at) in commits {
        let reach = if exact { Reach::Exact } else { Reach::UpTo };
        scenario.commit(0, partition, 15 + seq, reach, us(at));
    }
    if let Some(gone) = gone {
        scenario.tell(us(200), StoryEvent::Gone { gone: gone.clone() });
    }
    scenario.history
}

/// What the stream held at the end: which copies of each message, and up to where it was read of how much.
type RandomHeld = (Vec<u8>, u64, u64);

fn held() -> impl Strategy<Value = RandomHeld> {
    (prop::collection::vec(0..6_u8, 14), 10..80_u64, prop_oneof![Just(0), 1..30_u64])
}

/// Reads the stream back: of the publishes that [`build`] made, in the same places.
fn read_back(history: &mut History, (copies, last, unread): &RandomHeld) {
    let mut seen = BTreeSet::new();
    let first = |publish: &&Publish| seen.insert((publish.key, publish.key_seq));
    let ids: Vec<Id> = history.journals[0].publishes.iter().filter(first).map(|p| (p.key, p.key_seq)).collect();
    let through = last.saturating_sub(*unread);
    let mut held = Vec::new();
    for (at, (&(key, key_seq), &which)) in (0..).zip(ids.iter().zip(copies)) {
        // Most stand where publishes are stored, some are a second copy, some are nowhere.
        let places: &[u64] = match which {
            0 => &[],
            1 => &[60],
            2 => &[20, 60],
            _ => &[20],
        };
        held.extend(places.iter().map(|place| StoredMessage { stream_seq: place + at, key, key_seq }));
    }
    held.retain(|it| it.stream_seq <= through);
    held.sort_unstable();
    let extent = Extent { messages: held.len() as u64, through, last: *last };
    history.stored = held;
    history.story.push(StoryLine { at: us(300), event: StoryEvent::StreamRead { extent } });
}

/// What is gone at the end, where that is told: of sequences from 20 on, or from 60 on for second copies.
fn gone() -> impl Strategy<Value = Option<Gone>> {
    let some = (15..30_u64, prop::collection::vec(15..75_u64, 0..20));
    prop::option::of(some.prop_map(|(below, deleted)| Gone::new(below, deleted)))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_agrees_with_the_oracle(
        streamless in prop::bool::weighted(0.2),
        sent_only in prop::bool::weighted(0.2),
        publishes in publishes(),
        replays in replays(),
        handlings in handlings(),
        commits in commits(),
        gone in gone(),
        held in prop::option::of(held()),
    ) {
        let mut history = build(streamless, &publishes, &replays, &handlings, &commits, gone.as_ref());
        if let Some(held) = held.filter(|_| !streamless) {
            read_back(&mut history, &held);
        }
        if sent_only {
            history.manifest.confirmation = Confirmation::SentToStream;
        }
        compare(&history);
    }

    #[test]
    fn replays_alone_agree_with_the_oracle(
        publishes in publishes(),
        replays in replays(),
        commits in commits(),
    ) {
        compare(&build(false, &publishes, &replays, &[], &commits, None));
    }

    #[test]
    fn what_is_withheld_agrees_with_the_oracle(
        streamless in prop::bool::weighted(0.1),
        publishes in publishes(),
        replays in replays(),
        handlings in handlings(),
        start in 15..40_u64,
        dropped in prop::collection::vec(5..40_u64, 0..4),
        terms in prop::collection::vec(5..40_u64, 0..4),
        gone in gone(),
        held in prop::option::of(held()),
    ) {
        let mut history = build(streamless, &publishes, &replays, &handlings, &[], gone.as_ref());
        if let Some(held) = held.filter(|_| !streamless) {
            read_back(&mut history, &held);
        }
        let starts = StoryEvent::Starts { partition: None, stream_seq: start };
        let dropped = dropped.into_iter().map(|stream_seq| StoryEvent::Dropped { stream_seq, deliveries: 2 });
        history.story.extend(dropped.chain([starts]).map(|event| StoryLine { at: us(50), event }));
        let term = |stream_seq| Term { at: us(50), key: 0, key_seq: 1, partition: 0, stream_seq };
        history.journals[0].terms.extend(terms.into_iter().map(term));
        compare(&history);
    }
}
