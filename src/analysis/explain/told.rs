//! What went wrong, in one or a few sentences: as far as the evidence tells, and no further.

mod absence;
mod exclusion;
mod order;
mod succession;

use super::facts::{Facts, Id};
use crate::model::record::{Author, Handling};
use crate::model::report::OwnershipEnd;
use crate::model::time::MonoNs;

/// As many messages concerned are named and shown.
const NAMED_MAX: usize = 5;

/// The sentences, and the messages that they are about.
#[derive(Default)]
pub(super) struct Told {
    pub(super) sentences: Vec<String>,
    pub(super) concerned: Vec<Id>,
}

impl Told {
    fn say(&mut self, sentence: impl Into<String>) {
        self.sentences.push(sentence.into());
    }

    fn concern(&mut self, ids: impl IntoIterator<Item = Id>) {
        for id in ids {
            if !self.concerned.contains(&id) {
                self.concerned.push(id);
            }
        }
    }
}

/// Tells what went wrong. A kind that a later version counts is told by its story alone.
pub(super) fn tell(facts: &Facts<'_>) -> Told {
    let mut told = Told::default();
    told.concern(facts.named());
    match facts.violation.kind.as_str() {
        "skipped" => order::skipped(facts, &mut told),
        "late" => order::late(facts, &mut told),
        "regressed" => order::regressed(facts, &mut told),
        "phantom" => absence::phantom(facts, &mut told),
        "lost" => absence::lost(facts, &mut told),
        "overlap" => exclusion::overlap(facts, &mut told),
        "dual_ownership" => exclusion::dual_ownership(facts, &mut told),
        "stale_handling" | "ghost_delivery" => exclusion::superseded(facts, &mut told),
        "stale_commit" => exclusion::stale_commit(facts, &mut told),
        "stale_effect" => exclusion::stale_effect(facts, &mut told),
        "epoch_rewind" => succession::epoch_rewind(facts, &mut told),
        "bad_rewind" => succession::bad_rewind(facts, &mut told),
        "delivery_gap" => succession::delivery_gap(facts, &mut told),
        "commit_ahead" => succession::commit_ahead(facts, &mut told),
        "skipped_start" => succession::skipped_start(facts, &mut told),
        "publish_reordered" => absence::publish_reordered(facts, &mut told),
        "lost_by_server" => absence::lost_by_server(facts, &mut told),
        "duplicate_stored" => absence::duplicate_stored(facts, &mut told),
        "orphaned" => absence::orphaned(facts, &mut told),
        "stalled" => absence::stalled(facts, &mut told),
        _ => {}
    }
    if told.sentences.is_empty() {
        told.say(format!("{}. The evidence tells no more.", facts.violation.story));
    }
    told
}

/// A message, as sentences name it.
fn name(facts: &Facts<'_>, (key, key_seq): Id) -> String {
    let own = facts.violation.key == Some(key);
    if own { format!("message {key_seq}") } else { format!("message {key_seq} of key {key}") }
}

/// Which delivery of its message a handling was, and in which epoch.
fn delivery(handling: &Handling) -> String {
    let count = match handling.delivered {
        0 => None,
        1 => Some("as its first delivery".to_owned()),
        count => Some(format!("as delivery {count}")),
    };
    let epoch = (handling.epoch > 0).then(|| format!("in epoch {}", handling.epoch));
    let words: Vec<String> = count.into_iter().chain(epoch).collect();
    if words.is_empty() { String::new() } else { format!(" {}", words.join(" ")) }
}

/// Where a message was when it was missing: who had begun it, who had it in hand, when it came at last.
fn whereabouts(facts: &Facts<'_>, id: Id) -> Vec<String> {
    let mut sentences = Vec::new();
    let what = name(facts, id);
    let all: Vec<(Author, &Handling)> = facts.of_message(id).collect();
    let before = all.iter().rev().find(|(_, it)| it.started < facts.at);
    if let Some((author, it)) = before {
        let begun = format!("{author} had begun {what} {}{}", facts.relative(it.started), delivery(it));
        let ended = match (it.finished, facts.lives.died(*author)) {
            (Some(finish), _) if finish.at > facts.at => "and was still at it",
            (Some(finish), _) if finish.ok => "and had finished it",
            (Some(_), _) => "and had failed",
            (None, Some(_)) => "and died before it had finished",
            (None, None) => "and never finished it",
        };
        sentences.push(format!("{begun}, {ended}."));
    }
    let after = all.iter().find(|(_, it)| it.started >= facts.at);
    let stored = facts.message(id).and_then(|message| message.stored);
    match (after, before) {
        (Some((author, it)), _) => {
            let again = if before.is_some() { "again " } else { "" };
            sentences.push(format!("{author} began {what} {again}{}{}.", facts.relative(it.started), delivery(it)));
        }
        (None, None) => sentences.push(format!("Nobody ever began {what}.")),
        (None, Some(_)) => sentences.push("Nobody began it again.".to_owned()),
    }
    if let Some((_, it)) = after {
        let records = all.iter().filter(|(_, other)| other.started < it.started).count();
        sentences.extend(missing_deliveries(facts, id, records, it));
    }
    let beginner = after.or(before).map(|(author, _)| *author);
    sentences.extend(stored.and_then(|at| owner_then(facts, &what, at, beginner)));
    let struck = stored.map(|from| facts.struck(from, after.map_or(facts.timeline.end, |(_, it)| it.started)));
    if let Some((at, who, how)) = struck.and_then(|all| all.into_iter().next()) {
        let since = stored.map(|from| at.since(from)).unwrap_or_default();
        sentences.push(format!("{who} {how} {since} after {what} was stored."));
    }
    sentences
}

/// Who owned the partition when a message was stored, and how that ended, unless it is who began it.
fn owner_then(facts: &Facts<'_>, what: &str, stored: MonoNs, beginner: Option<Author>) -> Option<String> {
    let belief = facts.beliefs().find(|it| it.from <= stored && stored < it.to)?;
    if Some(belief.owner) == beginner {
        return None;
    }
    let how = match belief.end {
        OwnershipEnd::Released => "gave it back",
        OwnershipEnd::Lost => "learned that it was lost",
        OwnershipEnd::Expired => "let its deadline pass",
        OwnershipEnd::Died => "died",
        OwnershipEnd::Open => return None,
    };
    Some(format!(
        "When {what} was stored, {} owned partition {} in epoch {}; it {how} {} after that.",
        belief.owner,
        belief.partition,
        belief.epoch,
        belief.to.since(stored)
    ))
}

/// What the delivery count says about deliveries that nobody began.
fn missing_deliveries(facts: &Facts<'_>, id: Id, records: usize, it: &Handling) -> Option<String> {
    let earlier =
        usize::from(it.delivered).checked_sub(records + 1).filter(|count| *count > 0 && it.delivered < 255)?;
    let which = if earlier == 1 { "An earlier delivery".to_owned() } else { format!("{earlier} earlier deliveries") };
    let stored = facts.message(id).and_then(|message| message.stored)?;
    let wait = facts.ack_wait().map_or_else(String::new, |wait| format!(", whose ack wait is {wait}"));
    Some(format!(
        "{which} of it reached somebody who never began it; it came back {} after it was stored, from a consumer that waits for acks{wait}.",
        it.received.since(stored)
    ))
}
