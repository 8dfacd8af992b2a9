//! The distribution of latency as a percentile curve: the axis counts nines, so that the tail has room.

use super::Plot;
use super::axis::Axis;
use super::canvas::{Canvas, Font, Side, text_width};
use super::palette::Ink;
use super::timeline::{LEFT, RIGHT, SMALL, WIDTH};
use crate::model::report::Report;
use crate::render::number;

/// The percentiles that deserve a label.
pub(super) const TICKS: [f64; 9] = [0.0, 50.0, 90.0, 99.0, 99.9, 99.99, 99.999, 99.9999, 99.99999];

/// How many nines a percentile has: 0 → 0, 90 → 1, 99 → 2.
pub(super) fn nines(percentile: f64) -> f64 {
    -(1.0 - (percentile / 100.0).clamp(0.0, 0.999_999_99)).log10()
}

/// The picture.
pub(super) fn plot(report: &Report) -> Option<Plot> {
    let points: Vec<(f64, f64)> = report
        .figures
        .latency_distribution
        .iter()
        .copied()
        .filter(|(percentile, value)| percentile.is_finite() && value.is_finite())
        .collect();
    let (_, greatest) = points.last().copied()?;
    let (top, bottom) = (34.0, 244.0);
    // The last point is the greatest value, at 100 %: it stands where the curve ends, one step beyond what was seen.
    let most = points.iter().filter(|(percentile, _)| *percentile < 100.0).map(|(percentile, _)| nines(*percentile));
    let most = most.fold(1.0, f64::max).min(8.0);
    let x_axis = Axis::linear(0.0, most, LEFT, RIGHT - 90.0);
    let y_axis = Axis::decades(points.iter().map(|(_, value)| *value), bottom, top);
    let mut canvas = Canvas::new(WIDTH, bottom + 40.0);
    for tick in y_axis.ticks(8) {
        let y = y_axis.at(tick);
        canvas.line(&[(LEFT, y), (RIGHT, y)], Ink::Grid, 1.0);
        canvas.text(&super::axis::duration(tick), (LEFT - 8.0, y), Side::End, SMALL);
    }
    for tick in TICKS.into_iter().filter(|tick| nines(*tick) <= most + 1e-9) {
        let x = x_axis.at(nines(tick));
        canvas.line(&[(x, top), (x, bottom)], Ink::Grid, 1.0);
        canvas.text(&format!("{tick} %"), (x, bottom + 13.0), Side::Middle, SMALL);
    }
    let axis_title = Font { size: 12.0, bold: true, ink: Ink::Muted };
    canvas.text("end_to_end, logarithmic", (2.0, 9.0), Side::Start, axis_title);
    canvas.text("share of messages that were at least so fast", (RIGHT, bottom + 31.0), Side::End, axis_title);
    canvas.line(&[(LEFT, bottom), (RIGHT, bottom)], Ink::Muted, 1.0);
    let end = RIGHT - 20.0;
    let place = |percentile: f64| if percentile >= 100.0 { end } else { x_axis.at(nines(percentile)) };
    let curve: Vec<(f64, f64)> =
        points.iter().map(|(percentile, value)| (place(*percentile), y_axis.at(*value))).collect();
    canvas.line(&curve, Ink::Series(4), 2.5);
    for wanted in [50.0, 99.0, 99.9] {
        if let Some((percentile, value)) = points.iter().find(|(percentile, _)| *percentile >= wanted)
            && nines(wanted) <= most
            && *percentile < 100.0
        {
            let at = (place(*percentile), y_axis.at(*value));
            canvas.dot(at, 4.0, Ink::Series(4), true);
            let font = Font { size: 12.5, bold: true, ink: Ink::Text };
            let label = number::ms(*value);
            // Left of the first dot stand the labels of the axis.
            if at.0 - 6.0 - text_width(&label, font.size) > LEFT {
                canvas.text(&label, (at.0 - 6.0, at.1 - 10.0), Side::End, font);
            } else {
                canvas.text(&label, (at.0 + 8.0, (at.1 + 12.0).min(bottom - 8.0)), Side::Start, font);
            }
        }
    }
    canvas.dot((end, y_axis.at(greatest)), 4.0, Ink::Series(4), false);
    let font = Font { size: 12.5, bold: true, ink: Ink::Text };
    canvas.text(&number::ms(greatest), (end + 4.0, y_axis.at(greatest) - 13.0), Side::End, font);
    canvas.text("max", (end, bottom + 13.0), Side::Middle, SMALL);
    let alt = format!("Percentile curve of end-to-end latency, up to {}.", number::ms(greatest));
    Some(Plot {
        id: "distribution".into(),
        title: "Latency, distribution".into(),
        caption: "All messages of the measure phase, from the merged histograms. Each step to the right is one nine \
                  more; the ring is the slowest message of all."
            .to_owned(),
        svg: canvas.finish(&alt),
        legend: Vec::new(),
    })
}
