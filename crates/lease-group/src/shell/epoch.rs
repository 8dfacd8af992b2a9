//! One epoch of one partition: pulls or is sent messages, checks that nothing is missing, calls the handler, acknowledges.
//!
//! An own pull loop over the core client: it sees consumer sequences, statuses and heartbeats, which the client's message stream hides,
//! and costs a third less.

mod acks;
mod place;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use async_nats::{Subscriber, header};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt};
use tokio::sync::watch;
use tokio::time::Instant;

use self::acks::Acks;
use self::place::Place;
use super::grant::{Grant, Order};
use super::pump::Data;
use crate::clock::monotonic_ns;
use crate::continuity::{Continuity, Position};
use crate::demand::Demand;
use crate::handler::{Handler, pause_after};
use crate::message::{Delivery, Message};
use crate::observer::PartitionEvent;
use crate::options::Takeover;
use crate::output::Output;
use crate::state::Stopped;

/// How long a pull request stands.
const PULL_EXPIRES: Duration = Duration::from_secs(30);

/// The header of a heartbeat of a consumer that waits for an answer before it pushes more.
const STALLED: &str = "Nats-Consumer-Stalled";

/// After so many messages in a row the other partitions get their turn.
const TURN: u32 = 32;

pub(crate) struct Epoch<'a> {
    data: &'a Data,
    grant: Arc<Grant>,
    /// Sequences must follow each other; not so on a durable that others have used.
    private: bool,
    acknowledges: bool,
    heartbeat: Duration,
    inbox: String,
    /// Where the server is to be told that what it pushed has arrived.
    flow: Option<async_nats::Subject>,
    demand: Demand,
    place: Place,
    continuity: Continuity,
    arrived: VecDeque<(async_nats::Message, u64)>,
    acks: Acks,
    /// What was answered to an acknowledgement while a handler ran, when that ends the epoch.
    refused: Option<Stopped>,
    /// Where the epoch's effects are written to.
    output: Option<Output>,
}

/// A message taken from the subscription, and where its acknowledgement goes; `None` for a status that changes nothing.
type Taken = Option<(Message, Option<async_nats::Subject>)>;

impl<'a> Epoch<'a> {
    pub(crate) fn new(data: &'a Data, grant: Arc<Grant>) -> Self {
        let settings = &data.settings;
        Self {
            data,
            private: settings.takeover == Takeover::Safe,
            acknowledges: settings.acknowledges(),
            heartbeat: settings.heartbeat(),
            inbox: data.client.new_inbox(),
            flow: None,
            demand: Demand::new(settings.batch, grant.pending),
            place: Place::among(&data.places),
            continuity: Continuity::starting_at(grant.start),
            arrived: VecDeque::new(),
            acks: Acks::new(settings.commit),
            refused: None,
            output: grant.fence.zip(data.sink.clone()).map(|(fence, sink)| {
                let of = (grant.partition, grant.epoch);
                Output::new(data.client.clone(), sink, of, fence, settings.request_timeout())
            }),
            grant,
        }
    }

    /// Runs until something ends the epoch. No handler runs afterwards; what was buffered is discarded.
    pub(crate) async fn run<H: Handler>(mut self, orders: &mut watch::Receiver<Order>, handler: &H) -> Stopped {
        let client = &self.data.client;
        let subscriptions =
            tokio::try_join!(client.subscribe(self.messages()), client.subscribe(format!("{}.a.*", self.inbox)));
        let Ok((mut messages, mut confirmations)) = subscriptions else {
            return Stopped::Silent;
        };
        let why = self.consume(&mut messages, &mut confirmations, orders, handler).await;
        drop(messages);
        if why == Stopped::Asked {
            self.settle(&mut confirmations).await;
        }
        why
    }

    async fn consume<H: Handler>(
        &mut self,
        messages: &mut Subscriber,
        confirmations: &mut Subscriber,
        orders: &mut watch::Receiver<Order>,
        handler: &H,
    ) -> Stopped {
        let mut cuts = self.data.cuts.clone();
        cuts.mark_unchanged();
        let mut turn = 0;
        loop {
            if let Some(why) = self.told_to_stop(orders, &cuts) {
                return why;
            }
            let asked = if self.grant.inbox.is_some() { self.answer_flow().await } else { self.pull().await };
            if !asked {
                return Stopped::Silent;
            }
            if self.acknowledges {
                if let Some(why) = self.confirmed_so_far(confirmations) {
                    return why;
                }
                if let Err(why) = self.acknowledge_due(confirmations).await {
                    return why;
                }
            }
            turn += 1;
            if turn >= TURN {
                turn = 0;
                tokio::task::yield_now().await;
            }
            let next = match self.arrived.pop_front() {
                Some(arrived) => Ok(arrived),
                None => match messages.next().now_or_never() {
                    Some(Some(raw)) => Ok((raw, monotonic_ns())),
                    Some(None) => Err(Stopped::Silent),
                    None => self.wait(messages, confirmations, orders, &mut cuts).await,
                },
            };
            let (raw, received) = match next {
                Ok(arrived) => arrived,
                // Something else than a message came: have a look at it from the top.
                Err(Stopped::Asked) => continue,
                Err(why) => return why,
            };
            match self.take(raw, received) {
                Ok(Some((message, reply))) => {
                    if let Err(why) = self.handle(message, reply, messages, confirmations, orders, handler).await {
                        return why;
                    }
                }
                Ok(None) => {}
                Err(why) => return why,
            }
        }
    }

