//! Acknowledgements that count only when the server has confirmed them.
//!
//! An ack goes out as a request, and its reply makes it a commit in the journal. Mostly acks are pipelined and their
//! replies are read beside the work; a member that wants to be sure waits for each. A reply that says that nobody took
//! the ack, because the consumer is gone, is a refusal (the client library's own double ack takes it for a yes). An ack
//! that nobody answers stays uncommitted: the message is delivered again, or was acknowledged already. It is forgotten
//! after a while, because its answer may have been lost with a connection.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use async_nats::StatusCode;
use tokio::sync::{Notify, oneshot};
use tokio::task::JoinHandle;

use super::Error;
use super::desk::{Desk, Notebook};
use super::inbox::Taken;
use super::seat::Seat;
use crate::clock;
use crate::model::record::{Commit, LifeEvent, Reach, Record, Term};
use crate::model::time::{MonoNs, SpanNs};
use crate::nats::Link;
use crate::nats::link::Subscription;
use crate::nats::plain::Envelope;

/// How long a leaving member waits for the confirmation of its last acks.
const SETTLE: Duration = Duration::from_secs(2);

/// How long the ack of the last message in hand is held back, where one confirmation stands for many acks.
const HOLD: Duration = Duration::from_millis(1);

/// An unanswered ack is remembered for the ack wait, but at least so long: a server may be slow to answer.
const REMEMBER_MIN: Duration = Duration::from_secs(2);
/// Most unanswered acks that are remembered: more than any member has under way.
const REMEMBER_MOST: usize = 1 << 17;

/// The acks of one member.
pub(super) struct Acks {
    voice: Rc<Voice>,
    desk: Rc<Desk>,
    confirming: JoinHandle<()>,
    asking: JoinHandle<()>,
    patience: Duration,
}

/// What says them.
struct Voice {
    link: Link,
    inbox: String,
    waiting: Rc<RefCell<Waiting>>,
    /// For how many acks the server is asked for one confirmation.
    every: usize,
    /// What was said, or is held back, and no confirmation was asked for.
    unasked: RefCell<Vec<Said>>,
    /// The ack of the last message in hand, until another one comes or time is up. It is the last of `unasked`.
    held: RefCell<Option<Held>>,
    holds: Notify,
}

/// An ack that is held back.
struct Held {
    to: String,
    word: &'static [u8],
}

/// What becomes of the ack of a message.
enum Next {
    /// It asks for a confirmation.
    Ask,
    /// It is held back.
    Hold,
    /// It goes out without asking.
    Say,
}

/// What was said of a message.
#[derive(Clone, Copy)]
struct Said {
    partition: u16,
    stream_seq: u64,
    meaning: Meaning,
}

/// What a confirmation means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// The message is done, or all of its partition up to it.
    Done(Reach),
    /// The message is given up.
    GivenUp {
        /// Key, as the payload says.
        key: u32,
        /// Sequence within the key, as the payload says.
        key_seq: u32,
    },
}

impl Meaning {
    /// How a server is told.
    fn word(self) -> &'static [u8] {
        match self {
            Self::Done(_) => b"+ACK",
            Self::GivenUp { .. } => b"+TERM",
        }
    }
}

impl Acks {
    /// Begins to listen for confirmations. After `ack_wait` the server delivers again what was not acknowledged.
    ///
    /// One confirmation is asked for `every` acks where the link allows that: our own client never connects again and speaks
    /// to one server, which takes what comes on a connection in order. So what it confirms, and all that was said before, is
    /// done. The ack of the last message in hand is held back for a moment: it asks, unless another message comes meanwhile.
    /// A handler that fails may leave the last ack unsaid that asks: then each ack asks.
    pub(super) async fn begin(seat: &Seat, ack_wait: Duration, every: u32) -> Result<Self, Error> {
        let inbox = seat.link.new_inbox();
        let replies = seat
            .link
            .subscribe(format!("{inbox}.*"))
            .await
            .map_err(|error| Error::refused("subscribe to an inbox", &error))?;
        let patience = ack_wait.max(REMEMBER_MIN);
        let waiting = Rc::new(RefCell::new(Waiting::new(patience.into(), REMEMBER_MOST)));
        let confirming = tokio::task::spawn_local(confirm(seat.desk.notebook().clone(), Rc::clone(&waiting), replies));
        let in_order = matches!(seat.link, Link::Plain(_)) && seat.handler.failing.is_none();
        let every = if in_order { every as usize } else { 1 };
        let voice = Rc::new(Voice {
            link: seat.link.clone(),
            inbox,
            waiting,
            every,
            unasked: RefCell::default(),
            held: RefCell::default(),
            holds: Notify::new(),
        });
        let asking = tokio::task::spawn_local(ask_in_time(Rc::clone(&voice)));
        Ok(Self { voice, desk: Rc::clone(&seat.desk), confirming, asking, patience })
    }

