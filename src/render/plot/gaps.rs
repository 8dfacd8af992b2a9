//! What each fault did to each partition: one row a fault, one mark a partition, the lease time as a line.

use std::collections::BTreeSet;

use super::axis::Axis;
use super::canvas::{Canvas, Font, Side};
use super::palette::Ink;
use super::timeline::{RIGHT, SMALL, WIDTH, clipped};
use super::{Key, Plot, line_swatch, swatch};
use crate::model::report::{FaultReport, PartitionGap, Report};
use crate::render::faults::Spread;
use crate::render::number;

const ROW: f64 = 50.0;
/// The picture holds so many faults; the table has them all.
const FAULTS_MAX: usize = 30;
/// The labels of the rows need more room than those of a time axis.
const LABELS: f64 = 210.0;

const AFFECTED: Ink = Ink::Series(5);
const BYSTANDER: Ink = Ink::Series(4);

/// The picture.
pub(super) fn plot(report: &Report) -> Option<Plot> {
    let faults: Vec<&FaultReport> =
        report.faults.iter().filter(|fault| !fault.partitions.is_empty()).take(FAULTS_MAX).collect();
    let values = faults.iter().flat_map(|fault| &fault.partitions).flat_map(|gap| [gap.gap_ms, gap.gap_before_ms]);
    // A gap under a tenth of a millisecond is noise: it stands at the left edge.
    let values: Vec<f64> = values.flatten().filter(|value| value.is_finite()).map(|value| value.max(0.1)).collect();
    if values.is_empty() {
        return None;
    }
    let lease = report.run.lease_ttl_ms.filter(|ttl| ttl.is_finite() && *ttl > 0.0);
    let (top, bottom) = (30.0, 30.0 + faults.len() as f64 * ROW);
    let axis = Axis::decades(values.iter().copied().chain(lease), LABELS, RIGHT - 60.0);
    let mut canvas = Canvas::new(WIDTH, bottom + 26.0);
    for tick in axis.ticks(8) {
        let x = axis.at(tick);
        canvas.line(&[(x, top), (x, bottom)], Ink::Grid, 1.0);
        canvas.text(&super::axis::duration(tick), (x, bottom + 14.0), Side::Middle, SMALL);
    }
    canvas.text("gap, logarithmic", (2.0, bottom + 14.0), Side::Start, Font { bold: true, ..SMALL });
    if let Some(ttl) = lease {
        let x = axis.at(ttl);
        canvas.line(&[(x, top - 8.0), (x, bottom)], Ink::Lease, 1.75);
        let font = Font { size: 12.0, bold: true, ink: Ink::Lease };
        canvas.text(&format!("lease time {}", number::ms(ttl)), (x, top - 18.0), Side::Middle, font);
    }
    for (row, fault) in faults.iter().enumerate() {
        draw_fault(&mut canvas, &axis, fault, top + row as f64 * ROW);
    }
    canvas.line(&[(LABELS, bottom), (RIGHT, bottom)], Ink::Muted, 1.0);
    let alt = alt(&faults);
    let cut = match faults.iter().any(|fault| fault.censored) {
        true => " Where the window was cut short, by the next fault or the end of the run, a gap is at least so long.",
        false => "",
    };
    let hidden = report.faults.len().saturating_sub(FAULTS_MAX);
    let more = if hidden > 0 { format!(" {hidden} further faults are in the table.") } else { String::new() };
    Some(Plot {
        id: "gaps".into(),
        title: "How long partitions stood still".into(),
        caption: format!(
            "For each fault, one mark a partition: the longest stretch in its window in which a stored message waited \
             and nobody alive handled any. The grey bar is the same figure over an equal window before the fault: what \
             lies inside it is noise.{cut}{more}"
        ),
        svg: canvas.finish(&alt),
        legend: vec![
            Key { swatch: disc(AFFECTED, true), label: "affected partition".to_owned() },
            Key { swatch: disc(BYSTANDER, false), label: "bystander".to_owned() },
            Key {
                swatch: swatch(|canvas| canvas.rect((2.0, 4.0), (26.0, 8.0), Ink::Series(0))),
                label: "before the fault".to_owned(),
            },
            Key { swatch: line_swatch(Ink::Lease, 1.75), label: "lease time".to_owned() },
        ]
        .into_iter()
        .filter(|key| lease.is_some() || key.label != "lease time")
        .collect(),
    })
}

