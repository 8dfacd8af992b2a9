//! Acknowledgements that count only when the server has confirmed them.
//!
//! An ack goes out as a request, pipelined, and its reply is read beside the work; the reply makes it a commit in the
//! journal. An ack that nobody answers stays uncommitted: the message is delivered again, or was acknowledged already.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use async_nats::{StatusCode, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::task::JoinHandle;

use super::Error;
use super::desk::Notebook;
use super::inbox::Taken;
use super::seat::Seat;
use crate::clock;
use crate::model::record::{Commit, Reach, Record};

/// How long a leaving member waits for the confirmation of its last acks.
const SETTLE: Duration = Duration::from_secs(2);

/// The acks of one member.
pub(super) struct Acks {
    client: async_nats::Client,
    inbox: String,
    /// Partition by stream sequence, of those that wait for the server's confirmation.
    waiting: Rc<RefCell<HashMap<u64, u16>>>,
    confirming: JoinHandle<()>,
}

impl Acks {
    /// Begins to listen for confirmations.
    pub(super) async fn begin(seat: &Seat) -> Result<Self, Error> {
        let inbox = seat.client.new_inbox();
        let replies = seat
            .client
            .subscribe(format!("{inbox}.*"))
            .await
            .map_err(|error| Error::refused("subscribe to an inbox", &error))?;
        let waiting = Rc::default();
        let confirming = tokio::task::spawn_local(confirm(seat.desk.notebook().clone(), Rc::clone(&waiting), replies));
        Ok(Self { client: seat.client.clone(), inbox, waiting, confirming })
    }

    /// Acknowledges a message.
    pub(super) async fn ack(&self, taken: &Taken) -> Result<(), Error> {
        let stream_seq = taken.info.stream_sequence;
        self.waiting.borrow_mut().insert(stream_seq, taken.partition);
        let reply = format!("{}.{stream_seq}", self.inbox);
        self.client
            .publish_with_reply(taken.ack_to.clone(), reply, Bytes::from_static(b"+ACK"))
            .await
            .map_err(|error| Error::refused("acknowledge a message", &error))
    }

    /// Gives a message back, to be delivered again after `delay`.
    pub(super) async fn not_yet(&self, taken: &Taken, delay: Duration) -> Result<(), Error> {
        let nak = format!("-NAK {{\"delay\": {}}}", delay.as_nanos());
        self.client
            .publish(taken.ack_to.clone(), nak.into())
            .await
            .map_err(|error| Error::refused("give a message back", &error))
    }

    /// Waits until all are confirmed, for a bounded time.
    pub(super) async fn settle(&self) {
        let all_confirmed = async {
            while !self.waiting.borrow().is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let _ = tokio::time::timeout(SETTLE, all_confirmed).await;
    }
}

impl Drop for Acks {
    fn drop(&mut self) {
        self.confirming.abort();
    }
}

/// Journals each confirmed ack as a commit.
async fn confirm(notebook: Notebook, waiting: Rc<RefCell<HashMap<u64, u16>>>, mut replies: Subscriber) {
    while let Some(reply) = replies.next().await {
        let stream_seq = reply.subject.rsplit('.').next().and_then(|token| token.parse::<u64>().ok());
        let Some((stream_seq, partition)) = stream_seq.and_then(|seq| waiting.borrow_mut().remove_entry(&seq)) else {
            continue;
        };
        if reply.status.is_some_and(|status| status != StatusCode::OK) {
            continue;
        }
        let commit = Commit { at: clock::now(), partition, epoch: 0, stream_seq, reach: Reach::Exact };
        if notebook.append(Record::Commit(commit)).is_err() {
            // The next handling meets the same error and reports it.
            return;
        }
    }
}
