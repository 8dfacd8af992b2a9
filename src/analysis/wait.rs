//! Waits: what silences, the backlog and faults need to know of each message and each handling, whether the evidence is whole or
//! what is kept of it while it is followed.

use super::takeover::Resumption;
use crate::model::history::History;
use crate::model::record::{Author, OwnershipChange};
use crate::model::time::MonoNs;
use crate::verdict::{Belief, First, Judged, Ledger, Settled, Verdict};

/// One message that somebody had to handle, and how its wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wait {
    /// Its partition.
    pub(super) partition: u16,
    /// When the schedule wanted it sent.
    pub(super) intended: MonoNs,
    /// Since when it waited.
    pub(super) since: MonoNs,
    /// How that ended.
    pub(super) end: WaitEnd,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WaitEnd {
    /// By its first successful handling.
    Handled { started: MonoNs, finished: MonoNs, author: Author },
    /// It was given up.
    Dropped(MonoNs),
    /// It never did.
    Never,
}

impl Wait {
    /// A message; `None` when nobody had to handle it.
    pub(super) fn of(settled: &Settled) -> Option<Self> {
        let end = match (settled.first, settled.dropped) {
            (Some(First { started, finished, author, .. }), _) => WaitEnd::Handled { started, finished, author },
            (None, Some(dropped)) => WaitEnd::Dropped(dropped),
            (None, None) => WaitEnd::Never,
        };
        Some(Self { partition: settled.partition, intended: settled.intended, since: settled.waits_since()?, end })
    }

    /// When it left the backlog: handled, or given up.
    pub(super) fn left(&self) -> Option<MonoNs> {
        match self.end {
            WaitEnd::Handled { finished, .. } => Some(finished),
            WaitEnd::Dropped(dropped) => Some(dropped.max(self.since)),
            WaitEnd::Never => None,
        }
    }

    /// When it entered the backlog. One that was handled before its confirmation came was never in it: it enters and leaves at one
    /// instant.
    pub(super) fn entered(&self) -> MonoNs {
        match self.end {
            WaitEnd::Handled { finished, .. } => self.since.min(finished),
            _ => self.since,
        }
    }
}

/// What faults are judged by, beside ownership and the story.
pub(super) trait Evidence {
    /// All messages that somebody had to handle.
    fn waits(&self) -> impl Iterator<Item = Wait>;
    /// What each new owner, one a partition, did first up to `limit`.
    fn resumptions(&self, changes: &[Option<&Belief>], limit: MonoNs) -> Vec<Resumption>;
    /// All repeated handlings: when and where.
    fn repeats(&self) -> Vec<(MonoNs, u16)>;
    /// First record in `from` … `to`, by whomever, that the owner of a partition is gone.
    fn gone_observed(&self, partition: u16, from: MonoNs, to: MonoNs) -> Option<MonoNs>;
}

/// The whole evidence.
pub(super) struct Whole<'a> {
    pub(super) history: &'a History,
    pub(super) ledger: &'a Ledger,
    pub(super) firsts: &'a [Option<First>],
}

impl Whole<'_> {
    /// All messages.
    pub(super) fn settled(&self) -> impl Iterator<Item = Settled> {
        self.ledger.messages.iter().zip(self.firsts).map(|(message, first)| Settled::of(message, *first))
    }

    /// All handlings.
    pub(super) fn judged(&self) -> impl Iterator<Item = Judged> {
        let lines = self.ledger.lines(self.history);
        lines.map(|(entry, journal, handling)| Judged::of(entry, journal, handling, entry.first))
    }
}

impl Evidence for Whole<'_> {
    fn waits(&self) -> impl Iterator<Item = Wait> {
        self.settled().filter_map(|settled| Wait::of(&settled))
    }

    /// One walk over all handlings, whatever their number of partitions: journals are as good as sorted by start, but a torn
    /// one need not be.
    fn resumptions(&self, changes: &[Option<&Belief>], limit: MonoNs) -> Vec<Resumption> {
        let mut found = vec![Resumption::default(); changes.len()];
        for (entry, journal, handling) in self.ledger.lines(self.history) {
            let partition = usize::from(handling.partition);
            let Some(grant) = changes.get(partition).copied().flatten() else { continue };
            let its_own = journal.author == grant.owner;
            if !its_own || handling.started < grant.from || handling.started > limit {
                continue;
            }
            found[partition].note(grant, handling.received, entry.first.then_some(handling.started));
        }
        found
    }

    fn repeats(&self) -> Vec<(MonoNs, u16)> {
        let lines = self.ledger.lines(self.history);
        let repeats = lines.filter(|line| matches!(line.0.verdict, Verdict::Redelivered | Verdict::Regressed));
        repeats.map(|(_, _, handling)| (handling.started, handling.partition)).collect()
    }

    fn gone_observed(&self, partition: u16, from: MonoNs, to: MonoNs) -> Option<MonoNs> {
        let records = self.history.journals.iter().flat_map(|journal| &journal.ownership);
        records
            .filter(|record| record.partition == partition && record.change == OwnershipChange::GoneObserved)
            .map(|record| record.at)
            .filter(|&at| from <= at && at <= to)
            .min()
    }
}
