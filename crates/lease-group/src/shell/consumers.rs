//! The consumers of a partition: one private consumer an epoch, or the one durable of the original design.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, ReplayPolicy, pull, push};
use async_nats::jetstream::stream::Stream;
use futures_util::TryStreamExt;
use tokio::time::Instant;

use crate::group::Settings;
use crate::options::{Commit, ConsumerStorage, Takeover};

/// A private consumer never redelivers by itself: a redelivery would come behind newer messages.
const NEVER: Duration = Duration::from_secs(24 * 3600);

/// Between two questions to an older consumer that does not answer.
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// The original design's limit of unacknowledged messages.
const RESUME_ACK_PENDING_MAX: i64 = 512;

/// What an epoch has been given to consume from and to write to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opened {
    pub(crate) consumer: String,
    pub(crate) start: u64,
    /// The sequence of its fence, where there is a sink.
    pub(crate) fence: Option<u64>,
    /// Where its messages are sent to, when they are pushed.
    pub(crate) inbox: Option<String>,
    /// How many messages wait to be delivered.
    pub(crate) pending: u64,
    /// Consumers of older epochs that know more than the lease does: to be deleted when the lease has what they knew.
    pub(crate) elders: Vec<String>,
}

/// Rule 4 behind the claim: reads and deletes what lower epochs left, then creates the consumer of `epoch`. Answers its name and the
/// first stream sequence it may deliver. What the lease does not know yet is not deleted: an opening may fail at any request, and its
/// successor could not read it again. `raise` puts up the fence, before anything of an older owner's is touched; what is only looked
/// up may be asked for meanwhile. Messages that are pushed are sent to `inbox`, as soon as somebody listens there.
pub(crate) async fn open(
    stream: &Stream<()>,
    settings: &Settings,
    partition: u32,
    epoch: u64,
    checkpoint: u64,
    inbox: Option<String>,
    raise: impl Future<Output = Result<Option<u64>, async_nats::Error>>,
) -> Result<Opened, async_nats::Error> {
    match settings.takeover {
        Takeover::Safe => {
            let (fence, lower, info) =
                tokio::try_join!(raise, lower_epochs(stream, settings, partition, epoch), async {
                    Ok(stream.get_info().await?)
                })?;
            let floor = floor(stream, settings, &lower).await;
            let elders = if floor > checkpoint {
                lower
            } else {
                delete(stream, &lower).await?;
                Vec::new()
            };
            if checkpoint > info.state.last_sequence {
                // A start beyond the end would wait for it, and skip everything on the way.
                return Err(format!(
                    "the checkpoint {checkpoint} is beyond the stream's last sequence {}: was the stream made anew? then delete the bucket",
                    info.state.last_sequence
                )
                .into());
            }
            let start = checkpoint.max(floor) + 1;
            let name = epoch_name(settings, partition, epoch);
            let config = epoch_consumer(settings, partition, &name, start);
            let pending = match &inbox {
                Some(inbox) => {
                    let made = stream.create_consumer_strict(pushed(settings, config, inbox)).await?;
                    made.cached_info().num_pending
                }
                None => stream.create_consumer_strict(config).await?.cached_info().num_pending,
            };
            Ok(Opened { consumer: name, start, fence, inbox, pending, elders })
        }
        Takeover::Resume { ack_wait } => {
            let name = format!("{}-p{partition}", settings.name);
            let consumer =
                stream.get_or_create_consumer(&name, durable_consumer(settings, partition, &name, ack_wait)).await?;
            let info = consumer.cached_info();
            let start = info.ack_floor.stream_sequence + 1;
            let pending = info.num_pending;
            Ok(Opened { consumer: name, start, fence: None, inbox: None, pending, elders: Vec::new() })
        }
    }
}

fn epoch_name(settings: &Settings, partition: u32, epoch: u64) -> String {
    format!("{}-p{partition}-e{epoch}", settings.name)
}

fn epoch_consumer(settings: &Settings, partition: u32, name: &str, start: u64) -> pull::Config {
    let (ack_policy, max_ack_pending) = match settings.commit {
        Commit::Checkpoint { .. } => (AckPolicy::None, 0),
        // What is buffered, and what waits for its acknowledgement.
        Commit::AckAll { every } => (AckPolicy::All, i64::from(settings.batch) * 2 + i64::from(every) * 2),
        Commit::Explicit => (AckPolicy::Explicit, i64::from(settings.batch) * 2),
    };
    pull::Config {
        name: Some(name.to_owned()),
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: start },
        ack_policy,
        ack_wait: if ack_policy == AckPolicy::None { Duration::ZERO } else { NEVER },
        max_deliver: -1,
        max_ack_pending,
        filter_subject: settings.subject_of(partition),
        replay_policy: ReplayPolicy::Instant,
        // By default in memory and on one server: a replicated consumer takes an election to create, and the lease record knows where
        // to begin.
        memory_storage: settings.consumer_storage == ConsumerStorage::Memory,
        num_replicas: settings.consumer_replicas,
        inactive_threshold: forgotten_after(settings),
        ..Default::default()
    }
}

