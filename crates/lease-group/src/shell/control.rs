//! The control thread: leases, heartbeats and the watch, on a runtime and a connection of its own, so that no handler can starve a
//! renewal.
//!
//! One loop turns what happened into inputs of the state machines and their commands into requests. Per partition at most one write or
//! read is under way. Openings may overlap: one that is no longer wished goes on while the partition is given back and claimed again, for a
//! lease's time at most, and its answer, of an older epoch, counts for nothing. Each costs a claim, so everything it holds is bounded by the
//! number of partitions and the claims of the last lease's time.

mod news;
mod work;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::kv::Watch;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, Context};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::{mpsc, oneshot, watch};

use super::connection::connect;
use super::grant::{Order, Report};
use super::ground::{Ground, Made};
use super::probes::{News, Probes};
use super::sink::Sink;
use super::slot::Slot;
use super::store::Bucket;
use crate::assign::Holder;
use crate::clock::{Moment, monotonic_ns, wall_ms};
use crate::error::{JoinError, MemberError};
use crate::footing::{Footing, Refusal};
use crate::group::Settings;
use crate::handover::{Handover, Situation};
use crate::liveness::Watchman;
use crate::observer::{Connection, MemberEvent};
use crate::openings::Openings;
use crate::options::Commit;
use crate::record::{Heartbeat, Presence, Session};
use crate::roster::Roster;
use crate::state::{Input, Partition, Terms};
use work::Done;

/// What the control thread is given.
pub(crate) struct Control {
    pub(crate) settings: Arc<Settings>,
    pub(crate) session: Session,
    pub(crate) sink: Option<Sink>,
    /// When what it stands on was made.
    pub(crate) made: Made,
    /// What the server refuses, on either connection: where it is said, and where it is heard.
    pub(crate) refusals: (mpsc::Sender<Refusal>, mpsc::Receiver<Refusal>),
    pub(crate) orders: Vec<watch::Sender<Order>>,
    pub(crate) reports: mpsc::Receiver<Report>,
    pub(crate) ready: oneshot::Sender<Result<(), JoinError>>,
}

type Work = FuturesUnordered<Pin<Box<dyn Future<Output = Done>>>>;

struct Loop {
    settings: Arc<Settings>,
    session: Session,
    bucket: Bucket,
    stream: Stream<()>,
    slots: Vec<Slot>,
    roster: Roster,
    handover: Handover,
    watchman: Watchman,
    /// Where there are hints.
    probes: Option<Probes>,
    /// Where effects go.
    sink: Option<Sink>,
    ground: Ground,
    footing: Footing,
    refusals: mpsc::Receiver<Refusal>,
    /// The view was current at the last turn.
    was_current: bool,
    work: Work,
    openings: Openings,
    watch: Option<Watch>,
    watch_pause: Duration,
    heartbeat: Beat,
    began_ms: u64,
    leaving_since: Option<Moment>,
    stuck: bool,
    /// The application dropped the member.
    abandoned: bool,
}

struct Beat {
    due: Moment,
    in_flight: bool,
    /// Something changed since the last one was sent.
    again: bool,
    cleaning_due: Moment,
}

/// Runs until the member has left. The calling thread is the control thread.
pub(crate) async fn run(control: Control) -> Result<(), MemberError> {
    let Control { settings, session, sink, made, refusals, orders, mut reports, ready } = control;
    let (mut this, mut cuts) = match Loop::start(settings, session, sink, (made, refusals), orders).await {
        Ok(started) => started,
        Err(error) => {
            // The one who joins is told; if he is gone, nobody needs to be.
            let _ = ready.send(Err(error));
            return Ok(());
        }
    };
    let _ = ready.send(Ok(()));
    this.settings.observer.member(monotonic_ns(), &MemberEvent::Joined { session });
    this.begin_watch(Duration::ZERO);
    loop {
        if let Some(ended) = this.turn() {
            return ended;
        }
        let pause = this.pause();
        tokio::select! {
            entry = next_entry(&mut this.watch) => match entry {
                Some(entry) => this.seen(&entry),
                None => this.rewatch(),
            },
            Some(done) = this.work.next() => this.done(done),
            news = next_news(&mut this.probes) => this.hear(news),
            report = reports.recv(), if !this.abandoned => this.report(report),
            Ok(()) = cuts.changed() => this.rewatch(),
            () = tokio::time::sleep(pause) => {}
        }
        // What else is there already, up to a bound: one look at the assignment then serves a whole burst.
        for _ in 0..256 {
            let Some(Some(entry)) = next_entry(&mut this.watch).now_or_never() else {
                break;
            };
            this.seen(&entry);
        }
    }
}

async fn next_entry(watch: &mut Option<Watch>) -> Option<jetstream::kv::Entry> {
    match watch {
        // An error ends the watch as its end does: a new one starts with everything that stands.
        Some(watch) => watch.next().await.and_then(Result::ok),
        None => std::future::pending().await,
    }
}