    fn told_to_stop(&self, orders: &watch::Receiver<Order>, cuts: &watch::Receiver<u64>) -> Option<Stopped> {
        // The control thread being gone counts as an order.
        if orders.has_changed().unwrap_or(true) {
            return Some(Stopped::Asked);
        }
        // A durable goes on after a reconnect, as in the original design.
        (self.private && cuts.has_changed().unwrap_or(true)).then_some(Stopped::Reconnected)
    }

    /// Keeps at least half a batch requested, as soon as there is a place for it. Overlapping pulls on one inbox keep the order (facts A.1,
    /// d_steady).
    async fn pull(&mut self) -> bool {
        if !self.demand.is_low() {
            return true;
        }
        if !self.demand.is_behind() {
            self.place.leave();
            self.place.withdraw();
        } else if !self.place.take() {
            return true;
        }
        self.place.serve();
        let settings = &self.data.settings;
        let request = format!(
            r#"{{"batch":{},"expires":{},"idle_heartbeat":{}}}"#,
            settings.batch,
            PULL_EXPIRES.as_nanos(),
            self.heartbeat.as_nanos()
        );
        let subject = format!("{}.CONSUMER.MSG.NEXT.{}.{}", settings.api_prefix, settings.stream, self.grant.consumer);
        self.demand.asked();
        self.data.client.publish_with_reply(subject, self.messages(), Bytes::from(request)).await.is_ok()
    }

    /// Where messages come.
    fn messages(&self) -> String {
        self.grant.inbox.clone().unwrap_or_else(|| format!("{}.m", self.inbox))
    }

    /// Tells the server that everything it pushed before it asked is handled: it sends so much more.
    async fn answer_flow(&mut self) -> bool {
        let Some(flow) = self.flow.take() else { return true };
        self.data.client.publish(flow, Bytes::new()).await.is_ok()
    }

    /// Waits for the next message. `Err(Asked)` means only that there is something to look at.
    async fn wait(
        &mut self,
        messages: &mut Subscriber,
        confirmations: &mut Subscriber,
        orders: &mut watch::Receiver<Order>,
        cuts: &mut watch::Receiver<u64>,
    ) -> Result<(async_nats::Message, u64), Stopped> {
        let patience = self.heartbeat * 3;
        loop {
            let silent_at = Instant::now() + patience;
            // Where nothing was asked for, nothing is sent.
            let listens = self.grant.inbox.is_some() || self.demand.is_open() || !self.place.is_waited_for();
            let confirm_by = self.acks.oldest().map_or(silent_at, |since| since + self.ack_patience());
            let ack_due = self.acks.due();
            tokio::select! {
                biased;
                raw = messages.next() => return raw.map(|raw| (raw, monotonic_ns())).ok_or(Stopped::Silent),
                confirmation = confirmations.next(), if !self.acks.is_empty() => {
                    self.confirm(&confirmation.ok_or(Stopped::AckRefused)?)?;
                    return Err(Stopped::Asked);
                }
                changed = orders.changed() => {
                    if changed.is_ok() {
                        orders.mark_changed();
                    }
                    return Err(Stopped::Asked);
                }
                () = tokio::time::sleep_until(ack_due.unwrap_or(silent_at)), if ack_due.is_some() => return Err(Stopped::Asked),
                () = self.place.granted(), if self.place.is_waited_for() => return Err(Stopped::Asked),
                _ = cuts.changed(), if self.private => return Err(Stopped::Reconnected),
                () = tokio::time::sleep_until(confirm_by), if !self.acks.is_empty() => return Err(Stopped::AckRefused),
                () = tokio::time::sleep_until(silent_at), if listens => {
                    // Woken much too late: a handler held the thread, and what arrived was not read yet.
                    if silent_at.elapsed() < self.heartbeat / 2 {
                        return Err(Stopped::Silent);
                    }
                }
            }
        }
    }

    fn take(&mut self, raw: async_nats::Message, received: u64) -> Result<Taken, Stopped> {
        let Some(delivery) = raw.reply.as_deref().and_then(Delivery::parse) else {
            return self.status(&raw).map(|()| None);
        };
        self.demand.took(delivery.pending);
        if !self.demand.is_behind() {
            self.place.leave();
        }
        let position = Position { stream: delivery.stream_sequence, consumer: delivery.consumer_sequence };
        if self.private && !self.continuity.follow(position) {
            return Err(Stopped::Gap);
        }
        let message = Message {
            partition: self.grant.partition,
            epoch: self.grant.epoch,
            stream_sequence: delivery.stream_sequence,
            consumer_sequence: delivery.consumer_sequence,
            delivered: delivery.delivered,
            attempt: 0,
            subject: raw.subject,
            headers: raw.headers,
            payload: raw.payload,
            received,
            checked: 0,
            output: self.output.clone(),
        };
        Ok(Some((message, raw.reply)))
    }

