//! Two members, one partition, a server and a clock, for the checker: the members decide with the code that runs live, everything
//! else is the least that JetStream promises.
//!
//! Time advances between any two steps, so every member may be paused anywhere; the watch, replies, deliveries and openings
//! happen whenever they like, or are overtaken.

mod handling;
mod server;
mod words;

use std::collections::BTreeMap;
use std::time::Duration;

use lease_group::clock::Moment;
use lease_group::continuity::{Continuity, Position};
use lease_group::fence::Standing;
use lease_group::record::{Lease, Session};
use lease_group::state::{Command, Input, Partition, Stopped, Terms, Told, Wrote};

pub(crate) use words::{Faults, Form, Step, Verdict};

/// The checker's quantum of time. Four of them are a lease: renewal is due after two, the deadline is reached and the lease expires at
/// the fourth — the tightest fit.
pub(crate) const QUANTUM: Duration = Duration::from_nanos(5);
const TTL: Duration = Duration::from_nanos(20);

/// How many messages may be on their way or buffered.
const PREFETCH: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Request {
    expected: u64,
    lease: Lease,
}

/// A write on its way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Write {
    Sent(Request),
    Answered(Wrote),
}

/// An opening, step by step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Opening {
    epoch: u64,
    checkpoint: u64,
    /// Whose it is, and the sequence of its fence once that stands.
    session: Session,
    fence: u64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Stage {
    /// The fence; only where there is one.
    FenceReading,
    FenceRaising {
        expected: u64,
    },
    /// The floors of lower epochs; only where they mean something.
    Reading,
    Clearing,
    Creating,
    Answering,
}

/// The data side of an epoch.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Data {
    epoch: u64,
    start: u64,
    /// The fence that effects are written under.
    fence: u64,
    deadline: Moment,
    continuity: Continuity,
    arrived: Vec<Position>,
    /// The check has passed, the handler has not returned.
    handling: Option<u64>,
    handled: u64,
    /// First handled in this epoch, for contiguity.
    last: Option<u64>,
    /// Sent and not confirmed.
    acks: Vec<Ack>,
    stop: bool,
}

/// An acknowledgement on its way to the server, or its answer on the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Ack {
    Sent(u64),
    Taken(u64),
    Refused,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Member {
    pub(crate) alive: bool,
    /// The partition is assigned to it.
    pub(crate) wishes: bool,
    session: Session,
    machine: Partition,
    pub(crate) write: Option<Write>,
    reading: bool,
    opening: Option<Opening>,
    /// The sequence of the fence that the last opening put up.
    fence: u64,
    /// Consumers below this epoch may go: the lease knows what they knew.
    clears: Option<u64>,
    /// The last epoch that it told to be over.
    over: u64,
    /// The last epoch that its data side ran, and what it had handled when that stopped.
    stopped: (u64, u64),
    pub(crate) data: Option<Data>,
}

/// A consumer on the server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Consumer {
    /// The next stream sequence and consumer sequence.
    next: Position,
    /// Delivered and not acknowledged, only on the durable.
    pending: Vec<u64>,
    /// Everything up to here is acknowledged, as far as it was delivered here.
    floor: u64,
}

/// Where effects go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Sink {
    fence: Option<Standing>,
    /// The latest epoch that has stored an effect.
    newest: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    pub(crate) now: Moment,
    form: Form,
    stored: u64,
    pub(crate) faults: Faults,
    record: Option<(u64, Lease)>,
    /// Writes whose sender gave up waiting: they may land at any time.
    strays: Vec<Request>,
    /// Openings whose member is gone, gave up or has begun another.
    adrift: Vec<Opening>,
    /// By epoch; the durable is 0.
    consumers: BTreeMap<u64, Consumer>,
    pub(crate) members: Vec<Member>,
    handled: Vec<bool>,
    /// What the server has taken as acknowledged.
    acknowledged: u64,
    sink: Sink,
    /// Somebody was told that a living owner is gone.
    misled: bool,
    pub(crate) verdict: Verdict,
}

