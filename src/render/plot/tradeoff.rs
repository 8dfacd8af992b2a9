//! Throughput against latency: each cell a point, with the range of its repeats in both directions.

use super::axis::{self, Axis};
use super::canvas::{Canvas, Font, Side, fitted, text_width};
use super::chart::cross;
use super::palette::Ink;
use super::timeline::{LEFT, RIGHT, SMALL, WIDTH};
use super::{Key, Plot, mark_swatch, marker, swatch};

/// Cells that are told apart by a mark of their own.
pub(crate) struct Series {
    /// What they have in common; empty when there is one series only.
    pub name: String,
    /// The cells, in an order that a line may follow.
    pub points: Vec<Point>,
}

/// One cell.
pub(crate) struct Point {
    /// What stands beside it.
    pub label: String,
    /// Throughput: the least repeat, what stands for all, the greatest.
    pub rate: [f64; 3],
    /// Latency in milliseconds, likewise.
    pub latency_ms: [f64; 3],
    /// What it tells when pointed at.
    pub title: String,
    /// It broke a promise.
    pub is_broken: bool,
}

const TOP: f64 = 30.0;
const BOTTOM: f64 = 400.0;
const TITLE: Font = Font { size: 12.0, bold: true, ink: Ink::Muted };
const LABEL: Font = Font { size: 11.5, bold: false, ink: Ink::Text };
/// Latencies that span so much are drawn by their logarithm.
const WIDE: f64 = 8.0;
/// The widest label.
const LABEL_MAX: f64 = 210.0;
/// How far from its point a label may stand.
const REACH: [f64; 4] = [9.0, 20.0, 34.0, 50.0];

/// A box on the sheet.
#[derive(Clone, Copy, Debug)]
struct Area {
    from: (f64, f64),
    to: (f64, f64),
}

impl Area {
    fn around((x, y): (f64, f64), half: f64) -> Self {
        Self { from: (x - half, y - half), to: (x + half, y + half) }
    }

    fn touches(&self, other: &Self) -> bool {
        self.from.0 < other.to.0 && other.from.0 < self.to.0 && self.from.1 < other.to.1 && other.from.1 < self.to.1
    }
}

/// The picture; none of fewer than two points, or of more series than can be told apart.
pub(crate) fn plot(caption: &str, quantities: [&str; 2], series: &[Series], is_joined: bool) -> Option<Plot> {
    let points = || series.iter().flat_map(|series| &series.points);
    if points().count() < 2 || series.len() > marker::SERIES_MAX {
        return None;
    }
    let x_axis = Axis::from_zero(points().flat_map(|point| point.rate), LEFT, RIGHT - 30.0);
    let latencies = || points().flat_map(|point| point.latency_ms).filter(|value| *value > 0.0);
    let (low, high) = latencies().fold((f64::INFINITY, 0.0f64), |(low, high), value| (low.min(value), high.max(value)));
    let is_log = high / low >= WIDE;
    let y_axis = if is_log {
        Axis::logarithmic(low / 1.4, high * 1.4, BOTTOM, TOP)
    } else {
        Axis::from_zero(latencies(), BOTTOM, TOP)
    };
    let mut canvas = Canvas::new(WIDTH, BOTTOM + 40.0);
    for tick in if is_log { y_axis.fine_ticks() } else { y_axis.ticks(5) } {
        canvas.line(&[(LEFT, y_axis.at(tick)), (RIGHT, y_axis.at(tick))], Ink::Grid, 1.0);
        canvas.text(&axis::duration(tick), (LEFT - 8.0, y_axis.at(tick)), Side::End, SMALL);
    }
    for tick in x_axis.ticks(8) {
        canvas.line(&[(x_axis.at(tick), TOP), (x_axis.at(tick), BOTTOM)], Ink::Grid, 1.0);
        canvas.text(&axis::short(tick), (x_axis.at(tick), BOTTOM + 13.0), Side::Middle, SMALL);
    }
    canvas.line(&[(LEFT, BOTTOM), (RIGHT, BOTTOM)], Ink::Muted, 1.0);
    canvas.line(&[(LEFT, TOP), (LEFT, BOTTOM)], Ink::Muted, 1.0);
    let scale = if is_log { ", logarithmic" } else { "" };
    canvas.text(&format!("{}{scale}", quantities[1]), (2.0, 9.0), Side::Start, TITLE);
    canvas.text(quantities[0], (RIGHT, BOTTOM + 31.0), Side::End, TITLE);
    let place = |rate: f64, latency: f64| (x_axis.at(rate), y_axis.at(latency));
    for (number, series) in series.iter().enumerate() {
        if is_joined {
            let line: Vec<(f64, f64)> = series.points.iter().map(|it| place(it.rate[1], it.latency_ms[1])).collect();
            canvas.line(&line, marker::ink(number), 1.25);
        }
        for point in &series.points {
            let ([least, rate, most], [soonest, latency, latest]) = (point.rate, point.latency_ms);
            canvas.line(&[place(least, latency), place(most, latency)], Ink::Muted, 1.25);
            canvas.line(&[place(rate, soonest), place(rate, latest)], Ink::Muted, 1.25);
        }
    }
    let mut taken: Vec<Area> = points()
        .flat_map(|point| {
            let ([least, rate, most], [soonest, latency, latest]) = (point.rate, point.latency_ms);
            let mark = Area::around(place(rate, latency), 6.5);
            let (right, left) = (place(most, latency), place(least, latency));
            let (above, below) = (place(rate, latest), place(rate, soonest));
            let across = Area { from: (left.0, left.1 - 1.0), to: (right.0, right.1 + 1.0) };
            [mark, across, Area { from: (above.0 - 1.0, above.1), to: (below.0 + 1.0, below.1) }]
        })
        .collect();
    for (number, series) in series.iter().enumerate() {
        for point in &series.points {
            let at = place(point.rate[1], point.latency_ms[1]);
            if let Some((area, far)) = room(&point.label, at, &taken) {
                let middle = (area.from.1 + area.to.1) / 2.0;
                if far {
                    let nearest = (at.0.clamp(area.from.0, area.to.0), at.1.clamp(area.from.1 + 2.0, area.to.1 - 2.0));
                    canvas.line(&[at, nearest], Ink::Muted, 0.75);
                }
                canvas.text(&shown(&point.label), (area.from.0 + 2.0, middle), Side::Start, LABEL);
                taken.push(area);
            }
            marker::draw(&mut canvas, at, number, 5.0);
            canvas.title(&point.title);
            if point.is_broken {
                cross(&mut canvas, at, 5.0, &point.title);
            }
        }
    }
    let told: Vec<&str> = points().map(|point| point.title.as_str()).collect();
    Some(Plot {
        id: "tradeoff".into(),
        title: "Throughput against latency".into(),
        caption: caption.to_owned(),
        svg: canvas.finish(&format!("Throughput against latency: {}.", told.join("; "))),
        legend: legend(series, is_joined),
    })
}