    fn status(&mut self, raw: &async_nats::Message) -> Result<(), Stopped> {
        let number = |name: &str| -> Option<u64> { raw.headers.as_ref()?.get(name)?.as_str().parse().ok() };
        self.flow = self.flow.take().or_else(|| asked_for_flow(raw));
        match raw.status.map(|status| status.as_u16()) {
            // Sent behind everything delivered before it: what was booked and has not arrived is lost.
            Some(100) => match number(header::NATS_LAST_CONSUMER.as_ref()) {
                Some(delivered) if self.private && self.continuity.lacks(delivered) => Err(Stopped::TailLost),
                _ => {
                    self.demand.caught_up();
                    self.place.leave();
                    Ok(())
                }
            },
            Some(404 | 503) => Err(Stopped::ConsumerGone),
            Some(409) if raw.description.as_deref().is_some_and(|text| text.contains("Deleted")) => {
                Err(Stopped::ConsumerGone)
            }
            // The pull has ended; what it had not used is not coming.
            Some(408 | 409) => {
                self.demand.ended(number("Nats-Pending-Messages"));
                self.place.leave();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Calls the handler until it succeeds or the partition has to stop.
    async fn handle<H: Handler>(
        &mut self,
        mut message: Message,
        reply: Option<async_nats::Subject>,
        messages: &mut Subscriber,
        confirmations: &mut Subscriber,
        orders: &mut watch::Receiver<Order>,
        handler: &H,
    ) -> Result<(), Stopped> {
        self.room_for_ack(confirmations).await?;
        self.grant.set_busy();
        loop {
            message.attempt += 1;
            message.checked = self.grant.check().ok_or(Stopped::DeadlinePassed)?;
            let result = self.call(handler, &message, messages, confirmations).await;
            if self.output.as_ref().is_some_and(Output::is_fenced) {
                // Whatever the handler made of it: what the message causes is not all there.
                return Err(Stopped::Fenced);
            }
            if let Some(why) = self.refused.take() {
                return Err(why);
            }
            let Err(error) = result else { break };
            let failed = PartitionEvent::HandlerFailed {
                epoch: self.grant.epoch,
                stream_sequence: message.stream_sequence,
                attempt: message.attempt,
                reason: error.to_string(),
            };
            self.data.settings.observer.partition(monotonic_ns(), self.grant.partition, &failed);
            let pause = tokio::time::sleep(pause_after(message.attempt));
            tokio::select! {
                () = pause => {}
                changed = orders.changed() => {
                    if changed.is_ok() {
                        orders.mark_changed();
                    }
                    return Err(Stopped::Asked);
                }
            }
        }
        self.grant.set_idle();
        if self.acknowledges {
            // The handler may have taken longer than the lease lasted. A successor reads the floor of this consumer before it deletes it:
            // an acknowledgement in between confirms what he is about to handle again. On the shared durable it is only the truth.
            if self.private && self.grant.check().is_none() {
                return Err(Stopped::DeadlinePassed);
            }
            self.acknowledge(message.stream_sequence, reply).await
        } else {
            self.grant.set_handled(message.stream_sequence);
            Ok(())
        }
    }

    /// Runs the handler; while it waits for something, what arrives is taken and stamped, and what is confirmed is told: whoever reads
    /// the events later must not find a confirmation behind the end of the server that gave it.
    async fn call<H: Handler>(
        &mut self,
        handler: &H,
        message: &Message,
        messages: &mut Subscriber,
        confirmations: &mut Subscriber,
    ) -> Result<(), crate::handler::HandlerError> {
        let mut handling = pin!(handler.handle(message));
        poll_fn(|context| {
            if let Poll::Ready(result) = handling.as_mut().poll(context) {
                return Poll::Ready(result);
            }
            // Bounded by what was pulled. An end of the subscription is met again by whoever reads next.
            while let Poll::Ready(Some(raw)) = messages.poll_next_unpin(context) {
                self.arrived.push_back((raw, monotonic_ns()));
            }
            while self.refused.is_none()
                && !self.acks.is_empty()
                && let Poll::Ready(Some(answer)) = confirmations.poll_next_unpin(context)
            {
                self.refused = self.confirm(&answer).err();
            }
            // However long the handler takes, nobody waits for this partition meanwhile.
            self.place.withdraw();
            if self.demand.is_served(self.arrived.len()) {
                self.place.leave();
            }
            Poll::Pending
        })
        .await
    }
}

/// Where the server asks for the answer that lets it push more: in a question, or in a heartbeat while it waits for that.
fn asked_for_flow(raw: &async_nats::Message) -> Option<async_nats::Subject> {
    let is_flow = |subject: &&async_nats::Subject| subject.starts_with("$JS.FC.");
    let stalled = || raw.headers.as_ref()?.get(STALLED).map(|value| value.as_str().into());
    raw.reply.as_ref().filter(is_flow).cloned().or_else(stalled)
}
