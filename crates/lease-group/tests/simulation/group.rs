//! A whole group in simulated time: members, the bucket between them, and requests and watches that take a while.
//!
//! Everything is drawn from one seed, so a simulation can be repeated to the last write. What is simulated is the core: who decides what,
//! and what is sent for it. Not simulated are messages, handlers, and what the server's own work costs: it answers at once, whatever
//! comes.

#[path = "count.rs"]
pub(crate) mod count;
#[path = "member.rs"]
mod member;
#[path = "store.rs"]
mod store;

use std::collections::BTreeMap;
use std::time::Duration;

pub(crate) use count::cpu_ns;
use count::{Counts, Outcome};
use lease_group::clock::Moment;
use lease_group::record::{Heartbeat, Holding, Lease, Session};
use lease_group::state::{Command, Input, LostReason, Stopped, Terms, Told, Wrote};
use member::{Deed, Member, session_number, worker};
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

/// A belief: this member may start something until its deadline.
#[derive(Clone, Copy)]
struct Belief {
    member: u32,
    epoch: u64,
    deadline: Moment,
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
            dice: Dice(shape.seed),
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

    /// By member that takes part: how many partitions it owns.
    fn loads(&self) -> BTreeMap<u32, u64> {
        let present = self.members.iter().filter(|member| member.takes_part());
        let mut loads: BTreeMap<u32, u64> = present.map(|member| (member.number(), 0)).collect();
        for belief in self.beliefs.iter().flatten() {
            if let Some(load) = loads.get_mut(&belief.member) {
                *load += 1;
            }
        }
        loads
    }

    fn is_balanced(&self) -> bool {
        let loads = self.loads();
        let all: u64 = loads.values().sum();
        let spread = loads.values().max().unwrap_or(&0) - loads.values().min().unwrap_or(&0);
        all == u64::from(self.shape.partitions) && spread <= 1
    }

    /// The partitions that nobody has who stays, and what those who stay have in excess of the best balance.
    fn moves_least(&self) -> u64 {
        let mut loads: Vec<u64> = self.loads().into_values().collect();
        loads.sort_unstable_by(|left, right| right.cmp(left));
        let (all, members) = (u64::from(self.shape.partitions), loads.len().max(1) as u64);
        let orphans = all - loads.iter().sum::<u64>();
        let quota = |rank: usize| all / members + u64::from((rank as u64) < all % members);
        orphans + loads.iter().enumerate().map(|(rank, load)| load.saturating_sub(quota(rank))).sum::<u64>()
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

    fn told(&mut self, member: u32, partition: u32, told: Told) {
        let place = partition as usize;
        match told {
            Told::Granted { epoch, deadline, .. } => {
                if let Some(other) = self.beliefs[place].filter(|other| self.now < other.deadline) {
                    self.wrongs.push(format!(
                        "partition {partition}: w{member} owns epoch {epoch} while w{} owns {}",
                        other.member, other.epoch
                    ));
                }
                let (before, since) = self.last[place];
                self.moves += u64::from(before != Some(member));
                self.gap = self.gap.max(self.now.since(since));
                self.last[place].0 = Some(member);
                self.beliefs[place] = Some(Belief { member, epoch, deadline });
            }
            Told::Renewed { epoch, deadline } | Told::Riding { epoch, deadline } => {
                if let Some(belief) = self.beliefs[place].as_mut().filter(|belief| belief.epoch == epoch) {
                    belief.deadline = deadline;
                }
            }
            Told::Lost { epoch, reason } => {
                if self.beliefs[place].is_some_and(|belief| belief.member == member && belief.epoch == epoch) {
                    self.vacate(partition);
                }
                if reason == LostReason::DeadlinePassed {
                    self.wrongs.push(format!("partition {partition}: w{member} missed its own deadline"));
                }
            }
            Told::Released { epoch } | Told::Reopened { epoch, .. } => {
                if self.beliefs[place].is_some_and(|belief| belief.member == member && belief.epoch == epoch) {
                    self.vacate(partition);
                }
            }
            Told::Vacant { .. } | Told::Unreadable { .. } | Told::Opened { .. } | Told::Committed { .. } => {}
        }
    }

    fn vacate(&mut self, partition: u32) {
        self.beliefs[partition as usize] = None;
        self.last[partition as usize].1 = self.now;
    }

    fn after(&mut self, duration: Duration, event: Event) {
        self.queued += 1;
        self.queue.insert((self.now.plus(duration), self.queued), event);
    }
}

/// SplitMix64 (Steele, Lea and Flood, 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn within(&mut self, least: Duration, most: Duration) -> Duration {
        least + Duration::from_nanos(self.below((most.saturating_sub(least)).as_nanos() as u64))
    }

    /// One way: 0.2 to 1 ms, and 2 to 20 ms once in a hundred.
    fn latency(&mut self) -> Duration {
        let us = if self.below(100) == 0 { 2_000 + self.below(18_000) } else { 200 + self.below(800) };
        Duration::from_micros(us)
    }
}

fn ms(duration: Duration) -> u64 {
    duration.as_millis() as u64
}
