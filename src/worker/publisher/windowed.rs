//! Each message by itself, each with an acknowledgement of its own; up to a window of them at once. With a window of one
//! it is the synchronous publish.

use crate::nats::link::Message;

use super::ack::{answer, below};
use super::way::{Envelope, Heard, Stored, Trouble};
use crate::worker::line::Ticket;

/// The answers of a window.
#[derive(Debug)]
pub(super) struct Windowed {
    inbox: String,
    window: u16,
    /// Generations pass too quickly for their reply subjects to be made in advance.
    one_by_one: bool,
    /// The generation that the reply subjects are named for.
    named: Option<u32>,
    /// Reply subject by slot of the window.
    replies: Vec<String>,
    /// That of the last message, where they are made one by one.
    last: String,
}

impl Windowed {
    pub(super) fn new(inbox: &str, window: u16, one_by_one: bool) -> Self {
        Self { inbox: inbox.to_owned(), window, one_by_one, named: None, replies: Vec::new(), last: String::new() }
    }

    pub(super) fn renew(&mut self, inbox: &str) {
        inbox.clone_into(&mut self.inbox);
        self.named = None;
    }

    pub(super) fn envelope(&mut self, ticket: Ticket) -> Envelope<'_> {
        Envelope { reply: Some(self.reply(ticket)), headers: None }
    }

    fn reply(&mut self, ticket: Ticket) -> &str {
        let inbox = &self.inbox;
        let name = |generation: u32, slot: u32| format!("{inbox}.{generation}.{slot}");
        if self.one_by_one {
            self.last = name(ticket.generation, ticket.slot);
            return &self.last;
        }
        if self.named != Some(ticket.generation) {
            self.replies = (0..u32::from(self.window)).map(|slot| name(ticket.generation, slot)).collect();
            self.named = Some(ticket.generation);
        }
        match self.replies.get(ticket.slot as usize) {
            Some(reply) => reply,
            None => {
                self.last = name(ticket.generation, ticket.slot);
                &self.last
            }
        }
    }

    pub(super) fn hear(&mut self, message: &Message) -> Heard {
        let Some(ticket) = below(&self.inbox, message.subject()).and_then(ticket) else { return Heard::nothing() };
        match answer(message) {
            Ok(ack) => Heard::stored(Stored::One { ticket, stream_seq: ack.seq, duplicate: ack.duplicate }),
            Err(refusal) => Heard::trouble(Trouble::One(ticket, refusal.description)),
        }
    }
}

/// `<generation>.<slot>` back into a ticket.
fn ticket(tokens: &str) -> Option<Ticket> {
    let (generation, slot) = tokens.split_once('.')?;
    Some(Ticket { generation: generation.parse().ok()?, slot: slot.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::super::ack::told;
    use super::*;

    #[test]
    fn an_answer_is_booked_to_the_message_that_it_names() {
        let mut way = Windowed::new("_INBOX.a", 4, false);
        let ticket = Ticket { generation: 7, slot: 3 };
        let reply = way.envelope(ticket).reply.expect("it asks for an answer").to_owned();
        let heard = way.hear(&told(&reply, r#"{"stream":"s","seq":12,"duplicate":true}"#));
        assert_eq!(heard, Heard::stored(Stored::One { ticket, stream_seq: 12, duplicate: true }));
        let heard = way.hear(&told(&reply, r#"{"error":{"code":503,"err_code":10077,"description":"full"}}"#));
        assert_eq!(heard, Heard::trouble(Trouble::One(ticket, "full".to_owned())));
    }

    #[test]
    fn what_an_older_connection_is_answered_means_nothing() {
        let mut way = Windowed::new("_INBOX.a", 4, false);
        let reply = way.envelope(Ticket { generation: 0, slot: 0 }).reply.expect("it asks for an answer").to_owned();
        way.renew("_INBOX.b");
        assert_eq!(way.hear(&told(&reply, r#"{"stream":"s","seq":1}"#)), Heard::nothing());
    }
}