    /// Says what `meaning` says of a message. With `wait`, returns when the server has confirmed or refused it, or
    /// after the ack wait: then the message comes again, or somebody else has it.
    pub(super) async fn say(&self, taken: &Taken, meaning: Meaning, wait: bool) -> Result<(), Error> {
        if !wait {
            return self.request(taken, meaning, None).await;
        }
        let (answered, answer) = oneshot::channel();
        self.request(taken, meaning, Some(answered)).await?;
        // Either way the answer has been written down where there was one.
        let _ = tokio::time::timeout(self.patience, answer).await;
        Ok(())
    }

    async fn request(
        &self,
        taken: &Taken,
        meaning: Meaning,
        answered: Option<oneshot::Sender<()>>,
    ) -> Result<(), Error> {
        let voice = &self.voice;
        let promptly = !self.desk.takes_no_time();
        voice.let_go(promptly).await?;
        let word = meaning.word();
        match voice.next(taken, meaning, answered.is_some()) {
            Next::Ask => voice.ask(taken.ack_to(), word, answered).await,
            Next::Hold => {
                voice.hold(taken.ack_to(), word);
                Ok(())
            }
            Next::Say => voice.say(taken.ack_to(), None, word, promptly).await,
        }
    }

    /// Whether [`Self::say_at_once`] can be called now.
    pub(super) fn can_say_at_once(&self) -> bool {
        matches!(&self.voice.link, Link::Plain(client) if client.has_room_at_once())
    }

    /// Says what `meaning` says of a message that was handled in no time, without waiting for anything.
    pub(super) fn say_at_once(&self, taken: &Taken, meaning: Meaning) {
        let voice = &self.voice;
        if let Some(Held { to, word }) = voice.held.take() {
            voice.say_at_once(&to, None, word);
        }
        let word = meaning.word();
        match voice.next(taken, meaning, false) {
            Next::Ask => {
                if let Some(reply) = voice.expect(None) {
                    voice.say_at_once(taken.ack_to(), Some(&reply), word);
                }
            }
            Next::Hold => voice.hold(taken.ack_to(), word),
            Next::Say => voice.say_at_once(taken.ack_to(), None, word),
        }
    }

    /// Gives a message back, to be delivered again after `delay`.
    pub(super) async fn not_yet(&self, taken: &Taken, delay: Duration) -> Result<(), Error> {
        let nak = if delay.is_zero() { "-NAK".to_owned() } else { format!("-NAK {{\"delay\": {}}}", delay.as_nanos()) };
        let envelope = Envelope { subject: taken.ack_to(), ..Envelope::default() };
        let given = self.voice.link.publish(&envelope, nak.as_bytes()).await;
        given.map_err(|error| Error::refused("give a message back", &error))
    }

    /// Says that a message is being handled: its ack wait begins anew.
    pub(super) async fn in_progress(&self, taken: &Taken) -> Result<(), Error> {
        let envelope = Envelope { subject: taken.ack_to(), ..Envelope::default() };
        let said = self.voice.link.publish(&envelope, b"+WPI").await;
        said.map_err(|error| Error::refused("say that a message is in progress", &error))
    }