impl World {
    pub(crate) fn new(form: Form, stored: u64, faults: Faults) -> Self {
        let member = |number: u128| Member {
            alive: true,
            wishes: false,
            session: Session::from_u128(number),
            machine: machine(Session::from_u128(number), (!form.acknowledges()).then_some(QUANTUM)),
            write: None,
            reading: false,
            opening: None,
            fence: 0,
            clears: None,
            over: 0,
            stopped: (0, 0),
            data: None,
        };
        let mut world = Self {
            now: Moment::from_ns(1000),
            form,
            stored,
            faults,
            record: None,
            strays: Vec::new(),
            adrift: Vec::new(),
            consumers: BTreeMap::new(),
            members: vec![member(1), member(2)],
            handled: vec![false; stored as usize],
            acknowledged: 0,
            sink: Sink::default(),
            misled: false,
            verdict: Verdict::default(),
        };
        if form == Form::Resume {
            let next = Position { stream: 1, consumer: 1 };
            world.consumers.insert(0, Consumer { next, pending: Vec::new(), floor: 0 });
        }
        world
    }

    /// Owners go on while nobody answers for the bucket, for two leases at most.
    pub(crate) fn riding(mut self) -> Self {
        let commit_every = (!self.form.acknowledges()).then_some(QUANTUM);
        for member in &mut self.members {
            let terms = Terms { ride_out: Some(TTL * 2), ..terms(member.session, commit_every) };
            member.machine = Partition::new(terms);
        }
        self
    }

    /// Progress is committed only along with renewals and on release: fewer writes, so that more time fits into a check.
    pub(crate) fn seldom(mut self) -> Self {
        for member in &mut self.members {
            member.machine = machine(member.session, None);
        }
        self
    }

    /// Both believe that the partition is theirs: the worst that two views can do.
    pub(crate) fn race(mut self) -> Self {
        for number in 0..self.members.len() {
            self.wish(number, true);
        }
        self
    }

    /// The first member owns the partition and is about to handle; the second has seen it, and wants it too.
    pub(crate) fn owned(mut self) -> Self {
        self.wish(0, true);
        while self.members[0].data.is_none() {
            let step = self.steps().into_iter().find(|step| !matches!(step, Step::Time) && !step.is_fault());
            self.take(step.expect("nothing stands in the way of the only candidate"));
        }
        self.take(Step::Watch(1));
        self.wish(1, true);
        self
    }

    /// The first member was asked to leave with a message in hand.
    pub(crate) fn leaving(mut self) -> Self {
        for step in [Step::Deliver(0), Step::Check(0)] {
            self.take(step);
        }
        self.wish(0, false);
        self
    }

    fn wish(&mut self, number: usize, wish: bool) {
        self.members[number].wishes = wish;
        self.feed(number, Input::Wish(wish));
    }

    /// Whether anybody is left to handle anything.
    pub(crate) fn is_served(&self) -> bool {
        self.members.iter().any(|member| member.alive && member.wishes)
    }

    pub(crate) fn all_handled(&self) -> bool {
        self.handled.iter().all(|handled| *handled)
    }

    fn prefix(&self) -> u64 {
        self.handled.iter().take_while(|handled| **handled).count() as u64
    }

