//! `lease-group`: a Kafka-like partitioned consumer group with leases in a key-value bucket.
//!
//! **How it works.** Every partition has a record in the bucket that says who owns it, until when, and up to where it was
//! handled. A member claims, renews and releases by compare-and-set on the record's revision. Each claim raises the
//! record's epoch. The new owner deletes the consumers of older epochs and opens a private one, named after its own
//! epoch, behind the last committed message; so nothing that an older owner had fetched or acknowledges counts any more.
//! Owners renew every third of the `ttl` and commit with it (`commit = "checkpoint"`), or acknowledge every hundred messages at once
//! (`"ack-all"`), or each (`"explicit"`). Messages are pulled, or with `deliver-by = "push"` sent by the server. Members
//! see each other by heartbeats in the bucket and share the partitions evenly: one that joins is given some, one that
//! leaves finishes what is in hand, commits exactly, and releases.
//!
//! **Promises.** At least once, order per key, and exclusion: an owner that was superseded starts nothing after its
//! deadline, which it reckons from the instant at which its last renewal was sent, on its own clock. No two clocks are
//! compared. `takeover = "resume"`, the form of many articles, shares one durable from owner to owner. It is held to what
//! is claimed for it, at least once and order per key, and breaks order after a crash. With `sink = "plain"` each handling
//! writes an effect into a stream beside the run's, where that of a paused owner may stand behind its successor's. With
//! `sink = "fenced"` no superseded effect is ever stored: each takeover puts up a fence in the sink, each effect names the
//! one that it was written under, and the server refuses it as soon as another stands. With `hints = ["probe"]` a crash is
//! noticed in milliseconds: members look every `probe-every` whether the owner next to them still listens, and the server
//! says when nobody does. With `"sys"` the server itself tells that a connection has ended. A live member that renews its
//! connection is taken for dead, too, and then two members handle side by side. So hints need the fence, and only its
//! promise and at least once are left with them.
//!
//! **Hazards.** A crash stops the partitions of the dead for the rest of their lease. Then what it had handled since its
//! last commit comes again, as one contiguous run. A member handles all its partitions in one task, so a slow message
//! delays the others of its member; above `max-handling` the member gives up its part until the handler returns. A paused
//! owner may finish the one message that it had begun; only the system that it writes to can refuse that, by the epoch.
//! Limits retention only: with interest retention the deletion of a consumer would delete messages.
//!
//! **On a replicated stream.** The bucket has as many replicas as the stream, in files. The private consumers are in memory
//! on one server, because the lease knows where to begin: making one takes about 2 ms on three nodes, and 60 ms (600 ms
//! before nats-server 2.11) when it is replicated too, since it elects a leader first. A node that dies takes its
//! consumers with it, and their owners open others. While the bucket has no leader, four to nine seconds, nobody can
//! renew: with a `ttl` below that every owner stops. With `ride-out` owners go on meanwhile, since nobody else can claim
//! either. But an owner cannot know that what it hears is everybody's silence, so it needs `sink = "fenced"`, and only the
//! fence's promise and at least once are left with it.
//!
//! **When to choose it.** Order per key that must hold through crashes, hangs and deployments, with many partitions handled
//! side by side, and handlers that bear a short repetition.
//!
//! The group itself is the crate `lease-group`, which knows nothing of jetlag. Here its messages come to the desk and its
//! events into the journal.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::time::Duration;

use ::lease_group::{
    Connection, ConsumerStorage as GroupStorage, Group, HandlerError, Hints, MemberEvent, Message, Observer,
    PartitionEvent, Progress, Takeover as GroupTakeover,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, watch};

use super::desk::{Delivery, Notebook, Outcome};
use super::effects::{self, Place, Sink};
use super::seat::{Seat, Start};
use super::{About, Error, Footing, Site};
use crate::model::effect::Effect;
use crate::model::promise::Promises;
use crate::model::record::{Commit as CommitRecord, Life, LifeEvent, Ownership, OwnershipChange, Reach, Record};
use crate::model::time::MonoNs;
use crate::model::units::Timespan;

/// What the list shows.
pub const ABOUT: About = About {
    kind: "lease-group",
    summary: "one owner a partition by leases in a key-value bucket; order per key across crashes",
};

/// A member that has joined and been granted nothing for so long has nothing to wait for.
const IDLE_AFTER: Duration = Duration::from_secs(1);

