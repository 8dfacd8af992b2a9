//! What is kept of a run that is followed so that silences and faults can be judged: the waits of the last seconds, and those
//! around a fault that is not judged yet.
//!
//! A fault is judged when everything up to its limit has been told: up to the next fault, or [`LONGEST_WINDOW`] behind it. With
//! a limit that lies nearer than that of the whole evidence its window may be cut, which the report says.

use super::super::backlog::Backlog;
use super::super::findings::FaultFinding;
use super::super::liveness::{self, Stretch};
use super::super::rebalance::{self, Scene, Struck};
use super::super::silence::{self, PartitionSilences, Waits};
use super::super::takeover::Resumption;
use super::super::wait::{Evidence, Wait, WaitEnd};
use crate::model::manifest::Manifest;
use crate::model::story::StoryLine;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::stream::Turn;
use crate::verdict::{Belief, Lives, Settled};

/// So long behind a fault its window reaches at most, when there is no other before.
const LONGEST_WINDOW: SpanNs = SpanNs(120_000_000_000);
/// So much is kept of what lies before a fault.
const BEFORE: SpanNs = SpanNs(10_000_000_000);
/// As many waits are kept at most: 72 MiB. When there are more, a fault is judged with what is there.
const CROWDED: usize = 3 << 19;
/// How often what is over is put away.
const EVERY: SpanNs = SpanNs(5_000_000_000);

/// What else is known of the run by then.
pub(in super::super) struct Known<'a> {
    pub(in super::super) manifest: &'a Manifest,
    pub(in super::super) story: &'a [StoryLine],
    pub(in super::super) lives: &'a Lives,
    pub(in super::super) beliefs: &'a [Belief],
    pub(in super::super) turns: &'a [Turn],
}

/// The window.
#[derive(Debug, Default)]
pub(in super::super) struct Window {
    /// By partition.
    waits: Vec<Vec<Wait>>,
    repeats: Vec<(MonoNs, u16)>,
    /// When somebody saw that an owner was gone.
    gone: Vec<(u16, MonoNs)>,
    /// By partition: silences that ended by then are put away. No silence goes on at it.
    away: Vec<MonoNs>,
    looked: MonoNs,
    /// The longest silences that were put away.
    longest: Vec<Stretch>,
    /// Those that are a matter of liveness.
    stalled: Vec<Stretch>,
    faults: Vec<FaultFinding>,
    /// Faults that were judged before everything up to their limit had been told.
    cut: u64,
    /// Waits were put away before all before them had been told.
    crowded: bool,
}

/// What came of it.
#[derive(Debug, Default)]
pub(in super::super) struct Seen {
    pub(in super::super) longest: Vec<Stretch>,
    pub(in super::super) stalled: Vec<Stretch>,
    pub(in super::super) faults: Vec<FaultFinding>,
    pub(in super::super) cut: u64,
    pub(in super::super) crowded: bool,
}

impl Window {
    /// Takes a message.
    pub(in super::super) fn settle(&mut self, settled: &Settled) {
        let Some(wait) = Wait::of(settled) else { return };
        let number = usize::from(wait.partition);
        if self.waits.len() <= number {
            self.waits.resize_with(number + 1, Vec::new);
            self.away.resize(number + 1, MonoNs(0));
        }
        self.waits[number].push(wait);
    }

    /// Takes repeated handlings.
    pub(in super::super) fn repeat(&mut self, repeats: &[(MonoNs, u16)]) {
        self.repeats.extend_from_slice(repeats);
    }

    /// Somebody saw that the owner of a partition was gone.
    pub(in super::super) fn gone(&mut self, partition: u16, at: MonoNs) {
        self.gone.push((partition, at));
    }

    /// Waits that are kept.
    pub(in super::super) fn held(&self) -> usize {
        self.waits.iter().map(Vec::len).sum::<usize>() + self.repeats.len() + self.gone.len()
    }

    /// Whether it is worth while to [advance](Self::advance).
    pub(in super::super) fn is_due(&self, judged_to: MonoNs) -> bool {
        judged_to.since(self.looked) >= EVERY
    }

    /// Everything before `told_to` has been told, and judged before `judged_to`: judges the faults that can be judged, and puts away what is over. Returns the
    /// instant before which turns are not needed.
    pub(in super::super) fn advance(&mut self, told_to: MonoNs, judged_to: MonoNs, known: &Known<'_>) -> MonoNs {
        self.looked = judged_to;
        let struck = rebalance::struck(known.story);
        let mut needed = told_to - BEFORE;
        while let Some(fault) = struck.get(self.faults.len()) {
            let whole = rebalance::next(&struck, self.faults.len()).filter(|next| *next <= told_to);
            let longest = fault.at + LONGEST_WINDOW;
            let limit = match whole {
                Some(next) => next.min(longest),
                None if longest <= told_to => longest,
                None if self.held() > CROWDED && fault.at < told_to => told_to,
                None => {
                    needed = needed.min(self.before(fault));
                    break;
                }
            };
            self.cut += u64::from(whole != Some(limit));
            self.judge(fault, limit, told_to, known);
        }
        self.put_away(needed, told_to, known);
        // Where one partition stands still the others must not fill the memory.
        if self.held() > CROWDED {
            self.crowded = true;
            self.put_away(judged_to - BEFORE, judged_to, known);
        }
        needed
    }

