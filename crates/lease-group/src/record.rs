//! What stands in the bucket: the lease of a partition (`l.<p>`) and the heartbeat of a session (`m.<session>`), as versioned
//! JSON.
//!
//! A record of another version, or none of ours at all, is an error value. Nobody overwrites what he cannot read.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The version this code writes, and the only one that it reads.
pub const VERSION: u32 = 1;

/// The highest epoch that a record may have: what every reader of JSON still reads exactly. No group comes near it; a record beyond it was
/// written by somebody else, and the next epoch after `u64::MAX` would be 0.
pub const EPOCH_MAX: u64 = 1 << 53;

/// The longest time to live that a record may have, as long as a group may be told to use: a longer one would be owned for ever.
pub const TTL_MAX: Duration = Duration::from_secs(3600);

/// One start of one member: random, so that two members with one worker label never share anything.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Session(u128);

impl Session {
    /// A session with this number; the pure core and its tests choose their own.
    #[must_use]
    pub const fn from_u128(number: u128) -> Self {
        Self(number)
    }

    /// A new random session.
    #[must_use]
    pub fn random() -> Self {
        Self(uuid::Uuid::new_v4().as_u128())
    }
}

impl fmt::Display for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Session({self})")
    }
}

impl FromStr for Session {
    type Err = RecordError;

    fn from_str(text: &str) -> Result<Self, RecordError> {
        if text.len() != 32 {
            return Err(RecordError::Session(text.to_owned()));
        }
        u128::from_str_radix(text, 16).map(Self).map_err(|_| RecordError::Session(text.to_owned()))
    }
}

/// Whether a lease is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Holding {
    /// The session holds the partition until its record has stood unchanged for the record's own time to live.
    Own,
    /// Given back: whoever is assigned may claim at once.
    Free,
}

/// The lease of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Lease {
    /// Label of the worker: a hint for people and for stickiness, no identity.
    pub worker: String,
    /// Who holds it, or gave it back.
    pub session: Session,
    /// Rises by one at every claim and every re-opening; what a fencing token would be.
    pub epoch: u64,
    /// The last handled stream sequence, 0 when none: the successor starts behind it.
    pub checkpoint: u64,
    /// Held or given back.
    pub holding: Holding,
    /// How long an observer waits on his own clock before he takes it.
    pub ttl: Duration,
}

/// What a heartbeat says about its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// Takes part in the assignment.
    Here,
    /// Leaves: whatever it still holds is about to be given back.
    Leaving,
}

/// The heartbeat of one session.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Heartbeat {
    /// Label of the worker.
    pub worker: String,
    /// Here or leaving.
    pub presence: Presence,
    /// How long the heartbeat counts on the observer's clock.
    pub ttl: Duration,
    /// When the session began, milliseconds of wall time: for people only.
    pub since_ms: u64,
    /// It listens on its liveness subject: where nobody listens there, it is gone, or its connection is being renewed.
    pub listens: bool,
}

/// Why a record could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No JSON, or JSON of another shape.
    #[error("not a record of this group: {0}")]
    Shape(String),
    /// Written by a version that this one does not know.
    #[error("record version {found}, this member reads only version {VERSION}: run one version in a group")]
    Version {
        /// The version in the record.
        found: u32,
    },
    /// A session that is not 32 hexadecimal digits.
    #[error("`{0}` is no session")]
    Session(String),
    /// A time to live of zero would never protect its owner, and one without end never free anybody from him.
    #[error("the record's time to live is {ttl_ms} ms; 1 ms to one hour work")]
    TimeToLive {
        /// What it says, in milliseconds.
        ttl_ms: u64,
    },
    /// An epoch that no group reaches by counting.
    #[error("the record's epoch is {epoch}, which no group reaches by counting")]
    Epoch {
        /// What it says.
        epoch: u64,
    },
    /// A lease that was copied from another partition's key: its checkpoint would skip messages here.
    #[error("the record is of partition {found} and stands at that of partition {key}")]
    Partition {
        /// What it says.
        found: u32,
        /// Where it stands.
        key: u32,
    },
}