/// With `commit = "ack-all"`: messages an acknowledgement, by default and at most.
const ACK_EVERY: u32 = 100;
const ACK_EVERY_MAX: u32 = 10_000;

/// Settings of the lease group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Settings {
    /// Lease time: a crashed owner's partitions are claimed after it.
    pub ttl: Timespan,
    /// How progress is committed.
    pub commit: Commit,
    /// With `commit = "checkpoint"`: how often.
    pub commit_every: Timespan,
    /// With `commit = "ack-all"`: after how many messages, and at the latest 100 ms after the last.
    pub ack_every: u32,
    /// How a partition is taken over: `safe`, or the blog's `resume`, kept to be measured.
    pub takeover: Takeover,
    /// With `takeover = "resume"`: the durable's ack wait.
    pub ack_wait: Timespan,
    /// How messages come to their owner: it pulls them, or the server pushes them, with flow control. Pushing needs
    /// acknowledgements, which bound what is sent.
    pub deliver_by: DeliverBy,
    /// Messages a pull asks for; of pushed ones twice as many are unacknowledged at most.
    pub batch: u32,
    /// How many partitions of one member that are behind are sent messages at the same time, 4096 for all; the others wait for their turn.
    pub catch_up: u32,
    /// A handler that takes longer stops the renewal of its member's lease.
    pub max_handling: Timespan,
    /// With `takeover = "safe"`: where the consumer of each epoch keeps its state. Nothing needs it after a crash.
    pub consumer_storage: ConsumerStorage,
    /// With `takeover = "safe"`: copies of that state, 1, 3 or 5, at most as many as of the stream. More than one takes an
    /// election at every takeover, which must be over within a third of the `ttl`.
    pub consumer_replicas: u16,
    /// Where each handling writes an effect, which the server confirms before the handling ends. It is read back at the end.
    pub sink: Sink,
    /// What may tell a crash earlier than the lease: `"probe"`, the server's word that nobody listens to the owner any
    /// more; `"sys"`, the server's event that a connection of the owner has ended, told in the system account only, so it
    /// needs a server of jetlag's own. Hints may be false, so they need `sink = "fenced"`.
    pub hints: BTreeSet<Hint>,
    /// With `hints = ["probe"]`: how often each member looks whether the owner next to it still listens.
    pub probe_every: Timespan,
    /// Takes hints without a fence. Exclusion is void until the old owner's deadline.
    pub unsafe_hints: bool,
    /// How long after its last renewal an owner goes on while nobody answers for the bucket, as when three nodes elect its
    /// leader anew; `"0s"`: it stops at its deadline. Exclusion then rests on the fence alone, so it needs `sink = "fenced"`.
    pub ride_out: Timespan,
}

/// What may tell that an owner is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Hint {
    /// The server says that nobody listens to the owner's liveness subject.
    Probe,
    /// The server tells its system account that a connection of the owner has ended.
    Sys,
}

/// How messages come to their owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum DeliverBy {
    /// The owner asks for them.
    Pull,
    /// The server sends them by itself.
    Push,
}

/// Where the consumer of an epoch keeps its state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ConsumerStorage {
    /// In memory.
    Memory,
    /// Where the stream keeps its messages: on disk, unless that is in memory, too.
    File,
}

/// How progress is committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Commit {
    /// As a checkpoint in the lease record, every `commit-every`.
    Checkpoint,
    /// Every `ack-every` messages, or 100 ms, one acknowledgement of all up to here.
    AckAll,
    /// Every message is acknowledged.
    Explicit,
}

impl Commit {
    /// Name in profiles and reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::AckAll => "ack-all",
            Self::Explicit => "explicit",
        }
    }
}

/// How a partition is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Takeover {
    /// A private consumer named by epoch, opened at the committed position after the older ones are deleted.
    Safe,
    /// The next owner resumes the partition's shared durable.
    Resume,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            ttl: Timespan(Duration::from_secs(2)),
            commit: Commit::Checkpoint,
            commit_every: Timespan(Duration::from_millis(100)),
            ack_every: ACK_EVERY,
            takeover: Takeover::Safe,
            ack_wait: Timespan(Duration::from_secs(120)),
            deliver_by: DeliverBy::Pull,
            batch: 500,
            catch_up: 4096,
            max_handling: Timespan(Duration::from_secs(300)),
            consumer_storage: ConsumerStorage::Memory,
            consumer_replicas: 1,
            sink: Sink::None,
            hints: BTreeSet::new(),
            probe_every: Timespan(Duration::from_millis(10)),
            unsafe_hints: false,
            ride_out: Timespan(Duration::ZERO),
        }
    }
}

