//! The ledger itself: all accounts and verdicts of a run, and the passes that fill it.

use super::commits::Commits;
use super::deed::{self, Deed, NONE};
use super::exclusion::{self, Exclusion};
use super::grouped;
use super::lives::Lives;
use super::message::{self, Copy, Message, Standing};
use super::order::{self, Step};
use crate::model::history::{History, Journal};
use crate::model::record::Handling;

/// What one handling is judged to be. Every handling gets exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// First handling of its message, right behind what was handled so far.
    InOrder,
    /// First handling, with a hole before it: order breaks here.
    Skipped,
    /// First handling, behind what was handled so far: a hole is filled late.
    Late,
    /// Repeated legally: uncommitted, in a contiguous replay.
    Redelivered,
    /// Repeated in any other way: state goes backwards.
    Regressed,
    /// Repeated because the stream holds a second copy of the message: charged to the publisher's side.
    ExtraCopy,
    /// Started, not handled: the handler failed or its process died.
    Aborted,
    /// Handled, and never attempted in this run, or not intact.
    Phantom,
}

impl Verdict {
    /// Whether it breaks order (`order_violations`).
    #[must_use]
    pub fn breaks_order(self) -> bool {
        matches!(self, Self::Skipped | Self::Late | Self::Regressed)
    }

    /// Whether it is a handling of a known message with success.
    #[must_use]
    pub fn is_handled(self) -> bool {
        !matches!(self, Self::Aborted | Self::Phantom)
    }
}

/// The line of one handling.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Number of its message in [`Ledger::messages`]; `u32::MAX` when it is none of this run's.
    pub message: u32,
    /// Its verdict, by key (the contract).
    pub verdict: Verdict,
    /// `skipped`: size of the hole. `late`, `redelivered`, `regressed`: how far behind the greatest rank handled.
    pub distance: u32,
}

/// Publisher side of the ledger, in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PublisherCounts {
    /// Handed to the connection at least once.
    pub attempted: u64,
    /// Confirmed stored.
    pub stored: u64,
    /// Known not stored.
    pub failed: u64,
    /// Cut off before an answer and never seen.
    pub unknown: u64,
    /// Cut off before an answer and found stored.
    pub surfaced: u64,
    /// Second stored copies.
    pub duplicate_stored: u64,
    /// Messages that stand in the stream behind one of their key with a greater sequence.
    pub publish_reordered: u64,
}

/// Verdicts of one sequence or a sum of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OrderCounts {
    /// `in_order`.
    pub in_order: u64,
    /// `skipped`: holes.
    pub skipped: u64,
    /// Messages in these holes.
    pub hole_messages: u64,
    /// `late`.
    pub late: u64,
    /// `redelivered`.
    pub redelivered: u64,
    /// `regressed`.
    pub regressed: u64,
    /// Greatest distance of a `late` or `regressed` one, or size of a hole.
    pub distance_max: u64,
}

impl OrderCounts {
    /// `order_violations` = skipped + late + regressed.
    #[must_use]
    pub fn violations(&self) -> u64 {
        self.skipped + self.late + self.regressed
    }

    /// Verdicts given.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.in_order + self.redelivered + self.violations()
    }

    fn add(&mut self, verdict: Verdict, distance: u32) {
        let distance = u64::from(distance);
        match verdict {
            Verdict::InOrder => self.in_order += 1,
            Verdict::Skipped => {
                self.skipped += 1;
                self.hole_messages += distance;
            }
            Verdict::Late => self.late += 1,
            Verdict::Redelivered => self.redelivered += 1,
            Verdict::Regressed => self.regressed += 1,
            Verdict::ExtraCopy | Verdict::Aborted | Verdict::Phantom => {}
        }
        if verdict.breaks_order() {
            self.distance_max = self.distance_max.max(distance);
        }
    }
}

/// What happened in one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PartitionCounts {
    /// Stored messages, surfaced ones included.
    pub stored: u64,
    /// Stored and never handled.
    pub lost: u64,
    /// Verdicts by key (the contract) of the handlings in this partition.
    pub by_key: OrderCounts,
    /// Verdicts with the whole partition as one sequence.
    pub by_partition: OrderCounts,
}

