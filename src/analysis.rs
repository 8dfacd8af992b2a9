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
mod health;
mod instants;
mod latency;
mod liveness;
mod ownership;
mod rebalance;
mod resources;
mod series;
mod silence;
mod statistics;
mod takeover;
mod timeline;
mod truth;
mod violations;

#[cfg(test)]
pub(crate) mod planted;
#[cfg(test)]
mod torn;

pub use bank::{BankFinding, Ended};
pub use explain::explain;
pub use findings::{
    EffectCounts, ExclusionCounts, FaultFinding, Findings, MeasuredFlow, PartitionFinding, Phases, ProcessUse,
    SuccessionCounts, faults, figures, run_info, violations,
};
pub use health::{DRAIN_CUT, Health, READ_TOO_SLOWLY, STARVED};
pub use latency::Latencies;
pub use liveness::{Liveness, Stretch};
pub use statistics::quantile;
pub use timeline::Timeline;

use crate::model::history::History;
use crate::model::report::Figures;
use crate::verdict::{self, Lives};
use silence::Waits;

/// Studies a whole run.
#[must_use]
pub fn study(history: &History) -> Findings {
    let ledger = verdict::judge(history);
    let lives = Lives::of(&history.story);
    let timeline = Timeline::of(history);
    let firsts = first::firsts(history, &ledger);
    let latencies = latency::latencies(&timeline, &ledger, &firsts);
    let flow = series::measured_flow(history, &timeline, &ledger);
    let backlog = backlog::Backlog::of(&ledger, &firsts);
    let silences = silence::silences(history, &timeline, &lives, &ledger, &firsts, Waits::Stored);
    // While a server is away nothing is stored, so nothing waits; what was to be stored tells how long that lasted.
    let outages = if rebalance::servers_are_struck(history) {
        silence::silences(history, &timeline, &lives, &ledger, &firsts, Waits::Intended)
    } else {
        Vec::new()
    };
    let faults = rebalance::faults(&rebalance::Scene {
        history,
        timeline: &timeline,
        lives: &lives,
        ledger: &ledger,
        firsts: &firsts,
        backlog: &backlog,
        silences: &silences,
        outages: &outages,
    });
    let processes = resources::processes(history, &timeline, flow.handled_messages);
    let figures = Figures {
        throughput: series::throughput(history, &timeline, &ledger),
        latency: latency::by_second(&timeline, &ledger, &firsts),
        latency_distribution: latencies.distribution(),
        ownership: ownership::spans(&timeline, &ledger.exclusion.beliefs),
        silences: silence::longest(&timeline, &silences, &faults),
        backlog: backlog.sampled(&timeline),
        resources: resources::series(history, &timeline),
    };
    let liveness = liveness::liveness(history, &timeline, &ledger.exclusion.beliefs, &silences);
    let violations = violations::violations(history, &timeline, &ledger, &liveness, &faults);
    let explanations = explain::first(history, &ledger, &violations);
    let health = health::examine(history, &timeline, &ledger, &latencies);
    let bank = bank::audit(history, &timeline, &ledger, &faults);
    Findings {
        run: findings::run(history, &timeline),
        promises: history.manifest.promises,
        environment: history.manifest.environment.clone(),
        settings: history.manifest.settings.clone(),
        closed_loop: history.manifest.rate_per_s.is_none(),
        publisher: ledger.publisher,
        order: ledger.order,
        partition_order: ledger.partition_order,
        partitions: ledger.partitions.clone(),
        handled: ledger.handled(),
        handled_by_member: series::handled_by_member(history, &ledger),
        aborted: ledger.aborted,
        phantom: ledger.phantom,
        extra_copies: ledger.extra_copies,
        forgotten_by_server: ledger.forgotten_by_server,
        misrouted: ledger.misrouted,
        not_offered: ledger.not_offered,
        dropped: ledger.dropped,
        acks_refused: health::acks_refused(history),
        unhandled: ledger.unhandled,
        evicted: ledger.evicted,
        lost_by_server: ledger.lost_by_server,
        truth: truth::told(history),
        lost: ledger.lost,
        loss_judged: timeline.reached_end_of_drain(),
        exclusion: ExclusionCounts::of(&ledger.exclusion),
        succession: SuccessionCounts::of(&ledger.succession),
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
