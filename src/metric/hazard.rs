//! Hazards: the ways in which ordered consumption is known to go wrong, and the metric that counts each.
//!
//! The list is that of `facts/jetstream.md`, section V; `docs/hazards.md` is generated from it. A hazard is one entry. What it
//! counts is a metric of this room, and the tests plant it beside its near miss.

#[cfg(test)]
mod tests;

use crate::model::promise::Promises;
use crate::model::reading::{Reading, Scope, Stat};
use crate::model::report::HazardFinding;

/// One way in which it goes wrong.
#[derive(Clone, Copy, Debug)]
pub struct Hazard {
    /// Its number, from 1.
    pub number: u8,
    /// Its id.
    pub id: &'static str,
    /// What happens, in one line.
    pub about: &'static str,
    /// The metrics that count it; what they have for the whole run is added up.
    pub metrics: &'static [&'static str],
    /// What it is seen from.
    pub evidence: &'static str,
    /// The promise that it breaks, where it is made.
    pub breaks: Option<Promise>,
    /// What looks like it, and is none.
    pub near_miss: &'static str,
}

/// A promise that a hazard may break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Promise {
    /// At least once.
    AtLeastOnce,
    /// Order per key.
    OrderPerKey,
    /// Exclusion.
    Exclusive,
    /// No superseded effect.
    Fenced,
    /// What needs no promise.
    Always,
}

impl Promise {
    /// In words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::AtLeastOnce => "at least once",
            Self::OrderPerKey => "order per key",
            Self::Exclusive => "exclusive",
            Self::Fenced => "no superseded effect",
            Self::Always => "needs no promise",
        }
    }

    fn is_made(self, promises: Promises) -> bool {
        match self {
            Self::AtLeastOnce => promises.at_least_once,
            Self::OrderPerKey => promises.order_per_key,
            Self::Exclusive => promises.exclusive,
            Self::Fenced => promises.fenced,
            Self::Always => true,
        }
    }
}

