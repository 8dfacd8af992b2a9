//! One record as eight words: one cache line. Pure; storing the words is `segment`'s.
//!
//! ```text
//! word 0   the time word, never zero: sent · started · at
//! word 1   kind and intact u8 | detail u8 | check u16 | partition u16 | publisher u16, posting: mark held   (low to high)
//!          publish              handling             commit       ownership             life   posting                    term
//! word 2   key | key_seq        key | key_seq        epoch        epoch                        key | key_seq              key | key_seq
//! word 3   intended             intended             stream_seq   deadline · start_seq         amount | sequence held     stream_seq
//! word 4   possible             received                                                       balance held
//! word 5   bytes                epoch | consumer_seq                                           revision held
//! word 6   stream_seq (later)   stream_seq                                                     revision (later)
//! word 7   stored (later)       finished (later)                                               settled (later)
//! ```
//!
//! *Later* words are zero when the record is published and written when its fate is known, the last one last. It
//! says: bit 63 done, 62 failed or refused, 61 duplicate or skipped, 60…45 its own check, 44…0 nanoseconds since the time word (up to
//! 9.7 hours). Everything else is immutable and covered by the check of word 1.

use super::check::sum;
use crate::model::bank::Balance;
use crate::model::record::{
    Commit, Fate, Finish, Handling, Life, LifeEvent, Ownership, OwnershipChange, Posting, PostingFate, Publish, Reach,
    Record, Term,
};
use crate::model::time::{MonoNs, SpanNs};

/// Words of a record.
pub(super) const WORDS: usize = 8;
/// Bytes of a record.
pub(super) const RECORD_BYTES: usize = WORDS * 8;

/// A record as it lies on disk.
pub(super) type Line = [u64; WORDS];

/// What is wrong with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Flaw {
    #[error("its check does not fit: it was torn, changed, or belongs elsewhere")]
    Check,
    #[error("the check of its completion does not fit")]
    Completion,
    #[error("its kind {kind} with detail {detail} is unknown")]
    Unknown { kind: u8, detail: u8 },
}

const PUBLISH: u8 = 1;
const HANDLING: u8 = 2;
const COMMIT: u8 = 3;
const OWNERSHIP: u8 = 4;
const LIFE: u8 = 5;
const POSTING: u8 = 6;
const TERM: u8 = 7;
/// Lies beside the kind, because `delivered` needs the whole detail byte.
const INTACT: u8 = 0x80;

const DONE: u64 = 1 << 63;
const FAILED: u64 = 1 << 62;
const DUPLICATE: u64 = 1 << 61;
const LATER_CHECK_SHIFT: u32 = 45;
const SINCE_MAX: u64 = (1 << LATER_CHECK_SHIFT) - 1;
const CHECK_SHIFT: u32 = 16;
const CHECK_MASK: u64 = 0xffff << CHECK_SHIFT;

/// How many words of a record of `kind` never change.
#[inline]
fn immutable_words(kind: u8) -> usize {
    match kind & !INTACT {
        PUBLISH | POSTING => 6,
        HANDLING => 7,
        _ => WORDS,
    }
}

