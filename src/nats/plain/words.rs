//! What a client says, as bytes. Pure.

use async_nats::HeaderMap;
use bytes::BufMut;

/// What goes around a payload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Envelope<'a> {
    /// Where it goes.
    pub subject: &'a str,
    /// Where an answer goes, if one is wanted.
    pub reply: Option<&'a str>,
    /// Headers.
    pub headers: Option<&'a HeaderMap>,
    /// The id by which a stream knows a second copy: a header like others, which costs less to say here.
    pub message_id: Option<&'a str>,
}

const VERSION: &[u8] = b"NATS/1.0\r\n";
const MESSAGE_ID: &[u8] = b"Nats-Msg-Id: ";

/// Appends a message.
pub fn message(envelope: &Envelope<'_>, payload: &[u8], out: &mut impl BufMut) {
    begin(envelope, payload.len(), out);
    out.put_slice(payload);
    end(out);
}

/// Appends what comes before a payload of `length` bytes.
#[inline]
pub(super) fn begin(envelope: &Envelope<'_>, length: usize, out: &mut impl BufMut) {
    let headers = headers_length(envelope);
    out.put_slice(if headers > 0 { b"HPUB " } else { b"PUB " });
    out.put_slice(envelope.subject.as_bytes());
    out.put_u8(b' ');
    if let Some(reply) = envelope.reply {
        out.put_slice(reply.as_bytes());
        out.put_u8(b' ');
    }
    if headers > 0 {
        number(headers as u64, out);
        out.put_u8(b' ');
    }
    number((headers + length) as u64, out);
    out.put_slice(b"\r\n");
    if headers > 0 {
        out.put_slice(VERSION);
        if let Some(id) = envelope.message_id {
            out.put_slice(MESSAGE_ID);
            out.put_slice(id.as_bytes());
            out.put_slice(b"\r\n");
        }
        for (name, value) in fields(envelope) {
            out.put_slice(name.as_bytes());
            out.put_slice(b": ");
            out.put_slice(value.as_bytes());
            out.put_slice(b"\r\n");
        }
        out.put_slice(b"\r\n");
    }
}

/// Appends what comes behind a payload.
#[inline]
pub(super) fn end(out: &mut impl BufMut) {
    out.put_slice(b"\r\n");
}

/// Bytes of the headers; 0 without any.
#[inline]
fn headers_length(envelope: &Envelope<'_>) -> usize {
    let id = envelope.message_id.map_or(0, |id| MESSAGE_ID.len() + id.len() + 2);
    let others: usize = fields(envelope).map(|(name, value)| name.len() + value.len() + 4).sum();
    if id + others == 0 { 0 } else { VERSION.len() + id + others + 2 }
}

fn fields<'a>(envelope: &Envelope<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
    let all = envelope.headers.into_iter().flat_map(HeaderMap::iter);
    all.flat_map(|(name, values)| values.iter().map(move |value| (name.as_ref(), value.as_str())))
}

/// Appends a subscription: `number` names it in what comes.
pub(super) fn subscribe(subject: &str, number: u64, out: &mut impl BufMut) {
    out.put_slice(format!("SUB {subject} {number}\r\n").as_bytes());
}

/// Appends the end of a subscription.
pub(super) fn unsubscribe(number: u64, out: &mut impl BufMut) {
    out.put_slice(format!("UNSUB {number}\r\n").as_bytes());
}

/// Appends who we are. The server is asked to say when nobody takes a message.
pub(super) fn connect(name: &str, out: &mut impl BufMut) {
    let connect = serde_json::json!({
        "verbose": false,
        "pedantic": false,
        "tls_required": false,
        "name": name,
        "lang": "rust",
        "version": env!("CARGO_PKG_VERSION"),
        "protocol": 1,
        "echo": true,
        "headers": true,
        "no_responders": true,
    });
    out.put_slice(format!("CONNECT {connect}\r\n").as_bytes());
}

#[inline]
fn number(number: u64, out: &mut impl BufMut) {
    out.put_slice(itoa::Buffer::new().format(number).as_bytes());
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;

    use super::*;

    fn said(envelope: Envelope<'_>, payload: &str) -> String {
        let mut out = BytesMut::new();
        message(&envelope, payload.as_bytes(), &mut out);
        String::from_utf8(out.to_vec()).expect("it is text")
    }

    #[test]
    fn a_message_says_how_long_it_is() {
        let plain = Envelope { subject: "a.b", ..Envelope::default() };
        assert_eq!(said(plain, "twelve bytes"), "PUB a.b 12\r\ntwelve bytes\r\n");
        assert_eq!(said(Envelope { reply: Some("r"), ..plain }, ""), "PUB a.b r 0\r\n\r\n");
        let with_id = Envelope { message_id: Some("x-1"), reply: Some("r"), ..plain };
        let expected = "HPUB a.b r 30 31\r\nNATS/1.0\r\nNats-Msg-Id: x-1\r\n\r\n!\r\n";
        assert_eq!(said(with_id, "!"), expected);
        assert_eq!("NATS/1.0\r\nNats-Msg-Id: x-1\r\n\r\n".len(), 30);
        let mut headers = HeaderMap::new();
        headers.insert("A", "1");
        assert_eq!(
            said(Envelope { headers: Some(&headers), ..plain }, "!"),
            "HPUB a.b 18 19\r\nNATS/1.0\r\nA: 1\r\n\r\n!\r\n"
        );
    }

    #[test]
    fn numbers_are_written_as_they_are_everywhere() {
        for value in [0, 9, 10, 12_345, u64::MAX] {
            let mut out = BytesMut::new();
            number(value, &mut out);
            assert_eq!(out, value.to_string().as_bytes());
        }
    }
}
