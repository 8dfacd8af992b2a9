//! Messages that nobody is to blame for not handling: not offered, because the consumers begin behind them, or given up.

use std::collections::BTreeMap;

use super::message::Message;
use crate::model::history::History;
use crate::model::offer::Offer;
use crate::model::story::StoryEvent;
use crate::model::time::MonoNs;

/// What consumers do not offer, and what is delivered no more.
pub(super) struct Withheld {
    offer: Offer,
    /// By stream sequence: since when.
    dropped: BTreeMap<u64, MonoNs>,
}

impl Withheld {
    /// Reads it from the driver's story and from what members gave up.
    pub(super) fn of(history: &History) -> Self {
        let by_server = history.story.iter().filter_map(|line| match line.event {
            StoryEvent::Dropped { stream_seq, .. } => Some((stream_seq, line.at)),
            _ => None,
        });
        let terms = history.journals.iter().flat_map(|journal| &journal.terms);
        let mut dropped = BTreeMap::new();
        for (stream_seq, at) in by_server.chain(terms.map(|term| (term.stream_seq, term.at))) {
            let since = dropped.entry(stream_seq).or_insert(at);
            *since = at.min(*since);
        }
        Self { offer: Offer::told(&history.story), dropped }
    }

    /// Marks the messages of one key. What was delivered all the same was offered.
    pub(super) fn mark(&self, of_key: &mut [Message], delivered: impl Fn(usize) -> bool) {
        for (index, message) in of_key.iter_mut().enumerate() {
            message.offered = self.offer.holds(message.partition, message.stream_seq) || delivered(index);
            message.dropped = self.dropped.get(&message.stream_seq).copied().filter(|_| message.stream_seq != 0);
        }
    }
}
