//! The time axis that all pictures over time share: faults as marked, labelled lines, phases as shades.

use super::axis::Axis;
use super::canvas::{Canvas, Font, Group, Side, text_width};
use super::palette::Ink;
use crate::model::report::Report;
use crate::model::story::Phase;

/// Width of every picture.
pub(super) const WIDTH: f64 = 1100.0;
/// Where the drawing begins: left of it stand the labels of the rows.
pub(super) const LEFT: f64 = 74.0;
/// Where it ends.
pub(super) const RIGHT: f64 = WIDTH - 14.0;

/// Small text.
pub(super) const SMALL: Font = Font { size: 12.0, bold: false, ink: Ink::Muted };
const LABEL: Font = Font { size: 11.5, bold: true, ink: Ink::Text };
const LEVEL_HEIGHT: f64 = 16.0;
const LEVELS_MAX: usize = 5;

/// The shared axis, and the labels of the faults laid out above it.
pub(super) struct Timeline {
    axis: Axis,
    faults: Vec<Mark>,
    phases: Vec<(Phase, f64, f64)>,
    levels: usize,
}

struct Mark {
    x: f64,
    number: u32,
    label: String,
    /// Where its label stands: the level above the drawing, and whether it hangs left of its line.
    place: Option<(usize, bool)>,
    title: String,
}

impl Timeline {
    /// From the start of the run to the last thing that is known of it.
    pub(super) fn of(report: &Report) -> Self {
        let figures = &report.figures;
        let last = (report.run.phases.iter().map(|phase| phase.to_ms))
            .chain(figures.throughput.iter().map(|point| point.at_ms + 1e3 * point.span_s()))
            .chain(figures.latency.iter().map(|point| point.at_ms + 1e3 * point.span_s()))
            .chain(figures.ownership.iter().map(|span| span.to_ms))
            .chain(figures.backlog.iter().map(|point| point.at_ms))
            .chain(figures.resources.iter().flat_map(|series| &series.points).map(|point| point.at_ms))
            .chain(report.faults.iter().map(|fault| fault.at_ms))
            .filter(|at| at.is_finite())
            .fold(0.0, f64::max);
        let axis = Axis::linear(0.0, if last > 0.0 { last } else { 1e3 }, LEFT, RIGHT);
        let mut faults: Vec<Mark> = report
            .faults
            .iter()
            .filter(|fault| fault.at_ms.is_finite())
            .map(|fault| {
                let who = match fault.struck.as_slice() {
                    [] => fault.target.clone(),
                    [one] => one.clone(),
                    [first, rest @ ..] => format!("{first} +{}", rest.len()),
                };
                Mark {
                    x: axis.at(fault.at_ms),
                    number: fault.id,
                    label: format!("{} {} {}", fault.id, fault.kind, clipped(&who, 12)),
                    place: None,
                    title: format!("fault {}: {} {} at {:.2} s", fault.id, fault.kind, who, fault.at_ms / 1e3),
                }
            })
            .collect();
        faults.sort_by(|one, other| one.x.total_cmp(&other.x));
        let levels = lay_out(&mut faults);
        let phases =
            report.run.phases.iter().map(|span| (span.phase, axis.at(span.from_ms), axis.at(span.to_ms))).collect();
        Self { axis, faults, phases, levels }
    }

    /// The pixel of an instant.
    pub(super) fn x(&self, at_ms: f64) -> f64 {
        self.axis.at(at_ms)
    }

    /// Height that the labels of the faults need above the drawing.
    pub(super) fn head(&self) -> f64 {
        self.levels as f64 * LEVEL_HEIGHT + 14.0
    }

    /// What lies below the data: shades of the phases in which nothing is measured, and seconds along the bottom.
    pub(super) fn draw_below(&self, canvas: &mut Canvas, top: f64, bottom: f64) {
        canvas.open(Group::Time);
        for (phase, from, to) in &self.phases {
            if *phase != Phase::Measure && to - from > 0.25 {
                canvas.rect((*from, top), (*to, bottom), Ink::Unmeasured);
                canvas.title(phase_name(*phase));
            }
        }
        canvas.close();
    }

    /// Seconds along the bottom, and the names of the phases that have room for one.
    pub(super) fn draw_seconds(&self, canvas: &mut Canvas, top: f64, bottom: f64) {
        let short = self.axis.high() < 5_000.0;
        canvas.over_time((LEFT, RIGHT), self.axis.high());
        canvas.open(Group::Ticks);
        for tick in Axis::linear(0.0, self.axis.high() / 1e3, LEFT, RIGHT).ticks(if short { 5 } else { 10 }) {
            let x = self.x(tick * 1e3);
            canvas.line(&[(x, top), (x, bottom)], Ink::Grid, 1.0);
            canvas.line(&[(x, bottom), (x, bottom + 4.0)], Ink::Muted, 1.0);
            let label = if tick == 0.0 { "0 s".to_owned() } else { super::axis::short(tick) };
            canvas.text(&label, (x, bottom + 13.0), Side::Middle, SMALL);
        }
        canvas.close();
        canvas.open(Group::Time);
        let mut free_from = 0.0;
        for (phase, from, to) in &self.phases {
            let name = phase_name(*phase);
            if to - from > text_width(name, SMALL.size) + 6.0 && *from >= free_from {
                free_from = to - 0.5;
                canvas.text(name, ((from + to) / 2.0, bottom + 28.0), Side::Middle, SMALL);
                for edge in [from, to] {
                    canvas.line(&[(*edge, bottom + 22.0), (*edge, bottom + 34.0)], Ink::Grid, 1.0);
                }
            }
        }
        canvas.close();
    }

