//! Connecting to a server, and saying in plain words why it did not work.

use std::time::Duration;

use async_nats::jetstream::context::ContextBuilder;
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event};

use super::access::{Access, Identity};

/// One attempt to connect, TLS and the server's greeting included.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Between attempts to reconnect. Short, because a reconnect's delay is part of what is measured after a server's
/// restart; not so short that a fleet keeps the server from coming up.
const RECONNECT_DELAY_MAX: Duration = Duration::from_millis(100);
/// Attempts in a row before a client gives up: ten minutes of them.
const RECONNECTS_MAX: usize = 6_000;
/// A server that has not answered a ping is noticed after three of these.
const PING_EVERY: Duration = Duration::from_secs(10);

/// Why there is no connection. Never holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was given to reach the server is wrong.
    #[error("{}", .0.join("; "))]
    Given(Vec<String>),
    /// Nobody listens there, or it cannot be reached.
    #[error("cannot reach a NATS server at {servers}: {why}; check address and port, and that the server runs")]
    Unreachable {
        /// Addresses.
        servers: String,
        /// What the system said.
        why: String,
    },
    /// The server does not accept the identity.
    #[error("{servers} refused {identity}: {why}; check the user, token, credentials or nkey that you give")]
    Denied {
        /// Addresses.
        servers: String,
        /// Who was refused.
        identity: String,
        /// What the server said.
        why: String,
    },
    /// The identity's file cannot be used.
    #[error("cannot use {identity}: {why}")]
    Identity {
        /// Which identity.
        identity: String,
        /// What is wrong with it.
        why: String,
    },
    /// TLS failed.
    #[error(
        "TLS with {servers} failed: {why}; give the CA that signed the server's certificate, and a client certificate with its key if the server asks for one"
    )]
    Tls {
        /// Addresses.
        servers: String,
        /// What the TLS library said.
        why: String,
    },
    /// Nobody answered in time.
    #[error("{servers} did not answer within {} s; check address and firewall, and that it is a NATS server", CONNECT_WITHIN.as_secs())]
    TimedOut {
        /// Addresses.
        servers: String,
    },
    /// Something answered, but not as a NATS server does.
    #[error("the connection to {servers} failed: {why}; check that it is a NATS server")]
    Other {
        /// Addresses.
        servers: String,
        /// What the client library said.
        why: String,
    },
}

impl Access {
    /// The client library's options for this way in: identity, TLS, bounds.
    ///
    /// # Errors
    /// [`Error::Identity`] when a file of the identity cannot be used.
    pub fn options(&self) -> Result<ConnectOptions, Error> {
        let unusable = |why: String| Error::Identity { identity: self.identity().describe(), why };
        let read = |path: &std::path::Path| std::fs::read_to_string(path).map_err(|error| unusable(error.to_string()));
        let mut options = ConnectOptions::new();
        options = match self.identity() {
            Identity::Anonymous => options,
            Identity::Password { user, password } => {
                options.user_and_password(user.clone(), password.reveal().to_owned())
            }
            Identity::Token(token) => options.token(token.reveal().to_owned()),
            Identity::Credentials(path) => options.credentials(&read(path)?).map_err(|_| {
                unusable("it is no credentials file (a JWT and a seed between BEGIN and END lines)".into())
            })?,
            Identity::NkeySeed(path) => options.nkey(seed(&read(path)?).map_err(unusable)?),
        };
        if let Some(ca) = &self.tls().ca {
            options = options.add_root_certificates(ca.clone()).require_tls(true);
        }
        if let Some((certificate, key)) = &self.tls().client {
            options = options.add_client_certificate(certificate.clone(), key.clone()).require_tls(true);
        }
        if let Some(via) = self.via() {
            options = via.apply(options, self.tls()).map_err(|why| Error::Tls { servers: self.redacted_url(), why })?;
        }
        Ok(options
            .connection_timeout(CONNECT_WITHIN)
            .ping_interval(PING_EVERY)
            .max_reconnects(RECONNECTS_MAX)
            .reconnect_delay_callback(reconnect_delay))
    }

    /// Connects as `name`, which the server shows in its list of connections. `on_event` hears of disconnects and
    /// the like; it must not block.
    ///
    /// # Errors
    /// Any [`enum@Error`].
    pub async fn connect<F>(&self, name: &str, on_event: F) -> Result<Client, Error>
    where
        F: Fn(Event) + Send + Sync + 'static,
    {
        self.connect_with(self.options()?, name, on_event).await
    }

    /// Connects with options of the caller's, made by [`Access::options`] and changed.
    ///
    /// # Errors
    /// Any [`enum@Error`].
    pub async fn connect_with<F>(&self, options: ConnectOptions, name: &str, on_event: F) -> Result<Client, Error>
    where
        F: Fn(Event) + Send + Sync + 'static,
    {
        let options = options.name(name).event_callback(move |event| {
            on_event(event);
            std::future::ready(())
        });
        options.connect(self.urls()).await.map_err(|error| self.explain(&error))
    }

    /// JetStream over `client`, in the domain that was named, if one was; each request is answered or given up within
    /// `timeout`.
    #[must_use]
    pub fn jetstream(&self, client: Client, timeout: Duration) -> async_nats::jetstream::Context {
        let builder = ContextBuilder::new().timeout(timeout).ack_timeout(timeout);
        builder.api_prefix(self.api_prefix()).build(client)
    }

