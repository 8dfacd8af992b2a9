//! A run's stream: what it is configured to be, made and seen to be there, and removed.

use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind, DeleteStreamErrorKind};
use async_nats::jetstream::{self, ErrorCode, stream};
use tokio::time::Instant;

use crate::driver::Error;
use crate::model::gone::Gone;
use crate::profile::Plan;
use crate::profile::document::{Compression, Discard, Retention, Routing, Storage};
use crate::profile::plan::Way;

/// How long the peers of a cluster may take to agree on where a stream shall lie.
const AGREE_WITHIN: Duration = Duration::from_secs(10);
const AGREE_POLL: Duration = Duration::from_millis(100);

/// The subjects of a run.
#[derive(Clone, Debug)]
pub(in crate::driver) struct Subjects {
    /// Partition p's subject is this, a dot, and p.
    pub(in crate::driver) partitions: String,
    /// The subjects that the stream listens to when publishers find the partition.
    stored: String,
    /// Where the server finds the partition: a key's subject is this, a dot, and the key's name.
    pub(in crate::driver) keys: Option<String>,
}

impl Subjects {
    /// The subjects of the run `run_id`. All of any run lie below `jetlag.`, so that a user can be granted them. What
    /// nobody stores goes where the stream does not listen.
    pub(super) fn new(run_id: &str, routing: Routing, persists: bool) -> Self {
        let keys = (routing == Routing::Server).then(|| format!("jetlag.{run_id}.k"));
        let last = if persists { "p" } else { "core" };
        Self { partitions: format!("jetlag.{run_id}.{last}"), stored: format!("jetlag.{run_id}.p.*"), keys }
    }

    /// What the stream listens to.
    fn heard(&self) -> String {
        self.keys.as_ref().map_or_else(|| self.stored.clone(), |keys| format!("{keys}.*"))
    }
}

impl Subjects {
    /// One that is published to.
    pub(super) fn example(&self) -> String {
        match &self.keys {
            Some(keys) => format!("{keys}.k0"),
            None => format!("{}.0", self.partitions),
        }
    }
}

/// What the plan's stream is to the server.
pub(super) fn config(plan: &Plan, name: &str, subjects: &Subjects) -> stream::Config {
    let Plan { stream: plan, load, .. } = plan;
    let bounded = |limit: Option<u64>| limit.and_then(|limit| i64::try_from(limit).ok()).unwrap_or(-1);
    stream::Config {
        name: name.to_owned(),
        subjects: vec![subjects.heard()],
        subject_transform: subjects.keys.as_ref().map(|keys| stream::SubjectTransform {
            source: format!("{keys}.*"),
            destination: format!("{}.{{{{partition({},1)}}}}", subjects.partitions, plan.partitions),
        }),
        storage: storage(plan.storage),
        retention: match plan.retention {
            Retention::Limits => stream::RetentionPolicy::Limits,
            Retention::Interest => stream::RetentionPolicy::Interest,
            Retention::WorkQueue => stream::RetentionPolicy::WorkQueue,
        },
        discard: match plan.discard {
            Discard::Old => stream::DiscardPolicy::Old,
            Discard::New => stream::DiscardPolicy::New,
        },
        compression: match plan.compression {
            Compression::None => None,
            Compression::S2 => Some(stream::Compression::S2),
        },
        num_replicas: usize::from(plan.replicas),
        duplicate_window: plan.duplicate_window.into(),
        max_age: plan.max_age.map(Duration::from).unwrap_or_default(),
        max_bytes: bounded(plan.max_bytes),
        max_messages: bounded(plan.max_messages),
        max_messages_per_subject: bounded(plan.max_messages_per_subject),
        discard_new_per_subject: plan.discard_new_per_subject,
        max_message_size: plan.max_message_bytes.and_then(|bytes| i32::try_from(bytes).ok()).unwrap_or(-1),
        allow_atomic_publish: matches!(load.way, Way::AtomicBatch { .. }),
        allow_batch_publish: matches!(load.way, Way::FastBatch { .. }),
        ..stream::Config::default()
    }
}

/// A storage in the words of the client library.
pub(super) fn storage(storage: Storage) -> stream::StorageType {
    match storage {
        Storage::File => stream::StorageType::File,
        Storage::Memory => stream::StorageType::Memory,
    }
}

/// The settings that a server which knows them would have kept: an older one leaves out what it does not know, without
/// a word.
fn left_out(asked: &stream::Config, got: &stream::Config) -> Vec<&'static str> {
    let kept = [
        ("storage", asked.storage == got.storage),
        ("retention", asked.retention == got.retention),
        ("discard", asked.discard == got.discard),
        ("compression", asked.compression == got.compression || asked.compression.is_none()),
        ("routing", asked.subject_transform == got.subject_transform),
        ("replicas", asked.num_replicas == got.num_replicas),
        ("duplicate-window", asked.duplicate_window == got.duplicate_window),
        ("max-age", asked.max_age == got.max_age),
        ("max-bytes", asked.max_bytes == got.max_bytes),
        ("max-messages", asked.max_messages == got.max_messages),
        ("max-messages-per-subject", asked.max_messages_per_subject == got.max_messages_per_subject),
        ("discard-new-per-subject", asked.discard_new_per_subject == got.discard_new_per_subject),
        ("max-message-size", asked.max_message_size == got.max_message_size),
    ];
    kept.into_iter().filter(|(_, kept)| !kept).map(|(key, _)| key).collect()
}

