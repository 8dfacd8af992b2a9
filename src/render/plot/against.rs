//! A quantity against a setting that is a number: one line a value of the others, a dot a repeat.

use super::axis::{self, Axis};
use super::canvas::{Canvas, Font, Side, fitted, text_width};
use super::chart::cross;
use super::palette::Ink;
use super::timeline::{LEFT, SMALL, WIDTH, clipped};
use super::{Key, Plot, line_swatch, mark_swatch, marker, swatch};

/// What is drawn.
pub(crate) struct Against {
    /// Anchor in the page, and name of its file.
    pub id: String,
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub caption: String,
    /// Name of the setting, with its unit.
    pub setting: String,
    /// Name of the quantity, with its unit.
    pub quantity: String,
    /// Whether the quantity is a time in milliseconds.
    pub is_time: bool,
    /// The values of the setting: as a number, and as shown.
    pub ticks: Vec<(f64, String)>,
    /// The lines.
    pub lines: Vec<Series>,
    /// What the lines are measured by.
    pub reference: Option<Reference>,
}

/// One line.
pub(crate) struct Series {
    /// Its name; empty when it is the only one.
    pub name: String,
    /// Its points, in the order of the setting.
    pub points: Vec<Point>,
}

/// One cell.
pub(crate) struct Point {
    /// The value of the setting.
    pub at: f64,
    /// What stands for the repeats.
    pub value: f64,
    /// The repeats, the least first.
    pub repeats: Vec<f64>,
    /// What it tells when pointed at.
    pub title: String,
    /// It broke a promise.
    pub is_broken: bool,
}

/// A thin line to compare with: `factor` × the setting.
pub(crate) struct Reference {
    /// Quantity a unit of the setting.
    pub factor: f64,
    /// What it means.
    pub label: String,
    /// Whether the drawing must hold all of it; otherwise it leaves at the top.
    pub is_held: bool,
}

/// Room for the names of lines.
const NAMES: f64 = 150.0;
const TOP: f64 = 30.0;
const BOTTOM: f64 = 330.0;
const TITLE: Font = Font { size: 12.0, bold: true, ink: Ink::Muted };
const NAME: Font = Font { size: 12.5, bold: true, ink: Ink::Text };
/// A setting or a quantity that spans so much is drawn by its logarithm.
const WIDE: f64 = 8.0;
const WIDE_TIME: f64 = 12.0;

/// The picture; none when there is no line of two points.
pub(crate) fn plot(against: Against) -> Option<Plot> {
    let points = || against.lines.iter().flat_map(|line| &line.points);
    if !against.lines.iter().any(|line| line.points.len() > 1) || against.lines.len() > marker::SERIES_MAX {
        return None;
    }
    let names = against.lines.iter().map(|line| text_width(&line.name, NAME.size));
    let right = WIDTH - 14.0 - names.fold(0.0, f64::max).min(NAMES) - 26.0;
    let x_axis = setting_axis(&against.ticks, right);
    let referred = |reference: &Reference| -> Vec<f64> {
        against.ticks.iter().map(|(at, _)| at * reference.factor).filter(|_| reference.is_held).collect()
    };
    let values = points().flat_map(|point| point.repeats.iter().copied().chain([point.value]));
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.extend(against.reference.iter().flat_map(referred));
    let (y_axis, is_log) = quantity_axis(&values, against.is_time);
    let mut canvas = Canvas::new(WIDTH, BOTTOM + 40.0);
    let ticks = if is_log { y_axis.fine_ticks() } else { y_axis.ticks(5) };
    let label = if against.is_time { axis::duration } else { axis::short };
    for tick in ticks {
        let y = y_axis.at(tick);
        canvas.line(&[(LEFT, y), (right + 12.0, y)], Ink::Grid, 1.0);
        canvas.text(&label(tick), (LEFT - 8.0, y), Side::End, SMALL);
    }
    let mut free_from = f64::NEG_INFINITY;
    for (at, label) in &against.ticks {
        let x = x_axis.at(*at);
        canvas.line(&[(x, TOP), (x, BOTTOM)], Ink::Grid, 1.0);
        let label = clipped(label, 16);
        let half = text_width(&label, SMALL.size) / 2.0;
        if x - half >= free_from {
            canvas.text(&label, (x, BOTTOM + 13.0), Side::Middle, SMALL);
            free_from = x + half + 6.0;
        }
    }
    canvas.line(&[(LEFT, BOTTOM), (right + 12.0, BOTTOM)], Ink::Muted, 1.0);
    let scale = if is_log { ", logarithmic" } else { "" };
    canvas.text(&format!("{}{scale}", against.quantity), (2.0, 9.0), Side::Start, TITLE);
    canvas.text(&clipped(&against.setting, 90), (right + 12.0, BOTTOM + 31.0), Side::End, TITLE);
    if let Some(reference) = &against.reference {
        draw_reference(&mut canvas, reference, &against.ticks, &x_axis, &y_axis);
    }
    let mut ends: Vec<(f64, usize)> = Vec::new();
    for (number, line) in against.lines.iter().enumerate() {
        // Ranges of several lines at one place stand beside each other.
        let aside = (number as f64 - (against.lines.len() as f64 - 1.0) / 2.0) * 4.0;
        let place = |point: &Point, value: f64| (x_axis.at(point.at) + aside, y_axis.at(value));
        // The repeats beside the mark, which would cover those that lie near each other; those of each line for themselves.
        let beside = 8.0 - aside + number as f64 * (40.0 / against.lines.len() as f64).min(6.0);
        draw_line(&mut canvas, number, line, beside, place);
        if let Some(last) = line.points.last() {
            ends.push((place(last, last.value).1, number));
        }
    }
    if against.lines.len() > 1 {
        for (y, number) in apart(ends, 16.0, TOP, BOTTOM) {
            canvas.text(&fitted(&against.lines[number].name, NAME.size, NAMES), (right + 22.0, y), Side::Start, NAME);
        }
    }
    let svg = canvas.finish(&alt(&against));
    let legend = legend(&against);
    Some(Plot { id: against.id.into(), title: against.title.into(), caption: against.caption, svg, legend })
}

