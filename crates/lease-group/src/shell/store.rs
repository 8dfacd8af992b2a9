//! The bucket: compare-and-set, reading from the leader, heartbeats, the watch.

use std::time::{Duration, SystemTime};

use async_nats::connection::State;
use async_nats::jetstream::kv::{self, Operation, Store};
use async_nats::jetstream::{Context, stream};
use async_nats::{Client, HeaderMap, Request, header};
use serde::Deserialize;
use tokio::sync::watch;
use tokio::time::Instant;

use super::control::joining;
use crate::clock::wall_ms;
use crate::error::JoinError;
use crate::group::Settings;
use crate::record::{Heartbeat, Lease, RecordError, Session};
use crate::state::Wrote;

/// "wrong last sequence": the record is not at the expected revision (nats-server `errors.json`). 10164 has the same
/// words and means only that another write to the subject is being processed: that one stays unknown.
const WRONG_LAST_SEQUENCE: u64 = 10071;

/// How long the peers of a cluster may take to agree on a new bucket.
const AGREE_WITHIN: Duration = Duration::from_secs(5);
const AGREE_POLL: Duration = Duration::from_millis(20);

/// The bucket of one group.
#[derive(Clone)]
pub(crate) struct Bucket {
    client: Client,
    /// Short requests: whoever holds leases asks again rather than waits.
    context: Context,
    store: Store,
    /// What a subject that is published to begins with, where the bucket is in a domain of its own.
    domain: Option<String>,
    timeout: Duration,
    /// Rises with every lost connection.
    cuts: watch::Receiver<u64>,
}

/// What stands at a lease's key.
pub(crate) enum Found {
    /// Nothing, and the revision of that (0: never anything).
    Nothing { revision: u64 },
    /// A lease.
    Lease { revision: u64, lease: Lease },
    /// Something that is not ours to touch.
    Unreadable { revision: u64 },
}

/// A change in the bucket.
pub(crate) enum Change {
    Lease {
        partition: usize,
        found: Found,
    },
    Heartbeat {
        session: Session,
        revision: u64,
        heartbeat: Heartbeat,
    },
    Gone(Session),
    /// A key of somebody else.
    Foreign,
}

#[derive(Deserialize)]
struct PublishAnswer {
    #[serde(default)]
    seq: u64,
    error: Option<ApiError>,
}

#[derive(Deserialize)]
struct ApiError {
    err_code: u64,
}

/// Opens the group's bucket, or makes it with the stream's number of replicas. Answers when it was made.
///
/// Members of a cluster that start at once may be told that the bucket is made and in the next moment that there is none
/// (seen with nats-server 2.15.1 and three replicas), and an election may outlast one request. So it is asked again.
pub(crate) async fn open_or_create(
    context: &Context,
    settings: &Settings,
    replicas: usize,
) -> Result<SystemTime, JoinError> {
    let deadline = Instant::now() + AGREE_WITHIN;
    let info = loop {
        match make_and_look(context, settings, replicas).await {
            Ok(info) => break info,
            Err(_) if Instant::now() < deadline => tokio::time::sleep(AGREE_POLL).await,
            Err(reason) => return Err(failed(settings, reason)),
        }
    };
    let (found, expected) = (info.config.description.unwrap_or_default(), settings.identity());
    if found != expected {
        return Err(JoinError::OtherGroup { bucket: settings.name.clone(), found, expected });
    }
    if info.config.max_age > Duration::ZERO || info.config.max_messages_per_subject != 1 {
        return Err(failed(settings, "it must keep one value a key, without a time to live".to_owned()));
    }
    if info.config.sealed {
        return Err(failed(settings, "it is sealed, so that no lease can be written: delete it".to_owned()));
    }
    Ok(info.created.into())
}

fn failed(settings: &Settings, reason: String) -> JoinError {
    JoinError::Bucket { bucket: settings.name.clone(), reason }
}

async fn make_and_look(context: &Context, settings: &Settings, replicas: usize) -> Result<stream::Info, String> {
    // Creating with an equal configuration succeeds, so members that start at once do not trip over each other.
    let created = context
        .create_key_value(kv::Config {
            bucket: settings.name.clone(),
            description: settings.identity(),
            history: 1,
            storage: stream::StorageType::File,
            num_replicas: replicas.max(1),
            ..Default::default()
        })
        .await;
    let store = match created {
        Ok(store) => store,
        Err(create) => context
            .get_key_value(&settings.name)
            .await
            .map_err(|error| format!("neither made ({create}) nor opened ({error})"))?,
    };
    store.stream.get_info().await.map_err(|error| error.to_string())
}

impl Bucket {
    pub(crate) async fn open(
        client: Client,
        cuts: watch::Receiver<u64>,
        context: Context,
        settings: &Settings,
    ) -> Result<Self, String> {
        // Of this one, only requests with a timeout of their own are made.
        let store =
            joining(&client, settings).get_key_value(&settings.name).await.map_err(|error| error.to_string())?;
        let domain = store.use_jetstream_prefix.then(|| settings.api_prefix.clone());
        Ok(Self { client, context, store, domain, timeout: settings.request_timeout(), cuts })
    }

