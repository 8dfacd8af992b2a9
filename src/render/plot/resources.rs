//! What the processes used: CPU and memory over time, one line a process, one colour and dash a kind.

use super::axis::{self, Axis};
use super::chart::Chart;
use super::palette::Ink;
use super::timeline::Timeline;
use super::{Key, Plot, line_swatch};
use crate::model::report::{Report, ResourcePoint};
use crate::render::number;

const KINDS: [(&str, Ink); 4] = [
    ("server", Ink::Series(5)),
    ("driver", Ink::Series(7)),
    ("publisher", Ink::Series(1)),
    ("consumer", Ink::Series(3)),
];

/// The kind of a process, by its name: `server-0`, `driver`, `p0.1`, `c3.2`.
fn kind(process: &str) -> usize {
    let numbered = |letter: char| {
        process.strip_prefix(letter).is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit()))
    };
    match process {
        server if server.starts_with("server") => 0,
        _ if numbered('p') => 2,
        _ if numbered('c') => 3,
        _ => 1,
    }
}

/// Processor time.
pub(super) fn cpu(report: &Report, timeline: &Timeline) -> Option<Plot> {
    draw(
        report,
        timeline,
        "cpu",
        "CPU",
        "percent of one core",
        |point| point.cpu_percent,
        |value| format!("{} %", number::plain(value)),
    )
}

/// Memory.
pub(super) fn memory(report: &Report, timeline: &Timeline) -> Option<Plot> {
    draw(
        report,
        timeline,
        "memory",
        "Memory",
        "resident, MiB",
        |point| point.memory_mib,
        |value| format!("{} MiB", number::plain(value)),
    )
}

/// So many points a line has at most: more than there is room for would only make the page large.
const POINTS_MAX: usize = 400;

/// The points of a line; where there are too many, the greatest of each few, so that no peak is lost.
fn thinned(points: &[ResourcePoint], pick: fn(&ResourcePoint) -> f64) -> Vec<(f64, f64)> {
    let greatest = |few: &[ResourcePoint]| {
        let values = few.iter().map(|point| (point.at_ms, pick(point))).filter(|(_, value)| value.is_finite());
        values.max_by(|(_, one), (_, other)| one.total_cmp(other))
    };
    points.chunks(points.len().div_ceil(POINTS_MAX).max(1)).filter_map(greatest).collect()
}

fn draw(
    report: &Report,
    timeline: &Timeline,
    id: &'static str,
    title: &'static str,
    unit: &str,
    pick: fn(&ResourcePoint) -> f64,
    say: fn(f64) -> String,
) -> Option<Plot> {
    let all = &report.figures.resources;
    if all.iter().all(|series| series.points.is_empty()) {
        return None;
    }
    let values = || all.iter().flat_map(|series| &series.points).map(pick);
    let mut chart =
        Chart::new(timeline, 130.0, unit, |bottom, top| Axis::from_zero(values(), bottom, top), axis::short);
    let mut legend = Vec::new();
    // The many and alike first, the one server above them.
    for number in (0..KINDS.len()).rev() {
        let (name, ink) = KINDS[number];
        let width = if number == 0 { 2.25 } else { 1.25 };
        let mut greatest: Option<(f64, &str)> = None;
        let mut processes: u64 = 0;
        for series in all.iter().filter(|series| kind(&series.process) == number && !series.points.is_empty()) {
            processes += 1;
            chart.series(thinned(&series.points, pick).into_iter(), ink, width);
            chart.canvas.title(&series.process);
            for value in series.points.iter().map(pick).filter(|value| value.is_finite()) {
                if greatest.is_none_or(|(most, _)| value > most) {
                    greatest = Some((value, &series.process));
                }
            }
        }
        if let Some((most, process)) = greatest {
            let name = if processes == 1 { process.to_owned() } else { format!("{processes} {name} processes") };
            let who = if processes == 1 { String::new() } else { format!(" ({process})") };
            let label = format!("{name}: at most {}{who}", say(most));
            legend.insert(0, Key { swatch: line_swatch(ink, width), label });
        }
    }
    let alt =
        format!("{title} over time: {}.", legend.iter().map(|key| key.label.as_str()).collect::<Vec<_>>().join("; "));
    let most = all.iter().map(|series| series.points.len()).max().unwrap_or(0).div_ceil(POINTS_MAX);
    let caption = match most {
        0 | 1 => "One line a process.".to_owned(),
        more => format!("One line a process; a point is the greatest of {more} samples."),
    };
    Some(Plot { id: id.into(), title: title.into(), caption, svg: chart.finish(&alt), legend })
}
