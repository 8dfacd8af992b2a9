//! Fast ingest (ADR-50 of the NATS project, second part; nats-server 2.14): a batch without an end, in which the server
//! acknowledges every so many messages and says how many. Gaps end it (gap mode `fail`), so what is acknowledged is
//! stored in order and without holes. Where in the stream is not said.
//!
//! A flow acknowledgement may be far away when little is sent, so a batch whose oldest message has waited for a while is
//! ended, which the server answers at once, and the next message begins another. The server forgets a batch that has
//! been silent for ten seconds; one of ours never is that old.

use crate::nats::link::Message;
use serde::Deserialize;

use super::ack::{Refusal, answer, below};
use super::way::{Envelope, Extra, Heard, Outgoing, Situation, Stored, Trouble};
use crate::model::time::{MonoNs, SpanNs};

/// A message that waits for longer ends its batch.
const LINGER: SpanNs = SpanNs(100_000_000);
/// A batch that was sent nothing for so long is ended.
const IDLE: SpanNs = SpanNs(2_000_000_000);
/// The end of a batch in which nothing waits is answered within this, or it is forgotten: a leader that stepped down took
/// the answer with it. Where something waits, the line looks after that.
const END_WITHIN: SpanNs = SpanNs(3_000_000_000);
/// Flow acknowledgements that may be outstanding: the server works on one stretch while the next is on its way.
const OUTSTANDING: u64 = 2;

/// Operations, as the reply subject names them.
const START: u8 = 0;
const APPEND: u8 = 1;
const END: u8 = 3;

/// The batch under way.
#[derive(Debug)]
pub(super) struct Fast {
    inbox: String,
    /// What all reply subjects of the batch begin with.
    name: String,
    /// That, and the rest of the last one.
    reply: String,
    /// Counts the batches of the publisher.
    batch: u64,
    /// Messages between flow acknowledgements, as we ask for them: an upper bound.
    flow: u16,
    state: State,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// There is none.
    Closed,
    /// The first message is sent: the server has not said whether it takes batches, and how fast.
    Opening(Course),
    /// Under way.
    Open(Course),
    /// It is to end: the last answer is waited for.
    Ending(Course),
}

/// How far a batch has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Course {
    /// Number of its first message.
    base: u64,
    /// Messages sent.
    sent: u64,
    /// Messages acknowledged.
    acknowledged: u64,
    /// Messages between acknowledgements, as the server says now.
    every: u64,
    /// When it was last seen that something had been sent, and how much that was; the end of the batch counts, too.
    last_change: Option<(u64, MonoNs)>,
}

/// What the server says within a batch.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
enum Flow {
    /// All up to this one are stored.
    Ack { seq: u64, msgs: u64 },
    /// Something is missing: the final answer follows.
    Gap {},
    /// A message is refused: the final answer follows.
    Err {
        #[serde(default)]
        error: Refusal,
    },
}

impl Fast {
    pub(super) fn new(inbox: &str, flow: u16) -> Self {
        let name = Self::name(inbox, 0, flow);
        Self { inbox: inbox.to_owned(), reply: name.clone(), name, batch: 0, flow, state: State::Closed }
    }

    pub(super) fn renew(&mut self, inbox: &str) {
        inbox.clone_into(&mut self.inbox);
        self.restart();
    }

    /// The line starts again: in another batch.
    pub(super) fn restart(&mut self) {
        self.state = State::Closed;
        self.batch += 1;
        self.name = Self::name(&self.inbox, self.batch, self.flow);
        self.reply.clone_from(&self.name);
    }

    pub(super) fn has_room(&self) -> bool {
        match &self.state {
            State::Closed => true,
            State::Open(course) => course.sent < course.acknowledged + course.every * OUTSTANDING,
            State::Opening(_) | State::Ending(_) => false,
        }
    }

