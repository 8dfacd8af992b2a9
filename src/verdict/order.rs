//! The order judge: verdicts for one sequence of handlings, of a key or of a partition.

use super::ledger::Verdict;

/// One successful handling in a sequence sorted by `started`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Step {
    /// The caller's number for it.
    pub(super) id: u32,
    /// Rank of its message in the sequence's stream order, from 1.
    pub(super) rank: u32,
    /// Whether it is the first of its message.
    pub(super) first: bool,
}

/// Gives each step its verdict with a distance.
///
/// `high` is the greatest rank handled so far. A first handling is `in_order` (rank = high + 1), `skipped` (greater;
/// distance = size of the hole) or `late` (less; distance = high − rank). Everything at or below `high` forms *runs* of
/// +1 steps; first handlings in it (a hole filled in passing) continue a run. A run is a legal replay when it reaches
/// `high`, or is cut short by the end of the evidence or by another replay (a repeat that does not jump forward). A repeat in a legal
/// run is `redelivered` if it was uncommitted when it started; every other repeat is `regressed`. The distance of a
/// repeat is high − rank, too.
pub(super) fn judge(steps: &[Step], mut committed: impl FnMut(u32) -> bool, mut give: impl FnMut(u32, Verdict, u32)) {
    let mut high = 0_u32;
    let mut at = 0;
    while let Some(step) = steps.get(at) {
        if step.rank > high {
            let hole = step.rank - high - 1;
            give(step.id, if hole == 0 { Verdict::InOrder } else { Verdict::Skipped }, hole);
            high = step.rank;
            at += 1;
            continue;
        }
        let run = run_length(&steps[at..], high);
        let last = steps[at + run - 1].rank;
        let legal = last == high || steps.get(at + run).is_none_or(|next| !next.first && next.rank <= last);
        for step in &steps[at..at + run] {
            let verdict = if step.first {
                Verdict::Late
            } else if legal && !committed(step.id) {
                Verdict::Redelivered
            } else {
                Verdict::Regressed
            };
            give(step.id, verdict, high - step.rank);
        }
        at += run;
    }
}

/// Length of the run of +1 steps, not above `high`, that begins with the first step.
fn run_length(steps: &[Step], high: u32) -> usize {
    1 + steps
        .windows(2)
        .take_while(|pair| pair[1].rank == pair[0].rank.saturating_add(1) && pair[1].rank <= high)
        .count()
}

#[cfg(test)]
mod tests {
    use super::Verdict::{InOrder, Late, Redelivered, Regressed, Skipped};
    use super::*;

    fn check(ranks: &[u32], expect: &[(Verdict, u32)]) {
        check_committed(ranks, 0, expect);
    }

    /// Everything up to rank `committed` is committed from the start.
    fn check_committed(ranks: &[u32], committed: u32, expect: &[(Verdict, u32)]) {
        let steps: Vec<Step> = ranks
            .iter()
            .enumerate()
            .map(|(at, &rank)| Step { id: at as u32, rank, first: !ranks[..at].contains(&rank) })
            .collect();
        let mut given = Vec::new();
        judge(&steps, |id| ranks[id as usize] <= committed, |_, verdict, distance| given.push((verdict, distance)));
        assert_eq!(given, expect, "{ranks:?}");
    }

    #[test]
    fn stream_order_is_in_order() {
        check(&[1, 2, 3], &[(InOrder, 0), (InOrder, 0), (InOrder, 0)]);
    }

    #[test]
    fn a_hole_is_counted_once_and_filled_late() {
        check(&[1, 4, 5, 2, 3], &[(InOrder, 0), (Skipped, 2), (InOrder, 0), (Late, 3), (Late, 2)]);
    }

    #[test]
    fn a_rewind_that_reaches_high_is_legal() {
        check(
            &[1, 2, 3, 2, 3, 4],
            &[(InOrder, 0), (InOrder, 0), (InOrder, 0), (Redelivered, 1), (Redelivered, 0), (InOrder, 0)],
        );
    }

    #[test]
    fn a_rewind_that_jumps_is_not() {
        check(&[1, 2, 3, 1, 4], &[(InOrder, 0), (InOrder, 0), (InOrder, 0), (Regressed, 2), (InOrder, 0)]);
        check(&[1, 2, 3, 1, 3], &[(InOrder, 0), (InOrder, 0), (InOrder, 0), (Regressed, 2), (Redelivered, 0)]);
    }

    #[test]
    fn a_rewind_cut_short_by_another_or_the_end_is_legal() {
        check(
            &[1, 2, 3, 1, 1, 2],
            &[(InOrder, 0), (InOrder, 0), (InOrder, 0), (Redelivered, 2), (Redelivered, 2), (Redelivered, 1)],
        );
    }

    #[test]
    fn a_committed_repeat_is_never_legal() {
        check_committed(&[1, 2, 1, 2], 1, &[(InOrder, 0), (InOrder, 0), (Regressed, 1), (Redelivered, 0)]);
    }

    #[test]
    fn a_hole_filled_in_passing_continues_the_replay() {
        check(&[1, 3, 1, 2, 3], &[(InOrder, 0), (Skipped, 1), (Redelivered, 2), (Late, 1), (Redelivered, 0)]);
    }
}
