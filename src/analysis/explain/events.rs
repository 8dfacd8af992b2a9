//! Every event of the key and the partition, before it is decided which are shown.

use std::collections::BTreeSet;

use super::facts::{Facts, Id};
use crate::model::explanation::{Deed, Event};
use crate::model::record::{Author, Fate, Handling, LifeEvent, OwnershipChange, Reach};
use crate::model::report::OwnershipEnd;
use crate::model::story::{Phase, StoryEvent, StoryLine};
use crate::model::time::MonoNs;

/// How much an event matters to the explanation, the most first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Weight {
    /// About a message concerned: always shown.
    Concerned,
    /// Who owned, and what struck whom.
    Ownership,
    /// Of the key.
    Key,
    /// Of the partition.
    Partition,
}

/// An event with its instant and weight.
pub(super) struct Found {
    pub(super) at: MonoNs,
    pub(super) weight: Weight,
    pub(super) event: Event,
}

/// All of them, in no order.
pub(super) fn all(facts: &Facts<'_>, concerned: &[Id]) -> Vec<Found> {
    let mut scribe = Scribe { facts, concerned: concerned.iter().copied().collect(), found: Vec::new() };
    scribe.publishes();
    scribe.handlings();
    scribe.commits();
    scribe.ownership();
    scribe.expiries();
    let members = scribe.members();
    scribe.lives(&members);
    for line in &facts.history.story {
        scribe.story(line, &members);
    }
    scribe.found
}

struct Scribe<'f, 'a> {
    facts: &'f Facts<'a>,
    concerned: BTreeSet<Id>,
    found: Vec<Found>,
}

impl Scribe<'_, '_> {
    fn blank(&self, at: MonoNs, who: &str, what: Deed) -> Event {
        let from = self.facts.timeline.ms(at);
        let offset_ns = i128::from(at.0) - i128::from(self.facts.at.0);
        Event {
            at_ms: from,
            offset_ms: (offset_ns as f64 / 1e3).round() / 1e3,
            who: who.to_owned(),
            what,
            key: None,
            key_seq: None,
            stream_seq: None,
            consumer_seq: None,
            delivered: None,
            epoch: None,
            detail: String::new(),
            concerned: false,
            left_out: 0,
        }
    }

    fn push(&mut self, at: MonoNs, weight: Weight, event: Event) {
        self.found.push(Found { at, weight, event });
    }

    fn weight(&self, id: Id) -> Weight {
        match () {
            () if self.concerned.contains(&id) => Weight::Concerned,
            () if self.facts.violation.key == Some(id.0) => Weight::Key,
            () => Weight::Partition,
        }
    }

    fn publishes(&mut self) {
        for &(author, it) in &self.facts.publishes {
            let id = (it.key, it.key_seq);
            let weight = self.weight(id);
            let about = |event: Event| Event {
                key: Some(it.key),
                key_seq: Some(it.key_seq),
                concerned: weight == Weight::Concerned,
                ..event
            };
            let who = author.to_string();
            let sent = about(self.blank(it.sent, &who, Deed::Sent));
            let end = match it.fate {
                Fate::Unknown => None,
                Fate::Stored { at, stream_seq, duplicate } => {
                    let detail = if duplicate { "as a duplicate" } else { "" }.to_owned();
                    let stream_seq = Some(stream_seq);
                    Some((at, Event { stream_seq, detail, ..about(self.blank(at, &who, Deed::Stored)) }))
                }
                Fate::Failed { at } => Some((at, about(self.blank(at, &who, Deed::NotStored)))),
            };
            match end {
                None => self.push(it.sent, weight, Event { detail: "never answered".to_owned(), ..sent }),
                Some((at, end)) => {
                    self.push(it.sent, weight, sent);
                    self.push(at, weight, end);
                }
            }
        }
    }

