//! Atomic batches (ADR-50 of the NATS project; nats-server 2.12): what is due is sent as one batch, which is stored whole
//! or not at all. One batch at a time, or a later one could be stored before an earlier one that failed.
//!
//! A batch whose answer was lost is sent again whole. If the server had stored it, it refuses it, because it knows the
//! message ids, and does not say where it stands. Then each message is published once more by itself: the server
//! recognises it, stores nothing, and says where it is.

use crate::nats::link::Message;
use async_nats::{HeaderMap, header};

use super::ack::{answer, below};
use super::way::{Envelope, Heard, Outgoing, Stored, Trouble};
use super::windowed::Windowed;

/// The server's number for "batch publish contains duplicate message id".
const CONTAINS_DUPLICATE: u64 = 10201;
/// Last token of the reply subject of the first message, and of the last one.
const BEGIN: &str = "begin";
const COMMIT: &str = "commit";

/// The batch that is being sent or waits for its answer.
#[derive(Debug)]
pub(super) struct Atomic {
    inbox: String,
    /// Counts the batches of the publisher.
    batch: u64,
    /// Messages of it so far.
    sent: u64,
    /// The number behind its last message.
    end: u64,
    /// The last one is sent: the answer is waited for.
    is_committed: bool,
    /// Most messages of a batch.
    size: u16,
    /// The last reply subject.
    reply: Option<String>,
    /// Asks, one by one, for the places of what is stored already.
    asking: Option<Windowed>,
}

impl Atomic {
    pub(super) fn new(inbox: &str, size: u16) -> Self {
        let inbox = inbox.to_owned();
        Self { inbox, batch: 0, sent: 0, end: 0, is_committed: false, size, reply: None, asking: None }
    }

    pub(super) fn renew(&mut self, inbox: &str) {
        inbox.clone_into(&mut self.inbox);
        if let Some(asking) = &mut self.asking {
            asking.renew(inbox);
        }
        self.next_batch();
    }

    /// The line starts again: so does the batch, under another name.
    pub(super) fn restart(&mut self) {
        self.next_batch();
    }

    /// Everything that was sent is stored.
    pub(super) fn settled(&mut self) {
        self.asking = None;
        self.next_batch();
    }

    pub(super) fn has_room(&self) -> bool {
        !self.is_committed
    }

    pub(super) fn envelope(&mut self, outgoing: Outgoing) -> Envelope<'_> {
        self.end = outgoing.number + 1;
        self.is_committed = outgoing.is_last;
        if let Some(asking) = &mut self.asking {
            return asking.envelope(outgoing.ticket);
        }
        self.sent += 1;
        let id = self.inbox.rsplit('.').next().unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert(header::NATS_BATCH_ID, format!("{id}-{}", self.batch).as_str());
        headers.insert(header::NATS_BATCH_SEQUENCE, self.sent.to_string().as_str());
        if outgoing.is_last {
            headers.insert(header::NATS_BATCH_COMMIT, header::NATS_BATCH_COMMIT_FINAL);
        }
        // The first answer tells at once that the server does not take batches; those in between would tell nothing.
        let step = match (outgoing.is_last, self.sent) {
            (true, _) => Some(COMMIT),
            (false, 1) => Some(BEGIN),
            (false, _) => None,
        };
        self.reply = step.map(|step| format!("{}.{}.{step}", self.inbox, self.batch));
        Envelope { reply: self.reply.as_deref(), headers: Some(headers) }
    }

    pub(super) fn hear(&mut self, message: &Message) -> Heard {
        if let Some(asking) = &mut self.asking {
            return asking.hear(message);
        }
        let step = below(&self.inbox, message.subject()).and_then(|tokens| tokens.split_once('.'));
        let Some((batch, step)) = step else { return Heard::nothing() };
        if batch.parse() != Ok(self.batch) {
            return Heard::nothing();
        }
        // Staged, not stored.
        if step == BEGIN && message.payload().is_empty() && message.status().is_none() {
            return Heard::nothing();
        }
        match answer(message) {
            Ok(ack) => Heard::stored(Stored::Below { number: self.end, last: Some(ack.seq) }),
            Err(refusal) => {
                if refusal.err_code == CONTAINS_DUPLICATE {
                    self.asking = Some(Windowed::new(&self.inbox, self.size, false));
                }
                Heard::trouble(Trouble::All(refusal.description))
            }
        }
    }

    fn next_batch(&mut self) {
        self.batch += 1;
        self.sent = 0;
        self.is_committed = false;
    }
}

