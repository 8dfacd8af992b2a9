//! The server nodes under faults: struck, started again, continued, and waited for until they are well.
//!
//! Nothing here is waited for in one piece: the conductor has other things to hear meanwhile.

use tokio::sync::mpsc;

use super::Conductor;
use crate::clock;
use crate::driver::Error;
use crate::fault::{Condition, Deed, Node};
use crate::model::story::StoryEvent;
use crate::model::time::{MonoNs, SpanNs};

/// How often it is looked whether a node that was ended has ended.
const LOOK_EVERY: SpanNs = SpanNs(5_000_000);
/// A node that was asked to end and has not after this long is killed: one with much in memory writes it down first.
const END_WITHIN: SpanNs = SpanNs(10_000_000_000);

/// What became of the wait for a node to be well.
type Looked = (u16, u32, Result<(), String>);

/// The nodes of jetlag's own servers; none on a user's.
pub(super) struct Nodes {
    tended: Vec<Tended>,
    hearing: mpsc::UnboundedSender<Looked>,
    heard: mpsc::UnboundedReceiver<Looked>,
}

/// One node.
struct Tended {
    condition: Condition,
    /// When it is started again or continued; only while it is down or paused.
    due: MonoNs,
    /// Killed, if it has not ended by then; only while it is down.
    end_by: MonoNs,
    /// Whether its end was seen.
    ended: bool,
    /// The fault that struck it last.
    fault: u32,
    /// Counts its recoveries, so that what is heard of an earlier one counts no more.
    recovery: u32,
}

impl Nodes {
    /// So many nodes, all of them up.
    pub(super) fn new(count: u16) -> Self {
        // A word a recovery: the channel needs no bound.
        let (hearing, heard) = mpsc::unbounded_channel();
        let tended = |_| Tended {
            condition: Condition::Up,
            due: MonoNs(0),
            end_by: MonoNs(0),
            ended: false,
            fault: 0,
            recovery: 0,
        };
        Self { tended: (0..count).map(tended).collect(), hearing, heard }
    }

    /// When something has to be seen to.
    pub(super) fn next_at(&self, now: MonoNs) -> Option<MonoNs> {
        let of = |node: &Tended| match node.condition {
            Condition::Down if !node.ended => Some(now + LOOK_EVERY),
            Condition::Down | Condition::Paused => Some(node.due),
            Condition::Up | Condition::Recovering => None,
        };
        self.tended.iter().filter_map(of).min()
    }

    /// What is heard next of a node that recovers.
    pub(super) async fn next(&mut self) -> Looked {
        match self.heard.recv().await {
            Some(looked) => looked,
            // There is always a sender: it lies beside the receiver.
            None => std::future::pending().await,
        }
    }

    /// As a fault sees them.
    pub(super) fn snapshot(&self, leader: Option<u16>) -> Vec<Node> {
        let node =
            |(number, node): (u16, &Tended)| Node { number, condition: node.condition, leads: leader == Some(number) };
        (0..).zip(&self.tended).map(node).collect()
    }

    /// Whether a node is up.
    pub(super) fn is_up(&self, node: u16) -> bool {
        self.tended.get(usize::from(node)).is_some_and(|node| node.condition == Condition::Up)
    }

    fn all_up(&self) -> bool {
        self.tended.iter().all(|node| node.condition == Condition::Up)
    }
}

