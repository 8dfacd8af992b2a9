//! Key by key: which message each handling is of, ranks in stream order, verdicts.

use super::super::abreast;
use super::super::commits::Commits;
use super::super::deed::{Deed, NONE};
use super::super::eviction;
use super::super::ledger::{OrderCounts, PublisherCounts, Verdict};
use super::super::message::{self, Copy, Message, Standing};
use super::super::order::{self, Step};
use super::super::truth::Truth;
use super::super::withheld::Withheld;
use crate::model::gone::Gone;
use crate::model::manifest::Confirmation;

/// What keys are judged by, beside their messages and handlings.
pub(super) struct Scene<'a> {
    pub(super) commits: &'a Commits<'a>,
    pub(super) truth: &'a Truth<'a>,
    pub(super) withheld: Withheld,
    pub(super) gone: Option<&'a Gone>,
    pub(super) confirmation: Confirmation,
}

/// What was counted on the way.
#[derive(Default)]
pub(super) struct Counted {
    pub(super) order: OrderCounts,
    /// Without the copies.
    pub(super) publisher: PublisherCounts,
    pub(super) copies: Vec<Copy>,
    /// Messages that stand in the stream behind one of their key with a greater sequence, by number.
    pub(super) reordered: Vec<u32>,
    pub(super) forgotten_by_server: u64,
    /// One more than the greatest partition that is named.
    pub(super) partitions: usize,
}

impl Counted {
    /// With what was counted of the keys behind these.
    fn join(mut self, other: Self) -> Self {
        self.order.join(&other.order);
        self.publisher.attempted += other.publisher.attempted;
        self.publisher.stored += other.publisher.stored;
        self.publisher.surfaced += other.publisher.surfaced;
        self.publisher.unknown += other.publisher.unknown;
        self.publisher.failed += other.publisher.failed;
        self.copies.extend(other.copies);
        self.reordered.extend(other.reordered);
        self.forgotten_by_server += other.forgotten_by_server;
        self.partitions = self.partitions.max(other.partitions);
        self
    }
}

/// Judges all keys: the halves abreast, where there is much of it.
pub(super) fn judge(
    scene: &Scene<'_>,
    messages: &mut [Message],
    deeds: &mut [Deed],
    copies: impl IntoIterator<Item = Copy>,
) -> Counted {
    let count = messages.len();
    let middle = messages.get(count / 2).map_or(0, |message| message.key);
    let at = messages.partition_point(|message| message.key < middle);
    let (lower, upper) = messages.split_at_mut(at);
    let (lower_deeds, upper_deeds) = deeds.split_at_mut(deeds.partition_point(|deed| deed.key < middle));
    let (lower_copies, upper_copies) = copies.into_iter().partition(|copy| (copy.message as usize) < at);
    let (below, above) = abreast::both(
        abreast::is_worth_it(count),
        || judge_some(scene, 0, lower, lower_deeds, lower_copies),
        || judge_some(scene, at, upper, upper_deeds, upper_copies),
    );
    below.join(above)
}

/// Judges some keys; the number of their first message is `base`.
fn judge_some(
    scene: &Scene<'_>,
    mut base: usize,
    messages: &mut [Message],
    deeds: &mut [Deed],
    copies: Vec<Copy>,
) -> Counted {
    let Scene { commits, truth, withheld, .. } = scene;
    let mut counted = Counted { copies, ..Counted::default() };
    let mut scratch = Scratch::default();
    let named = deeds.iter().map(|deed| deed.partition).max();
    counted.partitions = named.map_or(0, |greatest| usize::from(greatest) + 1);
    let mut handled = deeds.chunk_by_mut(|left, right| left.key == right.key).peekable();
    for of_key in messages.chunk_by_mut(|left, right| left.key == right.key) {
        let key = of_key[0].key;
        while let Some(strangers) = handled.next_if(|deeds| deeds[0].key < key) {
            give_unranked(strangers);
        }
        let deeds = handled.next_if(|deeds| deeds[0].key == key).unwrap_or_default();
        deeds.sort_by_key(|deed| deed.started);
        truth.place(of_key, base, &mut counted.copies);
        identify(of_key, base, deeds, &mut counted.copies);
        if scene.confirmation == Confirmation::SentToStream {
            doubt(of_key, base, deeds);
        }
        truth.settle(of_key, base, deeds);
        scratch.delivered.clear();
        scratch.delivered.resize(of_key.len(), false);
        for deed in deeds.iter().filter(|deed| deed.message != NONE) {
            scratch.delivered[deed.message as usize - base] = true;
        }
        withheld.mark(of_key, |index| scratch.delivered[index]);
        // What was not offered, or given up, is gone for that reason.
        if let Some(gone) = scene.gone {
            eviction::mark(of_key, base, deeds, &counted.copies, gone, commits);
        }
        rank_key(of_key, base, &mut scratch.order, &mut counted.reordered, truth);
        scratch.steps.clear();
        for (at, deed) in deeds.iter_mut().enumerate().filter(|(_, deed)| deed.message != NONE) {
            let message = &mut of_key[deed.message as usize - base];
            deed.elsewhere = deed.partition != message.partition;
            if !deed.ok {
                continue;
            }
            deed.first = message.first.is_none();
            if deed.first {
                message.first = Some(deed.id);
            }
            deed.extra = !deed.first && deed.stream_seq != 0 && deed.stream_seq != message.stream_seq;
            if !deed.extra {
                scratch.steps.push(Step { id: at as u32, rank: message.rank, first: deed.first });
            }
        }
        give_unranked(deeds);
        scratch.given.clear();
        order::judge(
            &scratch.steps,
            |at| {
                let deed = &deeds[at as usize];
                commits.cover(deed.partition, deed.stream_seq, deed.started)
            },
            |at, verdict, distance| scratch.given.push((at, verdict, distance)),
        );
        for &(at, verdict, distance) in &scratch.given {
            let deed = &mut deeds[at as usize];
            (deed.verdict, deed.distance) = (verdict, distance);
            counted.order.add(verdict, distance);
            let forgotten =
                verdict == Verdict::Redelivered && commits.forgot(deed.partition, deed.stream_seq, deed.started);
            counted.forgotten_by_server += u64::from(forgotten);
        }
        count(of_key, &mut counted);
        base += of_key.len();
    }
    handled.for_each(give_unranked);
    counted
}

