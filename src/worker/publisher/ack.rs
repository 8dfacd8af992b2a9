//! The acknowledgement of a publish, as JetStream answers it.

use crate::nats::link::Message;
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
    if message.status().is_some_and(|status| status == async_nats::StatusCode::NO_RESPONDERS) {
        return Err("no stream takes the subject (no responders)".into());
    }
    if let Some(seq) = usual(message.payload()) {
        return Ok(Ack { seq, ..Ack::default() });
    }
    match serde_json::from_slice::<Ack>(message.payload()) {
        Ok(Ack { error: Some(refusal), .. }) => Err(refusal),
        Ok(ack) if ack.seq > 0 => Ok(ack),
        Ok(_) | Err(_) => Err("an answer that is no publish acknowledgement".into()),
    }
}

/// The sequence of an answer as nearly all are, `{"stream":"<name>","seq":<number>}`: reading it as JSON of any shape costs
/// more than sending a message does. Whatever is not exactly so is read the long way.
fn usual(payload: &[u8]) -> Option<u64> {
    let rest = payload.strip_prefix(br#"{"stream":""#)?;
    // A quote ends the name. One that stands for itself follows a backslash, and the rest would not fit.
    let name = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    let digits = rest[name..].strip_prefix(br#"","seq":"#)?.strip_suffix(b"}")?;
    let fits = matches!(digits.len(), 1..=19) && digits[0] != b'0' && digits.iter().all(u8::is_ascii_digit);
    fits.then(|| digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit - b'0')))
}

/// The last tokens of a subject below `inbox`; `None` when it is not below it.
pub(super) fn below<'s>(inbox: &str, subject: &'s str) -> Option<&'s str> {
    subject.strip_prefix(inbox)?.strip_prefix('.')
}

#[cfg(test)]
pub(super) fn told(subject: &str, payload: &str) -> Message {
    let message = async_nats::Message {
        subject: subject.into(),
        reply: None,
        payload: payload.to_owned().into(),
        headers: None,
        status: None,
        description: None,
        length: 0,
    };
    message.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_way_reads_what_the_long_way_reads() {
        for payload in [
            r#"{"stream":"s","seq":12}"#,
            r#"{"stream":"jetlag-1","seq":9223372036854775807}"#,
            r#"{"stream":"s","seq":18446744073709551615}"#,
            r#"{"stream":"s","seq":0}"#,
            r#"{"stream":"s","seq":012}"#,
            r#"{"stream":"s","seq":}"#,
            r#"{"stream":"s","seq":-1}"#,
            r#"{"stream":"a\"b","seq":3}"#,
            r#"{"stream":"s","seq":7,"duplicate":true}"#,
            r#"{"stream":"s","seq":7} "#,
            r#"{"stream":"s","seq":7"#,
            r#"{"seq":7,"stream":"s"}"#,
            r#"{"stream":"","seq":5}"#,
            "",
        ] {
            let long = serde_json::from_str::<Ack>(payload).ok();
            let short = usual(payload.as_bytes());
            if let Some(seq) = short {
                assert_eq!(long, Some(Ack { seq, ..Ack::default() }), "{payload}");
            }
            assert_eq!(answer(&told("i", payload)).ok(), long.filter(|ack| ack.seq > 0), "{payload}");
        }
        assert_eq!(usual(br#"{"stream":"s","seq":12}"#), Some(12));
    }
}