impl Settings {
    /// `resume` is held to what its source claims for it: nothing lost, order per key.
    #[must_use]
    pub fn promises(&self) -> Promises {
        let trusts_leases = self.hints.is_empty() && self.ride_out.0.is_zero();
        Promises {
            at_least_once: true,
            // After a false hint, or where only one side of a cluster hears of a new leader, two members handle side by side; what only one of them can do is write effects.
            order_per_key: trusts_leases,
            exclusive: trusts_leases && self.takeover == Takeover::Safe,
            fenced: self.sink == Sink::Fenced,
            owners: true,
        }
    }

    /// A safe takeover opens a consumer of its own behind the committed position. The durables that `resume` shares are
    /// each made by the first owner of its partition.
    #[must_use]
    pub fn footing(&self) -> Footing {
        let safe = self.takeover == Takeover::Safe;
        Footing {
            stands_before_load: false,
            is_replaced: safe,
            overlaps: safe,
            begins_later: safe,
            acknowledges: self.commit != Commit::Checkpoint,
            acknowledges_each: self.commit != Commit::AckAll,
            stops_at_holes: false,
            hears_what_is_published: false,
        }
    }

    /// Whether members listen to the servers' system account.
    #[must_use]
    pub fn hears_the_system(&self) -> bool {
        self.hints.contains(&Hint::Sys)
    }

