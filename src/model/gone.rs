//! Stream sequences that a stream does not hold any more.

use serde::{Deserialize, Serialize};

/// What is gone of a stream: everything below its first message, and holes behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gone {
    /// The sequence of the first message that is there; of the next one when the stream is empty.
    pub below: u64,
    /// First and last sequence of each hole, rising.
    #[serde(default)]
    pub holes: Vec<(u64, u64)>,
}

impl Gone {
    /// From the first sequence and a list of those deleted behind it, in any order.
    #[must_use]
    pub fn new(below: u64, mut deleted: Vec<u64>) -> Self {
        deleted.sort_unstable();
        let mut holes: Vec<(u64, u64)> = Vec::new();
        for sequence in deleted {
            match holes.last_mut() {
                Some((_, last)) if sequence <= last.saturating_add(1) => *last = sequence,
                _ => holes.push((sequence, sequence)),
            }
        }
        Self { below, holes }
    }

    /// Whether the message at `sequence` is gone.
    #[must_use]
    pub fn contains(&self, sequence: u64) -> bool {
        let hole = self.holes.partition_point(|&(_, last)| last < sequence);
        sequence < self.below || self.holes.get(hole).is_some_and(|&(first, _)| first <= sequence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn neighbours_are_one_hole() {
        assert_eq!(Gone::new(3, vec![9, 5, 6, 7, 12]).holes, [(5, 7), (9, 9), (12, 12)]);
    }

    proptest! {
        #[test]
        fn it_contains_what_is_below_and_what_was_listed(below in 0..20_u64, deleted in prop::collection::vec(0..40_u64, 0..20)) {
            let gone = Gone::new(below, deleted.clone());
            for sequence in 0..45 {
                prop_assert_eq!(gone.contains(sequence), sequence < below || deleted.contains(&sequence), "{}", sequence);
            }
        }
    }
}