fn disc(ink: Ink, filled: bool) -> String {
    swatch(|canvas| canvas.dot((14.0, 6.0), 4.0, ink, filled))
}

fn draw_fault(canvas: &mut Canvas, axis: &Axis, fault: &FaultReport, y: f64) {
    canvas.line(&[(0.0, y), (RIGHT, y)], Ink::Grid, 1.0);
    let name = clipped(&format!("{} {} {}", fault.id, fault.kind, fault.target), 28);
    canvas.text(&name, (2.0, y + 16.0), Side::Start, Font { size: 13.0, bold: true, ink: Ink::Text });
    let affected = fault.partitions.iter().filter(|gap| gap.affected).count();
    let unobserved = fault.partitions.iter().filter(|gap| gap.gap_ms.is_none()).count();
    let mut counts = format!("{affected} of {} affected", fault.partitions.len());
    if unobserved > 0 {
        counts.push_str(&format!(", {unobserved} unobserved"));
    }
    if fault.censored {
        counts.push_str(", cut short");
    }
    canvas.text(&counts, (2.0, y + 33.0), Side::Start, SMALL);
    let before = fault.partitions.iter().filter_map(|gap| gap.gap_before_ms).filter(|value| value.is_finite());
    let (least, most) = before.fold((f64::INFINITY, 0.0), |(least, most): (f64, f64), value| {
        (least.min(value.max(0.1)), most.max(value.max(0.1)))
    });
    if least <= most {
        canvas.rect((axis.at(least) - 1.0, y + 41.0), (axis.at(most) + 1.0, y + 44.0), Ink::Series(0));
        canvas.title(&format!("before fault {}: up to {}", fault.id, number::ms(most)));
    }
    marks(canvas, axis, fault, y + 13.0, true);
    marks(canvas, axis, fault, y + 29.0, false);
}

/// The marks of one kind of partition in their lane, the greatest with its value.
fn marks(canvas: &mut Canvas, axis: &Axis, fault: &FaultReport, y: f64, affected: bool) {
    let observed = |gap: &&PartitionGap| gap.affected == affected && gap.gap_ms.is_some_and(f64::is_finite);
    let ink = if affected { AFFECTED } else { BYSTANDER };
    let mut drawn: BTreeSet<(i64, i64)> = BTreeSet::new();
    // Where there are many, those that nearly hide one another are drawn once.
    let grain = if fault.partitions.len() > 64 { 3.0 } else { 0.5 };
    for gap in fault.partitions.iter().filter(observed) {
        let value = gap.gap_ms.unwrap_or_default();
        // Marks of a like value would hide one another: the partition's number spreads them over the lane.
        let spread = f64::from(gap.partition.wrapping_mul(5) % 7) - 3.0;
        let at = (axis.at(value.max(0.1)), y + spread);
        if drawn.insert(((at.0 / grain) as i64, at.1 as i64)) {
            canvas.dot(at, if affected { 3.5 } else { 3.0 }, ink, affected);
            canvas.title(&format!("partition {}: {}", gap.partition, number::ms(value)));
        }
    }
    if let Some(most) = Spread::of(fault.partitions.iter().filter(observed).filter_map(|gap| gap.gap_ms)).max {
        let font = Font { size: 12.0, bold: affected, ink: if affected { Ink::Text } else { Ink::Muted } };
        canvas.text(&number::ms(most), (axis.at(most.max(0.1)) + 9.0, y), Side::Start, font);
    }
}

fn alt(faults: &[&FaultReport]) -> String {
    let lines = faults.iter().take(8).map(|fault| {
        let affected = fault.partitions.iter().filter(|gap| gap.affected).filter_map(|gap| gap.gap_ms);
        let most = Spread::of(affected).max.map_or_else(|| "unobserved".to_owned(), number::ms);
        format!("{} {}: {most}", fault.kind, fault.target)
    });
    format!("Longest gap of affected partitions by fault: {}.", lines.collect::<Vec<_>>().join("; "))
}
