//! What was stored, by the word of the stream itself: read back when nobody published any more.
//!
//! Where it was read, it outranks what publishers were told: a message without an answer is stored or is not, one that was acknowledged and
//! is not there was lost by the server, and copies and their order are as they stand. Where it was not read, acknowledgements are the truth.

use super::deed::{Deed, NONE};
use super::grouped;
use super::message::{self, Copy, Message, Standing};
use crate::model::history::History;
use crate::model::stored::{Extent, StoredMessage};
use crate::model::story::StoryEvent;
use crate::model::time::MonoNs;

/// The stream as it was read back.
pub(super) struct Truth<'a> {
    /// As it stands in the stream.
    in_order: &'a [StoredMessage],
    /// By key, then by sequence within it, then as it stands in the stream.
    by_key: Vec<StoredMessage>,
    /// How far; `None` when the reading was cut off, and what is missing says nothing.
    extent: Option<Extent>,
    /// When it was read.
    at: MonoNs,
    /// The stream's own limits may remove messages: what is missing says nothing then.
    evicts: bool,
}

impl<'a> Truth<'a> {
    /// What was read back; empty when nothing was.
    pub(super) fn of(history: &'a History, evicts: bool) -> Self {
        let told = history.story.iter().find_map(|line| match line.event {
            StoryEvent::StreamRead { extent } => Some((line.at, extent)),
            _ => None,
        });
        let ours = history.stored.iter().filter(|stored| stored.key_seq != 0);
        let mut by_key = grouped::gather(ours, |stored| stored.key, |stored, _| *stored);
        for of_key in by_key.chunk_by_mut(|left, right| left.key == right.key) {
            let place = |stored: &StoredMessage| (stored.key_seq, stored.stream_seq);
            if !of_key.is_sorted_by_key(place) {
                of_key.sort_unstable_by_key(place);
            }
        }
        let last = || history.story.last().map_or(MonoNs(0), |line| line.at);
        Self {
            in_order: &history.stored,
            by_key,
            // Where evidence is damaged, what is missing may be missing for that reason.
            extent: told.map(|(_, extent)| extent).filter(|extent| extent.messages == history.stored.len() as u64),
            at: told.map_or_else(last, |(at, _)| at),
            evicts,
        }
    }

    /// Whether it can be said that a message is missing.
    pub(super) fn judges_loss(&self) -> bool {
        self.extent.is_some() && !self.evicts
    }

    /// The copies of a key's messages.
    pub(super) fn of_key(&self, key: u32) -> &[StoredMessage] {
        let from = self.by_key.partition_point(|stored| stored.key < key);
        let to = self.by_key.partition_point(|stored| stored.key <= key);
        &self.by_key[from..to]
    }

    /// Leaves out the copies that publishers were told of and that are not there, though the message is.
    pub(super) fn leave_out_what_is_not_there(&self, messages: &[Message], copies: &mut Vec<Copy>) {
        copies.retain(|copy| {
            let message = &messages[copy.message as usize];
            let mut held =
                self.of_key(message.key).iter().filter(|stored| stored.key_seq == message.key_seq).peekable();
            let elsewhere = held.peek().is_some() && held.all(|stored| stored.stream_seq != copy.stream_seq);
            !(elsewhere && self.reached(copy.stream_seq))
        });
    }

    /// Gives the messages of one key the places at which they stand.
    pub(super) fn place(&self, of_key: &mut [Message], base: usize, copies: &mut Vec<Copy>) {
        let Some(key) = of_key.first().map(|message| message.key) else { return };
        for stored in self.of_key(key).chunk_by(|left, right| left.key_seq == right.key_seq) {
            let Some(index) = message::find(of_key, stored[0].key_seq) else { continue };
            let message = &mut of_key[index];
            // A publisher was told a place at which the message is not, though it is at another.
            let is_there = stored.iter().any(|stored| stored.stream_seq == message.stream_seq);
            if !is_there && self.reached(message.stream_seq) {
                message.stream_seq = 0;
            }
            for stored in stored {
                message::note_copy(message, (base + index) as u32, stored.stream_seq, copies);
            }
        }
    }

    /// Says of the messages of one key whose storage was in doubt whether they are stored, and which the server has lost.
    pub(super) fn settle(&self, of_key: &mut [Message], base: usize, deeds: &[Deed]) {
        let Some(key) = of_key.first().map(|message| message.key) else { return };
        let mut there = vec![false; of_key.len()];
        for stored in self.of_key(key) {
            if let Some(index) = message::find(of_key, stored.key_seq) {
                there[index] = true;
            }
        }
        let mut handled = vec![false; of_key.len()];
        for deed in deeds.iter().filter(|deed| deed.ok && deed.message != NONE) {
            handled[deed.message as usize - base] = true;
        }
        for (index, message) in of_key.iter_mut().enumerate() {
            let is_stored = message.was_stored();
            if there[index] {
                if !is_stored {
                    message.standing = Standing::Surfaced;
                    message.stored = Some(self.at);
                    message.found = true;
                }
            } else if is_stored {
                message.lost_by_server = self.reached(message.stream_seq);
                message.perished = message.lost_by_server && !handled[index];
            } else if message.standing == Standing::Unknown && self.reached(0) {
                message.standing = Standing::Failed;
            }
        }
    }

    /// Whether a message that was at `stream_seq` would have been read, were it still there; 0 for one of which nobody knows where.
    fn reached(&self, stream_seq: u64) -> bool {
        let would = |extent: &Extent| extent.is_whole() || (1..=extent.through).contains(&stream_seq);
        !self.evicts && self.extent.as_ref().is_some_and(would)
    }

    /// Whether `stream_seq` says nothing of the order any more: the server forgot the end of the stream, and gave its sequences again.
    pub(super) fn given_again(&self, stream_seq: u64) -> bool {
        let Some(extent) = self.extent else { return false };
        let at = self.in_order.binary_search_by_key(&stream_seq, |stored| stored.stream_seq);
        stream_seq > extent.last || at.is_ok()
    }
}
