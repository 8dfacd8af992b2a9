//! The judgement: the passes over the evidence that fill the ledger. Messages, then keys, then partitions.
//!
//! What does not depend on each other is done abreast, in two threads; the order of the evidence decides all results, so nobody can
//! tell (ADR 48).

mod keys;

use super::abreast;
use super::commits::Commits;
use super::deed::{self, Deed};
use super::eviction;
use super::exclusion;
use super::grants::Grants;
use super::ledger::{Ledger, PartitionCounts, Verdict};
use super::lives::Lives;
use super::loss;
use super::message::{self, Copy};
use super::order::{self, Step};
use super::partitions::{Partitions, Rank};
use super::succession;
use super::truth::Truth;
use super::withheld::Withheld;
use crate::model::history::History;

/// Judges a run: messages, then keys, then partitions.
pub(super) fn judge(history: &History) -> Ledger {
    let journals = &history.journals;
    let lives = Lives::of(&history.story);
    let handlings = journals.iter().map(|journal| journal.handlings.len());
    let much = abreast::is_worth_it(handlings.sum());
    let gone = eviction::gone(history);
    let ((messages, mut copies), (truth, mut deeds)) = abreast::both(
        much,
        || message::messages(journals),
        || (Truth::of(history, gone.is_some()), deed::by_key(journals, &lives)),
    );
    let mut ledger = Ledger {
        messages,
        offsets: journals
            .iter()
            .scan(0, |next, journal| Some(std::mem::replace(next, *next + journal.handlings.len() as u32)))
            .collect(),
        evicted: gone.map(|_| 0),
        lost_by_server: truth.judges_loss().then_some(0),
        ..Ledger::default()
    };
    truth.leave_out_what_is_not_there(&ledger.messages, &mut copies);
    let commits = Commits::of(history);
    let (withheld, confirmation) = (Withheld::of(history), history.manifest.confirmation);
    let scene = keys::Scene { commits: &commits, truth: &truth, withheld, gone, confirmation };
    let counted = keys::judge(&scene, &mut ledger.messages, &mut deeds, copies);
    let partitions = counted.partitions.max(history.manifest.partitions.into());
    ledger.partitions = vec![PartitionCounts::default(); partitions];
    take(&mut ledger, counted);

    let ((mut standing, mut ranks), (entries, mut deeds)) = abreast::both(
        much,
        || Partitions::of(&ledger.messages, partitions),
        || {
            let by_partition = deed::by_partition(&deeds);
            drop(deeds);
            by_partition
        },
    );
    ledger.entries = entries;
    judge_partitions(&mut ledger, &mut deeds, &mut ranks, &commits, history.manifest.partitions);
    let grants = Grants::new(history);
    let (exclusion, succession) = abreast::both(
        much,
        || exclusion::exclusion(history, &lives, &grants, &deeds),
        || {
            for (message, rank) in ledger.messages.iter_mut().zip(ranks) {
                message.partition_rank = rank.rank;
            }
            loss::judge(&mut ledger, history, &deeds, &commits);
            count_messages(&mut ledger, history.manifest.partitions);
            standing.note_done(&ledger.messages, &deeds);
            succession::succession(history, &ledger, &grants, &standing, &deeds)
        },
    );
    Ledger { exclusion, succession, ..ledger }
}

/// Takes over what was counted key by key.
fn take(ledger: &mut Ledger, counted: keys::Counted) {
    let mut copies = counted.copies;
    copies.sort_unstable();
    copies.dedup();
    let is_another = |copy: &Copy| ledger.messages[copy.message as usize].stream_seq != copy.stream_seq;
    let copies = copies.into_iter().filter(is_another).map(|copy| (copy.message, copy.stream_seq));
    ledger.copies = copies.collect();
    ledger.reordered = counted.reordered;
    ledger.order = counted.order;
    ledger.forgotten_by_server = counted.forgotten_by_server;
    ledger.publisher = counted.publisher;
    ledger.publisher.duplicate_stored = ledger.copies.len() as u64;
    ledger.publisher.publish_reordered = ledger.reordered.len() as u64;
}

/// Partition by partition: the same judge with the partition's ranks, and the key's verdicts summed up.
fn judge_partitions(ledger: &mut Ledger, deeds: &mut [Deed], ranks: &mut [Rank], commits: &Commits<'_>, known: u16) {
    let mut steps = Vec::new();
    for deeds in deeds.chunk_by_mut(|left, right| left.partition == right.partition) {
        steps.clear();
        let partition = deeds[0].partition;
        let counts = &mut ledger.partitions[usize::from(partition)];
        if partition >= known {
            ledger.misplaced += deeds.len() as u64;
        }
        for (at, deed) in deeds.iter_mut().enumerate() {
            counts.by_key.add(deed.verdict, deed.distance);
            let standing = ranks.get_mut(deed.message as usize);
            deed.rank = standing.as_ref().map_or(0, |standing| standing.rank);
            match (deed.verdict, standing) {
                (Verdict::Aborted, _) => ledger.aborted += 1,
                (Verdict::Phantom, _) => ledger.phantom += 1,
                (Verdict::ExtraCopy, _) => ledger.extra_copies += 1,
                (_, Some(standing)) if !deed.elsewhere => {
                    let first = !std::mem::replace(&mut standing.seen, true);
                    steps.push(Step { id: at as u32, rank: standing.rank, first });
                }
                _ => ledger.misrouted += 1,
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
    let (mut evicted, mut lost_by_server) = (0, 0);
    for message in &ledger.messages {
        ledger.misplaced += u64::from(message.partition >= known);
        evicted += u64::from(message.evicted);
        lost_by_server += u64::from(message.lost_by_server);
        ledger.perished += u64::from(message.perished);
        if !message.is_stored() {
            continue;
        }
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
    ledger.evicted = ledger.evicted.map(|_| evicted);
    ledger.lost_by_server = ledger.lost_by_server.map(|_| lost_by_server);
}
