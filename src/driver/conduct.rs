//! Conducts a run: phases, faults, samples, deaths. Every wait has a bound.

mod balances;
mod drain;
mod effects;
mod eviction;
mod fill;
mod nodes;
mod passing;
mod rolling;
mod sink;
mod stored;
mod strikes;
mod watch;

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use tokio::sync::mpsc;

use self::effects::Effect;
use self::eviction::Evictions;
use self::nodes::Nodes;
use self::passing::{Passing, Relays};
use self::rolling::Rolling;
use super::drops::{self, Drop, Drops};
use super::fleet::{EndOrder, Fleet, Heard};
use super::look::{Look, Seen};
use super::provision::Ground;
use super::scene::Scene;
use super::{Ending, Error, Options, Stop};
use crate::clock;
use crate::fault::{State, Strike};
use crate::model::record::{Author, Role};
use crate::model::story::{Phase, StoryEvent};
use crate::model::time::{MonoNs, SpanNs};
use crate::process::Exit;
use crate::profile::Plan;
use crate::protocol::{Assignment, Job, Order, Word};
use crate::relay;

/// How long workers may take to connect and say that they are ready.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long publishers may take to settle and end after the load has ended: a little more than they give themselves.
const CEASE_WITHIN: SpanNs = SpanNs(15_000_000_000);
/// How long members may take to leave at the end.
const LEAVE_WITHIN: SpanNs = SpanNs(10_000_000_000);
/// How long an ordered end or kill may take to be seen.
const END_WITHIN: Duration = Duration::from_secs(5);
/// How often processes are looked after, and sampled in a run of usual length.
const SAMPLE_EVERY: SpanNs = SpanNs(500_000_000);
/// So often the processes of a run are sampled at most: a longer run is sampled less often, so that its story does not grow with it.
const SAMPLES_MAX: u64 = 4_000;
/// How often progress is shown.
const SHOW_EVERY: SpanNs = SpanNs(1_000_000_000);
/// Lead between the order to begin and the beginning, so that all publishers have heard of it.
const LEAD: SpanNs = SpanNs(50_000_000);

/// Conducts the run on `ground` to its end. Whatever the outcome, all workers have ended when this returns.
pub(super) async fn conduct(
    plan: &Plan,
    options: &Options,
    ground: &mut Ground,
    stop: Stop,
    show: &mut dyn FnMut(&Scene),
) -> Result<Ending, Error> {
    let (hearing, heard) = mpsc::unbounded_channel();
    let fleet = Fleet::new(options.exe.clone(), ground.group(), hearing);
    let remembers = plan.stream.evicts() || plan.strategy.withholds();
    let look = Look::new(ground.journals(), ground.run_tag(), plan.load.keys, remembers);
    let strikes: VecDeque<Strike> = plan.schedule().into();
    let nodes = Nodes::new(ground.nodes());
    let mut conductor = Conductor {
        plan,
        ground,
        fleet,
        heard,
        stop,
        show,
        look,
        drops: None,
        next_fault: u32::try_from(strikes.len()).unwrap_or(u32::MAX),
        strikes,
        nodes,
        rolling: None,
        resumes: Vec::new(),
        exe: options.exe.clone(),
        relays: Relays::default(),
        passing: Vec::new(),
        struck: BTreeMap::new(),
        effects: Vec::new(),
        restarts: Vec::new(),
        evictions: None,
        begin: MonoNs(0),
        phase: Phase::Provision,
        next_sample: MonoNs(0),
        next_told_sample: MonoNs(0),
        next_show: MonoNs(0),
        last_shown: (MonoNs(0), Seen::default()),
        trouble: false,
        interrupted: false,
        stops_on_violation: options.stop_on_violation,
        violated: false,
        violations: 0,
        sighted: BTreeMap::new(),
    };
    if options.stop_on_violation && conductor.ground.take_sightings().is_none() {
        let text = "the stream's limits may evict messages, so nothing can be judged while the run goes on: it is not stopped on a violation";
        (conductor.show)(&Scene::Note(text.to_owned()));
        conductor.ground.tell(StoryEvent::Note { text: text.to_owned() })?;
    }
    let ending = conductor.play().await;
    let ended = conductor.end_all().await;
    let ending = ending?;
    ended?;
    Ok(ending)
}