    fn explain(&self, error: &async_nats::ConnectError) -> Error {
        let why = self.scrub(chain(error));
        let servers = self.redacted_url();
        match error.kind() {
            ConnectErrorKind::AuthorizationViolation => {
                Error::Denied { servers, identity: self.identity().describe(), why }
            }
            ConnectErrorKind::Authentication => Error::Identity { identity: self.identity().describe(), why },
            ConnectErrorKind::Tls => Error::Tls { servers, why },
            ConnectErrorKind::TimedOut => Error::TimedOut { servers },
            ConnectErrorKind::Dns | ConnectErrorKind::MaxReconnects => Error::Unreachable { servers, why },
            ConnectErrorKind::Io if is_about_tls(&why) => Error::Tls { servers, why },
            ConnectErrorKind::Io if is_unreachable(error) => Error::Unreachable { servers, why },
            ConnectErrorKind::Io | ConnectErrorKind::ServerParse => Error::Other { servers, why },
        }
    }

    /// No library is known to repeat a secret in an error. None is trusted not to.
    fn scrub(&self, text: String) -> String {
        match self.identity() {
            Identity::Password { password: secret, .. } | Identity::Token(secret) if !secret.reveal().is_empty() => {
                text.replace(secret.reveal(), "***")
            }
            _ => text,
        }
    }
}

/// JetStream over `client`, each of whose requests is answered or given up within `timeout`.
#[must_use]
pub fn jetstream(client: Client, timeout: Duration) -> async_nats::jetstream::Context {
    ContextBuilder::new().timeout(timeout).ack_timeout(timeout).build(client)
}

fn reconnect_delay(attempts: usize) -> Duration {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(u32::MAX);
    match doublings {
        0 => Duration::ZERO,
        _ => Duration::from_millis(2_u64.saturating_pow(doublings)).min(RECONNECT_DELAY_MAX),
    }
}

/// The first line of a seed file that is a seed (the others may be comments, or the lines of a credentials file).
fn seed(text: &str) -> Result<String, String> {
    let is_seed = |line: &&str| line.starts_with('S') && line.len() > 50 && !line.contains(' ');
    let line = text.lines().map(str::trim).find(is_seed);
    line.map(str::to_owned).ok_or_else(|| "it holds no nkey seed (a line that starts with S)".to_owned())
}

/// An error and what caused it, each once, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let words = cause.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        next = cause.source();
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The client library reports much of what TLS refuses as a broken connection.
fn is_about_tls(why: &str) -> bool {
    let why = why.to_ascii_lowercase();
    ["certificate", "tls", "handshake", "corrupt message", "fatal alert"].iter().any(|mark| why.contains(mark))
}

fn is_unreachable(error: &async_nats::ConnectError) -> bool {
    use std::io::ErrorKind::{
        AddrNotAvailable, ConnectionRefused, ConnectionReset, HostUnreachable, NetworkUnreachable, PermissionDenied,
    };
    let mut next: Option<&dyn std::error::Error> = Some(error);
    while let Some(cause) = next {
        if let Some(io) = cause.downcast_ref::<std::io::Error>() {
            return matches!(
                io.kind(),
                ConnectionRefused
                    | ConnectionReset
                    | HostUnreachable
                    | NetworkUnreachable
                    | AddrNotAvailable
                    | PermissionDenied
            );
        }
        next = cause.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::super::access::Given;
    use super::*;

    #[test]
    fn the_first_attempt_is_not_delayed_and_no_later_one_for_long() {
        assert_eq!(reconnect_delay(0), Duration::ZERO);
        assert_eq!(reconnect_delay(1), Duration::ZERO);
        assert_eq!(reconnect_delay(2), Duration::from_millis(2));
        assert_eq!(reconnect_delay(usize::MAX), RECONNECT_DELAY_MAX);
    }

    #[test]
    fn a_seed_is_found_among_comments() {
        let seed_line = format!("SU{}", "A".repeat(56));
        assert_eq!(seed(&format!("# mine\n  {seed_line}\n")), Ok(seed_line));
        assert!(seed("Some words\nSHORT").is_err());
    }

    #[test]
    fn a_file_that_is_no_credentials_file_is_named() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.creds");
        std::fs::write(&path, "nothing").expect("a file");
        let given = Given { servers: "nats://one".into(), creds: Some(path), ..Given::default() };
        let error = Access::new(given).expect("the file is there").options().expect_err("it is no credentials file");
        assert!(error.to_string().contains("x.creds"), "{error}");
    }

    #[tokio::test(flavor = "current_thread")]
    async fn a_refused_connection_names_the_address_and_not_the_secret() {
        // A port that was just free is refused; if somebody takes it meanwhile, it is at least no NATS server.
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it has an address");
        drop(listener);
        let given = Given { servers: format!("nats://me:s3cret@{address}"), ..Given::default() };
        let access = Access::new(given).expect("valid");
        let error = access.connect("test", |_| {}).await.expect_err("nobody listens");
        assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
        let text = format!("{error} {error:?}");
        assert!(text.contains(&address.to_string()) && !text.contains("s3cret"), "{text}");
    }
}
