//! What is missing or made up: messages, copies, owners, handlings.

use super::super::facts::stored;
use super::{Facts, Told, name};
use crate::model::record::Fate;
use crate::model::report::OwnershipEnd;
use crate::model::time::MonoNs;

pub(super) fn phantom(facts: &Facts<'_>, told: &mut Told) {
    let (Some(id), Some((author, it))) = (facts.named(), facts.handling()) else { return };
    let what = name(facts, id);
    if !it.intact {
        told.say(format!("What {author} was given as {what} is not what a publisher of this run wrote: its checksum is wrong, or another run's id is in it."));
        return;
    }
    let last = facts.publishes.iter().filter(|(_, it)| it.key == id.0).map(|(_, it)| it.key_seq).max();
    told.say(match last {
        Some(last) => format!("No publisher wrote down that it sent {what}; of this key the last one sent is {last}."),
        None => format!("No publisher wrote down that it sent {what}, nor anything else of key {}.", id.0),
    });
}

pub(super) fn lost(facts: &Facts<'_>, told: &mut Told) {
    let Some((id, message)) = facts.named().and_then(|id| Some((id, facts.message(id)?))) else { return };
    let what = name(facts, id);
    let attempts = facts.of_message(id).count();
    match facts.of_message(id).last() {
        None => {
            told.say(format!("{what} was stored at stream sequence {}, and nobody ever began it.", message.stream_seq))
        }
        Some((author, it)) => told.say(format!(
            "{what} was begun {attempts} times and never finished with success; the last to try was {author}, {}.",
            facts.relative(it.started)
        )),
    }
    let passed = facts.of_key(id.0).iter().filter(|other| other.rank > message.rank && other.first.is_some()).count();
    if passed > 0 {
        told.say(format!("{passed} later messages of its key were handled."));
    }
    if let Some((author, commit)) = facts.covering(message.stream_seq, MonoNs(u64::MAX)) {
        told.say(format!(
            "{author}'s commit of stream sequence {}, confirmed {}, covers it: from then on nobody goes back for it.",
            commit.stream_seq,
            facts.relative(commit.at)
        ));
    }
    let until = facts.timeline.end;
    let from = message.stored.unwrap_or(message.sent);
    let later = facts.handled_before(until).find(|(_, it)| {
        it.started > from
            && facts.message((it.key, it.key_seq)).is_some_and(|other| other.partition_rank > message.partition_rank)
    });
    let struck = facts.struck(from, later.map_or(until, |(_, it)| it.started));
    if let Some((at, who, how)) = struck.first() {
        told.say(format!("{who} {how} {} after it was stored, while it was the next to come.", at.since(from)));
    }
}

pub(super) fn lost_by_server(facts: &Facts<'_>, told: &mut Told) {
    let Some((id, message)) = facts.named().and_then(|id| Some((id, facts.message(id)?))) else { return };
    let what = name(facts, id);
    let confirmed = facts.publishes.iter().filter(|(_, it)| (it.key, it.key_seq) == id).find_map(|(author, it)| {
        let Fate::Stored { at, stream_seq, .. } = it.fate else { return None };
        let place = if stream_seq == 0 { String::new() } else { format!(" at stream sequence {stream_seq}") };
        Some(format!("{author} was told {} that {what} is stored{place}", facts.relative(at)))
    });
    let stored = confirmed.unwrap_or_else(|| format!("{what} was delivered, so it was stored"));
    told.say(format!("{stored}; when the stream was read back at the end, it did not hold it."));
    match facts.of_message(id).last() {
        None => told.say("Nobody ever began it.".to_owned()),
        Some((author, it)) => told.say(format!("{author} began it {}.", facts.relative(it.started))),
    }
    let from = message.stored.unwrap_or(message.sent);
    if let Some((at, who, how)) = facts.struck(from, facts.timeline.end).first() {
        told.say(format!("{who} {how} {} after it was stored.", at.since(from)));
    }
}

pub(super) fn publish_reordered(facts: &Facts<'_>, told: &mut Told) {
    let Some((id, message)) = facts.named().and_then(|id| Some((id, facts.message(id)?))) else { return };
    let later = facts
        .of_key(id.0)
        .iter()
        .filter(|other| other.is_stored() && other.key_seq > id.1 && other.place < message.place);
    let Some(later) = later.min_by_key(|other| other.place) else { return };
    told.concern([(later.key, later.key_seq)]);
    let attempts = facts.publishes.iter().filter(|(_, it)| (it.key, it.key_seq) == id);
    let tries = attempts.count();
    told.say(format!(
        "p{} sent {} and {} after it message {}; the stream holds the later one at {} and this one at {}.",
        message.publisher,
        name(facts, id),
        later.sent.since(message.sent),
        later.key_seq,
        later.stream_seq,
        message.stream_seq
    ));
    if tries > 1 {
        told.say(format!("It was sent {tries} times: one of the first attempts did not get there."));
    }
}

