//! A member of the fleet: consumes by its strategy until it is told to leave.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use async_nats::Event;
use futures_util::future::OptionFuture;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::time::Instant;

use super::{Ears, Error, Mouth};
use crate::clock;
use crate::model::record::LifeEvent;
use crate::nats::link::Path;
use crate::nats::{Link, connect};
use crate::protocol::{Assignment, Order, Word};
use crate::strategy::Strategy;
use crate::strategy::accounts::Accounts;
use crate::strategy::desk::{Desk, Notebook};
use crate::strategy::handler::Handler;
use crate::strategy::seat::{Seat, Start, Telling, Told};

/// A member that has been refused something gets so long to be able to work all the same.
const GRACE: Duration = Duration::from_secs(3);
/// A refusal of what nobody answers otherwise, a subscription or a pull, arrives within this.
const REFUSED_WITHIN: Duration = Duration::from_millis(150);

/// A member that comes while a server is away waits so long for it: an election, or a restart with a large store.
const SERVER_BACK_WITHIN: Duration = Duration::from_secs(60);
/// Between two attempts.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// Whether a member was started in mid-run: then a server may just be away. Whoever is there from the beginning says at once
/// what does not work.
pub(super) fn comes_late(assignment: &Assignment) -> bool {
    assignment.author.life > 1 || assignment.author.index >= assignment.members
}

/// Tries until it works; once, when the member is not `late`.
///
/// # Errors
/// That of the last attempt.
pub(super) async fn patiently<T, E>(late: bool, attempt: impl AsyncFn() -> Result<T, E>) -> Result<T, E> {
    let bound = Instant::now() + SERVER_BACK_WITHIN;
    loop {
        match attempt().await {
            Err(_) if late && Instant::now() < bound => tokio::time::sleep(AGAIN_AFTER).await,
            done => return done,
        }
    }
}

/// What messages travel on: the connection that there is, or another one of our own client where that can be. Says why it
/// cannot.
pub(super) async fn link(
    assignment: &Assignment,
    path: Path,
    client: &async_nats::Client,
    note: Arc<impl Fn(Event) + 'static>,
    mouth: &Mouth,
) -> Result<Link, connect::Error> {
    let library = || Link::Library(client.clone());
    if path == Path::Library {
        return Ok(library());
    }
    let name = assignment.author.to_string();
    match Link::open_plain(&assignment.access, &name, move |event| note(event)).await? {
        Ok(client) => Ok(Link::Plain(client)),
        Err(why) => {
            let text = format!("consumes through the client library, not on the plain path: {why}");
            mouth.say(Word::Remark { text });
            Ok(library())
        }
    }
}