    /// Whether the connection stands: who does not answer then is the server's side.
    pub(crate) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Rule 1: the only way in which a lease changes.
    pub(crate) async fn compare_and_set(&self, partition: usize, expected: u64, lease: Lease) -> Wrote {
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string().as_str());
        let request = Request::new()
            .headers(headers)
            .payload(lease.encode(partition as u32, wall_ms()).into())
            .timeout(Some(self.timeout));
        let subject = match &self.domain {
            Some(prefix) => format!("{prefix}.{}", self.lease_subject(partition)),
            None => self.lease_subject(partition),
        };
        let mut cuts = self.cuts();
        let answer = tokio::select! {
            biased;
            answer = self.client.send_request(subject, request) => answer,
            // The answer went with the connection: reading is sooner than waiting for the timeout.
            _ = cuts.changed() => return Wrote::Unknown,
        };
        let Ok(answer) = answer else {
            return Wrote::Unknown;
        };
        match serde_json::from_slice::<PublishAnswer>(&answer.payload) {
            Ok(PublishAnswer { error: None, seq }) if seq > 0 => Wrote::Stored(seq),
            Ok(PublishAnswer { error: Some(error), .. }) if error.err_code == WRONG_LAST_SEQUENCE => Wrote::Conflict,
            _ => Wrote::Unknown,
        }
    }

    /// Reads a lease from the stream's leader: a direct get may answer from a replica that is behind.
    pub(crate) async fn read_from_leader(&self, partition: usize) -> Option<Found> {
        let subject = self.lease_subject(partition);
        let read =
            tokio::time::timeout(self.timeout, self.store.stream.get_last_raw_message_by_subject(&subject)).await;
        match read.ok()? {
            Ok(message) if message.headers.get("KV-Operation").is_some() => {
                Some(Found::Nothing { revision: message.sequence })
            }
            Ok(message) => Some(found(partition, message.sequence, &message.payload)),
            Err(error) if error.kind() == stream::LastRawMessageErrorKind::NoMessageFound => {
                Some(Found::Nothing { revision: 0 })
            }
            Err(_) => None,
        }
    }

    pub(crate) async fn put_heartbeat(&self, session: Session, heartbeat: Heartbeat) -> bool {
        let put = self.store.put(format!("m.{session}"), heartbeat.encode().into());
        matches!(tokio::time::timeout(self.timeout, put).await, Ok(Ok(_)))
    }

    /// Removes the heartbeat of an ended session for good. Watchers are not told: they have seen it leave or expire.
    pub(crate) async fn remove_heartbeat(&self, session: Session) {
        let subject = format!("{}m.{session}", self.put_prefix());
        let purge = self.store.stream.purge().filter(subject);
        // It is only litter: whoever comes later removes it instead.
        let _ = tokio::time::timeout(self.timeout, std::future::IntoFuture::into_future(purge)).await;
    }

    /// Everything that stands there, then every change.
    pub(crate) async fn watch(&self) -> Option<kv::Watch> {
        // A watch mends itself, with the timeout of the context that it came from.
        let store = self.context.get_key_value(&self.store.name).await.ok()?;
        tokio::time::timeout(self.timeout, store.watch_with_history(">")).await.ok()?.ok()
    }

    /// Changes with the next lost connection.
    pub(crate) fn cuts(&self) -> watch::Receiver<u64> {
        let mut cuts = self.cuts.clone();
        cuts.mark_unchanged();
        cuts
    }

    fn lease_subject(&self, partition: usize) -> String {
        format!("{}l.{partition}", self.put_prefix())
    }

    fn put_prefix(&self) -> &str {
        self.store.put_prefix.as_deref().unwrap_or(&self.store.prefix)
    }
}

pub(crate) fn change(entry: &kv::Entry, partitions: usize) -> (Change, Option<RecordError>) {
    let gone = entry.operation != Operation::Put;
    if let Some(partition) = entry.key.strip_prefix("l.").and_then(|number| number.parse::<usize>().ok()) {
        if partition >= partitions {
            return (Change::Foreign, None);
        }
        let found = if gone {
            Found::Nothing { revision: entry.revision }
        } else {
            found(partition, entry.revision, &entry.value)
        };
        return (Change::Lease { partition, found }, None);
    }
    let Some(Ok(session)) = entry.key.strip_prefix("m.").map(str::parse::<Session>) else {
        return (Change::Foreign, None);
    };
    if gone {
        return (Change::Gone(session), None);
    }
    match Heartbeat::decode(&entry.value) {
        Ok(heartbeat) => (Change::Heartbeat { session, revision: entry.revision, heartbeat }, None),
        Err(error) => (Change::Foreign, Some(error)),
    }
}

fn found(partition: usize, revision: u64, bytes: &[u8]) -> Found {
    match Lease::decode(partition as u32, bytes) {
        Ok(lease) => Found::Lease { revision, lease },
        Err(error) => {
            tracing::warn!(partition, revision, %error, "a lease cannot be read and is left alone");
            Found::Unreadable { revision }
        }
    }
}
