//! What the followed ledger is told: records of journals, lines of the driver's story.

use super::key::{ATTEMPTED, CONFIRMED, DELIVERED, Found, HANDLED, KNOWN_BEFORE, Msg, PENDING, RANKED};
use super::partition::{Deed, Pending};
use super::{Event, Stream};
use crate::model::manifest::Confirmation;
use crate::model::offer::{Offer, Start};
use crate::model::record::{Author, Fate, Handling, OwnershipChange, Publish, Record};
use crate::model::story::{Phase, StoryEvent, StoryLine};
use crate::model::time::MonoNs;
use crate::verdict::belief;
use crate::verdict::refusals::Refusal;

impl Stream {
    /// Takes a record of the journal of `author`, the one with `number`. A publish may be told twice: `again` when its
    /// fate is told that was open when it was told first. A handling is told when it has ended, or never will.
    pub fn take(&mut self, author: Author, number: u64, record: &Record, again: bool) {
        match record {
            Record::Publish(publish) => {
                self.teller.schedule(author, publish.intended);
                self.take_publish(publish, again);
            }
            Record::Handling(handling) => self.take_handling(author, number, handling),
            Record::Commit(commit) => self.events.push((commit.at, Event::of(commit, author))),
            Record::Ownership(ownership) => {
                let (partition, epoch) = (ownership.partition, ownership.epoch);
                match ownership.change {
                    OwnershipChange::Granted { .. } => {
                        self.events.push((ownership.at, Event::Granted(partition, epoch)));
                    }
                    OwnershipChange::Opened { start_seq } => {
                        self.events.push((ownership.at, Event::Opened(partition, start_seq, epoch, author)));
                    }
                    _ => {}
                }
                let open = self.beliefs.entry(author).or_default();
                belief::advance(author, ownership, open, &mut self.past_beliefs);
            }
            Record::Term(term) => self.give_up(term.stream_seq, term.at),
            Record::Life(_) | Record::Posting(_) => {}
        }
    }

    /// Takes a line of the driver's story.
    pub fn tell(&mut self, line: &StoryLine) {
        match &line.event {
            StoryEvent::Starts { partition, stream_seq } => {
                let start = Start { partition: *partition, stream_seq: *stream_seq };
                self.starts.push(start);
                self.offer = Offer::of(self.starts.iter().copied());
            }
            StoryEvent::Gone { gone } => self.gone = Some((line.at, gone.clone())),
            StoryEvent::Dropped { stream_seq, .. } => self.give_up(*stream_seq, line.at),
            StoryEvent::DrainCut { .. } => self.cut = Some(self.cut.map_or(line.at, |cut| cut.min(line.at))),
            StoryEvent::Phase { phase } => self.loaded |= *phase != Phase::Provision,
            StoryEvent::Refused { process, reason } if self.loaded => {
                self.forbidden |= Refusal { process, reason }.is_of_a_member();
            }
            StoryEvent::Spawned { process, .. } if process.starts_with("server") => self.note_server(process, line.at),
            StoryEvent::Exited { process, .. } if process.starts_with("server") => {
                self.events.push((line.at, Event::ServerEnded));
            }
            StoryEvent::Spawned { .. } | StoryEvent::Exited { .. } | StoryEvent::Fault { .. } => {
                self.lives.tell(line, &self.story);
                self.story.push(line.clone());
                if let StoryEvent::Exited { process, .. } = &line.event {
                    self.teller.ended(process, line.at);
                }
            }
            _ => {}
        }
    }

    /// Nobody is given what stands there any more.
    fn give_up(&mut self, stream_seq: u64, at: MonoNs) {
        let since = self.given_up.entry(stream_seq).or_insert(at);
        *since = at.min(*since);
    }

    /// A single server that is started again had ended.
    fn note_server(&mut self, process: &str, at: MonoNs) {
        let known = !self.servers.insert(process.to_owned());
        if known && self.server_nodes <= 1 {
            self.events.push((at, Event::ServerEnded));
        }
    }

    fn take_publish(&mut self, publish: &Publish, again: bool) {
        let Publish { key: of, key_seq, partition, sent, .. } = *publish;
        self.named = self.named.max(usize::from(partition) + 1);
        let surprises = &mut self.surprises;
        let key = self.keys.make(of);
        key.home = partition;
        let Some(message) = key.attempt(key_seq) else {
            *surprises += 1;
            return;
        };
        if !message.is(ATTEMPTED) {
            *message = Msg::of(publish);
        }
        message.intended = message.intended.min(publish.intended);
        if again {
            message.unknown = message.unknown.saturating_sub(1);
        }
        let mut stored = None;
        match publish.fate {
            Fate::Unknown => message.unknown = message.unknown.saturating_add(1),
            Fate::Failed { .. } => {}
            Fate::Stored { at, stream_seq, duplicate } => {
                if !message.is_any(CONFIRMED | HANDLED) && message.at != sent {
                    self.unresolved.remove(&(message.at, of, key_seq));
                    message.at = sent;
                }
                message.confirm(publish, at);
                message.flags |= CONFIRMED | if duplicate { KNOWN_BEFORE } else { 0 };
                note_place(message, of, key_seq, stream_seq, &mut self.copies);
                stored = Some(at);
            }
        }
        self.resolve(of, key_seq, stored);
    }

