//! What was wrong between two epochs, or within one.

use super::{Facts, NAMED_MAX, Told, delivery, name, whereabouts};
use crate::model::record::{Handling, OwnershipChange};
use crate::model::time::MonoNs;
use crate::verdict::Message;

/// The rank of a handling's message in its partition, with the message.
fn ranked<'a>(facts: &Facts<'a>, it: &Handling) -> Option<&'a Message> {
    facts.message((it.key, it.key_seq)).filter(|message| message.partition_rank > 0)
}

pub(super) fn epoch_rewind(facts: &Facts<'_>, told: &mut Told) {
    let Some((author, it)) = facts.handling() else { return };
    let same =
        facts.handled_before(facts.at).filter(|(_, other)| other.partition == it.partition && other.epoch == it.epoch);
    let Some((before, last)) = same.last() else { return };
    let what = name(facts, (it.key, it.key_seq));
    told.concern([(last.key, last.key_seq)]);
    told.say(format!(
        "Epoch {} had come to stream sequence {} ({}, begun by {before} {}); then {author} went back to {} with {what}{}.",
        it.epoch,
        last.stream_seq,
        name(facts, (last.key, last.key_seq)),
        facts.relative(last.started),
        it.stream_seq,
        delivery(it)
    ));
    let first = facts.of_message((it.key, it.key_seq)).find(|(_, other)| other.started < facts.at);
    match first {
        Some((owner, other)) => told.say(format!("{owner} had begun it before, {}.", facts.relative(other.started))),
        None => whereabouts(facts, (it.key, it.key_seq)).into_iter().skip(1).for_each(|sentence| told.say(sentence)),
    }
}

pub(super) fn bad_rewind(facts: &Facts<'_>, told: &mut Told) {
    let Some((author, it)) = facts.handling() else { return };
    let Some(message) = ranked(facts, it) else { return };
    let same =
        facts.handled_before(facts.at).filter(|(_, other)| other.partition == it.partition && other.epoch == it.epoch);
    let last = same.last();
    let older =
        facts.handled_before(facts.at).filter(|(_, other)| other.partition == it.partition && other.epoch != it.epoch);
    let high = older.filter_map(|(_, other)| ranked(facts, other)).max_by_key(|other| other.partition_rank);
    let from = match last {
        Some((_, last)) => ranked(facts, last).map_or(0, |last| last.partition_rank),
        None => high.map_or(0, |high| high.partition_rank),
    };
    let in_partition = facts.ledger.messages.iter().filter(|other| other.partition == it.partition);
    let mut left_out: Vec<&Message> = in_partition
        .filter(|other| (from + 1..message.partition_rank).contains(&other.partition_rank) && other.first.is_some())
        .collect();
    left_out.sort_by_key(|other| other.partition_rank);
    told.concern(left_out.iter().take(NAMED_MAX).map(|other| (other.key, other.key_seq)));
    let behind = match last {
        Some((_, last)) => format!("stood at stream sequence {}", last.stream_seq),
        None => "began".to_owned(),
    };
    told.say(format!(
        "Epoch {} {behind} when {author} went to stream sequence {} with {}.",
        it.epoch,
        it.stream_seq,
        name(facts, (it.key, it.key_seq))
    ));
    if let Some(first) = left_out.first() {
        let count = left_out.len();
        let what = name(facts, (first.key, first.key_seq));
        told.say(match count {
            1 => format!("It left out {what} at {}, which somebody handled before or after.", first.stream_seq),
            _ => format!(
                "It left out {count} messages that somebody handled before or after; the first is {what} at {}.",
                first.stream_seq
            ),
        });
        whereabouts(facts, (first.key, first.key_seq)).into_iter().for_each(|sentence| told.say(sentence));
    }
}

