//! What each fault did: its window, who was affected, what stood still, how the group settled.

use super::backlog::Backlog;
use super::findings::{FaultFinding, PartitionFinding};
use super::first::First;
use super::ownership;
use super::silence::PartitionSilences;
use super::takeover;
use super::timeline::Timeline;
use crate::model::history::History;
use crate::model::record::Author;
use crate::model::story::StoryEvent;
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::{Ledger, Lives, Verdict};

/// The level that the backlog has to come back to is its greatest in this long before the fault.
const LEVEL_BEFORE: SpanNs = SpanNs(1_000_000_000);

/// Everything that a fault is judged by.
pub(super) struct Scene<'a> {
    pub(super) history: &'a History,
    pub(super) timeline: &'a Timeline,
    pub(super) lives: &'a Lives,
    pub(super) ledger: &'a Ledger,
    pub(super) firsts: &'a [Option<First>],
    pub(super) backlog: &'a Backlog,
    pub(super) silences: &'a [PartitionSilences],
}

/// A fault as the story tells it.
struct Struck<'a> {
    id: u32,
    kind: &'a str,
    target: &'a str,
    struck: &'a [String],
    at: MonoNs,
}

/// All faults that struck, in order.
pub(super) fn faults(scene: &Scene<'_>) -> Vec<FaultFinding> {
    let mut struck: Vec<Struck<'_>> = scene
        .history
        .story
        .iter()
        .filter_map(|line| match &line.event {
            StoryEvent::Fault { id, kind, target, struck } => {
                Some(Struck { id: *id, kind, target, struck, at: line.at })
            }
            _ => None,
        })
        .collect();
    struck.sort_by_key(|fault| fault.at);
    let repeats = repeats(scene);
    let mut before = scene.timeline.zero;
    let mut found = Vec::with_capacity(struck.len());
    for (index, fault) in struck.iter().enumerate() {
        let next = struck[index..].iter().map(|next| next.at).find(|&at| at > fault.at);
        let limit = next.unwrap_or(scene.timeline.work_end).min(scene.timeline.work_end).max(fault.at);
        let finding = study(scene, fault, limit, before, &repeats);
        before = finding.window_end;
        found.push(finding);
    }
    found
}

/// The fault in whose window an instant falls.
pub(super) fn fault_at(faults: &[FaultFinding], at: MonoNs) -> Option<u32> {
    faults.iter().rfind(|fault| fault.at <= at && at <= fault.window_end).map(|fault| fault.id)
}

