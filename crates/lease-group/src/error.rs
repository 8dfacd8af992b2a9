//! What can go wrong for the one who calls.

/// Options that cannot work, all of them at once.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the group cannot be built: {}", .problems.join("; "))]
pub struct BuildError {
    /// One sentence each.
    pub problems: Vec<String>,
}

/// Why a member could not join.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JoinError {
    /// No connection.
    #[error("no connection to {servers}: {reason}")]
    Connect {
        /// The servers that were tried.
        servers: String,
        /// What the client said.
        reason: String,
    },
    /// The stream is not there, or did not answer.
    #[error("stream `{stream}`: {reason}")]
    Stream {
        /// The stream.
        stream: String,
        /// What the server said.
        reason: String,
    },
    /// Only limits retention keeps messages for a successor: with interest retention deleting an owner's consumer deletes its
    /// messages, and a work queue can neither be read from a sequence nor twice.
    #[error(
        "stream `{stream}` has {found} retention; a lease group needs limits retention, or a takeover would lose messages"
    )]
    Retention {
        /// The stream.
        stream: String,
        /// Its retention.
        found: String,
    },
    /// The lease bucket could not be made or opened.
    #[error("bucket `{bucket}`: {reason}")]
    Bucket {
        /// The bucket.
        bucket: String,
        /// What the server said.
        reason: String,
    },
    /// The bucket belongs to a group with other settings: its members would not share the same partitions.
    #[error("bucket `{bucket}` belongs to another group: it says `{found}`, this member needs `{expected}`")]
    OtherGroup {
        /// The bucket.
        bucket: String,
        /// Its description.
        found: String,
        /// The description of this group.
        expected: String,
    },
    /// The sink cannot be fenced.
    #[error("sink `{stream}`: {reason}")]
    Sink {
        /// Its stream.
        stream: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The hints cannot be heard.
    #[error("hints: {0}")]
    Hints(String),
    /// The control thread could not be started.
    #[error("control thread: {0}")]
    Thread(String),
}

/// Why a member ended although nobody asked.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MemberError {
    /// The control thread ended.
    #[error("the control thread ended: {0}")]
    Control(String),
    /// The bucket is gone, or not what it was. The member has left.
    #[error("bucket `{bucket}`: {reason}")]
    Bucket {
        /// The bucket.
        bucket: String,
        /// What is wrong with it, and what helps.
        reason: String,
    },
    /// The stream is gone, or not what it was. The member has given back what it held.
    #[error("stream `{stream}`: {reason}")]
    Stream {
        /// The stream.
        stream: String,
        /// What is wrong with it, and what helps.
        reason: String,
    },
    /// A right was taken away. The member has given back what it could; the rest expires.
    #[error("the server refuses what a member must do: {reason}; give the right back and join again")]
    Refused {
        /// In the server's words.
        reason: String,
    },
    /// The member left, but something did not stop in time: its leases expire by themselves.
    #[error("left, but {partitions} partitions were not given back in time; their leases expire by themselves")]
    LeftLate {
        /// How many.
        partitions: usize,
    },
}