fn draw_line(canvas: &mut Canvas, number: usize, line: &Series, aside: f64, place: impl Fn(&Point, f64) -> (f64, f64)) {
    let ink = marker::ink(number);
    let curve: Vec<(f64, f64)> = line.points.iter().map(|point| place(point, point.value)).collect();
    canvas.line(&curve, ink, 2.0);
    for point in &line.points {
        let beside = |value: f64| {
            let (x, y) = place(point, value);
            (x + aside, y)
        };
        if let [least, .., most] = point.repeats.as_slice() {
            // Whole, whatever dash the line has: a short one would vanish between two dashes.
            canvas.line(&[beside(*least), beside(*most)], Ink::Muted, 1.25);
            for repeat in &point.repeats {
                canvas.dot(beside(*repeat), 2.0, ink, true);
            }
        }
        marker::draw(canvas, place(point, point.value), number, 4.5);
        canvas.title(&point.title);
        if point.is_broken {
            let (x, y) = place(point, point.value);
            cross(canvas, (x, y), 5.0, &point.title);
        }
    }
}

fn draw_reference(canvas: &mut Canvas, reference: &Reference, ticks: &[(f64, String)], x_axis: &Axis, y_axis: &Axis) {
    let ats = || ticks.iter().map(|(at, _)| *at).filter(|at| at.is_finite());
    let (low, high) = ats().fold((f64::INFINITY, 0.0f64), |(low, high), at| (low.min(at), high.max(at)));
    if low > high {
        return;
    }
    // On an axis of logarithms a straight line is a curve: it is drawn in steps, up to where it leaves the drawing.
    let steps = (0..=120).map(|step| low + (high - low) * (f64::from(step) / 120.0).powi(3));
    let curve: Vec<(f64, f64)> = steps
        .filter(|at| at * reference.factor <= y_axis.high() * 1.0001)
        .map(|at| (x_axis.at(at), y_axis.at(at * reference.factor)))
        .collect();
    canvas.line(&curve, Ink::Lease, 1.25);
    canvas.title(&reference.label);
}

/// Over all values of the setting, with a margin at both ends.
fn setting_axis(ticks: &[(f64, String)], right: f64) -> Axis {
    let (low, high) = ticks
        .iter()
        .map(|(at, _)| *at)
        .filter(|at| at.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), at| (low.min(at), high.max(at)));
    let (from, to) = (LEFT + 22.0, right - 8.0);
    if low > 0.0 && high / low >= WIDE {
        Axis::logarithmic(low, high, from, to)
    } else {
        Axis::linear(low, high, from, to)
    }
}

