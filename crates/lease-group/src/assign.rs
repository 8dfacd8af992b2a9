//! Which session should own which partition: a pure function that every member computes for itself from what it sees.
//!
//! Balanced to ±1; whoever has a partition keeps it as long as balance allows, so nothing moves that need not; and equal input
//! gives an equal answer, whatever its order. Two members that see different things for a moment disagree for that moment:
//! compare-and-set decides then, not this function.

use std::collections::BTreeMap;

use crate::record::Session;

/// A live member, as seen by the one who computes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// The session.
    pub session: Session,
    /// Its label: a restarted worker gets the partitions back that its label had, if that costs no move.
    pub worker: String,
}

/// A partition, as seen by the one who computes. The position in the slice is its number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// Who holds a valid lease, if anybody does.
    pub session: Option<Session>,
    /// The label in the last record.
    pub worker: Option<String>,
}

/// The session that should own each partition, or `None` for all when nobody is there.
#[must_use]
pub fn assign(members: &[Candidate], partitions: &[Holder]) -> Vec<Option<Session>> {
    let mut held: BTreeMap<Session, Vec<usize>> = members.iter().map(|member| (member.session, Vec::new())).collect();
    let mut targets = vec![None; partitions.len()];
    if held.is_empty() {
        return targets;
    }
    let mut pool = Vec::new();
    for (partition, holder) in partitions.iter().enumerate() {
        match holder.session.and_then(|session| held.get_mut(&session)) {
            Some(list) => list.push(partition),
            None => pool.push(partition),
        }
    }

    let mut room = quotas(&held, partitions.len());
    for (session, list) in &held {
        let quota = room.get_mut(session).expect("a quota was made for every member");
        let kept = list.len().min(*quota);
        for &partition in &list[..kept] {
            targets[partition] = Some(*session);
        }
        *quota -= kept;
        pool.extend_from_slice(&list[kept..]);
    }
    // Sorted again, so that a partition keeps its target while it goes from surplus to given back to claimed.
    pool.sort_unstable();

    give_back_by_label(members, partitions, &mut pool, &mut room, &mut targets);
    let mut rest = pool.into_iter();
    for (session, quota) in room {
        for partition in rest.by_ref().take(quota) {
            targets[partition] = Some(session);
        }
    }
    targets
}

/// Everybody gets the floor; the remainder goes to those who hold more already, then to the lower sessions.
fn quotas(held: &BTreeMap<Session, Vec<usize>>, partitions: usize) -> BTreeMap<Session, usize> {
    let floor = partitions / held.len();
    let remainder = partitions % held.len();
    let mut order: Vec<(usize, Session)> =
        held.iter().map(|(session, list)| (list.len().max(floor), *session)).collect();
    order.sort_unstable_by(|left, right| right.0.cmp(&left.0).then(left.1.cmp(&right.1)));
    order.into_iter().enumerate().map(|(rank, (_, session))| (session, floor + usize::from(rank < remainder))).collect()
}

