//! Work that keeps a core busy.

use std::hint::black_box;

use rustix::time::{ClockId, clock_gettime};

use crate::model::time::{MonoNs, SpanNs};

/// Rounds between two looks at the clock: a few microseconds, so that the looks are little of the work.
const ROUNDS: u64 = 2_000;

/// Keeps the calling thread busy until it has used `span` of processor time. Where cores are short it takes longer by
/// the clock on the wall, as any computation does.
pub fn burn(span: SpanNs) {
    let end = used() + span;
    let mut state = 1_u64;
    while used() < end {
        for _ in 0..ROUNDS {
            state = black_box(state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1));
        }
    }
}

/// Processor time of this thread so far.
fn used() -> MonoNs {
    let used = clock_gettime(ClockId::ThreadCPUTime);
    // Neither part is ever negative.
    MonoNs(u64::try_from(used.tv_sec).unwrap_or(0) * 1_000_000_000 + u64::try_from(used.tv_nsec).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    #[test]
    fn a_thread_is_busy_for_at_least_as_long_as_it_was_told() {
        let (began, before) = (clock::now(), used());
        burn(SpanNs(5_000_000));
        assert!(used() >= before + SpanNs(5_000_000));
        // Processor time never runs faster than the clock.
        assert!(clock::now().since(began) >= SpanNs(4_900_000));
    }
}
