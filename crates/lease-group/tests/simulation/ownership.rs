//! Who owns what in the simulated group, by what members are told: balance, moves, gaps, and what must never be seen.

use std::collections::BTreeMap;

use lease_group::clock::Moment;
use lease_group::state::{LostReason, Told};

use super::Group;

/// A belief: this member may start something until its deadline.
#[derive(Clone, Copy)]
pub(super) struct Belief {
    pub(super) member: u32,
    epoch: u64,
    deadline: Moment,
}

impl Group {
    /// By member that takes part: how many partitions it owns.
    pub(super) fn loads(&self) -> BTreeMap<u32, u64> {
        let present = self.members.iter().filter(|member| member.takes_part());
        let mut loads: BTreeMap<u32, u64> = present.map(|member| (member.number(), 0)).collect();
        for belief in self.beliefs.iter().flatten() {
            if let Some(load) = loads.get_mut(&belief.member) {
                *load += 1;
            }
        }
        loads
    }

    pub(super) fn is_balanced(&self) -> bool {
        let loads = self.loads();
        let all: u64 = loads.values().sum();
        let spread = loads.values().max().unwrap_or(&0) - loads.values().min().unwrap_or(&0);
        all == u64::from(self.shape.partitions) && spread <= 1
    }

    /// The partitions that nobody has who stays, and what those who stay have in excess of the best balance.
    pub(super) fn moves_least(&self) -> u64 {
        let mut loads: Vec<u64> = self.loads().into_values().collect();
        loads.sort_unstable_by(|left, right| right.cmp(left));
        let (all, members) = (u64::from(self.shape.partitions), loads.len().max(1) as u64);
        let orphans = all - loads.iter().sum::<u64>();
        let quota = |rank: usize| all / members + u64::from((rank as u64) < all % members);
        orphans + loads.iter().enumerate().map(|(rank, load)| load.saturating_sub(quota(rank))).sum::<u64>()
    }

    pub(super) fn told(&mut self, member: u32, partition: u32, told: Told) {
        let place = partition as usize;
        match told {
            Told::Granted { epoch, deadline, .. } => {
                if let Some(other) = self.beliefs[place].filter(|other| self.now < other.deadline) {
                    self.wrongs.push(format!(
                        "partition {partition}: w{member} owns epoch {epoch} while w{} owns {}",
                        other.member, other.epoch
                    ));
                }
                let (before, since) = self.last[place];
                self.moves += u64::from(before != Some(member));
                self.gap = self.gap.max(self.now.since(since));
                self.last[place].0 = Some(member);
                self.beliefs[place] = Some(Belief { member, epoch, deadline });
            }
            Told::Renewed { epoch, deadline } | Told::Riding { epoch, deadline } => {
                if let Some(belief) = self.beliefs[place].as_mut().filter(|belief| belief.epoch == epoch) {
                    belief.deadline = deadline;
                }
            }
            Told::Lost { epoch, reason } => {
                if self.beliefs[place].is_some_and(|belief| belief.member == member && belief.epoch == epoch) {
                    self.vacate(partition);
                }
                if reason == LostReason::DeadlinePassed {
                    self.wrongs.push(format!("partition {partition}: w{member} missed its own deadline"));
                }
            }
            Told::Released { epoch } | Told::Reopened { epoch, .. } => {
                if self.beliefs[place].is_some_and(|belief| belief.member == member && belief.epoch == epoch) {
                    self.vacate(partition);
                }
            }
            Told::Vacant { .. } | Told::Unreadable { .. } | Told::Opened { .. } | Told::Committed { .. } => {}
        }
    }

    pub(super) fn vacate(&mut self, partition: u32) {
        self.beliefs[partition as usize] = None;
        self.last[partition as usize].1 = self.now;
    }
}