    pub(super) fn envelope(&mut self, outgoing: Outgoing) -> Envelope<'_> {
        let (sequence, operation) = match &mut self.state {
            State::Open(course) => {
                course.sent += 1;
                (course.sent, APPEND)
            }
            _ => {
                let course = Course { base: outgoing.number, sent: 1, acknowledged: 0, every: 1, last_change: None };
                self.state = State::Opening(course);
                (1, START)
            }
        };
        Envelope { reply: Some(self.reply(sequence, operation)), headers: None }
    }

    /// `<inbox>.<batch>.<flow>.fail.<sequence>.<operation>.$FI`; the batch's name is one token.
    fn reply(&mut self, sequence: u64, operation: u8) -> &str {
        self.reply.truncate(self.name.len());
        self.reply.push_str(itoa::Buffer::new().format(sequence));
        self.reply.push('.');
        self.reply.push_str(itoa::Buffer::new().format(operation));
        self.reply.push_str(".$FI");
        &self.reply
    }

    /// What all reply subjects of the batch begin with.
    fn name(inbox: &str, batch: u64, flow: u16) -> String {
        let id = inbox.rsplit('.').next().unwrap_or_default();
        format!("{inbox}.{id}-{batch}.{flow}.fail.")
    }

    pub(super) fn extra(&mut self, situation: Situation) -> Option<Extra> {
        let course = match &mut self.state {
            State::Open(course) => course,
            State::Ending(course) => {
                let (_, since) = course.last_change.unwrap_or((0, situation.now));
                if situation.oldest.is_none() && situation.now.since(since) > END_WITHIN {
                    self.restart();
                }
                return None;
            }
            State::Closed | State::Opening(_) => return None,
        };
        let changed = match course.last_change {
            Some((sent, at)) if sent == course.sent => at,
            _ => situation.now,
        };
        course.last_change = Some((course.sent, changed));
        let waits = course.acknowledged < course.sent;
        let waited = situation.oldest.is_some_and(|oldest| situation.now.since(oldest) > LINGER);
        let is_idle = situation.now.since(changed) > IDLE;
        let is_over = !situation.goes_on;
        if !((waits && (waited || is_over)) || is_idle) {
            return None;
        }
        let course = Course { last_change: Some((course.sent, situation.now)), ..*course };
        self.state = State::Ending(course);
        Some(Extra::EndOfBatch(self.reply(course.sent + 1, END).into()))
    }

    pub(super) fn hear(&mut self, message: &Message) -> Heard {
        let name = below(&self.inbox, message.subject()).and_then(|tokens| tokens.split('.').next());
        let batch = name.and_then(|name| name.rsplit('-').next()).and_then(|batch| batch.parse().ok());
        let course = match &mut self.state {
            State::Opening(course) | State::Open(course) | State::Ending(course) if batch == Some(self.batch) => course,
            _ => return Heard::nothing(),
        };
        match serde_json::from_slice(message.payload()) {
            Ok(Flow::Ack { seq, msgs }) => {
                course.acknowledged = course.acknowledged.max(seq.min(course.sent));
                course.every = msgs.max(1);
                let number = course.base + course.acknowledged;
                if let State::Opening(course) = self.state {
                    self.state = State::Open(course);
                }
                Heard::stored(Stored::Below { number, last: None })
            }
            Ok(Flow::Gap {}) => Heard::nothing(),
            // Nothing more is sent; what is stored of the batch comes with the final answer.
            Ok(Flow::Err { error }) => {
                let heard = Heard { stored: None, trouble: Some(Trouble::Told(error.description)) };
                self.state = State::Ending(*course);
                heard
            }
            Err(_) => {
                let course = *course;
                self.restart();
                last_word(course, message)
            }
        }
    }
}