/// All accounts of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ledger {
    /// One account a message, sorted by key and sequence within it.
    pub messages: Vec<Message>,
    /// One line a handling, in the order of journals and of records within them.
    pub entries: Vec<Entry>,
    /// Publisher side.
    pub publisher: PublisherCounts,
    /// Extra copies: (number of the message, stream sequence), sorted.
    pub copies: Vec<(u32, u64)>,
    /// Messages counted in `publish_reordered`, by number.
    pub reordered: Vec<u32>,
    /// Verdicts by key, over the run.
    pub order: OrderCounts,
    /// Verdicts by partition, over the run.
    pub partition_order: OrderCounts,
    /// Repeats that a second stored copy caused.
    pub extra_copies: u64,
    /// Starts without success.
    pub aborted: u64,
    /// Handled, and never attempted or not intact.
    pub phantom: u64,
    /// Stored and never handled by the end of the evidence.
    pub lost: u64,
    /// Handled in a partition that is not the one its key hashes to.
    pub misrouted: u64,
    /// Records that name a partition which the run does not have.
    pub misplaced: u64,
    /// By partition; longer than the manifest says when records name absurd ones.
    pub partitions: Vec<PartitionCounts>,
    /// Exclusion.
    pub exclusion: Exclusion,
    /// Number of the first handling of each journal.
    offsets: Vec<u32>,
}

impl Ledger {
    /// Handlings with success of messages of this run.
    #[must_use]
    pub fn handled(&self) -> u64 {
        self.order.handled() + self.extra_copies
    }

    /// The journal and the record behind a line of the ledger. `history` must be the one that was judged.
    #[must_use]
    pub fn source<'a>(&self, history: &'a History, entry: u32) -> Option<(&'a Journal, &'a Handling)> {
        let index = self.offsets.partition_point(|&offset| offset <= entry).checked_sub(1)?;
        let journal = history.journals.get(index)?;
        Some((journal, journal.handlings.get((entry - self.offsets[index]) as usize)?))
    }

    /// All lines with their journal and record, in order.
    pub fn lines<'a>(&'a self, history: &'a History) -> impl Iterator<Item = (&'a Entry, &'a Journal, &'a Handling)> {
        let sources = history.journals.iter().flat_map(|journal| journal.handlings.iter().map(move |h| (journal, h)));
        self.entries.iter().zip(sources).map(|(entry, (journal, handling))| (entry, journal, handling))
    }

    /// The message of a line, when it is one of this run's.
    #[must_use]
    pub fn message_of(&self, entry: &Entry) -> Option<&Message> {
        self.messages.get(entry.message as usize)
    }
}

/// Judges a run: messages, then keys, then partitions.
pub(super) fn judge(history: &History) -> Ledger {
    let lives = Lives::of(&history.story);
    let (messages, mut copies) = message::messages(&history.journals);
    let deeds = deed::deeds(&history.journals, &lives);
    let mut ledger = Ledger {
        messages,
        entries: vec![Entry { message: NONE, verdict: Verdict::Aborted, distance: 0 }; deeds.len()],
        offsets: history
            .journals
            .iter()
            .scan(0, |next, journal| Some(std::mem::replace(next, *next + journal.handlings.len() as u32)))
            .collect(),
        ..Ledger::default()
    };
    let commits = Commits::new(&history.journals);

    let mut deeds = grouped::group(deeds, |deed| deed.key);
    judge_keys(&mut ledger, &mut deeds, &mut copies, &commits);
    count_publishes(&mut ledger, copies);
    rank_partitions(&mut ledger);
    let partitions = partitions(history, &ledger);
    ledger.partitions = vec![PartitionCounts::default(); partitions];

    let mut deeds = grouped::group(in_evidence_order(&deeds), |deed| deed.partition.into());
    for of_partition in deeds.chunk_by_mut(|left, right| left.partition == right.partition) {
        of_partition.sort_by_key(|deed| deed.started);
    }
    judge_partitions(&mut ledger, &deeds, &commits, history.manifest.partitions);
    count_messages(&mut ledger, history.manifest.partitions);
    ledger.exclusion = exclusion::exclusion(history, &lives, &deeds);
    ledger
}

