//! From evidence to findings: latencies, series, ownership, silences, gaps, health.
//!
//! [`study`] is a pure function of a [`History`]: no clock, no disk, no network, so an old run can be studied again.
//! The definitions are those of `docs/metrics.md`. What is told of the findings, and under which id, is the business
//! of `metric`; how it looks is that of `render`.

mod account;
mod backlog;
mod bank;
mod explain;
mod findings;
mod first;
mod follow;
mod health;
mod instants;
mod latency;
mod liveness;
mod ownership;
mod rebalance;
mod resources;
mod sighted;
mod silence;
mod statistics;
mod takeover;
mod tally;
mod timeline;
mod truth;
mod violations;
mod wait;

#[cfg(test)]
pub(crate) mod planted;
#[cfg(test)]
mod torn;

pub use bank::{BankFinding, Ended};
pub use explain::explain;
pub use findings::{
    EffectCounts, ExclusionCounts, FaultFinding, Findings, MeasuredFlow, PartitionFinding, Phases, ProcessUse, faults,
    figures, run_info, violations,
};
pub use follow::{Followed, Following, study_followed};
pub use health::{DRAIN_CUT, Health, READ_TOO_SLOWLY, STARVED};
pub use latency::Latencies;
pub use liveness::{Liveness, Stretch};
pub use statistics::quantile;
pub use timeline::Timeline;

use crate::model::explanation::Explanation;
use crate::model::history::History;
use crate::model::report::{Figures, Violation};
use crate::verdict::stream::Account;
use crate::verdict::{self, Belief, Lives, abreast};
use backlog::Backlog;
use silence::Waits;
use tally::{Measure, Tally};
use wait::{Evidence as _, Whole};

/// Studies a whole run.
#[must_use]
pub fn study(history: &History) -> Findings {
    let ledger = verdict::judge(history);
    let lives = Lives::of(&history.story);
    let timeline = Timeline::of(history);
    let firsts = first::firsts(history, &ledger);
    let whole = Whole { history, ledger: &ledger, firsts: &firsts };
    let partitions = ledger.partitions.len();
    // Levels and distances to a fault are needed only where one struck.
    let struck = !rebalance::struck(&history.story).is_empty();
    let add_up = || {
        let mut tally = Tally::new(timeline.zero);
        let measure = Measure::of(&timeline);
        for settled in whole.settled() {
            tally.settle(&settled, measure);
        }
        for judged in whole.judged() {
            tally.judge(&judged, measure);
        }
        tally
    };
    let silences = |begin| silence::silences(partitions, whole.waits(), &lives, timeline.work_end, begin);
    let look = || {
        let backlog = if struck { Backlog::of(whole.waits()) } else { Backlog::default() };
        (silences(Waits::Stored), backlog)
    };
    let (tally, (stored, backlog)) = abreast::both(abreast::is_worth_it(ledger.messages.len()), add_up, look);
    // While a server is away nothing is stored, so nothing waits; what was to be stored tells how long that lasted.
    let outages = if rebalance::servers_are_struck(&history.story) { silences(Waits::Intended) } else { Vec::new() };
    let beliefs = &ledger.exclusion.beliefs;
    let faults = rebalance::faults(&rebalance::Scene {
        manifest: &history.manifest,
        story: &history.story,
        span: (timeline.zero, timeline.work_end),
        lives: &lives,
        beliefs,
        evidence: &whole,
        backlog: &backlog,
        silences: &stored,
        outages: &outages,
    });
    let flow = tally.flow.measured(&timeline);
    let processes = resources::processes(history, &timeline, flow.handled_messages);
    let liveness = liveness::liveness(history, &timeline, beliefs, silence::stretches(&stored));
    let handled_by_member = tally.flow.by_member();
    let longest = silence::longest(silence::stretches(&stored).collect());
    let (latencies, figures) = figures_of(history, &timeline, tally, beliefs, &longest, &faults);
    let violations = violations::violations(history, &timeline, &ledger, &liveness, &faults);
    let explanations = explain::first(history, &ledger, &violations);
    let bank = bank::audit(history, &timeline, &ledger, &faults);
    let effects = ledger.exclusion.effects.as_ref().map(EffectCounts::of);
    let parts = Parts {
        handled_by_member,
        liveness,
        latencies,
        flow,
        faults,
        processes,
        violations,
        explanations,
        bank,
        figures,
    };
    assemble(history, timeline, Account::of(&ledger), effects, parts)
}

/// What the plots show, and the latencies.
fn figures_of(
    history: &History,
    timeline: &Timeline,
    tally: Tally,
    beliefs: &[Belief],
    longest: &[Stretch],
    faults: &[FaultFinding],
) -> (Latencies, Figures) {
    let figures = Figures {
        throughput: tally.flow.points(timeline, tally::POINTS),
        latency: tally.seconds.points(timeline, tally::POINTS),
        latency_distribution: tally.latencies.distribution(),
        ownership: ownership::spans(timeline, beliefs),
        silences: silence::told(timeline, longest, faults),
        backlog: tally.levels.sampled(timeline),
        resources: resources::series(history, timeline),
    };
    (tally.latencies, figures)
}

/// What is more than a count.
struct Parts {
    handled_by_member: Vec<(String, u64)>,
    liveness: Liveness,
    latencies: Latencies,
    flow: MeasuredFlow,
    faults: Vec<FaultFinding>,
    processes: Vec<ProcessUse>,
    violations: Vec<Violation>,
    explanations: Vec<Explanation>,
    bank: Option<BankFinding>,
    figures: Figures,
}

/// All findings, from the counts of the ledger and the rest.
fn assemble(
    history: &History,
    timeline: Timeline,
    account: Account,
    effects: Option<EffectCounts>,
    parts: Parts,
) -> Findings {
    let Parts {
        handled_by_member,
        liveness,
        latencies,
        flow,
        faults,
        processes,
        violations,
        explanations,
        bank,
        figures,
    } = parts;
    let health = health::examine(history, &timeline, &account, effects, &latencies);
    Findings {
        run: findings::run(history, &timeline),
        promises: history.manifest.promises,
        environment: history.manifest.environment.clone(),
        settings: history.manifest.settings.clone(),
        closed_loop: history.manifest.rate_per_s.is_none(),
        publisher: account.publisher,
        order: account.order,
        partition_order: account.partition_order,
        handled: account.handled(),
        handled_by_member,
        aborted: account.aborted,
        phantom: account.phantom,
        extra_copies: account.extra_copies,
        forgotten_by_server: account.forgotten_by_server,
        misrouted: account.misrouted,
        not_offered: account.not_offered,
        dropped: account.dropped,
        acks_refused: health::acks_refused(history),
        unhandled: account.unhandled,
        evicted: account.evicted,
        lost_by_server: account.lost_by_server,
        truth: truth::told(history),
        lost: account.lost,
        loss_judged: timeline.reached_end_of_drain(),
        exclusion: ExclusionCounts::of(&account, effects),
        succession: account.succession,
        partitions: account.partitions,
        liveness,
        latencies,
        flow,
        faults,
        processes,
        violations,
        explanations,
        bank,
        figures,
        health,
        timeline,
    }
}
