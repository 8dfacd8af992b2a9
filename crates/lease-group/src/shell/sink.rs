//! The stream that effects are written to: opened once, and fenced at every takeover.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::stream::{self, RetentionPolicy, Stream};
use async_nats::{Client, HeaderMap, Request, header};
use tokio::time::Instant;

use crate::error::JoinError;
use crate::fence::{Answer, Fence, Raise, Standing};
use crate::group::Settings;
use crate::options::Sink as Options;

/// The first release that looks at the subject an expectation is about. Older ones take it for the message's own, without a word.
const FENCES_SINCE: (u64, u64) = (2, 11);
/// The first release with atomic batches.
const BATCHES_SINCE: (u64, u64) = (2, 12);
/// The pause before the same is asked again, where another write was in the way.
pub(crate) const RETRY_AFTER: Duration = Duration::from_millis(2);

/// What a member knows of its sink.
#[derive(Clone, Debug)]
pub(crate) struct Sink {
    options: Options,
    stream: Stream<()>,
    /// Several writes with one expectation may be on their way: only where no other server has to agree first.
    pub(crate) is_alone: bool,
    /// It takes atomic batches.
    pub(crate) is_atomic: bool,
}

/// Looks at the sink before anything depends on it.
pub(crate) async fn open(context: &Context, client: &Client, settings: &Settings) -> Result<Option<Sink>, JoinError> {
    let Some(options) = settings.sink.clone() else { return Ok(None) };
    let refused = |reason: String| JoinError::Sink { stream: options.stream.clone(), reason };
    let version = client.server_info().version;
    if !is_since(&version, FENCES_SINCE) {
        let (major, minor) = FENCES_SINCE;
        return Err(refused(format!("nats-server {version} cannot fence effects; {major}.{minor} or later can")));
    }
    let found = context.get_stream(&options.stream).await.map_err(|error| refused(error.to_string()))?;
    let config = &found.cached_info().config;
    if config.retention != RetentionPolicy::Limits {
        let retention = format!("{:?}", config.retention).to_lowercase();
        return Err(refused(format!("it has {retention} retention, which may remove a fence; take limits retention")));
    }
    let is_alone = config.num_replicas <= 1;
    let is_atomic = config.allow_atomic_publish && is_since(&version, BATCHES_SINCE);
    let stream = context.get_stream_no_info(&options.stream).await.map_err(|error| refused(error.to_string()))?;
    Ok(Some(Sink { options, stream, is_alone, is_atomic }))
}

/// Whether a server's version is of this release or a later one. One that is no version is somebody's own build, and trusted.
fn is_since(version: &str, (major, minor): (u64, u64)) -> bool {
    let mut numbers = version.trim_start_matches('v').split('.').map(str::parse::<u64>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(found)), Some(Ok(then))) => (found, then) >= (major, minor),
        _ => true,
    }
}

impl Sink {
    /// The same sink, asked through another connection.
    pub(crate) async fn on(&self, context: &Context) -> Result<Self, JoinError> {
        let refused = |reason: String| JoinError::Sink { stream: self.options.stream.clone(), reason };
        let stream = context.get_stream_no_info(&self.options.stream).await;
        Ok(Self { stream: stream.map_err(|error| refused(error.to_string()))?, ..self.clone() })
    }

    pub(crate) fn fence_subject(&self, partition: u32) -> String {
        format!("{}.{partition}", self.options.fences)
    }

    /// Rule 4, between the claim and anything else: puts up the fence of `fence.epoch`, and answers its sequence. Returns
    /// an error when a later one stands, or none of it was settled within `within`.
    pub(crate) async fn raise(
        &self,
        client: &Client,
        partition: u32,
        fence: Fence,
        within: Duration,
    ) -> Result<u64, async_nats::Error> {
        let subject = self.fence_subject(partition);
        let deadline = Instant::now() + within;
        while Instant::now() < deadline {
            let expected = match fence.raise(self.standing(&subject).await?) {
                Raise::Publish { expected } => expected,
                Raise::Stands { sequence } => return Ok(sequence),
                Raise::Superseded { by } => {
                    return Err(format!("the fence at {subject} is of epoch {by}, later than {}", fence.epoch).into());
                }
            };
            let mut headers = HeaderMap::new();
            headers.insert(header::NATS_EXPECTED_STREAM, self.options.stream.as_str());
            headers.insert(header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, expected.to_string().as_str());
            let request = Request::new().headers(headers).payload(fence.encode().into()).timeout(Some(within / 2));
            match client.send_request(subject.clone(), request).await.map(|answer| Answer::read(&answer.payload)) {
                Ok(Answer::Stored(sequence) | Answer::Duplicate(sequence)) => return Ok(sequence),
                Ok(Answer::Refused(number)) => {
                    return Err(format!("the server refused a fence at {subject} (error {number})").into());
                }
                // Somebody else's, or our own whose answer was lost: reading tells.
                Ok(Answer::Fenced | Answer::Retry | Answer::Unreadable) | Err(_) => {
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
        Err(format!("the fence at {subject} was not settled within {within:?}").into())
    }

    /// What stands, from the stream's leader: a direct get may answer from a replica that is behind.
    async fn standing(&self, subject: &str) -> Result<Option<Standing>, async_nats::Error> {
        match self.stream.get_last_raw_message_by_subject(subject).await {
            Ok(message) => {
                let fence = Fence::decode(&message.payload)
                    .map_err(|error| format!("what stands at {subject} is no fence: {error}"))?;
                Ok(Some(Standing { sequence: message.sequence, fence }))
            }
            Err(error) if error.kind() == stream::LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_is_known_by_its_first_two_numbers() {
        for (version, is) in [
            ("2.10.26", false),
            ("2.11.0", true),
            ("2.15.1-dev", true),
            ("3.0.0", true),
            ("1.9.9", false),
            ("own", true),
        ] {
            assert_eq!(is_since(version, FENCES_SINCE), is, "{version}");
        }
    }
}