#[inline]
fn pair(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

#[inline]
fn tags(kind: u8, detail: u8, partition: u16, publisher: u16) -> u64 {
    u64::from(kind) | u64::from(detail) << 8 | u64::from(partition) << 32 | u64::from(publisher) << 48
}

#[inline]
fn sealed(mut line: Line, salt: u64) -> Line {
    let immutable = immutable_words(line[1] as u8);
    line[1] |= sum(&line[..immutable], salt) << CHECK_SHIFT;
    line
}

/// The line of a publish whose fate is not known yet.
#[inline]
pub(super) fn publish(publish: &Publish, salt: u64) -> Line {
    let line = [
        publish.sent.0.max(1),
        tags(PUBLISH, 0, publish.partition, publish.publisher),
        pair(publish.key, publish.key_seq),
        publish.intended.0,
        publish.possible.0,
        u64::from(publish.bytes),
        0,
        0,
    ];
    sealed(line, salt)
}

/// The line of a handling that has not ended yet.
#[inline]
pub(super) fn handling(handling: &Handling, salt: u64) -> Line {
    let kind = if handling.intact { HANDLING | INTACT } else { HANDLING };
    let line = [
        handling.started.0.max(1),
        tags(kind, handling.delivered, handling.partition, handling.publisher),
        pair(handling.key, handling.key_seq),
        handling.intended.0,
        handling.received.0,
        pair(handling.epoch, handling.consumer_seq),
        handling.stream_seq,
        0,
    ];
    sealed(line, salt)
}

/// The line of a posting whose fate is not known yet.
#[inline]
pub(super) fn posting(posting: &Posting, salt: u64) -> Line {
    let line = [
        posting.at.0.max(1),
        tags(POSTING, 0, posting.partition, posting.held.mark),
        pair(posting.key, posting.key_seq),
        pair(posting.amount.cast_unsigned(), posting.held.sequence),
        posting.held.balance.cast_unsigned(),
        posting.held_revision,
        0,
        0,
    ];
    sealed(line, salt)
}

/// The line of any record, whole.
pub(super) fn encode(record: &Record, salt: u64) -> Line {
    match record {
        Record::Publish(it) => {
            let mut line = publish(it, salt);
            (line[6], line[7]) = fate(it.sent, it.fate, salt);
            line
        }
        Record::Handling(it) => {
            let mut line = handling(it, salt);
            line[7] = it.finished.map_or(0, |end| finish(it.started, end, salt));
            line
        }
        Record::Commit(it) => {
            let detail = match it.reach {
                Reach::UpTo => 0,
                Reach::Exact => 1,
            };
            plain(it.at, tags(COMMIT, detail, it.partition, 0), it.epoch, it.stream_seq, salt)
        }
        Record::Ownership(it) => {
            let (detail, value) = match it.change {
                OwnershipChange::GoneObserved => (0, 0),
                OwnershipChange::Granted { deadline } => (1, deadline.0),
                OwnershipChange::Renewed { deadline } => (2, deadline.0),
                OwnershipChange::Opened { start_seq } => (3, start_seq),
                OwnershipChange::Released => (4, 0),
                OwnershipChange::Lost => (5, 0),
            };
            plain(it.at, tags(OWNERSHIP, detail, it.partition, 0), it.epoch, value, salt)
        }
        Record::Life(it) => {
            let detail = match it.event {
                LifeEvent::Born => 0,
                LifeEvent::Connected => 1,
                LifeEvent::Disconnected => 2,
                LifeEvent::Ready => 3,
                LifeEvent::Stopping => 4,
                LifeEvent::Stopped => 5,
                LifeEvent::SlowConsumer => 6,
                LifeEvent::AckRefused => 7,
                LifeEvent::EffectRefused => 8,
            };
            plain(it.at, tags(LIFE, detail, 0, 0), 0, 0, salt)
        }
        Record::Posting(it) => {
            let mut line = posting(it, salt);
            (line[6], line[7]) = settled(it.at, it.fate, salt);
            line
        }
        Record::Term(it) => {
            let words = [it.at.0.max(1), tags(TERM, 0, it.partition, 0), pair(it.key, it.key_seq), it.stream_seq];
            let mut line = [0; WORDS];
            line[..4].copy_from_slice(&words);
            sealed(line, salt)
        }
    }
}

fn plain(at: MonoNs, tags: u64, epoch: u32, value: u64, salt: u64) -> Line {
    sealed([at.0.max(1), tags, u64::from(epoch), value, 0, 0, 0, 0], salt)
}

/// Word 7 of a handling that ended.
#[inline]
pub(super) fn finish(started: MonoNs, end: Finish, salt: u64) -> u64 {
    let flags = if end.ok { DONE } else { DONE | FAILED };
    later(flags, started, end.at, 0, salt)
}

/// Words 6 and 7 of a publish.
#[inline]
pub(super) fn fate(sent: MonoNs, fate: Fate, salt: u64) -> (u64, u64) {
    match fate {
        Fate::Unknown => (0, 0),
        Fate::Stored { at, stream_seq, duplicate } => {
            let flags = if duplicate { DONE | DUPLICATE } else { DONE };
            (stream_seq, later(flags, sent, at, stream_seq, salt))
        }
        Fate::Failed { at } => (0, later(DONE | FAILED, sent, at, 0, salt)),
    }
}

/// Words 6 and 7 of a posting.
#[inline]
pub(super) fn settled(since: MonoNs, fate: PostingFate, salt: u64) -> (u64, u64) {
    match fate {
        PostingFate::Unknown => (0, 0),
        PostingFate::Written { at, revision } => (revision, later(DONE, since, at, revision, salt)),
        PostingFate::Refused { at } => (0, later(DONE | FAILED, since, at, 0, salt)),
        PostingFate::Skipped { at } => (0, later(DONE | DUPLICATE, since, at, 0, salt)),
    }
}

#[inline]
fn later(flags: u64, from: MonoNs, at: MonoNs, value: u64, salt: u64) -> u64 {
    let word = flags | at.since(from).0.min(SINCE_MAX);
    word | sum(&[word, value], salt) << LATER_CHECK_SHIFT
}

/// Reads a *later* word: its flags and its instant; `None` when it is still zero.
fn read_later(word: u64, from: MonoNs, value: u64, salt: u64) -> Result<Option<(u64, MonoNs)>, Flaw> {
    if word == 0 {
        return Ok(None);
    }
    let (flags, since) = (word & (DONE | FAILED | DUPLICATE), word & SINCE_MAX);
    if flags & DONE == 0 || later(flags, from, from + SpanNs(since), value, salt) != word {
        return Err(Flaw::Completion);
    }
    Ok(Some((flags, from + SpanNs(since))))
}

/// A line from its bytes.
pub(super) fn line(bytes: &[u8; RECORD_BYTES]) -> Line {
    let words = bytes.as_chunks::<8>().0;
    std::array::from_fn(|index| u64::from_le_bytes(words[index]))
}

/// Reads a line whose time word is not zero.
pub(super) fn decode(line: &Line, salt: u64) -> Result<Record, Flaw> {
    let [time, tags, third, fourth, fifth, sixth, seventh, eighth] = *line;
    let (kind, detail) = (tags as u8, (tags >> 8) as u8);
    let mut bare = *line;
    bare[1] &= !CHECK_MASK;
    if sum(&bare[..immutable_words(kind)], salt) != (tags & CHECK_MASK) >> CHECK_SHIFT {
        return Err(Flaw::Check);
    }
    let (at, partition, publisher) = (MonoNs(time), (tags >> 32) as u16, (tags >> 48) as u16);
    let (low, high) = (|word: u64| word as u32, |word: u64| (word >> 32) as u32);
    let unknown = Flaw::Unknown { kind, detail };
    Ok(match kind {
        PUBLISH => Record::Publish(Publish {
            key: low(third),
            key_seq: high(third),
            partition,
            publisher,
            intended: MonoNs(fourth),
            possible: MonoNs(fifth),
            sent: at,
            bytes: low(sixth),
            fate: match read_later(eighth, at, seventh, salt)? {
                None => Fate::Unknown,
                Some((flags, at)) if flags & FAILED != 0 => Fate::Failed { at },
                Some((flags, at)) => Fate::Stored { at, stream_seq: seventh, duplicate: flags & DUPLICATE != 0 },
            },
        }),
        _ if kind & !INTACT == HANDLING => Record::Handling(Handling {
            key: low(third),
            key_seq: high(third),
            partition,
            publisher,
            epoch: low(sixth),
            stream_seq: seventh,
            consumer_seq: high(sixth),
            delivered: detail,
            intact: kind & INTACT != 0,
            intended: MonoNs(fourth),
            received: MonoNs(fifth),
            started: at,
            finished: read_later(eighth, at, 0, salt)?.map(|(flags, at)| Finish { at, ok: flags & FAILED == 0 }),
        }),
        COMMIT => Record::Commit(Commit {
            at,
            partition,
            epoch: low(third),
            stream_seq: fourth,
            reach: match detail {
                0 => Reach::UpTo,
                1 => Reach::Exact,
                _ => return Err(unknown),
            },
        }),
        OWNERSHIP => Record::Ownership(Ownership {
            at,
            partition,
            epoch: low(third),
            change: match detail {
                0 => OwnershipChange::GoneObserved,
                1 => OwnershipChange::Granted { deadline: MonoNs(fourth) },
                2 => OwnershipChange::Renewed { deadline: MonoNs(fourth) },
                3 => OwnershipChange::Opened { start_seq: fourth },
                4 => OwnershipChange::Released,
                5 => OwnershipChange::Lost,
                _ => return Err(unknown),
            },
        }),
        LIFE => Record::Life(Life {
            at,
            event: match detail {
                0 => LifeEvent::Born,
                1 => LifeEvent::Connected,
                2 => LifeEvent::Disconnected,
                3 => LifeEvent::Ready,
                4 => LifeEvent::Stopping,
                5 => LifeEvent::Stopped,
                6 => LifeEvent::SlowConsumer,
                7 => LifeEvent::AckRefused,
                8 => LifeEvent::EffectRefused,
                _ => return Err(unknown),
            },
        }),
        POSTING => Record::Posting(Posting {
            at,
            key: low(third),
            key_seq: high(third),
            partition,
            amount: low(fourth).cast_signed(),
            // Where the publisher stands in the others.
            held: Balance { balance: fifth.cast_signed(), sequence: high(fourth), mark: publisher },
            held_revision: sixth,
            fate: match read_later(eighth, at, seventh, salt)? {
                None => PostingFate::Unknown,
                Some((flags, at)) if flags & FAILED != 0 => PostingFate::Refused { at },
                Some((flags, at)) if flags & DUPLICATE != 0 => PostingFate::Skipped { at },
                Some((_, at)) => PostingFate::Written { at, revision: seventh },
            },
        }),
        TERM if detail == 0 => {
            Record::Term(Term { at, key: low(third), key_seq: high(third), partition, stream_seq: fourth })
        }
        _ => return Err(unknown),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Instants up to 292 years, so that adding a span never saturates.
    fn instants() -> impl Strategy<Value = MonoNs> {
        (1u64..1 << 63).prop_map(MonoNs)
    }

    prop_compose! {
        fn publishes()(
            key: u32, key_seq: u32, partition: u16, publisher: u16, bytes: u32, stream_seq: u64, fate in 0..4,
            intended in instants(), possible in instants(), sent in instants(), took in 0..SINCE_MAX,
        ) -> Publish {
            let at = sent + SpanNs(took);
            let fate = match fate {
                0 => Fate::Unknown,
                1 => Fate::Failed { at },
                which => Fate::Stored { at, stream_seq, duplicate: which == 2 },
            };
            Publish { key, key_seq, partition, publisher, intended, possible, sent, bytes, fate }
        }
    }

    prop_compose! {
        fn handlings()(
            (key, key_seq, epoch, consumer_seq) in any::<(u32, u32, u32, u32)>(),
            partition: u16, publisher: u16, stream_seq: u64, delivered: u8, intact: bool,
            intended in instants(), received in instants(), started in instants(),
            finished in prop::option::of((0..SINCE_MAX, any::<bool>())),
        ) -> Handling {
            let finished = finished.map(|(took, ok)| Finish { at: started + SpanNs(took), ok });
            Handling {
                key, key_seq, partition, publisher, epoch, stream_seq, consumer_seq, delivered, intact, intended,
                received, started, finished,
            }
        }
    }

    prop_compose! {
        fn postings()(
            (key, key_seq, partition) in any::<(u32, u32, u16)>(),
            amount: i32, (balance, sequence, mark) in any::<(i64, u32, u16)>(), held_revision: u64, revision: u64,
            fate in 0..4, at in instants(), took in 0..SINCE_MAX,
        ) -> Posting {
            let settled = at + SpanNs(took);
            let fate = match fate {
                0 => PostingFate::Unknown,
                1 => PostingFate::Refused { at: settled },
                2 => PostingFate::Skipped { at: settled },
                _ => PostingFate::Written { at: settled, revision },
            };
            let held = Balance { balance, sequence, mark };
            Posting { at, key, key_seq, partition, amount, held, held_revision, fate }
        }
    }

    fn changes() -> impl Strategy<Value = OwnershipChange> {
        prop_oneof![
            Just(OwnershipChange::GoneObserved),
            instants().prop_map(|deadline| OwnershipChange::Granted { deadline }),
            instants().prop_map(|deadline| OwnershipChange::Renewed { deadline }),
            any::<u64>().prop_map(|start_seq| OwnershipChange::Opened { start_seq }),
            Just(OwnershipChange::Released),
            Just(OwnershipChange::Lost),
        ]
    }

    /// Any record that a worker could write.
    pub(in crate::evidence) fn records() -> impl Strategy<Value = Record> {
        use LifeEvent as L;
        let events = [
            L::Born,
            L::Connected,
            L::Disconnected,
            L::Ready,
            L::Stopping,
            L::Stopped,
            L::SlowConsumer,
            L::AckRefused,
            L::EffectRefused,
        ];
        prop_oneof![
            publishes().prop_map(Record::Publish),
            handlings().prop_map(Record::Handling),
            postings().prop_map(Record::Posting),
            (instants(), any::<u16>(), any::<u32>(), any::<u64>(), any::<bool>()).prop_map(
                |(at, partition, epoch, stream_seq, exact)| {
                    let reach = if exact { Reach::Exact } else { Reach::UpTo };
                    Record::Commit(Commit { at, partition, epoch, stream_seq, reach })
                }
            ),
            (instants(), any::<u16>(), any::<u32>(), changes()).prop_map(|(at, partition, epoch, change)| {
                Record::Ownership(Ownership { at, partition, epoch, change })
            }),
            (instants(), prop::sample::select(events.to_vec()))
                .prop_map(|(at, event)| Record::Life(Life { at, event })),
            (instants(), any::<(u32, u32, u16, u64)>()).prop_map(|(at, (key, key_seq, partition, stream_seq))| {
                Record::Term(Term { at, key, key_seq, partition, stream_seq })
            }),
        ]
    }

    proptest! {
        #[test]
        fn what_is_encoded_decodes_to_itself(record in records(), salt: u64) {
            let line = encode(&record, salt);
            prop_assert_ne!(line[0], 0);
            prop_assert_eq!(decode(&line, salt), Ok(record));
        }

        /// All but the words that are written later: there a cut-off completion is legal, and looks like none.
        #[test]
        fn any_single_bit_flip_is_noticed(record in records(), salt: u64, bit in 0usize..512) {
            let mut line = encode(&record, salt);
            line[bit / 64] ^= 1 << (bit % 64);
            let open = matches!(
                record,
                Record::Handling(Handling { finished: None, .. })
                    | Record::Publish(Publish { fate: Fate::Unknown, .. })
                    | Record::Posting(Posting { fate: PostingFate::Unknown, .. })
            );
            let noticed = decode(&line, salt).is_err() || line[0] == 0;
            prop_assert!(noticed || (open && bit / 64 == 6), "bit {} of {:?}", bit, record);
        }

        #[test]
        fn no_line_makes_it_panic(line: [u64; 8], salt: u64) {
            let _ = decode(&line, salt);
        }
    }

    #[test]
    fn a_record_of_another_place_does_not_fit() {
        let life = Record::Life(Life { at: MonoNs(5), event: LifeEvent::Ready });
        let line = encode(&life, 1);
        assert_eq!(decode(&line, 1), Ok(life));
        assert_eq!((2..1000).filter(|salt| decode(&line, *salt).is_ok()).count(), 0);
    }

    #[test]
    fn an_end_before_the_start_counts_as_no_time() {
        let finish = finish(MonoNs(10), Finish { at: MonoNs(4), ok: true }, 0);
        assert_eq!(read_later(finish, MonoNs(10), 0, 0), Ok(Some((DONE, MonoNs(10)))));
    }
}