#[derive(Deserialize)]
struct Versioned {
    version: u32,
}

#[derive(Serialize, Deserialize)]
struct LeaseDocument {
    version: u32,
    /// Older members did not write it.
    #[serde(default)]
    partition: Option<u32>,
    worker: String,
    session: String,
    epoch: u64,
    ckpt: u64,
    state: Holding,
    ttl_ms: u64,
    expires_at: u64,
}

#[derive(Serialize, Deserialize)]
struct HeartbeatDocument {
    version: u32,
    worker: String,
    state: Presence,
    ttl_ms: u64,
    since: u64,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    listens: bool,
}

impl Lease {
    /// The JSON of this lease of `partition`. `wall_ms` is the writer's wall clock, for `expires_at`, which nobody decides by.
    #[must_use]
    pub fn encode(&self, partition: u32, wall_ms: u64) -> Vec<u8> {
        let ttl_ms = millis(self.ttl);
        to_json(&LeaseDocument {
            version: VERSION,
            partition: Some(partition),
            worker: self.worker.clone(),
            session: self.session.to_string(),
            epoch: self.epoch,
            ckpt: self.checkpoint,
            state: self.holding,
            ttl_ms,
            expires_at: wall_ms.saturating_add(ttl_ms),
        })
    }

    /// Reads the lease that stands at the key of `partition`. Fields that are not known are left out.
    ///
    /// # Errors
    /// When the bytes are no lease of [`VERSION`] and of this partition, or say what no member would have written.
    pub fn decode(partition: u32, bytes: &[u8]) -> Result<Self, RecordError> {
        let document: LeaseDocument = parse(bytes)?;
        if let Some(found) = document.partition.filter(|found| *found != partition) {
            return Err(RecordError::Partition { found, key: partition });
        }
        if document.epoch > EPOCH_MAX {
            return Err(RecordError::Epoch { epoch: document.epoch });
        }
        Ok(Self {
            session: document.session.parse()?,
            worker: document.worker,
            epoch: document.epoch,
            checkpoint: document.ckpt,
            holding: document.state,
            ttl: time_to_live(document.ttl_ms)?,
        })
    }
}

impl Heartbeat {
    /// The JSON of this heartbeat.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        to_json(&HeartbeatDocument {
            version: VERSION,
            worker: self.worker.clone(),
            state: self.presence,
            ttl_ms: millis(self.ttl),
            since: self.since_ms,
            listens: self.listens,
        })
    }

    /// Reads a heartbeat.
    ///
    /// # Errors
    /// When the bytes are no heartbeat of [`VERSION`].
    pub fn decode(bytes: &[u8]) -> Result<Self, RecordError> {
        let document: HeartbeatDocument = parse(bytes)?;
        Ok(Self {
            worker: document.worker,
            presence: document.state,
            ttl: time_to_live(document.ttl_ms)?,
            since_ms: document.since,
            listens: document.listens,
        })
    }
}

pub(crate) fn parse<'a, D: Deserialize<'a>>(bytes: &'a [u8]) -> Result<D, RecordError> {
    // The version first: a newer shape should be named as such, not as a missing field.
    let Versioned { version } = serde_json::from_slice(bytes).map_err(|error| RecordError::Shape(error.to_string()))?;
    if version != VERSION {
        return Err(RecordError::Version { found: version });
    }
    serde_json::from_slice(bytes).map_err(|error| RecordError::Shape(error.to_string()))
}

pub(crate) fn to_json(document: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(document).expect("strings and numbers always have a JSON form")
}

fn millis(duration: Duration) -> u64 {
    duration.as_millis().try_into().unwrap_or(u64::MAX)
}

