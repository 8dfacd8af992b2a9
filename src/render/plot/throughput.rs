//! Throughput over time: offered, stored, handled, handled in order.

use super::axis::{self, Axis};
use super::chart::Chart;
use super::palette::Ink;
use super::timeline::Timeline;
use super::{Key, Plot, line_swatch, mark_swatch};
use crate::model::report::{Report, ThroughputPoint};
use crate::model::story::Phase;
use crate::render::number;

type Pick = fn(&ThroughputPoint) -> u64;

/// Widest first: where the lines coincide, which is what one hopes for, all of them stay visible.
const SERIES: [(&str, Ink, f64, Pick); 4] = [
    ("offered", Ink::Series(0), 7.5, |point| point.offered),
    ("stored", Ink::Series(1), 5.0, |point| point.stored),
    ("handled", Ink::Series(2), 3.0, |point| point.handled),
    ("handled in order", Ink::Series(3), 1.5, |point| point.ordered),
];

/// The picture.
pub(super) fn plot(report: &Report, timeline: &Timeline) -> Option<Plot> {
    let points = &report.figures.throughput;
    if points.is_empty() {
        return None;
    }
    // A run so short that no second is whole is shown as it is.
    let load = load(report).filter(|load| points.iter().any(|point| !covered_in_part(point, Some(*load))));
    let in_part = |point: &ThroughputPoint| covered_in_part(point, load);
    let values = || points.iter().flat_map(|point| SERIES.iter().map(|(.., pick)| pick(point) as f64 / point.span_s()));
    let mut chart = Chart::new(
        timeline,
        210.0,
        "messages a second",
        |bottom, top| Axis::from_zero(values(), bottom, top),
        axis::short,
    );
    for (_, ink, width, pick) in SERIES {
        // What is no number interrupts a line.
        let value =
            |point: &ThroughputPoint| if in_part(point) { f64::NAN } else { pick(point) as f64 / point.span_s() };
        chart.steps(points.iter().map(|point| (point.at_ms, value(point))), ink, width);
    }
    let broken: u64 = points.iter().map(|point| point.violations).sum();
    for point in points.iter().filter(|point| point.violations > 0) {
        let title = format!("{} at {}", number::of(point.violations, "violation"), number::instant(point.at_ms));
        chart.cross(point.at_ms + 500.0 * point.span_s(), &title);
    }
    let told = |point: &ThroughputPoint| {
        let per_s = |pick: &Pick| number::count((pick(point) as f64 / point.span_s()).round() as u64);
        let parts = SERIES.iter().map(|(name, .., pick)| format!("{name} {}", per_s(pick)));
        (point.at_ms, parts.collect::<Vec<_>>().join(" · "))
    };
    chart.canvas.readout(&points.iter().map(told).collect::<Vec<_>>());
    let ordered: u64 = points.iter().map(|point| point.ordered).sum();
    let alt = format!(
        "Throughput over {} seconds: {} handled in order, {}.",
        points.iter().map(ThroughputPoint::span_s).sum::<f64>(),
        number::of(ordered, "message"),
        number::of(broken, "order violation")
    );
    let mut legend: Vec<Key> = SERIES
        .iter()
        .map(|(label, ink, width, _)| Key { swatch: line_swatch(*ink, *width), label: (*label).to_owned() })
        .collect();
    if broken > 0 {
        legend.push(Key { swatch: mark_swatch(), label: "second with order violations".to_owned() });
    }
    Some(Plot {
        id: "throughput".into(),
        title: "Throughput".into(),
        caption: "By the second; the seconds in which the load began and ended, which it covers only in part, are left \
                  out. Lines that coincide lie inside one another; where the grey one shows alone, messages wait. Dashed \
                  verticals are faults; shaded phases are not measured."
            .to_owned(),
        svg: chart.finish(&alt),
        legend,
    })
}

/// From when to when messages were offered.
fn load(report: &Report) -> Option<(f64, f64)> {
    let loaded = || report.run.phases.iter().filter(|span| matches!(span.phase, Phase::WarmUp | Phase::Measure));
    let from = loaded().map(|span| span.from_ms).reduce(f64::min)?;
    let to = loaded().map(|span| span.to_ms).reduce(f64::max)?;
    Some((from, to))
}

/// Whether the load began or ended within this second: its sums would look like a dip.
fn covered_in_part(point: &ThroughputPoint, load: Option<(f64, f64)>) -> bool {
    let within = |at_ms: f64| point.at_ms < at_ms && at_ms < point.at_ms + 1e3 * point.span_s();
    load.is_some_and(|(from, to)| within(from) || within(to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_in_which_the_load_began_or_ended_are_no_dips() {
        let load = Some((80.0, 37_172.8));
        for (at_ms, in_part) in [(0.0, true), (1_000.0, false), (36_000.0, false), (37_000.0, true), (38_000.0, false)]
        {
            let point = ThroughputPoint { at_ms, ..ThroughputPoint::default() };
            assert_eq!(covered_in_part(&point, load), in_part, "{at_ms}");
            assert!(!covered_in_part(&point, None));
        }
    }
}