struct Conductor<'a> {
    plan: &'a Plan,
    ground: &'a mut Ground,
    fleet: Fleet,
    heard: mpsc::UnboundedReceiver<Heard>,
    stop: Stop,
    show: &'a mut dyn FnMut(&Scene),
    look: Look,
    /// What the server gives up, where it may.
    drops: Option<Drops>,
    strikes: VecDeque<Strike>,
    /// The number of the next fault that is not in the schedule: the turns of a rolling restart.
    next_fault: u32,
    /// The server nodes.
    nodes: Nodes,
    /// The rolling restart that is under way.
    rolling: Option<Rolling>,
    /// Paused members: when to continue which, and the fault that paused them.
    resumes: Vec<(MonoNs, u32, Author)>,
    /// The program whose hidden subcommand is the relay.
    exe: PathBuf,
    /// What stands between those whose connection may be cut and the servers.
    relays: Relays,
    /// Cut connections and slow handlers.
    passing: Vec<Passing>,
    /// The incarnation that a fault struck, by its number and the name of the member or publisher.
    struck: BTreeMap<(u32, String), Author>,
    /// What is still to be seen of faults that were delivered.
    effects: Vec<(u32, Author, Effect)>,
    /// Members to start again as soon as they have ended.
    restarts: Vec<u16>,
    /// What is asked of a stream that may evict.
    evictions: Option<Evictions>,
    begin: MonoNs,
    phase: Phase,
    next_sample: MonoNs,
    next_told_sample: MonoNs,
    next_show: MonoNs,
    /// When progress was shown last, and what was seen by then.
    last_shown: (MonoNs, Seen),
    /// Something happened that makes going on pointless.
    trouble: bool,
    interrupted: bool,
    /// The user wants the run to end at the first broken promise.
    stops_on_violation: bool,
    /// One was seen, and that was the reason to end.
    violated: bool,
    /// Broken promises that were seen.
    violations: u64,
    /// How often each kind of what goes wrong was seen.
    sighted: BTreeMap<&'static str, u32>,
}

