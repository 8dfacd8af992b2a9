//! What one epoch asks the server for, and when. No input or output.
//!
//! At least half a batch is kept requested, so that the server need not wait for the next request; at most one and a half are, which bounds
//! what is buffered. A partition that is behind gets all it asks for at once: the more of them are served side by side, the longer
//! everything else takes on the server, renewals too. So it asks only when it has a *place* among the few of its member that are served, and
//! gives that up when what it asked for has come. One that keeps up needs none: its request only stands there.

/// What pulls allow the server to send, and how far behind the consumer is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Demand {
    batch: u64,
    /// What pulls still allow the server to send, minus what was taken.
    outstanding: u64,
    /// What the consumer has still to deliver, as last told.
    pending: u64,
}

impl Demand {
    /// Nothing is asked for yet, and `pending` messages wait.
    pub(crate) const fn new(batch: u32, pending: u64) -> Self {
        Self { batch: batch as u64, outstanding: 0, pending }
    }

    /// Whether more should be asked for.
    pub(crate) const fn is_low(&self) -> bool {
        self.outstanding <= self.batch / 2
    }

    /// Whether what is asked for comes at once, and keeps the server busy.
    pub(crate) const fn is_behind(&self) -> bool {
        self.pending > self.batch / 2
    }

    /// Whether most of what was asked for is here: `buffered` of it are not taken yet.
    pub(crate) const fn is_served(&self, buffered: usize) -> bool {
        self.outstanding.saturating_sub(buffered as u64) <= self.batch / 2
    }

    /// Whether anything may still come.
    pub(crate) const fn is_open(&self) -> bool {
        self.outstanding > 0
    }

    /// A batch was asked for.
    pub(crate) const fn asked(&mut self) {
        self.outstanding += self.batch;
    }

    /// A message was taken, and so many are behind it.
    pub(crate) const fn took(&mut self, pending: u64) {
        self.outstanding = self.outstanding.saturating_sub(1);
        self.pending = pending;
    }

    /// A pull has ended, and `unused` of it are not coming; without a word, nothing is.
    pub(crate) fn ended(&mut self, unused: Option<u64>) {
        self.outstanding -= unused.unwrap_or(self.outstanding).min(self.outstanding);
    }

    /// The server has had nothing to send for a while.
    pub(crate) const fn caught_up(&mut self) {
        self.pending = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_partition_that_keeps_up_needs_no_place() {
        let mut demand = Demand::new(500, 0);
        assert!(demand.is_low() && !demand.is_behind() && !demand.is_open());
        demand.asked();
        assert!(!demand.is_low() && !demand.is_served(0));
        for _ in 0..250 {
            demand.took(251);
        }
        assert!(demand.is_low() && demand.is_behind() && demand.is_served(0));
        demand.caught_up();
        assert!(!demand.is_behind());
    }

    #[test]
    fn what_is_buffered_has_come() {
        let mut demand = Demand::new(500, 10_000);
        demand.asked();
        assert!(!demand.is_served(249) && demand.is_served(250));
    }

    proptest! {
        #[test]
        fn no_more_than_one_and_a_half_batches_are_ever_out(
            batch in 1_u32..2_000,
            events in proptest::collection::vec(0_u8..4, 0..300),
        ) {
            let mut demand = Demand::new(batch, 0);
            for event in events {
                match event {
                    0 if demand.is_low() => demand.asked(),
                    1 => demand.ended(Some(7)),
                    2 => demand.ended(None),
                    _ => demand.took(9),
                }
                prop_assert!(demand.outstanding <= u64::from(batch) * 3 / 2);
            }
        }
    }
}