fn time_to_live(ttl_ms: u64) -> Result<Duration, RecordError> {
    let ttl = Duration::from_millis(ttl_ms);
    if ttl.is_zero() || ttl > TTL_MAX {
        return Err(RecordError::TimeToLive { ttl_ms });
    }
    Ok(ttl)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn lease() -> Lease {
        Lease {
            worker: "billing-1".to_owned(),
            session: Session::from_u128(0xfeed),
            epoch: 7,
            checkpoint: 4711,
            holding: Holding::Own,
            ttl: Duration::from_secs(2),
        }
    }

    #[test]
    fn the_format_on_the_wire_is_the_documented_one() {
        assert_eq!(
            String::from_utf8(lease().encode(3, 1_000)).unwrap(),
            r#"{"version":1,"partition":3,"worker":"billing-1","session":"0000000000000000000000000000feed","epoch":7,"ckpt":4711,"state":"own","ttl_ms":2000,"expires_at":3000}"#
        );
        let (worker, ttl) = ("w".to_owned(), Duration::from_secs(2));
        let heartbeat = Heartbeat { worker, presence: Presence::Here, ttl, since_ms: 5, listens: false };
        let text = r#"{"version":1,"worker":"w","state":"here","ttl_ms":2000,"since":5}"#;
        assert_eq!(String::from_utf8(heartbeat.encode()).unwrap(), text);
        assert_eq!(Heartbeat::decode(text.as_bytes()), Ok(heartbeat.clone()));
        let listening = Heartbeat { listens: true, ..heartbeat };
        assert!(String::from_utf8(listening.encode()).unwrap().contains(r#""listens":true"#));
        assert_eq!(Heartbeat::decode(&listening.encode()), Ok(listening));
    }

    #[test]
    fn a_newer_version_is_named_even_when_its_shape_is_unknown() {
        assert_eq!(Lease::decode(0, br#"{"version":2,"owner":"x"}"#), Err(RecordError::Version { found: 2 }));
        assert_eq!(Heartbeat::decode(br#"{"version":2}"#), Err(RecordError::Version { found: 2 }));
    }

    #[test]
    fn a_lease_that_no_member_would_have_written_is_refused() {
        let text = String::from_utf8(lease().encode(3, 0)).unwrap();
        let read = |from: &str, to: &str| Lease::decode(3, text.replace(from, to).as_bytes());
        assert_eq!(read("2000", "0"), Err(RecordError::TimeToLive { ttl_ms: 0 }));
        let ttl_ms = 3_600_001;
        assert_eq!(read("2000", "3600001"), Err(RecordError::TimeToLive { ttl_ms }));
        let epoch = u64::MAX;
        assert_eq!(read(r#""epoch":7"#, r#""epoch":18446744073709551615"#), Err(RecordError::Epoch { epoch }));
        assert_eq!(Lease::decode(4, text.as_bytes()), Err(RecordError::Partition { found: 3, key: 4 }));
    }

    #[test]
    fn a_lease_is_read_with_fields_that_nobody_knows_and_without_its_partition() {
        let text = String::from_utf8(lease().encode(3, 0)).unwrap();
        let more = text.replace(r#""version":1"#, r#""version":1,"colour":"blue""#);
        assert_eq!(Lease::decode(3, more.as_bytes()), Ok(lease()));
        let older = text.replace(r#""partition":3,"#, "");
        assert_eq!(Lease::decode(3, older.as_bytes()), Ok(lease()));
    }

    proptest! {
        #[test]
        fn foreign_bytes_are_an_error_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(Lease::decode(0, &bytes).is_err());
            prop_assert!(Heartbeat::decode(&bytes).is_err());
        }

        #[test]
        fn a_truncated_lease_is_an_error(cut in 0_usize..100) {
            let whole = lease().encode(0, 9);
            prop_assert!(Lease::decode(0, &whole[..cut.min(whole.len() - 1)]).is_err());
        }

        #[test]
        fn what_was_written_is_read(worker in ".*", session: u128, epoch in 0..=EPOCH_MAX, checkpoint: u64, own: bool, ttl_ms in 1_u64..1_000_000) {
            let lease = Lease {
                worker, session: Session::from_u128(session), epoch, checkpoint,
                holding: if own { Holding::Own } else { Holding::Free },
                ttl: Duration::from_millis(ttl_ms),
            };
            prop_assert_eq!(Lease::decode(5, &lease.encode(5, 1)), Ok(lease));
        }
    }
}
