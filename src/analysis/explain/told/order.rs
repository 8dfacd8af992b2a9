//! Where the order of a key broke.

use super::{Facts, NAMED_MAX, Told, delivery, name, whereabouts};
use crate::model::record::Handling;
use crate::model::time::MonoNs;
use crate::verdict::Message;

/// The messages of the key that stand before `message` and had not been handled when the violation happened.
fn missing<'a>(facts: &Facts<'a>, message: &Message) -> Vec<&'a Message> {
    let done = |other: &Message| {
        let of_message = facts.of_message((other.key, other.key_seq));
        of_message.filter(|(_, it)| it.finished.is_some_and(|finish| finish.ok)).any(|(_, it)| it.started < facts.at)
    };
    let before = facts.of_key(message.key).iter().filter(|other| other.rank > 0 && other.rank < message.rank);
    before.filter(|other| !done(other)).collect()
}

/// The message of the key that was handled last before an instant, and the greatest by rank.
fn reached<'a>(facts: &Facts<'a>, key: u32, at: MonoNs) -> Option<&'a Message> {
    let handled = facts.handled_before(at).filter(|(_, it)| it.key == key);
    handled.filter_map(|(_, it)| facts.message((key, it.key_seq))).max_by_key(|message| message.rank)
}

pub(super) fn skipped(facts: &Facts<'_>, told: &mut Told) {
    let Some((id, message)) = facts.named().and_then(|id| Some((id, facts.message(id)?))) else { return };
    let missing = missing(facts, message);
    // Holes of earlier skips have been counted before; this one's are the last.
    let hole = usize::try_from(facts.violation.distance.unwrap_or(1)).unwrap_or(usize::MAX);
    let mine = missing.get(missing.len().saturating_sub(hole)..).unwrap_or_default();
    let Some(first) = mine.first() else { return };
    told.concern(mine.iter().take(NAMED_MAX).map(|other| (other.key, other.key_seq)));
    let who = facts.violation.members.first().map_or("somebody", String::as_str);
    let those = match mine {
        [one] => format!("message {}", one.key_seq),
        [.., last] => format!("{} messages of its key, {} … {},", mine.len(), first.key_seq, last.key_seq),
        [] => return,
    };
    told.say(format!("{who} began {} while {those} had not been handled.", name(facts, id)));
    for sentence in whereabouts(facts, (first.key, first.key_seq)) {
        told.say(sentence);
    }
}

pub(super) fn late(facts: &Facts<'_>, told: &mut Told) {
    let Some((id, message)) = facts.named().and_then(|id| Some((id, facts.message(id)?))) else { return };
    let Some(ahead) = reached(facts, id.0, facts.at) else { return };
    let waited = message.stored.map_or_else(String::new, |at| format!(", {} after it was stored", facts.at.since(at)));
    let who = facts.violation.members.first().map_or("somebody", String::as_str);
    told.say(format!(
        "{who} came to {} only when its key had got to message {}{waited}.",
        name(facts, id),
        ahead.key_seq
    ));
    let overtaken = facts.handled_before(facts.at).find(|(_, it)| {
        it.key == id.0 && facts.message((it.key, it.key_seq)).is_some_and(|other| other.rank > message.rank)
    });
    if let Some((author, it)) = overtaken {
        let when = facts.relative(it.started);
        told.say(format!("The first to pass it was message {}, begun by {author} {when}.", it.key_seq));
    }
    for sentence in whereabouts(facts, id).into_iter().skip_while(|sentence| sentence.contains("at that instant")) {
        told.say(sentence);
    }
}

pub(super) fn regressed(facts: &Facts<'_>, told: &mut Told) {
    let Some((id, message)) = facts.named().and_then(|id| Some((id, facts.message(id)?))) else { return };
    let what = name(facts, id);
    let first = facts.of_message(id).find(|(_, it)| it.finished.is_some_and(|finish| finish.ok));
    if let Some((author, it)) = first.filter(|(_, it)| it.started < facts.at) {
        told.say(format!("{author} had handled {what} {}{}.", facts.relative(it.started), delivery(it)));
    }
    let ahead = reached(facts, id.0, facts.at)
        .map_or_else(String::new, |it| format!(", when its key had got to message {}", it.key_seq));
    let again = facts
        .handling()
        .map_or_else(String::new, |(author, it)| format!("{author} handled it again{}{ahead}.", delivery(it)));
    told.say(again);
    if let Some((author, commit)) = facts.covering(message.stream_seq, facts.at) {
        let when = facts.relative(commit.at);
        told.say(format!(
            "The server had confirmed {author}'s commit of it {when}, so nobody should have been given it again."
        ));
        return;
    }
    let follows = |it: &Handling| it.key == id.0 && it.started > facts.at;
    if let Some((author, it)) = facts.handlings.iter().find(|(_, it)| follows(it)) {
        told.say(format!(
            "It is no replay that goes back and comes forward again: the next of its key was message {}, begun by {author} {}.",
            it.key_seq,
            facts.relative(it.started)
        ));
    }
}
