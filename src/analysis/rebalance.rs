//! What each fault did: its window, who was affected, what stood still, how the group settled.

use super::backlog::Backlog;
use super::findings::{FaultFinding, PartitionFinding};
use super::instants::{Instants, Told};
use super::ownership;
use super::silence::PartitionSilences;
use super::takeover::{self, Resumption};
use super::wait::{Evidence, WaitEnd};
use crate::model::manifest::Manifest;
use crate::model::record::Author;
use crate::model::story::{StoryEvent, StoryLine};
use crate::model::time::{MonoNs, SpanNs};
use crate::verdict::{Belief, Lives};

/// The level that the backlog has to come back to is its greatest in this long before the fault.
const LEVEL_BEFORE: SpanNs = SpanNs(1_000_000_000);

/// A window is not shorter than this, when the limit allows: the longest silence of a few milliseconds is chance, and a
/// bystander could not be compared with the window before.
const SHORTEST: SpanNs = SpanNs(1_000_000_000);

/// Everything that a fault is judged by.
pub(super) struct Scene<'a, E> {
    pub(super) manifest: &'a Manifest,
    pub(super) story: &'a [StoryLine],
    /// Beginning of the run, end of the work.
    pub(super) span: (MonoNs, MonoNs),
    pub(super) lives: &'a Lives,
    pub(super) beliefs: &'a [Belief],
    pub(super) evidence: &'a E,
    pub(super) backlog: &'a Backlog,
    pub(super) silences: &'a [PartitionSilences],
    /// The same with messages that wait from their intended instant on; empty when no server was struck.
    pub(super) outages: &'a [PartitionSilences],
}

/// A fault as the story tells it.
pub(super) struct Struck<'a> {
    id: u32,
    kind: &'a str,
    target: &'a str,
    struck: &'a [String],
    pub(super) at: MonoNs,
    pub(super) instants: Instants,
}

/// All faults that struck, in order.
pub(super) fn faults<E: Evidence>(scene: &Scene<'_, E>) -> Vec<FaultFinding> {
    let struck = struck(scene.story);
    let repeats = scene.evidence.repeats();
    let mut before = scene.span.0;
    let mut found = Vec::with_capacity(struck.len());
    for (index, fault) in struck.iter().enumerate() {
        let limit = limit(&struck, index, scene.span.1);
        let finding = study(scene, fault, limit, before, &repeats);
        before = finding.window_end;
        found.push(finding);
    }
    found
}

/// All faults that a story tells of, in the order of time.
pub(super) fn struck(story: &[StoryLine]) -> Vec<Struck<'_>> {
    let told = Told::by(story);
    let mut struck: Vec<Struck<'_>> = story
        .iter()
        .filter_map(|line| match &line.event {
            StoryEvent::Fault { id, kind, target, struck } => {
                let instants = told.instants(*id, struck);
                Some(Struck { id: *id, kind, target, struck, at: line.at, instants })
            }
            _ => None,
        })
        .collect();
    struck.sort_by_key(|fault| fault.at);
    struck
}

