//! One member: the pure core as the control thread drives it, on a watch that lags.
//!
//! A member has one state machine a partition. Of those it has never wished for, a machine only remembers the record it saw last, and
//! when; so as long as that is all, this is all that is kept, and the machine is made of it when it is first needed. [`Member::whole`] keeps
//! all machines instead: the history must be the same to the last write.

use std::collections::{BTreeMap, BTreeSet};

use lease_group::assign::Holder;
use lease_group::clock::Moment;
use lease_group::handover::{Handover, Situation};
use lease_group::record::{Heartbeat, Holding, Presence, Session};
use lease_group::roster::Roster;
use lease_group::state::{Command, Input, Partition, Terms};

use crate::group::count::{Counts, cpu_ns};
use crate::group::store::{Store, What};

/// The record of a partition that was seen last.
#[derive(Clone, Copy, Default)]
struct View {
    /// 0 for none.
    revision: u64,
    since: Moment,
    writer: u32,
    /// When it expires here, by the rule of the machine: unchanged for the record's own time to live. The zero of time when it is free.
    expires: Moment,
}

/// What a member's wishes follow from, beside the time.
#[derive(Clone, PartialEq, Eq)]
struct Grounds {
    current: bool,
    members: Vec<Session>,
    /// By partition: who wrote the last record, and whether it is valid.
    holders: Vec<Option<(u32, bool)>>,
    held: Vec<u32>,
}

pub(crate) struct Member {
    number: u32,
    terms: Terms,
    whole: bool,
    views: Vec<View>,
    machines: BTreeMap<u32, Partition>,
    roster: Roster,
    handover: Handover,
    /// The last revision that the watch has brought.
    cursor: Option<u64>,
    beat_due: Moment,
    grounds: Option<Grounds>,
    /// Nothing expires before, so until then only news can change the grounds; and whether there were any.
    calm_until: Moment,
    news: bool,
    wished: BTreeSet<u32>,
    leaving: bool,
    /// Dead, or through with leaving.
    pub(crate) gone: bool,
    /// CPU nanoseconds that went into wishes.
    pub(crate) deciding_ns: u64,
}

/// What a member wants done: a heartbeat, or a command of one of its machines.
pub(crate) enum Deed {
    Beat(Heartbeat),
    Command(u32, Command),
}

impl Member {
    pub(crate) fn new(number: u32, terms: Terms, partitions: u32, whole: bool) -> Self {
        let handover = Handover::new(terms.ttl / 2);
        let machines =
            (0..partitions).filter(|_| whole).map(|number| (number, Partition::new(terms.clone()))).collect();
        Self {
            number,
            whole,
            views: vec![View::default(); partitions as usize],
            machines,
            roster: Roster::default(),
            handover,
            cursor: None,
            beat_due: Moment::default(),
            grounds: None,
            calm_until: Moment::default(),
            news: true,
            wished: BTreeSet::new(),
            leaving: false,
            gone: false,
            deciding_ns: 0,
            terms,
        }
    }

    pub(crate) fn takes_part(&self) -> bool {
        !self.gone && !self.leaving
    }

    pub(crate) fn leave(&mut self, now: Moment) {
        (self.leaving, self.news) = (true, true);
        self.beat_due = now;
    }

    /// An answer to one of its machines.
    pub(crate) fn answer(&mut self, now: Moment, partition: u32, input: Input, deeds: &mut Vec<Deed>) {
        self.news = true;
        if let Some(machine) = self.machines.get_mut(&partition) {
            deeds.extend(machine.step(now, input).into_iter().map(|command| Deed::Command(partition, command)));
        }
    }

    /// One turn of the control thread. The watch has brought everything that was stored until `visible`.
    pub(crate) fn turn(
        &mut self,
        now: Moment,
        visible: Moment,
        store: &Store,
        labels: &[Session],
        counts: &mut Counts,
        deeds: &mut Vec<Deed>,
    ) {
        self.catch_up(now, visible, store, counts, deeds);
        let busy = self.terms.commit_every.is_some();
        let handled = if busy { now.as_ns() / 1_000_000 } else { 0 };
        for (partition, machine) in &mut self.machines {
            let commands = machine.step(now, Input::Tick { handled, busy_since: None });
            deeds.extend(commands.into_iter().map(|command| Deed::Command(*partition, command)));
        }
        self.news |= !deeds.is_empty();
        self.wish(now, store, labels, counts, deeds);
        if now >= self.beat_due {
            self.beat_due = now.plus(self.terms.ttl / 3);
            let presence = if self.leaving { Presence::Leaving } else { Presence::Here };
            let Terms { worker, ttl, .. } = self.terms.clone();
            deeds.push(Deed::Beat(Heartbeat { worker, presence, ttl, since_ms: 0, listens: false }));
        }
        self.gone |= self.leaving && self.machines.values().all(Partition::is_idle);
    }

    fn catch_up(&mut self, now: Moment, visible: Moment, store: &Store, counts: &mut Counts, deeds: &mut Vec<Deed>) {
        let Some(mut cursor) = self.cursor else {
            for revision in store.standing() {
                self.see(now, revision, store, deeds);
                counts.deliveries += 1;
            }
            self.cursor = Some(store.head());
            return;
        };
        while cursor < store.head() && store.record(cursor + 1).stored <= visible {
            cursor += 1;
            self.see(now, cursor, store, deeds);
            counts.deliveries += 1;
        }
        self.cursor = Some(cursor);
    }

