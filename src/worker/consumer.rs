//! A member of the fleet: consumes by its strategy until it is told to leave.

use std::rc::Rc;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use super::{Ears, Error, Mouth};
use crate::model::record::LifeEvent;
use crate::protocol::{Assignment, Order, Word};
use crate::strategy::Strategy;
use crate::strategy::desk::{Desk, Handler, Notebook};
use crate::strategy::seat::Seat;

/// Consumes as `assignment.author`. Returns when the member has left in good order.
#[expect(clippy::too_many_arguments, reason = "the parts of one assignment, taken apart by the only caller")]
pub(super) async fn consume(
    assignment: &Assignment,
    group: String,
    strategy: &Strategy,
    handler: Handler,
    client: async_nats::Client,
    notebook: &Notebook,
    mouth: &Mouth,
    ears: &mut Ears,
) -> Result<(), Error> {
    let member = u64::from(assignment.author.index) << 16 | u64::from(assignment.author.life);
    let desk = Rc::new(Desk::new(notebook.clone(), assignment.run_tag, handler, assignment.seed ^ member));
    let (leave, told) = watch::channel(false);
    let seat = Seat {
        access: assignment.access.clone(),
        client,
        stream: assignment.stream.clone(),
        group,
        subject_prefix: assignment.subject_prefix.clone(),
        partitions: assignment.partitions,
        member: assignment.author.member(),
        desk,
        leave: told,
    };
    let mut holdings = notebook.holdings();
    let mut terminated = signal(SignalKind::terminate()).map_err(crate::strategy::desk::Error::Timer)?;
    notebook.life(LifeEvent::Ready)?;
    mouth.say(Word::Ready);
    let mut consuming = std::pin::pin!(strategy.consume(&seat));
    loop {
        tokio::select! {
            ended = &mut consuming => return Ok(ended?),
            order = ears.recv() => match order {
                Some(Order::Leave) => begin_to_leave(notebook, &leave)?,
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

fn begin_to_leave(notebook: &Notebook, leave: &watch::Sender<bool>) -> Result<(), Error> {
    if !leave.send_replace(true) {
        notebook.life(LifeEvent::Stopping)?;
    }
    Ok(())
}
