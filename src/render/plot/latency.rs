//! End-to-end latency over time: how many messages took how long, with the percentiles as lines above.

use super::axis::{self, Axis};
use super::chart::Chart;
use super::palette::Ink;
use super::timeline::Timeline;
use super::{Key, Plot, line_swatch, swatch};
use crate::model::report::{LatencyPoint, Report};
use crate::render::number;

type Pick = fn(&LatencyPoint) -> f64;

const SERIES: [(&str, Ink, f64, Pick); 3] = [
    ("max", Ink::Series(6), 2.0, |point| point.max_ms),
    ("p99", Ink::Series(5), 2.0, |point| point.p99_ms),
    ("p50", Ink::Series(4), 2.5, |point| point.p50_ms),
];

/// The colour of the map; the more messages, the less of the page shows through.
const MAP: Ink = Ink::Series(1);
const SHADES: [f64; 5] = [0.16, 0.32, 0.5, 0.72, 1.0];
/// So many columns a map has at most: with more, seconds share one.
const COLUMNS_MAX: usize = 270;

/// The picture.
pub(super) fn plot(report: &Report, timeline: &Timeline) -> Option<Plot> {
    let points: Vec<&LatencyPoint> = report.figures.latency.iter().filter(|point| point.n > 0).collect();
    if points.is_empty() {
        return None;
    }
    let columns = columns(&points);
    let values = || points.iter().flat_map(|point| SERIES.iter().map(|(.., pick)| pick(point)));
    let fastest = columns.iter().map(|column| edge_ms(column.first));
    let mut chart = Chart::new(
        timeline,
        250.0,
        "end_to_end, logarithmic",
        |bottom, top| Axis::decades(values().chain(fastest), bottom, top),
        axis::duration,
    );
    let shades = Shades::of(&columns);
    map(&mut chart, &columns, &shades);
    for (_, ink, width, pick) in SERIES {
        let line = || points.iter().map(|point| (point.at_ms, pick(point)));
        if !columns.is_empty() {
            chart.steps(line(), Ink::Paper, width + 2.5);
        }
        chart.steps(line(), ink, width);
    }
    let told = |point: &&LatencyPoint| {
        let [p50, p99, max] = [point.p50_ms, point.p99_ms, point.max_ms].map(number::ms);
        (point.at_ms, format!("p50 {p50} · p99 {p99} · max {max} · {}", number::of(point.n, "message")))
    };
    chart.canvas.readout(&points.iter().map(told).collect::<Vec<_>>());
    let worst = values().filter(|value| value.is_finite()).fold(0.0, f64::max);
    let alt = format!("End-to-end latency over time; the greatest is {}.", number::ms(worst));
    let mut legend: Vec<Key> = SERIES
        .iter()
        .rev()
        .map(|(label, ink, width, _)| Key { swatch: line_swatch(*ink, *width), label: (*label).to_owned() })
        .collect();
    legend.extend(shades.legend());
    let map = match columns.iter().map(|column| column.seconds).max() {
        None => String::new(),
        Some(1) => " The stronger the colour of a cell, the more messages of that second took so long.".to_owned(),
        Some(more) => format!(
            " The stronger the colour of a cell, the more messages took so long; a column of the map is {more} seconds, the lines are by \
             the second."
        ),
    };
    Some(Plot {
        id: "latency".into(),
        title: "Latency over time".into(),
        caption: format!(
            "From the instant at which the schedule wanted a message sent to the end of its handling, by the second of \
             the intended instant: a stall shows with its whole length. The axis is logarithmic, a line is ten times \
             the one below.{map}"
        ),
        svg: chart.finish(&alt),
        legend,
    })
}

/// One column of the map: one second, or some that follow each other.
struct Column {
    from_ms: f64,
    seconds: usize,
    first: u16,
    bins: Vec<u64>,
}

/// From the seconds that have bins; reports of older versions have none.
fn columns(points: &[&LatencyPoint]) -> Vec<Column> {
    let last = points.last().map_or(0.0, |point| point.at_ms);
    let zero = points.first().map_or(0.0, |point| point.at_ms);
    let seconds = (((last - zero) / 1e3 + 1.0).max(1.0) as usize).div_ceil(COLUMNS_MAX);
    let mut columns: Vec<Column> = Vec::new();
    for point in points.iter().filter(|point| !point.bins.is_empty() && point.at_ms.is_finite()) {
        let number = ((point.at_ms - zero) / 1e3 / seconds as f64 + 1e-6).floor();
        let from_ms = zero + number * seconds as f64 * 1e3;
        match columns.last_mut() {
            Some(column) if (column.from_ms - from_ms).abs() < 1.0 => column.add(point),
            _ => columns.push(Column { from_ms, seconds, first: point.bin_first, bins: point.bins.clone() }),
        }
    }
    columns
}

