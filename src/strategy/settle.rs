//! What becomes of a message in hand: it is handled at the desk, and then acknowledged, given back or given up.
//!
//! While a handler works, the server is told so, if the profile wants that: about this message, and no other that the
//! member has in its hands.

use std::cell::Cell;
use std::time::Duration;

use super::Error;
use super::acks::{Acks, Meaning};
use super::consumer::{Ack, Consumer, Redelivery};
use super::desk::{self, Outcome};
use super::handler::OnFailure;
use super::inbox::Taken;
use super::pull::Hand;
use super::seat::Seat;
use crate::model::payload;
use crate::model::record::Reach;
use crate::model::time::MonoNs;
use crate::model::units::Timespan;
use crate::{clock, evidence};

/// Where one member settles its messages.
pub(super) struct Settler<'a> {
    seat: &'a Seat,
    acks: Acks,
    ack: Ack,
    wait_for_ack: bool,
    /// With acks that cover what was before: after so many handled messages at the latest one is sent.
    ack_every: u32,
    /// Messages handled since the last ack.
    unacknowledged: Cell<u32>,
}

impl<'a> Settler<'a> {
    /// Acknowledges each message by itself.
    pub(super) async fn begin(seat: &'a Seat, consumer: &Consumer, ack_wait: Timespan) -> Result<Self, Error> {
        Self::begin_as(seat, consumer, &Redelivery::default(), ack_wait, (1, 1)).await
    }

    /// Acknowledges as `redelivery` says; where one ack covers many, after `ack_every` messages at the latest, and where one
    /// confirmation stands for many acks, after `confirm_every` of them.
    pub(super) async fn begin_as(
        seat: &'a Seat,
        consumer: &Consumer,
        redelivery: &Redelivery,
        ack_wait: Timespan,
        (ack_every, confirm_every): (u32, u32),
    ) -> Result<Self, Error> {
        Ok(Self {
            seat,
            acks: Acks::begin(seat, redelivery.longest_wait(ack_wait), confirm_every).await?,
            ack: redelivery.ack,
            wait_for_ack: consumer.double_ack,
            ack_every: ack_every.max(1),
            unacknowledged: Cell::new(0),
        })
    }

    /// Handles a message and settles what becomes of it.
    pub(super) async fn settle(&self, taken: &Taken) -> Result<(), Error> {
        match self.handle(taken, clock::now()).await? {
            Outcome::Done => self.done(taken).await,
            Outcome::Failed => self.failed(taken).await,
        }
    }

    /// Settles the messages at hand, as long as nothing has to be waited for; the others are left there.
    pub(super) fn settle_at_once(&self, hand: &mut Hand<'_>) -> Result<(), Error> {
        let desk = &self.seat.desk;
        if self.wait_for_ack || !desk.takes_no_time() {
            return Ok(());
        }
        let settled = desk.in_one_go(|sitting| {
            while (self.ack == Ack::None || self.acks.can_say_at_once())
                && let Some(taken) = hand.take()
            {
                sitting.handle(&taken.delivery(clock::now()))?;
                if let Some(reach) = self.due(&taken) {
                    self.acks.say_at_once(&taken, Meaning::Done(reach));
                }
            }
            Ok::<_, evidence::Error>(())
        });
        Ok(settled.unwrap_or(Ok(())).map_err(desk::Error::from)?)
    }

    /// Handles a message, which may be handled as was checked at `started`; says meanwhile that it is in progress.
    pub(super) async fn handle(&self, taken: &Taken, started: MonoNs) -> Result<Outcome, Error> {
        let desk = &self.seat.desk;
        let delivery = taken.delivery(started);
        let handling = async {
            if desk.retries() {
                return desk.handle(&delivery).await.map(|()| Outcome::Done);
            }
            desk.attempt(&delivery, taken.info.delivered).await
        };
        let Some(every) = desk.handler().in_progress_every else { return Ok(handling.await?) };
        let mut handling = std::pin::pin!(handling);
        loop {
            match tokio::time::timeout(Duration::from(every), &mut handling).await {
                Ok(outcome) => return Ok(outcome?),
                Err(_still_working) => self.acks.in_progress(taken).await?,
            }
        }
    }

    /// Acknowledges a message that was handled.
    pub(super) async fn done(&self, taken: &Taken) -> Result<(), Error> {
        match self.due(taken) {
            Some(reach) => self.acks.say(taken, Meaning::Done(reach), self.wait_for_ack).await,
            None => Ok(()),
        }
    }

    /// What an ack for this message covers, if one is to be sent now that it is handled.
    fn due(&self, taken: &Taken) -> Option<Reach> {
        match self.ack {
            Ack::None => None,
            Ack::Explicit => Some(Reach::Exact),
            Ack::All => {
                let handled = self.unacknowledged.get() + 1;
                let is_due = taken.is_last || handled >= self.ack_every;
                self.unacknowledged.set(if is_due { 0 } else { handled });
                is_due.then_some(Reach::UpTo)
            }
        }
    }

    /// Does what the profile says with a message that the handler failed on.
    pub(super) async fn failed(&self, taken: &Taken) -> Result<(), Error> {
        match self.seat.desk.handler().on_failure() {
            Some(OnFailure::Nak) => self.acks.not_yet(taken, Duration::ZERO).await,
            Some(OnFailure::NakDelay(delay)) => self.acks.not_yet(taken, delay.into()).await,
            Some(OnFailure::Term) => {
                let header = payload::decode(taken.message.payload()).ok();
                let (key, key_seq) = header.map_or((u32::MAX, 0), |header| (header.key, header.key_seq));
                self.acks.say(taken, Meaning::GivenUp { key, key_seq }, self.wait_for_ack).await
            }
            // What is tried again in place does not fail here.
            Some(OnFailure::NoAck | OnFailure::Retry) | None => Ok(()),
        }
    }

    /// Gives a message back that was not handled, to be delivered again after `delay`.
    pub(super) async fn not_yet(&self, taken: &Taken, delay: Duration) -> Result<(), Error> {
        self.acks.not_yet(taken, delay).await
    }

    /// Waits until all acks are confirmed, for a bounded time.
    pub(super) async fn end(&self) {
        self.acks.settle().await;
    }
}
