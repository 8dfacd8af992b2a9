//! The judgement: what happened, in the order of time, each handling and each event once.

use super::key::{Found, HANDLED, RANKED, SEEN};
use super::partition::{Deed, Handled};
use super::sequence::{Given, Step};
use super::sighting::Sighting;
use super::{Event, SIGHTINGS, Stream};
use crate::model::record::Author;
use crate::model::time::MonoNs;
use crate::verdict::ledger::Verdict;

impl Stream {
    /// Judges what happened before an instant, in the order of time.
    pub(super) fn judge(&mut self, before: Option<MonoNs>) {
        let is_due = |at: MonoNs| before.is_none_or(|before| at < before);
        let mut deeds: Vec<Deed> = self.deeds.extract_if(.., |deed| is_due(deed.started)).collect();
        deeds.sort_unstable_by_key(|deed| (deed.started, deed.author, deed.number));
        let mut events: Vec<(MonoNs, Event)> = self.events.extract_if(.., |event| is_due(event.0)).collect();
        events.sort_unstable();
        let mut events = events.into_iter().peekable();
        for deed in &deeds {
            while let Some((at, event)) = events.next_if(|(at, _)| *at < deed.started) {
                self.happen(at, event);
            }
            self.judge_deed(deed);
        }
        for (at, event) in events {
            self.happen(at, event);
        }
    }

    fn happen(&mut self, at: MonoNs, event: Event) {
        match event {
            Event::ServerEnded => {
                self.ends = self.ends.saturating_add(1);
                if self.forgettable {
                    for partition in &mut self.partitions {
                        partition.forgotten_to = partition.forgotten_to.max(partition.up_to);
                        partition.up_to = 0;
                    }
                }
            }
            Event::Granted(partition, epoch) => {
                let granted = self.partition(partition).grant(epoch, at);
                self.account.stale_tail += granted.stale_tails;
                self.surprises += u64::from(granted.unsure);
            }
            Event::UpTo(partition, stream_seq, author) => {
                self.check_commit(author, partition, stream_seq, at);
                self.cover(author, partition, stream_seq, at);
            }
            Event::Exact(partition, stream_seq, author) => {
                self.check_commit(author, partition, stream_seq, at);
                self.acknowledge(author, partition, stream_seq, at);
            }
            Event::Opened(partition, start_seq, epoch, author) => self.open(author, partition, start_seq, epoch, at),
        }
    }

    /// A message was acknowledged by itself.
    fn acknowledge(&mut self, author: Author, number: u16, stream_seq: u64, at: MonoNs) {
        let ends = self.ends.saturating_add(1);
        let partition = self.partition(number);
        let index = partition.index.partition_point(|place| place.stream_seq < stream_seq);
        let place = partition.index.get(index).filter(|place| place.stream_seq == stream_seq).copied();
        let settled = stream_seq <= partition.settled_to;
        let message = place.and_then(|place| self.keys.get(place.key)?.open(place.key_seq));
        match message.filter(|message| (message.partition, message.stream_seq) == (number, stream_seq)) {
            Some(message) => {
                message.acked = ends;
                if let (true, Some(place)) = (message.get_ahead(at), place) {
                    self.see_ahead(author, number, place, at);
                }
            }
            None if settled => {}
            None => drop(self.strays.insert((number, stream_seq), ends)),
        }
    }