/// Up to where the window of a fault may reach: the next one, or the end of the work.
pub(super) fn limit(struck: &[Struck<'_>], index: usize, work_end: MonoNs) -> MonoNs {
    let Some(fault) = struck.get(index) else { return work_end };
    next(struck, index).unwrap_or(work_end).min(work_end).max(fault.at)
}

/// When the next fault struck.
pub(super) fn next(struck: &[Struck<'_>], index: usize) -> Option<MonoNs> {
    let fault = struck.get(index)?;
    struck[index..].iter().map(|next| next.at).find(|&at| at > fault.at)
}

/// The fault in whose window an instant falls.
pub(super) fn fault_at(faults: &[FaultFinding], at: MonoNs) -> Option<u32> {
    faults.iter().rfind(|fault| fault.at <= at && at <= fault.window_end).map(|fault| fault.id)
}

/// What one fault did, in a window up to `limit`; the window of the fault before it ended at `window_before`.
pub(super) fn study<E: Evidence>(
    scene: &Scene<'_, E>,
    fault: &Struck<'_>,
    limit: MonoNs,
    window_before: MonoNs,
    repeats: &[(MonoNs, u16)],
) -> FaultFinding {
    let t0 = fault.at;
    let beliefs = scene.beliefs;
    let partitions = scene.manifest.partitions;
    let owners = scene.manifest.promises.owners;

    let passed = if goes_on(fault.kind) { fault.instants.passed } else { Some(t0) };
    let recovery = recovery(scene, t0, passed, limit);
    let takeovers = takeovers(scene, fault, recovery.caught_up.unwrap_or(limit), limit);
    let on_servers = strikes_server(fault.kind, fault.struck);
    let flowing = recovery.caught_up.and_then(|at| {
        let flowing = flows_from(scene, &takeovers, at);
        if on_servers { back_from(scene, fault, flowing) } else { Some(flowing) }
    });
    let flowing = flowing.filter(|&at| at < limit);
    let window_end = flowing.unwrap_or(limit).max(t0 + SHORTEST).min(limit);
    let before_from = window_before.max(t0 - window_end.since(t0)).min(t0);

    let of_partition = |(partition, takeover): (u16, &Takeover<'_>)| {
        let silences = scene.silences.get(usize::from(partition));
        let phases = || takeover::phases(scene, partition, t0, takeover.change, takeover.resumption);
        PartitionFinding {
            partition,
            affected: takeover.affected,
            gap: silences.and_then(|found| found.longest(t0, window_end)),
            outage: scene
                .outages
                .get(usize::from(partition))
                .filter(|_| on_servers)
                .and_then(|found| found.longest(t0, window_end)),
            gap_before: silences.and_then(|found| found.longest(before_from, t0)),
            arrival_interval: silences.and_then(|found| found.arrival_interval(t0, window_end)),
            phases: (owners && takeover.affected).then(phases),
        }
    };
    let is_of_it = |&&(started, partition): &&(MonoNs, u16)| {
        let affected = takeovers.get(usize::from(partition)).is_some_and(|takeover| takeover.affected);
        affected && t0 <= started && started <= window_end
    };
    let (moved, moved_least) = ownership::moved(beliefs, scene.lives, partitions, t0, window_end);
    FaultFinding {
        id: fault.id,
        kind: fault.kind.to_owned(),
        target: fault.target.to_owned(),
        struck: fault.struck.to_vec(),
        at: t0,
        instants: fault.instants,
        window_end,
        before_from,
        censored: flowing.is_none(),
        converged: recovery.converged.map(|at| at.since(t0)),
        catch_up: recovery.caught_up.map(|at| at.since(t0)),
        stranded_messages: recovery.stranded.messages,
        stranded_unhandled: recovery.stranded.unhandled,
        stranded: recovery.stranded.last.map(|at| at.since(t0)),
        moved: owners.then_some(moved),
        moved_least: owners.then_some(moved_least),
        takeover_redelivered: repeats.iter().filter(is_of_it).count() as u64,
        partitions: (0..partitions).zip(&takeovers).map(of_partition).collect(),
    }
}

/// How the whole group came back from a fault.
struct Recovery {
    converged: Option<MonoNs>,
    stranded: Stranded,
    /// Backlog back at its level, after the fault has passed, after convergence and after the last stranded message.
    caught_up: Option<MonoNs>,
}

fn recovery<E: Evidence>(scene: &Scene<'_, E>, t0: MonoNs, passed: Option<MonoNs>, limit: MonoNs) -> Recovery {
    let manifest = scene.manifest;
    let beliefs = scene.beliefs;
    let owners = manifest.promises.owners;
    let converged =
        owners.then(|| ownership::converged(beliefs, scene.lives, manifest.partitions, t0, limit)).flatten();
    let settled = if owners { converged } else { Some(t0) };
    let stranded = stranded(scene, t0);
    let level = scene.backlog.greatest(t0 - LEVEL_BEFORE, t0);
    let caught_up = settled
        .zip(stranded.end(t0))
        .zip(passed)
        .and_then(|((settled, unstranded), passed)| scene.backlog.back_at(level, settled.max(unstranded).max(passed)))
        .filter(|&at| at <= limit);
    Recovery { converged, stranded, caught_up }
}

/// What a fault meant for the ownership of one partition.
struct Takeover<'a> {
    affected: bool,
    /// The new owner's belief, when there is a new owner.
    change: Option<&'a Belief>,
    resumption: Resumption,
}

/// One a partition: changes of owner up to `settled`, what the new owners did first up to the limit.
fn takeovers<'a, E: Evidence>(
    scene: &Scene<'a, E>,
    fault: &Struck<'_>,
    settled: MonoNs,
    limit: MonoNs,
) -> Vec<Takeover<'a>> {
    let beliefs = scene.beliefs;
    let manifest = scene.manifest;
    let struck: Vec<Author> = fault.struck.iter().filter_map(|process| process.parse().ok()).collect();
    let all = !manifest.promises.owners || strikes_server(fault.kind, fault.struck);
    let changes: Vec<Option<&Belief>> =
        (0..manifest.partitions).map(|partition| takeover::change(beliefs, partition, fault.at, settled)).collect();
    let resumptions = scene.evidence.resumptions(&changes, limit);
    (0..manifest.partitions)
        .zip(changes.into_iter().zip(resumptions))
        .map(|(partition, (change, resumption))| Takeover {
            affected: all || change.is_some() || takeover::owned_by(beliefs, partition, fault.at, &struck),
            change,
            resumption,
        })
        .collect()
}

