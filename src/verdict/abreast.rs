//! Two computations abreast, in two threads. Who asks for it gets both results, whichever came first: it cannot be told from the result
//! that there were two. This is the only file of the pure floors that knows threads; they compute, and share nothing that changes.

use std::sync::{Mutex, PoisonError};
use std::thread::{Builder, scope};

/// Not less than so many messages: below, a thread costs more than it wins.
const WORTH_IT: usize = 20_000;

/// Whether so many messages are worth a thread.
pub(crate) fn is_worth_it(messages: usize) -> bool {
    messages >= WORTH_IT
}

/// Computes both: abreast if that is worth it, and one after the other where the system gives no thread.
pub(crate) fn both<L: Send, R>(
    is_worth_it: bool,
    left: impl FnOnce() -> L + Send,
    right: impl FnOnce() -> R,
) -> (L, R) {
    if !is_worth_it {
        return (left(), right());
    }
    // A thread that cannot be had must not take the work with it.
    let left = Mutex::new(Some(left));
    let taken = || left.lock().unwrap_or_else(PoisonError::into_inner).take();
    scope(|scope| {
        let thread = Builder::new().spawn_scoped(scope, || taken().map(|left| left()));
        let right = right();
        let done = match thread.map(std::thread::ScopedJoinHandle::join) {
            Ok(Ok(done)) => done,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => taken().map(|left| left()),
        };
        (done.expect("it is taken once: by the thread, or where there is none"), right)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_results_come_back_where_they_belong() {
        for is_worth_it in [false, true] {
            let mut seen = Vec::new();
            let (left, right) = both(is_worth_it, || (0..100).sum::<u32>(), || seen.push(1));
            assert_eq!((left, right, seen), (4950, (), vec![1]));
        }
    }
}
