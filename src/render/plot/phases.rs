//! Where the time of a takeover went: for each fault the slowest affected partition, split into its phases.

use super::axis::Axis;
use super::canvas::{Canvas, Font, Side};
use super::palette::Ink;
use super::timeline::{RIGHT, SMALL, WIDTH, clipped};
use super::{Key, Plot, box_swatch};
use crate::model::report::{FaultReport, PartitionGap, Report, TakeoverPhases};
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
/// Where every bar ends; right of it stands how long it is.
const END: f64 = RIGHT - 80.0;
const FAULTS_MAX: usize = 30;

/// The picture.
pub(super) fn plot(report: &Report) -> Option<Plot> {
    let slowest: Vec<(&FaultReport, u16, &TakeoverPhases)> =
        report.faults.iter().filter_map(slowest).take(FAULTS_MAX).collect();
    if slowest.is_empty() {
        return None;
    }
    let (top, bottom) = (4.0, 4.0 + slowest.len() as f64 * ROW);
    let mut canvas = Canvas::new(WIDTH, bottom + 2.0);
    for (row, (fault, partition, phases)) in slowest.iter().enumerate() {
        let y = top + row as f64 * ROW;
        let name = clipped(&format!("{} {} {}", fault.id, fault.kind, fault.target), 28);
        canvas.text(&name, (2.0, y + 12.0), Side::Start, Font { size: 13.0, bold: true, ink: Ink::Text });
        let cut = if fault.censored { ", cut short" } else { "" };
        canvas.text(&format!("partition {partition}{cut}"), (2.0, y + 28.0), Side::Start, SMALL);
        bar(&mut canvas, phases, y);
    }
    canvas.line(&[(LABELS, top), (LABELS, bottom)], Ink::Muted, 1.0);
    let told: Vec<String> =
        slowest.iter().take(8).map(|(fault, _, phases)| format!("{}: {}", fault.kind, tell(phases))).collect();
    let alt = format!("Phases of the slowest takeover of each fault. {}.", told.join("; "));
    Some(Plot {
        id: "phases".into(),
        title: "Where the time went".into(),
        caption:
            "For each fault the affected partition that stood still longest: until somebody knew that the owner was \
                  gone (detect), held the grant (claim), received its first message (resume), and started one that \
                  had never been handled (first handled). A phase without evidence is –. Where nothing waited, a phase \
                  lasts until something was sent. Each bar has a scale of its own: its whole length is the time at its \
                  right end."
                .to_owned(),
        svg: canvas.finish(&alt),
        legend: PHASES
            .iter()
            .map(|(label, ink, _)| Key { swatch: box_swatch(&[*ink]), label: (*label).to_owned() })
            .collect(),
    })
}

fn slowest(fault: &FaultReport) -> Option<(&FaultReport, u16, &TakeoverPhases)> {
    // The gap, and not the sum of the phases: where few messages come, most of that is the wait for one to be sent.
    let gap = |gap: &PartitionGap| gap.gap_ms.filter(|gap| gap.is_finite()).unwrap_or(-1.0);
    let all = fault.partitions.iter().filter_map(|partition| Some((partition, partition.phases.as_ref()?)));
    let (partition, phases) = all
        .max_by(|(one, of_one), (other, of_other)| {
            gap(one).total_cmp(&gap(other)).then(total(of_one).total_cmp(&total(of_other)))
        })
        .map(|(partition, phases)| (partition.partition, phases))?;
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
        format!("{name} {}", seen(phases, *pick).map_or_else(|| ABSENT.to_owned(), number::ms))
    };
    PHASES.iter().map(part).collect::<Vec<_>>().join(" · ")
}

/// The bar of one fault, on a scale of its own: beside the seconds of a crash the milliseconds of a leave would be invisible.
fn bar(canvas: &mut Canvas, phases: &TakeoverPhases, y: f64) {
    let total = total(phases);
    let axis = Axis::linear(0.0, total, LABELS, END);
    let mut since = 0.0;
    for (name, ink, pick) in PHASES {
        if let Some(length) = seen(phases, pick) {
            let (from, to) = (axis.at(since), axis.at(since + length));
            canvas.rect((from, y + 5.0), (to.max(from + 0.5), y + 19.0), ink);
            canvas.title(&format!("{name}: {}", number::ms(length)));
            since += length;
        }
    }
    let font = Font { size: 13.0, bold: true, ink: Ink::Text };
    // The phases add up: without one of them there is a least, and no sum.
    let least = if PHASES.iter().all(|(.., pick)| seen(phases, *pick).is_some()) { "" } else { "≥ " };
    canvas.text(&format!("{least}{}", number::ms(total)), (END + 8.0, y + 12.0), Side::Start, font);
    canvas.text(&tell(phases), (LABELS + 4.0, y + 29.0), Side::Start, SMALL);
}
