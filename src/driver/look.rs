//! A live look into the journals: how much is stored and handled, message by message, and whether order seems to hold.
//!
//! The workers' own counts cannot tell: repeats count there, and a killed member takes its last count with it. What is
//! seen here is for the display and for the end of the drain; the verdict comes from the whole evidence.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::time::Duration;

use hdrhistogram::Histogram;

use crate::clock;
use crate::evidence::Follower;
use crate::model::gone::Gone;
use crate::model::live::Latency;
use crate::model::offer::Offer;
use crate::model::record::{Author, Fate, Handling, Publish, Record, Role};
use crate::model::time::MonoNs;

/// A message so many words of 64 behind the last handled one of its key is confirmed by now, or never will be.
const FAR_WORDS: usize = 16;
/// Longer than that is told as that: an hour.
const LATENCY_MAX_US: u64 = 3_600_000_000;

/// Follows all journals of a run.
pub(super) struct Look {
    journals: PathBuf,
    run_tag: u64,
    followers: BTreeMap<Author, Follower>,
    /// All that there ever were, those that have ended too.
    publishers: BTreeSet<Author>,
    keys: Vec<Key>,
    /// Handlings that are too young to be judged: another member's earlier one may not have been read yet.
    young: Vec<Handling>,
    /// Where the messages stand that wait; only where some may be withheld from the members.
    places: Option<Places>,
    /// Stream sequences of messages that the server gave up before it was known which they are.
    early: BTreeSet<u64>,
    /// What the consumers offer.
    offer: Offer,
    seen: Seen,
    /// Time from `intended` to `finished` of what was handled since it was last asked for, in microseconds.
    latency: Histogram<u64>,
}

/// Messages that wait, by stream sequence. Handled ones are swept out now and then.
#[derive(Default)]
struct Places {
    messages: BTreeMap<u64, Place>,
    sweep_at: usize,
}

/// A message by its place in the stream.
#[derive(Clone, Copy)]
struct Place {
    partition: u16,
    key: u32,
    key_seq: u32,
}

impl Places {
    fn insert(&mut self, stream_seq: u64, place: Place, keys: &[Key]) {
        self.messages.insert(stream_seq, place);
        if self.messages.len() > self.sweep_at {
            self.messages.retain(|_, place| !is_handled(keys, place.key, place.key_seq));
            self.sweep_at = 2 * self.messages.len() + 4096;
        }
    }
}

fn is_handled(keys: &[Key], key: u32, key_seq: u32) -> bool {
    keys.get(key as usize).is_some_and(|key| key.is_handled(key_seq))
}

/// What has been seen so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Messages whose storing was confirmed, each once.
    pub(super) stored: u64,
    /// Messages handled at least once, confirmed or not.
    pub(super) handled: u64,
    /// Messages whose storing was confirmed and that were not handled yet. This is no difference of the other two: what is
    /// stored without a confirmation is handled, too.
    pub(super) backlog: u64,
    /// First handlings that came too early or too late, about.
    pub(super) breaks: u64,
}

/// How far one key has come.
#[derive(Clone, Default)]
struct Key {
    /// The greatest `key_seq` handled.
    high: u32,
    /// Whose storing was confirmed.
    stored: Bits,
    handled: Bits,
    /// Withheld from the members: given up, evicted, not offered.
    gone: Bits,
}

/// One bit a message, by `key_seq`. What lies before `begin` is left out: all of it was stored and handled.
#[derive(Clone, Default)]
struct Bits {
    words: VecDeque<u64>,
    /// Number of the first word that is there.
    begin: usize,
}

impl Bits {
    /// Sets the bit of `key_seq`. Returns whether it was clear; one that is left out was not.
    fn set(&mut self, key_seq: u32) -> bool {
        let bit = 1 << (key_seq % 64);
        let Some(word) = (key_seq as usize / 64).checked_sub(self.begin) else { return false };
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let clear = self.words[word] & bit == 0;
        self.words[word] |= bit;
        clear
    }

    /// Whether the bit is set; `before` for one that is left out.
    fn has(&self, key_seq: u32, before: bool) -> bool {
        match (key_seq as usize / 64).checked_sub(self.begin) {
            Some(word) => self.words.get(word).is_some_and(|word| word & (1 << (key_seq % 64)) != 0),
            None => before,
        }
    }

    /// Leaves out the first word.
    fn leave_out_one(&mut self) {
        self.words.pop_front();
        self.begin += 1;
    }
}

impl Key {
    fn is_stored(&self, key_seq: u32) -> bool {
        self.stored.has(key_seq, true)
    }