/// All of them, by number.
pub const ALL: &[Hazard] = &[
    Hazard {
        number: 1,
        id: "first_out_of_order",
        about: "a message is handled for the first time while one of its key before it never was",
        metrics: &["skipped"],
        evidence: "handlings in the order of their starts, against the order of the stream",
        breaks: Some(Promise::OrderPerKey),
        near_miss: "two keys of a partition pass each other",
    },
    Hazard {
        number: 2,
        id: "late_hole",
        about: "a message that was passed over comes after its successors",
        metrics: &["late"],
        evidence: "handlings in the order of their starts, against the order of the stream",
        breaks: Some(Promise::OrderPerKey),
        near_miss: "the publisher stored them in that order",
    },
    Hazard {
        number: 3,
        id: "epoch_rewind",
        about: "an owner goes back within its own epoch",
        metrics: &["epoch_rewind"],
        evidence: "epochs and stream sequences of handlings",
        breaks: Some(Promise::OrderPerKey),
        near_miss: "a handler that failed is tried again in place",
    },
    Hazard {
        number: 4,
        id: "bad_rewind",
        about: "a new owner begins behind the first message that is not handled, or leaves out some of what it repeats",
        metrics: &["bad_rewind"],
        evidence: "epochs and stream sequences of handlings",
        breaks: Some(Promise::OrderPerKey),
        near_miss: "a legal rewind: contiguous from any place up to where the owner before it had come",
    },
    Hazard {
        number: 5,
        id: "late_duplicate",
        about: "a message is handled again after its successors, and not as part of a legal replay",
        metrics: &["regressed"],
        evidence: "handlings in the order of their starts, and the commits before them",
        breaks: Some(Promise::OrderPerKey),
        near_miss: "an uncommitted message is repeated in a replay that reaches what had been handled",
    },
    Hazard {
        number: 6,
        id: "delivery_gap",
        about: "the transport loses a delivery, and the owner goes on behind the gap",
        metrics: &["delivery_gap"],
        evidence: "consumer sequences of handlings within an epoch",
        breaks: None,
        near_miss: "a gap is answered with a new epoch",
    },
    Hazard {
        number: 7,
        id: "dual_owner",
        about: "two sessions believe to own one partition at the same time",
        metrics: &["dual_ownership"],
        evidence: "grants, renewals with their deadlines, releases, losses, deaths",
        breaks: Some(Promise::Exclusive),
        near_miss: "a belief ends at the instant at which the next begins",
    },
    Hazard {
        number: 8,
        id: "overlap",
        about: "two members handle messages of one partition at the same time",
        metrics: &["overlap"],
        evidence: "starts and ends of handlings; the death of a member ends what it had begun",
        breaks: Some(Promise::Exclusive),
        near_miss: "one handling ends at the instant at which the next begins",
    },
    Hazard {
        number: 9,
        id: "zombie_start",
        about: "a superseded owner begins a message after the next grant",
        metrics: &["stale_handling"],
        evidence: "epochs and starts of handlings, and grants",
        breaks: Some(Promise::Exclusive),
        near_miss: "a stale tail: the message in hand had begun before the grant",
    },
    Hazard {
        number: 10,
        id: "stale_write",
        about: "what a superseded owner does takes effect: the server takes its acknowledgement, or the sink its result",
        metrics: &["stale_commit", "stale_effect"],
        evidence: "commits that the server confirmed, and the handlings that they are of; what the sink holds at the end",
        breaks: Some(Promise::Fenced),
        near_miss: "the confirmation of a message that was begun in time comes after the grant; a successor repeats an effect",
    },
    Hazard {
        number: 11,
        id: "ghost_delivery",
        about: "a message is delivered to a session that owns the partition no more, and it is handled there",
        metrics: &["ghost_delivery"],
        evidence: "when a handled message was received, and grants",
        breaks: None,
        near_miss: "it was received before the next grant",
    },
    Hazard {
        number: 12,
        id: "lost",
        about: "a stored message is never handled",
        metrics: &["lost"],
        evidence: "what the stream holds at the end, else what publishers had confirmed or members were given, against what was handled by the end of the drain",
        breaks: Some(Promise::AtLeastOnce),
        near_miss: "a publish without an answer that nobody ever saw; a message that the server itself has lost",
    },
    Hazard {
        number: 13,
        id: "commit_ahead",
        about: "a commit covers a message that nobody has handled yet: whoever takes over there loses it",
        metrics: &["commit_ahead"],
        evidence: "confirmed commits against the ends of handlings",
        breaks: None,
        near_miss: "the commit comes right after the handling",
    },
    Hazard {
        number: 14,
        id: "given_up",
        about: "the server delivers a message no more, because it was delivered too often or a member said so",
        metrics: &["dropped"],
        evidence: "the server's advisories, and confirmed terms",
        breaks: None,
        near_miss: "it was given up and had been handled",
    },
    Hazard {
        number: 15,
        id: "skipped_start",
        about: "a consumer is opened behind messages that nobody has handled",
        metrics: &["skipped_start"],
        evidence: "where consumers were opened, against the ends of handlings",
        breaks: Some(Promise::AtLeastOnce),
        near_miss: "it is opened right behind the last handled message",
    },
    Hazard {
        number: 16,
        id: "replay",
        about: "messages are handled again because of a takeover: legal, and measured",
        metrics: &["redelivered"],
        evidence: "repeated handlings of uncommitted messages",
        breaks: None,
        near_miss: "the publisher stored a second copy",
    },
    Hazard {
        number: 17,
        id: "publish_reordered",
        about: "messages of a key stand in the stream in another order than they were made in",
        metrics: &["publish_reordered"],
        evidence: "stream sequences, as the stream itself has them where it was read back, against sequences of the key",
        breaks: None,
        near_miss: "messages of two keys change places",
    },
    Hazard {
        number: 18,
        id: "publish_duplicate",
        about: "a message is stored twice",
        metrics: &["duplicate_stored"],
        evidence: "the stream itself where it was read back, stream sequences of confirmations and deliveries",
        breaks: None,
        near_miss: "the server knew the message id and stored no second copy",
    },
    Hazard {
        number: 19,
        id: "misrouted",
        about: "messages of one key come in two partitions",
        metrics: &["misrouted"],
        evidence: "the partition of a delivery, against the hash of its key",
        breaks: None,
        near_miss: "two keys of one partition",
    },
    Hazard {
        number: 20,
        id: "orphan",
        about: "nobody owns a partition for longer than any takeover takes",
        metrics: &["orphaned"],
        evidence: "beliefs, one after the other",
        breaks: None,
        near_miss: "a takeover after a crash",
    },
    Hazard {
        number: 21,
        id: "stall",
        about: "messages of a partition wait for longer than any takeover takes, and nobody handles them",
        metrics: &["stalled"],
        evidence: "storage of messages, and starts and ends of handlings",
        breaks: None,
        near_miss: "a partition for which nothing waits",
    },
    Hazard {
        number: 22,
        id: "flap",
        about: "more partitions change their owner than a fault requires",
        metrics: &["flapped"],
        evidence: "beliefs before and after each fault",
        breaks: None,
        near_miss: "the partitions of a dead member move",
    },
];

