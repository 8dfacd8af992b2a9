//! What the evidence holds about the key and the partition of one violation, and questions to it.

use crate::analysis::timeline::Timeline;
use crate::model::history::History;
use crate::model::record::{Author, Commit, Fate, Handling, Ownership, OwnershipChange, Publish, Reach};
use crate::model::report::Violation;
use crate::model::story::StoryEvent;
use crate::model::time::MonoNs;
use crate::verdict::{Belief, Ledger, Lives, Message};

/// A message by key and sequence within it.
pub(super) type Id = (u32, u32);

/// All records of the violation's key and partition, and where the violation stands among them.
pub(super) struct Facts<'a> {
    pub(super) history: &'a History,
    pub(super) ledger: &'a Ledger,
    pub(super) lives: Lives,
    pub(super) timeline: Timeline,
    pub(super) violation: &'a Violation,
    /// The instant of the violation, exact where a record tells it.
    pub(super) at: MonoNs,
    /// By start.
    pub(super) handlings: Vec<(Author, &'a Handling)>,
    /// The same by message, then by start: numbers in `handlings`.
    by_message: Vec<usize>,
    /// By instant.
    pub(super) ownership: Vec<(Author, &'a Ownership)>,
    /// By instant.
    pub(super) commits: Vec<(Author, &'a Commit)>,
    /// By instant of sending.
    pub(super) publishes: Vec<(Author, &'a Publish)>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(history: &'a History, ledger: &'a Ledger, violation: &'a Violation) -> Self {
        let is_about = |key: u32, partition: u16| partition == violation.partition || Some(key) == violation.key;
        let (mut handlings, mut ownership, mut commits, mut publishes) = (vec![], vec![], vec![], vec![]);
        for journal in &history.journals {
            let author = journal.author;
            let of_handlings = journal.handlings.iter().filter(|it| is_about(it.key, it.partition));
            handlings.extend(of_handlings.map(|it| (author, it)));
            let of_publishes = journal.publishes.iter().filter(|it| is_about(it.key, it.partition));
            publishes.extend(of_publishes.map(|it| (author, it)));
            let of_ownership = journal.ownership.iter().filter(|it| it.partition == violation.partition);
            ownership.extend(of_ownership.map(|it| (author, it)));
            let of_commits = journal.commits.iter().filter(|it| it.partition == violation.partition);
            commits.extend(of_commits.map(|it| (author, it)));
        }
        handlings.sort_by_key(|(_, it)| it.started);
        ownership.sort_by_key(|(_, it)| it.at);
        commits.sort_by_key(|(_, it)| it.at);
        publishes.sort_by_key(|(_, it)| it.sent);
        let mut by_message: Vec<usize> = (0..handlings.len()).collect();
        by_message.sort_by_key(|&index| (handlings[index].1.key, handlings[index].1.key_seq));
        let timeline = Timeline::of(history);
        let mut facts = Self {
            history,
            ledger,
            lives: Lives::of(&history.story),
            at: timeline.zero,
            timeline,
            violation,
            handlings,
            by_message,
            ownership,
            commits,
            publishes,
        };
        facts.at = facts.instant();
        facts
    }

    /// The report rounds to microseconds; the record that it stands for knows better.
    fn instant(&self) -> MonoNs {
        let own = (self.violation.key, self.violation.key_seq);
        let of_message = |key: u32, seq: u32| own == (Some(key), Some(seq));
        let handled = self.handlings.iter().filter(|(_, it)| of_message(it.key, it.key_seq));
        let handled = handled.flat_map(|(_, it)| [Some(it.started), it.finished.map(|finish| finish.at)]).flatten();
        let published = self.publishes.iter().filter(|(_, it)| of_message(it.key, it.key_seq));
        let published = published.flat_map(|(_, it)| [stored(it).map(|(at, _)| at), Some(it.sent)]).flatten();
        let owned = self.ownership.iter().map(|(_, it)| it.at);
        let committed = self.commits.iter().map(|(_, it)| it.at);
        let believed = self.beliefs().flat_map(|it| [it.from, it.to]);
        let rounded = self.violation.at_ms;
        let mut known = handled.chain(published).chain(owned).chain(committed).chain(believed);
        // Both come from the same function, so they are equal bit by bit or they are not the same instant.
        known.find(|&at| self.timeline.ms(at).total_cmp(&rounded).is_eq()).unwrap_or_else(|| {
            let ns = if rounded.is_finite() && rounded > 0.0 { (rounded * 1e6) as u64 } else { 0 };
            MonoNs(self.timeline.zero.0.saturating_add(ns))
        })
    }

    /// The message that the violation names.
    pub(super) fn named(&self) -> Option<Id> {
        Some((self.violation.key?, self.violation.key_seq?))
    }

    /// The account of a message.
    pub(super) fn message(&self, (key, key_seq): Id) -> Option<&'a Message> {
        let messages = &self.ledger.messages;
        let at = messages.binary_search_by_key(&(key, key_seq), |message| (message.key, message.key_seq)).ok()?;
        messages.get(at)
    }

    /// All messages of a key.
    pub(super) fn of_key(&self, key: u32) -> &'a [Message] {
        let messages = &self.ledger.messages;
        let from = messages.partition_point(|message| message.key < key);
        let to = messages.partition_point(|message| message.key <= key);
        messages.get(from..to).unwrap_or_default()
    }

    /// The message of the partition at a stream sequence.
    pub(super) fn message_at(&self, stream_seq: u64) -> Option<&'a Message> {
        let published = self.publishes.iter().find(|(_, it)| stored(it).is_some_and(|(_, seq)| seq == stream_seq));
        let id = published.map(|(_, it)| (it.key, it.key_seq));
        let handled = || self.handlings.iter().find(|(_, it)| stream_seq > 0 && it.stream_seq == stream_seq);
        self.message(id.or_else(|| handled().map(|(_, it)| (it.key, it.key_seq)))?)
    }

    /// All handlings of a message, by start.
    pub(super) fn of_message(&self, id: Id) -> impl Iterator<Item = (Author, &'a Handling)> {
        let message = |&index: &usize| self.handlings.get(index).map(|(_, it)| (it.key, it.key_seq));
        let from = self.by_message.partition_point(|index| message(index) < Some(id));
        let to = self.by_message.partition_point(|index| message(index) <= Some(id));
        let numbers = self.by_message.get(from..to).unwrap_or_default();
        numbers.iter().filter_map(|&index| self.handlings.get(index).copied())
    }

    /// The handling that the violation names.
    pub(super) fn handling(&self) -> Option<(Author, &'a Handling)> {
        let id = self.named()?;
        let mine = |author: &Author| self.violation.members.contains(&author.to_string());
        self.of_message(id).find(|(author, it)| it.started == self.at && mine(author))
    }

    /// Successful handlings that began before an instant, by start.
    pub(super) fn handled_before(&self, at: MonoNs) -> impl Iterator<Item = (Author, &'a Handling)> {
        let before = self.handlings.partition_point(|(_, it)| it.started < at);
        let handlings = self.handlings.get(..before).unwrap_or_default();
        handlings.iter().copied().filter(|(_, it)| it.finished.is_some_and(|finish| finish.ok))
    }

    /// Beliefs in the partition, by beginning.
    pub(super) fn beliefs(&self) -> impl Iterator<Item = &'a Belief> {
        self.ledger.exclusion.beliefs.iter().filter(|belief| belief.partition == self.violation.partition)
    }

    /// Grants of the partition: who, which epoch, when.
    pub(super) fn grants(&self) -> impl Iterator<Item = (Author, u32, MonoNs)> {
        let grant = |(author, it): &(Author, &Ownership)| match it.change {
            OwnershipChange::Granted { .. } => Some((*author, it.epoch, it.at)),
            _ => None,
        };
        self.ownership.iter().filter_map(grant)
    }

    /// The first grant of an epoch later than this one.
    pub(super) fn superseding(&self, epoch: u32) -> Option<(Author, u32, MonoNs)> {
        self.grants().filter(|(_, granted, _)| *granted > epoch).min_by_key(|(_, _, at)| *at)
    }

    /// The first commit before `before` that covers a stream sequence.
    pub(super) fn covering(&self, stream_seq: u64, before: MonoNs) -> Option<(Author, &'a Commit)> {
        let covers = |commit: &Commit| match commit.reach {
            Reach::UpTo => commit.stream_seq >= stream_seq,
            Reach::Exact => commit.stream_seq == stream_seq,
        };
        self.commits.iter().copied().find(|(_, it)| stream_seq > 0 && it.at < before && covers(it))
    }

    /// What struck members that may have held messages of the partition, from an instant to another: (when, who, how).
    pub(super) fn struck(&self, from: MonoNs, to: MonoNs) -> Vec<(MonoNs, String, String)> {
        let owns = |name: &str| {
            !self.history.manifest.promises.owners
                || self.beliefs().any(|it| it.owner.to_string() == name && it.from <= to && it.to >= from)
        };
        let mut found: Vec<(MonoNs, String, String)> = Vec::new();
        for line in self.history.story.iter().filter(|line| from <= line.at && line.at <= to) {
            match &line.event {
                StoryEvent::Fault { kind, struck, .. } if !["join", "restart"].contains(&kind.as_str()) => {
                    let names = struck.iter().filter(|name| owns(name));
                    found.extend(names.map(|name| (line.at, name.clone(), participle(kind))));
                }
                StoryEvent::Exited { process, ordered: false, .. } if owns(process) => {
                    found.push((line.at, process.clone(), "died unasked".to_owned()));
                }
                StoryEvent::Refused { process, .. } if owns(process) => {
                    found.push((line.at, process.clone(), "was refused a right".to_owned()));
                }
                _ => {}
            }
        }
        found
    }

    /// How a time stands to the violation: `12 ms before`.
    pub(super) fn relative(&self, at: MonoNs) -> String {
        match at.cmp(&self.at) {
            std::cmp::Ordering::Less => format!("{} before", self.at.since(at)),
            std::cmp::Ordering::Equal => "at that instant".to_owned(),
            std::cmp::Ordering::Greater => format!("{} later", at.since(self.at)),
        }
    }

    /// How long the server waits for an ack, as the profile says it.
    pub(super) fn ack_wait(&self) -> Option<&'a str> {
        self.history.manifest.settings.get("strategy")?.get("ack-wait")?.as_str()
    }
}

/// When and where a publish was stored, if that was confirmed.
pub(super) fn stored(publish: &Publish) -> Option<(MonoNs, u64)> {
    match publish.fate {
        Fate::Stored { at, stream_seq, .. } => Some((at, stream_seq)),
        Fate::Unknown | Fate::Failed { .. } => None,
    }
}

/// What a fault of this kind does to whom it strikes.
fn participle(kind: &str) -> String {
    match kind {
        "kill" => "was killed".to_owned(),
        "pause" => "was paused".to_owned(),
        "terminate" => "was terminated".to_owned(),
        "leave" => "was told to leave".to_owned(),
        other => format!("was struck by the fault {other}"),
    }
}