impl Conductor<'_> {
    /// Does `deed` to a node. Returns its name.
    pub(super) fn strike_node(&mut self, fault: u32, node: u16, deed: Deed) -> Option<String> {
        let tended = self.nodes.tended.get_mut(usize::from(node))?;
        let now = clock::now();
        tended.fault = fault;
        tended.ended = false;
        tended.end_by = now + END_WITHIN;
        (tended.condition, tended.due) = match deed {
            Deed::Kill { lasting } => (Condition::Down, now + lasting),
            Deed::Restart => (Condition::Down, now),
            Deed::Pause { lasting } => (Condition::Paused, now + lasting),
        };
        match deed {
            Deed::Kill { .. } => self.ground.kill_node(node),
            Deed::Restart => self.ground.terminate_node(node),
            Deed::Pause { .. } => self.ground.pause_node(node),
        }
        Some(self.ground.node_name(node))
    }

    /// Starts and continues what is due.
    pub(super) fn see_to_nodes(&mut self, now: MonoNs) -> Result<(), Error> {
        for node in 0..self.ground.nodes() {
            let Some(tended) = self.nodes.tended.get_mut(usize::from(node)) else { continue };
            match tended.condition {
                Condition::Down => {
                    if !tended.ended
                        && let Some(exit) = self.ground.node_exit(node)?
                    {
                        tended.ended = true;
                        let process = self.ground.node_name(node);
                        let (code, signal, id) = (exit.code, exit.signal, tended.fault);
                        let what = "the process had ended".to_owned();
                        self.ground.tell(StoryEvent::Observed { id, process: process.clone(), what })?;
                        self.ground.tell(StoryEvent::Exited { process, code, signal, ordered: true, message: None })?;
                    }
                    if !tended.ended && now >= tended.end_by {
                        tended.end_by = now + END_WITHIN;
                        self.ground.kill_node(node);
                    }
                    if tended.ended && now >= tended.due {
                        self.start_node(node)?;
                    }
                }
                Condition::Paused if now >= tended.due => {
                    let id = tended.fault;
                    self.ground.continue_node(node);
                    self.ground.tell(StoryEvent::Resumed { id, process: self.ground.node_name(node) })?;
                    self.wait_for_node(node);
                }
                Condition::Paused | Condition::Up | Condition::Recovering => {}
            }
        }
        Ok(())
    }

    fn start_node(&mut self, node: u16) -> Result<(), Error> {
        let process = self.ground.node_name(node);
        match self.ground.start_node(node) {
            Ok(pid) => {
                self.ground.tell(StoryEvent::Spawned { process, pid })?;
                self.wait_for_node(node);
                Ok(())
            }
            Err(error) => self.give_up_node(node, &format!("{process} could not be started again: {error}")),
        }
    }

    /// From here on it recovers, until it is well.
    fn wait_for_node(&mut self, node: u16) {
        let well = self.ground.look_at_node(node);
        let Some(tended) = self.nodes.tended.get_mut(usize::from(node)) else { return };
        tended.condition = Condition::Recovering;
        tended.recovery += 1;
        let (recovery, hearing) = (tended.recovery, self.nodes.hearing.clone());
        tokio::task::spawn_local(async move {
            let _ = hearing.send((node, recovery, well.await));
        });
    }

    /// Notes that a node is well again, or will not be.
    pub(super) fn hear_of_node(&mut self, (node, recovery, well): Looked) -> Result<(), Error> {
        let Some(tended) = self.nodes.tended.get_mut(usize::from(node)) else { return Ok(()) };
        if tended.recovery != recovery || tended.condition != Condition::Recovering {
            return Ok(());
        }
        let process = self.ground.node_name(node);
        match well {
            Ok(()) => {
                tended.condition = Condition::Up;
                if std::mem::take(&mut tended.ended) {
                    let (id, process) = (tended.fault, process.clone());
                    self.ground.tell(StoryEvent::Healed { id, process })?;
                }
                self.ground.tell(StoryEvent::Ready { process })
            }
            Err(why) => self.give_up_node(node, &format!("{process} did not recover from a fault: {why}")),
        }
    }

    /// Without that server the run is no measurement of what was asked.
    fn give_up_node(&mut self, node: u16, reason: &str) -> Result<(), Error> {
        if let Some(tended) = self.nodes.tended.get_mut(usize::from(node)) {
            tended.condition = Condition::Up;
        }
        self.trouble = true;
        self.ground.tell(StoryEvent::Damage { reason: reason.to_owned() })
    }

    /// Starts and continues every node at once, whatever it was to wait for.
    pub(super) fn heal_nodes(&mut self) -> Result<(), Error> {
        let now = clock::now();
        for tended in &mut self.nodes.tended {
            tended.due = tended.due.min(now);
        }
        self.see_to_nodes(now)
    }

    /// Waits until every node is well. A node that does not get well ends the wait by itself.
    pub(super) async fn await_nodes(&mut self) -> Result<(), Error> {
        while !self.nodes.all_up() && !self.asked_twice() && !self.trouble {
            let soon = clock::now() + super::SAMPLE_EVERY;
            self.step(soon).await?;
        }
        Ok(())
    }
}