fn shown(label: &str) -> String {
    fitted(label, LABEL.size, LABEL_MAX)
}

/// Where a label stands free: as near as can be, and whether it needs a line to its point.
fn room(label: &str, at: (f64, f64), taken: &[Area]) -> Option<(Area, bool)> {
    let (width, height) = (text_width(&shown(label), LABEL.size) + 4.0, 14.0);
    let places = REACH.iter().flat_map(|reach| {
        let near = reach * 0.7;
        [
            (at.0 + reach, at.1 - height / 2.0),
            (at.0 - reach - width, at.1 - height / 2.0),
            (at.0 - width / 2.0, at.1 - reach - height),
            (at.0 - width / 2.0, at.1 + reach),
            (at.0 + near, at.1 - near - height),
            (at.0 + near, at.1 + near),
            (at.0 - near - width, at.1 - near - height),
            (at.0 - near - width, at.1 + near),
        ]
        .map(|from| (Area { from, to: (from.0 + width, from.1 + height) }, *reach > REACH[0]))
    });
    let inside = |area: &Area| {
        area.from.0 >= LEFT && area.to.0 <= WIDTH && area.from.1 >= TOP - 14.0 && area.to.1 <= BOTTOM - 1.0
    };
    let mut places = places;
    places.find(|(area, _)| inside(area) && !taken.iter().any(|other| area.touches(other)))
}

fn legend(series: &[Series], is_joined: bool) -> Vec<Key> {
    let mut keys = Vec::new();
    if series.len() > 1 {
        keys.extend(series.iter().enumerate().map(|(number, of)| marker::key(number, &of.name, is_joined)));
    }
    let points = || series.iter().flat_map(|series| &series.points);
    if points().any(|point| point.rate[0] < point.rate[2]) {
        let swatch = swatch(|canvas| {
            canvas.line(&[(6.0, 6.0), (22.0, 6.0)], Ink::Muted, 1.25);
            canvas.line(&[(14.0, 1.0), (14.0, 11.0)], Ink::Muted, 1.25);
        });
        keys.push(Key { swatch, label: "from the least to the greatest repeat".to_owned() });
    }
    if points().any(|point| point.is_broken) {
        keys.push(Key { swatch: mark_swatch(), label: "a promise was broken".to_owned() });
    }
    keys
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn labels_touch_neither_each_other_nor_a_point(
            points in prop::collection::vec((LEFT..RIGHT, TOP..BOTTOM, "[a-z ]{1,40}"), 0..40)
        ) {
            let marks: Vec<Area> = points.iter().map(|(x, y, _)| Area::around((*x, *y), 6.5)).collect();
            let mut taken = marks.clone();
            for (x, y, label) in &points {
                if let Some((area, _)) = room(label, (*x, *y), &taken) {
                    prop_assert!(taken.iter().all(|other| !other.touches(&area)));
                    prop_assert!(area.from.0 >= 0.0 && area.to.0 <= WIDTH && area.to.1 <= BOTTOM);
                    taken.push(area);
                }
            }
        }
    }

    #[test]
    fn a_lonely_point_has_its_label_at_hand() {
        let (area, far) = room("a cell", (500.0, 200.0), &[]).expect("there is room");
        assert!(!far && area.from.0 > 500.0);
    }
}
