//! What the control thread does over the network, and what came of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv::Watch;

use super::Loop;
use crate::clock::{Moment, monotonic_ns};
use crate::error::MemberError;
use crate::fence::Fence;
use crate::footing::Duty;
use crate::liveness::Gone;
use crate::observer::{MemberEvent, PartitionEvent};
use crate::openings::Opening;
use crate::options::DeliverBy;
use crate::record::Session;
use crate::shell::consumers::{self, Opened};
use crate::shell::probes::News;
use crate::shell::slot::Deed;
use crate::shell::store::Found;
use crate::state::{Input, Wrote};

/// What a request came to.
pub(super) enum Done {
    /// A compare-and-set, sent then.
    Wrote(usize, Wrote, Moment),
    /// A read, sent then.
    Read(usize, Option<Found>, Moment),
    Opened(usize, u64, Result<Opened, String>),
    /// Whether it was stored.
    Heartbeat(bool),
    /// What has become of bucket and stream.
    Looked(Option<Result<(), MemberError>>),
    Watching(Option<Box<Watch>>),
    /// Nothing that matters.
    Told,
}

impl Loop {
    pub(super) fn step(&mut self, number: usize, input: Input) {
        let deeds = self.slots[number].step(&self.settings, Moment::now(), input);
        self.perform(number, deeds);
    }

    pub(super) fn perform(&mut self, number: usize, deeds: Vec<Deed>) {
        for deed in deeds {
            match deed {
                Deed::Write { expected, lease } => {
                    let bucket = self.bucket.clone();
                    self.work.push(Box::pin(async move {
                        let asked = Moment::now();
                        Done::Wrote(number, bucket.compare_and_set(number, expected, lease).await, asked)
                    }));
                }
                Deed::Read { after } => {
                    let bucket = self.bucket.clone();
                    self.work.push(Box::pin(async move {
                        tokio::time::sleep(after).await;
                        let asked = Moment::now();
                        Done::Read(number, bucket.read_from_leader(number).await, asked)
                    }));
                }
                Deed::Clear { elders } => {
                    let stream = self.stream.clone();
                    self.work.push(Box::pin(async move {
                        // What is not deleted now is found by the next opening, or ends by itself when nobody asks it for anything.
                        let _ = consumers::delete(&stream, &elders).await;
                        Done::Told
                    }));
                }
                Deed::Open { epoch, checkpoint } => {
                    self.openings.want(Opening { number, epoch, checkpoint });
                    self.open_next();
                }
            }
        }
    }

    /// Begins what waits to be opened, as far as the bound allows.
    fn open_next(&mut self) {
        let slots = &self.slots;
        while let Some(opening) = self.openings.next(|it| slots[it.number].machine().is_opening(it.epoch)) {
            let Opening { number, epoch, checkpoint } = opening;
            let (stream, settings) = (self.stream.clone(), Arc::clone(&self.settings));
            let mut cuts = self.bucket.cuts();
            let (sink, client, fence) =
                (self.sink.clone(), self.bucket.client().clone(), Fence { epoch, session: self.session });
            self.work.push(Box::pin(async move {
                let partition = number as u32;
                let raise = async {
                    let Some(sink) = sink else { return Ok(None) };
                    sink.raise(&client, partition, fence, settings.request_timeout()).await.map(Some)
                };
                let inbox = (settings.deliver_by == DeliverBy::Push).then(|| client.new_inbox());
                let open = consumers::open(&stream, &settings, partition, epoch, checkpoint, inbox, raise);
                let opened = tokio::select! {
                    biased;
                    opened = open => opened.map_err(|error| error.to_string()),
                    // The answer went with the connection.
                    _ = cuts.changed() => Err("the connection was lost".to_owned()),
                    () = tokio::time::sleep(settings.ttl) => Err("no answer in time".to_owned()),
                };
                Done::Opened(number, epoch, opened)
            }));
        }
    }