async fn next_news(probes: &mut Option<Probes>) -> News {
    match probes {
        Some(probes) => probes.next().await,
        None => std::future::pending().await,
    }
}

impl Loop {
    async fn start(
        settings: Arc<Settings>,
        session: Session,
        sink: Option<Sink>,
        (made, (refusals_in, refusals)): (Made, (mpsc::Sender<Refusal>, mpsc::Receiver<Refusal>)),
        orders: Vec<watch::Sender<Order>>,
    ) -> Result<(Self, watch::Receiver<u64>), JoinError> {
        let (client, cuts) = connect(&settings, Connection::Control, session, &refusals_in).await?;
        let context = context(&client, &settings);
        let sink = match sink {
            Some(sink) => Some(sink.on(&context).await?),
            None => None,
        };
        let probes = Probes::open(&client, &settings, session).await?;
        let bucket = Bucket::open(client, cuts.clone(), context.clone(), &settings)
            .await
            .map_err(|reason| JoinError::Bucket { bucket: settings.name.clone(), reason })?;
        let stream = context
            .get_stream_no_info(&settings.stream)
            .await
            .map_err(|error| JoinError::Stream { stream: settings.stream.clone(), reason: error.to_string() })?;
        let commit_every = match settings.commit {
            Commit::Checkpoint { every } if !settings.acknowledges() => Some(every),
            _ => None,
        };
        let terms = Terms {
            session,
            worker: settings.worker.clone(),
            ttl: settings.ttl,
            commit_every,
            max_handling: settings.max_handling,
            ride_out: settings.ride_out,
        };
        let slots = (0..settings.partitions)
            .zip(orders)
            .map(|(number, order)| Slot::new(number, Partition::new(terms.clone()), order))
            .collect();
        let now = Moment::now();
        Ok((
            Self {
                handover: Handover::new(settings.ttl / 2),
                watchman: Watchman::new(session, settings.hints.as_ref().and_then(|hints| hints.probe_every)),
                ground: Ground { context, settings: Arc::clone(&settings), made },
                footing: Footing::new(now, settings.ttl),
                refusals,
                was_current: false,
                probes,
                sink,
                settings,
                session,
                bucket,
                stream,
                slots,
                roster: Roster::default(),
                work: Work::new(),
                openings: Openings::default(),
                watch: None,
                watch_pause: Duration::ZERO,
                heartbeat: Beat { due: now, in_flight: false, again: false, cleaning_due: now },
                began_ms: wall_ms(),
                leaving_since: None,
                stuck: false,
                abandoned: false,
            },
            cuts,
        ))
    }

    /// Everything that follows from state and time. Answers how the member ended, if it did.
    fn turn(&mut self) -> Option<Result<(), MemberError>> {
        let now = Moment::now();
        self.look_for_stuck_handlers(now);
        self.look_at_the_ground(now);
        let is_current = self.is_current(now);
        let was_current = std::mem::replace(&mut self.was_current, is_current);
        if self.was_current && !was_current {
            for number in 0..self.slots.len() {
                self.step(number, Input::Sighted);
            }
        }
        for number in 0..self.slots.len() {
            let deeds = self.slots[number].tick(&self.settings, now);
            self.perform(number, deeds);
        }
        let wishes = self.wishes(now);
        for (number, wish) in wishes.into_iter().enumerate() {
            let deeds = self.slots[number].wish(&self.settings, now, wish);
            self.perform(number, deeds);
        }
        self.watch_over_members(now);
        self.beat(now);
        self.left(now)
    }

    fn wishes(&mut self, now: Moment) -> Vec<bool> {
        let held: Vec<bool> = self.slots.iter().map(|slot| slot.machine().is_held()).collect();
        let holders: Vec<Holder> = self
            .slots
            .iter()
            .map(|slot| {
                let (session, worker) = slot.machine().holder(now);
                Holder { session, worker: worker.map(str::to_owned) }
            })
            .collect();
        let current = self.is_current(now);
        let situation = Situation {
            session: self.session,
            present: self.is_present(),
            current,
            members: &self.roster.members(now),
            holders: &holders,
            held: &held,
        };
        self.handover.wishes(now, situation)
    }

    /// Whether the view is current: the watch stands, and it has brought this session's own last heartbeat.
    fn is_current(&self, now: Moment) -> bool {
        self.watch.is_some()
            && self.roster.heard(self.session).is_some_and(|heard| now.since(heard) < self.settings.ttl)
    }

    const fn is_present(&self) -> bool {
        self.leaving_since.is_none() && !self.stuck
    }

