//! A publisher: sends its share of the load when the schedule wants it, and journals the fate of each message.
//!
//! It draws keys, keeps the schedule and the line, and changes connections: `sending` and `hearing`. How a message travels
//! and what confirms it is the business of its `way`, one file each.

mod ack;
mod atomic;
mod core;
mod fast;
mod hearing;
mod road;
mod sending;
mod way;
mod windowed;

use std::time::Duration;

use async_nats::Event;
use bytes::BytesMut;

use self::road::Road;
use self::way::Way;
use super::line::Line;
use super::load::{Keys, Schedule, Share};
use super::{Ears, Error, Mouth};
use crate::clock::{self, alarm::Alarm};
use crate::evidence::Slot;
use crate::model::bank::Workload;
use crate::model::payload::Template;
use crate::model::record::{LifeEvent, Publish};
use crate::model::time::{MonoNs, SpanNs};
use crate::model::units::Rate;
use crate::profile::plan::{self, Load, Retry};
use crate::protocol::{Assignment, Order, Word};
use crate::strategy;
use crate::strategy::desk::{self, Notebook};

/// What is due within this span is sent in one go: finer ticks cost the server more than they tell (facts/performance.md 6).
const TICK: SpanNs = SpanNs(250_000);
/// An answer that takes longer is given up: the line stops and sends again.
const ANSWER_WITHIN: SpanNs = SpanNs(3_000_000_000);
/// Nothing stored for so long although there is something to send: the publisher gives up.
const PATIENCE: SpanNs = SpanNs(60_000_000_000);
/// How long a publisher that was told to cease may take to settle what is under way.
const SETTLE_WITHIN: SpanNs = SpanNs(10_000_000_000);
/// How often overdue answers are looked for.
const CHECK_EVERY: Duration = Duration::from_millis(50);
/// Between attempts to connect again; the first follows at once.
const CONNECT_AGAIN_AFTER: Duration = Duration::from_millis(50);

/// A message under way.
struct Sent {
    slot: Slot<Publish>,
    message: Numbers,
    /// When it was sent last.
    at: MonoNs,
}

/// What makes up a message.
#[derive(Clone, Copy)]
struct Numbers {
    key: u32,
    key_seq: u32,
    partition: u16,
    intended: MonoNs,
}

/// What is to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// Nothing yet.
    Nothing,
    /// So many messages more, as fast as they can be.
    Backlog { left: u64 },
    /// What the load wants from `begin` on.
    Load { begin: MonoNs },
}

struct Publisher<'a> {
    road: Road,
    /// Whether it was seen that the connection is lost, and there is no other one yet.
    is_down: bool,
    notebook: &'a Notebook,
    assignment: &'a Assignment,
    load: &'a Load,
    /// Subject by partition.
    subjects: Vec<String>,
    way: Way,
    share: Share,
    keys: Keys,
    /// Partition by key: hashing a key once is enough.
    partitions: Vec<u16>,
    /// `None` in a closed loop.
    schedule: Option<Schedule>,
    want: Want,
    cease: Option<MonoNs>,
    line: Line<Sent>,
    /// Since when the line has had room.
    open_since: MonoNs,
    /// Since when the line has stopped again and again with nothing stored.
    troubled_since: Option<MonoNs>,
    last_refusal: String,
    template: Template,
    buffer: BytesMut,
    /// The id of the message that is being sent.
    id: String,
}