fn give_back_by_label(
    members: &[Candidate],
    partitions: &[Holder],
    pool: &mut Vec<usize>,
    room: &mut BTreeMap<Session, usize>,
    targets: &mut [Option<Session>],
) {
    // With one label on several members the lowest session takes it: any rule would do, if it is the same everywhere.
    let mut by_label: BTreeMap<&str, Session> = BTreeMap::new();
    for member in members {
        by_label
            .entry(&member.worker)
            .and_modify(|session| *session = (*session).min(member.session))
            .or_insert(member.session);
    }
    pool.retain(|&partition| {
        // A surplus partition has a live holder: its label names the very member that gives it away.
        let known = partitions[partition].worker.as_deref().and_then(|label| by_label.get(label));
        let Some(session) = known.filter(|session| partitions[partition].session != Some(**session)) else {
            return true;
        };
        let Some(quota) = room.get_mut(session).filter(|quota| **quota > 0) else {
            return true;
        };
        *quota -= 1;
        targets[partition] = Some(*session);
        false
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn session(number: u8) -> Session {
        Session::from_u128(u128::from(number))
    }

    fn world() -> impl Strategy<Value = (Vec<Candidate>, Vec<Holder>)> {
        let members = proptest::collection::btree_map(0_u8..12, 0_u8..6, 1..8);
        // Holders may be sessions that are members, sessions that are gone, or nobody.
        let partitions =
            proptest::collection::vec((proptest::option::of(0_u8..16), proptest::option::of(0_u8..6)), 0..40);
        (members, partitions).prop_map(|(members, partitions)| {
            let members: Vec<_> = members
                .into_iter()
                .map(|(number, label)| Candidate { session: session(number), worker: format!("w{label}") })
                .collect();
            let partitions = partitions
                .into_iter()
                .map(|(holder, label)| {
                    let holder = holder.map(session);
                    // Whoever holds a lease has put its own label into the record.
                    let own = holder.and_then(|holder| label_of(&members, holder));
                    Holder { session: holder, worker: own.or(label.map(|label| format!("w{label}"))) }
                })
                .collect();
            (members, partitions)
        })
    }

    fn label_of(members: &[Candidate], session: Session) -> Option<String> {
        members.iter().find(|member| member.session == session).map(|member| member.worker.clone())
    }

    fn loads(members: &[Candidate], targets: &[Option<Session>]) -> Vec<usize> {
        members.iter().map(|member| targets.iter().filter(|target| **target == Some(member.session)).count()).collect()
    }

    /// The fewest partitions of live holders that must move so that all loads are within ±1: the surplus over the best
    /// choice of who may have the greater share.
    fn least_moves(members: &[Candidate], partitions: &[Holder]) -> usize {
        let mut held: Vec<usize> = members
            .iter()
            .map(|member| partitions.iter().filter(|holder| holder.session == Some(member.session)).count())
            .collect();
        held.sort_unstable_by(|left, right| right.cmp(left));
        let (floor, remainder) = (partitions.len() / members.len(), partitions.len() % members.len());
        held.iter().enumerate().map(|(rank, held)| held.saturating_sub(floor + usize::from(rank < remainder))).sum()
    }

    proptest! {
        #[test]
        fn every_partition_has_a_live_member_and_loads_differ_by_at_most_one((members, partitions) in world()) {
            let targets = assign(&members, &partitions);
            prop_assert_eq!(targets.len(), partitions.len());
            let loads = loads(&members, &targets);
            prop_assert_eq!(loads.iter().sum::<usize>(), partitions.len());
            prop_assert!(loads.iter().max().unwrap() - loads.iter().min().unwrap() <= 1, "{:?}", loads);
        }

        #[test]
        fn no_more_moves_than_balance_requires((members, partitions) in world()) {
            let targets = assign(&members, &partitions);
            let moved = partitions
                .iter()
                .zip(&targets)
                .filter(|(holder, target)| {
                    holder.session.is_some_and(|session| {
                        members.iter().any(|member| member.session == session) && **target != Some(session)
                    })
                })
                .count();
            prop_assert_eq!(moved, least_moves(&members, &partitions));
        }

        #[test]
        fn the_order_of_the_members_does_not_matter((members, partitions) in world(), seed: u64) {
            let mut shuffled = members.clone();
            let length = shuffled.len();
            for index in 0..length {
                shuffled.swap(index, (seed as usize).wrapping_mul(index + 7) % length);
            }
            prop_assert_eq!(assign(&shuffled, &partitions), assign(&members, &partitions));
        }

        /// Claims and releases happen one by one; nobody's target may change on the way, or members would chase each other.
        #[test]
        fn targets_stay_while_they_are_carried_out((members, mut partitions) in world(), order in proptest::collection::vec(any::<u16>(), 40)) {
            let targets = assign(&members, &partitions);
            let mut numbers: Vec<usize> = (0..partitions.len()).collect();
            numbers.sort_by_key(|number| order[*number]);
            for number in numbers {
                let holder = partitions[number].session;
                if holder.is_some_and(|holder| Some(holder) != targets[number] && members.iter().any(|member| member.session == holder)) {
                    // Given back first. The label stays, and with it the temptation to return it.
                    partitions[number].session = None;
                    prop_assert_eq!(&assign(&members, &partitions), &targets);
                }
                let worker = targets[number].and_then(|target| label_of(&members, target));
                partitions[number] = Holder { session: targets[number], worker };
                prop_assert_eq!(&assign(&members, &partitions), &targets);
            }
        }
    }

    #[test]
    fn a_restarted_worker_gets_its_partitions_back() {
        let members = [
            Candidate { session: session(1), worker: "a".to_owned() },
            Candidate { session: session(9), worker: "b".to_owned() },
        ];
        let partitions: Vec<Holder> = ["b", "a", "b", "a"]
            .iter()
            .map(|worker| Holder { session: None, worker: Some((*worker).to_owned()) })
            .collect();
        let targets = assign(&members, &partitions);
        assert_eq!(targets, [Some(session(9)), Some(session(1)), Some(session(9)), Some(session(1))]);
    }

    #[test]
    fn nobody_there_means_nobody_assigned() {
        assert_eq!(assign(&[], &[Holder::default()]), [None]);
    }
}