    /// Waits until all are confirmed, for a bounded time.
    pub(super) async fn settle(&self) {
        let all_confirmed = async {
            // A connection that is closed confirms nothing more.
            let _ = self.voice.ask_with_held().await;
            while !self.voice.waiting.borrow_mut().is_empty(clock::now()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(SETTLE, all_confirmed).await;
    }
}

impl Voice {
    /// Says what is held back: another message has come, whose ack asks, or will be held back in its turn.
    async fn let_go(&self, promptly: bool) -> Result<(), Error> {
        let held = self.held.take();
        match held {
            Some(Held { to, word }) => self.say(&to, None, word, promptly).await,
            None => Ok(()),
        }
    }

    /// Says what is held back, if anything is, and asks for a confirmation.
    async fn ask_with_held(&self) -> Result<(), Error> {
        let held = self.held.take();
        match held {
            Some(Held { to, word }) => self.ask(&to, word, None).await,
            None => Ok(()),
        }
    }

    /// Remembers what is to be said of a message, and decides how.
    fn next(&self, taken: &Taken, meaning: Meaning, is_awaited: bool) -> Next {
        let said = Said { partition: taken.partition, stream_seq: taken.info.stream_sequence, meaning };
        let mut unasked = self.unasked.borrow_mut();
        unasked.push(said);
        match is_awaited || unasked.len() >= self.every {
            true => Next::Ask,
            false if taken.is_last => Next::Hold,
            false => Next::Say,
        }
    }

    /// Holds an ack back: it asks when its time is up, or goes out with the one of the next message.
    fn hold(&self, to: &str, word: &'static [u8]) {
        *self.held.borrow_mut() = Some(Held { to: to.to_owned(), word });
        self.holds.notify_one();
    }

    /// Expects a confirmation of everything said so far: where it is to come to. `None` when nothing was said.
    fn expect(&self, answered: Option<oneshot::Sender<()>>) -> Option<String> {
        let said = self.unasked.replace(Vec::with_capacity(self.every));
        let stream_seq = said.last()?.stream_seq;
        self.waiting.borrow_mut().insert(stream_seq, Open { said, answered }, clock::now());
        Some(format!("{}.{stream_seq}", self.inbox))
    }

    /// Says `word` and asks for a confirmation of it and of everything said before.
    async fn ask(&self, to: &str, word: &[u8], answered: Option<oneshot::Sender<()>>) -> Result<(), Error> {
        match self.expect(answered) {
            Some(reply) => self.say(to, Some(&reply), word, true).await,
            None => Ok(()),
        }
    }

    /// Says it on our own client, which had room when it was asked: at once where it asks, else with what comes next.
    fn say_at_once(&self, to: &str, reply: Option<&str>, word: &[u8]) {
        let Link::Plain(client) = &self.link else { return };
        let envelope = Envelope { subject: to, reply, ..Envelope::default() };
        let is_taken =
            if reply.is_some() { client.publish(&envelope, word) } else { client.publish_some_time(&envelope, word) };
        debug_assert!(is_taken, "an ack that found no room");
    }

    /// Says it; unless `promptly`, together with the ack that asks next: that one is not far while the messages in hand take no
    /// time.
    async fn say(&self, to: &str, reply: Option<&str>, word: &[u8], promptly: bool) -> Result<(), Error> {
        let envelope = Envelope { subject: to, reply, ..Envelope::default() };
        let said = match promptly {
            true => self.link.publish(&envelope, word).await,
            false => self.link.publish_some_time(&envelope, word).await,
        };
        said.map_err(|error| Error::refused("acknowledge a message", &error))
    }
}

/// Asks with the ack that is held back, when it has been for long enough.
async fn ask_in_time(voice: Rc<Voice>) {
    loop {
        voice.holds.notified().await;
        tokio::time::sleep(HOLD).await;
        if voice.ask_with_held().await.is_err() {
            // The next ack meets the same error and reports it.
            return;
        }
    }
}

/// Acks under way, the last of which asks for a confirmation.
struct Open {
    said: Vec<Said>,
    /// Who waits for the answer.
    answered: Option<oneshot::Sender<()>>,
}

impl Said {
    fn record(self, at: MonoNs) -> Record {
        let Self { partition, stream_seq, meaning } = self;
        match meaning {
            Meaning::Done(reach) => Record::Commit(Commit { at, partition, epoch: 0, stream_seq, reach }),
            Meaning::GivenUp { key, key_seq } => Record::Term(Term { at, key, key_seq, partition, stream_seq }),
        }
    }
}

/// What waits for the server's confirmation, for a bounded time and in bounded number.
struct Waiting {
    /// What it is, and when it was sent last, by stream sequence.
    acks: HashMap<u64, (Open, MonoNs)>,
    /// In the order of sending. What was confirmed or sent again since is passed over.
    sent: VecDeque<(u64, MonoNs)>,
    remember: SpanNs,
    most: usize,
}

impl Waiting {
    fn new(remember: SpanNs, most: usize) -> Self {
        Self { acks: HashMap::new(), sent: VecDeque::new(), remember, most }
    }

    fn insert(&mut self, stream_seq: u64, open: Open, now: MonoNs) {
        self.acks.insert(stream_seq, (open, now));
        self.sent.push_back((stream_seq, now));
        self.forget(now);
    }

    fn remove(&mut self, stream_seq: u64) -> Option<Open> {
        self.acks.remove(&stream_seq).map(|(open, _)| open)
    }

    fn is_empty(&mut self, now: MonoNs) -> bool {
        self.forget(now);
        self.acks.is_empty()
    }

    fn forget(&mut self, now: MonoNs) {
        while let Some(&(stream_seq, at)) = self.sent.front() {
            let waits = self.acks.get(&stream_seq).is_some_and(|(_, last)| *last == at);
            if waits && now.since(at) <= self.remember && self.sent.len() <= self.most {
                return;
            }
            if waits {
                self.acks.remove(&stream_seq);
            }
            self.sent.pop_front();
        }
    }
}

impl Drop for Acks {
    fn drop(&mut self) {
        self.confirming.abort();
        self.asking.abort();
    }
}

/// Journals each answer: a confirmed ack as a commit, a confirmed term as that, a refusal as one.
async fn confirm(notebook: Notebook, waiting: Rc<RefCell<Waiting>>, mut replies: Subscription) {
    while let Some((at, reply)) = replies.next().await {
        let stream_seq = reply.subject().rsplit('.').next().and_then(|token| token.parse::<u64>().ok());
        let Some(open) = stream_seq.and_then(|stream_seq| waiting.borrow_mut().remove(stream_seq)) else { continue };
        let written = if reply.status().is_some_and(|status| status != StatusCode::OK) {
            notebook.life(LifeEvent::AckRefused)
        } else {
            let all = notebook.with(|writer| open.said.iter().try_for_each(|said| writer.append(&said.record(at))));
            all.unwrap_or(Ok(()))
        };
        if written.is_err() {
            // The next handling meets the same error and reports it.
            return;
        }
        if let Some(answered) = open.answered {
            // Who has stopped waiting needs no answer.
            let _ = answered.send(());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REMEMBER: SpanNs = SpanNs(100);

    fn of(partition: u16) -> Open {
        let said = Said { partition, stream_seq: 0, meaning: Meaning::Done(Reach::Exact) };
        Open { said: vec![said], answered: None }
    }

    fn taken_out(waiting: &mut Waiting, stream_seq: u64) -> Option<u16> {
        waiting.remove(stream_seq).map(|open| open.said[0].partition)
    }

    #[test]
    fn an_ack_that_nobody_answers_is_forgotten_after_its_time() {
        let mut waiting = Waiting::new(REMEMBER, 10);
        waiting.insert(1, of(7), MonoNs(0));
        waiting.insert(2, of(8), MonoNs(60));
        assert!(!waiting.is_empty(MonoNs(101)));
        assert_eq!((taken_out(&mut waiting, 1), taken_out(&mut waiting, 2)), (None, Some(8)));
        assert!(waiting.is_empty(MonoNs(101)) && waiting.sent.is_empty());
    }

    #[test]
    fn an_ack_sent_again_counts_from_the_last_time() {
        let mut waiting = Waiting::new(REMEMBER, 10);
        waiting.insert(1, of(7), MonoNs(0));
        waiting.insert(1, of(7), MonoNs(90));
        assert!(!waiting.is_empty(MonoNs(150)));
        assert_eq!(taken_out(&mut waiting, 1), Some(7));
    }

    #[test]
    fn no_more_are_remembered_than_the_bound_says() {
        let mut waiting = Waiting::new(REMEMBER, 3);
        for stream_seq in 1..=1000 {
            waiting.insert(stream_seq, of(0), MonoNs(0));
            assert!(waiting.acks.len() <= 3 && waiting.sent.len() <= 3);
        }
        assert_eq!((taken_out(&mut waiting, 997), taken_out(&mut waiting, 1000)), (None, Some(0)));
        // Confirmed ones leave the queue, too, when those before them have.
        for stream_seq in 2000..3000 {
            waiting.insert(stream_seq, of(0), MonoNs(0));
            waiting.remove(stream_seq);
        }
        assert!(waiting.sent.len() <= 3);
    }
}
