//! A message, whichever way it came.

use async_nats::{HeaderMap, StatusCode};

use crate::nats::plain;

/// A message that has come.
#[derive(Debug)]
pub enum Message {
    /// Through the client library.
    Library(Box<async_nats::Message>),
    /// Through our own client.
    Plain(plain::Message),
}

impl Message {
    /// Where it was sent to.
    #[must_use]
    pub fn subject(&self) -> &str {
        match self {
            Self::Library(message) => &message.subject,
            Self::Plain(message) => message.subject(),
        }
    }

    /// Where an answer goes, if one is wanted.
    #[must_use]
    pub fn reply(&self) -> Option<&str> {
        match self {
            Self::Library(message) => message.reply.as_deref(),
            Self::Plain(message) => message.reply(),
        }
    }

    /// The bytes of [`Self::subject`].
    #[must_use]
    pub fn subject_bytes(&self) -> &[u8] {
        match self {
            Self::Library(message) => message.subject.as_bytes(),
            Self::Plain(message) => message.subject_bytes(),
        }
    }

    /// The bytes of [`Self::reply`]; none where no answer is wanted.
    #[must_use]
    pub fn reply_bytes(&self) -> &[u8] {
        match self {
            Self::Library(message) => message.reply.as_deref().unwrap_or_default().as_bytes(),
            Self::Plain(message) => message.reply_bytes(),
        }
    }

    /// What it carries.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        match self {
            Self::Library(message) => &message.payload,
            Self::Plain(message) => message.payload(),
        }
    }

    /// Its headers, if it has any.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        match self {
            Self::Library(message) => message.headers.as_ref(),
            Self::Plain(message) => message.headers(),
        }
    }

    /// The status that the server gave it: then it is no message of anybody's.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        match self {
            Self::Library(message) => message.status,
            Self::Plain(message) => message.status(),
        }
    }
}

impl From<async_nats::Message> for Message {
    fn from(message: async_nats::Message) -> Self {
        Self::Library(Box::new(message))
    }
}
