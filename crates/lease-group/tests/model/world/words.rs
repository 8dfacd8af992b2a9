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
    /// An owner's consumer disappears on the server, other than by a takeover.
    pub(crate) lost_consumers: u8,
    /// An opening fails at any of its requests, which may yet be carried out.
    pub(crate) open_fails: u8,
    /// A member is told that the owner is gone, whether he is or not.
    pub(crate) hints: u8,
    /// A member that rides out a bucket without a leader asks and is not answered, whether others are or not.
    pub(crate) silences: u8,
}

/// How the partition is taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    /// An epoch consumer of its own.
    Safe,
    /// The same with every message acknowledged: `Commit::Explicit`.
    Explicit,
    /// The same without a look at the deadline before an acknowledgement.
    LateAck,
    /// `Safe` with effects in a sink, each written under the fence of its epoch. What counts as handled is the effect.
    Fenced,
    /// The same without the fence.
    Plain,
    /// `Safe` without rule 5: nobody looks at consumer sequences.
    Blind,
    /// One durable for all.
    Resume,
}

impl Form {
    /// Deliveries must follow each other.
    pub(crate) const fn follows(self) -> bool {
        !matches!(self, Self::Blind | Self::Resume)
    }

    /// Effects are written under a fence.
    pub(crate) const fn fences(self) -> bool {
        matches!(self, Self::Fenced)
    }

    /// There is a sink.
    pub(crate) const fn writes(self) -> bool {
        self.fences() || matches!(self, Self::Plain)
    }

    /// Messages are acknowledged one by one on the epoch's consumer.
    pub(crate) const fn acknowledges(self) -> bool {
        matches!(self, Self::Explicit | Self::LateAck)
    }
}

impl Step {
    pub(crate) const fn is_fault(self) -> bool {
        matches!(
            self,
            Self::Crash(_)
                | Self::Unknown(_)
                | Self::Cut(_)
                | Self::Leave(_)
                | Self::LoseConsumer(_)
                | Self::OpenFail(_)
                | Self::Hint(_)
                | Self::Silence(_)
        )
    }
}

/// What went wrong, if anything did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Verdict {
    /// A message was handled for the first time while an earlier one had not been.
    pub(crate) skipped: bool,
    /// An epoch did not run from message to next message.
    pub(crate) torn: bool,
    /// A start after another epoch was granted, and no false hint explains it.
    pub(crate) stale: bool,
    /// A start after another epoch was granted, since a false hint or a silence that was not everybody's.
    pub(crate) void: bool,
    /// An effect was stored after one of a later epoch.
    pub(crate) stale_effect: bool,
    /// The record says committed what nobody has handled.
    pub(crate) ahead: bool,
    /// An epoch starts with what the server had taken as acknowledged.
    pub(crate) repeated: bool,
    /// A member that follows itself starts with what it had handled.
    pub(crate) forgetful: bool,
    /// An epoch was told to be over, and then to be held.
    pub(crate) revived: bool,
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
    /// Consumers of older epochs are deleted, behind a commit of what they knew.
    Clear(usize),
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
    /// The server gets the oldest acknowledgement on its way.
    Ack(usize),
    /// Its answer arrives.
    Confirm(usize),
    /// The data side stops as it was told.
    Stop(usize),
    /// The durable's acknowledgement timer fires.
    Redeliver,
    /// The member dies.
    Crash(usize),
    /// The partition is no longer assigned to the member.
    Leave(usize),
    /// The server forgets the member's consumer.
    LoseConsumer(usize),
    /// The opening fails, as far as the member knows.
    OpenFail(usize),
    /// The member is told that the owner it sees is gone.
    Hint(usize),
    /// What the member asked of the bucket is not answered, and it takes that for the bucket's silence.
    Silence(usize),
    /// An opening that nobody waits for goes on.
    Adrift,
    /// It ends here.
    AdriftLost,
}
