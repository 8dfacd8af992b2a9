//! From a report to what is compared of it.

use crate::model::digest::{Curves, Digest};
use crate::model::reading::{Reading, Scope};
use crate::model::report::Report;
use crate::model::story::Phase;

/// The digest of a report.
#[must_use]
pub fn digest(report: &Report) -> Digest {
    let kept = |reading: &&Reading| matches!(reading.scope, Scope::Run | Scope::Process(_) | Scope::FaultKind(_));
    let readings = report.readings.iter().filter(kept).map(|reading| Reading { histogram: None, ..reading.clone() });
    Digest {
        report: report.schema.clone(),
        state: report.state,
        state_reasons: report.state_reasons.clone(),
        run: report.run.clone(),
        promises: report.promises,
        environment: report.environment.clone(),
        settings: report.settings.clone(),
        readings: readings.collect(),
        curves: curves(report),
    }
}

/// Seconds are counted from the measure phase, so that runs whose servers took longer to start lie over each other.
fn curves(report: &Report) -> Curves {
    let measure = report.run.phases.iter().find(|span| span.phase == Phase::Measure);
    let zero = measure.map_or(0.0, |span| span.from_ms);
    let points = report.figures.throughput.iter();
    let second = |at_ms: f64| ((at_ms - zero) / 1e2).round() / 10.0;
    Curves {
        latency: report.figures.latency_distribution.clone(),
        ordered: points.map(|point| (second(point.at_ms), point.ordered as f64 / point.span_s())).collect(),
    }
}
