//! The ground of a run: its folder, its server, its stream. Made before the workers, cleared after them.

use std::path::PathBuf;
use std::time::Duration;

use async_nats::jetstream::{self, stream};

use super::scene::Scene;
use super::{Error, Options};
use crate::clock;
use crate::evidence::{Folder, StoryWriter};
use crate::model::manifest::{Environment, FORMAT, Manifest};
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::MonoNs;
use crate::model::units::Rate;
use crate::nats::{self, Access, Binary, Finder, Server, Version};
use crate::process::{self, Group, Pid, Reaper};
use crate::profile::Plan;
use crate::profile::document::Storage;
use crate::strategy::Site;

/// How long one request to the server may take while nothing is measured.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);

/// What a run stands on.
pub(super) struct Ground {
    folder: Folder,
    story: StoryWriter,
    reaper: Reaper,
    /// The server, when it is jetlag's own.
    server: Option<Server>,
    server_ended: bool,
    access: Access,
    jetstream: jetstream::Context,
    /// Name of stream and group: both carry the run's id.
    name: String,
    bucket: Option<String>,
    run_tag: u64,
}

/// Makes the ground for a run of `plan` in the new folder `path`.
pub(super) async fn provision(
    plan: &Plan,
    options: &Options,
    path: PathBuf,
    show: &mut dyn FnMut(&Scene),
) -> Result<Ground, Error> {
    // What can be found wrong without making anything is found first.
    let binary = match &options.access {
        Some(_) => None,
        None => Some(find(plan, show).await?),
    };
    let own_client = match &options.access {
        Some(access) => Some(access.connect("jetlag-driver", |_| ()).await?),
        None => None,
    };
    let id = uuid::Uuid::now_v7();
    let run_tag = id.as_u64_pair().1;
    let name = format!("jetlag-{}", id.simple());
    let anchor = clock::anchor();
    let manifest = Manifest {
        format: FORMAT,
        run_id: id.simple().to_string(),
        run_tag,
        profile: plan.name.clone(),
        question: plan.question.clone(),
        variant: plan.variant.clone(),
        strategy: plan.strategy.kind().to_owned(),
        promises: plan.strategy.promises(),
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
        schedule_lag_limit: plan.limits.schedule_lag_p99,
        settings: plan.settings.clone(),
        environment: Environment {
            jetlag_version: env!("CARGO_PKG_VERSION").to_owned(),
            server_version: match (&binary, &own_client) {
                (Some(binary), _) => binary.version.to_string(),
                (None, Some(client)) => client.server_info().version,
                (None, None) => String::new(),
            },
            server_embedded: binary.is_some(),
            server_nodes: u32::from(plan.server.nodes),
            ..process::machine()
        },
    };
    let folder = Folder::create(&path, &manifest)?;
    let story = folder.story()?;
    let reaper = Reaper::start(&options.exe).await?;
    let server = match &binary {
        Some(binary) => Some(start_server(binary, &folder, reaper.group()).await?),
        None => None,
    };
    let (access, client) = match (&server, &options.access, own_client) {
        (None, Some(access), Some(client)) => (access.clone(), client),
        (Some(server), ..) => {
            let access = server.access();
            let client = access.connect("jetlag-driver", |_| ()).await?;
            (access, client)
        }
        (None, ..) => return Err(Error::refused("begin", &"there is neither a server of jetlag's nor one of yours")),
    };
    let mut ground = Ground {
        folder,
        story,
        reaper,
        server,
        server_ended: false,
        access,
        jetstream: nats::jetstream(client, REQUEST_WITHIN),
        bucket: plan.strategy.bucket(&name),
        name,
        run_tag,
    };
    if let Some(server) = &ground.server {
        let (process, pid) = (server.name().to_owned(), server.pid().number());
        ground.tell(StoryEvent::Spawned { process, pid })?;
    }
    if options.access.is_some() {
        let bucket = ground.bucket.as_ref().map(|bucket| format!(" and the bucket {bucket}")).unwrap_or_default();
        show(&Scene::Note(format!(
            "on {} jetlag makes the stream {}{bucket}, and removes them at the end",
            ground.access.redacted_url(),
            ground.name
        )));
    }
    if let Err(error) = ground.make_stream(plan).await {
        // Why it failed is what the user must hear, not what followed from it.
        let _ = ground.clear(false).await;
        return Err(error);
    }
    Ok(ground)
}

async fn find(plan: &Plan, show: &mut dyn FnMut(&Scene)) -> Result<Binary, Error> {
    if plan.server.nodes > 1 {
        return Err(Error::refused(
            format!("start a cluster of {} nodes", plan.server.nodes),
            &"this version of jetlag starts single servers; run your own cluster and name it with --server",
        ));
    }
    let wanted = match &plan.server.version {
        Some(version) => Some(
            version.parse::<Version>().map_err(|error| Error::refused(format!("use nats-server {version}"), &error))?,
        ),
        None => None,
    };
    let binary = Finder::from_environment().find(wanted).await?;
    show(&Scene::Note(format!("nats-server {} ({})", binary.version, binary.path.display())));
    Ok(binary)
}

