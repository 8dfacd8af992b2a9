//! A run's stream: what it is configured to be, made and seen to be there, and removed.

use std::time::Duration;

use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind, DeleteStreamErrorKind};
use async_nats::jetstream::{self, ErrorCode, stream};
use tokio::time::Instant;

use crate::driver::Error;
use crate::profile::document::Storage;
use crate::profile::plan;

/// How long the peers of a cluster may take to agree on where a stream shall lie.
const AGREE_WITHIN: Duration = Duration::from_secs(10);
const AGREE_POLL: Duration = Duration::from_millis(100);

/// What the plan's stream is to the server, called `name`, with a partition at each `<subject_prefix>.<number>`.
pub(super) fn config(plan: &plan::Stream, name: &str, subject_prefix: &str) -> stream::Config {
    stream::Config {
        name: name.to_owned(),
        subjects: vec![format!("{subject_prefix}.*")],
        storage: match plan.storage {
            Storage::File => stream::StorageType::File,
            Storage::Memory => stream::StorageType::Memory,
        },
        num_replicas: usize::from(plan.replicas),
        duplicate_window: plan.duplicate_window.into(),
        max_age: plan.max_age.map(Duration::from).unwrap_or_default(),
        max_bytes: plan.max_bytes.and_then(|bytes| i64::try_from(bytes).ok()).unwrap_or(-1),
        max_messages: plan.max_messages.and_then(|count| i64::try_from(count).ok()).unwrap_or(-1),
        ..stream::Config::default()
    }
}

/// Makes a stream and sees that it is there. The peers of a cluster get some time to agree on it.
pub(super) async fn make(jetstream: &jetstream::Context, config: stream::Config) -> Result<(), Error> {
    agree_on(jetstream, &config).await.map_err(|why| {
        Error::refused(
            format!("make the stream {}", config.name),
            &format!(
                "{why}; is JetStream enabled for this account, with room for a stream, and may this user make streams?"
            ),
        )
    })
}

async fn agree_on(jetstream: &jetstream::Context, config: &stream::Config) -> Result<(), String> {
    let deadline = Instant::now() + AGREE_WITHIN;
    loop {
        let why = match jetstream.create_stream(config.clone()).await {
            Ok(_) => match jetstream.get_stream(&config.name).await {
                Ok(_) => return Ok(()),
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

/// Whether a stream was refused because the peers of a cluster have not found each other yet, or choose a leader.
fn may_pass(error: &CreateStreamError) -> bool {
    use ErrorCode as Code;
    let passing =
        [Code::CLUSTER_NO_PEERS, Code::CLUSTER_NOT_AVAILABLE, Code::CLUSTER_NOT_LEADER, Code::CLUSTER_INCOMPLETE];
    matches!(error.kind(), CreateStreamErrorKind::JetStream(reply) if passing.contains(&reply.error_code()))
}

/// Removes a run's stream and bucket. What is not there is fine.
pub(in crate::driver) async fn remove(
    jetstream: &jetstream::Context,
    stream: &str,
    bucket: Option<&str>,
) -> Result<(), Error> {
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