    fn is_handled(&self, key_seq: u32) -> bool {
        self.handled.has(key_seq, true)
    }

    fn is_gone(&self, key_seq: u32) -> bool {
        self.gone.has(key_seq, false)
    }

    /// Leaves out whole words of messages that were stored and handled: a long run must not need a bit for each for ever.
    fn leave_out_what_is_done(&mut self) {
        // There is no message 0.
        let not_there = |begin: usize| u64::from(begin == 0);
        // Far behind what was handled nobody waits for a confirmation any more.
        let far = (self.high as usize / 64).saturating_sub(FAR_WORDS);
        while let (Some(stored), Some(handled)) = (self.stored.words.front(), self.handled.words.front())
            && let gone = self.gone.words.front()
            && let confirmed = if self.stored.begin < far { u64::MAX } else { *stored }
            && confirmed & handled | gone.unwrap_or(&0) | not_there(self.stored.begin) == u64::MAX
        {
            self.stored.leave_out_one();
            self.handled.leave_out_one();
            self.gone.leave_out_one();
        }
    }
}

impl Look {
    /// Looks into `journals` of the run `run_tag`, which has `keys` keys. `remembers` says whether messages may be
    /// withheld from the members: evicted, given up by the server, or not offered.
    pub(super) fn new(journals: PathBuf, run_tag: u64, keys: u32, remembers: bool) -> Self {
        Self {
            journals,
            run_tag,
            followers: BTreeMap::new(),
            publishers: BTreeSet::new(),
            keys: vec![Key::default(); keys as usize],
            young: Vec::new(),
            places: remembers.then(Places::default),
            early: BTreeSet::new(),
            offer: Offer::default(),
            seen: Seen::default(),
            latency: Histogram::new_with_bounds(1, LATENCY_MAX_US, 2).expect("the bounds are far enough apart"),
        }
    }

    /// What handling took since this was asked last.
    pub(super) fn take_latency(&mut self) -> Option<Latency> {
        if self.latency.is_empty() {
            return None;
        }
        let at = |quantile| Duration::from_micros(self.latency.value_at_quantile(quantile));
        let latency = Latency { p50: at(0.5), p99: at(0.99), max: Duration::from_micros(self.latency.max()) };
        self.latency.reset();
        Some(latency)
    }

    /// The consumers have been made: what of the messages that were stored by then they do not offer waits for nobody.
    pub(super) fn take_offer(&mut self, offer: Offer) {
        self.withhold(|stream_seq, place| !offer.holds(place.partition, stream_seq));
        self.offer = offer;
    }

    /// The server delivers the message at `stream_seq` no more.
    pub(super) fn note_drop(&mut self, stream_seq: u64) {
        match self.places.as_mut().and_then(|places| places.messages.remove(&stream_seq)) {
            Some(Place { key, key_seq, .. }) => note_gone(&mut self.keys, &mut self.seen, key, key_seq),
            None => drop(self.early.insert(stream_seq)),
        }
    }

    /// Takes the messages out of the backlog that `is_withheld` speaks of.
    fn withhold(&mut self, is_withheld: impl Fn(u64, &Place) -> bool) {
        let Self { places: Some(places), keys, seen, .. } = self else { return };
        for (_, place) in places.messages.extract_if(.., |stream_seq, place| is_withheld(*stream_seq, place)) {
            note_gone(keys, seen, place.key, place.key_seq);
        }
    }

    /// Also follows the journal of `author`, from its beginning.
    pub(super) fn follow(&mut self, author: Author) {
        self.followers.insert(author, Follower::new(&self.journals, author, self.run_tag));
        if author.role == Role::Publisher {
            self.publishers.insert(author);
        }
    }

    /// The author has ended: reads the rest of its journal, and holds its file no longer.
    pub(super) fn end(&mut self, author: Author) {
        self.read(Some(author));
        self.followers.remove(&author);
    }

    /// Reads what is new. A journal that cannot be read is left out: the analysis at the end says what is wrong with it.
    pub(super) fn refresh(&mut self) -> Seen {
        let now = clock::now();
        self.read(None);
        self.judge_what_ended_before(now);
        self.seen
    }