/// Consumes as `assignment.author`. Returns when the member has left in good order.
#[expect(clippy::too_many_arguments, reason = "the parts of one assignment, taken apart by the only caller")]
pub(super) async fn consume(
    assignment: &Assignment,
    group: String,
    strategy: &Strategy,
    (handler, accounts): (Handler, Option<Accounts>),
    (client, link): (async_nats::Client, Link),
    start: Start,
    notebook: &Notebook,
    mouth: &Mouth,
    ears: &mut Ears,
) -> Result<(), Error> {
    let member = u64::from(assignment.author.index) << 16 | u64::from(assignment.author.life);
    let desk = Desk::new(notebook.clone(), assignment.run_tag, handler, assignment.seed ^ member);
    let desk = Rc::new(desk.with_accounts(accounts));
    let (leave, told_to_leave) = watch::channel(false);
    let (told, mut telling) = Telling::channel();
    let seat = Seat {
        access: assignment.access.clone(),
        system: assignment.system.clone(),
        client,
        link,
        stream: assignment.stream.clone(),
        group,
        subject_prefix: assignment.subject_prefix.clone(),
        partitions: assignment.partitions,
        member: assignment.author.member(),
        life: assignment.author.life,
        members: assignment.members,
        run_tag: assignment.run_tag,
        handler,
        desk,
        leave: told_to_leave,
        start: start.clone(),
        told,
    };
    let mut holdings = notebook.holdings();
    let mut terminated = signal(SignalKind::terminate()).map_err(crate::strategy::desk::Error::Timer)?;
    let mut starting = std::pin::pin!(OptionFuture::from(Some(begin(&start))));
    let mut consuming = std::pin::pin!(strategy.consume(&seat));
    let mut begun_to_work = false;
    // What is refused before it works it may do without; so it is told once of that time, and once of the time behind it.
    let mut withdrawn = start.withdrawn();
    let (mut told_at_first, mut told_at_work) = (false, false);
    let bound = Instant::now() + SERVER_BACK_WITHIN;
    loop {
        tokio::select! {
            Some(begun) = &mut starting => {
                starting.set(None.into());
                begun?;
                begun_to_work = true;
                notebook.life(LifeEvent::Ready)?;
                mouth.say(Word::Ready);
            }
            ended = &mut consuming => {
                let may_try = comes_late(assignment) && !strategy.runs_a_program() && !begun_to_work && Instant::now() < bound;
                if ended.is_err() && may_try && *leave.borrow() {
                    // It was told to go before it had found its place: there is nothing to hand back.
                    return Ok(());
                }
                if ended.is_err() && may_try && start.refusal().is_none() {
                    // Nothing was handled yet, so it begins as if it came now.
                    tokio::time::sleep(AGAIN_AFTER).await;
                    consuming.set(strategy.consume(&seat));
                    continue;
                }
                while let Ok(told) = telling.try_recv() {
                    mouth.say(pass_on(told));
                }
                return ended.map_err(|error| explain(error, &start));
            }
            Some(told) = telling.recv() => mouth.say(pass_on(told)),
            Ok(()) = withdrawn.changed() => {
                let reason = withdrawn.borrow_and_update().clone().unwrap_or_default();
                let told = if begun_to_work { &mut told_at_work } else { &mut told_at_first };
                if !std::mem::replace(told, true) {
                    mouth.say(Word::Refused { reason });
                }
            }
            order = ears.recv() => match order {
                Some(Order::Leave) => begin_to_leave(notebook, &leave)?,
                Some(Order::Pace { id, slowness }) => {
                    seat.desk.pace(slowness);
                    mouth.say(Word::Paced { id, at: clock::now(), slow: slowness.is_some() });
                }
                Some(_) => {}
                None => return Err(Error::Orphaned),
            },
            _ = terminated.recv() => begin_to_leave(notebook, &leave)?,
            Ok(()) = holdings.changed() => {
                let partitions = holdings.borrow_and_update().clone();
                mouth.say(Word::Owns { partitions });
            }
        }
    }
}

fn pass_on(told: Told) -> Word {
    match told {
        Told::Remark(text) => Word::Remark { text },
        Told::ProgramEnded { code, signal, message } => Word::ProgramEnded { code, signal, message },
    }
}

/// A member that a refusal has ended says which: what it waited for in vain tells less.
fn explain(error: crate::strategy::Error, start: &Start) -> Error {
    match (error, start.refusal()) {
        (crate::strategy::Error::Refused { deed, reason }, Some(refusal)) => {
            Error::Forbidden { reason: format!("{refusal} (it could not {deed}: {reason})") }
        }
        (error, _) => error.into(),
    }
}

/// Returns when the member is able to work.
async fn begin(start: &Start) -> Result<(), Error> {
    let refused = async {
        let reason = start.until_refused().await;
        // It may be something that the member can do without.
        tokio::time::sleep(GRACE).await;
        reason
    };
    tokio::select! {
        reason = refused => Err(Error::Forbidden { reason }),
        () = start.until_able(REFUSED_WITHIN) => Ok(()),
    }
}

fn begin_to_leave(notebook: &Notebook, leave: &watch::Sender<bool>) -> Result<(), Error> {
    if !leave.send_replace(true) {
        notebook.life(LifeEvent::Stopping)?;
    }
    Ok(())
}
