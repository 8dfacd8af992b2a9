//! Grants: when each epoch of a partition was superseded by a later one.

use crate::model::history::History;
use crate::model::record::OwnershipChange;
use crate::model::time::MonoNs;

/// The grants of every partition, ready to be asked when an epoch was superseded.
pub(super) struct Grants(Vec<Vec<(u32, MonoNs)>>);

impl Grants {
    pub(super) fn new(history: &History) -> Self {
        let mut grants: Vec<Vec<(u32, MonoNs)>> = Vec::new();
        for record in history.journals.iter().flat_map(|journal| &journal.ownership) {
            if let OwnershipChange::Granted { .. } = record.change {
                let partition = usize::from(record.partition);
                if grants.len() <= partition {
                    grants.resize_with(partition + 1, Vec::new);
                }
                grants[partition].push((record.epoch, record.at));
            }
        }
        for of_partition in &mut grants {
            of_partition.sort_unstable();
            let mut earliest = MonoNs(u64::MAX);
            for (_, at) in of_partition.iter_mut().rev() {
                earliest = earliest.min(*at);
                *at = earliest;
            }
        }
        Self(grants)
    }

    /// When the first epoch later than `epoch` was granted. Epoch 0 means that the strategy has none.
    pub(super) fn superseded(&self, partition: u16, epoch: u32) -> Option<MonoNs> {
        if epoch == 0 {
            return None;
        }
        let grants = self.0.get(usize::from(partition))?;
        let later = grants.partition_point(|&(granted, _)| granted <= epoch);
        Some(grants.get(later)?.1)
    }
}
