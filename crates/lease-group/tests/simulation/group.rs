//! A whole group in simulated time: members, the bucket between them, and requests and watches that take a while.
//!
//! Everything is drawn from one seed, so a simulation can be repeated to the last write. What is simulated is the core: who decides what,
//! and what is sent for it. Not simulated are messages, handlers, and what the server's own work costs: it answers at once, whatever
//! comes.

#[path = "count.rs"]
pub(crate) mod count;
#[path = "dice.rs"]
mod dice;
#[path = "member.rs"]
mod member;
#[path = "ownership.rs"]
mod ownership;
#[path = "store.rs"]
mod store;

use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) use count::cpu_ns;
use count::{Counts, Outcome};
use dice::Dice;
use lease_group::clock::Moment;
use lease_group::record::{Heartbeat, Holding, Lease, Session};
use lease_group::state::{Command, Input, Stopped, Terms, Wrote};
use member::{Deed, Member, session_number, worker};
use ownership::Belief;
use store::Store;

/// What is simulated.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) partitions: u32,
    pub(crate) ttl: Duration,
    /// How often a member looks, on average.
    pub(crate) look_every: Duration,
    /// With messages in every partition: how often progress is committed.
    pub(crate) commit_every: Option<Duration>,
    /// Keep all machines.
    pub(crate) whole: bool,
    pub(crate) seed: u64,
}

enum Event {
    Turn(u32),
    Beat(u32, Heartbeat),
    Write { member: u32, partition: u32, expected: u64, lease: Lease },
    Read { member: u32, partition: u32 },
    Answer { member: u32, partition: u32, input: Input },
}

pub(crate) struct Group {
    shape: Shape,
    now: Moment,
    dice: Dice,
    store: Store,
    members: Vec<Member>,
    sessions: Vec<Session>,
    queue: BTreeMap<(Moment, u64), Event>,
    queued: u64,
    /// By partition: who believes to own it.
    beliefs: Vec<Option<Belief>>,
    /// By partition: who had it last, and since when nobody has.
    last: Vec<(Option<u32>, Moment)>,
    /// What the data sides run: (member, partition) → epoch.
    running: BTreeMap<(u32, u32), u64>,
    counts: Counts,
    moves: u64,
    gap: Duration,
    /// Instants at which two members owned one partition, and leases lost that nobody had taken.
    pub(crate) wrongs: Vec<String>,
}

impl Group {
    pub(crate) fn new(shape: Shape) -> Self {
        let partitions = shape.partitions as usize;
        Self {
            now: Moment::from_ns(1_000_000_000),
            dice: Dice::new(shape.seed),
            store: Store::new(shape.partitions),
            members: Vec::new(),
            sessions: Vec::new(),
            queue: BTreeMap::new(),
            queued: 0,
            beliefs: vec![None; partitions],
            last: vec![(None, Moment::from_ns(1_000_000_000)); partitions],
            running: BTreeMap::new(),
            counts: Counts::default(),
            moves: 0,
            gap: Duration::ZERO,
            wrongs: Vec::new(),
            shape,
        }
    }

    pub(crate) fn digest(&self) -> u64 {
        self.store.digest()
    }

    /// So many new members, within one look.
    pub(crate) fn join(&mut self, count: u32) {
        for _ in 0..count {
            let number = self.members.len() as u32;
            let session = Session::from_u128(session_number(number));
            let Shape { ttl, commit_every, partitions, whole, .. } = self.shape;
            let terms = Terms {
                session,
                worker: worker(number),
                ttl,
                commit_every,
                max_handling: Duration::from_secs(3600),
                ride_out: None,
            };
            self.sessions.push(session);
            self.members.push(Member::new(number, terms, partitions, whole));
            let after = self.dice.within(Duration::ZERO, self.shape.look_every);
            self.after(after, Event::Turn(number));
        }
    }

    /// So many members leave, in an orderly way.
    pub(crate) fn leave(&mut self, count: u32) {
        for number in self.draw(count) {
            self.members[number as usize].leave(self.now);
        }
    }

    /// So many members are killed at this instant. What they had sent may still land.
    pub(crate) fn crash(&mut self, count: u32) {
        for number in self.draw(count) {
            self.members[number as usize].gone = true;
            for partition in 0..self.shape.partitions {
                if self.beliefs[partition as usize].is_some_and(|belief| belief.member == number) {
                    self.vacate(partition);
                }
            }
        }
    }

    fn draw(&mut self, count: u32) -> Vec<u32> {
        let mut present: Vec<u32> =
            self.members.iter().filter(|member| member.takes_part()).map(Member::number).collect();
        (0..count.min(present.len() as u32))
            .map(|_| {
                let place = self.dice.below(present.len() as u64) as usize;
                present.swap_remove(place)
            })
            .collect()
    }