/// What of them was seen in a run, given its readings. One whose metrics are absent was not looked for.
#[must_use]
pub fn found(readings: &[Reading], promises: Promises) -> Vec<HazardFinding> {
    let of_run = |reading: &&Reading| reading.scope == Scope::Run && reading.stat == Stat::Count;
    let count = |hazard: &Hazard| {
        let counts = readings.iter().filter(of_run).filter(|reading| hazard.metrics.contains(&reading.metric.as_str()));
        counts.filter_map(|reading| reading.value).map(|value| value as u64).reduce(|sum, count| sum + count)
    };
    let finding = |hazard: &Hazard| HazardFinding {
        number: hazard.number,
        id: hazard.id.to_owned(),
        about: hazard.about.to_owned(),
        count: count(hazard),
        promised: hazard.breaks.is_some_and(|promise| promise.is_made(promises)),
        metrics: hazard.metrics.iter().map(|&metric| metric.to_owned()).collect(),
    };
    ALL.iter().map(finding).collect()
}

/// The document of them all, `docs/hazards.md`.
#[must_use]
pub fn document() -> String {
    let mut text = String::from(
        "# Hazards

The ways in which ordered consumption on JetStream is known to go wrong, and what jetlag makes of each. This page is generated from the list in
`src/metric/hazard.rs`; `jetlag list hazards` prints it. A report has the count of each (`hazards`), and the first hundred cases of each kind as evidence
(`violations`, by the id of the metric). The tests plant every one of them, and beside it the near miss that must stay silent.

| | hazard | what happens | counted by | seen from | promise it breaks | near miss |
|---|---|---|---|---|---|---|
",
    );
    for hazard in ALL {
        let metrics: Vec<String> = hazard.metrics.iter().map(|metric| format!("`{metric}`")).collect();
        text.push_str(&format!(
            "| {} | `{}` | {} | {} | {} | {} | {} |\n",
            hazard.number,
            hazard.id,
            hazard.about,
            metrics.join(", "),
            hazard.evidence,
            hazard.breaks.map_or("none", Promise::words),
            hazard.near_miss
        ));
    }
    text.push_str(
        "
What breaks no promise of its own is counted all the same: it says how a violation came about, or what would have become one. `given_up` is counted only where something was. Without owners
(`promises.owners`) nobody can be superseded, and the hazards of ownership and succession are not looked for. The [metrics](metrics.md) define each count.
",
    );
    text
}
