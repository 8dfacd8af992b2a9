//! What a consumer offers of what is stored: everything, or only what stands behind the place where it begins.

use std::collections::BTreeMap;

use super::story::{StoryEvent, StoryLine};

/// Where a consumer begins that does not begin at the first message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The partition that it is of; `None` when it is of all of them.
    pub partition: Option<u16>,
    /// First stream sequence that it delivers.
    pub stream_seq: u64,
}

/// What all consumers of a run offer together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Offer {
    from: u64,
    of_partition: BTreeMap<u16, u64>,
}

impl Offer {
    /// What consumers offer that begin so; without any, everything.
    pub fn of(starts: impl IntoIterator<Item = Start>) -> Self {
        let mut offer = Self::default();
        for start in starts {
            match start.partition {
                None => offer.from = start.stream_seq,
                Some(partition) => drop(offer.of_partition.insert(partition, start.stream_seq)),
            }
        }
        offer
    }

    /// What the driver told of it.
    #[must_use]
    pub fn told(story: &[StoryLine]) -> Self {
        Self::of(story.iter().filter_map(|line| match line.event {
            StoryEvent::Starts { partition, stream_seq } => Some(Start { partition, stream_seq }),
            _ => None,
        }))
    }

    /// Whether a message at `stream_seq` is offered. Where no sequence is known, nothing says that it is not.
    #[must_use]
    pub fn holds(&self, partition: u16, stream_seq: u64) -> bool {
        let from = self.of_partition.get(&partition).copied().unwrap_or(self.from);
        stream_seq == 0 || stream_seq >= from
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_start_is_not_offered() {
        let all = Offer::of([]);
        assert!(all.holds(0, 1) && all.holds(9, u64::MAX));
        let late = Offer::of([Start { partition: None, stream_seq: 5 }]);
        assert_eq!([0, 1, 4, 5, 6].map(|stream_seq| late.holds(3, stream_seq)), [true, false, false, true, true]);
        let of_two = Offer::of([Start { partition: Some(2), stream_seq: 5 }]);
        assert!(!of_two.holds(2, 4) && of_two.holds(2, 5) && of_two.holds(3, 1));
    }
}
