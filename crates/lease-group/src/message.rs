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
        Self::read(reply.as_bytes())
    }

    /// Reads the same from bytes, for whoever has not looked yet whether they are text.
    #[must_use]
    pub fn read(reply: &[u8]) -> Option<Self> {
        // Every message of every member comes through here, and the names in front are longer than the numbers: from the end.
        let rest = reply.strip_prefix(b"$JS.ACK.")?;
        let later = match dots(rest) + 1 {
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

/// How many dots there are: counted in bytes, so many side by side, as long as they cannot run over.
fn dots(tokens: &[u8]) -> usize {
    let counted = |part: &[u8]| part.iter().map(|byte| u8::from(*byte == b'.')).sum::<u8>();
    tokens.chunks(usize::from(u8::MAX)).map(|part| usize::from(counted(part))).sum()
}

/// Digits of an instant in nanoseconds, from 2001 to 2286.
const INSTANT_DIGITS: usize = 19;

/// What stands before the last token; `None` when nothing does.
fn before(tokens: &[u8]) -> Option<&[u8]> {
    if let Some((rest, instant)) = tokens.split_last_chunk::<INSTANT_DIGITS>()
        && let Some(before) = rest.strip_suffix(b".")
        // All of them, without leaving early: then many are looked at in one step.
        && instant.iter().fold(true, |all, byte| all & byte.is_ascii_digit())
    {
        return Some(before);
    }
    tokens.get(..tokens.iter().rposition(|byte| *byte == b'.')?)
}

/// The last token, when it is a number, and what stands before it.
fn last_number(tokens: &[u8]) -> Option<(u64, &[u8])> {
    short_number(tokens).or_else(|| any_number(tokens))
}

/// The same for a token of one to seven digits, all of them at once; `None` says nothing.
fn short_number(tokens: &[u8]) -> Option<(u64, &[u8])> {
    const ZEROS: u64 = u64::from_le_bytes([b'0'; 8]);
    let (_, last) = tokens.split_last_chunk::<8>()?;
    // Each byte less '0'; whatever is more than 9 then has its highest bit set, in itself or after the addition.
    let values = u64::from_le_bytes(*last) ^ ZEROS;
    let strange = (values | (values & !HIGHEST).wrapping_add(u64::from_le_bytes([0x76; 8]))) & HIGHEST;
    // The token begins behind the last byte that is no digit, and that must be a dot.
    let digits = strange.leading_zeros() as usize / 8;
    let dot = tokens.len().checked_sub(digits + 1)?;
    if !(1..=7).contains(&digits) || tokens[dot] != b'.' {
        return None;
    }
    // Pairs, fours and eights of digits, the first one lowest; what stands before the token counts as zeros.
    let eight = values >> (64 - 8 * digits) << (64 - 8 * digits);
    let pairs = (eight.wrapping_mul(10).wrapping_add(eight >> 8)) & 0x00ff_00ff_00ff_00ff;
    let fours = (pairs.wrapping_mul(100).wrapping_add(pairs >> 16)) & 0x0000_ffff_0000_ffff;
    let number = (fours.wrapping_mul(10_000).wrapping_add(fours >> 32)) & 0xffff_ffff;
    Some((number, &tokens[..dot]))
}

/// The highest bit of each of eight bytes.
const HIGHEST: u64 = u64::from_le_bytes([0x80; 8]);

/// The same for any token.
fn any_number(tokens: &[u8]) -> Option<(u64, &[u8])> {
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_digits_at_once_are_read_as_one_by_one(tokens in "[0-9a-z./:]{0,12}[.][0-9]{0,9}[./:a]?", bytes: [u8; 12]) {
            for tokens in [tokens.as_bytes(), &bytes[..]] {
                if let Some(found) = short_number(tokens) {
                    prop_assert_eq!(any_number(tokens), Some(found));
                }
            }
        }

        #[test]
        fn numbers_come_out_as_they_went_in(number: u64, digits in 1..=18_u32) {
            let number = number % 10_u64.pow(digits);
            let tokens = format!("some.name.{number}");
            prop_assert_eq!(last_number(tokens.as_bytes()), Some((number, &b"some.name"[..])));
            prop_assert_eq!(short_number(tokens.as_bytes()).is_some(), number < 10_000_000);
        }
    }

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
