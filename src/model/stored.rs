//! What a stream held at the end: read back message by message, when nobody publishes any more.

use serde::{Deserialize, Serialize};

/// One message as it stands in the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StoredMessage {
    /// Where it stands.
    pub stream_seq: u64,
    /// Its key.
    pub key: u32,
    /// Its sequence within the key; 0 for one that is not an undamaged message of this run.
    pub key_seq: u32,
}

/// How far a stream was read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extent {
    /// Messages that were read.
    pub messages: u64,
    /// Everything that the stream held up to this sequence was read.
    pub through: u64,
    /// The stream's last sequence when the reading began.
    pub last: u64,
}

impl Extent {
    /// Whether nothing of the stream is left unread.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.through >= self.last
    }
}
