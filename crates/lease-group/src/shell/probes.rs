//! Probes on their way, and what comes back: the server's word that nobody listens, what other members say, what the server tells of
//! connections.
//!
//! Nobody answers a probe: the server speaks up only where nobody listens. So a probe to a living member costs one message, and one that was
//! on its way when the member died needs no timeout: the next one tells.

use std::sync::Arc;

use async_nats::{Client, Message, StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::SelectAll;
use serde::Deserialize;

use crate::error::JoinError;
use crate::group::Settings;
use crate::liveness::Ask;
use crate::record::Session;

/// Where the server tells of connections that ended, in the system account.
const DISCONNECTS: &str = "$SYS.ACCOUNT.*.DISCONNECT";
/// What the name of a control connection says before the session.
pub(crate) const CONTROL: &str = "control";
/// The last token of the subject on which members tell each other.
const GONE: &str = "gone";
/// The last token of a probe's reply subject.
const FIRST: &str = "first";
const SECOND: &str = "second";

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Nobody listens there.
    Nobody { session: Session, confirms: bool },
    /// Somebody says that it is gone.
    Told(Session),
}

/// The subscriptions and subjects of one member.
pub(crate) struct Probes {
    settings: Arc<Settings>,
    client: Client,
    inbox: String,
    heard: SelectAll<Subscriber>,
    /// Kept for as long as it is listened to.
    _system: Option<Client>,
}

impl Probes {
    /// Listens: from here on whoever probes this session finds somebody. `None` when the group takes no hints.
    pub(crate) async fn open(
        client: &Client,
        settings: &Arc<Settings>,
        session: Session,
    ) -> Result<Option<Self>, JoinError> {
        let Some(hints) = &settings.hints else { return Ok(None) };
        let prefix = &settings.liveness;
        let inbox = client.new_inbox();
        let mut heard = SelectAll::new();
        for subject in [format!("{prefix}.{session}"), format!("{prefix}.{GONE}"), format!("{inbox}.>")] {
            heard.push(client.subscribe(subject).await.map_err(|error| JoinError::Hints(error.to_string()))?);
        }
        // The heartbeat that says so must not be seen before.
        client.flush().await.map_err(|error| JoinError::Hints(error.to_string()))?;
        let mut system = None;
        if let Some((servers, options)) = &hints.system {
            let servers: Vec<&str> = servers.split(',').map(str::trim).collect();
            let refused = |error: String| JoinError::Hints(format!("the system account: {error}"));
            let client = options.clone().name(format!("{} {} system", settings.name, settings.worker));
            let client = client.connect(servers).await.map_err(|error| refused(error.to_string()))?;
            heard.push(client.subscribe(DISCONNECTS).await.map_err(|error| refused(error.to_string()))?);
            system = Some(client);
        }
        Ok(Some(Self { settings: Arc::clone(settings), client: client.clone(), inbox, heard, _system: system }))
    }

    /// The next that is heard; never, when the connection is closed for good.
    pub(crate) async fn next(&mut self) -> News {
        loop {
            match self.heard.next().await {
                Some(message) => {
                    if let Some(news) = self.read(&message) {
                        return news;
                    }
                }
                None => std::future::pending().await,
            }
        }
    }

    fn read(&self, message: &Message) -> Option<News> {
        let subject = message.subject.as_str();
        if let Some(rest) = subject.strip_prefix(&self.inbox) {
            if message.status != Some(StatusCode::NO_RESPONDERS) {
                return None;
            }
            let (session, step) = rest.strip_prefix('.')?.split_once('.')?;
            return Some(News::Nobody { session: session.parse().ok()?, confirms: step == SECOND });
        }
        if subject.starts_with("$SYS.") {
            return session_of(&message.payload, &self.settings.name).map(News::Told);
        }
        // A probe of ourselves says nothing: that it came is all there is to it.
        let is_gone = subject.strip_prefix(&self.settings.liveness)?.strip_prefix('.')? == GONE;
        let session = std::str::from_utf8(&message.payload).ok().filter(|_| is_gone)?;
        session.parse().ok().map(News::Told)
    }

    /// Sends a probe. What cannot be sent now is sent again soon.
    pub(crate) fn ask(&self, ask: Ask) -> impl Future<Output = ()> + use<> {
        let (client, session) = (self.client.clone(), ask.session);
        let step = if ask.confirms { SECOND } else { FIRST };
        let (to, reply) = (format!("{}.{session}", self.settings.liveness), format!("{}.{session}.{step}", self.inbox));
        async move {
            let _ = client.publish_with_reply(to, reply, Bytes::new()).await;
        }
    }

    /// Tells the others.
    pub(crate) fn tell(&self, gone: Session) -> impl Future<Output = ()> + use<> {
        let (client, subject) = (self.client.clone(), format!("{}.{GONE}", self.settings.liveness));
        async move {
            let _ = client.publish(subject, gone.to_string().into()).await;
        }
    }
}

/// The session whose control connection has ended, by the name that its client gave itself. That is the one that listens to probes: the
/// others of a member that died may end sooner, and a probe would still find somebody.
fn session_of(event: &[u8], group: &str) -> Option<Session> {
    #[derive(Deserialize)]
    struct Event {
        client: Client,
    }
    #[derive(Deserialize)]
    struct Client {
        #[serde(default)]
        name: String,
    }
    let event: Event = serde_json::from_slice(event).ok()?;
    let (of, rest) = event.client.name.split_once(' ')?;
    let mut ends = rest.rsplit(' ');
    let (session, role) = (ends.next()?, ends.next()?);
    (of == group && role == CONTROL).then(|| session.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_that_ended_is_known_by_its_name() {
        let event = |name: &str| {
            format!(
                r#"{{"type":"io.nats.server.advisory.v1.client_disconnect","client":{{"id":7,"name":"{name}"}},"reason":"Client Closed"}}"#
            )
        };
        let session = Session::from_u128(0xfeed);
        assert_eq!(session_of(event(&format!("billing w 1 control {session}")).as_bytes(), "billing"), Some(session));
        assert_eq!(session_of(event(&format!("other w control {session}")).as_bytes(), "billing"), None);
        for foreign in ["", "billing", "billing w control", "x"] {
            assert_eq!(session_of(event(foreign).as_bytes(), "billing"), None, "{foreign}");
        }
        let data = event(&format!("billing w 1 data {session}"));
        assert_eq!(session_of(data.as_bytes(), "billing"), None, "nobody probes that one");
        assert_eq!(session_of(b"{}", "billing"), None);
    }
}
