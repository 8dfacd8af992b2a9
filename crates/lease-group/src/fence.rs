//! The fence of a partition: one message a takeover in the stream that effects are written to. Every effect names the fence it was
//! written under, and the server refuses it as soon as there is another. No input or output.

use serde::{Deserialize, Serialize};

use crate::record::{RecordError, Session, VERSION, parse, to_json};

/// "wrong last sequence": what the writer expected is no longer so (nats-server `errors.json`).
const WRONG_LAST_SEQUENCE: u64 = 10071;
/// "wrong last sequence" without a number: another write with the same expectation is being processed. Nothing is decided yet.
const EXPECTATION_IN_PROCESS: u64 = 10164;

/// What a fence says: who may write effects of the partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fence {
    /// The epoch of the lease.
    pub epoch: u64,
    /// Its owner.
    pub session: Session,
}

/// A fence as it stands in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Standing {
    /// Its sequence in the stream: what effects expect.
    pub sequence: u64,
    /// What it says.
    pub fence: Fence,
}

/// What a new owner does, having read the fence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Raise {
    /// Publish the own fence, if the last one still has this sequence (0: there is none).
    Publish {
        /// The expected sequence.
        expected: u64,
    },
    /// It stands already: a publish whose answer was lost had been stored.
    Stands {
        /// Its sequence.
        sequence: u64,
    },
    /// A later epoch has written its fence: the partition is lost.
    Superseded {
        /// That epoch.
        by: u64,
    },
}

/// What a server's answer to a write means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Stored, with this sequence.
    Stored(u64),
    /// Stored before, under the same id, with this sequence.
    Duplicate(u64),
    /// The expectation is not met: for an effect, another fence stands.
    Fenced,
    /// Ask again: another write was in the way.
    Retry,
    /// Refused for a reason of its own, and not stored: the server's number for it.
    Refused(u64),
    /// No answer of a server's.
    Unreadable,
}

#[derive(Serialize, Deserialize)]
struct FenceDocument {
    version: u32,
    epoch: u64,
    session: String,
}

impl Fence {
    /// The JSON of this fence.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        to_json(&FenceDocument { version: VERSION, epoch: self.epoch, session: self.session.to_string() })
    }

    /// Reads a fence.
    ///
    /// # Errors
    /// When the bytes are no fence of [`VERSION`].
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let document: FenceDocument = parse(bytes)?;
        Ok(Self { epoch: document.epoch, session: document.session.parse()? })
    }

    /// What the owner of this fence does, having read what stands.
    #[must_use]
    pub fn raise(self, standing: Option<Standing>) -> Raise {
        match standing {
            None => Raise::Publish { expected: 0 },
            Some(Standing { sequence, fence }) if fence == self => Raise::Stands { sequence },
            // Two sessions never hold one epoch. Should they (a lease was deleted by hand), the first to be fenced in is right.
            Some(Standing { fence, .. }) if fence.epoch >= self.epoch => Raise::Superseded { by: fence.epoch },
            Some(Standing { sequence, .. }) => Raise::Publish { expected: sequence },
        }
    }
}

impl Answer {
    /// Reads the answer to a publish.
    #[must_use]
    pub fn read(payload: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Document {
            #[serde(default)]
            seq: u64,
            #[serde(default)]
            duplicate: bool,
            error: Option<Error>,
        }
        #[derive(Deserialize)]
        struct Error {
            #[serde(default)]
            err_code: u64,
        }
        match serde_json::from_slice(payload) {
            Ok(Document { error: Some(Error { err_code: WRONG_LAST_SEQUENCE }), .. }) => Self::Fenced,
            Ok(Document { error: Some(Error { err_code: EXPECTATION_IN_PROCESS }), .. }) => Self::Retry,
            Ok(Document { error: Some(Error { err_code }), .. }) => Self::Refused(err_code),
            Ok(Document { seq, duplicate: true, .. }) if seq > 0 => Self::Duplicate(seq),
            Ok(Document { seq, .. }) if seq > 0 => Self::Stored(seq),
            Ok(_) | Err(_) => Self::Unreadable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const fn fence(epoch: u64, session: u128) -> Fence {
        Fence { epoch, session: Session::from_u128(session) }
    }

    #[test]
    fn a_fence_is_raised_over_a_lower_epoch_and_never_over_a_higher_one() {
        let ours = fence(5, 1);
        assert_eq!(ours.raise(None), Raise::Publish { expected: 0 });
        for (standing, expected) in [
            (fence(4, 2), Raise::Publish { expected: 90 }),
            (fence(4, 1), Raise::Publish { expected: 90 }),
            (fence(5, 1), Raise::Stands { sequence: 90 }),
            (fence(5, 2), Raise::Superseded { by: 5 }),
            (fence(6, 1), Raise::Superseded { by: 6 }),
        ] {
            assert_eq!(ours.raise(Some(Standing { sequence: 90, fence: standing })), expected, "{standing:?}");
        }
    }

    #[test]
    fn fenced_is_told_from_busy_and_from_refused() {
        for (payload, expected) in [
            (r#"{"stream":"S","seq":7}"#, Answer::Stored(7)),
            (r#"{"stream":"S","seq":7,"duplicate":true}"#, Answer::Duplicate(7)),
            (
                r#"{"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 8"},"seq":0}"#,
                Answer::Fenced,
            ),
            (r#"{"error":{"code":400,"err_code":10164,"description":"wrong last sequence"}}"#, Answer::Retry),
            (
                r#"{"error":{"code":503,"err_code":10077,"description":"maximum messages exceeded"}}"#,
                Answer::Refused(10077),
            ),
            ("", Answer::Unreadable),
            ("{}", Answer::Unreadable),
        ] {
            assert_eq!(Answer::read(payload.as_bytes()), expected, "{payload}");
        }
    }

    proptest! {
        #[test]
        fn what_was_written_is_read(epoch: u64, session: u128) {
            let fence = fence(epoch, session);
            prop_assert_eq!(Fence::decode(&fence.encode()), Ok(fence));
        }

        #[test]
        fn foreign_bytes_are_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Fence::decode(&bytes).is_err());
            let _ = Answer::read(&bytes);
        }
    }
}