    /// Settings that cannot work: the key, and what is wrong with it.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        // The bounds are those of the group itself (`GroupBuilder::build`).
        if !(Duration::from_millis(200)..=Duration::from_secs(3600)).contains(&self.ttl.0) {
            objections.push(("ttl", format!("a lease of {} does not work: at least 200ms, at most 1h", self.ttl)));
        }
        let most = self.ttl.0 / 3;
        if self.commit == Commit::Checkpoint && (self.commit_every.0.is_zero() || self.commit_every.0 > most) {
            let most = Timespan(Duration::from_millis(u64::try_from(most.as_millis()).unwrap_or(u64::MAX)));
            let text = "commit-every must be above 0 and at most a third of the ttl, because commits renew the lease";
            objections.push(("commit-every", format!("{text}: at most {most}")));
        }
        if self.takeover == Takeover::Resume && self.commit == Commit::Checkpoint {
            let text =
                "takeover \"resume\" shares a durable, which knows nothing of checkpoints: use commit \"explicit\"";
            objections.push(("takeover", text.to_owned()));
        }
        if self.takeover == Takeover::Resume && self.commit == Commit::AckAll {
            let text =
                "takeover \"resume\" shares a durable that is acknowledged message by message: use commit \"explicit\"";
            objections.push(("takeover", text.to_owned()));
        }
        if !(1..=ACK_EVERY_MAX).contains(&self.ack_every) {
            let text =
                format!("an acknowledgement every {} messages does not work: 1 to {ACK_EVERY_MAX}", self.ack_every);
            objections.push(("ack-every", text));
        }
        if self.commit != Commit::AckAll && self.ack_every != ACK_EVERY {
            objections.push(("ack-every", "ack-every has no effect without commit = \"ack-all\"".to_owned()));
        }
        if self.takeover == Takeover::Resume && self.ack_wait.0 < Duration::from_millis(100) {
            objections.push(("ack-wait", "ack-wait is below 100ms".to_owned()));
        }
        if self.deliver_by == DeliverBy::Push
            && (self.commit == Commit::Checkpoint || self.takeover == Takeover::Resume)
        {
            let text = "deliver-by \"push\" needs takeover \"safe\" and commit \"ack-all\" or \"explicit\": \
                        nothing else bounds what is sent";
            objections.push(("deliver-by", text.to_owned()));
        }
        if !(1..=10_000).contains(&self.batch) {
            objections.push(("batch", format!("a batch of {} does not work: 1 to 10000", self.batch)));
        }
        if !(1..=4096).contains(&self.catch_up) {
            let text = format!("{} partitions that catch up at once do not work: 1 to 4096", self.catch_up);
            objections.push(("catch-up", text));
        }
        if self.deliver_by == DeliverBy::Push && self.catch_up != Self::default().catch_up {
            let text = "catch-up has no effect with deliver-by \"push\": the server sends without being asked";
            objections.push(("catch-up", text.to_owned()));
        }
        if self.max_handling.0 < most {
            let text = "max-handling is shorter than a renewal interval, which is a third of the ttl";
            objections.push(("max-handling", text.to_owned()));
        }
        if !matches!(self.consumer_replicas, 1 | 3 | 5) {
            let text = format!("consumer-replicas is {}, expected 1, 3 or 5", self.consumer_replicas);
            objections.push(("consumer-replicas", text));
        }
        objections.extend(self.objections_to_hints());
        objections.extend(self.objections_to_riding());
        if self.takeover == Takeover::Resume {
            let idle =
                |key| format!("{key} has no effect with takeover \"resume\": its durable lies where the stream does");
            if self.consumer_storage != ConsumerStorage::Memory {
                objections.push(("consumer-storage", idle("consumer-storage")));
            }
            if self.consumer_replicas != 1 {
                objections.push(("consumer-replicas", idle("consumer-replicas")));
            }
        }
        objections
    }

    fn objections_to_hints(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        if self.takeover == Takeover::Resume && self.sink == Sink::Fenced {
            let text = "takeover \"resume\" has no epochs that could be fenced: use takeover \"safe\"";
            objections.push(("sink", text.to_owned()));
        }
        let hints = !self.hints.is_empty();
        if hints && self.takeover == Takeover::Resume {
            objections
                .push(("hints", "takeover \"resume\" cannot bear a false hint: use takeover \"safe\"".to_owned()));
        }
        if hints && self.sink != Sink::Fenced && !self.unsafe_hints {
            let text = "a hint may be false, and then only a fence keeps a living owner out: \
                        set sink = \"fenced\", or unsafe-hints = true and go without exclusion";
            objections.push(("hints", text.to_owned()));
        }
        if !hints && self.unsafe_hints {
            objections.push(("unsafe-hints", "unsafe-hints has no effect without hints".to_owned()));
        }
        let default = Self::default().probe_every;
        if !self.hints.contains(&Hint::Probe) && self.probe_every != default {
            objections.push(("probe-every", "probe-every has no effect without hints = [\"probe\"]".to_owned()));
        }
        if !(Duration::from_millis(1)..=Duration::from_secs(10)).contains(&self.probe_every.0) {
            let text = format!("a probe every {} does not work: at least 1ms, at most 10s", self.probe_every);
            objections.push(("probe-every", text));
        }
        objections
    }

    /// Makes the sink, where there is one. The first member makes the bucket.
    ///
    /// # Errors
    /// When the server refuses it.
    pub async fn provision(&self, site: &Site<'_>) -> Result<(), Error> {
        if self.sink == Sink::None { Ok(()) } else { effects::provision(site).await }
    }

    /// Joins as one member and handles messages until told to leave.
    ///
    /// # Errors
    /// When the member cannot join, when its control thread ends, or when the journal cannot be written.
    pub async fn consume(&self, seat: &Seat) -> Result<(), Error> {
        let (opening, opened) = watch::channel(None);
        let group = self.describe(seat, opening)?;
        let member = group.join().await.map_err(|error| Error::refused("join the lease group", &error))?;
        let handle = member.handle();
        let place = Place::new(&seat.group, &seat.subject_prefix);
        let failure = RefCell::new(None);
        let failed = Notify::new();
        let run = member.run(async |message: &Message| {
            let delivery = delivery(message);
            let effect =
                Effect { partition: delivery.partition, epoch: delivery.epoch, stream_seq: delivery.stream_seq };
            let write = async || effects::write(self.sink, &place, seat, effect, message).await;
            match seat.desk.attempt_with(&delivery, message.attempt.into(), write).await {
                Ok(Outcome::Done) => Ok(()),
                // The group tries again in place, for as long as the lease holds.
                Ok(Outcome::Failed) => {
                    Err(HandlerError::new("the handler failed, as the profile wants it, or its effect was not stored"))
                }
                Err(error) => {
                    let reason = HandlerError::new(error.to_string());
                    failure.replace(Some(error));
                    failed.notify_one();
                    Err(reason)
                }
            }
        });
        let mut run = std::pin::pin!(run);
        let leave = async {
            seat.told_to_leave().await;
            // How the leaving went is what `run` returns.
            let _ = handle.leave().await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            ended = &mut run => ended.map_err(|error| Error::refused("go on as a member of the lease group", &error)),
            () = failed.notified() => Err(failure.take().unwrap_or(Error::Closed)),
            () = leave => Ok(()),
            () = able(seat, opened) => unreachable!("it only tells the seat"),
        }
    }

    fn objections_to_riding(&self) -> Vec<(&'static str, String)> {
        let mut objections = Vec::new();
        if self.ride_out.0.is_zero() {
            return objections;
        }
        if self.sink != Sink::Fenced {
            let text = "who rides out a bucket without a leader may have been superseded, and then only a fence \
                        keeps its effects out: set sink = \"fenced\"";
            objections.push(("ride-out", text.to_owned()));
        }
        if !(self.ttl.0..=Duration::from_secs(60)).contains(&self.ride_out.0) {
            let text =
                format!("riding out {} does not work: at least the ttl, {}, at most 60s", self.ride_out, self.ttl);
            objections.push(("ride-out", text));
        }
        objections
    }

    fn hints_of(&self, seat: &Seat) -> Result<Hints, Error> {
        let hints = if self.hints.contains(&Hint::Probe) { Hints::probe(self.probe_every.0) } else { Hints::default() };
        let Some(system) = seat.system.as_ref().filter(|_| self.hints.contains(&Hint::Sys)) else { return Ok(hints) };
        let options = system.options().map_err(|error| Error::refused("connect to the system account", &error))?;
        Ok(hints.and_system_events(system.urls().join(","), options))
    }

    fn describe(&self, seat: &Seat, opening: watch::Sender<Option<bool>>) -> Result<Group, Error> {
        let options = seat.access.options().map_err(|error| Error::refused("connect", &error))?;
        let group = Group::builder(seat.access.urls().join(",")).connect_options(options);
        let group = match seat.access.domain() {
            Some(domain) => group.domain(domain),
            None => group,
        };
        let place = Place::new(&seat.group, &seat.subject_prefix);
        let group = if self.sink == Sink::Fenced { group.sink(place.fence()) } else { group };
        let group = if self.ride_out.0.is_zero() { group } else { group.ride_out(self.ride_out.0) };
        let group = if self.hints.is_empty() {
            group
        } else {
            group.hints(self.hints_of(seat)?).unsafe_hints(self.unsafe_hints).liveness_subject(place.liveness())
        };
        group
            .stream(&seat.stream)
            .name(&seat.group)
            .subject_prefix(&seat.subject_prefix)
            .partitions(u32::from(seat.partitions))
            .lease_ttl(self.ttl.0)
            .max_handling(self.max_handling.0)
            .commit(match self.commit {
                Commit::Checkpoint => ::lease_group::Commit::Checkpoint { every: self.commit_every.0 },
                Commit::AckAll => ::lease_group::Commit::AckAll { every: self.ack_every },
                Commit::Explicit => ::lease_group::Commit::Explicit,
            })
            .takeover(match self.takeover {
                Takeover::Safe => GroupTakeover::Safe,
                Takeover::Resume => GroupTakeover::Resume { ack_wait: self.ack_wait.0 },
            })
            .deliver_by(match self.deliver_by {
                DeliverBy::Pull => ::lease_group::DeliverBy::Pull,
                DeliverBy::Push => ::lease_group::DeliverBy::Push,
            })
            .consumers(
                match self.consumer_storage {
                    ConsumerStorage::Memory => GroupStorage::Memory,
                    ConsumerStorage::File => GroupStorage::Stream,
                },
                self.consumer_replicas.into(),
            )
            .batch(self.batch)
            .catch_up(self.catch_up)
            .worker(&seat.member)
            .observer(Witness { notebook: seat.desk.notebook().clone(), start: seat.start.clone(), opening })
            .build()
            .map_err(|error| Error::refused("describe the lease group", &error))
    }
}

