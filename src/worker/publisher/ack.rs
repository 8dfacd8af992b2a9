//! The acknowledgement of a publish, as JetStream answers it.

use async_nats::Message;
use serde::Deserialize;

/// Where a message is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Ack {
    /// Sequence in the stream; for a batch that of its last message.
    #[serde(default)]
    pub(super) seq: u64,
    /// The server knew the message id.
    #[serde(default)]
    pub(super) duplicate: bool,
    /// For a batch: the messages of it that are stored.
    #[serde(default)]
    pub(super) count: u64,
    #[serde(default)]
    error: Option<Refusal>,
}

/// Why it is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Refusal {
    /// The server's number for it.
    #[serde(default)]
    pub(super) err_code: u64,
    /// In the server's words.
    #[serde(default)]
    pub(super) description: String,
}

impl From<&str> for Refusal {
    fn from(description: &str) -> Self {
        Self { err_code: 0, description: description.to_owned() }
    }
}

/// The server's answer to a publish: where it is stored, or why not.
pub(super) fn answer(message: &Message) -> Result<Ack, Refusal> {
    if message.status.is_some_and(|status| status == async_nats::StatusCode::NO_RESPONDERS) {
        return Err("no stream takes the subject (no responders)".into());
    }
    match serde_json::from_slice::<Ack>(&message.payload) {
        Ok(Ack { error: Some(refusal), .. }) => Err(refusal),
        Ok(ack) if ack.seq > 0 => Ok(ack),
        Ok(_) | Err(_) => Err("an answer that is no publish acknowledgement".into()),
    }
}

/// The last tokens of a subject below `inbox`; `None` when it is not below it.
pub(super) fn below<'s>(inbox: &str, subject: &'s str) -> Option<&'s str> {
    subject.strip_prefix(inbox)?.strip_prefix('.')
}

#[cfg(test)]
pub(super) fn told(subject: &str, payload: &str) -> Message {
    Message {
        subject: subject.into(),
        reply: None,
        payload: payload.to_owned().into(),
        headers: None,
        status: None,
        description: None,
        length: 0,
    }
}