    pub(super) fn done(&mut self, done: Done) {
        match done {
            Done::Wrote(number, result, asked) => {
                if result == Wrote::Unknown {
                    self.footing.failed(Moment::now(), Duty::Claim);
                } else {
                    self.footing.worked(Duty::Claim);
                }
                self.hear_silence(number, result == Wrote::Unknown, asked);
                self.step(number, Input::Wrote(result));
            }
            Done::Read(number, found, asked) => {
                self.hear_silence(number, found.is_none(), asked);
                self.read_back(number, found);
            }
            Done::Opened(number, epoch, Ok(opened)) => {
                self.footing.worked(Duty::Open);
                self.openings.ended();
                let start = opened.start;
                // An answer for an older epoch sets a name too: the one that is waited for replaces it before it is used.
                self.slots[number].set_opened(opened);
                self.step(number, Input::Opened { epoch, start });
                self.open_next();
            }
            Done::Opened(number, epoch, Err(reason)) => {
                tracing::warn!(partition = number, epoch, %reason, "the consumer could not be opened");
                let failed = PartitionEvent::OpenFailed { epoch, reason };
                self.settings.observer.partition(monotonic_ns(), number as u32, &failed);
                self.footing.failed(Moment::now(), Duty::Open);
                self.openings.ended();
                self.step(number, Input::OpenFailed { epoch });
                self.open_next();
            }
            Done::Heartbeat(stored) => {
                self.heartbeat.in_flight = false;
                if stored {
                    self.footing.worked(Duty::Beat);
                } else {
                    self.footing.failed(Moment::now(), Duty::Beat);
                }
            }
            Done::Looked(found) => self.footing.looked(Moment::now(), found),
            Done::Watching(Some(watch)) => {
                self.watch = Some(*watch);
                self.watch_pause = Duration::ZERO;
                self.footing.worked(Duty::Watch);
            }
            Done::Watching(None) => {
                self.watch_pause = (self.watch_pause * 2).clamp(Duration::from_millis(20), Duration::from_secs(1));
                self.begin_watch(self.watch_pause);
                self.footing.failed(Moment::now(), Duty::Watch);
            }
            Done::Told => {}
        }
    }

    /// What was asked of the bucket was not answered: on a connection that stands, that is news of the bucket.
    fn hear_silence(&mut self, number: usize, unanswered: bool, asked: Moment) {
        if unanswered && self.bucket.is_connected() {
            self.step(number, Input::Unled { asked });
        }
    }

    /// Asks what has to be asked now.
    pub(super) fn watch_over_members(&mut self, now: Moment) {
        let Some(probes) = self.probes.as_ref().filter(|_| self.watchman.due().is_some_and(|due| due <= now)) else {
            return;
        };
        // One that leaves takes no part any more, and may still own something.
        let holders = self.slots.iter().filter_map(|slot| slot.machine().holder(now).0);
        let members = self.roster.members(now).into_iter().map(|member| member.session).chain(holders);
        let members: BTreeSet<Session> = members.filter(|session| self.roster.listens(*session)).collect();
        let members: Vec<Session> = members.into_iter().collect();
        for ask in self.watchman.asks(now, &members) {
            let asked = probes.ask(ask);
            self.work.push(Box::pin(async move {
                asked.await;
                Done::Told
            }));
        }
    }

    pub(super) fn hear(&mut self, news: News) {
        let now = Moment::now();
        let gone = match news {
            News::Told(session) => {
                self.watchman.told(now, session);
                return;
            }
            News::Nobody { session, confirms } => {
                self.watchman.nobody_listens(now, session, confirms).map(|gone| (session, gone))
            }
        };
        let (Some((session, Gone { is_news })), Some(probes)) = (gone, &self.probes) else { return };
        if is_news {
            let told = probes.tell(session);
            self.work.push(Box::pin(async move {
                told.await;
                Done::Told
            }));
        }
        self.settings.observer.member(monotonic_ns(), &MemberEvent::Doubted { session });
        self.roster.doubt(session);
        for number in 0..self.slots.len() {
            self.step(number, Input::Hint { gone: session });
        }
    }

    pub(super) fn read_back(&mut self, number: usize, found: Option<Found>) {
        let input = match found {
            None => Input::ReadBack(None),
            Some(Found::Nothing { revision }) => Input::ReadBack(Some((revision, None))),
            Some(Found::Lease { revision, lease }) => Input::ReadBack(Some((revision, Some(lease)))),
            Some(Found::Unreadable { revision }) => {
                // Seen first as what it is: to the read it only matters that it is not ours.
                self.step(number, Input::Unreadable { revision });
                Input::ReadBack(Some((revision, None)))
            }
        };
        self.step(number, input);
    }

    pub(super) fn rewatch(&mut self) {
        // Only a standing watch is replaced: otherwise one is being made already.
        if self.watch.take().is_some() {
            self.heartbeat.again = true;
            self.begin_watch(Duration::from_millis(20));
        }
    }

    pub(super) fn begin_watch(&mut self, after: Duration) {
        let bucket = self.bucket.clone();
        self.work.push(Box::pin(async move {
            tokio::time::sleep(after).await;
            Done::Watching(bucket.watch().await.map(Box::new))
        }));
    }
}