pub(super) fn duplicate_stored(facts: &Facts<'_>, told: &mut Told) {
    let Some(id) = facts.named() else { return };
    let attempts: Vec<_> = facts.publishes.iter().filter(|(_, it)| (it.key, it.key_seq) == id).collect();
    for (author, it) in attempts.iter().take(super::NAMED_MAX) {
        let sent = facts.relative(it.sent);
        let fate = match it.fate {
            Fate::Unknown => "and never got an answer".to_owned(),
            Fate::Failed { at } => format!("and was told {} that it is not stored", facts.relative(at)),
            Fate::Stored { at, stream_seq, .. } => {
                format!("and it was confirmed at stream sequence {stream_seq} {}", facts.relative(at))
            }
        };
        told.say(format!("{author} sent {} {sent} {fate}.", name(facts, id)));
    }
    let mut copies: Vec<u64> = facts.of_message(id).map(|(_, it)| it.stream_seq).filter(|seq| *seq > 0).collect();
    copies.extend(attempts.iter().filter_map(|(_, it)| stored(it)).map(|(_, seq)| seq));
    copies.sort_unstable();
    copies.dedup();
    if copies.len() > 1 {
        let list: Vec<String> = copies.iter().map(u64::to_string).collect();
        told.say(format!("The stream holds it at {}.", list.join(" and ")));
    }
}

pub(super) fn orphaned(facts: &Facts<'_>, told: &mut Told) {
    let partition = facts.violation.partition;
    let before = facts.beliefs().filter(|it| it.to <= facts.at).max_by_key(|it| it.to);
    let after = facts.beliefs().filter(|it| it.from > facts.at).min_by_key(|it| it.from);
    if let Some(it) = before {
        let how = match it.end {
            OwnershipEnd::Released => "gave it back",
            OwnershipEnd::Lost => "learned that it was lost",
            OwnershipEnd::Expired => "did not renew before its deadline",
            OwnershipEnd::Died => "died",
            OwnershipEnd::Open => "was the last known",
        };
        told.say(format!(
            "{}, who owned partition {partition} in epoch {}, {how} {}.",
            it.owner,
            it.epoch,
            facts.relative(it.to)
        ));
    }
    told.say(match after {
        Some(it) => format!("{} was granted it, in epoch {}, only {}.", it.owner, it.epoch, facts.relative(it.from)),
        None => "Nobody was granted it again.".to_owned(),
    });
}

pub(super) fn stalled(facts: &Facts<'_>, told: &mut Told) {
    let partition = facts.violation.partition;
    let begun = facts.handlings.iter().find(|(_, it)| it.started > facts.at && it.partition == partition);
    let waits = |message: &&crate::verdict::Message| {
        message.partition == partition
            && message.waits_since().is_some_and(|since| since <= facts.at)
            && facts.of_message((message.key, message.key_seq)).next().is_none_or(|(_, it)| it.started >= facts.at)
    };
    let first = facts.ledger.messages.iter().filter(waits).min_by_key(|message| message.place);
    if let Some(message) = first {
        let id = (message.key, message.key_seq);
        told.concern([id]);
        told.say(format!("{} waited from then on.", name(facts, id)));
    }
    told.say(match begun {
        Some((author, it)) => format!(
            "The next to be begun in partition {partition} was {}, by {author} {}.",
            name(facts, (it.key, it.key_seq)),
            facts.relative(it.started)
        ),
        None => format!("Nothing was begun in partition {partition} after that."),
    });
    let owner = facts.beliefs().find(|it| it.from <= facts.at && facts.at < it.to);
    match owner {
        Some(it) => told.say(format!("{} believed to own it then, until {}.", it.owner, facts.relative(it.to))),
        None if facts.history.manifest.promises.owners => told.say("Nobody owned it then."),
        None => {}
    }
    if let Some((at, who, how)) = facts.struck(facts.at, begun.map_or(facts.timeline.end, |(_, it)| it.started)).first()
    {
        told.say(format!("{who} {how} {}.", facts.relative(*at)));
    }
}
