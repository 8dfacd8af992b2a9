//! What reaches the control thread: changes in the bucket, and reports of the data side.

use async_nats::jetstream;

use super::Loop;
use crate::clock::Moment;
use crate::footing::Duty;
use crate::shell::grant::Report;
use crate::shell::store::{Change, Found, change};
use crate::state::{Input, Stopped};

impl Loop {
    pub(super) fn seen(&mut self, entry: &jetstream::kv::Entry) {
        let stored_ms = u64::try_from(entry.created.unix_timestamp_nanos() / 1_000_000).unwrap_or(0);
        self.roster.advance(stored_ms);
        let (change, error) = change(entry, self.slots.len());
        if let Some(error) = error {
            tracing::warn!(key = %entry.key, %error, "a heartbeat cannot be read and does not count");
        }
        match change {
            Change::Lease { partition, found } => {
                let input = match found {
                    Found::Nothing { revision } => Input::Seen { revision, lease: None },
                    Found::Lease { revision, lease } => Input::Seen { revision, lease: Some(lease) },
                    Found::Unreadable { revision } => Input::Unreadable { revision },
                };
                if let Input::Seen { lease: Some(lease), .. } = &input {
                    // Whoever writes lives.
                    self.roster.trust(lease.session);
                }
                self.step(partition, input);
            }
            Change::Heartbeat { session, revision, heartbeat } => {
                if self.probes.is_some() && !self.roster.knows(session) {
                    self.watchman.met(Moment::now(), session);
                }
                self.roster.see(Moment::now(), session, revision, stored_ms, heartbeat);
            }
            Change::Gone(session) => self.roster.forget(session),
            Change::Foreign => {}
        }
    }

    pub(super) fn report(&mut self, report: Option<Report>) {
        match report {
            Some(Report::Ended { partition, epoch, handled, why }) => {
                match why {
                    Stopped::Silent | Stopped::AckRefused => self.footing.failed(Moment::now(), Duty::Hear),
                    _ => self.footing.worked(Duty::Hear),
                }
                self.step(partition as usize, Input::Ended { epoch, handled, why });
            }
            Some(Report::Leave) => self.leave(),
            None => {
                self.abandoned = true;
                // No handler can run any more, so what it ran has ended.
                for number in 0..self.slots.len() {
                    if let Some(grant) = self.slots[number].grant().cloned() {
                        let (epoch, handled) = (grant.epoch, grant.handled());
                        self.step(number, Input::Ended { epoch, handled, why: Stopped::Asked });
                    }
                }
                self.leave();
            }
        }
    }

    pub(super) fn leave(&mut self) {
        if self.leaving_since.is_none() {
            self.leaving_since = Some(Moment::now());
            self.heartbeat.again = true;
        }
    }
}
