//! Histories for tests, written as one would tell them: who sent what, who handled what when.

use crate::model::history::{History, Journal};
use crate::model::manifest::{Confirmation, Environment, FORMAT, Manifest};
use crate::model::promise::Promises;
use crate::model::record::{
    Author, Commit, Fate, Finish, Handling, Life, LifeEvent, Ownership, OwnershipChange, Publish, Reach, Role,
};
use crate::model::stored::{Extent, StoredMessage};
use crate::model::story::{Phase, StoryEvent, StoryLine};
use crate::model::time::{MonoNs, SpanNs};

/// A moment of a scenario: microseconds since its start.
pub(crate) fn us(microseconds: u64) -> MonoNs {
    MonoNs(ZERO.0 + microseconds * 1_000)
}

/// A moment of a scenario: milliseconds since its start.
pub(crate) fn ms(milliseconds: u64) -> MonoNs {
    us(milliseconds * 1_000)
}

const ZERO: MonoNs = MonoNs(1_000_000_000_000);

/// A history in the making. One publisher, any number of members, one stream.
pub(crate) struct Scenario {
    pub(crate) history: History,
    next_stream_seq: u64,
}

impl Scenario {
    /// A strategy that promises everything, with so many partitions and keys; key k is in partition k mod partitions.
    pub(crate) fn new(partitions: u16, keys: u32) -> Self {
        let promises =
            Promises { at_least_once: true, order_per_key: true, exclusive: true, owners: true, fenced: false };
        let manifest = Manifest {
            commit_mode: None,
            format: FORMAT,
            run_id: "planted".to_owned(),
            run_tag: 1,
            profile: "planted".to_owned(),
            question: String::new(),
            variant: None,
            strategy: "lease-group".to_owned(),
            promises,
            confirmation: Confirmation::Stored,
            command: "jetlag run planted".to_owned(),
            seed: 1,
            started_wall: "2026-11-21T00:00:00Z".to_owned(),
            started_mono: ZERO,
            partitions,
            keys,
            members: 2,
            lease_ttl: None,
            rate_per_s: Some(1_000.0),
            bank: None,
            relayed: Vec::new(),
            schedule_lag_limit: SpanNs(5_000_000),
            settings: serde_json::Value::Null,
            environment: Environment::default(),
        };
        let publisher = Journal::new(Author { role: Role::Publisher, index: 0, life: 1 });
        let history = History {
            manifest,
            story: Vec::new(),
            journals: vec![publisher],
            stored: Vec::new(),
            dropped: None,
            damage: Vec::new(),
        };
        Self { history, next_stream_seq: 1 }
    }

    /// A strategy that has no owners and promises nothing but delivery.
    pub(crate) fn shared(partitions: u16, keys: u32) -> Self {
        let mut scenario = Self::new(partitions, keys);
        scenario.history.manifest.promises = Promises { at_least_once: true, ..Promises::default() };
        scenario
    }

    fn partition(&self, key: u32) -> u16 {
        (key % u32::from(self.history.manifest.partitions)) as u16
    }

    /// A publish with any fate, sent as intended.
    pub(crate) fn publish(&mut self, key: u32, key_seq: u32, sent: MonoNs, fate: Fate) {
        let publish = Publish {
            key,
            key_seq,
            partition: self.partition(key),
            publisher: 0,
            intended: sent,
            possible: sent,
            sent,
            bytes: 100,
            fate,
        };
        self.history.journals[0].publishes.push(publish);
    }

    /// A message that is stored 200 µs after it was sent, as the next in the stream.
    pub(crate) fn stored(&mut self, key: u32, key_seq: u32, sent: MonoNs) -> u64 {
        let stream_seq = self.next_stream_seq;
        self.next_stream_seq += 1;
        let at = sent + SpanNs(200_000);
        self.publish(key, key_seq, sent, Fate::Stored { at, stream_seq, duplicate: false });
        stream_seq
    }

    /// The journal of a member, made when it is first named.
    pub(crate) fn member(&mut self, index: u16) -> &mut Journal {
        self.incarnation(index, 1)
    }

