//! A live look into the journals: how much is stored and handled, message by message, and whether order seems to hold.
//!
//! The workers' own counts cannot tell: repeats count there, and a killed member takes its last count with it. What is
//! seen here is for the display and for the end of the drain; the verdict comes from the whole evidence.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::clock;
use crate::evidence::Follower;
use crate::model::record::{Author, Fate, Handling, Record};
use crate::model::time::MonoNs;

/// Follows all journals of a run.
pub(super) struct Look {
    journals: PathBuf,
    run_tag: u64,
    followers: BTreeMap<Author, Follower>,
    keys: Vec<Key>,
    /// Handlings that are too young to be judged: another member's earlier one may not have been read yet.
    young: Vec<Handling>,
    seen: Seen,
}

/// What has been seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Messages stored.
    pub(super) stored: u64,
    /// Messages handled at least once.
    pub(super) handled: u64,
    /// First handlings that came too early or too late, about.
    pub(super) breaks: u64,
}

/// How far one key has come.
#[derive(Clone, Default)]
struct Key {
    /// The greatest `key_seq` handled.
    high: u32,
    /// One bit a message, by `key_seq`.
    handled: Vec<u64>,
}

impl Look {
    /// Looks into `journals` of the run `run_tag`, which has `keys` keys.
    pub(super) fn new(journals: PathBuf, run_tag: u64, keys: u32) -> Self {
        Self {
            journals,
            run_tag,
            followers: BTreeMap::new(),
            keys: vec![Key::default(); keys as usize],
            young: Vec::new(),
            seen: Seen::default(),
        }
    }

    /// Also follows the journal of `author`, from its beginning.
    pub(super) fn follow(&mut self, author: Author) {
        self.followers.insert(author, Follower::new(&self.journals, author, self.run_tag));
    }

    /// Reads what is new. A journal that cannot be read is left out: the analysis at the end says what is wrong with it.
    pub(super) fn refresh(&mut self) -> Seen {
        let now = clock::now();
        let Self { followers, young, seen, .. } = self;
        for follower in followers.values_mut() {
            let _ = follower.poll(|record| match record {
                Record::Publish(publish) if matches!(publish.fate, Fate::Stored { .. }) => seen.stored += 1,
                Record::Handling(handling) if handling.finished.is_some_and(|finish| finish.ok) => young.push(handling),
                _ => {}
            });
        }
        self.judge_what_ended_before(now);
        self.seen
    }

    /// Every handling that ended before the journals were read is known by now, whoever handled it.
    fn judge_what_ended_before(&mut self, now: MonoNs) {
        let mut known: Vec<Handling> =
            self.young.extract_if(.., |handling| handling.finished.is_none_or(|finish| finish.at < now)).collect();
        known.sort_unstable_by_key(|handling| handling.started);
        for handling in known {
            let Some(key) = self.keys.get_mut(handling.key as usize) else { continue };
            let (word, bit) = (handling.key_seq as usize / 64, handling.key_seq % 64);
            if key.handled.len() <= word {
                key.handled.resize(word + 1, 0);
            }
            let first = key.handled[word] & (1 << bit) == 0;
            key.handled[word] |= 1 << bit;
            if first {
                self.seen.handled += 1;
                self.seen.breaks += u64::from(handling.key_seq != key.high + 1);
            }
            key.high = key.high.max(handling.key_seq);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::record::Finish;

    fn look(handlings: &[(u32, u64)]) -> Seen {
        let mut look = Look::new(PathBuf::new(), 0, 1);
        look.young = handlings
            .iter()
            .map(|(key_seq, at)| Handling {
                key: 0,
                key_seq: *key_seq,
                partition: 0,
                publisher: 0,
                epoch: 0,
                stream_seq: 0,
                consumer_seq: 0,
                delivered: 1,
                intact: true,
                intended: MonoNs(0),
                received: MonoNs(*at),
                started: MonoNs(*at),
                finished: Some(Finish { at: MonoNs(*at + 1), ok: true }),
            })
            .collect();
        look.judge_what_ended_before(MonoNs(100));
        look.seen
    }

    #[test]
    fn a_repeat_is_no_break_and_counts_once() {
        let seen = look(&[(1, 1), (2, 2), (1, 3), (2, 4), (3, 5)]);
        assert_eq!((seen.handled, seen.breaks), (3, 0));
    }

    #[test]
    fn a_hole_and_its_filling_are_two_breaks() {
        assert_eq!(look(&[(1, 1), (3, 2), (2, 3), (4, 4)]).breaks, 2);
    }

    #[test]
    fn what_ends_after_the_reading_waits() {
        assert_eq!(look(&[(1, 1), (2, 200)]).handled, 1);
    }
}
