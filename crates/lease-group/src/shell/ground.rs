//! Looks at the bucket and the stream that a member stands on.

use std::sync::Arc;
use std::time::SystemTime;

use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Info, RetentionPolicy};
use async_nats::jetstream::{Context, ErrorCode};

use crate::error::MemberError;
use crate::group::Settings;
use crate::options::Takeover;

/// When bucket and stream were made: whether it is still the same ones.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Made {
    pub(crate) bucket: SystemTime,
    pub(crate) stream: SystemTime,
}

/// What a member stands on, as it was when it joined.
#[derive(Clone)]
pub(crate) struct Ground {
    pub(crate) context: Context,
    pub(crate) settings: Arc<Settings>,
    pub(crate) made: Made,
}

impl Ground {
    /// What is wrong with it, or nothing; `None` when nobody answered.
    pub(crate) async fn look(&self) -> Option<Result<(), MemberError>> {
        let settings = &self.settings;
        let bucket = |reason: &str| MemberError::Bucket { bucket: settings.name.clone(), reason: reason.to_owned() };
        let stream = |reason: &str| MemberError::Stream { stream: settings.stream.clone(), reason: reason.to_owned() };
        let wrong = match self.ask(&format!("KV_{}", settings.name)).await? {
            None => Some(bucket(
                "it was deleted, and with it every checkpoint: whoever joins now makes a new one and begins at the stream's first message",
            )),
            Some(info) => wrong_bucket(settings, &info, self.made.bucket).map(|reason| bucket(&reason)),
        };
        if let Some(wrong) = wrong {
            return Some(Err(wrong));
        }
        let wrong = match self.ask(&settings.stream).await? {
            None => Some(stream("it was deleted: make it anew, delete the group's bucket, and join again")),
            Some(info) => wrong_stream(settings, &info, self.made.stream).map(|reason| stream(&reason)),
        };
        Some(wrong.map_or(Ok(()), Err))
    }

    /// A stream, or that there is none; `None` when nobody answered.
    async fn ask(&self, name: &str) -> Option<Option<Info>> {
        match self.context.get_stream(name).await {
            Ok(stream) => Some(Some(stream.cached_info().clone())),
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(reason) if reason.error_code() == ErrorCode::STREAM_NOT_FOUND => {
                    Some(None)
                }
                _ => None,
            },
        }
    }
}

/// Whether streams of this retention keep what a takeover needs.
pub(crate) fn carries(takeover: Takeover, retention: RetentionPolicy) -> bool {
    match takeover {
        Takeover::Safe => retention == RetentionPolicy::Limits,
        // The shared durables of the original are never deleted and begin at the beginning: a work queue can carry them.
        Takeover::Resume { .. } => retention != RetentionPolicy::Interest,
    }
}

fn wrong_bucket(settings: &Settings, info: &Info, made: SystemTime) -> Option<String> {
    let config = &info.config;
    let (found, expected) = (config.description.as_deref().unwrap_or_default(), settings.identity());
    if SystemTime::from(info.created) != made {
        Some("it was deleted and made anew while the group ran: join again, and the group begins at the stream's first message".to_owned())
    } else if config.sealed {
        Some("it was sealed, so that no lease can be written: delete it and join again".to_owned())
    } else if found != expected {
        Some(format!("its description was changed to `{found}`, this member needs `{expected}`: change it back"))
    } else {
        None
    }
}

fn wrong_stream(settings: &Settings, info: &Info, made: SystemTime) -> Option<String> {
    if SystemTime::from(info.created) != made {
        let remedy = "delete the group's bucket, whose checkpoints are of the old one, and join again";
        Some(format!("it was deleted and made anew: {remedy}"))
    } else if !carries(settings.takeover, info.config.retention) {
        let retention = format!("{:?}", info.config.retention).to_lowercase();
        Some(format!(
            "its retention was changed to {retention}, with which a takeover would lose messages: change it back to limits"
        ))
    } else {
        None
    }
}