/// Back from keys to the order of the evidence: what each member did is then one sorted piece, which the sort of a
/// partition only has to merge, and ties fall as they do within a key.
fn in_evidence_order(deeds: &[Deed]) -> Vec<Deed> {
    let mut ordered = deeds.to_vec();
    for deed in deeds {
        ordered[deed.id as usize] = *deed;
    }
    ordered
}

/// Key by key: which message each handling is of, ranks in stream order, verdicts.
fn judge_keys(ledger: &mut Ledger, deeds: &mut [Deed], copies: &mut Vec<Copy>, commits: &Commits<'_>) {
    let Ledger { messages, entries, order, reordered, .. } = ledger;
    let mut scratch = KeyScratch::default();
    let mut handled = deeds.chunk_by_mut(|left, right| left.key == right.key).peekable();
    let mut base = 0;
    for of_key in messages.chunk_by_mut(|left, right| left.key == right.key) {
        let key = of_key[0].key;
        while let Some(strangers) = handled.next_if(|deeds| deeds[0].key < key) {
            give_unranked(strangers, entries);
        }
        let deeds = handled.next_if(|deeds| deeds[0].key == key).unwrap_or_default();
        deeds.sort_by_key(|deed| deed.started);
        identify(of_key, base, deeds, copies);
        rank_key(of_key, base, &mut scratch.order, reordered);
        scratch.steps.clear();
        for (at, deed) in deeds.iter_mut().enumerate().filter(|(_, deed)| deed.ok && deed.message != NONE) {
            let message = &mut of_key[deed.message as usize - base];
            let first = message.first.is_none();
            if first {
                message.first = Some(deed.id);
            }
            deed.extra = !first && deed.stream_seq != 0 && deed.stream_seq != message.stream_seq;
            if !deed.extra {
                scratch.steps.push(Step { id: at as u32, rank: message.rank, first });
            }
        }
        give_unranked(deeds, entries);
        order::judge(
            &scratch.steps,
            |at| {
                let deed = &deeds[at as usize];
                commits.cover(deed.partition, deed.stream_seq, deed.started)
            },
            |at, verdict, distance| {
                let entry = &mut entries[deeds[at as usize].id as usize];
                entry.verdict = verdict;
                entry.distance = distance;
                order.add(verdict, distance);
            },
        );
        base += of_key.len();
    }
    for strangers in handled {
        give_unranked(strangers, entries);
    }
}

/// Buffers that are used again for every key.
#[derive(Default)]
struct KeyScratch {
    steps: Vec<Step>,
    order: Vec<u32>,
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
}

/// Ranks the stored messages of one key in stream order; without stream sequences in send order.
fn rank_key(of_key: &mut [Message], base: usize, order: &mut Vec<u32>, reordered: &mut Vec<u32>) {
    order.clear();
    order.extend((0..of_key.len() as u32).filter(|&index| of_key[index as usize].is_stored()));
    let place = |&index: &u32| {
        let message = &of_key[index as usize];
        (message.stream_seq, message.sent, message.key_seq)
    };
    if !order.is_sorted_by_key(place) {
        order.sort_unstable_by_key(place);
    }
    let mut greatest = 0;
    for (rank, &index) in (1..).zip(order.iter()) {
        let message = &mut of_key[index as usize];
        message.rank = rank;
        if message.key_seq < greatest {
            reordered.push((base + index as usize) as u32);
        }
        greatest = greatest.max(message.key_seq);
    }
}

/// Writes what can be said without ranks: the message, and the verdicts that are not about order.
fn give_unranked(deeds: &[Deed], entries: &mut [Entry]) {
    for deed in deeds {
        let entry = &mut entries[deed.id as usize];
        entry.message = deed.message;
        entry.verdict = match (deed.ok, deed.message == NONE) {
            (false, _) => Verdict::Aborted,
            (true, true) => Verdict::Phantom,
            // The order judge overwrites this for all but second copies.
            (true, false) => Verdict::ExtraCopy,
        };
    }
}