    fn judge_deed(&mut self, deed: &Deed) {
        if self.cut.is_none_or(|cut| deed.started <= cut) {
            self.busy_until = self.busy_until.max(deed.ended);
        }
        self.account.misplaced += u64::from(deed.partition >= self.known);
        self.judge_exclusion(deed);
        self.judge_delivery(deed);
        if !deed.ok {
            self.account.aborted += 1;
            self.teller.judge(deed, Verdict::Aborted);
            return;
        }
        let ends = self.ends;
        let Some(partition) = self.partitions.get_mut(usize::from(deed.partition)) else { return };
        let (up_to, settled_to) = (partition.up_to, partition.settled_to);
        let forgotten_to = partition.forgotten_to;
        let key = self.keys.get(deed.key).filter(|_| deed.intact);
        let Some(key) = key else { return self.phantom(deed) };
        // Sequence of its first copy, rank, whether it is the first, acknowledged.
        let (home, next) = (key.home, key.ranked + 1);
        let mut ranked_late = false;
        let found = key.find(deed.key_seq);
        let is_settled = matches!(found, Found::Settled(_));
        let (stream_seq, ranks, first, acked) = match found {
            Found::Nothing => return self.phantom(deed),
            Found::Settled(rank) => {
                // What stands behind all that is settled is a second copy of it.
                let stream_seq = if deed.stream_seq > settled_to { 0 } else { deed.stream_seq };
                (stream_seq, (rank, partition.rank_at(stream_seq), home, true), false, 1)
            }
            Found::Open(message) => {
                if !message.is(RANKED) {
                    ranked_late = true;
                    message.key_rank = next;
                    message.partition_rank = partition.ranked + 1;
                    partition.ranked += 1;
                    message.flags |= RANKED;
                }
                message.done = message.done.min(deed.ended);
                let first = !message.is(HANDLED);
                if first {
                    message.flags |= HANDLED;
                    message.at = deed.started;
                    (message.received, message.finished, message.handler) = (deed.received, deed.ended, deed.author);
                }
                let ranks = (message.key_rank, message.partition_rank, message.partition, message.is(SEEN));
                (message.stream_seq, ranks, first, message.acked)
            }
        };
        let (key_rank, partition_rank, home, seen) = ranks;
        self.surprises += u64::from(ranked_late);
        key.ranked += u32::from(ranked_late);
        if deed.epoch > key.reached.0 {
            key.reached = (deed.epoch, key_rank);
        } else if deed.epoch == key.reached.0 {
            key.reached.1 = key.reached.1.max(key_rank);
        }
        if !first && deed.stream_seq != 0 && deed.stream_seq != stream_seq {
            self.account.extra_copies += 1;
            self.teller.judge(deed, Verdict::ExtraCopy);
            return;
        }
        if first {
            self.excuse(deed, key_rank, partition_rank, home);
        }
        let Some(partition) = self.partitions.get_mut(usize::from(deed.partition)) else { return };
        let Some(key) = self.keys.get(deed.key) else { return };
        let acked = if home == deed.partition { acked } else { 0 };
        let stray = || self.strays.get(&(deed.partition, stream_seq)).copied().unwrap_or(0);
        let acked = if acked != 0 || self.strays.is_empty() { acked } else { stray() };
        let acknowledged = stream_seq != 0 && acked != 0;
        // A server that ended since may have forgotten it.
        let forgotten = stream_seq != 0
            && up_to < stream_seq
            && (acknowledged && ends >= acked || !acknowledged && forgotten_to >= stream_seq);
        self.surprises += u64::from(is_settled && forgotten);
        let committed = stream_seq != 0 && (up_to >= stream_seq || acknowledged && !forgotten) || is_settled;
        self.teller.meet(deed, first);
        let (account, sightings, teller) = (&mut self.account, &mut self.sightings, &mut self.teller);
        let promised = self.promises.order_per_key;
        let step = Step { rank: key_rank, first, committed, forgotten, what: deed.handled(first) };
        key.order.push(step, |given| {
            account.order.add_many(given.verdict, given.count(), given.distance);
            account.forgotten_by_server += given.forgotten;
            partition.counts.by_key.add_many(given.verdict, given.count(), given.distance);
            see_order(sightings, promised, &given);
            teller.judged(&given);
        });
        if home != deed.partition {
            account.misrouted += 1;
            return;
        }
        if let (false, Some(message)) = (seen, key.open(deed.key_seq)) {
            message.flags |= SEEN;
        }
        let rewind = if is_settled && deed.stream_seq > settled_to {
            None
        } else {
            let place = if is_settled { deed.stream_seq } else { stream_seq };
            self.judge_replay(deed, (place, partition_rank))
        };
        let Some(partition) = self.partitions.get_mut(usize::from(deed.partition)) else { return };
        self.surprises += u64::from(deed.started < partition.judged_to);
        partition.judged_to = partition.judged_to.max(deed.started);
        // Whether it goes on with a replay is not known any more.
        self.surprises += u64::from(partition_rank == 0 && partition.order.is_replaying());
        let account = &mut self.account;
        let step = Step { rank: partition_rank, first: !seen, committed, forgotten, what: () };
        partition.order.push(step, |given| {
            account.partition_order.add_many(given.verdict, given.count(), given.distance);
            partition.counts.by_partition.add_many(given.verdict, given.count(), given.distance);
        });
        if let Some(kind) = rewind {
            self.see(kind, self.promises.owners && self.promises.order_per_key, deed.sight());
        }
    }

    fn judge_exclusion(&mut self, deed: &Deed) {
        let owners = self.promises.owners;
        if owners {
            self.teller.begin(deed);
        }
        let beside = self.partition(deed.partition).begin(deed, owners);
        self.account.overlap += u64::from(beside.overlap);
        self.account.overlap_stale_tail += u64::from(beside.stale_tail);
        self.account.stale_handling += u64::from(beside.stale);
        for (seen, kind) in [(beside.overlap && owners, "overlap"), (beside.stale, "stale_handling")] {
            if seen {
                self.see(kind, self.promises.exclusive, deed.sight());
            }
        }
    }

    fn phantom(&mut self, deed: &Deed) {
        self.account.phantom += 1;
        self.teller.judge(deed, Verdict::Phantom);
        self.see("phantom", true, deed.sight());
    }
}

pub(super) fn see_order(sightings: &mut Vec<Sighting>, promised: bool, given: &Given<'_, Handled>) {
    let kind = match given.verdict {
        Verdict::Skipped => "skipped",
        Verdict::Late => "late",
        Verdict::Regressed => "regressed",
        _ => return,
    };
    if let (true, Some(first)) = (sightings.len() < SIGHTINGS, given.all.first()) {
        let (count, distance, sight) = (given.count(), given.distance, first.sight);
        sightings.push(Sighting { kind, promised, certain: true, count, distance, sight });
    }
}
