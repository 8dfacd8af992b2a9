//! Where the time of a takeover went: for each fault the slowest affected partition, split into its phases.

use super::axis::{self, Axis};
use super::canvas::{Canvas, Font, Side, text_width};
use super::palette::Ink;
use super::timeline::{RIGHT, SMALL, WIDTH, clipped};
use super::{Key, Plot, box_swatch};
use crate::model::report::{FaultReport, Report, TakeoverPhases};
use crate::render::number::{self, ABSENT};

type Pick = fn(&TakeoverPhases) -> Option<f64>;

/// The phases in their order; what tells them apart besides colour is that order, and the figures beside the bar.
const PHASES: [(&str, Ink, Pick); 4] = [
    ("detect", Ink::Series(5), |phases| phases.detect_ms),
    ("claim", Ink::Series(2), |phases| phases.claim_ms),
    ("resume", Ink::Series(1), |phases| phases.resume_ms),
    ("first handled", Ink::Series(3), |phases| phases.first_handled_ms),
];

const ROW: f64 = 40.0;
const LABELS: f64 = 210.0;
const FAULTS_MAX: usize = 30;

/// The picture.
pub(super) fn plot(report: &Report) -> Option<Plot> {
    let slowest: Vec<(&FaultReport, u16, &TakeoverPhases)> =
        report.faults.iter().filter_map(slowest).take(FAULTS_MAX).collect();
    if slowest.is_empty() {
        return None;
    }
    let (top, bottom) = (4.0, 4.0 + slowest.len() as f64 * ROW);
    let axis = Axis::from_zero(slowest.iter().map(|(.., phases)| total(phases)), LABELS, RIGHT - 10.0);
    let mut canvas = Canvas::new(WIDTH, bottom + 26.0);
    for tick in axis.ticks(6) {
        let x = axis.at(tick);
        canvas.line(&[(x, top), (x, bottom)], Ink::Grid, 1.0);
        canvas.text(&axis::duration(tick), (x, bottom + 14.0), Side::Middle, SMALL);
    }
    canvas.text("since the fault", (2.0, bottom + 14.0), Side::Start, Font { bold: true, ..SMALL });
    for (row, (fault, partition, phases)) in slowest.iter().enumerate() {
        let y = top + row as f64 * ROW;
        let name = clipped(&format!("{} {} {}", fault.id, fault.kind, fault.target), 28);
        canvas.text(&name, (2.0, y + 12.0), Side::Start, Font { size: 13.0, bold: true, ink: Ink::Text });
        canvas.text(&format!("partition {partition}"), (2.0, y + 28.0), Side::Start, SMALL);
        bar(&mut canvas, &axis, phases, y);
    }
    canvas.line(&[(LABELS, top), (LABELS, bottom)], Ink::Muted, 1.0);
    let told: Vec<String> =
        slowest.iter().take(8).map(|(fault, _, phases)| format!("{}: {}", fault.kind, tell(phases))).collect();
    let alt = format!("Phases of the slowest takeover of each fault. {}.", told.join("; "));
    Some(Plot {
        id: "phases",
        title: "Where the time went",
        caption: "For each fault the affected partition that waited longest: until somebody knew that the owner was \
                  gone (detect), held the grant (claim), received its first message (resume), and started one that \
                  had never been handled (first handled). A phase without evidence is –."
            .to_owned(),
        svg: canvas.finish(&alt),
        legend: PHASES
            .iter()
            .map(|(label, ink, _)| Key { swatch: box_swatch(&[*ink]), label: (*label).to_owned() })
            .collect(),
    })
}

fn slowest(fault: &FaultReport) -> Option<(&FaultReport, u16, &TakeoverPhases)> {
    let all = fault.partitions.iter().filter_map(|gap| Some((gap.partition, gap.phases.as_ref()?)));
    let (partition, phases) = all.max_by(|(_, one), (_, other)| total(one).total_cmp(&total(other)))?;
    (total(phases) > 0.0).then_some((fault, partition, phases))
}

fn seen(phases: &TakeoverPhases, pick: Pick) -> Option<f64> {
    pick(phases).filter(|value| value.is_finite() && *value >= 0.0)
}

fn total(phases: &TakeoverPhases) -> f64 {
    PHASES.iter().filter_map(|(.., pick)| seen(phases, *pick)).sum()
}

fn tell(phases: &TakeoverPhases) -> String {
    let part = |(name, _, pick): &(&str, Ink, Pick)| {
        format!("{name} {}", seen(phases, *pick).map_or_else(|| ABSENT.to_owned(), number::plain))
    };
    format!("{} ms", PHASES.iter().map(part).collect::<Vec<_>>().join(" · "))
}

fn bar(canvas: &mut Canvas, axis: &Axis, phases: &TakeoverPhases, y: f64) {
    let mut since = 0.0;
    for (name, ink, pick) in PHASES {
        if let Some(length) = seen(phases, pick) {
            let (from, to) = (axis.at(since), axis.at(since + length));
            canvas.rect((from, y + 5.0), (to.max(from + 0.5), y + 19.0), ink);
            canvas.title(&format!("{name}: {}", number::ms(length)));
            since += length;
        }
    }
    let text = tell(phases);
    let width = text_width(&text, SMALL.size);
    canvas.text(&text, ((LABELS + 4.0).min(RIGHT - width), y + 29.0), Side::Start, SMALL);
}
