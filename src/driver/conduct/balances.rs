//! Reads the balances back from the store when nobody writes them any more (workload `ledger`).

use std::time::Duration;

use super::Conductor;
use crate::driver::Error;
use crate::model::story::StoryEvent;
use crate::strategy::accounts;

/// How long all balances may take to be read.
const READ_WITHIN: Duration = Duration::from_secs(20);
/// So many balances are told in one line of the story.
const TOLD_AT_ONCE: usize = 1000;

impl Conductor<'_> {
    /// Tells what the store holds. A store that cannot be read leaves the balances unknown, and that is told.
    pub(super) async fn read_balances(&mut self) -> Result<(), Error> {
        let Some(bucket) = self.plan.bank.and_then(|bank| bank.bucket(self.ground.name())) else { return Ok(()) };
        // Members that did not leave in time may still write.
        self.end_all().await?;
        if self.asked_twice() || self.ground.majority_has_ended() {
            return self.tell_unread();
        }
        let mut stop = self.stop.clone();
        let read = tokio::select! {
            read = accounts::balances(self.ground.jetstream(), &bucket, READ_WITHIN) => read,
            Ok(_) = stop.wait_for(|times| *times >= 2) => return self.tell_unread(),
        };
        match read {
            Ok(balances) => {
                for accounts in balances.chunks(TOLD_AT_ONCE) {
                    self.ground.tell(StoryEvent::Balances { accounts: accounts.to_vec() })?;
                }
                self.ground.tell(StoryEvent::BalancesRead { accounts: balances.len() as u64 })
            }
            Err(error) => self.ground.tell(StoryEvent::Note { text: error.to_string() }),
        }
    }

    fn tell_unread(&mut self) -> Result<(), Error> {
        let text = "the balances were not read back: there was no time, or no server".to_owned();
        self.ground.tell(StoryEvent::Note { text })
    }
}