/// Ownership settled and the backlog low do not mean that every partition flows again. It does so from the instant at which
/// each new owner has begun a message that nobody had handled, and no affected partition stands still.
fn flows_from<E: Evidence>(scene: &Scene<'_, E>, takeovers: &[Takeover<'_>], caught_up: MonoNs) -> MonoNs {
    let handled = takeovers.iter().filter_map(|takeover| takeover.resumption.handled).fold(caught_up, MonoNs::max);
    let affected = takeovers.iter().zip(scene.silences).filter(|(takeover, _)| takeover.affected);
    affected.filter_map(|(_, silences)| silences.end_of_one_at(handled)).fold(handled, MonoNs::max)
}

/// A server that was struck has to be well again, and what was to be stored meanwhile to flow, from `flowing` on. `None` when
/// it never was.
fn back_from<E: Evidence>(scene: &Scene<'_, E>, fault: &Struck<'_>, flowing: MonoNs) -> Option<MonoNs> {
    let after = |line: &&StoryLine| line.at > fault.at;
    let well = |name: &String| {
        let is_it = |line: &&StoryLine| matches!(&line.event, StoryEvent::Ready { process } if process == name);
        scene.story.iter().filter(after).find(is_it).map(|line| line.at)
    };
    // Nobody has to come back from a step-down.
    let struck: &[String] = if fault.kind == "step-down" { &[] } else { fault.struck };
    let back = struck.iter().map(well).try_fold(flowing, |latest, at| Some(latest.max(at?)))?;
    Some(scene.outages.iter().filter_map(|outages| outages.end_of_one_at(back)).fold(back, MonoNs::max))
}

/// Whether any fault of a run strikes a server.
pub(super) fn servers_are_struck(story: &[StoryLine]) -> bool {
    story.iter().any(|line| match &line.event {
        StoryEvent::Fault { kind, struck, .. } => strikes_server(kind, struck),
        _ => false,
    })
}

/// Whether a fault strikes a server.
pub(super) fn strikes(fault: &Struck<'_>) -> bool {
    strikes_server(fault.kind, fault.struck)
}

/// Whether the group has not recovered before the fault has passed: whom it struck is a member all the time. From a pause it
/// recovers without the paused.
fn goes_on(kind: &str) -> bool {
    matches!(kind, "cut" | "slow")
}

/// Whether a fault strikes the server, and with it every partition.
fn strikes_server(kind: &str, struck: &[String]) -> bool {
    kind == "step-down" || struck.iter().any(|process| process.starts_with("server"))
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

fn stranded<E: Evidence>(scene: &Scene<'_, E>, t0: MonoNs) -> Stranded {
    let mut stranded = Stranded::default();
    for wait in scene.evidence.waits() {
        // What is given up is stranded no more.
        let settled = match wait.end {
            WaitEnd::Handled { finished, .. } => Some(finished),
            WaitEnd::Dropped(dropped) => Some(dropped),
            WaitEnd::Never => None,
        };
        if wait.since < t0 && settled.is_none_or(|settled| settled > t0) {
            stranded.messages += 1;
            match settled {
                Some(settled) => stranded.last = stranded.last.max(Some(settled)),
                None => stranded.unhandled += 1,
            }
        }
    }
    stranded
}
