//! One connection for messages, over either path: the client library, or the small client of our own where that can be.
//!
//! What is managed on a server is always managed through the library.

mod message;

use std::fmt;

use async_nats::{Client, ConnectOptions, Event, HeaderMap, Subscriber, header};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::message::Message;
use super::access::Access;
use super::{connect, plain};
use crate::clock;
use crate::model::time::MonoNs;

/// How messages travel between a process and the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// Through the client library (async-nats), which can do TLS and logins, and connects again.
    #[default]
    Library,
    /// Through a small client of jetlag's own, which costs a fraction of the processor time. For one server on this machine that asks for neither TLS nor a login; where that is not so, through the library, and the report says so.
    Plain,
}

impl Path {
    /// Whether it is the default, which profiles written out leave out: runs made before there was a choice asked the same.
    #[must_use]
    pub fn is_library(&self) -> bool {
        *self == Self::Library
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Library => "library",
            Self::Plain => "plain",
        })
    }
}

/// A connection.
#[derive(Clone)]
pub enum Link {
    /// Through the client library.
    Library(Client),
    /// Through our own client.
    Plain(plain::Client),
}

/// What is subscribed to on a link.
pub enum Subscription {
    /// Through the client library.
    Library(Subscriber),
    /// Through our own client.
    Plain(plain::Subscription),
}

/// The connection is closed for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection to the server is closed for good")]
pub struct Closed;

impl Link {
    /// Opens a link over our own client, where that can be; else over the library, with `options`. Says why it is not what
    /// was asked for.
    ///
    /// # Errors
    /// Any [`connect::Error`].
    pub async fn open<F>(
        path: Path,
        access: &Access,
        options: ConnectOptions,
        name: &str,
        note: F,
    ) -> Result<(Self, Option<String>), connect::Error>
    where
        F: Fn(Event) + Clone + Send + Sync + 'static,
    {
        let why = match path {
            Path::Library => None,
            Path::Plain => match Self::open_plain(access, name, note.clone()).await? {
                Ok(client) => return Ok((Self::Plain(client), None)),
                Err(why) => Some(why),
            },
        };
        Ok((Self::Library(access.connect_with(options, name, note).await?), why))
    }

    /// Connects our own client, where that can be; else says why it cannot.
    ///
    /// # Errors
    /// Any [`connect::Error`].
    pub async fn open_plain(
        access: &Access,
        name: &str,
        note: impl Fn(Event) + 'static,
    ) -> Result<Result<plain::Client, String>, connect::Error> {
        let address = match access.plain_address() {
            Ok(address) => address,
            Err(why) => return Ok(Err(why.to_owned())),
        };
        let other = |why: String| connect::Error::Other { servers: access.redacted_url(), why };
        match plain::Client::connect(address, name, note).await {
            Ok(client) => Ok(Ok(client)),
            Err(error @ plain::Error::Unsuited(_)) => Ok(Err(error.to_string())),
            Err(plain::Error::TimedOut { .. }) => Err(connect::Error::TimedOut { servers: access.redacted_url() }),
            Err(plain::Error::Io { reason, .. }) => {
                Err(connect::Error::Unreachable { servers: access.redacted_url(), why: reason.to_string() })
            }
            Err(error @ (plain::Error::Refused(_) | plain::Error::Malformed(_))) => Err(other(error.to_string())),
        }
    }

    /// What answers to one who asks are sent below.
    #[must_use]
    pub fn new_inbox(&self) -> String {
        match self {
            Self::Library(client) => client.new_inbox(),
            Self::Plain(_) => format!("_INBOX.{:016x}", rand::random::<u64>()),
        }
    }

    /// Subscribes to `subject`.
    ///
    /// # Errors
    /// When the connection is closed for good.
    pub async fn subscribe(&self, subject: String) -> Result<Subscription, Closed> {
        match self {
            Self::Library(client) => client.subscribe(subject).await.map(Subscription::Library).map_err(|_| Closed),
            Self::Plain(client) => Ok(Subscription::Plain(client.subscribe(&subject))),
        }
    }

    /// Publishes; waits while the connection takes nothing more. A lost one takes everything: who sent it finds that out by
    /// himself.
    ///
    /// # Errors
    /// When the connection is closed for good.
    pub async fn publish(&self, envelope: &plain::Envelope<'_>, payload: &[u8]) -> Result<(), Closed> {
        match self {
            Self::Library(client) => {
                let plain::Envelope { subject, reply, headers, message_id } = *envelope;
                let mut headers = headers.cloned();
                if let Some(id) = message_id {
                    headers.get_or_insert_with(HeaderMap::new).insert(header::NATS_MESSAGE_ID, id);
                }
                let (subject, payload) = (subject.to_owned(), Bytes::copy_from_slice(payload));
                let published = match (reply.map(str::to_owned), headers) {
                    (Some(reply), Some(headers)) => {
                        client.publish_with_reply_and_headers(subject, reply, headers, payload).await
                    }
                    (Some(reply), None) => client.publish_with_reply(subject, reply, payload).await,
                    (None, Some(headers)) => client.publish_with_headers(subject, headers, payload).await,
                    (None, None) => client.publish(subject, payload).await,
                };
                published.map_err(|_| Closed)
            }
            Self::Plain(client) => {
                while !client.publish(envelope, payload) {
                    client.has_room().await;
                }
                Ok(())
            }
        }
    }
}

impl Link {
    /// Publishes as [`Self::publish`]; on our own client, together with what is published next, or when there is much of it.
    ///
    /// # Errors
    /// As [`Self::publish`].
    pub async fn publish_some_time(&self, envelope: &plain::Envelope<'_>, payload: &[u8]) -> Result<(), Closed> {
        match self {
            Self::Plain(client) if client.publish_some_time(envelope, payload) => Ok(()),
            _ => self.publish(envelope, payload).await,
        }
    }
}

impl Subscription {
    /// The next message, and when it came; `None` at the end.
    pub async fn next(&mut self) -> Option<(MonoNs, Message)> {
        match self {
            Self::Library(subscriber) => subscriber.next().await.map(|message| (clock::now(), message.into())),
            Self::Plain(subscription) => subscription.next().await.map(|(at, message)| (at, Message::Plain(message))),
        }
    }

    /// The next message, if it is there.
    pub fn take(&mut self) -> Option<(MonoNs, Message)> {
        match self {
            Self::Library(subscriber) => {
                subscriber.next().now_or_never().flatten().map(|message| (clock::now(), message.into()))
            }
            Self::Plain(subscription) => subscription.take().map(|(at, message)| (at, Message::Plain(message))),
        }
    }
}