/// What the answer that ends a batch says.
fn last_word(course: Course, message: &Message) -> Heard {
    match answer(message) {
        Ok(ack) => {
            let stored = Stored::Below { number: course.base + ack.count.min(course.sent), last: None };
            let reason = || Trouble::All(format!("the server ended a batch after {} of {}", ack.count, course.sent));
            Heard { stored: Some(stored), trouble: (ack.count < course.sent).then(reason) }
        }
        Err(refusal) => Heard::trouble(Trouble::All(refusal.description)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::ack::told;
    use super::*;
    use crate::worker::line::Ticket;
    use async_nats::Subject;

    fn send(way: &mut Fast, number: u64) -> Subject {
        let ticket = Ticket { generation: 0, slot: number as u32 };
        way.envelope(Outgoing { ticket, number, is_last: false }).reply.expect("it names the batch").into()
    }

    fn below_number(number: u64) -> Heard {
        Heard::stored(Stored::Below { number, last: None })
    }

    fn at(now: u64, oldest: Option<u64>, goes_on: bool) -> Situation {
        Situation { now: MonoNs(now), oldest: oldest.map(MonoNs), next: 0, goes_on }
    }

    /// A batch that begins with message 20 and may have one acknowledgement every two messages.
    fn opened() -> (Fast, Subject) {
        let mut way = Fast::new("_INBOX.a", 4);
        let first = send(&mut way, 20);
        assert_eq!(&*first, "_INBOX.a.a-0.4.fail.1.0.$FI");
        assert!(!way.has_room(), "the first answer says how fast it may go");
        assert_eq!(way.hear(&told(&first, r#"{"type":"ack","seq":0,"msgs":2}"#)), below_number(20));
        (way, first)
    }

    #[test]
    fn a_batch_goes_as_fast_as_the_server_says() {
        let (mut way, _) = opened();
        for number in 21..24 {
            assert!(way.has_room());
            send(&mut way, number);
        }
        assert!(!way.has_room(), "two stretches of two are under way");
        let reply = Subject::from("_INBOX.a.a-0.4.fail.2.1.$FI");
        assert_eq!(way.hear(&told(&reply, r#"{"type":"ack","seq":2,"msgs":4}"#)), below_number(22));
        assert!(way.has_room());
    }

    #[test]
    fn a_message_that_waits_ends_the_batch_and_the_next_one_begins_another() {
        let (mut way, _) = opened();
        assert_eq!(way.extra(at(50_000_000, Some(0), true)), None);
        let Some(Extra::EndOfBatch(reply)) = way.extra(at(150_000_000, Some(0), true)) else { panic!("it waited") };
        assert_eq!(&*reply, "_INBOX.a.a-0.4.fail.2.3.$FI");
        assert!(!way.has_room());
        let heard = way.hear(&told(&reply, r#"{"stream":"s","seq":9,"batch":"a-0","count":1}"#));
        assert_eq!(heard, below_number(21));
        assert_eq!(&*send(&mut way, 21), "_INBOX.a.a-1.4.fail.1.0.$FI");
    }

    #[test]
    fn an_idle_batch_is_ended_and_an_end_that_is_not_answered_is_forgotten() {
        let (mut way, reply) = opened();
        way.hear(&told(&reply, r#"{"type":"ack","seq":1,"msgs":2}"#));
        assert_eq!(way.extra(at(0, None, true)), None);
        let later = IDLE.0 + 1;
        assert!(way.extra(at(later, None, true)).is_some());
        way.extra(at(later + END_WITHIN.0, None, true));
        assert!(!way.has_room(), "the answer may still come");
        way.extra(at(later + END_WITHIN.0 + 1, None, true));
        assert!(way.has_room(), "the next message begins another batch");
    }

    #[test]
    fn the_end_of_the_load_ends_a_batch_with_something_in_it() {
        let (mut way, reply) = opened();
        assert_eq!(way.extra(at(1, Some(0), true)), None);
        assert!(way.extra(at(2, Some(0), false)).is_some());
        way.hear(&told(&reply, r#"{"stream":"s","seq":9,"batch":"a-0","count":1}"#));
        assert_eq!(way.extra(at(3, None, false)), None);
    }

    #[test]
    fn a_batch_that_ended_early_says_what_is_to_be_sent_again() {
        let (mut way, _) = opened();
        let reply = send(&mut way, 21);
        let refusal = r#"{"type":"err","seq":2,"error":{"code":400,"err_code":1,"description":"too large"}}"#;
        assert_eq!(way.hear(&told(&reply, refusal)).trouble, Some(Trouble::Told("too large".to_owned())));
        assert!(!way.has_room());
        let heard = way.hear(&told(&reply, r#"{"stream":"s","seq":9,"batch":"a-0","count":1}"#));
        assert_eq!(heard.stored, Some(Stored::Below { number: 21, last: None }));
        assert!(matches!(heard.trouble, Some(Trouble::All(_))));
    }

    #[test]
    fn a_first_message_that_the_stream_has_already_is_stored_and_the_next_begins_a_batch() {
        let mut way = Fast::new("_INBOX.a", 4);
        let first = send(&mut way, 5);
        let known = r#"{"stream":"s","seq":3,"duplicate":true,"batch":"a-0","count":1}"#;
        assert_eq!(way.hear(&told(&first, known)), below_number(6));
        assert!(way.has_room());
    }
}