    /// Lets something happen, and waits until the group has come to rest: everything owned, balanced, and half a time to live later still so.
    pub(crate) fn phase(&mut self, phase: &'static str, patience: Duration, change: impl FnOnce(&mut Self)) -> Outcome {
        (self.counts, self.moves, self.gap) = (Counts::default(), 0, Duration::ZERO);
        let (began, began_cpu_ns, began_deciding_ns) = (self.now, cpu_ns(), self.deciding_ns());
        change(self);
        let moves_least = self.moves_least();
        let end = self.now.plus(patience);
        let mut converged = None;
        while self.now < end {
            self.run(self.shape.look_every);
            if !self.is_balanced() {
                converged = None;
            } else if self.now.since(*converged.get_or_insert(self.now)) >= self.shape.ttl / 2 {
                break;
            }
        }
        let loads = self.loads();
        Outcome {
            phase,
            members: loads.len() as u32,
            converged_ms: converged.map(|at| ms(at.since(began))),
            moves: self.moves,
            moves_least,
            gap_ms_max: ms(self.gap),
            loads: (loads.values().copied().max().unwrap_or(0), loads.values().copied().min().unwrap_or(0)),
            counts: self.counts,
            length_ms: ms(self.now.since(began)),
            cpu_ms: (cpu_ns() - began_cpu_ns) / 1_000_000,
            deciding_ms: (self.deciding_ns() - began_deciding_ns) / 1_000_000,
        }
    }

    fn deciding_ns(&self) -> u64 {
        self.members.iter().map(|member| member.deciding_ns).sum()
    }

    fn run(&mut self, duration: Duration) {
        let end = self.now.plus(duration);
        while let Some(entry) = self.queue.first_entry().filter(|entry| entry.key().0 <= end) {
            let ((now, _), event) = entry.remove_entry();
            self.now = now;
            self.happen(event);
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Turn(number) => self.turn(number),
            Event::Beat(number, heartbeat) => {
                self.counts.heartbeats += 1;
                self.store.put_heartbeat(self.now, number, heartbeat);
            }
            Event::Write { member, partition, expected, lease } => self.write(member, partition, expected, lease),
            Event::Read { member, partition } => {
                self.counts.reads += 1;
                let (revision, lease) = self.store.lease(partition);
                let input = Input::ReadBack(Some((revision, lease.cloned())));
                self.reply(member, partition, input);
            }
            Event::Answer { member, partition, input } => {
                if let Input::Ended { epoch, .. } = &input
                    && self.running.get(&(member, partition)) == Some(epoch)
                {
                    self.running.remove(&(member, partition));
                }
                let one = &mut self.members[member as usize];
                if !one.gone {
                    let mut deeds = Vec::new();
                    one.answer(self.now, partition, input, &mut deeds);
                    self.perform(member, deeds);
                }
            }
        }
    }

    fn turn(&mut self, number: u32) {
        let lag = self.dice.latency();
        let visible = Moment::from_ns(self.now.as_ns().saturating_sub(lag.as_nanos() as u64));
        let one = &mut self.members[number as usize];
        if one.gone {
            return;
        }
        let mut deeds = Vec::new();
        one.turn(self.now, visible, &self.store, &self.sessions, &mut self.counts, &mut deeds);
        self.perform(number, deeds);
        let look = self.shape.look_every;
        let after = self.dice.within(look / 2, look * 3 / 2);
        self.after(after, Event::Turn(number));
    }

    fn write(&mut self, member: u32, partition: u32, expected: u64, lease: Lease) {
        let before = self.store.lease(partition).1.map_or(0, |lease| lease.epoch);
        match lease.holding {
            Holding::Free => self.counts.releases += 1,
            Holding::Own if lease.epoch > before => self.counts.claims += 1,
            Holding::Own => self.counts.renewals += 1,
        }
        let wrote = match self.store.compare_and_set(self.now, member, partition, expected, lease) {
            Some(revision) => Wrote::Stored(revision),
            None => {
                self.counts.refused += 1;
                Wrote::Conflict
            }
        };
        // One answer in ten thousand never comes.
        if self.dice.below(10_000) == 0 {
            let input = Input::Wrote(Wrote::Unknown);
            self.after(self.shape.ttl / 4, Event::Answer { member, partition, input });
        } else {
            self.reply(member, partition, Input::Wrote(wrote));
        }
    }

    fn reply(&mut self, member: u32, partition: u32, input: Input) {
        let after = self.dice.latency();
        self.after(after, Event::Answer { member, partition, input });
    }

    fn perform(&mut self, member: u32, deeds: Vec<Deed>) {
        for deed in deeds {
            match deed {
                // What is only told takes no time, and none of the dice.
                Deed::Command(partition, Command::Tell(told)) => self.told(member, partition, told),
                Deed::Command(partition, command) => {
                    let latency = self.dice.latency();
                    self.command(member, partition, command, latency);
                }
                Deed::Beat(heartbeat) => {
                    let latency = self.dice.latency();
                    self.after(latency, Event::Beat(member, heartbeat));
                }
            }
        }
    }

    fn command(&mut self, member: u32, partition: u32, command: Command, latency: Duration) {
        match command {
            Command::Write { expected, lease } => {
                self.after(latency, Event::Write { member, partition, expected, lease });
            }
            Command::Read { after } => self.after(after + latency, Event::Read { member, partition }),
            Command::Open { epoch, checkpoint } => {
                self.counts.openings += 1;
                // Three requests, one after the other.
                let input = Input::Opened { epoch, start: checkpoint + 1 };
                self.after(latency * 6, Event::Answer { member, partition, input });
            }
            Command::Run { epoch, .. } => {
                self.running.insert((member, partition), epoch);
            }
            Command::Drain | Command::Drop => {
                if let Some(epoch) = self.running.get(&(member, partition)).copied() {
                    let input = Input::Ended { epoch, handled: 0, why: Stopped::Asked };
                    self.after(latency, Event::Answer { member, partition, input });
                }
            }
            Command::Extend { .. } | Command::Tell(_) => {}
        }
    }

    fn after(&mut self, duration: Duration, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now.plus(duration), self.queued), event);
    }
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