#[cfg(test)]
mod tests {
    use super::super::ack::told;
    use super::*;
    use crate::worker::line::Ticket;

    fn outgoing(number: u64, is_last: bool) -> Outgoing {
        Outgoing { ticket: Ticket { generation: 0, slot: number as u32 }, number, is_last }
    }

    type Headers = Option<HeaderMap>;

    /// Reply subject and headers of a message.
    fn sent(way: &mut Atomic, number: u64, is_last: bool) -> (Option<String>, Headers) {
        let Envelope { reply, headers } = way.envelope(outgoing(number, is_last));
        (reply.map(str::to_owned), headers)
    }

    fn text(headers: &Headers, name: async_nats::HeaderName) -> Option<String> {
        headers.as_ref()?.get(name).map(ToString::to_string)
    }

    #[test]
    fn a_batch_is_numbered_and_its_last_message_commits_it() {
        let mut way = Atomic::new("_INBOX.a", 3);
        let batch = [(10, false), (11, false), (12, true)].map(|(number, is_last)| sent(&mut way, number, is_last));
        let sequences: Vec<_> = batch.iter().map(|(_, headers)| text(headers, header::NATS_BATCH_SEQUENCE)).collect();
        assert_eq!(sequences, ["1", "2", "3"].map(|text| Some(text.to_owned())));
        let commits: Vec<_> = batch.iter().map(|(_, headers)| text(headers, header::NATS_BATCH_COMMIT)).collect();
        assert_eq!(commits, [None, None, Some("1".to_owned())]);
        assert!(!way.has_room(), "nothing follows before the answer");
        let begin = batch[0].0.clone().expect("the first asks whether batches are taken");
        assert_eq!(way.hear(&told(&begin, "")), Heard::nothing());
        let commit = batch[2].0.clone().expect("the last asks for the answer");
        let heard = way.hear(&told(&commit, r#"{"stream":"s","seq":40,"batch":"a-0","count":3}"#));
        assert_eq!(heard, Heard::stored(Stored::Below { number: 13, last: Some(40) }));
        way.settled();
        assert!(way.has_room());
        assert_ne!(text(&sent(&mut way, 13, true).1, header::NATS_BATCH_ID), text(&batch[0].1, header::NATS_BATCH_ID));
    }

    #[test]
    fn a_batch_that_was_stored_before_is_asked_for_one_by_one() {
        let mut way = Atomic::new("_INBOX.a", 3);
        let commit = sent(&mut way, 0, true).0.expect("an answer");
        let known = r#"{"error":{"code":400,"err_code":10201,"description":"duplicate"}}"#;
        assert_eq!(way.hear(&told(&commit, known)), Heard::trouble(Trouble::All("duplicate".to_owned())));
        way.restart();
        let (reply, again) = sent(&mut way, 0, true);
        assert_eq!(text(&again, header::NATS_BATCH_ID), None, "it is no batch");
        let heard = way.hear(&told(&reply.expect("an answer"), r#"{"stream":"s","seq":7,"duplicate":true}"#));
        let ticket = outgoing(0, true).ticket;
        assert_eq!(heard, Heard::stored(Stored::One { ticket, stream_seq: 7, duplicate: true }));
        way.settled();
        assert!(text(&sent(&mut way, 1, true).1, header::NATS_BATCH_ID).is_some(), "batches again");
    }
}