pub(super) fn delivery_gap(facts: &Facts<'_>, told: &mut Told) {
    let Some((author, it)) = facts.handling() else { return };
    let before = facts.handlings.iter().rev().find(|(owner, other)| {
        *owner == author && other.partition == it.partition && other.epoch == it.epoch && other.started < facts.at
    });
    let Some((_, last)) = before else { return };
    told.concern([(last.key, last.key_seq)]);
    let missing = it.consumer_seq.saturating_sub(last.consumer_seq).saturating_sub(1);
    let those = if missing == 1 { "1 delivery".to_owned() } else { format!("{missing} deliveries") };
    told.say(format!(
        "{author} began delivery {} of its consumer {} ({}), and then delivery {}: {those} in between never came, or nobody began them.",
        last.consumer_seq,
        facts.relative(last.started),
        name(facts, (last.key, last.key_seq)),
        it.consumer_seq
    ));
    let between = facts.ledger.messages.iter().filter(|other| {
        other.partition == it.partition && (last.stream_seq + 1..it.stream_seq).contains(&other.stream_seq)
    });
    let first = between.filter(|other| other.is_stored()).min_by_key(|other| other.stream_seq);
    if let Some(first) = first {
        told.concern([(first.key, first.key_seq)]);
        told.say(format!(
            "In the stream stands {} between them, at {}.",
            name(facts, (first.key, first.key_seq)),
            first.stream_seq
        ));
        whereabouts(facts, (first.key, first.key_seq)).into_iter().for_each(|sentence| told.say(sentence));
    }
}

pub(super) fn commit_ahead(facts: &Facts<'_>, told: &mut Told) {
    let Some((id, message)) = facts.named().and_then(|id| Some((id, facts.message(id)?))) else { return };
    let Some((author, commit)) = facts.covering(message.stream_seq, MonoNs(u64::MAX)) else { return };
    told.say(format!(
        "The server confirmed {author}'s commit up to stream sequence {} {}; {} stands at {}.",
        commit.stream_seq,
        facts.relative(commit.at),
        name(facts, id),
        message.stream_seq
    ));
    let ended =
        facts.of_message(id).filter_map(|(owner, it)| Some((owner, it.finished.filter(|finish| finish.ok)?.at)));
    match ended.min_by_key(|(_, at)| *at) {
        Some((owner, at)) => told.say(format!(
            "{owner} finished it only {} after that; a crash in between would have lost it.",
            at.since(commit.at)
        )),
        None => told.say("Nobody ever finished it, and behind a commit nobody goes back for it."),
    }
}

pub(super) fn skipped_start(facts: &Facts<'_>, told: &mut Told) {
    let opened = facts.ownership.iter().find_map(|(author, it)| match it.change {
        OwnershipChange::Opened { start_seq } if it.at == facts.at => Some((*author, it.epoch, start_seq)),
        _ => None,
    });
    let Some((author, epoch, start_seq)) = opened else { return };
    let open = |other: &&Message| {
        let done = facts
            .of_message((other.key, other.key_seq))
            .any(|(_, it)| it.finished.is_some_and(|finish| finish.ok && finish.at <= facts.at));
        other.partition == facts.violation.partition && other.place < start_seq && other.is_due() && !done
    };
    let mut passed: Vec<&Message> = facts.ledger.messages.iter().filter(open).collect();
    passed.sort_by_key(|other| other.place);
    told.concern(passed.iter().take(NAMED_MAX).map(|other| (other.key, other.key_seq)));
    let Some(first) = passed.first() else { return };
    told.say(format!(
        "{author} opened the consumer of epoch {epoch} at stream sequence {start_seq}; {} at {} had not been handled by then.",
        name(facts, (first.key, first.key_seq)),
        first.stream_seq
    ));
    if let Some((owner, commit)) = facts.covering(first.stream_seq, facts.at) {
        told.say(format!(
            "{owner}'s commit up to {} had been confirmed {}: it was wrong.",
            commit.stream_seq,
            facts.relative(commit.at)
        ));
    }
    whereabouts(facts, (first.key, first.key_seq)).into_iter().for_each(|sentence| told.say(sentence));
}
