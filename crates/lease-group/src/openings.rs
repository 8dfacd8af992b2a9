//! What waits to be opened: a few openings at a time. No input or output.
//!
//! The server takes the requests of one connection one after another, and an opening is the dearest of them: a list of names, a look at the
//! stream and a consumer that has to count what waits for it. Sent all at once, those of a member with many partitions stand before its
//! renewals for longer than a lease lasts. So a renewal waits for a bounded number of openings, however many there are.

use std::collections::VecDeque;

/// How many openings may be under way.
const AT_ONCE: usize = 4;

/// A consumer that is to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Opening {
    pub(crate) number: usize,
    pub(crate) epoch: u64,
    pub(crate) checkpoint: u64,
}

/// The openings of one member.
#[derive(Debug, Default)]
pub(crate) struct Openings {
    waiting: VecDeque<Opening>,
    under_way: usize,
}

impl Openings {
    /// One more, behind the others. It replaces an older one of its partition, so at most one a partition waits.
    pub(crate) fn want(&mut self, opening: Opening) {
        self.waiting.retain(|other| other.number != opening.number);
        self.waiting.push_back(opening);
    }

    /// The next to begin, if another may be. What is no longer `wanted` is forgotten.
    pub(crate) fn next(&mut self, wanted: impl Fn(&Opening) -> bool) -> Option<Opening> {
        if self.under_way >= AT_ONCE {
            return None;
        }
        while let Some(opening) = self.waiting.pop_front() {
            if wanted(&opening) {
                self.under_way += 1;
                return Some(opening);
            }
        }
        None
    }

    /// One that was begun has ended, in whatever way.
    pub(crate) fn ended(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn opening(number: usize, epoch: u64) -> Opening {
        Opening { number, epoch, checkpoint: 0 }
    }

    #[test]
    fn a_newer_epoch_replaces_the_older_and_what_is_not_wanted_is_forgotten() {
        let mut openings = Openings::default();
        openings.want(opening(1, 1));
        openings.want(opening(2, 1));
        openings.want(opening(1, 2));
        assert_eq!(openings.next(|it| it.number != 2), Some(opening(1, 2)));
        assert_eq!(openings.next(|_| true), None);
    }

    proptest! {
        #[test]
        fn everything_wanted_is_begun_once_and_never_too_much_at_a_time(
            numbers in proptest::collection::btree_set(0_usize..200, 0..100),
        ) {
            let mut openings = Openings::default();
            for number in &numbers {
                openings.want(opening(*number, 1));
            }
            let (mut begun, mut under_way) = (Vec::new(), 0);
            loop {
                while let Some(next) = openings.next(|_| true) {
                    begun.push(next.number);
                    under_way += 1;
                }
                prop_assert!(under_way <= AT_ONCE);
                if under_way == 0 {
                    break;
                }
                openings.ended();
                under_way -= 1;
            }
            prop_assert_eq!(begun, numbers.into_iter().collect::<Vec<_>>());
        }
    }
}
