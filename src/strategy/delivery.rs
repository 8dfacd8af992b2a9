//! What the server tells about a delivery in its reply subject.
//!
//! `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`, and since 2.2 with a
//! domain and an account hash between `ACK` and the stream (nats-server, `ackReplyInfo`; ADR-15).

/// The numbers of one delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// Delivery count, from 1.
    pub delivered: u64,
    /// Sequence in the stream.
    pub stream_seq: u64,
    /// Sequence in the consumer.
    pub consumer_seq: u64,
}

/// Reads `reply`; `None` when it is no JetStream reply subject.
#[must_use]
pub fn parse(reply: &str) -> Option<Info> {
    let tail = reply.strip_prefix("$JS.ACK.")?;
    let tokens = tail.split('.').count();
    let skip = match tokens {
        7 => 2,
        // Domain and account hash come first; a later server may add a token at the end.
        9.. => 4,
        _ => return None,
    };
    let mut numbers = tail.split('.').skip(skip).map(str::parse::<u64>);
    let mut next = || numbers.next()?.ok();
    Some(Info { delivered: next()?, stream_seq: next()?, consumer_seq: next()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let expected = Some(Info { delivered: 2, stream_seq: 41, consumer_seq: 17 });
        assert_eq!(parse("$JS.ACK.orders.billing.2.41.17.1700000000000000000.5"), expected);
        assert_eq!(parse("$JS.ACK._.ACCHASH.orders.billing.2.41.17.1700000000000000000.5"), expected);
        assert_eq!(parse("$JS.ACK.hub.ACCHASH.orders.billing.2.41.17.1700000000000000000.5.token"), expected);
    }

    #[test]
    fn anything_else_is_none() {
        for text in ["", "$JS.ACK.", "_INBOX.abc", "$JS.ACK.a.b.x.y.z.1.2", "$JS.ACK.a.b.1.2"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