    /// Reads what is new in the journal of one author, or of all.
    fn read(&mut self, one: Option<Author>) {
        let Self { followers, young, seen, keys, places, early, offer, .. } = self;
        let wanted = followers.iter_mut().filter(|(author, _)| one.is_none_or(|one| one == **author));
        for follower in wanted.map(|(_, follower)| follower) {
            let _ = follower.poll(|record| match record {
                Record::Publish(Publish { key, key_seq, partition, fate: Fate::Stored { stream_seq, .. }, .. }) => {
                    note_stored(keys, seen, key, key_seq, offer.holds(partition, stream_seq));
                    if early.remove(&stream_seq) {
                        note_gone(keys, seen, key, key_seq);
                    } else if let Some(places) = places.as_mut().filter(|_| stream_seq != 0) {
                        places.insert(stream_seq, Place { partition, key, key_seq }, keys);
                    }
                }
                Record::Term(term) => note_gone(keys, seen, term.key, term.key_seq),
                Record::Handling(handling) if handling.finished.is_some_and(|finish| finish.ok) => young.push(handling),
                _ => {}
            });
        }
    }

    /// Takes what the stream does not hold any more out of the backlog: nobody can handle it.
    pub(super) fn forget(&mut self, gone: &Gone) -> Seen {
        self.forget_what(|stream_seq| gone.contains(stream_seq))
    }

    /// Takes out of the backlog what waits at these places in the stream.
    pub(super) fn forget_what(&mut self, is_gone: impl Fn(u64) -> bool) -> Seen {
        self.withhold(|stream_seq, _| is_gone(stream_seq));
        self.seen
    }

    /// Finds out where the messages stand that wait, from the beginning of the publishers' journals: for whoever did not have
    /// that remembered.
    pub(super) fn place_what_waits(&mut self) {
        if self.places.is_some() {
            return;
        }
        let (keys, mut places) = (&self.keys, Places::default());
        for author in &self.publishers {
            let _ = Follower::new(&self.journals, *author, self.run_tag).poll(|record| {
                let Record::Publish(Publish { key, key_seq, partition, fate, .. }) = record else { return };
                let Fate::Stored { stream_seq, .. } = fate else { return };
                let waits = |key: &Key| key.is_stored(key_seq) && !key.is_handled(key_seq) && !key.is_gone(key_seq);
                if stream_seq != 0 && keys.get(key as usize).is_some_and(waits) {
                    places.insert(stream_seq, Place { partition, key, key_seq }, keys);
                }
            });
        }
        self.places = Some(places);
    }

    /// Every handling that ended before the journals were read is known by now, whoever handled it.
    fn judge_what_ended_before(&mut self, now: MonoNs) {
        let mut known: Vec<Handling> =
            self.young.extract_if(.., |handling| handling.finished.is_none_or(|finish| finish.at < now)).collect();
        known.sort_unstable_by_key(|handling| handling.started);
        for handling in known {
            if let Some(places) = &mut self.places {
                places.messages.remove(&handling.stream_seq);
            }
            let Some(key) = self.keys.get_mut(handling.key as usize) else { continue };
            if key.handled.set(handling.key_seq) {
                self.seen.handled += 1;
                // A program of somebody else does not say when its messages were wanted: the report knows it from the publishers.
                let is_known = handling.intended != MonoNs(0);
                if let Some(finish) = handling.finished.filter(|_| is_known) {
                    self.latency.saturating_record(finish.at.since(handling.intended).0 / 1_000);
                }
                self.seen.backlog -= u64::from(key.is_stored(handling.key_seq) && !key.is_gone(handling.key_seq));
                // Where a consumer does not begin at the first message, the first one handled of a key breaks nothing.
                let begins = key.high == 0 && self.offer != Offer::default();
                self.seen.breaks += u64::from(handling.key_seq != key.high + 1 && !begins);
            }
            key.high = key.high.max(handling.key_seq);
            key.leave_out_what_is_done();
        }
    }
}

/// A message may be confirmed twice, and it may have been handled before its confirmation was read. One that is not
/// offered waits for nobody.
fn note_stored(keys: &mut [Key], seen: &mut Seen, key: u32, key_seq: u32, offered: bool) {
    let Some(key) = keys.get_mut(key as usize) else { return };
    if key.stored.set(key_seq) {
        seen.stored += 1;
        if !offered {
            key.gone.set(key_seq);
        }
        seen.backlog += u64::from(!key.is_handled(key_seq) && !key.is_gone(key_seq));
    }
}