/// Publishes as `assignment.author` until told to cease. Returns when all is settled, or time is up.
pub(super) async fn publish(
    assignment: &Assignment,
    load: &Load,
    notebook: &Notebook,
    note: impl Fn(Event) + Clone + Send + Sync + 'static,
    mouth: &Mouth,
    ears: &mut Ears,
) -> Result<(), Error> {
    let road = Road::open(assignment, load.path, note.clone()).await?;
    if let Some(why) = &road.detour {
        let text = format!("publishes through the client library, not on the plain path: {why}");
        mouth.say(Word::Remark { text });
    }
    let mut publisher = Publisher::new(assignment, load, notebook, road)?;
    notebook.life(LifeEvent::Ready)?;
    mouth.say(Word::Ready);
    let mut alarm = Alarm::new().map_err(desk::Error::Timer)?;
    let mut check = tokio::time::interval(CHECK_EVERY);
    let mut tick = clock::now();
    let open_again = async |after| {
        tokio::time::sleep(after).await;
        Road::open(assignment, load.path, note.clone()).await
    };
    // A future that is there only while the connection is lost.
    let mut opening = std::pin::pin!(futures_util::future::OptionFuture::from(None));
    loop {
        publisher.send_due().await?;
        if publisher.is_filled() {
            publisher.want = Want::Nothing;
            mouth.say(Word::Filled);
        }
        if publisher.is_done() {
            break;
        }
        let (wake_at, waits) = (publisher.wake_at(tick), publisher.waits_for_the_schedule());
        let Road { answers, lost, .. } = &mut publisher.road;
        tokio::select! {
            biased;
            // An error means that the client is gone altogether: its connection is lost, too.
            () = async { let _ = lost.wait_for(|lost| *lost).await; }, if !publisher.is_down => {
                publisher.take_down();
                opening.set(Some(open_again(Duration::ZERO)).into());
            }
            Some(opened) = &mut opening => match opened {
                Ok(road) => {
                    opening.set(None.into());
                    // What was answered before the break is stored.
                    publisher.hear_the_rest();
                    publisher.take_up(road);
                }
                Err(error) => {
                    publisher.last_refusal = error.to_string();
                    opening.set(Some(open_again(CONNECT_AGAIN_AFTER)).into());
                }
            },
            Some((at, message)) = answers.next() => {
                publisher.hear(at, &message);
                publisher.hear_the_rest();
            }
            order = ears.recv() => match order {
                Some(Order::Fill) => {
                    publisher.want = Want::Backlog { left: publisher.share.backlog(load) };
                    publisher.open_since = clock::now();
                }
                Some(Order::Begin { at }) => {
                    publisher.want = Want::Load { begin: at };
                    publisher.open_since = at;
                    tick = at;
                }
                Some(Order::Cease { at }) => publisher.cease = Some(at),
                Some(_) => {}
                None => return Err(Error::Orphaned),
            },
            woken = alarm.until(wake_at), if waits => {
                woken.map_err(desk::Error::Timer)?;
                tick = clock::now();
            }
            _ = check.tick() => publisher.look_after_the_line()?,
        }
    }
    publisher.close();
    Ok(())
}

impl<'a> Publisher<'a> {
    fn new(assignment: &'a Assignment, load: &'a Load, notebook: &'a Notebook, road: Road) -> Result<Self, Error> {
        let share = Share { index: assignment.author.index, publishers: load.publishers };
        let keys = Keys::new(load, assignment.seed, share).ok_or(Error::NoKeys { index: share.index })?;
        let schedule = match load.rate {
            Rate::PerSecond(rate) => {
                Some(Schedule::new(load.arrivals, rate * share.fraction(load), assignment.seed, share))
            }
            Rate::Max => None,
        };
        let partitions = (0..load.keys).map(|key| strategy::partition_of(key, assignment.partitions)).collect();
        let subjects = (0..assignment.partitions).map(|p| format!("{}.{p}", assignment.subject_prefix)).collect();
        let line = Line::new(load.way.window());
        let line = match load.way {
            plan::Way::Windowed { retry: Retry::PerMessage, .. } => line.unstopped(),
            _ => line,
        };
        let template = Template::new(assignment.run_tag, share.index, load.payload_bytes as usize);
        Ok(Self {
            way: Way::new(load, &road.inbox),
            road,
            is_down: false,
            notebook,
            assignment,
            load,
            subjects,
            share,
            keys,
            partitions,
            schedule,
            want: Want::Nothing,
            cease: None,
            line,
            open_since: clock::now(),
            troubled_since: None,
            last_refusal: match load.way {
                plan::Way::Core { .. } => "no probe came back; may this user publish to its own inbox?".to_owned(),
                _ => "no answer".to_owned(),
            },
            template: match load.workload {
                Workload::Plain => template,
                Workload::Ledger => template.with_amounts(assignment.seed),
            },
            buffer: BytesMut::new(),
            id: String::new(),
        })
    }

    /// Whether the backlog is stored.
    fn is_filled(&self) -> bool {
        self.want == Want::Backlog { left: 0 } && self.line.is_empty()
    }

    fn is_done(&self) -> bool {
        let Some(cease) = self.cease else { return false };
        let now = clock::now();
        let all_settled = self.line.is_empty() && self.next_intended(now).is_none();
        // What was sent before time was up has its answer on the way.
        let answered = self.line.is_quiet() || now.since(cease + SETTLE_WITHIN) > ANSWER_WITHIN;
        all_settled || (self.is_late() && answered)
    }

    /// Whether time to settle is up: nothing is sent again.
    fn is_late(&self) -> bool {
        self.cease.is_some_and(|cease| clock::now().since(cease) > SETTLE_WITHIN)
    }

    /// Writes down which messages are known not to be stored. The others that are left stay unknown.
    fn close(self) {
        let now = clock::now();
        for (sent, refused) in self.line.into_unsettled() {
            self.notebook.with(
                |writer| {
                    if refused { writer.failed(sent.slot, now) } else { writer.abandon(sent.slot) }
                },
            );
        }
    }
}
