//! One partition in the control thread: its state machine, its grant, and the order for the data side.

use std::sync::Arc;

use tokio::sync::watch;

use super::consumers::Opened;
use super::grant::{Grant, Order};
use crate::clock::{Moment, monotonic_ns, told_ns};
use crate::group::Settings;
use crate::observer::{PartitionEvent, Progress};
use crate::record::Lease;
use crate::state::{Command, Input, Partition, Told};

/// What the control thread has to do over the network.
pub(crate) enum Deed {
    Write {
        expected: u64,
        lease: Lease,
    },
    Read {
        after: std::time::Duration,
    },
    Open {
        epoch: u64,
        checkpoint: u64,
    },
    /// Delete consumers of older epochs: the lease knows what they knew.
    Clear {
        elders: Vec<String>,
    },
}

pub(crate) struct Slot {
    number: u32,
    machine: Partition,
    wish: bool,
    grant: Option<Arc<Grant>>,
    /// What the epoch being opened was given.
    opened: Opened,
    /// Consumers of older epochs, and what the lease must know before they are deleted.
    elders: (u64, Vec<String>),
    order: watch::Sender<Order>,
    /// The last deadline on the telling clock: converted once, so that what is told is what is checked.
    deadline: (Moment, u64),
}

impl Slot {
    pub(crate) fn new(number: u32, machine: Partition, order: watch::Sender<Order>) -> Self {
        Self {
            number,
            machine,
            wish: false,
            grant: None,
            opened: Opened::default(),
            elders: Default::default(),
            order,
            deadline: Default::default(),
        }
    }

    pub(crate) fn machine(&self) -> &Partition {
        &self.machine
    }

    pub(crate) fn grant(&self) -> Option<&Arc<Grant>> {
        self.grant.as_ref()
    }

    /// What [`Input::Opened`] is about.
    pub(crate) fn set_opened(&mut self, opened: Opened) {
        self.opened = opened;
    }

    pub(crate) fn wish(&mut self, settings: &Settings, now: Moment, wish: bool) -> Vec<Deed> {
        if self.wish == wish {
            return Vec::new();
        }
        self.wish = wish;
        self.step(settings, now, Input::Wish(wish))
    }

    pub(crate) fn tick(&mut self, settings: &Settings, now: Moment) -> Vec<Deed> {
        let (handled, busy_since) =
            self.grant.as_ref().map_or((0, None), |grant| (grant.handled(), grant.busy_since()));
        self.step(settings, now, Input::Tick { handled, busy_since })
    }

    /// Steps the machine, does what can be done at once and answers the rest.
    pub(crate) fn step(&mut self, settings: &Settings, now: Moment, input: Input) -> Vec<Deed> {
        if let Input::Ended { epoch, .. } = &input
            && self.grant.as_ref().is_some_and(|grant| grant.epoch == *epoch)
        {
            self.grant = None;
        }
        let mut deeds = Vec::new();
        for command in self.machine.step(now, input) {
            match command {
                Command::Write { expected, lease } => deeds.push(Deed::Write { expected, lease }),
                Command::Read { after } => deeds.push(Deed::Read { after }),
                Command::Open { epoch, checkpoint } => deeds.push(Deed::Open { epoch, checkpoint }),
                Command::Run { epoch, start, deadline } => {
                    let mut opened = std::mem::take(&mut self.opened);
                    self.elders = (start.saturating_sub(1), std::mem::take(&mut opened.elders));
                    let grant = Arc::new(Grant::new(self.number, epoch, start, opened, self.told_deadline(deadline)));
                    self.grant = Some(Arc::clone(&grant));
                    self.order.send_replace(Order::Run(grant));
                }
                Command::Extend { deadline } => {
                    let deadline = self.told_deadline(deadline);
                    if let Some(grant) = &self.grant {
                        grant.extend(deadline);
                    }
                }
                Command::Drain => self.stop(),
                Command::Drop => {
                    if let Some(grant) = &self.grant {
                        grant.revoke();
                    }
                    self.stop();
                }
                Command::Tell(told) => {
                    if let Told::Committed { up_to, .. } = told
                        && up_to >= self.elders.0
                        && !self.elders.1.is_empty()
                    {
                        deeds.push(Deed::Clear { elders: std::mem::take(&mut self.elders.1) });
                    }
                    self.tell(settings, told);
                }
            }
        }
        deeds
    }

    fn stop(&self) {
        if let Some(grant) = &self.grant {
            self.order.send_replace(Order::Stop(Arc::clone(grant)));
        }
    }

    fn told_deadline(&mut self, deadline: Moment) -> (Moment, u64) {
        if self.deadline.0 != deadline {
            self.deadline = (deadline, told_ns(deadline));
        }
        self.deadline
    }

    fn tell(&mut self, settings: &Settings, told: Told) {
        let event = match told {
            Told::Vacant { epoch } => PartitionEvent::ExpiryObserved { epoch },
            Told::Unreadable { revision } => PartitionEvent::Unreadable { revision },
            Told::Granted { epoch, revision, deadline } => {
                PartitionEvent::Granted { epoch, revision, deadline_ns: self.told_deadline(deadline).1 }
            }
            Told::Renewed { epoch, deadline } => {
                PartitionEvent::Renewed { epoch, deadline_ns: self.told_deadline(deadline).1 }
            }
            Told::Riding { epoch, deadline } => {
                PartitionEvent::Riding { epoch, deadline_ns: self.told_deadline(deadline).1 }
            }
            Told::Opened { epoch, start } => PartitionEvent::Opened { epoch, start_sequence: start },
            // Acknowledgements are told one by one where they are confirmed; the lease only repeats them.
            Told::Committed { .. } if settings.acknowledges() => return,
            Told::Committed { epoch, up_to } => PartitionEvent::Committed { epoch, progress: Progress::UpTo(up_to) },
            Told::Released { epoch } => PartitionEvent::Released { epoch },
            Told::Reopened { epoch, why } => PartitionEvent::Reopened { epoch, reason: why },
            Told::Lost { epoch, reason } => PartitionEvent::Lost { epoch, reason },
        };
        settings.observer.partition(monotonic_ns(), self.number, &event);
    }
}