    fn look_for_stuck_handlers(&mut self, now: Moment) {
        let limit = self.settings.max_handling;
        let stuck =
            self.slots.iter().filter_map(|slot| slot.grant()?.busy_since()).any(|since| now.since(since) > limit);
        if stuck != self.stuck {
            self.stuck = stuck;
            self.heartbeat.again = true;
            let event = if stuck { MemberEvent::Stuck } else { MemberEvent::Unstuck };
            self.settings.observer.member(monotonic_ns(), &event);
        }
    }

    /// Asks what has become of bucket and stream, and leaves when they do not carry any more.
    fn look_at_the_ground(&mut self, now: Moment) {
        while let Ok(refusal) = self.refusals.try_recv() {
            self.footing.refused(&refusal);
        }
        if self.footing.asks(now) {
            let ground = self.ground.clone();
            self.work.push(Box::pin(async move { Done::Looked(ground.look().await) }));
        }
        if let Some(error) = self.footing.broken()
            && self.leaving_since.is_none()
        {
            tracing::error!(%error, "the member leaves");
            self.leave();
        }
    }

    fn beat(&mut self, now: Moment) {
        let due = now >= self.heartbeat.due || self.heartbeat.again;
        if due && !self.heartbeat.in_flight {
            let presence = if self.is_present() { Presence::Here } else { Presence::Leaving };
            let heartbeat = Heartbeat {
                worker: self.settings.worker.clone(),
                presence,
                ttl: self.settings.ttl,
                since_ms: self.began_ms,
                listens: self.probes.is_some(),
            };
            self.heartbeat =
                Beat { due: now.plus(self.settings.ttl / 3), in_flight: true, again: false, ..self.heartbeat };
            let (bucket, session) = (self.bucket.clone(), self.session);
            self.work.push(Box::pin(async move { Done::Heartbeat(bucket.put_heartbeat(session, heartbeat).await) }));
        }
        // After a pause everybody looks long dead until the watch has caught up.
        if now >= self.heartbeat.cleaning_due && self.is_current(now) {
            self.heartbeat.cleaning_due = now.plus(self.settings.ttl * 10);
            if let Some(session) = self.roster.litter(now).first().copied() {
                self.roster.forget(session);
                let bucket = self.bucket.clone();
                self.work.push(Box::pin(async move {
                    bucket.remove_heartbeat(session).await;
                    Done::Told
                }));
            }
        }
    }

    /// Whether a leaving member is through: everything given back, or out of patience.
    fn left(&self, now: Moment) -> Option<Result<(), MemberError>> {
        let since = self.leaving_since?;
        let busy = self.slots.iter().filter(|slot| !slot.machine().is_idle()).count();
        let through = busy == 0 && !self.heartbeat.in_flight && !self.heartbeat.again;
        if let Some(error) = self.footing.broken() {
            // What cannot be given back any more expires, if there is anything left to expire. Handlers are waited for all the same.
            let handling = self.slots.iter().any(|slot| slot.grant().is_some());
            let waited = !handling && now.since(since) > self.settings.ttl;
            let given_up = now.since(since) > self.settings.max_handling + self.settings.ttl * 2;
            return (through || waited || given_up).then(|| Err(error.clone()));
        }
        if through {
            return Some(Ok(()));
        }
        let patience = self.settings.max_handling + self.settings.ttl * 2;
        (now.since(since) > patience).then_some(Err(MemberError::LeftLate { partitions: busy }))
    }

    fn pause(&self) -> Duration {
        let now = Moment::now();
        let machines = self.slots.iter().filter_map(|slot| slot.machine().due(now)).min();
        let running = self.slots.iter().any(|slot| slot.grant().is_some());
        let poll = match self.settings.commit {
            Commit::Checkpoint { every } if running => now.plus(every / 2),
            _ => now.plus(self.settings.ttl / 10),
        };
        let probe = self.probes.as_ref().and_then(|_| self.watchman.due());
        let moments =
            [machines, self.roster.due(now), self.handover.due(), Some(self.heartbeat.due), Some(poll), probe];
        let due = moments.into_iter().flatten().min().unwrap_or(poll);
        due.since(now).max(Duration::from_millis(1))
    }
}

/// How long one request may take while a member joins. No lease waits for it yet: a server that is slow to make a replicated bucket,
/// or far away, must not keep a group with short leases from beginning.
const JOIN_TIMEOUT: Duration = Duration::from_secs(8);

/// A JetStream context to join with.
pub(crate) fn joining(client: &async_nats::Client, settings: &Settings) -> Context {
    jetstream::ContextBuilder::new().timeout(JOIN_TIMEOUT).api_prefix(&settings.api_prefix).build(client.clone())
}

/// A JetStream context whose requests end before a lease does.
fn context(client: &async_nats::Client, settings: &Settings) -> Context {
    let builder = jetstream::ContextBuilder::new().timeout(settings.request_timeout());
    builder.api_prefix(&settings.api_prefix).build(client.clone())
}
