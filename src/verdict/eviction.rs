//! Which messages the stream's own limits removed before anybody had handled them.

use super::commits::Commits;
use super::deed::{Deed, NONE};
use super::message::{Copy, Message};
use crate::model::gone::Gone;
use crate::model::history::History;
use crate::model::story::StoryEvent;

/// What the driver found gone, where the stream's limits may evict; the last time counts.
pub(super) fn gone(history: &History) -> Option<&Gone> {
    history.story.iter().rev().find_map(|line| match &line.event {
        StoryEvent::Gone { gone } => Some(gone),
        _ => None,
    })
}

/// Marks the evicted ones of one key: stored, gone from the stream, never handled. One that somebody acknowledged went for
/// another reason, and one of which a second copy is still there is not gone.
pub(super) fn mark(
    of_key: &mut [Message],
    base: usize,
    deeds: &[Deed],
    copies: &[Copy],
    gone: &Gone,
    commits: &Commits<'_>,
) {
    let mut handled = vec![false; of_key.len()];
    for deed in deeds.iter().filter(|deed| deed.ok && deed.message != NONE) {
        handled[deed.message as usize - base] = true;
    }
    let waits =
        |(index, message): &(usize, &mut Message)| !handled[*index] && message.offered && message.dropped.is_none();
    for (index, message) in of_key.iter_mut().enumerate().filter(waits) {
        let is_gone = message.was_stored() && message.stream_seq != 0 && gone.contains(message.stream_seq);
        if is_gone && !commits.acknowledge(message.partition, message.stream_seq) {
            let number = (base + index) as u32;
            let mut others = copies.iter().filter(|copy| copy.message == number);
            message.evicted = others.all(|copy| gone.contains(copy.stream_seq));
        }
    }
}
