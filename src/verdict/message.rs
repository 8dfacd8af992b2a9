//! Messages: what the publishers' records say about each, one account a message.

use super::grouped;
use crate::model::history::Journal;
use crate::model::record::{Fate, Publish};
use crate::model::time::MonoNs;

/// What is known about the storage of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Standing {
    /// Storage was confirmed.
    Stored,
    /// Cut off before an answer, and found stored: a member was given it. (A message that counted as failed and was
    /// delivered all the same belongs here, too: the evidence outranks the error.)
    Surfaced,
    /// Cut off before an answer and never seen again: it may be stored.
    Unknown,
    /// Known not to be stored.
    Failed,
}

/// One message: a key's n-th, whatever number of times it was sent, stored and handled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// Key.
    pub key: u32,
    /// Sequence within the key.
    pub key_seq: u32,
    /// The partition that the key hashes to.
    pub partition: u16,
    /// Its publisher.
    pub publisher: u16,
    /// What is known about its storage.
    pub standing: Standing,
    /// When the schedule wanted it sent.
    pub intended: MonoNs,
    /// When sending became possible.
    pub possible: MonoNs,
    /// When it was handed to the connection: the sending that was stored, else the first.
    pub sent: MonoNs,
    /// When storage was confirmed; for a surfaced one the start of its first handling, which proves it
    /// (an upper bound as well).
    pub stored: Option<MonoNs>,
    /// Sequence of its first copy in the stream; 0 where there is none or none is known.
    pub stream_seq: u64,
    /// Where it stands among the others: its sequence, or where none is known that of the message of its key that was
    /// sent before it, behind which it stands.
    pub place: u64,
    /// Size of the payload.
    pub bytes: u32,
    /// Rank among the stored messages of its key, from 1; 0 when it is not stored.
    pub rank: u32,
    /// Rank among the stored messages of its partition, from 1; 0 when it is not stored.
    pub partition_rank: u32,
    /// Its first successful handling, by number in [`Ledger::entries`](super::Ledger::entries).
    pub first: Option<u32>,
    /// Whether the consumers offered it; what stands before the place where they begin is nobody's.
    pub offered: bool,
    /// Since when it is delivered no more, if a member gave it up or the server did.
    pub dropped: Option<MonoNs>,
    /// Never handled, and nobody would have: not merely waiting when the drain was cut.
    pub lost: bool,
    /// The stream's own limits removed it before anybody had handled it.
    pub evicted: bool,
    /// It was stored, and the stream does not hold it at the end, though nothing may have removed it.
    pub lost_by_server: bool,
    /// The same, and nobody had handled it by then: nobody can any more.
    pub perished: bool,
    /// Nobody knew that it was stored before the stream was read back.
    pub found: bool,
}

impl Message {
    /// Whether it is in the final set of stored messages: surfaced ones are; what went before anybody had handled it is not.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        self.was_stored() && !self.evicted && !self.perished
    }

    /// Whether it was ever stored.
    pub(super) fn was_stored(&self) -> bool {
        matches!(self.standing, Standing::Stored | Standing::Surfaced)
    }

    /// Since when it waits to be handled. One that was evicted, lost by the server or not offered waits for nobody.
    #[must_use]
    pub fn waits_since(&self) -> Option<MonoNs> {
        self.stored.filter(|_| !self.evicted && !self.perished && self.offered)
    }

    /// Whether somebody has to handle it: it is stored and was offered.
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.is_stored() && self.offered
    }

    /// Whether it is still due at the end of the evidence: neither handled nor given up.
    #[must_use]
    pub fn is_unhandled(&self) -> bool {
        self.is_due() && self.first.is_none() && self.dropped.is_none()
    }

    fn of(publish: &Publish) -> Self {
        let (standing, stored, stream_seq) = match publish.fate {
            Fate::Stored { at, stream_seq, .. } => (Standing::Stored, Some(at), stream_seq),
            Fate::Unknown => (Standing::Unknown, None, 0),
            Fate::Failed { .. } => (Standing::Failed, None, 0),
        };
        Self {
            key: publish.key,
            key_seq: publish.key_seq,
            partition: publish.partition,
            publisher: publish.publisher,
            standing,
            intended: publish.intended,
            possible: publish.possible,
            sent: publish.sent,
            stored,
            stream_seq,
            place: stream_seq,
            bytes: publish.bytes,
            rank: 0,
            partition_rank: 0,
            first: None,
            offered: true,
            dropped: None,
            lost: false,
            evicted: false,
            lost_by_server: false,
            perished: false,
            found: false,
        }
    }

    /// Takes in a further sending of the same message. The sending that was stored gives the instants; the intended
    /// one stays the earliest, so that what a resend cost shows in the latency.
    fn absorb(&mut self, other: Self, copies: &mut Vec<Copy>, index: u32) {
        let intended = self.intended.min(other.intended);
        if other.standing == Standing::Stored {
            if self.standing == Standing::Stored {
                note_copy(self, index, other.stream_seq, copies);
            } else {
                *self = other;
            }
        } else if other.standing == Standing::Unknown && self.standing == Standing::Failed {
            self.standing = Standing::Unknown;
        }
        self.intended = intended;
    }
}

/// A stream sequence at which a message was found beside another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Copy {
    /// Number of the message.
    pub(super) message: u32,
    /// Where.
    pub(super) stream_seq: u64,
}

/// Notes that `message` was seen at `stream_seq`. The first copy, in stream order, is the message; others are extra.
pub(super) fn note_copy(message: &mut Message, index: u32, stream_seq: u64, copies: &mut Vec<Copy>) {
    if stream_seq == 0 || stream_seq == message.stream_seq {
        return;
    }
    if message.stream_seq == 0 {
        message.stream_seq = stream_seq;
        return;
    }
    copies.push(Copy { message: index, stream_seq: stream_seq.max(message.stream_seq) });
    message.stream_seq = message.stream_seq.min(stream_seq);
}

/// One account a message, sorted by key and sequence within it, and the extra copies that publishers know of.
pub(super) fn messages(journals: &[Journal]) -> (Vec<Message>, Vec<Copy>) {
    let publishes = journals.iter().flat_map(|journal| &journal.publishes);
    let mut messages = grouped::gather(publishes, |publish| publish.key, |publish, _| Message::of(publish));
    for of_key in messages.chunk_by_mut(|left, right| left.key == right.key) {
        if !of_key.is_sorted_by_key(|message| message.key_seq) {
            of_key.sort_by_key(|message| message.key_seq);
        }
    }
    let mut copies = Vec::new();
    let mut kept: usize = 0;
    for at in 0..messages.len() {
        let message = messages[at];
        match messages[..kept].last_mut() {
            Some(last) if (last.key, last.key_seq) == (message.key, message.key_seq) => {
                last.absorb(message, &mut copies, kept as u32 - 1);
            }
            _ => {
                if kept < at {
                    messages[kept] = message;
                }
                kept += 1;
            }
        }
    }
    messages.truncate(kept);
    (messages, copies)
}

/// The number of message `key_seq` within the messages of its key. Sequences have no holes, so it is where it should
/// be; a torn journal can leave a hole, and then it is searched.
pub(super) fn find(of_key: &[Message], key_seq: u32) -> Option<usize> {
    let first = of_key.first()?.key_seq;
    let guess = key_seq.checked_sub(first)? as usize;
    match of_key.get(guess) {
        Some(message) if message.key_seq == key_seq => Some(guess),
        _ => of_key.binary_search_by_key(&key_seq, |message| message.key_seq).ok(),
    }
}