    /// The whole run has been told, and its work ended at `work_end`.
    pub(in super::super) fn finish(mut self, work_end: MonoNs, known: &Known<'_>) -> Seen {
        let struck = rebalance::struck(known.story);
        while let Some(fault) = struck.get(self.faults.len()) {
            self.judge(fault, rebalance::limit(&struck, self.faults.len(), work_end), work_end, known);
        }
        self.put_away(MonoNs(u64::MAX), work_end, known);
        // What happened to a fault may have been told after it was judged.
        for (found, fault) in self.faults.iter_mut().zip(&struck) {
            found.instants = fault.instants;
        }
        self.longest = silence::longest(self.longest);
        self.stalled.sort_by_key(|stretch| (stretch.partition, stretch.from));
        Seen { longest: self.longest, stalled: self.stalled, faults: self.faults, cut: self.cut, crowded: self.crowded }
    }

    /// From where on waits are needed to judge a fault.
    fn before(&self, fault: &Struck<'_>) -> MonoNs {
        let window_before = self.faults.last().map_or(MonoNs(0), |before| before.window_end);
        window_before.max(fault.at - BEFORE).min(fault.at)
    }

    fn judge(&mut self, fault: &Struck<'_>, limit: MonoNs, end: MonoNs, known: &Known<'_>) {
        let partitions = usize::from(known.manifest.partitions).max(self.waits.len());
        let silences = |begin| -> Vec<PartitionSilences> {
            let of = |number| self.waits.get(number).map_or(&[][..], Vec::as_slice);
            (0..partitions).map(|number| silence::of_one(of(number), known.lives, end, begin)).collect()
        };
        let kept = Kept { window: self, turns: known.turns };
        let zero = known.manifest.started_mono;
        let scene = Scene {
            manifest: known.manifest,
            story: known.story,
            span: (zero, end),
            lives: known.lives,
            beliefs: known.beliefs,
            evidence: &kept,
            backlog: &Backlog::of(kept.waits()),
            silences: &silences(Waits::Stored),
            outages: &if rebalance::strikes(fault) { silences(Waits::Intended) } else { Vec::new() },
        };
        let found = rebalance::study(&scene, fault, limit, self.before(fault).max(zero), &self.repeats);
        self.faults.push(found);
    }

    /// Puts silences away that ended by `until`, and forgets what was over by then.
    fn put_away(&mut self, until: MonoNs, end: MonoNs, known: &Known<'_>) {
        let bound = liveness::bound(known.manifest);
        for (number, (waits, away)) in (0..).zip(self.waits.iter_mut().zip(&mut self.away)) {
            let silences = silence::of_one(waits, known.lives, end, Waits::Stored);
            let mut over = until;
            for (from, to) in silences.all().filter(|(_, to)| *to > *away) {
                if to > until || to == end && until < MonoNs(u64::MAX) {
                    over = over.min(from);
                    break;
                }
                let stretch = Stretch { partition: number, from, to };
                self.longest.push(stretch);
                if stretch.lasted() > bound && number < known.manifest.partitions {
                    self.stalled.push(stretch);
                }
            }
            *away = over.max(*away);
            let left = |wait: &Wait| match wait.end {
                WaitEnd::Handled { started, finished, .. } => started.max(finished),
                WaitEnd::Dropped(dropped) => dropped,
                WaitEnd::Never => MonoNs(u64::MAX),
            };
            waits.retain(|wait| left(wait) >= over);
            if waits.len() < waits.capacity() / 4 {
                waits.shrink_to(waits.len() * 2);
            }
            if self.longest.len() > silence::SHOWN * 16 {
                self.longest = silence::longest(std::mem::take(&mut self.longest));
            }
        }
        self.repeats.retain(|(at, _)| *at >= until);
        self.gone.retain(|(_, at)| *at >= until);
    }
}

/// What is kept, as evidence.
struct Kept<'a> {
    window: &'a Window,
    turns: &'a [Turn],
}

impl Evidence for Kept<'_> {
    fn waits(&self) -> impl Iterator<Item = Wait> {
        self.window.waits.iter().flatten().copied()
    }

    fn resumptions(&self, changes: &[Option<&Belief>], limit: MonoNs) -> Vec<Resumption> {
        let mut found = vec![Resumption::default(); changes.len()];
        for turn in self.turns {
            let number = usize::from(turn.partition);
            let Some(grant) = changes.get(number).copied().flatten() else { continue };
            if turn.author == grant.owner && grant.from <= turn.started && turn.started <= limit {
                found[number].note(grant, turn.received, turn.handled.filter(|handled| *handled <= limit));
            }
        }
        found
    }

    fn repeats(&self) -> Vec<(MonoNs, u16)> {
        self.window.repeats.clone()
    }

    fn gone_observed(&self, partition: u16, from: MonoNs, to: MonoNs) -> Option<MonoNs> {
        let seen = self.window.gone.iter().filter(|(of, at)| *of == partition && from <= *at && *at <= to);
        seen.map(|(_, at)| *at).min()
    }
}
