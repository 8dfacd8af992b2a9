//! The frame of a picture with a value axis over time: grid, labels, unit, faults. The data is drawn between.

use super::axis::Axis;
use super::canvas::{Canvas, Font, Group, Side, text_width};
use super::palette::Ink;
use super::timeline::{LEFT, RIGHT, SMALL, Timeline, WIDTH};

/// Axis titles.
const TITLE: Font = Font { size: 12.0, bold: true, ink: Ink::Muted };

/// A chart over time that is being drawn.
pub(super) struct Chart<'a> {
    /// The sheet.
    pub canvas: Canvas,
    /// Time.
    pub timeline: &'a Timeline,
    /// Values.
    pub axis: Axis,
    top: f64,
    bottom: f64,
}

impl<'a> Chart<'a> {
    /// Grid and axes for a drawing of this height; `axis` is given the pixels of its low and high end.
    pub(super) fn new(
        timeline: &'a Timeline,
        height: f64,
        unit: &str,
        axis: impl FnOnce(f64, f64) -> Axis,
        label: impl Fn(f64) -> String,
    ) -> Self {
        let crowded = timeline.is_crowded_left_of(text_width(unit, TITLE.size) + 12.0);
        let top = timeline.head() + if crowded { 24.0 } else { 14.0 };
        let bottom = top + height;
        let mut canvas = Canvas::new(WIDTH, bottom + Timeline::FOOT);
        let axis = axis(bottom, top);
        timeline.draw_below(&mut canvas, top, bottom);
        timeline.draw_seconds(&mut canvas, top, bottom);
        for tick in axis.ticks(5) {
            let y = axis.at(tick);
            canvas.line(&[(LEFT, y), (RIGHT, y)], Ink::Grid, 1.0);
            canvas.text(&label(tick), (LEFT - 8.0, y), Side::End, SMALL);
        }
        canvas.line(&[(LEFT, bottom), (RIGHT, bottom)], Ink::Muted, 1.0);
        let title_y = if crowded { 9.0 } else { top - 17.0 };
        canvas.text(unit, (2.0, title_y), Side::Start, TITLE);
        canvas.open(Group::Time);
        Self { canvas, timeline, axis, top, bottom }
    }

    /// A series of (instant, value).
    pub(super) fn series(&mut self, points: impl Iterator<Item = (f64, f64)>, ink: Ink, width: f64) {
        let points: Vec<(f64, f64)> =
            points.map(|(at_ms, value)| (self.timeline.x(at_ms), self.axis.at(value))).collect();
        self.canvas.line(&points, ink, width);
    }

    /// A series of sums by the second: each holds for its whole second, so nothing seems to fall before its cause.
    pub(super) fn steps(&mut self, points: impl Iterator<Item = (f64, f64)>, ink: Ink, width: f64) {
        let corners: Vec<(f64, f64)> =
            points.flat_map(|(at_ms, value)| [(at_ms, value), (at_ms + 1e3, value)]).collect();
        self.series(corners.into_iter(), ink, width);
    }

    /// The surface below a series.
    pub(super) fn surface(&mut self, points: impl Iterator<Item = (f64, f64)>, ink: Ink) {
        let mut outline: Vec<(f64, f64)> =
            points.map(|(at_ms, value)| (self.timeline.x(at_ms), self.axis.at(value))).collect();
        if let (Some(first), Some(last)) = (outline.first().copied(), outline.last().copied()) {
            outline.push((last.0, self.bottom));
            outline.push((first.0, self.bottom));
            self.canvas.area(&outline, ink, 0.16);
        }
    }

    /// A cross at the foot of the drawing.
    pub(super) fn cross(&mut self, at_ms: f64, title: &str) {
        let x = self.timeline.x(at_ms);
        self.canvas.pinned(x, |canvas| cross(canvas, (x, self.bottom - 7.0), 4.5, title));
    }

    /// The faults on top, and the element.
    pub(super) fn finish(mut self, alt: &str) -> String {
        self.canvas.close();
        self.timeline.draw_faults(&mut self.canvas, self.top, self.bottom);
        self.canvas.finish(alt)
    }
}

/// The mark of a violation: a cross with a halo, seen on every ground.
pub(super) fn cross(canvas: &mut Canvas, (x, y): (f64, f64), size: f64, title: &str) {
    for (ink, width) in [(Ink::Paper, 4.5), (Ink::Bad, 2.25)] {
        for slope in [1.0, -1.0] {
            canvas.line(&[(x - size, y - size * slope), (x + size, y + size * slope)], ink, width);
            if ink == Ink::Bad {
                canvas.title(title);
            }
        }
    }
}