    fn handlings(&mut self) {
        for &(author, it) in &self.facts.handlings {
            let weight = self.weight((it.key, it.key_seq));
            let who = author.to_string();
            let died = self.facts.lives.died(author).filter(|died| *died >= it.started);
            if weight != Weight::Concerned {
                let detail = match it.finished {
                    Some(finish) if finish.ok => format!("took {}", finish.at.since(it.started)),
                    Some(finish) => format!("failed after {}", finish.at.since(it.started)),
                    None if died.is_some() => "cut off by its death".to_owned(),
                    None => "never ended".to_owned(),
                };
                let event = Event { detail, ..about(it, self.blank(it.started, &who, Deed::Handled)) };
                self.push(it.started, weight, event);
                continue;
            }
            let marked = |event: Event| Event { concerned: true, ..event };
            let received = marked(about(it, self.blank(it.received, &who, Deed::Received)));
            self.push(it.received, weight, received);
            let detail = match (it.finished, died) {
                (Some(_), _) if it.intact => String::new(),
                (Some(_), _) => "its checksum is wrong".to_owned(),
                (None, Some(_)) => "cut off by its death".to_owned(),
                (None, None) => "never ended".to_owned(),
            };
            let started = Event { detail, ..marked(about(it, self.blank(it.started, &who, Deed::Started))) };
            self.push(it.started, weight, started);
            if let Some(finish) = it.finished {
                let what = if finish.ok { Deed::Finished } else { Deed::Failed };
                let detail = format!("took {}", finish.at.since(it.started));
                let ended = Event { detail, ..marked(about(it, self.blank(finish.at, &who, what))) };
                self.push(finish.at, weight, ended);
            }
        }
        for journal in &self.facts.history.journals {
            let mine = |key: u32, partition: u16| {
                partition == self.facts.violation.partition || self.facts.violation.key == Some(key)
            };
            for it in journal.terms.iter().filter(|it| mine(it.key, it.partition)) {
                let weight = self.weight((it.key, it.key_seq));
                let event = Event {
                    key: Some(it.key),
                    key_seq: Some(it.key_seq),
                    stream_seq: Some(it.stream_seq),
                    concerned: weight == Weight::Concerned,
                    ..self.blank(it.at, &journal.author.to_string(), Deed::GivenUp)
                };
                self.push(it.at, weight, event);
            }
        }
    }

    /// A commit is concerned when it is the first to cover a message concerned.
    fn commits(&mut self) {
        let seqs = self.concerned.iter().filter_map(|&id| Some(self.facts.message(id)?.stream_seq));
        let first = |seq: u64| self.facts.covering(seq, MonoNs(u64::MAX)).map(|(author, it)| (author, it.at));
        let covering: BTreeSet<(Author, MonoNs)> = seqs.filter_map(first).collect();
        for &(author, it) in &self.facts.commits {
            let concerned = covering.contains(&(author, it.at));
            let weight = if concerned { Weight::Concerned } else { Weight::Partition };
            let event = Event {
                stream_seq: Some(it.stream_seq),
                epoch: (it.epoch > 0).then_some(it.epoch),
                detail: if it.reach == Reach::UpTo { "all up to it" } else { "" }.to_owned(),
                concerned,
                ..self.blank(it.at, &author.to_string(), Deed::Committed)
            };
            self.push(it.at, weight, event);
        }
    }

    fn until(&self, deadline: MonoNs) -> String {
        let offset_ns = i128::from(deadline.0) - i128::from(self.facts.at.0);
        format!("until {:+.1} ms", offset_ns as f64 / 1e6)
    }

    /// Renewals of one owner on end are one event, at the first of them.
    fn ownership(&mut self) {
        let mut renewals: Option<(Found, u32, Author, u32)> = None;
        let records = self.facts.ownership.clone();
        for (author, it) in records {
            let (what, detail, stream_seq) = match it.change {
                OwnershipChange::GoneObserved => (Deed::GoneObserved, String::new(), None),
                OwnershipChange::Granted { deadline } => (Deed::Granted, self.until(deadline), None),
                OwnershipChange::Renewed { deadline } => (Deed::Renewed, self.until(deadline), None),
                OwnershipChange::Opened { start_seq } => (Deed::Opened, "from there on".to_owned(), Some(start_seq)),
                OwnershipChange::Released => (Deed::Released, String::new(), None),
                OwnershipChange::Lost => (Deed::Lost, String::new(), None),
            };
            if what == Deed::Renewed
                && let Some((first, count, owner, epoch)) = &mut renewals
                && (*owner, *epoch) == (author, it.epoch)
            {
                *count += 1;
                first.event.detail = format!("{count} times, {detail}");
                continue;
            }
            self.found.extend(renewals.take().map(|(found, ..)| found));
            let event =
                Event { epoch: Some(it.epoch), stream_seq, detail, ..self.blank(it.at, &author.to_string(), what) };
            let found = Found { at: it.at, weight: Weight::Ownership, event };
            if what == Deed::Renewed {
                renewals = Some((found, 1, author, it.epoch));
            } else {
                self.found.push(found);
            }
        }
        self.found.extend(renewals.take().map(|(found, ..)| found));
    }

    /// A deadline that passes leaves no record: it follows from the beliefs.
    fn expiries(&mut self) {
        let beliefs =
            self.facts.beliefs().filter(|it| it.end == OwnershipEnd::Expired && it.to < self.facts.timeline.end);
        for it in beliefs {
            let event = Event { epoch: Some(it.epoch), ..self.blank(it.to, &it.owner.to_string(), Deed::Expired) };
            self.push(it.to, Weight::Ownership, event);
        }
    }

