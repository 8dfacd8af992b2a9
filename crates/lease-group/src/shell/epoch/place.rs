//! A place among the few partitions of a member that are sent what they are behind with.

use std::pin::Pin;
use std::sync::Arc;

use futures_util::FutureExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

type Waiting = Pin<Box<dyn Future<Output = Option<OwnedSemaphorePermit>> + Send>>;

enum State {
    Away,
    Waiting(Waiting),
    /// Its turn, and nothing asked for yet.
    Ready(OwnedSemaphorePermit),
    /// What was asked for comes.
    Served(#[expect(dead_code, reason = "what counts is that it is held")] OwnedSemaphorePermit),
}

/// One partition's place. Places go round in the order in which they were asked for.
pub(super) struct Place {
    places: Arc<Semaphore>,
    state: State,
}

impl Place {
    /// None yet, of these.
    pub(super) fn among(places: &Arc<Semaphore>) -> Self {
        Self { places: Arc::clone(places), state: State::Away }
    }

    /// Takes a place, behind all who wait already; answers whether it is this partition's turn.
    pub(super) fn take(&mut self) -> bool {
        self.leave();
        if let State::Away = self.state {
            self.state = State::Waiting(Box::pin(Arc::clone(&self.places).acquire_owned().map(Result::ok)));
        }
        if let State::Waiting(waiting) = &mut self.state
            && let Some(Some(permit)) = waiting.now_or_never()
        {
            self.state = State::Ready(permit);
        }
        matches!(self.state, State::Ready(_))
    }

    /// Something was asked for.
    pub(super) fn serve(&mut self) {
        self.state = match std::mem::replace(&mut self.state, State::Away) {
            State::Ready(permit) => State::Served(permit),
            other => other,
        };
    }

    /// What was asked for has come, or is not coming.
    pub(super) fn leave(&mut self) {
        if let State::Served(_) = self.state {
            self.state = State::Away;
        }
    }

    /// Waits no longer: whoever is busy with a handler keeps nobody else from his turn.
    pub(super) fn withdraw(&mut self) {
        if let State::Waiting(_) | State::Ready(_) = self.state {
            self.state = State::Away;
        }
    }

    pub(super) const fn is_waited_for(&self) -> bool {
        matches!(self.state, State::Waiting(_))
    }

    /// Resolves when it is this partition's turn, if it waits for it.
    pub(super) async fn granted(&mut self) {
        if let State::Waiting(waiting) = &mut self.state {
            // The places are never closed.
            self.state = waiting.await.map_or(State::Away, State::Ready);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn places_go_round_in_order() {
        let places = Arc::new(Semaphore::new(1));
        let [mut first, mut second, mut third] = [(); 3].map(|()| Place::among(&places));
        assert!(first.take());
        first.serve();
        assert!(!second.take() && !third.take());
        // Who wants another turn stands behind those who wait.
        assert!(!first.take());
        second.granted().await;
        second.serve();
        assert!(!third.take() && third.is_waited_for());
        second.leave();
        third.granted().await;
        assert!(!first.take());
        third.withdraw();
        assert!(first.take());
    }
}
