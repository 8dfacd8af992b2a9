//! End-to-end latency over time.

use super::axis::{self, Axis};
use super::chart::Chart;
use super::palette::Ink;
use super::timeline::Timeline;
use super::{Key, Plot, line_swatch};
use crate::model::report::{LatencyPoint, Report};
use crate::render::number;

type Pick = fn(&LatencyPoint) -> f64;

const SERIES: [(&str, Ink, f64, Pick); 3] = [
    ("max", Ink::Series(6), 2.0, |point| point.max_ms),
    ("p99", Ink::Series(5), 2.0, |point| point.p99_ms),
    ("p50", Ink::Series(4), 2.5, |point| point.p50_ms),
];

/// The picture.
pub(super) fn plot(report: &Report, timeline: &Timeline) -> Option<Plot> {
    let points: Vec<&LatencyPoint> = report.figures.latency.iter().filter(|point| point.n > 0).collect();
    if points.is_empty() {
        return None;
    }
    let values = || points.iter().flat_map(|point| SERIES.iter().map(|(.., pick)| pick(point)));
    let mut chart = Chart::new(
        timeline,
        210.0,
        "end_to_end, logarithmic",
        |bottom, top| Axis::decades(values(), bottom, top),
        axis::duration,
    );
    for (_, ink, width, pick) in SERIES {
        chart.steps(points.iter().map(|point| (point.at_ms, pick(point))), ink, width);
    }
    let worst = values().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let alt = format!("End-to-end latency over time; the greatest is {}.", number::ms(worst));
    Some(Plot {
        id: "latency".into(),
        title: "Latency over time".into(),
        caption: "From the instant at which the schedule wanted a message sent to the end of its handling, by the \
                  second of the intended instant: a stall shows with its whole length. The axis is logarithmic, a \
                  line is ten times the one below."
            .to_owned(),
        svg: chart.finish(&alt),
        legend: SERIES
            .iter()
            .rev()
            .map(|(label, ink, width, _)| Key { swatch: line_swatch(*ink, *width), label: (*label).to_owned() })
            .collect(),
    })
}