impl Conductor<'_> {
    async fn play(&mut self) -> Result<Ending, Error> {
        self.enter(Phase::Provision)?;
        self.start_relay()?;
        self.begin_to_ask_what_is_gone().await?;
        if self.plan.load.backlog > 0 {
            self.start_publishers().await?;
            self.await_ready().await?;
            self.fill().await?;
        }
        if self.plan.strategy.max_deliver().is_some() {
            self.drops = Some(self.ground.listen_for_drops().await?);
        }
        self.ground.make_consumers(self.plan).await?;
        self.look.take_offer(self.ground.offer().clone());
        self.start_members().await?;
        if self.plan.load.backlog == 0 {
            self.start_publishers().await?;
        }
        self.await_ready().await?;
        self.begin_load().await;
        let measure_at = self.begin + self.plan.phases.warm_up;
        let drain_at = measure_at + self.plan.phases.measure;
        self.enter(Phase::WarmUp)?;
        self.run_until(measure_at).await?;
        if self.goes_on() {
            self.enter(Phase::Measure)?;
            self.run_until(drain_at).await?;
        }
        self.heal_everything().await?;
        self.cease_load(drain_at).await?;
        self.resume_everybody()?;
        if self.goes_on() {
            self.enter(Phase::Drain)?;
            self.drain().await?;
        }
        self.tell_what_is_gone().await?;
        if self.trouble {
            self.ground.tell(StoryEvent::BrokenOff)?;
        }
        // What the work has cost by its end, whenever the last sample was taken.
        self.sample()?;
        self.look_after_servers()?;
        self.dismiss().await?;
        self.dismiss_relay();
        if self.ground.users_server_is_gone().await {
            let reason =
                "the server was gone when the run ended: what was not stored or handled says nothing of the strategy";
            self.ground.tell(StoryEvent::Damage { reason: reason.to_owned() })?;
        }
        self.read_balances().await?;
        self.read_effects().await?;
        // The run is over: what is read from here on is what it left behind.
        let over = clock::now();
        self.read_stream(over).await?;
        let event = if self.interrupted { StoryEvent::Interrupted } else { StoryEvent::End };
        self.ground.tell_at(over, event)?;
        Ok(if self.interrupted { Ending::Interrupted } else { Ending::Whole })
    }

    fn goes_on(&self) -> bool {
        !self.trouble && !self.interrupted && !self.violated
    }

    /// Whether the user wants nothing to be waited for any more, however far the end has come.
    fn asked_twice(&self) -> bool {
        *self.stop.borrow() >= 2
    }

    /// How long workers may take to end in good order. Without servers that answer they cannot.
    fn patience(&self, usual: SpanNs) -> SpanNs {
        if self.ground.majority_has_ended() { SpanNs(0) } else { usual }
    }

    fn enter(&mut self, phase: Phase) -> Result<(), Error> {
        self.phase = phase;
        self.ground.tell(StoryEvent::Phase { phase })
    }

    async fn start_members(&mut self) -> Result<(), Error> {
        for index in 0..self.plan.fleet.members {
            self.start(Author { role: Role::Consumer, index, life: 1 }).await?;
        }
        Ok(())
    }

    async fn start_publishers(&mut self) -> Result<(), Error> {
        for index in 0..self.plan.load.publishers {
            self.start(Author { role: Role::Publisher, index, life: 1 }).await?;
        }
        Ok(())
    }

    async fn start(&mut self, author: Author) -> Result<(), Error> {
        let plan = self.plan;
        let job = match author.role {
            Role::Publisher => Job::Publish { load: plan.load.clone() },
            Role::Consumer => Job::Consume {
                group: self.ground.name().to_owned(),
                strategy: Box::new(plan.strategy.clone()),
                handler: plan.fleet.handler,
                bank: plan.bank,
            },
        };
        let access = self.way_of(author).await?;
        let assignment = Assignment {
            author,
            journals: self.ground.journals(),
            run_tag: self.ground.run_tag(),
            seed: plan.seed,
            system: self.system_way_of(author, &access),
            access,
            stream: self.ground.name().to_owned(),
            subject_prefix: self.ground.subjects().partitions.clone(),
            key_prefix: self.ground.subjects().keys.clone(),
            partitions: plan.stream.partitions,
            members: plan.fleet.members,
            job,
        };
        self.look.follow(author);
        let pid = self.fleet.start(assignment).await?;
        self.ground.tell(StoryEvent::Spawned { process: author.to_string(), pid: pid.number() })
    }

    async fn await_ready(&mut self) -> Result<(), Error> {
        let deadline = clock::now() + READY_WITHIN.into();
        loop {
            let unready: Vec<String> =
                self.fleet.iter().filter(|worker| !worker.ready).map(|worker| worker.author().to_string()).collect();
            if unready.is_empty() {
                return Ok(());
            }
            if let Some(failed) = self.fleet.iter().find(|worker| worker.ended && !worker.ready) {
                let reason = failed.failure.clone().unwrap_or_else(|| "it ended without a word".to_owned());
                return Err(Error::Worker { process: failed.author().to_string(), reason });
            }
            if self.interrupted {
                return Err(Error::StoppedEarly);
            }
            if clock::now() >= deadline {
                return Err(Error::NotReady { processes: unready.join(", "), seconds: READY_WITHIN.as_secs() });
            }
            self.step(deadline).await?;
        }
    }

    async fn begin_load(&mut self) {
        self.begin = clock::now() + LEAD;
        for worker in self.fleet.running_mut(Role::Publisher) {
            worker.tell(&Order::Begin { at: self.begin }).await;
        }
        self.last_shown.0 = self.begin;
        self.next_show = self.begin + SHOW_EVERY;
    }

    async fn run_until(&mut self, end: MonoNs) -> Result<(), Error> {
        while self.goes_on() && clock::now() < end {
            self.step(end).await?;
        }
        Ok(())
    }

    /// Ends the load: nothing intended at or after `at` (or now, if that is earlier) is sent.
    async fn cease_load(&mut self, at: MonoNs) -> Result<(), Error> {
        let at = at.min(clock::now());
        self.rolling = None;
        self.heal_nodes()?;
        for worker in self.fleet.running_mut(Role::Publisher) {
            worker.order_end(EndOrder::GoodOrder);
            worker.tell(&Order::Cease { at }).await;
        }
        let bound = clock::now() + self.patience(CEASE_WITHIN);
        while self.fleet.any_running(Role::Publisher) && clock::now() < bound && !self.asked_twice() {
            self.step(bound).await?;
        }
        self.await_nodes().await
    }

    /// Lets all members leave in good order, then ends those that do not.
    async fn dismiss(&mut self) -> Result<(), Error> {
        self.strikes.clear();
        self.restarts.clear();
        for worker in self.fleet.running_mut(Role::Consumer) {
            worker.order_end(EndOrder::GoodOrder);
            worker.state = State::Left;
            worker.tell(&Order::Leave).await;
        }
        let patience = self.patience(LEAVE_WITHIN);
        let bound = clock::now() + patience;
        while self.fleet.any_running(Role::Consumer) && clock::now() < bound && !self.asked_twice() {
            self.step(bound).await?;
        }
        let slow: Vec<String> =
            self.fleet.running_mut(Role::Consumer).map(|worker| worker.author().to_string()).collect();
        if !slow.is_empty() {
            let text = if self.asked_twice() {
                format!("{} had no time to leave: the user asked twice to stop", slow.join(", "))
            } else {
                let seconds = patience.0 / 1_000_000_000;
                format!("{} did not leave within {seconds} s and was ended", slow.join(", "))
            };
            self.ground.tell(StoryEvent::Note { text })?;
        }
        Ok(())
    }

    /// Ends every worker that is left, and waits until that is seen.
    async fn end_all(&mut self) -> Result<(), Error> {
        self.fleet.kill_all();
        let bound = tokio::time::Instant::now() + END_WITHIN;
        while self.fleet.iter().any(|worker| !worker.ended) {
            match tokio::time::timeout_at(bound, self.heard.recv()).await {
                Ok(Some(heard)) => self.hear(heard).await?,
                // The reaper's end takes whatever is left.
                Ok(None) | Err(_) => break,
            }
        }
        Ok(())
    }

    /// Waits for the next thing to happen, at most until `until`, and sees to it.
    async fn step(&mut self, until: MonoNs) -> Result<(), Error> {
        let now = clock::now();
        let rolls_at = self.rolling.as_ref().and_then(Rolling::next_at);
        let resumes_at = self.resumes.iter().map(|(at, ..)| *at).min();
        let wake = [Some(until), self.next_strike_at(), resumes_at, self.nodes.next_at(now), rolls_at]
            .into_iter()
            .chain([self.passing.iter().map(|passing| passing.until).min()])
            .flatten()
            .chain([self.next_sample])
            .min()
            .unwrap_or(until);
        tokio::select! {
            heard = self.heard.recv() => if let Some(heard) = heard {
                self.hear(heard).await?;
                // A burst of words is taken in one go, so that none waits for a timer.
                while let Ok(heard) = self.heard.try_recv() {
                    self.hear(heard).await?;
                }
            },
            dropped = drops::next(&mut self.drops) => {
                self.look.note_drop(dropped.stream_seq);
                let Drop { stream_seq, deliveries } = dropped;
                self.ground.tell(StoryEvent::Dropped { stream_seq, deliveries })?;
            }
            looked = self.nodes.next() => self.hear_of_node(looked)?,
            news = relay::next(&mut self.relays.keeper) => self.hear_relay(news)?,
            () = tokio::time::sleep(wake.since(now).into()) => {}
            Ok(()) = self.stop.changed() => self.interrupted = true,
        }
        self.see_to_what_is_due().await
    }

    fn next_strike_at(&self) -> Option<MonoNs> {
        let strike = self.strikes.front()?;
        (self.phase == Phase::Measure && self.goes_on()).then(|| self.measure_began() + strike.at)
    }

    fn measure_began(&self) -> MonoNs {
        self.begin + self.plan.phases.warm_up
    }

    async fn see_to_what_is_due(&mut self) -> Result<(), Error> {
        let now = clock::now();
        let due: Vec<_> = self.resumes.extract_if(.., |(at, ..)| *at <= now).collect();
        for (_, id, author) in due {
            self.resume(id, author)?;
        }
        self.see_to_nodes(now)?;
        self.see_to_rolling(now).await?;
        self.heal_until(now).await?;
        while self.next_strike_at().is_some_and(|at| at <= now) {
            if let Some(strike) = self.strikes.pop_front() {
                self.strike(&strike).await?;
            }
        }
        if now >= self.next_sample {
            self.next_sample = now + SAMPLE_EVERY;
            if now >= self.next_told_sample {
                self.next_told_sample = now + self.sampled_every();
                self.sample()?;
            }
            self.look_after_servers()?;
            self.hear_what_is_gone();
            self.see_violations()?;
        }
        if self.begin.0 > 0 && now >= self.next_show {
            self.next_show = now + SHOW_EVERY;
            self.show_progress(now)?;
        }
        Ok(())
    }

    /// How often what processes use is told: a run of hours as often as one of half an hour.
    fn sampled_every(&self) -> SpanNs {
        let phases = &self.plan.phases;
        let longest = phases.warm_up.0.saturating_add(phases.measure.0).saturating_add(phases.drain_max.0);
        SpanNs(longest / SAMPLES_MAX).max(SAMPLE_EVERY)
    }

    async fn hear(&mut self, heard: Heard) -> Result<(), Error> {
        match heard {
            Heard::Word(author, word) => self.hear_word(author, word),
            Heard::Stopped { author, at } => self.note_effect(author, Effect::Stopped, at),
            Heard::Exited { author, exit, last_words } => {
                self.fleet.note_end(author, clock::now());
                self.look.end(author);
                let Some(worker) = self.fleet.get_mut(author) else { return Ok(()) };
                let ordered = worker.was_ordered(exit);
                let message = worker.failure.clone().or((!last_words.is_empty()).then_some(last_words));
                worker.failure = worker.failure.clone().or_else(|| message.clone());
                self.trouble |= !ordered;
                let process = author.to_string();
                let (code, signal) = (exit.code, exit.signal);
                self.ground.tell(StoryEvent::Exited { process, code, signal, ordered, message })?;
                self.note_effect(author, Effect::Gone, clock::now())?;
                self.note_end_of_slowness(author)?;
                if let Some(place) = self.restarts.iter().position(|index| *index == author.index)
                    && author.role == Role::Consumer
                {
                    self.restarts.swap_remove(place);
                    self.start_next_life(author.index).await?;
                }
                Ok(())
            }
        }
    }

    fn hear_word(&mut self, author: Author, word: Word) -> Result<(), Error> {
        let Some(worker) = self.fleet.get_mut(author) else { return Ok(()) };
        match word {
            Word::Ready => {
                worker.ready = true;
                self.ground.tell(StoryEvent::Ready { process: author.to_string() })?;
                return self.note_effect(author, Effect::Ready, clock::now());
            }
            Word::Filled => worker.filled = true,
            // Of one with a program, what the program used was seen with it before: this is less.
            Word::Done { cpu_ns, memory_bytes } if cpu_ns > 0 && !self.plan.strategy.runs_a_program() => {
                let process = author.to_string();
                return self.ground.tell(StoryEvent::Sample { process, cpu_ns, memory_bytes });
            }
            Word::Done { .. } => {}
            Word::Paced { id, at, slow: true } => return self.note_slowed(id, author, at),
            Word::Paced { .. } => {}
            Word::Remark { text } => {
                return self.ground.tell(StoryEvent::Remark { process: author.to_string(), text });
            }
            Word::Refused { reason } => {
                return self.ground.tell(StoryEvent::Refused { process: author.to_string(), reason });
            }
            Word::ProgramEnded { code, signal, message } => {
                let Some(ordered) = worker.note_program_end(Exit { code, signal }, &message) else { return Ok(()) };
                let process = author.to_string();
                return self.ground.tell(StoryEvent::ProgramEnded { process, code, signal, ordered, message });
            }
            Word::Owns { partitions } => worker.owns = partitions,
            Word::Failed { message } => worker.failure = Some(message),
        }
        Ok(())
    }
}