    /// Whether a fault stands in the corner where the title of the value axis would be, or can be brought there: time is stretched
    /// in the page, and a title that reaches into the drawing is then in the way of any label.
    pub(super) fn is_crowded_left_of(&self, x: f64) -> bool {
        self.faults.iter().any(|mark| x > LEFT || mark.x < x)
    }

    /// The lines of the faults, from left to right.
    pub(super) fn fault_lines(&self) -> impl Iterator<Item = f64> {
        self.faults.iter().map(|mark| mark.x)
    }

    /// Height that the seconds and phases need below the drawing.
    pub(super) const FOOT: f64 = 38.0;

    /// The faults, above the data.
    pub(super) fn draw_faults(&self, canvas: &mut Canvas, top: f64, bottom: f64) {
        canvas.open(Group::Time);
        for mark in &self.faults {
            let from = match mark.place {
                Some((level, _)) => top - 11.0 - level as f64 * LEVEL_HEIGHT,
                None => top - 4.0,
            };
            // Many lines over all the rows would be all that one sees.
            let width = if self.faults.len() > 16 { 0.5 } else { 1.25 };
            canvas.line(&[(mark.x, from), (mark.x, bottom)], Ink::Fault, width);
            canvas.title(&mark.title);
            if let Some((_, left)) = mark.place {
                let (x, side) = if left { (mark.x - 4.0, Side::End) } else { (mark.x + 4.0, Side::Start) };
                canvas.pinned(mark.x, |canvas| canvas.text(&mark.label, (x, from - 2.0), side, LABEL));
            } else {
                let corners = [(mark.x - 3.5, top - 8.0), (mark.x + 3.5, top - 8.0), (mark.x, top - 1.0)];
                canvas.pinned(mark.x, |canvas| canvas.area(&corners, Ink::Fault, 1.0));
            }
        }
        canvas.close();
    }

    /// How many faults have a line and no label: a caption must say so.
    pub(super) fn unlabelled(&self) -> usize {
        self.faults.iter().filter(|mark| mark.place.is_none()).count()
    }
}

/// Gives each label the lowest level where it touches no other label, and no line crosses a label. From the right,
/// because a label stands right of its line: the stairs rise to the left, and each line ends at its own label.
fn lay_out(faults: &mut [Mark]) -> usize {
    struct Taken {
        level: usize,
        line: f64,
        from: f64,
        to: f64,
    }
    let mut taken: Vec<Taken> = Vec::new();
    let lines: Vec<f64> = faults.iter().map(|mark| mark.x).collect();
    for mark in faults.iter_mut().rev() {
        let free = |level: usize, from: f64, to: f64| {
            taken.iter().all(|other| match other.level.cmp(&level) {
                std::cmp::Ordering::Equal => to < other.from || from > other.to,
                std::cmp::Ordering::Greater => other.line <= from || other.line >= to,
                std::cmp::Ordering::Less => mark.x <= other.from || mark.x >= other.to,
            })
        };
        // The whole label where it fits, else its number alone: the table of faults tells the rest.
        for label in [mark.label.clone(), mark.number.to_string()] {
            let width = text_width(&label, LABEL.size) + 8.0;
            let left = mark.x + width > RIGHT + 10.0;
            let (from, to) = if left { (mark.x - width, mark.x) } else { (mark.x, mark.x + width) };
            // To the left stand the faults that still want a place.
            if left && lines.iter().any(|line| *line > from && *line < to) {
                continue;
            }
            if let Some(level) = (0..LEVELS_MAX).find(|level| free(*level, from, to)) {
                mark.place = Some((level, left));
                mark.label = label;
                taken.push(Taken { level, line: mark.x, from, to });
                break;
            }
        }
    }
    taken.iter().map(|label| label.level + 1).max().unwrap_or(0)
}

fn phase_name(phase: Phase) -> &'static str {
    match phase {
        Phase::Provision => "provision",
        Phase::WarmUp => "warm-up",
        Phase::Measure => "measure",
        Phase::Drain => "drain",
    }
}

/// No longer than so many letters.
pub(super) fn clipped(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn labels_of_faults_touch_neither_each_other_nor_a_line(xs in prop::collection::vec(LEFT..RIGHT, 0..80)) {
            let mut xs = xs;
            xs.sort_by(f64::total_cmp);
            let mark = |(number, x): (usize, &f64)| Mark {
                x: *x,
                number: number as u32,
                label: format!("{number} restart c{number}.1"),
                place: None,
                title: String::new(),
            };
            let mut marks: Vec<Mark> = xs.iter().enumerate().map(mark).collect();
            let levels = lay_out(&mut marks);
            prop_assert!(levels <= LEVELS_MAX);
            let placed: Vec<(usize, f64, f64, f64)> = marks
                .iter()
                .filter_map(|mark| {
                    let (level, left) = mark.place?;
                    let width = text_width(&mark.label, LABEL.size) + 8.0;
                    let from = if left { mark.x - width } else { mark.x };
                    Some((level, from, from + width, mark.x))
                })
                .collect();
            for (index, (level, from, to, _)) in placed.iter().enumerate() {
                prop_assert!(*from >= 0.0 && *to <= WIDTH, "inside the sheet");
                for (other, (other_level, other_from, other_to, line)) in placed.iter().enumerate() {
                    if other != index {
                        let apart = to < other_from || other_to < from;
                        prop_assert!(level != other_level || apart, "labels are apart");
                        let beside = line <= from || line >= to;
                        prop_assert!(other_level < level || level == other_level || beside, "no line through a label");
                    }
                }
            }
        }
    }
}