/// Makes a stream and sees that it is there, as it was asked for. The peers of a cluster get some time to agree on it.
pub(super) async fn make(
    jetstream: &jetstream::Context,
    config: stream::Config,
    domain: Option<&str>,
) -> Result<(), Error> {
    let deed = format!("make the stream {}", config.name);
    let whose = domain.map_or_else(
        || "is JetStream enabled".to_owned(),
        |domain| format!("does this server reach a JetStream domain '{domain}', enabled"),
    );
    let remedy = format!("{whose} for this account, with room for a stream, and may this user make streams?");
    let made = agree_on(jetstream, &config).await;
    let made = made.map_err(|why| Error::refused(&deed, &format!("{why}; {remedy}")))?;
    match left_out(&config, &made).as_slice() {
        [] => Ok(()),
        keys => {
            let keys: Vec<_> = keys.iter().map(|key| format!("stream.{key}")).collect();
            let why = format!(
                "the server took the stream without {}; a newer nats-server knows it, or the account forbids it",
                keys.join(", ")
            );
            Err(Error::refused(deed, &why))
        }
    }
}

/// Asks for a stream until it is there, for a bounded time. Returns what the server made of it.
async fn agree_on(jetstream: &jetstream::Context, config: &stream::Config) -> Result<stream::Config, String> {
    let deadline = Instant::now() + AGREE_WITHIN;
    loop {
        let why = match jetstream.create_stream(config.clone()).await {
            Ok(_) => match jetstream.get_stream(&config.name).await {
                Ok(made) => return Ok(made.cached_info().config.clone()),
                Err(error) => error.to_string(),
            },
            Err(error) if may_pass(&error) => error.to_string(),
            Err(error) => return Err(error.to_string()),
        };
        if Instant::now() >= deadline {
            return Err(why);
        }
        tokio::time::sleep(AGREE_POLL).await;
    }
}

/// What the stream does not hold any more.
pub(in crate::driver) async fn gone(jetstream: &jetstream::Context, name: &str) -> Result<(Gone, u64), Error> {
    let refused = |why: String| Error::refused(format!("look into the stream {name}"), &why);
    let stream = jetstream.get_stream_no_info(name).await.map_err(|error| refused(error.to_string()))?;
    let info = stream.info_builder().with_deleted(true).fetch().await;
    let state = info.map_err(|error| refused(error.to_string()))?.info.state;
    Ok((Gone::new(state.first_sequence, state.deleted.unwrap_or_default()), state.last_sequence))
}

/// Whether a stream was refused because the peers of a cluster have not found each other yet, or choose a leader.
fn may_pass(error: &CreateStreamError) -> bool {
    use ErrorCode as Code;
    let passing =
        [Code::CLUSTER_NO_PEERS, Code::CLUSTER_NOT_AVAILABLE, Code::CLUSTER_NOT_LEADER, Code::CLUSTER_INCOMPLETE];
    matches!(error.kind(), CreateStreamErrorKind::JetStream(reply) if passing.contains(&reply.error_code()))
}

/// Whether there is a connection to a server.
pub(in crate::driver) fn answers(jetstream: &jetstream::Context) -> bool {
    jetstream.client().connection_state() == State::Connected
}

/// Removes a run's streams and buckets. What is not there is fine.
pub(in crate::driver) async fn remove(
    jetstream: &jetstream::Context,
    streams: &[String],
    buckets: &[String],
) -> Result<(), Error> {
    let buckets = buckets.iter().map(|bucket| format!("KV_{bucket}"));
    let mut left: Vec<(String, String)> = Vec::new();
    // Each is tried, whatever became of the others.
    for name in streams.iter().cloned().chain(buckets) {
        // One that nobody answered was waited for; the others need not be.
        if !left.is_empty() && !answers(jetstream) {
            left.push((name, "the server is gone".to_owned()));
            continue;
        }
        match jetstream.delete_stream(&name).await {
            Ok(_) => {}
            Err(error) => match error.kind() {
                DeleteStreamErrorKind::JetStream(reply) if reply.error_code() == ErrorCode::STREAM_NOT_FOUND => {}
                _ => left.push((name, error.to_string())),
            },
        }
    }
    let Some((_, why)) = left.first() else { return Ok(()) };
    let names: Vec<_> = left.iter().map(|(name, _)| name.as_str()).collect();
    let by_hand: Vec<_> = names.iter().map(|name| format!("`nats stream rm {name}`")).collect();
    Err(Error::NotRemoved { names: names.join(" and "), why: why.clone(), by_hand: by_hand.join(" and ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_leaves_out_is_named() {
        let asked = stream::Config {
            compression: Some(stream::Compression::S2),
            discard_new_per_subject: true,
            ..stream::Config::default()
        };
        assert!(left_out(&asked, &asked).is_empty());
        let got = stream::Config { compression: None, discard_new_per_subject: false, ..asked.clone() };
        assert_eq!(left_out(&asked, &got), ["compression", "discard-new-per-subject"]);
        // What a server adds by itself is its own business.
        let got = stream::Config { compression: Some(stream::Compression::None), ..stream::Config::default() };
        assert!(left_out(&stream::Config::default(), &got).is_empty());
    }

    #[test]
    fn the_server_maps_the_only_token_that_names_the_key() {
        let subjects = Subjects::new("abc", Routing::Server, true);
        assert_eq!(subjects.partitions, "jetlag.abc.p");
        assert_eq!(subjects.keys.as_deref(), Some("jetlag.abc.k"));
        assert_eq!(subjects.heard(), "jetlag.abc.k.*");
    }

    #[test]
    fn the_stream_does_not_hear_what_nobody_shall_store() {
        let stored = Subjects::new("abc", Routing::Client, true);
        assert_eq!((stored.heard().as_str(), stored.partitions.as_str()), ("jetlag.abc.p.*", "jetlag.abc.p"));
        let unstored = Subjects::new("abc", Routing::Client, false);
        assert_eq!((unstored.heard().as_str(), unstored.partitions.as_str()), ("jetlag.abc.p.*", "jetlag.abc.core"));
    }
}