/// The same consumer, which sends by itself. Flow control needs heartbeats; they also tell what was sent and has not arrived.
fn pushed(settings: &Settings, config: pull::Config, inbox: &str) -> push::Config {
    push::Config {
        deliver_subject: inbox.to_owned(),
        flow_control: true,
        idle_heartbeat: settings.heartbeat(),
        name: config.name,
        deliver_policy: config.deliver_policy,
        ack_policy: config.ack_policy,
        ack_wait: config.ack_wait,
        max_deliver: config.max_deliver,
        max_ack_pending: config.max_ack_pending,
        filter_subject: config.filter_subject,
        replay_policy: config.replay_policy,
        memory_storage: config.memory_storage,
        num_replicas: config.num_replicas,
        inactive_threshold: config.inactive_threshold,
        ..Default::default()
    }
}

fn durable_consumer(settings: &Settings, partition: u32, name: &str, ack_wait: Duration) -> pull::Config {
    pull::Config {
        durable_name: Some(name.to_owned()),
        deliver_policy: DeliverPolicy::All,
        ack_policy: AckPolicy::Explicit,
        ack_wait,
        max_deliver: -1,
        max_ack_pending: RESUME_ACK_PENDING_MAX,
        filter_subject: settings.subject_of(partition),
        replay_policy: ReplayPolicy::Instant,
        ..Default::default()
    }
}

/// The consumers of lower epochs.
async fn lower_epochs(
    stream: &Stream<()>,
    settings: &Settings,
    partition: u32,
    epoch: u64,
) -> Result<Vec<String>, async_nats::Error> {
    let prefix = epoch_name(settings, partition, 0);
    let prefix = prefix.trim_end_matches('0');
    let is_lower = |name: &String| {
        name.strip_prefix(prefix).and_then(|number| number.parse::<u64>().ok()).is_some_and(|number| number < epoch)
    };
    let names: Vec<String> = stream.consumer_names().try_collect().await?;
    Ok(names.into_iter().filter(is_lower).collect())
}

/// The highest sequence that consumers of lower epochs had confirmed, 0 where the commit mode's floors mean delivery and not handling.
async fn floor(stream: &Stream<()>, settings: &Settings, lower: &[String]) -> u64 {
    if matches!(settings.commit, Commit::Checkpoint { .. }) {
        return 0;
    }
    let until = Instant::now() + forgotten_after(settings);
    let floors = lower.iter().map(|name| floor_of(stream, name, until));
    futures_util::future::join_all(floors).await.into_iter().max().unwrap_or(0)
}

/// What one of them had confirmed. One that is gone says so at once, and then the checkpoint in the lease is all that is known. One whose server
/// hangs does not answer, and what goes unread comes again, acknowledged or not: so the partition stands still with it, until `until`, when
/// its server would have forgotten it.
async fn floor_of(stream: &Stream<()>, name: &str, until: Instant) -> u64 {
    use async_nats::jetstream::context::ConsumerInfoErrorKind as Kind;
    loop {
        match stream.consumer_info(name).await {
            Ok(info) => return info.ack_floor.stream_sequence,
            Err(error) if matches!(error.kind(), Kind::TimedOut | Kind::Request) && Instant::now() < until => {}
            Err(_) => return 0,
        }
        tokio::time::sleep(ASKED_AGAIN_AFTER).await;
    }
}

/// A consumer that nobody pulls from is forgotten by its server after so long.
fn forgotten_after(settings: &Settings) -> Duration {
    (settings.ttl * 3).max(Duration::from_secs(10))
}

/// Deletes consumers of lower epochs, so that nothing is delivered to, and nothing acknowledged by, an older owner.
pub(crate) async fn delete(stream: &Stream<()>, lower: &[String]) -> Result<(), async_nats::Error> {
    futures_util::future::try_join_all(lower.iter().map(|name| delete_one(stream, name))).await?;
    Ok(())
}

async fn delete_one(stream: &Stream<()>, name: &str) -> Result<(), async_nats::Error> {
    use async_nats::jetstream::ErrorCode;
    use async_nats::jetstream::stream::ConsumerErrorKind;
    match stream.delete_consumer(name).await {
        Ok(_) => Ok(()),
        Err(error) => match error.kind() {
            ConsumerErrorKind::JetStream(reason) if reason.error_code() == ErrorCode::CONSUMER_NOT_FOUND => Ok(()),
            _ => Err(error.into()),
        },
    }
}
