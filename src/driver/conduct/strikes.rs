//! Carries out faults: whom they strike is decided in `fault`, what was done is told.

use super::Conductor;
use super::effects::Effect;
use crate::clock;
use crate::driver::Error;
use crate::driver::fleet::EndOrder;
use crate::driver::scene::Scene;
use crate::fault::{self, State, Strike, Target};
use crate::model::record::{Author, Role};
use crate::model::story::StoryEvent;
use crate::protocol::Order;

impl Conductor<'_> {
    /// Lets a fault strike whom it is meant for by now, and tells it; or tells why it cannot.
    pub(super) async fn strike(&mut self, strike: &Strike) -> Result<(), Error> {
        let mut snapshot = fault::Fleet {
            publishers: self.plan.load.publishers,
            cut: self.cut_clients().collect(),
            slow: self.slow_members().collect(),
            ..self.fleet.snapshot(self.plan.stream.partitions)
        };
        // Nobody else needs to know who leads, and the question costs a connection.
        let asks_who_leads =
            strike.kind.strikes_servers() && matches!(strike.target, Target::Leader | Target::Follower);
        let leader = if asks_who_leads { self.ground.leading_node().await } else { None };
        snapshot.nodes = self.nodes.snapshot(leader);
        let kind = strike.kind.name().to_owned();
        let orders = match fault::resolve(strike, &snapshot, self.plan.seed) {
            Ok(orders) => orders,
            Err(reason) => return self.skip(strike, reason),
        };
        let at = clock::now();
        let mut delivered = Vec::new();
        for order in orders {
            // Of a cut the relay tells.
            let tells = !matches!(order, fault::Order::Cut { .. });
            match self.carry_out(strike.id, order).await? {
                Ok(one) => delivered.extend(one.map(|process| (process, tells.then(clock::now)))),
                Err(reason) => return self.skip(strike, reason),
            }
        }
        let struck: Vec<String> = delivered.iter().map(|(process, _)| process.clone()).collect();
        let what = format!("{kind} {}", struck.join(", "));
        (self.show)(&Scene::Fault { at: at.since(self.begin).into(), what });
        let target = strike.target.to_string();
        self.ground.tell_at(at, StoryEvent::Fault { id: strike.id, kind, target, struck })?;
        for (process, done_at) in delivered {
            if let Some(done_at) = done_at {
                self.ground.tell_at(done_at, StoryEvent::Delivered { id: strike.id, process })?;
            }
        }
        Ok(())
    }

    fn skip(&mut self, strike: &Strike, reason: String) -> Result<(), Error> {
        let kind = strike.kind.name().to_owned();
        (self.show)(&Scene::Note(format!("fault {} ({kind}) was skipped: {reason}", strike.id)));
        self.ground.tell(StoryEvent::FaultSkipped { id: strike.id, kind, reason })
    }

    /// Carries out one order. Returns the process that it struck or started, or why nothing could be struck after all.
    async fn carry_out(&mut self, id: u32, order: fault::Order) -> Result<Result<Option<String>, String>, Error> {
        match order {
            fault::Order::Node { node, deed } => Ok(Ok(self.strike_node(id, node, deed))),
            fault::Order::StepDown { of, draw } => Ok(self.ground.step_down(of, draw).await.map(Some)),
            fault::Order::Roll { of, turns, rest } => self.begin_rolling(id, of, turns, rest).await,
            _ => Ok(Ok(self.strike_member(id, &order).await?.map(|author| author.to_string()))),
        }
    }

    /// Carries out an order for a member or publisher, and waits to see its effect. Returns the incarnation that it struck or
    /// started.
    pub(super) async fn strike_member(&mut self, id: u32, order: &fault::Order) -> Result<Option<Author>, Error> {
        let Some(author) = self.do_to_member(id, order).await? else { return Ok(None) };
        self.note_struck(id, author);
        if let Some(effect) = Effect::of(order) {
            self.await_effect(id, author, effect);
        }
        Ok(Some(author))
    }

    async fn do_to_member(&mut self, id: u32, order: &fault::Order) -> Result<Option<Author>, Error> {
        match *order {
            fault::Order::Cut { client, cut, lasting } => {
                return Ok(self.cut(id, client, cut, clock::now() + lasting).await);
            }
            fault::Order::Slow { member, slowness, lasting } => {
                return Ok(self.slow(id, member, slowness, clock::now() + lasting).await);
            }
            fault::Order::Join { member } => {
                let author = Author { role: Role::Consumer, index: member, life: 1 };
                self.start(author).await?;
                return Ok(Some(author));
            }
            fault::Order::Start { member } => return self.start_next_life(member).await.map(Some),
            _ => {}
        }
        let Some(fault::Client::Member(index)) = order.client() else { return Ok(None) };
        let Some(worker) = self.fleet.member_mut(index) else { return Ok(None) };
        let author = worker.author();
        match *order {
            fault::Order::Kill { .. } => {
                worker.order_end(EndOrder::Kill);
                worker.state = State::Dead { since: clock::now() };
                worker.kill();
                self.resumes.retain(|(.., paused)| *paused != author);
            }
            fault::Order::Terminate { .. } | fault::Order::Restart { .. } => {
                worker.order_end(EndOrder::Terminate { ready: worker.ready });
                worker.state = State::Stopping;
                worker.terminate();
                if matches!(order, fault::Order::Restart { .. }) {
                    self.restarts.push(index);
                }
            }
            fault::Order::Leave { .. } => {
                worker.order_end(EndOrder::GoodOrder);
                worker.state = State::Left;
                worker.tell(&Order::Leave).await;
            }
            fault::Order::Pause { lasting, .. } => {
                worker.state = State::Paused;
                worker.pause();
                self.resumes.push((clock::now() + lasting, id, author));
            }
            _ => {}
        }
        Ok(Some(author))
    }

    /// Starts member `index` again.
    pub(super) async fn start_next_life(&mut self, index: u16) -> Result<Author, Error> {
        let life = self.fleet.member_mut(index).map_or(1, |worker| worker.author().life.saturating_add(1));
        let author = Author { role: Role::Consumer, index, life };
        self.start(author).await?;
        Ok(author)
    }

    /// Ends the pause of `author` by the fault `id`.
    pub(super) fn resume(&mut self, id: u32, author: Author) -> Result<(), Error> {
        let Some(worker) = self.fleet.get_mut(author) else { return Ok(()) };
        worker.resume();
        if worker.state == State::Paused {
            worker.state = State::Live;
        }
        self.ground.tell(StoryEvent::Resumed { id, process: author.to_string() })
    }

    /// Ends all pauses now.
    pub(super) fn resume_everybody(&mut self) -> Result<(), Error> {
        for (_, id, author) in std::mem::take(&mut self.resumes) {
            self.resume(id, author)?;
        }
        Ok(())
    }
}
