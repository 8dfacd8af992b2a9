//! Beliefs: who thought to own which partition from when to when.

use std::collections::BTreeMap;

use super::lives::Lives;
use crate::model::history::Journal;
use crate::model::record::{Author, Ownership, OwnershipChange};
use crate::model::report::OwnershipEnd;
use crate::model::time::MonoNs;

/// One incarnation's belief that it owns one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Belief {
    /// Partition.
    pub partition: u16,
    /// Who believes.
    pub owner: Author,
    /// Under which epoch.
    pub epoch: u32,
    /// From the grant.
    pub from: MonoNs,
    /// To the earliest of a recorded release or loss, the deadline recorded last, and death.
    pub to: MonoNs,
    /// Which of these it was. Never `Open`: the end of the evidence is not known here.
    pub end: OwnershipEnd,
}

/// All beliefs, by partition, then by beginning. Renewals extend a belief; one that comes after its deadline had passed
/// begins a new one, because in between nothing was believed.
#[must_use]
pub fn beliefs(journals: &[Journal], lives: &Lives) -> Vec<Belief> {
    let mut done = Vec::new();
    for journal in journals {
        let mut open: BTreeMap<u16, Belief> = BTreeMap::new();
        let before = done.len();
        for record in &journal.ownership {
            advance(journal.author, record, &mut open, &mut done);
        }
        done.extend(open.into_values());
        if let Some(died) = lives.died(journal.author) {
            for belief in &mut done[before..] {
                if died < belief.to {
                    belief.to = died.max(belief.from);
                    belief.end = OwnershipEnd::Died;
                }
            }
        }
    }
    done.sort_by_key(|belief| (belief.partition, belief.from, belief.epoch, belief.owner));
    done
}

/// One record. An open belief carries its deadline in `to`, and ends by it unless something earlier is found.
pub(super) fn advance(owner: Author, record: &Ownership, open: &mut BTreeMap<u16, Belief>, done: &mut Vec<Belief>) {
    let begin = |deadline: MonoNs| Belief {
        partition: record.partition,
        owner,
        epoch: record.epoch,
        from: record.at,
        to: deadline.max(record.at),
        end: OwnershipEnd::Expired,
    };
    let mut close = |open: &mut BTreeMap<u16, Belief>, end: OwnershipEnd| {
        if let Some(mut belief) = open.remove(&record.partition) {
            if record.at < belief.to {
                belief.to = record.at.max(belief.from);
                belief.end = end;
            }
            done.push(belief);
        }
    };
    match record.change {
        OwnershipChange::Granted { deadline } => {
            // Its own earlier epoch ends here: it has been superseded by itself.
            close(open, OwnershipEnd::Lost);
            open.insert(record.partition, begin(deadline));
        }
        OwnershipChange::Renewed { deadline } => match open.get_mut(&record.partition) {
            Some(belief) if record.at <= belief.to => belief.to = deadline.max(record.at),
            _ => {
                close(open, OwnershipEnd::Expired);
                open.insert(record.partition, begin(deadline));
            }
        },
        OwnershipChange::Released | OwnershipChange::Lost => {
            if open.get(&record.partition).is_some_and(|belief| belief.epoch <= record.epoch) {
                let released = record.change == OwnershipChange::Released;
                close(open, if released { OwnershipEnd::Released } else { OwnershipEnd::Lost });
            }
        }
        OwnershipChange::GoneObserved | OwnershipChange::Opened { .. } => {}
    }
}
