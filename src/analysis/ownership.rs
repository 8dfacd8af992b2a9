//! Ownership over time: who owned what at an instant, when it settled, and how much moved.

use std::collections::BTreeMap;

use super::timeline::Timeline;
use crate::model::record::{Author, Role};
use crate::model::report::{OwnershipEnd, OwnershipSpan};
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::{Belief, Lives};

/// Beliefs as the report shows them, cut at the end of the evidence.
pub(super) fn spans(timeline: &Timeline, beliefs: &[Belief]) -> Vec<OwnershipSpan> {
    beliefs
        .iter()
        .filter(|belief| belief.from <= timeline.end)
        .map(|belief| {
            let open = belief.to > timeline.end;
            OwnershipSpan {
                partition: belief.partition,
                owner: belief.owner.to_string(),
                epoch: belief.epoch,
                from_ms: timeline.ms(belief.from),
                to_ms: timeline.ms(belief.to.min(timeline.end)),
                end: if open { OwnershipEnd::Open } else { belief.end },
            }
        })
        .collect()
}

/// Beliefs of one partition, which are next to each other.
pub(super) fn of_partition(beliefs: &[Belief], partition: u16) -> &[Belief] {
    let first = beliefs.partition_point(|belief| belief.partition < partition);
    let length = beliefs[first..].partition_point(|belief| belief.partition == partition);
    &beliefs[first..first + length]
}

/// Who owned a partition at an instant; one whose belief ends at it (who was killed just then) owned it still.
pub(super) fn owner_at(beliefs: &[Belief], partition: u16, at: MonoNs) -> Option<&Belief> {
    of_partition(beliefs, partition).iter().rfind(|belief| belief.from <= at && at <= belief.to)
}

/// The instant at which ownership settled: the last one in `from` … `to` at which it became true, staying true up to
/// `to`, that every partition is owned by a working member and that working members own the same number give or take
/// one. `None` when it is not true at `to`.
pub(super) fn converged(
    beliefs: &[Belief],
    lives: &Lives,
    partitions: u16,
    from: MonoNs,
    to: MonoNs,
) -> Option<MonoNs> {
    let mut instants: Vec<MonoNs> = vec![from];
    for belief in beliefs {
        instants.extend([belief.from, belief.to]);
    }
    for (_, life) in lives.iter() {
        instants.extend(life.born.iter().chain(&life.died).chain(&life.leaving));
        instants.extend(life.pauses.iter().flat_map(|&(paused, resumed)| [paused, resumed]));
    }
    instants.retain(|&at| from <= at && at < to);
    instants.sort_unstable();
    instants.dedup();

    let mut order: Vec<&Belief> = beliefs.iter().filter(|belief| belief.partition < partitions).collect();
    order.sort_by_key(|belief| belief.from);
    let mut order = order.into_iter().peekable();
    let mut owners: Vec<Option<&Belief>> = vec![None; usize::from(partitions)];
    let mut since = None;
    for at in instants {
        while let Some(belief) = order.next_if(|belief| belief.from <= at) {
            owners[usize::from(belief.partition)] = Some(belief);
        }
        let settled = is_settled(&owners, lives, at);
        since = if settled { since.or(Some(at)) } else { None };
    }
    since
}

fn is_settled(owners: &[Option<&Belief>], lives: &Lives, at: MonoNs) -> bool {
    let working = lives.iter().filter(|(author, life)| author.role == Role::Consumer && life.works_at(at));
    let mut owned: BTreeMap<Author, u32> = working.map(|(author, _)| (author, 0)).collect();
    for belief in owners {
        let owner = belief.filter(|belief| at < belief.to).map(|belief| belief.owner);
        let Some(count) = owner.and_then(|owner| owned.get_mut(&owner)) else {
            return false;
        };
        *count += 1;
    }
    let most = owned.values().max().copied().unwrap_or(0);
    let least = owned.values().min().copied().unwrap_or(0);
    most - least <= 1 && !owned.is_empty()
}

/// How many partitions changed owner between two instants, and the least number that had to: those that nobody who
/// works just before the end owned at first, and what is above a fair share.
pub(super) fn moved(beliefs: &[Belief], lives: &Lives, partitions: u16, from: MonoNs, to: MonoNs) -> (u64, u64) {
    let mut moved = 0;
    let mut kept: BTreeMap<Author, u64> = lives
        .iter()
        .filter(|(author, life)| author.role == Role::Consumer && life.works_at(to - SpanNs(1)))
        .map(|(author, _)| (author, 0))
        .collect();
    for partition in 0..partitions {
        let before = owner_at(beliefs, partition, from).map(|belief| belief.owner);
        let after =
            of_partition(beliefs, partition).iter().rfind(|belief| belief.from <= to).map(|belief| belief.owner);
        moved += u64::from(after.is_some() && before != after);
        if let Some(count) = before.and_then(|owner| kept.get_mut(&owner)) {
            *count += 1;
        }
    }
    let members = kept.len() as u64;
    if members == 0 {
        return (moved, 0);
    }
    let (share, rest) = (u64::from(partitions) / members, u64::from(partitions) % members);
    let mut counts: Vec<u64> = kept.into_values().collect();
    counts.sort_unstable_by(|left, right| right.cmp(left));
    let staying: u64 = (0..).zip(counts).map(|(rank, count)| count.min(share + u64::from(rank < rest))).sum();
    (moved, u64::from(partitions).saturating_sub(staying))
}
