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
