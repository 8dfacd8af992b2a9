//! Where two had, or thought to have, one partition.

use super::{Facts, Told, name};
use crate::model::record::Handling;
use crate::model::report::OwnershipEnd;
use crate::model::time::MonoNs;

pub(super) fn overlap(facts: &Facts<'_>, told: &mut Told) {
    let Some((later, it)) = facts.handling() else { return };
    let goes_on =
        |other: &Handling| other.started <= facts.at && other.finished.is_none_or(|finish| finish.at > facts.at);
    let member = facts.violation.members.first().cloned().unwrap_or_default();
    let other = facts.handlings.iter().rev().find(|(author, other)| {
        author.to_string() == member && goes_on(other) && other.partition == it.partition && *author != later
    });
    let Some((earlier, other)) = other else { return };
    told.concern([(other.key, other.key_seq)]);
    let ended = match other.finished {
        Some(finish) => format!("ended it {}", facts.relative(finish.at)),
        None => "never ended it".to_owned(),
    };
    told.say(format!(
        "{earlier} began {} {} and {ended}; {later} began {} in between.",
        name(facts, (other.key, other.key_seq)),
        facts.relative(other.started),
        name(facts, (it.key, it.key_seq))
    ));
    grants(facts, told, other.epoch);
}

pub(super) fn dual_ownership(facts: &Facts<'_>, told: &mut Told) {
    let named = |index: usize| {
        let owner = facts.violation.members.get(index)?;
        let epoch = *facts.violation.epochs.get(index)?;
        facts
            .beliefs()
            .find(|it| it.owner.to_string() == *owner && it.epoch == epoch && it.from <= facts.at && it.to >= facts.at)
    };
    let (Some(earlier), Some(later)) = (named(0), named(1)) else { return };
    let end = match earlier.end {
        OwnershipEnd::Released => "it gave it back",
        OwnershipEnd::Lost => "it knew that it had lost it",
        OwnershipEnd::Expired => "its deadline passed",
        OwnershipEnd::Died => "it died",
        OwnershipEnd::Open => "the evidence ends",
    };
    told.say(format!(
        "{} was granted partition {} in epoch {} {} and believed it until {end}, {}; {} was granted epoch {} in between.",
        earlier.owner,
        earlier.partition,
        earlier.epoch,
        facts.relative(earlier.from),
        facts.relative(earlier.to),
        later.owner,
        later.epoch
    ));
    paused(facts, told, &earlier.owner.to_string());
}

/// Begun in an epoch that was over, or even delivered after that.
pub(super) fn superseded(facts: &Facts<'_>, told: &mut Told) {
    let Some((author, it)) = facts.handling() else { return };
    grants(facts, told, it.epoch);
    let given = facts.superseding(it.epoch).is_some_and(|(_, _, granted)| granted < it.received);
    let when = facts.relative(it.received);
    if given {
        told.say(format!("{author} was given {} after that, {when}.", name(facts, (it.key, it.key_seq))));
    } else {
        told.say(format!(
            "{author} had been given {} before that, {when}, and began it all the same.",
            name(facts, (it.key, it.key_seq))
        ));
    }
    let belief = facts.beliefs().filter(|belief| belief.owner == author && belief.epoch == it.epoch).last();
    if let Some(belief) = belief {
        told.say(if belief.to > it.started {
            format!("By its own deadline it still owned the partition: that ended {}.", facts.relative(belief.to))
        } else {
            format!(
                "Its own belief in the partition had ended {}: it did not check, or checked too early.",
                facts.relative(belief.to)
            )
        });
    }
    paused(facts, told, &author.to_string());
}

pub(super) fn stale_commit(facts: &Facts<'_>, told: &mut Told) {
    let violation = facts.violation;
    let Some(stream_seq) = violation.stream_seq else { return };
    let message = facts.message_at(stream_seq);
    let id = message.map(|message| (message.key, message.key_seq));
    told.concern(id);
    let author = violation.members.first().cloned().unwrap_or_default();
    let begun =
        id.and_then(|id| facts.of_message(id).find(|(owner, it)| owner.to_string() == author && it.started < facts.at));
    if let (Some((_, it)), Some(id)) = (begun, id) {
        told.say(format!("{author} began {} in epoch {} {}.", name(facts, id), it.epoch, facts.relative(it.started)));
    }
    if let Some(epoch) = violation.epochs.first().copied().filter(|epoch| *epoch > 0).or(begun.map(|(_, it)| it.epoch))
    {
        grants(facts, told, epoch);
    }
    told.say("The server took the ack all the same: it knows nothing of epochs.");
}

pub(super) fn stale_effect(facts: &Facts<'_>, told: &mut Told) {
    let [epoch, behind] = facts.violation.epochs[..] else { return };
    let own = |it: &Handling| it.epoch == epoch && Some(it.stream_seq) == facts.violation.stream_seq;
    let handling = facts.named().and_then(|id| facts.of_message(id).find(|(_, it)| own(it)));
    if let Some((author, it)) = handling {
        let ended = it.finished.map_or_else(String::new, |end| format!(" and ended it {}", facts.relative(end.at)));
        let what = name(facts, (it.key, it.key_seq));
        told.say(format!("{author} began {what} in epoch {epoch} {}{ended}.", facts.relative(it.started)));
    }
    grants(facts, told, epoch);
    told.say(format!(
        "The sink had taken an effect of epoch {behind} by then, and took this one all the same: no fence held it off."
    ));
    if let Some((author, _)) = handling {
        paused(facts, told, &author.to_string());
    }
}

/// Says when an epoch was superseded, and by whom.
fn grants(facts: &Facts<'_>, told: &mut Told, epoch: u32) {
    if let Some((owner, later, at)) = facts.superseding(epoch).filter(|_| epoch > 0) {
        told.say(format!("Epoch {epoch} was over when epoch {later} was granted to {owner}, {}.", facts.relative(at)));
    }
}

/// Says that somebody was paused shortly before: who sleeps does not see its deadline pass.
fn paused(facts: &Facts<'_>, told: &mut Told, who: &str) {
    let Some(life) = who.parse().ok().and_then(|author| facts.lives.get(author)) else { return };
    let pause = life.pauses.iter().rev().find(|(from, _)| *from <= facts.at);
    if let Some(&(from, to)) = pause {
        let until = if to == MonoNs(u64::MAX) {
            "never continued".to_owned()
        } else {
            format!("continued {}", facts.relative(to))
        };
        told.say(format!("{who} was paused {} and {until}.", facts.relative(from)));
    }
}
