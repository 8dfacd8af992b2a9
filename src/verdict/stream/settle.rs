//! Settling: what is done and committed is forgotten after a while; its counts stay.

use super::Stream;
use super::key::{self, HANDLED, NOT_OFFERED, RANKED, SEEN};
use crate::model::time::{MonoNs, SpanNs};

impl Stream {
    /// Forgets what is done.
    pub(super) fn settle(&mut self, to: MonoNs) {
        self.look_between();
        let Self { keys, partitions, account, patience, given_up, teller, confirmation, .. } = self;
        let old = |message: &key::Msg, patience: SpanNs| message.at + patience < to;
        for key in keys.iter_mut() {
            let mut forgotten: Vec<(u16, u64)> = Vec::new();
            let high = key.ranked;
            key.settle(
                |message| {
                    let up_to =
                        partitions.get(usize::from(message.partition)).map_or(0, |of| of.up_to.max(of.forgotten_to));
                    let committed = message.acked != 0 || message.stream_seq != 0 && up_to >= message.stream_seq;
                    let answered = message.unknown == 0 || old(message, patience.uncommitted);
                    message.is(RANKED | SEEN)
                        && answered
                        && old(message, if committed { patience.committed } else { patience.uncommitted })
                },
                |message| {
                    let left = message.is(RANKED) && !message.is(HANDLED) && message.key_rank < high;
                    // Nobody was given it, and nobody was told that it is stored.
                    let nowhere = !message.is_any(RANKED | key::CONFIRMED | key::DELIVERED);
                    (left || nowhere || message.is(NOT_OFFERED)) && old(message, patience.uncommitted)
                },
                |message| {
                    account.publisher.attempted += 1;
                    if message.is(key::CONFIRMED) {
                        account.publisher.stored += 1;
                    } else {
                        account.publisher.surfaced += 1;
                    }
                    teller.settle(message, *confirmation, given_up);
                    account.succession.close(message, given_up);
                    forgotten.push((message.partition, message.stream_seq));
                },
            );
            for (partition, stream_seq) in forgotten {
                let Some(partition) = partitions.get_mut(usize::from(partition)) else { continue };
                partition.settled_to = partition.settled_to.max(stream_seq);
                partition.counts.stored += 1;
            }
        }
        for partition in partitions.iter_mut() {
            partition.forget(|place| keys.get(place.key).is_none_or(|key| key.is_behind(place.key_seq)));
        }
    }
}
