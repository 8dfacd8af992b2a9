//! The judgement: the passes over the evidence that fill the ledger. Messages, then keys, then partitions.

use super::commits::Commits;
use super::deed::{self, Deed, NONE};
use super::eviction;
use super::exclusion;
use super::grants::Grants;
use super::grouped;
use super::ledger::{Entry, Ledger, PartitionCounts, Verdict};
use super::lives::Lives;
use super::loss;
use super::message::{self, Copy, Message, Standing};
use super::order::{self, Step};
use super::succession;
use super::truth::Truth;
use super::withheld::Withheld;
use crate::model::history::History;
use crate::model::manifest::Confirmation;

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
    let commits = Commits::of(history);

    let mut deeds = grouped::group(deeds, |deed| deed.key);
    ledger.evicted = eviction::gone(history).map(|_| 0);
    let truth = Truth::of(history, ledger.evicted.is_some());
    ledger.lost_by_server = truth.judges_loss().then_some(0);
    truth.leave_out_what_is_not_there(&ledger.messages, &mut copies);
    judge_keys(&mut ledger, history, &mut deeds, &mut copies, &commits, &truth);
    let forgotten = |deed: &&Deed| {
        ledger.entries[deed.id as usize].verdict == Verdict::Redelivered
            && commits.forgot(deed.partition, deed.stream_seq, deed.started)
    };
    ledger.forgotten_by_server = deeds.iter().filter(forgotten).count() as u64;
    count_publishes(&mut ledger, copies);
    rank_partitions(&mut ledger);
    let partitions = partitions(history, &ledger);
    ledger.partitions = vec![PartitionCounts::default(); partitions];

    let mut deeds = grouped::group(in_evidence_order(&deeds), |deed| deed.partition.into());
    for of_partition in deeds.chunk_by_mut(|left, right| left.partition == right.partition) {
        of_partition.sort_by_key(|deed| deed.started);
    }
    judge_partitions(&mut ledger, &deeds, &commits, history.manifest.partitions);
    loss::judge(&mut ledger, history, &deeds, &commits);
    count_messages(&mut ledger, history.manifest.partitions);
    let grants = Grants::new(history);
    ledger.exclusion = exclusion::exclusion(history, &lives, &grants, &deeds);
    ledger.succession = succession::succession(history, &ledger, &grants, &deeds);
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
fn judge_keys(
    ledger: &mut Ledger,
    history: &History,
    deeds: &mut [Deed],
    copies: &mut Vec<Copy>,
    commits: &Commits<'_>,
    truth: &Truth<'_>,
) {
    let Ledger { messages, entries, order, reordered, .. } = ledger;
    let (gone, withheld, confirmation) =
        (eviction::gone(history), Withheld::of(history), history.manifest.confirmation);
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
        truth.place(of_key, base, copies);
        identify(of_key, base, deeds, copies);
        if confirmation == Confirmation::SentToStream {
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
        if let Some(gone) = gone {
            eviction::mark(of_key, base, deeds, copies, gone, commits);
        }
        rank_key(of_key, base, &mut scratch.order, reordered, truth);
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

/// Ranks the stored messages of every partition that were offered in stream order; without stream sequences in send order.
fn rank_partitions(ledger: &mut Ledger) {
    let messages = &mut ledger.messages;
    let stored = messages.iter().enumerate().filter(|(_, message)| message.is_due());
    let places: Vec<_> = stored.map(|(index, m)| (m.partition, m.place, m.sent, index as u32)).collect();
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
    let evicted = ledger.messages.iter().filter(|message| message.evicted).count() as u64;
    ledger.evicted = ledger.evicted.map(|_| evicted);
    let lost_by_server = ledger.messages.iter().filter(|message| message.lost_by_server).count() as u64;
    ledger.lost_by_server = ledger.lost_by_server.map(|_| lost_by_server);
    ledger.perished = ledger.messages.iter().filter(|message| message.perished).count() as u64;
    for message in ledger.messages.iter().filter(|message| message.is_stored()) {
        let counts = &mut ledger.partitions[usize::from(message.partition)];
        let (unhandled, lost) = (u64::from(message.is_unhandled()), u64::from(message.lost));
        ledger.not_offered += u64::from(!message.offered);
        ledger.dropped += u64::from(message.offered && message.first.is_none() && message.dropped.is_some());
        counts.stored += 1;
        counts.unhandled += unhandled;
        counts.lost += lost;
        ledger.unhandled += unhandled;
        ledger.lost += lost;
    }
}