    /// The journal of one life of a member.
    pub(crate) fn incarnation(&mut self, index: u16, life: u16) -> &mut Journal {
        let author = Author { role: Role::Consumer, index, life };
        let journals = &mut self.history.journals;
        let at = journals.iter().position(|journal| journal.author == author).unwrap_or_else(|| {
            journals.push(Journal::new(author));
            journals.len() - 1
        });
        &mut journals[at]
    }

    /// A handling of a message in full. `finished` is `None` for one that was cut off.
    pub(crate) fn handling(
        &mut self,
        member: u16,
        key: u32,
        key_seq: u32,
        started: MonoNs,
        finished: Option<Finish>,
    ) -> &mut Handling {
        let sending = self.history.journals[0].publishes.iter().find(|p| (p.key, p.key_seq) == (key, key_seq));
        let stream_seq = match sending.map(|publish| publish.fate) {
            Some(Fate::Stored { stream_seq, .. }) => stream_seq,
            _ => 0,
        };
        let intended = sending.map_or(started, |publish| publish.intended);
        let partition = self.partition(key);
        let journal = self.member(member);
        journal.handlings.push(Handling {
            key,
            key_seq,
            partition,
            publisher: 0,
            epoch: 0,
            stream_seq,
            consumer_seq: 0,
            delivered: 1,
            intact: true,
            intended,
            received: started - SpanNs(10_000),
            started,
            finished,
        });
        journal.handlings.last_mut().expect("one has just been pushed")
    }

    /// A handling that takes 100 µs and succeeds.
    pub(crate) fn handled(&mut self, member: u16, key: u32, key_seq: u32, started: MonoNs) -> &mut Handling {
        let finish = Finish { at: started + SpanNs(100_000), ok: true };
        self.handling(member, key, key_seq, started, Some(finish))
    }

    /// A confirmed commit.
    pub(crate) fn commit(&mut self, member: u16, partition: u16, stream_seq: u64, reach: Reach, at: MonoNs) {
        self.member(member).commits.push(Commit { at, partition, epoch: 0, stream_seq, reach });
    }

    /// An ownership record of a member.
    pub(crate) fn own(&mut self, member: u16, partition: u16, epoch: u32, at: MonoNs, change: OwnershipChange) {
        self.member(member).ownership.push(Ownership { at, partition, epoch, change });
    }

    /// A life event of a member.
    pub(crate) fn live(&mut self, member: u16, at: MonoNs, event: LifeEvent) {
        self.member(member).life.push(Life { at, event });
    }

    /// The stream is read back at `at`: (sequence, key, sequence within it), up to `through` of `last`.
    pub(crate) fn read_back(&mut self, held: &[(u64, u32, u32)], (through, last): (u64, u64), at: MonoNs) {
        let message = |&(stream_seq, key, key_seq): &(u64, u32, u32)| StoredMessage { stream_seq, key, key_seq };
        self.history.stored = held.iter().map(message).collect();
        let extent = Extent { messages: held.len() as u64, through, last };
        self.tell(at, StoryEvent::StreamRead { extent });
    }

    /// A line of the driver.
    pub(crate) fn tell(&mut self, at: MonoNs, event: StoryEvent) {
        self.history.story.push(StoryLine { at, event });
    }

    /// The lines of a run without trouble: members started at 0, measured from 0 to `drain`, over at `end`.
    pub(crate) fn told(mut self, members: u16, drain: MonoNs, end: MonoNs) -> History {
        let mut story = vec![StoryLine { at: ms(0), event: StoryEvent::Phase { phase: Phase::Provision } }];
        for member in 0..members {
            let process = format!("c{member}.1");
            story.push(StoryLine { at: ms(0), event: StoryEvent::Spawned { process, pid: 100 + u32::from(member) } });
        }
        story.push(StoryLine { at: ms(0), event: StoryEvent::Phase { phase: Phase::Measure } });
        story.push(StoryLine { at: drain, event: StoryEvent::Phase { phase: Phase::Drain } });
        story.push(StoryLine { at: end, event: StoryEvent::End });
        story.append(&mut self.history.story);
        story.sort_by_key(|line| line.at);
        // Two phases at one instant stay in the order told: the sort is stable.
        self.history.story = story;
        self.history
    }
}
