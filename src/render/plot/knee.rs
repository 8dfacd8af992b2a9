//! Latency and throughput against the offered rate, up to the knee: every trial a mark, the curve through what is sustained.

use super::axis::{Axis, duration, short};
use super::canvas::{Canvas, Font, Side, text_width};
use super::palette::Ink;
use super::timeline::{LEFT, RIGHT, SMALL, WIDTH};
use super::{Key, Plot, line_swatch, swatch};
use crate::model::search::{Search, Seen, Trial, Verdict};
use crate::render::number;

const TOP: f64 = 40.0;
const BOTTOM: f64 = 320.0;
/// Trials at more than so many times the rate that is not sustained make the axis logarithmic.
const FAR_BEYOND: f64 = 3.0;
const TITLE: Font = Font { size: 12.0, bold: true, ink: Ink::Muted };
const STRONG: Font = Font { size: 12.5, bold: true, ink: Ink::Text };

/// A figure of a trial, and how it is drawn.
type Series = (&'static str, Ink, fn(&Seen) -> Option<f64>);

const LATENCIES: [Series; 3] = [
    ("p50", Ink::Series(4), |seen| seen.end_to_end_ms_p50),
    ("p99", Ink::Series(5), |seen| seen.end_to_end_ms_p99),
    ("max", Ink::Series(6), |seen| seen.end_to_end_ms_max),
];
const RATES: [Series; 2] = [
    ("stored", Ink::Series(1), |seen| seen.stored_per_s),
    ("handled in order", Ink::Series(3), |seen| seen.ordered_per_s),
];

/// `end_to_end` against the offered rate.
pub(crate) fn latency(search: &Search) -> Option<Plot> {
    let limit = search.terms.end_to_end_ms_p99_max;
    let values = values(search, &LATENCIES);
    if values.is_empty() {
        return None;
    }
    let y_axis = Axis::decades(values.into_iter().chain([limit]), BOTTOM, TOP);
    let mut sheet = Sheet::new(search, "end_to_end, logarithmic")?;
    sheet.rows(&y_axis, &y_axis.ticks(8), duration);
    let y = y_axis.at(limit);
    sheet.canvas.line(&[(LEFT, y), (RIGHT, y)], Ink::Lease, 2.0);
    let told = format!("limit of p99: {}", number::ms(limit));
    sheet.canvas.text(&told, (LEFT + 6.0, y - 10.0), Side::Start, STRONG);
    sheet.series(search, &LATENCIES, &y_axis, number::ms);
    Some(Plot {
        id: "knee".into(),
        title: "Latency against the offered rate".into(),
        caption: "Each trial has a mark for its median, its p99 and its slowest message. The lines go through the medians of \
                  the trials that were sustained: up to the knee. Beyond it a backlog grows, and latency is only a matter \
                  of how long one looks."
            .to_owned(),
        svg: sheet.canvas.finish(&alt("Latency", search)),
        legend: legend(&LATENCIES, "limit of p99"),
    })
}

/// What was stored and handled against what was offered.
pub(crate) fn throughput(search: &Search) -> Option<Plot> {
    let values = values(search, &RATES);
    if values.is_empty() {
        return None;
    }
    let y_axis = Axis::from_zero(values.into_iter(), BOTTOM, TOP);
    let mut sheet = Sheet::new(search, "msg/s")?;
    sheet.rows(&y_axis, &y_axis.ticks(5), short);
    // Where rates are logarithmic from left to right, what is offered is a curve.
    let offered: Vec<(f64, f64)> = (0..=60)
        .map(|step| {
            let share = f64::from(step) / 60.0;
            if sheet.log { sheet.low * (sheet.high / sheet.low).powf(share) } else { sheet.high * share }
        })
        .filter(|rate| *rate <= y_axis.high())
        .map(|rate| (sheet.x(rate), y_axis.at(rate)))
        .collect();
    sheet.canvas.line(&offered, Ink::Series(0), 1.5);
    sheet.series(search, &RATES, &y_axis, number::plain);
    let mut legend = legend(&RATES, "");
    legend.insert(0, Key { swatch: line_swatch(Ink::Series(0), 1.5), label: "as much as offered".to_owned() });
    Some(Plot {
        id: "achieved".into(),
        title: "Throughput against the offered rate".into(),
        caption:
            "What was stored and what was handled in order in the measure phase. A mark below the grey line: less was \
                  done than was offered."
                .to_owned(),
        svg: sheet.canvas.finish(&alt("Throughput", search)),
        legend,
    })
}

fn values(search: &Search, series: &[Series]) -> Vec<f64> {
    let of = |trial: &Trial| series.iter().filter_map(|(.., figure)| figure(&trial.seen)).collect::<Vec<f64>>();
    search.trials.iter().flat_map(of).filter(|value| value.is_finite()).collect()
}

/// A sheet with rates from left to right, the answer and what lies beyond.
struct Sheet {
    canvas: Canvas,
    axis: Axis,
    /// Rates are logarithmic from left to right, because trials far beyond the knee would leave it no room.
    log: bool,
    low: f64,
    high: f64,
}

impl Sheet {
    fn new(search: &Search, unit: &str) -> Option<Self> {
        let rates = search.trials.iter().map(|trial| trial.rate_per_s).filter(|rate| rate.is_finite() && *rate > 0.0);
        let (low, high) = rates.fold((f64::INFINITY, 0.0f64), |(low, high), rate| (low.min(rate), high.max(rate)));
        if low > high {
            return None;
        }
        let knee = search.bracket.high_per_s.or(search.bracket.low_per_s).unwrap_or(high);
        let log = high > knee * FAR_BEYOND;
        // A little room at both ends, so that no mark lies on an axis.
        let (low, high) = if log { (low / 1.15, high * 1.15) } else { (0.0, high * 1.08) };
        let axis =
            if log { Axis::linear(low.ln(), high.ln(), LEFT, RIGHT) } else { Axis::linear(low, high, LEFT, RIGHT) };
        let mut sheet = Self { canvas: Canvas::new(WIDTH, BOTTOM + 38.0), axis, log, low, high };
        if let Some(beyond) = search.bracket.high_per_s {
            sheet.canvas.rect((sheet.x(beyond), TOP), (RIGHT, BOTTOM), Ink::Unmeasured);
        }
        let mut free_from = LEFT - 20.0;
        for tick in if log { ticks(low, high) } else { axis.ticks(8) } {
            let x = sheet.x(tick);
            sheet.canvas.line(&[(x, TOP), (x, BOTTOM)], Ink::Grid, 1.0);
            let (label, half) = (short(tick), text_width(&short(tick), SMALL.size) / 2.0);
            if x - half > free_from {
                sheet.canvas.text(&label, (x, BOTTOM + 13.0), Side::Middle, SMALL);
                free_from = x + half + 8.0;
            }
        }
        if let Some(answer) = search.answer {
            let x = sheet.x(answer.rate_per_s);
            sheet.canvas.line(&[(x, TOP - 12.0), (x, BOTTOM)], Ink::Text, 1.5);
            let told = format!("{} msg/s", number::plain(answer.rate_per_s));
            // Left of its line, unless there is no room.
            let (at, side) = if x > LEFT + 220.0 { (x - 6.0, Side::End) } else { (x + 6.0, Side::Start) };
            sheet.canvas.text(&told, (at, TOP - 10.0), side, STRONG);
        }
        sheet.canvas.line(&[(LEFT, BOTTOM), (RIGHT, BOTTOM)], Ink::Muted, 1.0);
        sheet.canvas.text(unit, (2.0, 9.0), Side::Start, TITLE);
        let title = if log { "offered, messages a second, logarithmic" } else { "offered, messages a second" };
        sheet.canvas.text(title, (RIGHT, BOTTOM + 30.0), Side::End, TITLE);
        Some(sheet)
    }

    fn x(&self, rate: f64) -> f64 {
        self.axis.at(if self.log { rate.max(1e-9).ln() } else { rate })
    }

    /// Grid lines and labels of the values.
    fn rows(&mut self, axis: &Axis, ticks: &[f64], label: fn(f64) -> String) {
        for tick in ticks {
            let y = axis.at(*tick);
            self.canvas.line(&[(LEFT, y), (RIGHT, y)], Ink::Grid, 1.0);
            self.canvas.text(&label(*tick), (LEFT - 8.0, y), Side::End, SMALL);
        }
    }

    /// A curve through what is sustained, and a mark for each trial.
    fn series(&mut self, search: &Search, series: &[Series], axis: &Axis, told: fn(f64) -> String) {
        for (name, ink, figure) in series {
            let curve: Vec<(f64, f64)> =
                sustained(search, *figure).into_iter().map(|(rate, value)| (self.x(rate), axis.at(value))).collect();
            if curve.len() > 1 {
                self.canvas.line(&curve, *ink, 2.25);
            }
            for trial in &search.trials {
                let Some(value) = figure(&trial.seen) else { continue };
                let at = (self.x(trial.rate_per_s), axis.at(value));
                mark(&mut self.canvas, at, trial.verdict, *ink);
                let rate = number::plain(trial.rate_per_s);
                let title = format!("trial {}, {rate} msg/s, {}: {name} {}", trial.number, trial.verdict, told(value));
                self.canvas.title(&title);
            }
        }
    }
}

/// Median of each rate over its trials that were sustained, the least rate first.
fn sustained(search: &Search, figure: fn(&Seen) -> Option<f64>) -> Vec<(f64, f64)> {
    // A trial that was sustained at a rate that is not does not belong to the curve.
    let beyond = search.bracket.high_per_s.unwrap_or(f64::INFINITY);
    let is_good = |trial: &&Trial| trial.verdict == Verdict::Sustained && trial.rate_per_s < beyond;
    let good = search.trials.iter().filter(is_good);
    let mut points: Vec<(f64, f64)> = good
        .filter_map(|trial| Some((trial.rate_per_s, figure(&trial.seen)?)))
        .filter(|(_, value)| value.is_finite())
        .collect();
    points.sort_by(|one, two| one.0.total_cmp(&two.0).then(one.1.total_cmp(&two.1)));
    let at_one_rate = points.chunk_by(|one, two| one.0.total_cmp(&two.0).is_eq());
    at_one_rate.filter_map(|points| points.get((points.len() - 1) / 2).copied()).collect()
}

/// A disc: sustained. A triangle: not. A square: it says nothing of the system.
fn mark(canvas: &mut Canvas, (x, y): (f64, f64), verdict: Verdict, ink: Ink) {
    match verdict {
        Verdict::Sustained => canvas.dot((x, y), 4.5, ink, true),
        Verdict::Behind | Verdict::Late | Verdict::Violated => {
            canvas.area(&[(x - 6.0, y + 5.0), (x, y - 6.0), (x + 6.0, y + 5.0)], ink, 1.0);
        }
        Verdict::Generator | Verdict::Invalid | Verdict::Interrupted => {
            canvas.rect((x - 4.0, y - 4.0), (x + 4.0, y + 4.0), ink);
        }
    }
}

/// 1, 2 and 5 times the powers of ten between two rates.
fn ticks(low: f64, high: f64) -> Vec<f64> {
    let first = low.max(1e-6).log10().floor() as i32;
    let last = high.max(1e-6).log10().ceil() as i32;
    let decades = first..=last.min(first + 12);
    let ticks: Vec<f64> =
        decades.flat_map(|decade| [1.0, 1.5, 2.0, 3.0, 5.0, 7.0].map(|step| step * 10f64.powi(decade))).collect();
    ticks.into_iter().filter(|tick| (low..=high).contains(tick)).collect()
}

fn alt(what: &str, search: &Search) -> String {
    let answer = search.answer.map_or_else(
        || "no rate is confirmed".to_owned(),
        |answer| format!("{} msg/s are sustained", number::plain(answer.rate_per_s)),
    );
    format!("{what} of {} against the offered rate; {answer}.", number::of(search.trials.len() as u64, "trial"))
}

fn legend(series: &[Series], limit: &str) -> Vec<Key> {
    let mut keys: Vec<Key> = (series.iter())
        .map(|(name, ink, _)| Key { swatch: line_swatch(*ink, 2.25), label: (*name).to_owned() })
        .collect();
    let shape = |verdict: Verdict, label: &str| Key {
        swatch: swatch(|canvas| mark(canvas, (14.0, 6.0), verdict, Ink::Muted)),
        label: label.to_owned(),
    };
    keys.push(shape(Verdict::Sustained, "sustained"));
    keys.push(shape(Verdict::Behind, "not sustained"));
    keys.push(shape(Verdict::Generator, "the generator was the limit, or no valid run"));
    if !limit.is_empty() {
        keys.push(Key { swatch: line_swatch(Ink::Lease, 2.0), label: limit.to_owned() });
    }
    keys.push(Key { swatch: super::box_swatch(&[Ink::Unmeasured]), label: "beyond what is sustained".to_owned() });
    keys
}