impl Column {
    /// Bins are merged by adding what they count.
    fn add(&mut self, point: &LatencyPoint) {
        if point.bin_first < self.first {
            let before = vec![0; usize::from(self.first - point.bin_first)];
            self.bins.splice(0..0, before);
            self.first = point.bin_first;
        }
        let from = usize::from(point.bin_first - self.first);
        if self.bins.len() < from + point.bins.len() {
            self.bins.resize(from + point.bins.len(), 0);
        }
        for (sum, count) in self.bins[from..].iter_mut().zip(&point.bins) {
            *sum = sum.saturating_add(*count);
        }
    }
}

/// Which counts get which shade: as many times more each.
struct Shades {
    /// The least count of each shade, rising.
    from: Vec<u64>,
    most: u64,
}

impl Shades {
    fn of(columns: &[Column]) -> Self {
        let most = columns.iter().flat_map(|column| &column.bins).copied().max().unwrap_or(0);
        let mut from: Vec<u64> = (0..SHADES.len())
            .map(|shade| (most.max(1) as f64).powf(shade as f64 / SHADES.len() as f64).ceil() as u64)
            .collect();
        from.dedup();
        Self { from, most }
    }

    fn alpha(&self, shade: usize) -> f64 {
        // Few shades are the darkest of them, so that a single one is seen.
        SHADES.get(SHADES.len() - self.from.len() + shade).copied().unwrap_or(1.0)
    }

    fn legend(&self) -> Vec<Key> {
        if self.most == 0 {
            return Vec::new();
        }
        let key = |shade: usize| {
            let (from, alpha) = (self.from[shade], self.alpha(shade));
            let to = self.from.get(shade + 1).map_or(self.most, |next| next - 1);
            let range = if from == to {
                number::count(from)
            } else {
                format!("{}–{}", number::count(from), number::count(to))
            };
            let unit = if shade == 0 { " messages" } else { "" };
            let swatch = swatch(|canvas| canvas.rect_alpha((2.0, 0.5), (26.0, 11.5), MAP, alpha));
            Key { swatch, label: format!("{range}{unit}") }
        };
        (0..self.from.len()).map(key).collect()
    }
}

/// The cells, one element a shade.
fn map(chart: &mut Chart<'_>, columns: &[Column], shades: &Shades) {
    for shade in 0..shades.from.len() {
        let (from, below) = (shades.from[shade], shades.from.get(shade + 1).copied().unwrap_or(u64::MAX));
        let mut cells = Vec::new();
        for column in columns {
            let left = chart.timeline.x(column.from_ms);
            let right = chart.timeline.x(column.from_ms + column.seconds as f64 * 1e3);
            for (bin, count) in (column.first..).zip(&column.bins) {
                if (from..below).contains(count) {
                    let (low, high) = (chart.axis.at(edge_ms(bin)), chart.axis.at(edge_ms(bin.saturating_add(1))));
                    cells.push(((left, high), (right, low)));
                }
            }
        }
        chart.canvas.cells(&cells, MAP, shades.alpha(shade));
    }
}

/// Where a bin begins.
fn edge_ms(bin: u16) -> f64 {
    10f64.powf(f64::from(bin) / f64::from(LatencyPoint::BINS_A_DECADE)) / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(second: u32, bin_first: u16, bins: &[u64]) -> LatencyPoint {
        let at_ms = f64::from(second) * 1e3 + 80.0;
        LatencyPoint { at_ms, n: bins.iter().sum(), bin_first, bins: bins.to_vec(), ..LatencyPoint::default() }
    }

    #[test]
    fn no_message_of_the_map_is_lost_when_seconds_share_a_column() {
        let points: Vec<LatencyPoint> =
            (0..600).map(|second| point(second, 40 - (second % 7) as u16, &[1, 2, u64::from(second)])).collect();
        let columns = columns(&points.iter().collect::<Vec<_>>());
        assert_eq!(columns.len(), 200);
        assert!(columns.iter().all(|column| column.seconds == 3));
        let all = |bins: &[u64]| bins.iter().sum::<u64>();
        let drawn: u64 = columns.iter().map(|column| all(&column.bins)).sum();
        assert_eq!(drawn, points.iter().map(|point| all(&point.bins)).sum::<u64>());
    }

    #[test]
    fn shades_cover_every_count_once() {
        for most in [1, 2, 3, 7, 90, 4_000, 1_000_000] {
            let shades = Shades::of(&columns(&[&point(0, 30, &[1, most])]));
            assert_eq!(shades.from.first(), Some(&1));
            assert!(shades.from.windows(2).all(|pair| pair[0] < pair[1]), "{:?}", shades.from);
            assert!(shades.from.last().is_some_and(|last| *last <= most));
        }
    }
}