/// Tells the seat when the member is able to work: a consumer stands, or no partition falls to it. Never returns.
async fn able(seat: &Seat, mut opened: watch::Receiver<Option<bool>>) {
    let holdings = seat.desk.notebook().holdings();
    loop {
        let stands = opened.wait_for(|opened| *opened == Some(true));
        let stands = tokio::time::timeout(IDLE_AFTER, stands).await.is_ok();
        // One that may not watch the leases, or has lost its partitions because it cannot open them, holds none either.
        let is_well = opened.borrow().is_none() && seat.start.refusal().is_none();
        if stands || (is_well && holdings.borrow().is_empty()) {
            break;
        }
    }
    seat.start.able();
    std::future::pending().await
}

fn delivery(message: &Message) -> Delivery<'_> {
    Delivery {
        payload: &message.payload,
        partition: partition(message.partition),
        epoch: epoch(message.epoch),
        stream_seq: message.stream_sequence,
        consumer_seq: message.consumer_sequence,
        delivered: message.delivered,
        received: MonoNs(message.received),
        started: MonoNs(message.checked),
    }
}

/// Profiles allow 1024 partitions: the number always fits.
fn partition(partition: u32) -> u16 {
    u16::try_from(partition).unwrap_or(u16::MAX)
}

/// Four thousand million grants of one partition take longer than any run.
fn epoch(epoch: u64) -> u32 {
    u32::try_from(epoch).unwrap_or(u32::MAX)
}

