//! Instants of a run on the wall clock, for formats that know no other.

use jiff::{SignedDuration, Timestamp};

use crate::model::report::{PhaseSpan, Report};
use crate::model::story::Phase;

/// The wall clock at an instant of the run; none when the report does not tell when it started.
pub(super) fn at(report: &Report, at_ms: f64) -> Option<Timestamp> {
    let since = SignedDuration::from_micros((at_ms * 1e3) as i64);
    report.run.started.parse::<Timestamp>().ok()?.checked_add(since).ok()
}

/// The end of the last phase.
pub(super) fn end_ms(report: &Report) -> f64 {
    report.run.phases.iter().map(|phase| phase.to_ms).filter(|to| to.is_finite()).fold(0.0, f64::max)
}

/// The phase that is measured.
pub(super) fn measured(report: &Report) -> Option<&PhaseSpan> {
    report.run.phases.iter().find(|span| span.phase == Phase::Measure)
}
