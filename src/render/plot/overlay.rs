//! Curves of several sides laid over each other: one line a repeat, one ink a side. Nothing is averaged.

use super::axis::Axis;
use super::canvas::{Canvas, Font, Side as Anchor};
use super::palette::Ink;
use super::percentiles::{TICKS, nines};
use super::timeline::{LEFT, RIGHT, SMALL, WIDTH};
use super::{Key, Plot, line_swatch};
use crate::model::contrast::{Side, SideRun};

/// The base is grey; further sides differ in hue and dash.
const INKS: [u8; 7] = [0, 4, 5, 3, 6, 2, 1];
const TOP: f64 = 30.0;
const BOTTOM: f64 = 262.0;
const TITLE: Font = Font { size: 12.0, bold: true, ink: Ink::Muted };

/// The distributions of latency.
pub(crate) fn latency(sides: &[Side]) -> Option<Plot> {
    let points =
        || runs(sides).flat_map(|run| &run.curves.latency).filter(|(at, value)| at.is_finite() && value.is_finite());
    points().next()?;
    let most = points().filter(|(at, _)| *at < 100.0).map(|(at, _)| nines(*at)).fold(1.0, f64::max).min(8.0);
    let x_axis = Axis::linear(0.0, most, LEFT, RIGHT - 60.0);
    let y_axis = Axis::decades(points().map(|(_, value)| *value), BOTTOM, TOP);
    let mut canvas = Canvas::new(WIDTH, BOTTOM + 38.0);
    grid(&mut canvas, &y_axis, super::axis::duration);
    for tick in TICKS.into_iter().filter(|tick| nines(*tick) <= most + 1e-9) {
        let x = x_axis.at(nines(tick));
        canvas.line(&[(x, TOP), (x, BOTTOM)], Ink::Grid, 1.0);
        canvas.text(&format!("{tick} %"), (x, BOTTOM + 13.0), Anchor::Middle, SMALL);
    }
    canvas.text("max", (RIGHT - 14.0, BOTTOM + 13.0), Anchor::Middle, SMALL);
    canvas.text("end_to_end, logarithmic", (2.0, 9.0), Anchor::Start, TITLE);
    canvas.text("share of messages that were at least so fast", (RIGHT, BOTTOM + 30.0), Anchor::End, TITLE);
    let place = |at: f64| if at >= 100.0 { RIGHT - 14.0 } else { x_axis.at(nines(at)) };
    lines(&mut canvas, sides, |run| {
        run.curves.latency.iter().map(|(at, value)| (place(*at), y_axis.at(*value))).collect()
    });
    Some(Plot {
        id: "latencies".into(),
        title: "Latency, distributions laid over each other".into(),
        caption:
            "One line a repeat. Where the lines of one side lie as far from each other as from those of the other, the \
                  difference is noise. Each step to the right is one nine more."
                .to_owned(),
        svg: canvas.finish("Percentile curves of end-to-end latency, one a repeat."),
        legend: legend(sides),
    })
}

/// What was handled in order by the second.
pub(crate) fn ordered(sides: &[Side]) -> Option<Plot> {
    let points =
        || runs(sides).flat_map(|run| &run.curves.ordered).filter(|(at, value)| at.is_finite() && value.is_finite());
    points().next()?;
    let (first, last) = points().fold((0.0f64, 1.0f64), |(first, last), (at, _)| (first.min(*at), last.max(at + 1.0)));
    let x_axis = Axis::linear(first, last, LEFT, RIGHT);
    let y_axis = Axis::from_zero(points().map(|(_, value)| *value), BOTTOM, TOP);
    let mut canvas = Canvas::new(WIDTH, BOTTOM + 38.0);
    grid(&mut canvas, &y_axis, super::axis::short);
    for tick in x_axis.ticks(10) {
        let x = x_axis.at(tick);
        canvas.line(&[(x, TOP), (x, BOTTOM)], Ink::Grid, 1.0);
        canvas.text(&super::axis::short(tick), (x, BOTTOM + 13.0), Anchor::Middle, SMALL);
    }
    canvas.line(&[(x_axis.at(0.0), TOP), (x_axis.at(0.0), BOTTOM)], Ink::Muted, 1.0);
    canvas.text("handled in order, msg/s", (2.0, 9.0), Anchor::Start, TITLE);
    canvas.text("seconds since the measure phase began", (RIGHT, BOTTOM + 30.0), Anchor::End, TITLE);
    lines(&mut canvas, sides, |run| {
        // A sum holds for its whole second, as in the report of one run.
        let second = |(at, value): &(f64, f64)| [*at, at + 1.0].map(|at| (x_axis.at(at), y_axis.at(*value)));
        run.curves.ordered.iter().flat_map(second).collect()
    });
    Some(Plot {
        id: "rates".into(),
        title: "Throughput in order, laid over each other".into(),
        caption: "One line a repeat, by the second. With one seed the faults strike at the same instants on both sides; a dip \
                  that is wider on one side is a longer gap there."
            .to_owned(),
        svg: canvas.finish("Messages handled in order by the second, one line a repeat."),
        legend: legend(sides),
    })
}

fn runs(sides: &[Side]) -> impl Iterator<Item = &SideRun> {
    sides.iter().flat_map(|side| &side.runs)
}

fn grid(canvas: &mut Canvas, axis: &Axis, label: impl Fn(f64) -> String) {
    for tick in axis.ticks(8) {
        let y = axis.at(tick);
        canvas.line(&[(LEFT, y), (RIGHT, y)], Ink::Grid, 1.0);
        canvas.text(&label(tick), (LEFT - 8.0, y), Anchor::End, SMALL);
    }
    canvas.line(&[(LEFT, BOTTOM), (RIGHT, BOTTOM)], Ink::Muted, 1.0);
}

fn lines(canvas: &mut Canvas, sides: &[Side], points: impl Fn(&SideRun) -> Vec<(f64, f64)>) {
    for (side, ink) in sides.iter().zip(INKS.into_iter().cycle()) {
        for run in &side.runs {
            canvas.line(&points(run), Ink::Series(ink), 1.5);
            canvas.title(&format!("{}: {}", side.name, run.name));
        }
    }
}

fn legend(sides: &[Side]) -> Vec<Key> {
    let key = |(side, ink): (&Side, u8)| Key { swatch: line_swatch(Ink::Series(ink), 2.5), label: side.name.clone() };
    sides.iter().zip(INKS.into_iter().cycle()).map(key).collect()
}