/// Writes the group's events into the journal.
struct Witness {
    notebook: Notebook,
    start: Start,
    /// Whether the last consumer that was to be opened stands; once one stood, that stays.
    opening: watch::Sender<Option<bool>>,
}

impl Observer for Witness {
    fn partition(&self, at_ns: u64, number: u32, event: &PartitionEvent) {
        let (at, partition) = (MonoNs(at_ns), partition(number));
        let (of, change) = match *event {
            PartitionEvent::ExpiryObserved { epoch } => (epoch, OwnershipChange::GoneObserved),
            PartitionEvent::Granted { epoch, deadline_ns, .. } => {
                (epoch, OwnershipChange::Granted { deadline: MonoNs(deadline_ns) })
            }
            // To the belief it is the same: it may start messages until then.
            PartitionEvent::Renewed { epoch, deadline_ns } | PartitionEvent::Riding { epoch, deadline_ns } => {
                (epoch, OwnershipChange::Renewed { deadline: MonoNs(deadline_ns) })
            }
            PartitionEvent::Opened { epoch, start_sequence } => {
                self.opening.send_replace(Some(true));
                (epoch, OwnershipChange::Opened { start_seq: start_sequence })
            }
            PartitionEvent::Released { epoch } => (epoch, OwnershipChange::Released),
            PartitionEvent::Reopened { epoch, ref reason } => {
                tracing::warn!(partition, epoch, ?reason, "a partition is claimed anew");
                (epoch, OwnershipChange::Lost)
            }
            PartitionEvent::Lost { epoch, ref reason } => {
                tracing::warn!(partition, epoch, ?reason, "a partition was lost");
                (epoch, OwnershipChange::Lost)
            }
            // The group itself warns of it.
            PartitionEvent::OpenFailed { .. } => {
                self.opening.send_if_modified(|opened| {
                    let is_first = opened.is_none();
                    opened.get_or_insert(false);
                    is_first
                });
                return;
            }
            PartitionEvent::Unreadable { revision } => {
                tracing::warn!(partition, revision, "a lease is not of this version: the partition is left alone");
                return;
            }
            PartitionEvent::HandlerFailed { epoch, stream_sequence, attempt, ref reason } => {
                tracing::warn!(partition, epoch, stream_sequence, attempt, %reason, "the handler failed");
                return;
            }
            PartitionEvent::Committed { epoch: of, progress } => {
                let (stream_seq, reach) = match progress {
                    Progress::UpTo(seq) => (seq, Reach::UpTo),
                    Progress::Exactly(seq) => (seq, Reach::Exact),
                };
                // A journal that cannot be written is met again, and reported, by the next handling.
                let commit = CommitRecord { at, partition, epoch: epoch(of), stream_seq, reach };
                let _ = self.notebook.append(Record::Commit(commit));
                return;
            }
            _ => return,
        };
        let _ = self.notebook.ownership(Ownership { at, partition, epoch: epoch(of), change });
    }

    fn member(&self, at_ns: u64, event: &MemberEvent) {
        let event = match event {
            MemberEvent::Connected(Connection::Data) => LifeEvent::Connected,
            MemberEvent::Disconnected(Connection::Data) => LifeEvent::Disconnected,
            MemberEvent::SlowConsumer(_) => LifeEvent::SlowConsumer,
            MemberEvent::Refused { reason, .. } => return self.start.refused(reason),
            _ => return,
        };
        let _ = self.notebook.append(Record::Life(Life { at: MonoNs(at_ns), event }));
    }
}
