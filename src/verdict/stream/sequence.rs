//! The order judge, step by step: what `order` does with a whole sequence, with a memory that does not grow with it.

use super::super::ledger::Verdict;

/// One sequence of successful handlings, of a key or of a partition, told in the order of their starts.
#[derive(Clone, Debug)]
pub(super) struct Sequence<T> {
    /// The greatest rank handled so far.
    high: u32,
    run: Option<Run<T>>,
}

/// A run of +1 steps at or below `high`. Whether it is a legal replay is known only when it is over.
#[derive(Clone, Debug)]
struct Run<T> {
    last: u32,
    /// Repeats in it that were not committed: their verdict waits. As many as a replay has of one key.
    open: Vec<T>,
    /// Of these, such as a server had confirmed and forgot.
    forgotten: u64,
    /// The greatest distance of one of them.
    distance: u32,
}

/// One step: a successful handling that is no second copy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step<T> {
    /// Rank of its message; 0 for one whose rank has been forgotten, which lies below all others.
    pub(super) rank: u32,
    /// Whether it is the first of its message.
    pub(super) first: bool,
    /// Whether its message was committed when it started.
    pub(super) committed: bool,
    /// Whether a server had confirmed that, and forgot.
    pub(super) forgotten: bool,
    /// What the caller knows it by.
    pub(super) what: T,
}

/// Verdicts that have been found.
#[derive(Clone, Copy, Debug)]
pub(super) struct Given<'a, T> {
    pub(super) verdict: Verdict,
    /// The greatest distance among them.
    pub(super) distance: u32,
    /// Of these, such as a server had confirmed and forgot.
    pub(super) forgotten: u64,
    /// The handlings that got it.
    pub(super) all: &'a [T],
}

impl<T> Given<'_, T> {
    /// How many handlings got it.
    pub(super) fn count(&self) -> u64 {
        self.all.len() as u64
    }
}

impl<T> Default for Sequence<T> {
    fn default() -> Self {
        Self { high: 0, run: None }
    }
}

impl<T: Copy> Sequence<T> {
    /// Takes the next step and gives the verdicts that are certain by now.
    pub(super) fn push(&mut self, step: Step<T>, mut give: impl FnMut(Given<'_, T>)) {
        let what = [step.what];
        let one = |verdict, distance| Given { verdict, distance, forgotten: 0, all: &what };
        let continues = self
            .run
            .as_ref()
            .is_some_and(|run| step.rank == run.last.saturating_add(1) && step.rank <= self.high && step.rank != 0);
        if !continues {
            self.end_run(Some((step.rank, step.first)), &mut give);
        }
        if step.rank > self.high {
            let hole = step.rank - self.high - 1;
            self.high = step.rank;
            return give(one(if hole == 0 { Verdict::InOrder } else { Verdict::Skipped }, hole));
        }
        let distance = self.high - step.rank;
        let run = self.run.get_or_insert(Run { last: step.rank, open: Vec::new(), forgotten: 0, distance: 0 });
        run.last = step.rank;
        if step.first {
            give(one(Verdict::Late, distance));
        } else if step.committed {
            give(one(Verdict::Regressed, distance));
        } else {
            run.open.push(step.what);
            run.forgotten += u64::from(step.forgotten);
            run.distance = run.distance.max(distance);
        }
    }

    /// Nobody can handle the next rank: it leaves no hole.
    pub(super) fn pass_over(&mut self, rank: u32) {
        if rank == self.high.saturating_add(1) {
            self.high = rank;
        }
    }

    /// The evidence is over.
    pub(super) fn end(&mut self, mut give: impl FnMut(Given<'_, T>)) {
        self.end_run(None, &mut give);
    }

    /// A run is legal when it reaches `high`, or is cut short by the end of the evidence or by another replay.
    fn end_run(&mut self, next: Option<(u32, bool)>, give: &mut impl FnMut(Given<'_, T>)) {
        let Some(run) = self.run.take().filter(|run| !run.open.is_empty()) else { return };
        let legal = run.last == self.high || next.is_none_or(|(rank, first)| !first && rank <= run.last);
        let verdict = if legal { Verdict::Redelivered } else { Verdict::Regressed };
        let forgotten = if legal { run.forgotten } else { 0 };
        give(Given { verdict, distance: run.distance, forgotten, all: &run.open });
    }

    /// Whether it waits to be known whether a replay is a legal one.
    pub(super) fn is_replaying(&self) -> bool {
        self.run.as_ref().is_some_and(|run| !run.open.is_empty())
    }

    /// The greatest rank handled so far.
    pub(super) fn high(&self) -> u32 {
        self.high
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::ledger::OrderCounts;
    use super::super::super::order;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn step_by_step_is_as_all_at_once(steps in prop::collection::vec((1..9_u32, prop::bool::weighted(0.3)), 0..60)) {
            let first = |at: usize| !steps[..at].iter().any(|step| step.0 == steps[at].0);
            let all: Vec<_> = (0..steps.len())
                .map(|at| order::Step { id: at as u32, rank: steps[at].0, first: first(at) })
                .collect();
            let mut expected = OrderCounts::default();
            order::judge(&all, |id| steps[id as usize].1, |_, verdict, distance| expected.add(verdict, distance));
            let (mut counts, mut sequence) = (OrderCounts::default(), Sequence::default());
            let mut take = |given: Given<'_, ()>| counts.add_many(given.verdict, given.count(), given.distance);
            for (at, &(rank, committed)) in steps.iter().enumerate() {
                sequence.push(Step { rank, first: first(at), committed, forgotten: false, what: () }, &mut take);
            }
            sequence.end(&mut take);
            prop_assert_eq!(counts, expected);
        }
    }
}