fn count_publishes(ledger: &mut Ledger, mut copies: Vec<Copy>) {
    copies.sort_unstable();
    copies.dedup();
    ledger.copies = copies
        .into_iter()
        .filter(|copy| ledger.messages[copy.message as usize].stream_seq != copy.stream_seq)
        .map(|copy| (copy.message, copy.stream_seq))
        .collect();
    let counts = &mut ledger.publisher;
    for message in &ledger.messages {
        counts.attempted += 1;
        match message.standing {
            Standing::Stored => counts.stored += 1,
            Standing::Surfaced => counts.surfaced += 1,
            Standing::Unknown => counts.unknown += 1,
            Standing::Failed => counts.failed += 1,
        }
    }
    counts.duplicate_stored = ledger.copies.len() as u64;
    counts.publish_reordered = ledger.reordered.len() as u64;
}

/// Ranks the stored messages of every partition in stream order; without stream sequences in send order.
fn rank_partitions(ledger: &mut Ledger) {
    let messages = &mut ledger.messages;
    let stored = messages.iter().enumerate().filter(|(_, message)| message.is_stored());
    let places: Vec<_> = stored.map(|(index, m)| (m.partition, m.stream_seq, m.sent, index as u32)).collect();
    let mut places = grouped::group(places, |place| place.0.into());
    for of_partition in places.chunk_by_mut(|left, right| left.0 == right.0) {
        of_partition.sort_unstable();
        for (rank, place) in (1..).zip(of_partition) {
            messages[place.3 as usize].partition_rank = rank;
        }
    }
}

/// How many partitions there are to account for: what the manifest says, or more when records name more.
fn partitions(history: &History, ledger: &Ledger) -> usize {
    let handlings = history.journals.iter().flat_map(|journal| &journal.handlings);
    let named = ledger.messages.iter().map(|m| m.partition).chain(handlings.map(|h| h.partition)).max();
    usize::from(history.manifest.partitions).max(named.map_or(0, |greatest| usize::from(greatest) + 1))
}

/// Partition by partition: the same judge with the partition's ranks, and the key's verdicts summed up.
fn judge_partitions(ledger: &mut Ledger, deeds: &[Deed], commits: &Commits<'_>, known: u16) {
    let mut seen = vec![false; ledger.messages.len()];
    let mut steps = Vec::new();
    for deeds in grouped::slices(deeds, |deed| deed.partition.into()) {
        steps.clear();
        let partition = deeds[0].partition;
        let counts = &mut ledger.partitions[usize::from(partition)];
        if partition >= known {
            ledger.misplaced += deeds.len() as u64;
        }
        for (at, deed) in deeds.iter().enumerate() {
            let entry = &ledger.entries[deed.id as usize];
            counts.by_key.add(entry.verdict, entry.distance);
            match entry.verdict {
                Verdict::Aborted => ledger.aborted += 1,
                Verdict::Phantom => ledger.phantom += 1,
                Verdict::ExtraCopy => ledger.extra_copies += 1,
                _ => {
                    let message = &ledger.messages[deed.message as usize];
                    if message.partition == partition {
                        let first = !std::mem::replace(&mut seen[deed.message as usize], true);
                        steps.push(Step { id: at as u32, rank: message.partition_rank, first });
                    } else {
                        ledger.misrouted += 1;
                    }
                }
            }
        }
        let run = &mut ledger.partition_order;
        order::judge(
            &steps,
            |at| {
                let deed = &deeds[at as usize];
                commits.cover(partition, deed.stream_seq, deed.started)
            },
            |_, verdict, distance| {
                counts.by_partition.add(verdict, distance);
                run.add(verdict, distance);
            },
        );
    }
}

fn count_messages(ledger: &mut Ledger, known: u16) {
    ledger.misplaced += ledger.messages.iter().filter(|message| message.partition >= known).count() as u64;
    for message in ledger.messages.iter().filter(|message| message.is_stored()) {
        let counts = &mut ledger.partitions[usize::from(message.partition)];
        let lost = u64::from(message.first.is_none());
        counts.stored += 1;
        counts.lost += lost;
        ledger.lost += lost;
    }
}