fn study(
    scene: &Scene<'_>,
    fault: &Struck<'_>,
    limit: MonoNs,
    window_before: MonoNs,
    repeats: &[(MonoNs, u16)],
) -> FaultFinding {
    let t0 = fault.at;
    let beliefs = &scene.ledger.exclusion.beliefs;
    let partitions = scene.history.manifest.partitions;
    let owners = scene.history.manifest.promises.owners;
    let struck: Vec<Author> = fault.struck.iter().filter_map(|process| process.parse().ok()).collect();

    let converged = owners.then(|| ownership::converged(beliefs, scene.lives, partitions, t0, limit)).flatten();
    let settled = if owners { converged } else { Some(t0) };
    let stranded = stranded(scene, t0);
    let level = scene.backlog.greatest(t0 - LEVEL_BEFORE, t0);
    let caught_up = settled
        .zip(stranded.end(t0))
        .and_then(|(settled, unstranded)| scene.backlog.back_at(level, settled.max(unstranded)))
        .filter(|&at| at <= limit);

    // Ownership settled and the backlog low do not mean that every partition flows again: the window lasts until each
    // new owner has begun a message that nobody had handled, and until no affected partition stands still.
    let changes: Vec<_> =
        (0..partitions).map(|partition| takeover::change(beliefs, partition, t0, caught_up.unwrap_or(limit))).collect();
    let resumptions = takeover::resumptions(scene, &changes, limit);
    let is_affected = |partition: u16| {
        !owners
            || strikes_server(fault.kind)
            || changes.get(usize::from(partition)).is_some_and(Option::is_some)
            || takeover::owned_by(beliefs, partition, t0, &struck)
    };
    let flowing = caught_up.map(|at| {
        let handled = resumptions.iter().filter_map(|resumption| resumption.handled).fold(at, MonoNs::max);
        let affected =
            (0..).zip(scene.silences).take(partitions.into()).filter(|&(partition, _)| is_affected(partition));
        affected.filter_map(|(_, silences)| silences.end_of_one_at(handled)).fold(handled, MonoNs::max)
    });
    // What still stands at the limit has been cut there.
    let flowing = flowing.filter(|&at| at < limit);
    let window_end = flowing.unwrap_or(limit);

    let before_from = window_before.max(t0 - window_end.since(t0)).min(t0);
    let of_partition = |partition: u16| {
        let change = changes[usize::from(partition)];
        let resumption = resumptions[usize::from(partition)];
        let affected = is_affected(partition);
        let silences = scene.silences.get(usize::from(partition));
        PartitionFinding {
            partition,
            affected,
            gap: silences.and_then(|found| found.longest(t0, window_end)),
            gap_before: silences.and_then(|found| found.longest(before_from, t0)),
            arrival_interval: silences.and_then(|found| found.arrival_interval(t0, window_end)),
            phases: (owners && affected).then(|| takeover::phases(scene, partition, t0, change, resumption)),
        }
    };
    let of_partitions: Vec<PartitionFinding> = (0..partitions).map(of_partition).collect();
    let in_window = |at: MonoNs| t0 <= at && at <= window_end;
    let (moved, moved_least) = ownership::moved(beliefs, scene.lives, partitions, t0, window_end);
    FaultFinding {
        id: fault.id,
        kind: fault.kind.to_owned(),
        target: fault.target.to_owned(),
        struck: fault.struck.to_vec(),
        at: t0,
        window_end,
        before_from,
        censored: flowing.is_none(),
        converged: converged.map(|at| at.since(t0)),
        catch_up: caught_up.map(|at| at.since(t0)),
        stranded_messages: stranded.messages,
        stranded_unhandled: stranded.unhandled,
        stranded: stranded.last.map(|at| at.since(t0)),
        moved: owners.then_some(moved),
        moved_least: owners.then_some(moved_least),
        takeover_redelivered: repeats
            .iter()
            .filter(|&&(started, partition)| in_window(started) && is_affected(partition))
            .count() as u64,
        partitions: of_partitions,
    }
}

/// Whether a fault strikes the server, and with it every partition.
fn strikes_server(kind: &str) -> bool {
    kind.starts_with("server") || kind == "step-down"
}

/// All repeated handlings: when and where.
fn repeats(scene: &Scene<'_>) -> Vec<(MonoNs, u16)> {
    let lines = scene.ledger.lines(scene.history);
    let repeats = lines.filter(|line| matches!(line.0.verdict, Verdict::Redelivered | Verdict::Regressed));
    repeats.map(|(_, _, handling)| (handling.started, handling.partition)).collect()
}

/// What was in flight at one instant: stored before it, first successful handling not ended.
#[derive(Default)]
struct Stranded {
    messages: u64,
    /// Of these, not handled by the end of the evidence.
    unhandled: u64,
    /// When the last of them was handled.
    last: Option<MonoNs>,
}

impl Stranded {
    /// When nothing was stranded any more; `None` when something stayed so.
    fn end(&self, t0: MonoNs) -> Option<MonoNs> {
        (self.unhandled == 0).then(|| self.last.unwrap_or(t0))
    }
}

fn stranded(scene: &Scene<'_>, t0: MonoNs) -> Stranded {
    let mut stranded = Stranded::default();
    for (message, first) in scene.ledger.messages.iter().zip(scene.firsts) {
        let in_flight = message.stored.is_some_and(|stored| stored < t0) && first.is_none_or(|f| f.finished > t0);
        if in_flight {
            stranded.messages += 1;
            match first {
                Some(first) => stranded.last = stranded.last.max(Some(first.finished)),
                None => stranded.unhandled += 1,
            }
        }
    }
    stranded
}
