//! What is seen of one trial: the figures of its report on which a verdict depends.

use super::course::{between_thirds_s, chance_messages, chance_ms, course};
use crate::model::reading::{Reading, Scope, Stat};
use crate::model::report::Report;
use crate::model::search::Seen;
use crate::model::story::Phase;

/// The points that a third of the measure phase needs at least: of the backlog, which is sampled ten times a second at
/// most, and of the lateness, which is known by the second.
const BACKLOG_POINTS: usize = 3;
const LATENESS_POINTS: usize = 1;

/// From the report of a run that took `took_s`, whose messages were handled in so many lanes beside each other.
#[must_use]
pub fn seen(report: &Report, lanes: u16, took_s: f64) -> Seen {
    let reading = |metric: &str, stat: Stat| -> Option<&Reading> {
        let is_it = |it: &&Reading| it.metric == metric && it.stat == stat && it.scope == Scope::Run;
        report.readings.iter().find(is_it)
    };
    let value = |metric: &str, stat: Stat| reading(metric, stat).and_then(|reading| reading.value);
    let count = |metric: &str| value(metric, Stat::Count).map(|count| count.max(0.0) as u64);
    let measure = report.run.phases.iter().find(|span| span.phase == Phase::Measure);
    let rate = report.run.rate_per_s.unwrap_or(0.0);
    let apart = measure.map_or(0.0, |span| between_thirds_s((span.to_ms - span.from_ms) / 1e3));
    let figures = &report.figures;
    let backlog = measure.and_then(|span| {
        let points = figures.backlog.iter().map(|point| (point.at_ms, point.messages as f64));
        course(points, span, BACKLOG_POINTS, chance_messages(rate, apart))
    });
    let lateness_ms = measure.and_then(|span| {
        // A second that is not whole in the phase is not of the phase.
        let whole = figures
            .latency
            .iter()
            .filter(|point| point.at_ms + 1e3 * point.span_s() <= span.to_ms + 1.0 && point.n > 0);
        let points = whole.map(|point| (point.at_ms, point.p99_ms));
        course(points, span, LATENESS_POINTS, chance_ms(rate, lanes, apart))
    });
    let unhandled = count("unhandled").unwrap_or(0);
    let lost = count("lost");
    Seen {
        state: report.state,
        state_reasons: report.state_reasons.clone(),
        took_s,
        offered: reading("offered_per_s", Stat::Value).map_or(0, |reading| reading.n),
        offered_per_s: value("offered_per_s", Stat::Value),
        stored_per_s: value("stored_per_s", Stat::Value),
        handled_per_s: value("handled_per_s", Stat::Value),
        ordered_per_s: value("ordered_per_s", Stat::Value),
        end_to_end_ms_p50: value("end_to_end", Stat::P50),
        end_to_end_ms_p99: value("end_to_end", Stat::P99),
        end_to_end_ms_max: value("end_to_end", Stat::Max),
        publish_service_ms_p50: value("publish_service", Stat::P50),
        schedule_lag_ms_p99: value("schedule_lag", Stat::P99),
        blocked_ms_p99: value("blocked", Stat::P99),
        lost,
        waiting: unhandled.saturating_sub(lost.unwrap_or(0)),
        order_violations: count("order_violations").unwrap_or(0),
        slow_consumers: count("slow_consumers").unwrap_or(0),
        backlog,
        lateness_ms,
    }
}