    fn see(&mut self, now: Moment, revision: u64, store: &Store, deeds: &mut Vec<Deed>) {
        let record = store.record(revision);
        let stored_ms = record.stored.as_ns() / 1_000_000;
        self.roster.advance(stored_ms);
        match &record.what {
            What::Lease { partition, lease } => {
                let expires = if lease.holding == Holding::Own { now.plus(lease.ttl) } else { Moment::default() };
                let before = self.views[*partition as usize];
                self.news |= before.writer != record.writer || now >= before.expires || lease.holding == Holding::Free;
                self.views[*partition as usize] = View { revision, since: now, writer: record.writer, expires };
                if let Some(machine) = self.machines.get_mut(partition) {
                    let commands = machine.step(now, Input::Seen { revision, lease: Some(lease.clone()) });
                    deeds.extend(commands.into_iter().map(|command| Deed::Command(*partition, command)));
                }
            }
            What::Heartbeat(heartbeat) => {
                let session = Session::from_u128(session_number(record.writer));
                let alive = self.roster.heard(session).is_some_and(|heard| now.since(heard) < heartbeat.ttl);
                self.news |= !alive || heartbeat.presence == Presence::Leaving;
                self.roster.see(now, session, revision, stored_ms, heartbeat.clone());
            }
        }
    }

    fn wish(&mut self, now: Moment, store: &Store, labels: &[Session], counts: &mut Counts, deeds: &mut Vec<Deed>) {
        if !self.whole && !self.news && now < self.calm_until && self.handover.due().is_none() {
            return;
        }
        self.news = false;
        // A heartbeat may expire by the server's clock a little before it does by ours.
        let expiries = self.views.iter().map(|view| view.expires).filter(|expiry| *expiry > now);
        let first = expiries.chain(self.roster.due(now)).min().unwrap_or(now);
        self.calm_until = Moment::from_ns(first.as_ns().saturating_sub(1_000_000_000));
        let heard = self.roster.heard(self.terms.session);
        let members = self.roster.members(now);
        let grounds = Grounds {
            current: heard.is_some_and(|heard| now.since(heard) < self.terms.ttl),
            members: members.iter().map(|member| member.session).collect(),
            holders: self.holders(now),
            held: self.machines.iter().filter(|(_, machine)| machine.is_held()).map(|(number, _)| *number).collect(),
        };
        // Equal grounds, equal wishes: a hand-over under way looks at the time as well.
        if self.handover.due().is_none() && !self.leaving && self.grounds.as_ref() == Some(&grounds) {
            return;
        }
        let mut held = vec![false; self.views.len()];
        for partition in &grounds.held {
            held[*partition as usize] = true;
        }
        let holders: Vec<Holder> = grounds
            .holders
            .iter()
            .map(|holder| Holder {
                session: holder.filter(|(_, valid)| *valid).map(|(number, _)| labels[number as usize]),
                worker: holder.map(|(number, _)| worker(number)),
            })
            .collect();
        let began_ns = cpu_ns();
        let wishes = self.handover.wishes(
            now,
            Situation {
                session: self.terms.session,
                present: !self.leaving,
                current: grounds.current,
                members: &members,
                holders: &holders,
                held: &held,
            },
        );
        self.deciding_ns += cpu_ns() - began_ns;
        counts.decisions += 1;
        self.grounds = Some(grounds);
        for (partition, wish) in wishes.into_iter().enumerate() {
            let partition = partition as u32;
            if wish == self.wished.contains(&partition) {
                continue;
            }
            if wish {
                self.wished.insert(partition);
            } else {
                self.wished.remove(&partition);
            }
            let commands = self.machine(partition, store).step(now, Input::Wish(wish));
            deeds.extend(commands.into_iter().map(|command| Deed::Command(partition, command)));
        }
    }

    /// By partition: who wrote the last record, and whether it is valid here.
    fn holders(&self, now: Moment) -> Vec<Option<(u32, bool)>> {
        let seen = |view: &View| (view.revision > 0).then_some((view.writer, now < view.expires));
        let mut holders: Vec<_> =
            if self.whole { vec![None; self.views.len()] } else { self.views.iter().map(seen).collect() };
        for (partition, machine) in &self.machines {
            let (session, label) = machine.holder(now);
            let writer = label.and_then(|label| label.strip_prefix('w')?.parse().ok());
            holders[*partition as usize] = writer.map(|writer| (writer, session.is_some()));
        }
        holders
    }

    /// The machine of a partition, made of what was seen if it was not needed before.
    fn machine(&mut self, partition: u32, store: &Store) -> &mut Partition {
        debug_assert!(!self.whole || self.machines.contains_key(&partition), "a whole member has all machines");
        let (view, terms) = (self.views[partition as usize], &self.terms);
        self.machines.entry(partition).or_insert_with(|| {
            let mut machine = Partition::new(terms.clone());
            if view.revision > 0 {
                let lease = store.lease_at(view.revision).cloned();
                let commands = machine.step(view.since, Input::Seen { revision: view.revision, lease });
                assert!(commands.iter().all(|command| matches!(command, Command::Tell(_))), "{commands:?}");
            }
            machine
        })
    }

    pub(crate) fn number(&self) -> u32 {
        self.number
    }
}

/// The label of a member.
pub(crate) fn worker(number: u32) -> String {
    format!("w{number}")
}

/// The session of a member: in no order, as sessions are random.
pub(crate) fn session_number(number: u32) -> u128 {
    let mixed = (u128::from(number) + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    mixed ^ (mixed >> 64)
}
