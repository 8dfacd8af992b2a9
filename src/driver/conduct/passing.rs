//! Faults that pass: cut connections and slow handlers, and how they are made whole again.

use std::collections::BTreeMap;

use super::Conductor;
use crate::driver::Error;
use crate::fault::{Client, Cut, Relayed, Slowness};
use crate::model::record::{Author, Role};
use crate::model::story::StoryEvent;
use crate::model::time::MonoNs;
use crate::nats::Access;
use crate::protocol;
use crate::relay::{self, Keeper, Word};

/// Something that was done to somebody and ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Passing {
    /// When it ends.
    pub(super) until: MonoNs,
    /// Number of the fault.
    id: u32,
    /// Who was struck.
    author: Author,
    what: What,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Cut,
    Slow,
}

/// The relay, and the way through it for each client that needs it.
#[derive(Default)]
pub(super) struct Relays {
    relayed: Relayed,
    pub(super) keeper: Option<Keeper>,
    ways: BTreeMap<Client, Access>,
}

fn client_of(author: Author) -> Client {
    match author.role {
        Role::Publisher => Client::Publisher(author.index),
        Role::Consumer => Client::Member(author.index),
    }
}

impl Conductor<'_> {
    /// Starts the relay, where a cut may strike somebody.
    pub(super) fn start_relay(&mut self) -> Result<(), Error> {
        self.relays.relayed = Relayed::by(&self.plan.faults);
        if self.relays.relayed.is_empty() {
            return Ok(());
        }
        let keeper = Keeper::start(&self.exe, self.ground.group())?;
        let pid = keeper.pid().number();
        self.relays.keeper = Some(keeper);
        self.ground.tell(StoryEvent::Spawned { process: "relay".to_owned(), pid })
    }

    /// How `author` reaches the servers: through the relay, if a cut may strike it.
    pub(super) async fn way_of(&mut self, author: Author) -> Result<Access, Error> {
        let client = client_of(author);
        let direct = self.ground.access();
        let Some(keeper) = self.relays.keeper.as_mut().filter(|_| self.relays.relayed.includes(client)) else {
            return Ok(direct.clone());
        };
        if let Some(way) = self.relays.ways.get(&client) {
            return Ok(way.clone());
        }
        let addresses = keeper.open(&client.to_string(), direct.upstreams()).await?;
        let way = direct.through(&addresses);
        self.relays.ways.insert(client, way.clone());
        Ok(way)
    }

    /// The way of a member to the system account, where its strategy listens to that: through the same relay, if there is one.
    pub(super) fn system_way_of(&self, author: Author, access: &Access) -> Option<Access> {
        let hears = author.role == Role::Consumer && self.plan.strategy.hears_the_system();
        let system = self.ground.system_access().filter(|_| hears)?;
        Some(system.as_reached_by(access))
    }

    /// Cuts the connection of `client`. The relay says when it has done so.
    pub(super) async fn cut(&mut self, id: u32, client: Client, cut: Cut, until: MonoNs) -> Option<Author> {
        let author = match client {
            Client::Member(index) => self.fleet.member_mut(index)?.author(),
            Client::Publisher(index) => Author { role: Role::Publisher, index, life: 1 },
        };
        let keeper = self.relays.keeper.as_mut()?;
        keeper.order(&relay::Order::Cut { client: client.to_string(), id, cut }).await;
        self.passing.push(Passing { until, id, author, what: What::Cut });
        Some(author)
    }

    /// Makes the handler of member `index` slow. It says when it is.
    pub(super) async fn slow(&mut self, id: u32, index: u16, slowness: Slowness, until: MonoNs) -> Option<Author> {
        let worker = self.fleet.member_mut(index)?;
        worker.tell(&protocol::Order::Pace { id, slowness: Some(slowness) }).await;
        let author = worker.author();
        self.passing.push(Passing { until, id, author, what: What::Slow });
        Some(author)
    }

    /// Whose connections are cut.
    pub(super) fn cut_clients(&self) -> impl Iterator<Item = Client> {
        self.passing.iter().filter(|passing| passing.what == What::Cut).map(|passing| client_of(passing.author))
    }

    /// Whose handlers are slow.
    pub(super) fn slow_members(&self) -> impl Iterator<Item = u16> {
        self.passing.iter().filter(|passing| passing.what == What::Slow).map(|passing| passing.author.index)
    }

    /// Ends what has lasted as long as it should by `now`.
    pub(super) async fn heal_until(&mut self, now: MonoNs) -> Result<(), Error> {
        let due: Vec<Passing> = self.passing.extract_if(.., |passing| passing.until <= now).collect();
        for passing in due {
            self.heal(passing).await?;
        }
        Ok(())
    }

    /// Ends all that would end later.
    pub(super) async fn heal_everything(&mut self) -> Result<(), Error> {
        self.heal_until(MonoNs(u64::MAX)).await
    }

    /// The process of `author` has ended, and its slowness with it.
    pub(super) fn note_end_of_slowness(&mut self, author: Author) -> Result<(), Error> {
        let of_it = |passing: &mut Passing| passing.what == What::Slow && passing.author == author;
        let ended: Vec<Passing> = self.passing.extract_if(.., of_it).collect();
        for passing in ended {
            self.ground.tell(StoryEvent::Healed { id: passing.id, process: author.to_string() })?;
        }
        Ok(())
    }

    async fn heal(&mut self, Passing { id, author, what, .. }: Passing) -> Result<(), Error> {
        match what {
            What::Cut => {
                let order = relay::Order::Heal { client: client_of(author).to_string(), id };
                // It says when it has done so; one that is gone says nothing, and the run is over.
                if let Some(keeper) = self.relays.keeper.as_mut() {
                    keeper.order(&order).await;
                }
                Ok(())
            }
            What::Slow => {
                if let Some(worker) = self.fleet.get_mut(author) {
                    worker.tell(&protocol::Order::Pace { id, slowness: None }).await;
                }
                self.ground.tell(StoryEvent::Healed { id, process: author.to_string() })
            }
        }
    }

    /// Tells what the relay has said.
    pub(super) fn hear_relay(&mut self, news: relay::News) -> Result<(), Error> {
        // A cut outlasts the life that it struck: the network is that of the member.
        let struck = |id: u32, client: &str| self.struck.get(&(id, client.to_owned())).map(Author::to_string);
        match news {
            relay::News::Word(Word::Cut { client, id, at }) => match struck(id, &client) {
                Some(process) => self.ground.tell_at(at, StoryEvent::Delivered { id, process }),
                None => Ok(()),
            },
            relay::News::Word(Word::Met { client, id, at, what }) => match struck(id, &client) {
                Some(process) => self.ground.tell_at(at, StoryEvent::Observed { id, process, what }),
                None => Ok(()),
            },
            relay::News::Word(Word::Healed { client, id, at }) => match struck(id, &client) {
                Some(process) => self.ground.tell_at(at, StoryEvent::Healed { id, process }),
                None => Ok(()),
            },
            relay::News::Word(Word::Failed { message }) => {
                self.trouble = true;
                self.ground.tell(StoryEvent::Damage { reason: format!("the relay: {message}") })
            }
            relay::News::Word(Word::Open { .. }) => Ok(()),
            relay::News::Ended(exit) => {
                self.trouble = true;
                let (code, signal) = (exit.code, exit.signal);
                let process = "relay".to_owned();
                self.ground.tell(StoryEvent::Exited { process, code, signal, ordered: false, message: None })
            }
        }
    }

    /// Remembers whom a fault struck: the relay knows only whose network it is.
    pub(super) fn note_struck(&mut self, id: u32, author: Author) {
        self.struck.insert((id, author.member()), author);
    }

    /// Forgets the relay: from here on its end is ordered.
    pub(super) fn dismiss_relay(&mut self) {
        self.relays.keeper = None;
    }

    /// Tells of a slow handler that it is slow.
    pub(super) fn note_slowed(&mut self, id: u32, author: Author, at: MonoNs) -> Result<(), Error> {
        let (process, what) = (author.to_string(), "the member said so".to_owned());
        self.ground.tell_at(at, StoryEvent::Observed { id, process, what })
    }
}