/// From nought; a time that spans decades by its logarithm.
fn quantity_axis(values: &[f64], is_time: bool) -> (Axis, bool) {
    let above = || values.iter().copied().filter(|value| *value > 0.0);
    let (low, high) = above().fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    if is_time && low < f64::INFINITY && high / low >= WIDE_TIME {
        (Axis::logarithmic(below(low), -below(-high), BOTTOM, TOP), true)
    } else {
        (Axis::from_zero(values.iter().copied(), BOTTOM, TOP), false)
    }
}

/// The next value below that is 1, 2 or 5 times a power of ten; of a negative value the next beyond.
fn below(value: f64) -> f64 {
    let (size, up) = (value.abs(), value < 0.0);
    let power = 10f64.powf(size.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * power);
    let found = if up {
        steps.into_iter().find(|step| *step >= size * 0.999)
    } else {
        steps.into_iter().rfind(|step| *step <= size)
    };
    found.map_or(value, |step| if up { -step } else { step })
}

/// Moves labels so far apart that none covers another, in their order, and keeps them between `top` and `bottom`.
pub(super) fn apart(mut labels: Vec<(f64, usize)>, step: f64, top: f64, bottom: f64) -> Vec<(f64, usize)> {
    labels.retain(|(y, _)| y.is_finite());
    labels.sort_by(|(one, _), (other, _)| one.total_cmp(other));
    let mut free_from = top;
    for (y, _) in &mut labels {
        *y = y.max(free_from);
        free_from = *y + step;
    }
    let mut free_to = bottom;
    for (y, _) in labels.iter_mut().rev() {
        *y = y.min(free_to);
        free_to = *y - step;
    }
    labels
}

fn alt(against: &Against) -> String {
    let line = |line: &Series| {
        let points: Vec<&str> = line.points.iter().map(|point| point.title.as_str()).collect();
        points.join("; ")
    };
    let lines: Vec<String> = against.lines.iter().map(line).collect();
    format!("{} against {}: {}.", against.quantity, against.setting, lines.join("; "))
}

fn legend(against: &Against) -> Vec<Key> {
    let mut keys: Vec<Key> = Vec::new();
    if against.lines.len() > 1 {
        keys.extend(against.lines.iter().enumerate().map(|(number, line)| marker::key(number, &line.name, true)));
    }
    let points = || against.lines.iter().flat_map(|line| &line.points);
    if points().any(|point| point.repeats.len() > 1) {
        keys.push(repeat_key());
    }
    if points().any(|point| point.is_broken) {
        keys.push(Key { swatch: mark_swatch(), label: "a promise was broken".to_owned() });
    }
    if let Some(reference) = &against.reference {
        keys.push(Key { swatch: line_swatch(Ink::Lease, 1.25), label: reference.label.clone() });
    }
    keys
}

/// The key of the dots.
pub(super) fn repeat_key() -> Key {
    let swatch = swatch(|canvas| {
        canvas.line(&[(5.0, 6.0), (23.0, 6.0)], Ink::Muted, 1.25);
        canvas.dot((5.0, 6.0), 2.25, Ink::Text, true);
        canvas.dot((23.0, 6.0), 2.25, Ink::Text, true);
    });
    Key { swatch, label: "a repeat".to_owned() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn names_of_lines_never_cover_each_other(ys in prop::collection::vec(TOP..BOTTOM, 0..8)) {
            let labels = apart(ys.iter().copied().zip(0..).collect(), 16.0, TOP, BOTTOM);
            prop_assert_eq!(labels.len(), ys.len());
            for pair in labels.windows(2) {
                prop_assert!(pair[1].0 - pair[0].0 >= 16.0 - 1e-6);
            }
            prop_assert!(labels.iter().all(|(y, _)| *y >= TOP - 1e-6 && *y <= BOTTOM + 1e-6));
        }
    }

    #[test]
    fn the_ends_of_an_axis_are_round_and_hold_the_value() {
        for (value, round) in [(1.0, 1.0), (3.0, 2.0), (0.07, 0.05), (999.0, 500.0)] {
            assert!((below(value) - round).abs() < 1e-9, "{value}");
        }
        for (value, round) in [(1.0, 1.0), (3.0, 5.0), (0.07, 0.1), (999.0, 1000.0)] {
            assert!((-below(-value) - round).abs() < 1e-9, "{value}");
        }
    }
}
