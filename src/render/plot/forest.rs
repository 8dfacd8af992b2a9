//! How far each quantity moved: its ratio with the interval, and every repeat, on one axis of ratios around 1.

use super::axis::Axis;
use super::canvas::{Canvas, Font, Side};
use super::palette::Ink;
use super::timeline::{SMALL, WIDTH, clipped};
use super::{Key, Plot, line_swatch, swatch};
use crate::model::contrast::{Outcome, Pair, Row, Rule};
use crate::render::contrast::cells;

const ROW: f64 = 34.0;
const HEADING: f64 = 30.0;
const LABELS: f64 = 270.0;
const VERDICTS: f64 = WIDTH - 172.0;
/// Twice and half always fit; sixteen times and more is drawn at the edge.
const LEAST_REACH: f64 = 1.3;
const MOST_REACH: f64 = 16.0;
/// Ticks, and the reach up to which they do not crowd each other.
const TICKS: [(f64, &[f64]); 3] = [
    (0.45, &[0.67, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5]),
    (1.1, &[0.4, 0.5, 0.67, 0.8, 1.0, 1.25, 1.5, 2.0, 2.5]),
    (f64::MAX, &[0.0625, 0.125, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0]),
];

/// The picture; none when no quantity has a ratio.
pub(crate) fn plot(pairs: &[Pair]) -> Option<Plot> {
    let shown = |pair: &Pair| -> Vec<Row> {
        let rows = pair.rows.iter().filter(|row| row.rule == Rule::Statistics && base_median(row).is_some());
        rows.cloned().collect()
    };
    let pairs: Vec<(String, Vec<Row>)> = pairs
        .iter()
        .map(|pair| (format!("{} against {}", pair.side, pair.base), shown(pair)))
        .filter(|(_, rows)| !rows.is_empty())
        .collect();
    let ratios = || pairs.iter().flat_map(|(_, rows)| rows).flat_map(ratios_of);
    let reach = ratios().map(|ratio| ratio.ln().abs()).filter(|reach| reach.is_finite()).fold(0.0, f64::max);
    let reach = (reach * 1.05).clamp(LEAST_REACH.ln(), MOST_REACH.ln());
    let number: usize = pairs.iter().map(|(_, rows)| rows.len()).sum();
    if number == 0 {
        return None;
    }
    let top = 22.0;
    let bottom = top + number as f64 * ROW + pairs.len() as f64 * HEADING;
    let axis = Axis::linear(-reach, reach, LABELS, VERDICTS - 16.0);
    let x = |ratio: f64| axis.at(ratio.max(1e-9).ln());
    let mut canvas = Canvas::new(WIDTH, bottom + 24.0);
    let ticks = TICKS.iter().find(|(most, _)| reach <= *most).map_or(TICKS[2].1, |(_, ticks)| ticks);
    for tick in ticks.iter().filter(|tick| tick.ln().abs() <= reach + 1e-9) {
        canvas.line(&[(x(*tick), top), (x(*tick), bottom)], Ink::Grid, 1.0);
        canvas.text(&format!("{tick}×"), (x(*tick), bottom + 13.0), Side::Middle, SMALL);
    }
    let mut y = top;
    for (heading, rows) in &pairs {
        let font = Font { size: 13.0, bold: true, ink: Ink::Muted };
        canvas.text(&clipped(heading, 60), (2.0, y + HEADING / 2.0), Side::Start, font);
        y += HEADING;
        for row in rows {
            draw_row(&mut canvas, row, y + ROW / 2.0, &x);
            y += ROW;
        }
    }
    canvas.line(&[(x(1.0), top), (x(1.0), bottom)], Ink::Text, 1.25);
    let font = Font { size: 12.0, bold: true, ink: Ink::Muted };
    canvas.text("less than the base", (LABELS, 9.0), Side::Start, font);
    canvas.text("more", (VERDICTS - 16.0, 9.0), Side::End, font);
    let rows = pairs.iter().flat_map(|(_, rows)| rows);
    let told: Vec<String> = rows.map(|row| format!("{} {}", cells::label(row), cells::ratio(row))).collect();
    Some(Plot {
        id: "ratios".into(),
        title: "How far each quantity moved".into(),
        caption:
            "The other side ÷ the base. The bar is the interval of the ratio of the medians, the large mark the ratio \
                  itself; small marks are the repeats against the median of the base: above the bar those of the base, \
                  below it those of the other side. The band is what is too small to matter. Whether less or more is \
                  better, the verdict says."
                .to_owned(),
        svg: canvas.finish(&format!("Ratios: {}.", told.join("; "))),
        legend: legend(),
    })
}

