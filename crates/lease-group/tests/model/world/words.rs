//! What the checker may do to the world, and what it looks for.

/// What may go wrong, how often.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Faults {
    /// A member dies.
    pub(crate) crashes: u8,
    /// A write's result is unknown.
    pub(crate) unknowns: u8,
    /// A delivery is lost on the way.
    pub(crate) cuts: u8,
    /// A member is asked to give the partition back.
    pub(crate) leaves: u8,
}

/// How the partition is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// An epoch consumer of its own.
    Safe,
    /// The same without rule 5: nobody looks at consumer sequences.
    Blind,
    /// One durable for all.
    Resume,
}

/// What went wrong, if anything did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Verdict {
    /// A message was handled for the first time while an earlier one had not been.
    pub(crate) skipped: bool,
    /// An epoch did not run from message to next message.
    pub(crate) torn: bool,
    /// A start after another epoch was granted.
    pub(crate) stale: bool,
    /// The record says committed what nobody has handled.
    pub(crate) ahead: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Step {
    /// Time goes on for everybody.
    Time,
    /// The member looks at the clock.
    Tick(usize),
    /// The watch brings the record to the member.
    Watch(usize),
    /// The server takes the member's write.
    Apply(usize),
    /// The answer arrives.
    Answer(usize),
    /// The member stops waiting for the answer.
    Unknown(usize),
    /// A stray write lands.
    Stray,
    /// A stray write never lands.
    StrayLost,
    /// The member reads the record.
    Read(usize),
    /// The next step of an opening.
    Open(usize),
    /// A message arrives.
    Deliver(usize),
    /// A message is booked as delivered and does not arrive.
    Cut(usize),
    /// The server's heartbeat, or its word that the consumer is gone.
    Heartbeat(usize),
    /// The check before a handler.
    Check(usize),
    /// The handler returns.
    Finish(usize),
    /// The data side stops as it was told.
    Stop(usize),
    /// The durable's acknowledgement timer fires.
    Redeliver,
    /// The member dies.
    Crash(usize),
    /// The partition is no longer assigned to the member.
    Leave(usize),
}