/// A message that is given up waits no more; it may still be handled, by who holds it.
fn note_gone(keys: &mut [Key], seen: &mut Seen, key: u32, key_seq: u32) {
    let Some(key) = keys.get_mut(key as usize) else { return };
    if key.gone.set(key_seq) {
        seen.backlog -= u64::from(key.is_stored(key_seq) && !key.is_handled(key_seq));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::offer::Start;
    use crate::model::record::Finish;

    fn look(handlings: &[(u32, u64)]) -> Seen {
        look_after(&[], handlings)
    }

    /// What is seen of some confirmed messages of one key and some handlings.
    fn look_after(stored: &[u32], handlings: &[(u32, u64)]) -> Seen {
        looked(stored, handlings).seen
    }

    /// Sees the confirmation of the message at stream sequence `key_seq`, the one with that number in its key.
    fn note(look: &mut Look, key_seq: u32) {
        note_stored(&mut look.keys, &mut look.seen, 0, key_seq, true);
        let place = Place { partition: 0, key: 0, key_seq };
        look.places.as_mut().expect("it remembers").insert(key_seq.into(), place, &look.keys);
    }

    fn looked(stored: &[u32], handlings: &[(u32, u64)]) -> Look {
        let mut look = Look::new(PathBuf::new(), 0, 1, true);
        for key_seq in stored {
            note(&mut look, *key_seq);
        }
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
        look
    }

    #[test]
    fn what_was_evicted_is_not_waited_for_and_what_was_handled_before_stays_handled() {
        // The message at stream sequence n is the n-th of its key.
        let mut look = looked(&[1, 2, 3, 4, 5], &[(1, 1), (2, 2)]);
        assert_eq!(look.forget(&Gone::new(4, Vec::new())).backlog, 2);
        assert_eq!(look.forget(&Gone::new(4, vec![5])).backlog, 1);
        assert_eq!(look.forget(&Gone::new(4, vec![5])).backlog, 1, "it is taken out once");
    }

    #[test]
    fn a_message_of_which_nobody_knows_when_it_was_wanted_has_no_latency() {
        assert!(look(&[(1, 1)]).handled == 1 && looked(&[1], &[(1, 1)]).take_latency().is_none());
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

    #[test]
    fn what_was_stored_unconfirmed_does_not_stand_in_for_what_was_confirmed() {
        // Nobody confirmed 3 and 4: as many were handled as were confirmed, and 5 still waits.
        let seen = look_after(&[1, 2, 5], &[(1, 1), (2, 2), (3, 3), (4, 4)]);
        assert_eq!((seen.stored, seen.handled, seen.backlog), (3, 4, 1));
    }

    #[test]
    fn a_second_confirmation_and_a_late_one_add_nothing_to_wait_for() {
        let seen = look_after(&[1, 1, 70], &[(1, 1), (70, 2), (70, 3)]);
        assert_eq!((seen.stored, seen.handled, seen.backlog), (2, 2, 0));
        let mut look = Look::new(PathBuf::new(), 0, 1, false);
        look.keys[0].handled.set(7);
        note_stored(&mut look.keys, &mut look.seen, 0, 7, true);
        assert_eq!((look.seen.stored, look.seen.backlog), (1, 0));
    }

    #[test]
    fn what_is_done_is_left_out_and_still_counted_once() {
        let all: Vec<u32> = (1..=200).collect();
        let handled: Vec<(u32, u64)> = all.iter().map(|seq| (*seq, 1)).chain([(3, 90), (64, 91)]).collect();
        let mut look = looked(&all, &handled);
        assert_eq!((look.keys[0].stored.begin, look.keys[0].handled.words.len()), (3, 1));
        assert_eq!((look.seen.stored, look.seen.handled, look.seen.backlog), (200, 200, 0));
        // Confirmed again, given up too late: nothing changes.
        note_stored(&mut look.keys, &mut look.seen, 0, 5, true);
        note_gone(&mut look.keys, &mut look.seen, 0, 5);
        assert_eq!((look.seen.stored, look.seen.backlog), (200, 0));
    }

    #[test]
    fn what_is_given_up_or_not_offered_waits_for_nobody() {
        let mut look = Look::new(PathBuf::new(), 0, 1, true);
        // The server may be faster than the publisher's journal.
        look.note_drop(3);
        [1, 2, 3].into_iter().for_each(|key_seq| note(&mut look, key_seq));
        assert_eq!(look.seen.backlog, 3);
        look.take_offer(Offer::of([Start { partition: None, stream_seq: 2 }]));
        assert_eq!(look.seen.backlog, 2);
        look.note_drop(2);
        look.note_drop(2);
        assert_eq!((look.seen.stored, look.seen.backlog), (3, 1));
        note_gone(&mut look.keys, &mut look.seen, 0, 3);
        assert_eq!(look.seen.backlog, 0);
    }
}