    fn take_handling(&mut self, author: Author, number: u64, handling: &Handling) {
        let ended = match handling.finished {
            Some(finish) => finish.at,
            None => self.lives.died(author).unwrap_or(handling.started),
        };
        self.named = self.named.max(usize::from(handling.partition) + 1);
        let mut deed = Deed {
            received: handling.received,
            started: handling.started,
            ended: ended.max(handling.started),
            stream_seq: handling.stream_seq,
            number,
            key: handling.key,
            key_seq: handling.key_seq,
            epoch: handling.epoch,
            consumer_seq: handling.consumer_seq,
            author,
            partition: handling.partition,
            intact: handling.intact,
            ok: handling.finished.is_some_and(|finish| finish.ok),
            finished: handling.finished.is_some(),
            met: false,
        };
        self.meet_one(&mut deed);
        self.deeds.push(deed);
    }

    /// Finds the messages of handlings that were read before the publish was. A delivery proves storage, and where.
    pub(super) fn meet(&mut self) {
        let mut deeds = std::mem::take(&mut self.deeds);
        for deed in deeds.iter_mut().filter(|deed| !deed.met) {
            self.meet_one(deed);
        }
        self.deeds = deeds;
    }

    fn meet_one(&mut self, deed: &mut Deed) {
        let Deed { key: of, key_seq, stream_seq, intact: true, .. } = *deed else { return };
        let Some(key) = self.keys.get(of) else { return };
        match key.find(key_seq) {
            Found::Nothing => {}
            Found::Settled(_) => {
                deed.met = true;
                let settled_to = self.partitions.get(usize::from(deed.partition)).map_or(0, |it| it.settled_to);
                if stream_seq > settled_to {
                    let known = self.copies.range((of, key_seq, 0)..=(of, key_seq, u64::MAX)).next().is_some();
                    // Where its first copy stands is forgotten, unless it was known to have others.
                    self.copies.extend((!known).then_some((of, key_seq, 0)));
                    self.copies.insert((of, key_seq, stream_seq));
                }
            }
            Found::Open(message) => {
                deed.met = true;
                message.prove(deed.started);
                message.flags |= DELIVERED;
                let before = message.stream_seq;
                note_place(message, of, key_seq, stream_seq, &mut self.copies);
                self.surprises += u64::from(message.is(RANKED) && message.stream_seq != before);
                self.resolve(of, key_seq, None);
            }
        }
    }

    /// Lets a message wait for its ranks when its place is known, and lets it hold the judgement back when it is not.
    fn resolve(&mut self, of: u32, key_seq: u32, stored: Option<MonoNs>) {
        let Some(message) = self.keys.get(of).and_then(|key| key.open(key_seq)) else { return };
        let is_known = match self.confirmation {
            Confirmation::Sent => message.is_any(CONFIRMED | DELIVERED),
            Confirmation::Stored | Confirmation::SentToStream => {
                let told = message.is(CONFIRMED) && (message.unknown == 0 || message.is(KNOWN_BEFORE));
                message.stream_seq != 0 && (told || message.is(DELIVERED))
            }
        };
        let waiting = (message.at, of, key_seq);
        if message.is(RANKED) {
            return;
        }
        if !is_known {
            self.unresolved.insert(waiting);
            return;
        }
        self.unresolved.remove(&waiting);
        let pending = Pending {
            place: message.stream_seq,
            sent: message.at,
            key: of,
            key_seq,
            stored: stored.unwrap_or(MonoNs(u64::MAX)),
        };
        // Told again, it is pending twice: the second is skipped when it has its ranks.
        message.flags |= PENDING;
        let partition = message.partition;
        self.partition(partition).pending.push(pending);
    }
}

/// Notes that a message stands at `stream_seq`. Its first copy, in the order of the stream, is the message.
fn note_place(
    message: &mut Msg,
    key: u32,
    key_seq: u32,
    stream_seq: u64,
    copies: &mut std::collections::BTreeSet<(u32, u32, u64)>,
) {
    if stream_seq == 0 || stream_seq == message.stream_seq {
        return;
    }
    if message.stream_seq != 0 {
        copies.extend([(key, key_seq, stream_seq), (key, key_seq, message.stream_seq)]);
    }
    // Once it has its ranks they stay: who judges that counts it as a surprise.
    if message.stream_seq == 0 || stream_seq < message.stream_seq {
        message.stream_seq = stream_seq;
    }
}