fn base_median(row: &Row) -> Option<f64> {
    row.base.median.filter(|median| *median > 0.0 && !row.other.values.is_empty())
}

/// Everything of a row that must fit the axis.
fn ratios_of(row: &Row) -> Vec<f64> {
    let median = base_median(row).unwrap_or(1.0);
    let interval = row.interval.map_or([None; 2], |interval| [Some(interval.low), interval.high]);
    row.base
        .values
        .iter()
        .chain(&row.other.values)
        .map(|value| value / median)
        .chain(interval.into_iter().flatten())
        .filter(|ratio| *ratio > 0.0)
        .collect()
}

fn draw_row(canvas: &mut Canvas, row: &Row, y: f64, x: &impl Fn(f64) -> f64) {
    let ink = ink_of(row.outcome);
    let name = Font { size: 13.0, bold: false, ink: Ink::Text };
    canvas.text(&clipped(&cells::label(row), 36), (LABELS - 14.0, y), Side::End, name);
    if let Some(threshold) = row.threshold {
        let most = 1.0 + threshold.relative;
        canvas.rect((x(1.0 / most), y - ROW / 2.0 + 2.0), (x(most), y + ROW / 2.0 - 2.0), Ink::Track);
        canvas.title(&format!("{}: less than {:.0} % does not matter", row.metric, threshold.relative * 100.0));
    }
    let median = base_median(row).unwrap_or(1.0);
    for (values, dy, ink) in [(&row.base.values, -10.0, Ink::Series(0)), (&row.other.values, 10.0, Ink::Series(4))] {
        for value in values {
            canvas.dot((x(value / median), y + dy), 2.5, ink, true);
            canvas.title(&cells::value(*value, row));
        }
    }
    if let Some(interval) = row.interval {
        let high = interval.high.unwrap_or(f64::MAX);
        canvas.rect((x(interval.low), y - 3.0), (x(high).max(x(interval.low) + 1.0), y + 3.0), ink);
        canvas.title(&format!("{}: {}", cells::label(row), cells::interval(row)));
    }
    if let Some(ratio) = row.ratio {
        canvas.dot((x(ratio), y), 5.5, ink, true);
        canvas.title(&cells::ratio(row));
    }
    let bold = row.outcome != Outcome::Same;
    let verdict = Font { size: 13.0, bold, ink: if bold { Ink::Text } else { Ink::Muted } };
    canvas.text(&cells::ratio(row), (VERDICTS + 42.0, y), Side::End, verdict);
    canvas.text(&cells::verdict(row.outcome), (VERDICTS + 54.0, y), Side::Start, verdict);
}

fn ink_of(outcome: Outcome) -> Ink {
    match outcome {
        Outcome::Worse => Ink::Bad,
        Outcome::Better => Ink::Series(3),
        Outcome::Undecided | Outcome::Incomparable => Ink::Series(2),
        Outcome::Same => Ink::Muted,
    }
}

fn legend() -> Vec<Key> {
    let key = |swatch: String, label: &str| Key { swatch, label: label.to_owned() };
    let dot = |ink: Ink| swatch(|canvas| canvas.dot((14.0, 6.0), 3.0, ink, true));
    vec![
        key(dot(Ink::Series(0)), "a repeat of the base"),
        key(dot(Ink::Series(4)), "a repeat of the other side"),
        key(line_swatch(Ink::Muted, 6.0), "interval"),
        key(super::box_swatch(&[Ink::Track]), "too small to matter"),
    ]
}