    /// The members that had to do with the partition.
    fn members(&self) -> BTreeSet<Author> {
        let handled = self.facts.handlings.iter().map(|(author, _)| *author);
        handled.chain(self.facts.ownership.iter().map(|(author, _)| *author)).collect()
    }

    fn lives(&mut self, members: &BTreeSet<Author>) {
        for journal in self.facts.history.journals.iter().filter(|journal| members.contains(&journal.author)) {
            for it in &journal.life {
                let what = match it.event {
                    LifeEvent::Connected => Deed::Connected,
                    LifeEvent::Disconnected => Deed::Disconnected,
                    LifeEvent::Stopping => Deed::Stopping,
                    LifeEvent::AckRefused => Deed::AckRefused,
                    LifeEvent::EffectRefused => Deed::EffectRefused,
                    LifeEvent::Born | LifeEvent::Ready | LifeEvent::Stopped | LifeEvent::SlowConsumer => continue,
                };
                let event = self.blank(it.at, &journal.author.to_string(), what);
                self.push(it.at, Weight::Ownership, event);
            }
        }
    }

    fn story(&mut self, line: &StoryLine, members: &BTreeSet<Author>) {
        let at = line.at;
        let is_member = |name: &str| name.parse().is_ok_and(|author: Author| members.contains(&author));
        let mut events = Vec::new();
        match &line.event {
            StoryEvent::Fault { id, kind, target, struck } => {
                let who = if struck.is_empty() { "driver".to_owned() } else { struck.join(", ") };
                let detail = format!("{id}: {kind} {target}");
                events.push(Event { detail, ..self.blank(at, &who, Deed::Fault) });
            }
            StoryEvent::Resumed { process, .. } => events.push(self.blank(at, process, Deed::Resumed)),
            StoryEvent::Observed { id, process, what } => {
                events.push(Event { detail: format!("of {id}: {what}"), ..self.blank(at, process, Deed::Observed) });
            }
            StoryEvent::Healed { id, process } => {
                events.push(Event { detail: format!("of {id}"), ..self.blank(at, process, Deed::Healed) });
            }
            StoryEvent::Spawned { process, .. } if is_member(process) => {
                events.push(self.blank(at, process, Deed::Spawned));
            }
            StoryEvent::Exited { process, code, signal, ordered, .. }
                if process.starts_with("server") || is_member(process) =>
            {
                let how = match (signal, code) {
                    (Some(signal), _) => format!("by signal {signal}"),
                    (None, Some(code)) => format!("with code {code}"),
                    (None, None) => String::new(),
                };
                let detail = if *ordered { how } else { format!("{how}, unasked") };
                events.push(Event { detail, ..self.blank(at, process, Deed::Exited) });
            }
            StoryEvent::Dropped { stream_seq, deliveries } => {
                let message = self.facts.message_at(*stream_seq);
                if let Some(id) = message.map(|message| (message.key, message.key_seq)) {
                    let weight = self.weight(id);
                    let event = Event {
                        key: Some(id.0),
                        key_seq: Some(id.1),
                        stream_seq: Some(*stream_seq),
                        concerned: weight == Weight::Concerned,
                        detail: format!("after {deliveries} deliveries"),
                        ..self.blank(at, "server", Deed::GivenUp)
                    };
                    self.push(at, weight, event);
                }
            }
            StoryEvent::Phase { phase } => {
                let detail = match phase {
                    Phase::Provision => "provision",
                    Phase::WarmUp => "warm-up",
                    Phase::Measure => "measure",
                    Phase::Drain => "drain",
                };
                events.push(Event { detail: detail.to_owned(), ..self.blank(at, "driver", Deed::Phase) });
            }
            StoryEvent::Interrupted => {
                events.push(Event { detail: "interrupted".to_owned(), ..self.blank(at, "driver", Deed::Stopped) });
            }
            StoryEvent::StoppedAtViolation { kind, .. } => {
                let detail = format!("ended at a broken promise: {kind}");
                events.push(Event { detail, ..self.blank(at, "driver", Deed::Stopped) });
            }
            StoryEvent::BrokenOff => {
                events.push(Event { detail: "broken off".to_owned(), ..self.blank(at, "driver", Deed::Stopped) });
            }
            _ => {}
        }
        for event in events {
            self.push(at, Weight::Ownership, event);
        }
    }
}

/// What a handling says about its message.
fn about(it: &Handling, event: Event) -> Event {
    Event {
        key: Some(it.key),
        key_seq: Some(it.key_seq),
        stream_seq: (it.stream_seq > 0).then_some(it.stream_seq),
        consumer_seq: (it.consumer_seq > 0).then_some(it.consumer_seq),
        delivered: (it.delivered > 0).then_some(it.delivered),
        epoch: (it.epoch > 0).then_some(it.epoch),
        ..event
    }
}
