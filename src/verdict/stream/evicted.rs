//! What the stream's own limits removed before anybody had handled it: it is no hole, and not lost.
//!
//! What is gone is told again and again, and nothing is judged that happened later than that was told: so a message that was passed over is
//! gone by then, or it was there and was skipped. At the end what is gone then counts, for what was never handled.

use super::Stream;
use super::key::{CONFIRMED, DELIVERED, EVICTED, HANDLED, Msg, NOT_OFFERED, RANKED};
use super::partition::Deed;
use crate::model::gone::Gone;
use crate::model::time::MonoNs;

/// Whether a message was stored, is gone, and nobody handled or acknowledged it.
pub(super) fn is_evicted(gone: Option<&(MonoNs, Gone)>, message: &Msg) -> bool {
    let waits = message.stream_seq != 0
        && message.acked == 0
        && message.is_any(CONFIRMED | DELIVERED)
        && !message.is_any(HANDLED | NOT_OFFERED);
    waits && gone.is_some_and(|(_, gone)| gone.contains(message.stream_seq))
}

impl Stream {
    /// Passes over what is evicted in front of a message that is handled for the first time, in its key and in its partition.
    pub(super) fn excuse(&mut self, deed: &Deed, key_rank: u32, partition_rank: u32, home: u16) {
        let Self { gone: Some(gone), keys, partitions, account, surprises, .. } = self else { return };
        let evicted = account.evicted.get_or_insert(0);
        let gone = Some(&*gone);
        if let Some(key) = keys.get(deed.key) {
            if let Some(message) = key.open(deed.key_seq).filter(|message| message.is(EVICTED)) {
                // A member had it before it was removed, and handles it now. What was handled behind it is judged already.
                message.flags &= !EVICTED;
                *evicted -= 1;
                *surprises += 1;
            }
            if key_rank > key.order.high() + 1 {
                let high = key.order.high();
                let mut passed: Vec<u32> = Vec::new();
                for (_, message) in key.messages() {
                    let is_between = message.is(RANKED) && (high + 1..key_rank).contains(&message.key_rank);
                    if is_between && is_evicted(gone, message) {
                        *evicted += u64::from(!message.is(EVICTED));
                        message.flags |= EVICTED;
                        passed.push(message.key_rank);
                    }
                }
                passed.sort_unstable();
                passed.into_iter().for_each(|rank| key.order.pass_over(rank));
            }
        }
        let Some(partition) = partitions.get_mut(usize::from(deed.partition)).filter(|_| home == deed.partition) else {
            return;
        };
        let high = partition.order.high();
        if partition_rank <= high + 1 {
            return;
        }
        let mut passed: Vec<u32> = Vec::new();
        for place in &partition.index {
            let message = keys.get(place.key).and_then(|key| key.open(place.key_seq));
            let Some(message) = message.filter(|message| message.partition == deed.partition) else { continue };
            let is_between = message.is(RANKED) && (high + 1..partition_rank).contains(&message.partition_rank);
            if is_between && is_evicted(gone, message) {
                *evicted += u64::from(!message.is(EVICTED));
                message.flags |= EVICTED;
                passed.push(message.partition_rank);
            }
        }
        passed.sort_unstable();
        passed.into_iter().for_each(|rank| partition.order.pass_over(rank));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::{Account, Patience, Stream};
    use crate::model::gone::Gone;
    use crate::model::history::History;
    use crate::model::record::{Record, Role};
    use crate::model::story::{StoryEvent, StoryLine};
    use crate::model::time::MonoNs;
    use crate::verdict::judge;
    use crate::verdict::scenario::{Scenario, ms};

    /// Messages of two keys in turn, a millisecond apart, of which some are handled, in order, and at the end what is below `below` is gone.
    fn history(handled: &[bool], below: u64) -> History {
        let mut scenario = Scenario::new(1, 2);
        for seq in 0..handled.len() as u32 {
            scenario.stored(seq % 2, seq / 2 + 1, ms(seq.into()));
        }
        for seq in (0..handled.len() as u32).filter(|seq| handled[*seq as usize]) {
            let handling = scenario.handled(0, seq % 2, seq / 2 + 1, ms(100 + u64::from(seq)));
            handling.stream_seq = u64::from(seq) + 1;
        }
        scenario.tell(ms(500), StoryEvent::Gone { gone: Gone::new(below, Vec::new()) });
        scenario.history
    }

    /// The counts, followed with a look each so many milliseconds, when the stream says what is gone `behind` it.
    fn followed(history: &History, below: u64, look_every: u64, behind: u64) -> (Account, u64) {
        let mut stream = Stream::new(&history.manifest, Patience::default());
        let gone = |at: MonoNs| StoryLine { at, event: StoryEvent::Gone { gone: Gone::new(below, Vec::new()) } };
        stream.tell(&gone(ms(0)));
        let mut from = ms(0);
        for to in (look_every..600).step_by(look_every as usize).map(ms).chain([ms(700)]) {
            for journal in &history.journals {
                let due = |at: MonoNs| (from..to).contains(&at);
                for publish in journal.publishes.iter().filter(|it| due(it.sent)) {
                    assert_eq!(journal.author.role, Role::Publisher);
                    stream.take(journal.author, 0, &Record::Publish(*publish), false);
                }
                for handling in journal.handlings.iter().filter(|it| due(it.started)) {
                    stream.take(journal.author, 0, &Record::Handling(*handling), false);
                }
            }
            stream.tell(&gone(MonoNs(to.0 - behind * 1_000_000)));
            assert!(
                stream.advance(to).0 <= to.0 - behind * 1_000_000,
                "nothing is judged that happened later than that was told"
            );
            from = to;
        }
        history.story.iter().for_each(|line| stream.tell(line));
        stream.finish()
    }

    #[test]
    fn what_was_passed_over_and_is_gone_is_no_hole_and_what_is_there_was_skipped() {
        let handled = [true, true, false, false, true, true];
        for (below, evicted, skipped) in [(5, 2, 0), (4, 1, 1), (1, 0, 2)] {
            let history = history(&handled, below);
            let (account, surprises) = followed(&history, below, 7, 3);
            assert_eq!((account.evicted, account.order.skipped, surprises), (Some(evicted), skipped, 0));
            assert_eq!(account, Account::of(&judge(&history)));
        }
    }

    proptest! {
        #[test]
        fn it_counts_as_the_ledger_over_all_does(
            handled in prop::collection::vec(prop::bool::weighted(0.7), 1..60),
            below in 0..70_u64,
            look_every in 1..60_u64,
            behind in 0..3_u64,
        ) {
            let history = history(&handled, below);
            let (account, surprises) = followed(&history, below, look_every, behind);
            prop_assert_eq!(surprises, 0);
            prop_assert_eq!(account, Account::of(&judge(&history)));
        }
    }
}