/// Buffers that are used again for every key.
#[derive(Default)]
struct Scratch {
    steps: Vec<Step>,
    given: Vec<(u32, Verdict, u32)>,
    order: Vec<u32>,
    /// Whether a message was delivered at all.
    delivered: Vec<bool>,
}

/// Finds the message of every intact handling of one key. A delivery proves storage, and shows second copies.
fn identify(of_key: &mut [Message], base: usize, deeds: &mut [Deed], copies: &mut Vec<Copy>) {
    for deed in deeds.iter_mut().filter(|deed| deed.intact) {
        let Some(index) = message::find(of_key, deed.key_seq) else { continue };
        let message = &mut of_key[index];
        deed.message = (base + index) as u32;
        message::note_copy(message, deed.message, deed.stream_seq, copies);
        if !message.is_stored() {
            message.standing = Standing::Surfaced;
            message.stored = Some(deed.started);
        }
    }
    // A program of the user's own need not say where in the stream a message lies: it is taken for the first copy.
    for deed in deeds.iter_mut().filter(|deed| deed.stream_seq == 0 && deed.message != NONE) {
        deed.stream_seq = of_key[deed.message as usize - base].stream_seq;
    }
}

/// What was published without acknowledgement is stored if somebody was given it; of the rest nobody can know that.
fn doubt(of_key: &mut [Message], base: usize, deeds: &[Deed]) {
    let mut given = vec![false; of_key.len()];
    for deed in deeds.iter().filter(|deed| deed.message != NONE) {
        given[deed.message as usize - base] = true;
    }
    let doubtful = |(message, given): &(&mut Message, bool)| message.is_stored() && message.stream_seq == 0 && !given;
    for (message, _) in of_key.iter_mut().zip(given).filter(doubtful) {
        message.standing = Standing::Unknown;
        message.stored = None;
    }
}

/// Ranks the stored messages of one key that were offered, in stream order; without stream sequences in send order. One
/// whose sequence is not known, as a batch leaves it and nobody was given it, stands behind what its publisher sent before
/// it; so does one that a server forgot together with the place at which it stood. Who stands out of order is the publisher's affair, offered or not.
fn rank_key(of_key: &mut [Message], base: usize, order: &mut Vec<u32>, reordered: &mut Vec<u32>, truth: &Truth<'_>) {
    order.clear();
    let mut before = 0;
    for message in of_key.iter_mut().filter(|message| message.is_stored()) {
        let placeless = message.stream_seq == 0 || message.lost_by_server && truth.given_again(message.stream_seq);
        message.place = if placeless { before } else { message.stream_seq };
        before = message.place;
    }
    order.extend((0..of_key.len() as u32).filter(|&index| of_key[index as usize].is_stored()));
    let place = |&index: &u32| {
        let message = &of_key[index as usize];
        (message.place, message.sent, message.key_seq)
    };
    if !order.is_sorted_by_key(place) {
        order.sort_unstable_by_key(place);
    }
    let (mut greatest, mut rank) = (0, 0);
    for &index in order.iter() {
        let message = &mut of_key[index as usize];
        if message.offered {
            rank += 1;
            message.rank = rank;
        }
        if message.key_seq < greatest {
            reordered.push((base + index as usize) as u32);
        }
        greatest = greatest.max(message.key_seq);
    }
}

/// What can be said without ranks: the verdicts that are not about order.
fn give_unranked(deeds: &mut [Deed]) {
    for deed in deeds {
        deed.verdict = match (deed.ok, deed.message == NONE) {
            (false, _) => Verdict::Aborted,
            (true, true) => Verdict::Phantom,
            // The order judge overwrites this for all but second copies.
            (true, false) => Verdict::ExtraCopy,
        };
    }
}

/// The publisher's side, while the messages are at hand.
fn count(of_key: &[Message], counted: &mut Counted) {
    let counts = &mut counted.publisher;
    counts.attempted += of_key.len() as u64;
    for message in of_key {
        match message.standing {
            Standing::Stored => counts.stored += 1,
            Standing::Surfaced => counts.surfaced += 1,
            Standing::Unknown => counts.unknown += 1,
            Standing::Failed => counts.failed += 1,
        }
        counted.partitions = counted.partitions.max(usize::from(message.partition) + 1);
    }
}
