//! What a handler gets.

use async_nats::HeaderMap;
use bytes::Bytes;

use crate::output::Output;

/// One message of one partition. Within an epoch, stream sequences rise from call to call.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Message {
    /// The partition.
    pub partition: u32,
    /// The epoch of the lease it is handled under: the fencing token to pass to other systems.
    pub epoch: u64,
    /// Its sequence in the stream.
    pub stream_sequence: u64,
    /// Its sequence in the epoch's consumer: 1, 2, 3 … without holes, except with [`Takeover::Resume`](crate::Takeover::Resume).
    pub consumer_sequence: u64,
    /// How often the server has delivered it on this consumer, this time included.
    pub delivered: u64,
    /// How often the handler was called with it in this epoch, this time included.
    pub attempt: u32,
    /// The subject it was published to.
    pub subject: async_nats::Subject,
    /// Its headers, if any.
    pub headers: Option<HeaderMap>,
    /// Its payload.
    pub payload: Bytes,
    /// `CLOCK_MONOTONIC` nanoseconds at which the member took it from the connection.
    pub received: u64,
    /// `CLOCK_MONOTONIC` nanoseconds at which the lease was checked: before its deadline, and nothing was awaited since.
    pub checked: u64,
    pub(crate) output: Option<Output>,
}

impl Message {
    /// Where to write what this message causes, under the fence of its epoch; `None` where the group has no
    /// [sink](crate::GroupBuilder::sink).
    #[must_use]
    pub const fn output(&self) -> Option<&Output> {
        self.output.as_ref()
    }
}

/// What the server tells about a delivery in its reply subject, for whoever consumes without this crate's [`Member`](crate::Member):
/// `$JS.ACK.<stream>.<consumer>.<delivered>.<stream sequence>.<consumer sequence>.<time>.<pending>`, and since 2.2 with a domain
/// and an account hash between `ACK` and the stream (nats-server `ackReplyInfo`; nats-architecture-and-design ADR-15).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// How often the message was delivered on this consumer, this time included.
    pub delivered: u64,
    /// Its sequence in the stream.
    pub stream_sequence: u64,
    /// Its sequence in the consumer.
    pub consumer_sequence: u64,
    /// How many messages the consumer has still to deliver behind this one.
    pub pending: u64,
}

impl Delivery {
    /// Reads both forms: nine tokens, or eleven and more with domain and account, for a later server may add one at the end. `None` when
    /// it is no JetStream reply subject.
    #[must_use]
    pub fn parse(reply: &str) -> Option<Self> {
        // Every message of every member comes through here, and the names in front are longer than the numbers: from the end.
        let rest = reply.strip_prefix("$JS.ACK.")?.as_bytes();
        let later = match rest.iter().filter(|byte| **byte == b'.').count() + 1 {
            7 => 0,
            tokens @ 9.. => tokens - 9,
            _ => return None,
        };
        let rest = (0..later).try_fold(rest, |rest, _| before(rest))?;
        let (pending, rest) = last_number(rest)?;
        let rest = before(rest)?;
        let (consumer_sequence, rest) = last_number(rest)?;
        let (stream_sequence, rest) = last_number(rest)?;
        let (delivered, _) = last_number(rest)?;
        Some(Self { delivered, stream_sequence, consumer_sequence, pending })
    }
}

/// Digits of an instant in nanoseconds, from 2001 to 2286.
const INSTANT_DIGITS: usize = 19;

/// What stands before the last token; `None` when nothing does.
fn before(tokens: &[u8]) -> Option<&[u8]> {
    if let Some((rest, instant)) = tokens.split_last_chunk::<INSTANT_DIGITS>()
        && let Some(before) = rest.strip_suffix(b".")
        && instant.iter().all(u8::is_ascii_digit)
    {
        return Some(before);
    }
    tokens.get(..tokens.iter().rposition(|byte| *byte == b'.')?)
}

/// The last token, when it is a number, and what stands before it.
fn last_number(tokens: &[u8]) -> Option<(u64, &[u8])> {
    let (mut number, mut weight): (u64, u64) = (0, 1);
    for (at, byte) in tokens.iter().enumerate().rev() {
        let digits = tokens.len() - at - 1;
        match byte {
            // So many digits always fit.
            b'0'..=b'9' if digits < 19 => {
                number += u64::from(byte - b'0') * weight;
                weight = weight.wrapping_mul(10);
            }
            b'.' if digits > 0 => return Some((number, &tokens[..at])),
            _ => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_reply_subject_are_read() {
        let expected = Some(Delivery { delivered: 1, stream_sequence: 42, consumer_sequence: 7, pending: 3 });
        assert_eq!(Delivery::parse("$JS.ACK.ORDERS.g-p1-e1.1.42.7.1700000000.3"), expected);
        assert_eq!(Delivery::parse("$JS.ACK.hub.ACC.ORDERS.g-p1-e1.1.42.7.1700000000.3"), expected);
        assert_eq!(Delivery::parse("$JS.ACK.hub.ACC.ORDERS.g-p1-e1.1.42.7.1700000000.3.random"), expected);
    }

    #[test]
    fn anything_else_is_no_delivery() {
        for reply in [
            "",
            "$JS.ACK.",
            "_INBOX.a.b",
            "$JS.ACK.ORDERS.c.1.2",
            "$JS.ACK.ORDERS.c.x.42.7.1700000000.3",
            "$JS.ACK.a.b.x.y.z.1.2",
        ] {
            assert_eq!(Delivery::parse(reply), None, "{reply}");
        }
    }
}