async fn start_server(binary: &Binary, folder: &Folder, group: Group) -> Result<Server, Error> {
    let options = nats::Options { folder: folder.server(), node: 0, port: None, group };
    Ok(Server::start(binary, options).await?)
}

impl Ground {
    async fn make_stream(&mut self, plan: &Plan) -> Result<(), Error> {
        let config = stream::Config {
            name: self.name.clone(),
            subjects: vec![format!("{}.*", self.subject_prefix())],
            storage: match plan.stream.storage {
                Storage::File => stream::StorageType::File,
                Storage::Memory => stream::StorageType::Memory,
            },
            num_replicas: usize::from(plan.stream.replicas),
            duplicate_window: plan.stream.duplicate_window.into(),
            max_age: plan.stream.max_age.map(Duration::from).unwrap_or_default(),
            max_bytes: plan.stream.max_bytes.and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(-1),
            max_messages: plan.stream.max_messages.and_then(|count| i64::try_from(count).ok()).unwrap_or(-1),
            ..stream::Config::default()
        };
        self.jetstream.create_stream(config).await.map_err(|error| {
            Error::refused(
                format!("make the stream {}", self.name),
                &format!("{error}; is JetStream enabled for this account, with room for a stream, and may this user make streams?"),
            )
        })?;
        let site = Site {
            jetstream: &self.jetstream,
            stream: &self.name,
            group: &self.name,
            subject_prefix: &self.subject_prefix(),
            partitions: plan.stream.partitions,
        };
        plan.strategy.provision(&site).await?;
        Ok(())
    }

    /// Appends to the story, now.
    pub(super) fn tell(&mut self, event: StoryEvent) -> Result<(), Error> {
        self.tell_at(clock::now(), event)
    }

    /// Appends to the story.
    pub(super) fn tell_at(&mut self, at: MonoNs, event: StoryEvent) -> Result<(), Error> {
        Ok(self.story.append(&StoryLine { at, event })?)
    }

    /// Notes when jetlag's own server has ended unasked. Returns true the first time.
    pub(super) fn note_server_end(&mut self) -> Result<bool, Error> {
        let Some(server) = &mut self.server else { return Ok(false) };
        let ended = if self.server_ended { None } else { server.try_exited()? };
        let Some(exit) = ended else { return Ok(false) };
        self.server_ended = true;
        let (process, message) = (server.name().to_owned(), Some(server.log_tail()));
        let event = StoryEvent::Exited { process, code: exit.code, signal: exit.signal, ordered: false, message };
        self.tell(event)?;
        Ok(true)
    }

    /// Whether jetlag's own server has ended unasked.
    pub(super) fn server_has_ended(&self) -> bool {
        self.server_ended
    }

    /// The processes of jetlag's own server.
    pub(super) fn server_processes(&self) -> Vec<(String, Pid)> {
        let running = self.server.iter().filter(|_| !self.server_ended);
        running.map(|server| (server.name().to_owned(), server.pid())).collect()
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

    /// Name of stream and group.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Partition p's subject is this, a dot, and p.
    pub(super) fn subject_prefix(&self) -> String {
        format!("{}.p", self.name)
    }

    /// Id of the run in payloads and journals.
    pub(super) fn run_tag(&self) -> u64 {
        self.run_tag
    }

    /// Removes what the run made, unless it is to be kept, and stops what it started.
    pub(super) async fn clear(self, keep: bool) -> Result<(), Error> {
        let mut outcome = Ok(());
        if self.server.is_none() && !keep {
            outcome = remove(&self.jetstream, &self.name, self.bucket.as_deref()).await;
        }
        if let Some(server) = self.server {
            server.stop().await?;
        }
        self.reaper.end().await?;
        outcome
    }
}

/// Removes a run's stream and bucket. What is not there is fine.
async fn remove(jetstream: &jetstream::Context, stream: &str, bucket: Option<&str>) -> Result<(), Error> {
    use jetstream::ErrorCode;
    use jetstream::context::DeleteStreamErrorKind;
    let streams = [Some(stream.to_owned()), bucket.map(|bucket| format!("KV_{bucket}"))];
    for name in streams.into_iter().flatten() {
        match jetstream.delete_stream(&name).await {
            Ok(_) => {}
            Err(error) => match error.kind() {
                DeleteStreamErrorKind::JetStream(reply) if reply.error_code() == ErrorCode::STREAM_NOT_FOUND => {}
                _ => {
                    let remedy = format!("{error}; remove it with `nats stream rm {name}`");
                    return Err(Error::refused(format!("remove the stream {name}"), &remedy));
                }
            },
        }
    }
    Ok(())
}
