//! Backlog over time.

use super::Plot;
use super::axis::{self, Axis};
use super::chart::Chart;
use super::palette::Ink;
use super::timeline::Timeline;
use crate::model::report::{BacklogPoint, Report};
use crate::render::number;

/// The picture.
pub(super) fn plot(report: &Report, timeline: &Timeline) -> Option<Plot> {
    let points = &report.figures.backlog;
    let highest = points.iter().map(|point| point.messages).max()?;
    let series = || points.iter().map(|point| (point.at_ms, point.messages as f64));
    let mut chart = Chart::new(
        timeline,
        140.0,
        "messages waiting",
        |bottom, top| Axis::from_zero(series().map(|(_, messages)| messages), bottom, top),
        axis::short,
    );
    chart.surface(series(), Ink::Series(4));
    chart.series(series(), Ink::Series(4), 2.0);
    let told = |point: &BacklogPoint| (point.at_ms, format!("{} waiting", number::of(point.messages, "message")));
    chart.canvas.readout(&points.iter().map(told).collect::<Vec<_>>());
    let alt = format!("Backlog over time; at most {} waited.", number::of(highest, "message"));
    Some(Plot {
        id: "backlog".into(),
        title: "Backlog".into(),
        caption: format!(
            "Messages stored and not yet handled; at most {}. A backlog that does not fall after a fault means that \
             the fleet is too slow.",
            number::count(highest)
        ),
        svg: chart.finish(&alt),
        legend: Vec::new(),
    })
}