    /// What can happen next, faults included.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut steps = vec![Step::Time];
        if !self.strays.is_empty() {
            steps.extend([Step::Stray, Step::StrayLost]);
        }
        if !self.adrift.is_empty() {
            steps.extend([Step::Adrift, Step::AdriftLost]);
        }
        if self.form == Form::Resume && self.orphaned().is_some() {
            steps.push(Step::Redeliver);
        }
        for number in 0..self.members.len() {
            self.steps_of(number, &mut steps);
        }
        steps
    }

    fn steps_of(&self, number: usize, steps: &mut Vec<Step>) {
        let member = &self.members[number];
        if !member.alive {
            return;
        }
        let mut offer = |possible: bool, step: Step| {
            if possible {
                steps.push(step);
            }
        };
        let mut ticked = member.machine.clone();
        let commands = ticked.step(self.now, member.tick());
        offer(ticked != member.machine || !commands.is_empty(), Step::Tick(number));
        let mut watched = member.machine.clone();
        if let Some((revision, lease)) = &self.record {
            watched.step(self.now, Input::Seen { revision: *revision, lease: Some(lease.clone()) });
            offer(watched != member.machine, Step::Watch(number));
        }
        match &member.write {
            Some(Write::Sent(_)) => {
                offer(true, Step::Apply(number));
                offer(self.faults.unknowns > 0, Step::Unknown(number));
            }
            Some(Write::Answered(_)) => {
                offer(true, Step::Answer(number));
                offer(self.faults.unknowns > 0, Step::Unknown(number));
            }
            None => {}
        }
        offer(member.reading, Step::Read(number));
        offer(member.clears.is_some(), Step::Clear(number));
        offer(member.opening.is_some(), Step::Open(number));
        offer(self.faults.open_fails > 0 && member.opening.is_some(), Step::OpenFail(number));
        offer(self.faults.lost_consumers > 0 && self.consumer_made_by(member).is_some(), Step::LoseConsumer(number));
        let mut hinted = member.machine.clone();
        hinted.step(self.now, Input::Hint { gone: self.members[1 - number].session });
        offer(self.faults.hints > 0 && hinted != member.machine, Step::Hint(number));
        let mut unanswered = member.machine.clone();
        unanswered.step(self.now, Input::Unled { asked: self.now });
        // Only what was asked can stay unanswered.
        let asked = member.write.is_some() || member.reading;
        offer(self.faults.silences > 0 && asked && unanswered != member.machine, Step::Silence(number));
        offer(self.faults.crashes > 0, Step::Crash(number));
        offer(self.faults.leaves > 0 && member.wishes, Step::Leave(number));
        let Some(data) = &member.data else { return };
        let consumer = self.consumers.get(&self.consumer_of(data.epoch));
        let waiting = consumer.is_some_and(|consumer| consumer.next.stream <= self.stored);
        let room = data.arrived.len() < PREFETCH && !data.stop;
        offer(waiting && room, Step::Deliver(number));
        offer(waiting && room && self.faults.cuts > 0, Step::Cut(number));
        let lacks = consumer.is_none_or(|consumer| data.continuity.lacks(consumer.next.consumer - 1));
        let quiet = data.arrived.is_empty() && data.handling.is_none() && !data.stop;
        offer(self.form.follows() && quiet && lacks, Step::Heartbeat(number));
        offer(!data.arrived.is_empty() && data.handling.is_none() && !data.stop, Step::Check(number));
        offer(data.handling.is_some(), Step::Finish(number));
        offer(matches!(data.acks.first(), Some(Ack::Taken(_) | Ack::Refused)), Step::Confirm(number));
        offer(data.acks.iter().any(|ack| matches!(ack, Ack::Sent(_))), Step::Ack(number));
        offer(data.stop && data.handling.is_none() && data.acks.is_empty(), Step::Stop(number));
    }

    pub(crate) fn take(&mut self, step: Step) {
        match step {
            Step::Time => self.now = self.now.plus(QUANTUM),
            Step::Tick(number) => self.feed(number, self.members[number].tick()),
            Step::Watch(number) => {
                if let Some((revision, lease)) = self.record.clone() {
                    self.feed(number, Input::Seen { revision, lease: Some(lease) });
                }
            }
            Step::Apply(number) => {
                if let Some(Write::Sent(request)) = self.members[number].write.take() {
                    let result = self.apply(request);
                    self.members[number].write = Some(Write::Answered(result));
                }
            }
            Step::Answer(number) => {
                if let Some(Write::Answered(result)) = self.members[number].write.take() {
                    self.feed(number, Input::Wrote(result));
                }
            }
            Step::Unknown(number) => {
                self.faults.unknowns -= 1;
                if let Some(Write::Sent(request)) = self.members[number].write.take() {
                    self.strays.push(request);
                }
                self.feed(number, Input::Wrote(Wrote::Unknown));
            }
            Step::Stray => {
                let request = self.strays.remove(0);
                self.apply(request);
            }
            Step::StrayLost => drop(self.strays.remove(0)),
            Step::Read(number) => {
                self.members[number].reading = false;
                let found = self.record.clone().map_or((0, None), |(revision, lease)| (revision, Some(lease)));
                self.feed(number, Input::ReadBack(Some(found)));
            }
            Step::Clear(number) => {
                if let Some(epoch) = self.members[number].clears.take() {
                    self.consumers.retain(|other, _| *other >= epoch);
                }
            }
            Step::Open(number) => self.open(number),
            Step::OpenFail(number) => {
                self.faults.open_fails -= 1;
                if let Some(opening) = self.members[number].opening.take() {
                    self.set_adrift(opening);
                    self.feed(number, Input::OpenFailed { epoch: opening.epoch });
                }
            }
            Step::Hint(number) => {
                self.faults.hints -= 1;
                let other = &self.members[1 - number];
                self.misled |= other.alive;
                let gone = other.session;
                self.feed(number, Input::Hint { gone });
            }
            Step::Silence(number) => {
                self.faults.silences -= 1;
                self.misled = true;
                self.feed(number, Input::Unled { asked: self.now });
            }
            Step::LoseConsumer(number) => {
                self.faults.lost_consumers -= 1;
                if let Some(name) = self.consumer_made_by(&self.members[number]) {
                    self.consumers.remove(&name);
                }
                // What only the consumer knew is gone with it.
                self.acknowledged = self.record.as_ref().map_or(0, |(_, lease)| lease.checkpoint);
            }
            Step::Adrift => {
                let opening = self.adrift.remove(0);
                if let server::Carried::On(opening) = self.carry_out(opening) {
                    self.set_adrift(opening);
                }
            }
            Step::AdriftLost => drop(self.adrift.remove(0)),
            Step::Deliver(number) => self.deliver(number, true),
            Step::Cut(number) => {
                self.faults.cuts -= 1;
                self.deliver(number, false);
            }
            Step::Heartbeat(number) => {
                let gone =
                    self.members[number].data.as_ref().is_some_and(|data| !self.consumers.contains_key(&data.epoch));
                self.end(number, if gone { Stopped::ConsumerGone } else { Stopped::TailLost });
            }
            Step::Check(number) => self.check(number),
            Step::Finish(number) => self.finish(number),
            Step::Ack(number) => self.ack(number),
            Step::Confirm(number) => self.confirm(number),
            Step::Stop(number) => self.end(number, Stopped::Asked),
            Step::Redeliver => {
                if let Some((sequence, consumer)) = self.orphaned().zip(self.consumers.get_mut(&0)) {
                    consumer.pending.retain(|pending| *pending != sequence);
                    // The redelivery goes to whoever pulls, whatever came meanwhile.
                    if let Some(data) = self.members.iter_mut().filter_map(|member| member.data.as_mut()).next() {
                        data.arrived.push(Position { stream: sequence, consumer: 0 });
                        consumer.pending.push(sequence);
                    }
                }
            }
            Step::Crash(number) => {
                self.faults.crashes -= 1;
                let member = &mut self.members[number];
                member.alive = false;
                if let Some(Write::Sent(request)) = member.write.take() {
                    self.strays.push(request);
                }
                if let Some(opening) = self.members[number].opening.take() {
                    self.set_adrift(opening);
                }
                let member = &mut self.members[number];
                (member.data, member.reading, member.clears) = (None, false, None);
            }
            Step::Leave(number) => {
                self.faults.leaves -= 1;
                self.wish(number, false);
            }
        }
    }

    fn feed(&mut self, number: usize, input: Input) {
        let now = self.now;
        let mut adrift = None;
        let member = &mut self.members[number];
        for command in member.machine.step(now, input) {
            match command {
                Command::Write { expected, lease } => {
                    assert!(member.write.is_none(), "one write in flight per record");
                    member.write = Some(Write::Sent(Request { expected, lease }));
                }
                Command::Read { .. } => member.reading = true,
                Command::Open { epoch, checkpoint } => {
                    let stage = match self.form {
                        form if form.fences() => Stage::FenceReading,
                        _ if self.form.acknowledges() => Stage::Reading,
                        _ => Stage::Clearing,
                    };
                    let session = member.session;
                    // A partition that was not wished for a moment may be claimed again while its last opening goes on.
                    adrift = member.opening.replace(Opening { epoch, checkpoint, session, fence: 0, stage });
                }
                Command::Run { epoch, start, deadline } => {
                    assert!(member.data.is_none(), "one epoch at a time");
                    self.verdict.repeated |= start <= self.acknowledged;
                    let (before, handled) = member.stopped;
                    self.verdict.forgetful |= epoch == before + 1 && start <= handled;
                    member.data = Some(Data {
                        epoch,
                        start,
                        fence: member.fence,
                        deadline,
                        continuity: Continuity::starting_at(start),
                        arrived: Vec::new(),
                        handling: None,
                        handled: start - 1,
                        last: None,
                        acks: Vec::new(),
                        stop: false,
                    });
                }
                Command::Extend { deadline } => {
                    if let Some(data) = &mut member.data {
                        data.deadline = deadline;
                    }
                }
                Command::Drain | Command::Drop => {
                    if let Some(data) = &mut member.data {
                        data.stop = true;
                    }
                }
                Command::Tell(Told::Lost { epoch, .. } | Told::Reopened { epoch, .. } | Told::Released { epoch }) => {
                    member.over = epoch
                }
                Command::Tell(
                    Told::Granted { epoch, .. } | Told::Renewed { epoch, .. } | Told::Riding { epoch, .. },
                ) => self.verdict.revived |= epoch <= member.over,
                Command::Tell(Told::Committed { epoch, up_to }) if self.form.acknowledges() => {
                    // The last that was told counts: what it says includes what was said before.
                    let knows = up_to >= member.data.as_ref().map_or(u64::MAX, |data| data.start - 1);
                    let elders = self.consumers.range(..epoch).next().is_some();
                    member.clears = (knows && elders).then_some(epoch).or(member.clears);
                }
                Command::Tell(Told::Opened { .. } | _) => {}
            }
        }
        if let Some(opening) = adrift {
            self.set_adrift(opening);
        }
    }

    /// What happens once nothing goes wrong any more: everybody alive acts on everything, and time goes on.
    pub(crate) fn recovers(&self) -> bool {
        let mut world = self.clone();
        world.faults = Faults::default();
        for _ in 0..40 {
            for _ in 0..60 {
                let step = world
                    .steps()
                    .into_iter()
                    .find(|step| !matches!(step, Step::Time | Step::StrayLost | Step::AdriftLost));
                let Some(step) = step else { break };
                world.take(step);
            }
            if world.all_handled() {
                return true;
            }
            world.take(Step::Time);
        }
        false
    }
}

fn machine(session: Session, commit_every: Option<Duration>) -> Partition {
    Partition::new(terms(session, commit_every))
}

fn terms(session: Session, commit_every: Option<Duration>) -> Terms {
    let max_handling = Duration::from_secs(1);
    Terms { session, worker: String::new(), ttl: TTL, commit_every, max_handling, ride_out: None }
}

impl Member {
    fn tick(&self) -> Input {
        Input::Tick { handled: self.data.as_ref().map_or(0, |data| data.handled), busy_since: None }
    }
}
